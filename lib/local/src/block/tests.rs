//! Lines are whole wherever reads and blocks happen to end.

use super::*;

/// A reader that gives at most `step` bytes at a time and then ends, or fails.
struct Dribble<'a> {
    rest: &'a [u8],
    step: usize,
    fails: bool,
}

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() && self.fails {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let count = self.step.min(buffer.len()).min(self.rest.len());
        let (now, later) = self.rest.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.rest = later;
        Ok(count)
    }
}

/// Everything the cutter says, one text per line or oversized line, and whether it failed at the end.
fn cut(bytes: &[u8], step: usize, sizes: Sizes, fails: bool) -> (Vec<String>, bool) {
    let mut source = Dribble { rest: bytes, step, fails };
    let mut cutter = Cutter::new(sizes, Vec::new());
    let mut block = Block::default();
    let mut said = Vec::new();
    loop {
        match cutter.next_block(&mut source, &mut block) {
            Ok(true) => say(&block, &mut said),
            Ok(false) => {
                assert!(block.text.is_empty() && block.oversized.is_none());
                return (said, false);
            }
            Err(_) => {
                assert!(
                    !cutter.next_block(&mut source, &mut block).unwrap(),
                    "an error comes once"
                );
                return (said, true);
            }
        }
    }
}

fn say(block: &Block, said: &mut Vec<String>) {
    if let Some(oversized) = &block.oversized {
        assert!(block.text.is_empty());
        let start = String::from_utf8_lossy(&oversized.start);
        said.push(format!("{} over {} {start}", block.first_line, oversized.length));
        return;
    }
    let lines = block
        .text
        .strip_suffix(b"\n")
        .expect("a block ends with a line end")
        .split(|&byte| byte == b'\n');
    said.extend(
        (block.first_line..)
            .zip(lines)
            .map(|(number, line)| format!("{number} {}", line.escape_ascii())),
    );
}

/// Checks the lines for every block size up to the text's and for small and large reads.
fn check(bytes: &[u8], expect: &[&str]) {
    for block in 1..=bytes.len() + 2 {
        for step in [1, 2, 3, usize::MAX] {
            let sizes = Sizes { block, line_max: 1000 };
            assert_eq!(
                cut(bytes, step, sizes, false),
                (expect.iter().map(|&line| line.to_owned()).collect(), false)
            );
        }
    }
}

#[test]
fn lines_are_whole_wherever_blocks_end() {
    check(b"", &[]);
    check(b"\n", &["1 "]);
    check(b"a", &["1 a"]);
    check(b"a\n", &["1 a"]);
    check(b"a\nb", &["1 a", "2 b"]);
    check(b"a\n\n\nbcd\ne\n", &["1 a", "2 ", "3 ", "4 bcd", "5 e"]);
    check(
        b"{\"a\":1}\r\n\r\n{\"b\":2}\r\n",
        &["1 {\\\"a\\\":1}\\r", "2 \\r", "3 {\\\"b\\\":2}\\r"],
    );
}

#[test]
fn bytes_that_are_no_text_pass_unchanged() {
    check(b"a\0b\n\xff\xfe\n", &["1 a\\x00b", "2 \\xff\\xfe"]);
    check(b"\xff\xfe{\0}\0\n\0", &["1 \\xff\\xfe{\\x00}\\x00", "2 \\x00"]);
}

#[test]
fn a_byte_order_mark_is_dropped_at_the_start_only() {
    // Blocks of 1 or 2 bytes would cut the mark itself, which real sizes never do.
    for block in 3..20 {
        let sizes = Sizes { block, line_max: 1000 };
        let expect = vec!["1 a".to_owned(), "2 \\xef\\xbb\\xbfb".to_owned()];
        assert_eq!(cut(b"\xef\xbb\xbfa\n\xef\xbb\xbfb", 1, sizes, false), (expect, false));
    }
    assert_eq!(cut(b"\xef\xbb\xbf", 1, Sizes::default(), false), (vec![], false));
}

#[test]
fn a_line_that_is_too_long_is_skipped_and_the_next_ones_are_read() {
    for block in 1..=6 {
        for step in [1, 4, usize::MAX] {
            let sizes = Sizes { block, line_max: 5 };
            let check = |bytes: &[u8], expect: &[&str]| {
                let expect = expect.iter().map(|&line| line.to_owned()).collect();
                assert_eq!(
                    cut(bytes, step, sizes, false),
                    (expect, false),
                    "block {block}, step {step}"
                );
            };
            check(b"12345\n12345", &["1 12345", "2 12345"]);
            check(b"123456\na\n", &["1 over 6 123456", "2 a"]);
            check(b"a\n123456789\nb\n", &["1 a", "2 over 9 123456", "3 b"]);
            check(b"123456789", &["1 over 9 123456"]);
            check(b"123456\n1234567\n\nb", &["1 over 6 123456", "2 over 7 123456", "3 ", "4 b"]);
        }
    }
}

#[test]
fn a_failure_comes_after_the_whole_lines_before_it() {
    for block in 1..12 {
        for step in [1, 3, usize::MAX] {
            let sizes = Sizes { block, line_max: 1000 };
            assert_eq!(
                cut(b"a\nb\nhalf", step, sizes, true),
                (vec!["1 a".to_owned(), "2 b".to_owned()], true)
            );
            assert_eq!(cut(b"", step, sizes, true), (vec![], true));
        }
    }
}

#[test]
fn ten_mebibytes_are_a_line_and_one_byte_more_is_not() {
    let mut bytes = vec![b'x'; LINE_BYTES_MAX];
    bytes.extend_from_slice(b"\n");
    bytes.resize(bytes.len() + LINE_BYTES_MAX + 1, b'y');
    bytes.extend_from_slice(b"\nlast\n");
    let mut source = bytes.as_slice();
    let mut cutter = Cutter::new(Sizes::default(), Vec::new());
    let mut block = Block::default();

    assert!(cutter.next_block(&mut source, &mut block).unwrap());
    assert_eq!((block.first_line, block.text.len()), (1, LINE_BYTES_MAX + 1));
    assert!(block.text.capacity() < 2 * LINE_BYTES_MAX);
    assert!(cutter.next_block(&mut source, &mut block).unwrap());
    let oversized =
        Oversized { length: widen(LINE_BYTES_MAX + 1), start: vec![b'y'; OVERSIZED_KEPT_BYTES] };
    assert_eq!((block.first_line, &block.oversized), (2, &Some(oversized)));
    assert!(block.text.capacity() <= 2 * BLOCK_BYTES, "the memory of a long line is given back");
    assert!(cutter.next_block(&mut source, &mut block).unwrap());
    assert_eq!((block.first_line, block.text.as_slice()), (3, b"last\n".as_slice()));
    assert!(!cutter.next_block(&mut source, &mut block).unwrap());
}

#[test]
fn blocks_of_short_lines_have_the_target_size() {
    let bytes = b"0123456789\n".repeat(100_000);
    let mut source = bytes.as_slice();
    let mut cutter = Cutter::new(Sizes::default(), Vec::new());
    let mut block = Block::default();
    let mut lines = 0;
    while cutter.next_block(&mut source, &mut block).unwrap() {
        assert_eq!(block.first_line, lines + 1);
        assert!(block.text.len() <= BLOCK_BYTES && block.text.capacity() <= BLOCK_BYTES + 1);
        lines += widen(block.text.len() / 11);
    }
    assert_eq!((lines, cutter.bytes_read()), (100_000, 1_100_000));
}
