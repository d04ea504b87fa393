//! Bytes of a file or a pipe to offers of whole lines.
//!
//! A line without its end waits for it. Of a line that is longer than events may be only so much is kept that it is seen to be; it is a
//! reject like any other.

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr_iter, memrchr};
use std::collections::VecDeque;
use std::ops::Range;
use streamgauge_engine::decode::RECORD_BYTES_MAX;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whole lines, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Their text.
    pub(crate) text: Bytes,
    /// The lines that are not empty, without their ends.
    pub(crate) records: Vec<Range<usize>>,
    /// The place of the text's first byte.
    pub(crate) start: u64,
    /// The place after the last line, with its end.
    pub(crate) end: u64,
}

/// Cuts bytes into lines.
#[derive(Debug)]
pub(crate) struct Cutter {
    /// What is not cut yet. After [`Cutter::take`] it holds no line end.
    buffer: BytesMut,
    /// The place of its first byte.
    start: u64,
    /// So much of it holds no line end.
    searched: usize,
    /// How many bytes of a line that is too long were left out after the buffer.
    left_out: u64,
    ready: VecDeque<Cut>,
    line_max: usize,
}

impl Cutter {
    /// A cutter of what stands at a place: the beginning of a line.
    pub(crate) fn at(start: u64) -> Self {
        Self {
            buffer: BytesMut::new(),
            start,
            searched: 0,
            left_out: 0,
            ready: VecDeque::new(),
            line_max: RECORD_BYTES_MAX,
        }
    }

    /// What stands next.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if self.searched == self.buffer.len() && self.buffer.len() > self.line_max {
            let end = memchr(b'\n', rest);
            self.left_out += widen(end.unwrap_or(rest.len()));
            let Some(end) = end else { return };
            self.cut_long_line(1);
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        self.buffer.extend_from_slice(rest);
    }

    /// The lines that are whole by now.
    pub(crate) fn take(&mut self) -> Option<Cut> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(ready);
        }
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(last) = memrchr(b'\n', unsearched) else {
            self.searched = self.buffer.len();
            return None;
        };
        let text = self.buffer.split_to(self.searched + last + 1).freeze();
        self.searched = self.buffer.len();
        Some(self.cut(text))
    }

    /// What is left without its end, as a line: nothing comes any more.
    pub(crate) fn finish(&mut self) -> Option<Cut> {
        if self.left_out > 0 {
            self.cut_long_line(0);
            return self.ready.pop_front();
        }
        self.searched = 0;
        let text = std::mem::take(&mut self.buffer).freeze();
        (!text.is_empty()).then(|| self.cut(text))
    }

    /// The place up to which bytes were pushed.
    pub(crate) fn pushed_to(&self) -> u64 {
        self.start + widen(self.buffer.len()) + self.left_out
    }

    fn cut(&mut self, text: Bytes) -> Cut {
        let start = self.start;
        self.start += widen(text.len());
        Cut { records: records(&text, start == 0), text, start, end: self.start }
    }

    /// A line that is too long has ended, by so many bytes.
    fn cut_long_line(&mut self, line_end: u64) {
        let text = std::mem::take(&mut self.buffer).freeze();
        let end = self.start + widen(text.len()) + self.left_out + line_end;
        let records = std::iter::once(0..text.len()).collect();
        self.ready.push_back(Cut { text, records, start: self.start, end });
        (self.start, self.searched, self.left_out) = (end, 0, 0);
    }
}

/// The lines of a text that are not empty.
fn records(text: &[u8], is_beginning: bool) -> Vec<Range<usize>> {
    let mut start = 0;
    if is_beginning && text.starts_with(BYTE_ORDER_MARK) {
        start = BYTE_ORDER_MARK.len();
    }
    let mut records = Vec::new();
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        let line = text.get(start..end).unwrap_or_default();
        let length = line.strip_suffix(b"\r").unwrap_or(line).len();
        if length > 0 {
            records.push(start..start + length);
        }
        start = end + 1;
    }
    records
}

pub(crate) fn widen(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All lines of these pieces with their places, `start..end=lines`, and what is left.
    fn cut(pieces: &[&[u8]], line_max: usize) -> Vec<(u64, u64, Vec<String>)> {
        let mut cutter = Cutter { line_max, ..Cutter::at(0) };
        let mut cuts = Vec::new();
        for piece in pieces {
            cutter.push(piece);
            cuts.extend(std::iter::from_fn(|| cutter.take()));
        }
        cuts.extend(cutter.finish());
        let text = |cut: &Cut, span: &Range<usize>| {
            String::from_utf8_lossy(&cut.text[span.clone()]).into_owned()
        };
        let lines = |cut: &Cut| cut.records.iter().map(|span| text(cut, span)).collect();
        cuts.iter().map(|cut| (cut.start, cut.end, lines(cut))).collect()
    }

    fn check(pieces: &[&[u8]], expect: &[(u64, u64, &[&str])]) {
        let cuts = cut(pieces, RECORD_BYTES_MAX);
        let expect = expect.iter().map(|(start, end, lines)| {
            (*start, *end, lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>())
        });
        assert_eq!(cuts, expect.collect::<Vec<_>>());
    }

    #[test]
    fn lines_are_cut_at_their_ends() {
        check(&[b"a\nb\nc"], &[(0, 4, &["a", "b"]), (4, 5, &["c"])]);
        check(&[b"a", b"b\r", b"\n", b"\n\nc\n"], &[(0, 4, &["ab"]), (4, 8, &["c"])]);
        check(&[b"\xef\xbb\xbfa\n"], &[(0, 5, &["a"])]);
        check(&[b""], &[]);
    }

    #[test]
    fn of_a_line_that_is_too_long_the_beginning_is_kept_and_the_next_one_comes() {
        let pieces: [&[u8]; 5] = [b"a\n", b"0123456", b"7890", b"12\nb\nc", b"d\n"];
        let expect = [
            (0, 2, vec!["a".to_owned()]),
            (2, 16, vec!["0123456".to_owned()]),
            (16, 18, vec!["b".to_owned()]),
            (18, 21, vec!["cd".to_owned()]),
        ];
        assert_eq!(cut(&pieces, 4), expect);
        assert_eq!(cut(&[b"01234", b"5"], 4), [(0, 6, vec!["01234".to_owned()])]);
    }

    proptest! {
        /// However the bytes come, the lines are the same and every place is covered once.
        #[test]
        fn cuts_do_not_depend_on_how_bytes_come(
            text in "[ab\r\n]{0,40}",
            mut ends in proptest::collection::vec(0..40_usize, 0..6),
        ) {
            ends.sort_unstable();
            let mut pieces = Vec::new();
            let mut start = 0;
            for end in ends.into_iter().map(|end| end.min(text.len())).chain([text.len()]) {
                pieces.push(&text.as_bytes()[start..end]);
                start = end;
            }
            let cuts = cut(&pieces, RECORD_BYTES_MAX);
            let lines: Vec<_> = cuts.iter().flat_map(|(_, _, lines)| lines.clone()).collect();
            let expect = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
            prop_assert_eq!(lines, expect.filter(|line| !line.is_empty()).collect::<Vec<_>>());
            let mut place = 0;
            for (first, behind, _) in cuts {
                prop_assert_eq!(first, place);
                place = behind;
            }
            prop_assert_eq!(place, u64::try_from(text.len()).unwrap());
        }
    }
}
