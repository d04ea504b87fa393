//! An input line by line, for those who do not replay it but pass it on.

use crate::block::Block;
use crate::input::{Input, InputError};
use std::ops::ControlFlow;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'l> {
    /// The line without its end.
    Whole(&'l [u8]),
    /// A line that is longer than events may be: its length in bytes.
    TooLong(u64),
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number in the input, from 1.
    pub number: u64,
    /// Bytes of the input, as stored, that were read when it came: to be compared with [`Input::size_hint`].
    pub bytes_read: u64,
}

/// Gives all lines that are not empty, with their places, until `take` breaks off; unpacks on the way.
pub fn each(
    input: Input,
    mut take: impl FnMut(Place, Line<'_>) -> ControlFlow<()>,
) -> Result<(), InputError> {
    let mut reader = input.open()?;
    let mut block = Block::default();
    while reader.next_block(&mut block)? {
        let bytes_read = reader.bytes_read();
        let place = |number| Place { number, bytes_read };
        if let Some(oversized) = &block.oversized
            && take(place(block.first_line), Line::TooLong(oversized.length)).is_break()
        {
            return Ok(());
        }
        for (line, number) in block.text.split(|byte| *byte == b'\n').zip(block.first_line..) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() && take(place(number), Line::Whole(line)).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::widen;

    /// The lines of some bytes with their numbers.
    fn check(bytes: &[u8], expect: &[(u64, &str)]) {
        let mut lines = Vec::new();
        let read = each(Input::bytes("x", bytes.to_vec()), |place, line| {
            let text = match line {
                Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                Line::TooLong(length) => format!("{length} bytes"),
            };
            assert!(place.bytes_read <= widen(bytes.len()));
            lines.push((place.number, text));
            ControlFlow::Continue(())
        });
        assert!(read.is_ok());
        let lines = lines.iter().map(|(number, text)| (*number, text.as_str()));
        assert_eq!(lines.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn lines_have_their_numbers_and_no_ends() {
        check(b"", &[]);
        check(b"a\n\nb\r\nc", &[(1, "a"), (3, "b"), (4, "c")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_by_its_length() {
        let bytes = [b"a\n".as_slice(), &vec![b'x'; 11 << 20], b"\nb\n"].concat();
        check(&bytes, &[(1, "a"), (2, "11534336 bytes"), (3, "b")]);
    }

    #[test]
    fn reading_ends_when_it_is_broken_off() {
        let mut count = 0;
        let read = each(Input::bytes("x", b"a\nb\n".to_vec()), |_, _| {
            count += 1;
            ControlFlow::Break(())
        });
        assert!(read.is_ok());
        assert_eq!(count, 1);
    }
}
