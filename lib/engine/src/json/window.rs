//! Looking at 32 bytes at a time, in safe code.
//!
//! A window is two vectors of 16 bytes, which is what every x86-64 and aarch64 processor can do without asking. Near the end of
//! the block, where there is no window any more, a cold path looks byte by byte.

use wide::u8x16;

/// How many bytes a window shows.
pub(super) const WINDOW_BYTES: usize = 32;

/// The 32 bytes from a position on.
pub(super) type Window = [u8x16; 2];

/// The window at `at`, if the block has that many bytes.
#[inline]
pub(super) fn window(bytes: &[u8], at: usize) -> Option<Window> {
    bytes.get(at..)?.first_chunk::<WINDOW_BYTES>().map(from_bytes)
}

/// The window of these bytes.
#[inline]
pub(super) fn from_bytes(bytes: &[u8; WINDOW_BYTES]) -> Window {
    match bytes.as_chunks::<16>().0 {
        &[low, high] => [u8x16::new(low), u8x16::new(high)],
        _ => [u8x16::ZERO; 2],
    }
}

/// The first position from `at` on that does not simply belong to a string: a quote, a backslash, a control character or the end
/// of `bytes`.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some([low, high]) = window(bytes, at) {
        let marks = ends_plain(low) | ends_plain(high) << 16;
        if marks != 0 {
            return at + lowest(marks);
        }
        at += WINDOW_BYTES;
    }
    plain_end_without_window(bytes, at)
}

#[cold]
#[inline(never)]
fn plain_end_without_window(bytes: &[u8], at: usize) -> usize {
    let ends = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(ends))
        .map_or(bytes.len(), |length| at + length)
}

/// How long a string was on an earlier line: where its last window showed the quote.
///
/// To find the end of a string takes some twenty cycles from loading its bytes, and the next segment could not begin before. Whether the
/// quote stands where it usually does is a branch, and processors guess branches and go on. So most strings cost no waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct UsualEnd {
    offset: usize,
    /// The bits up to the one at `offset`, that one included.
    marks: u32,
}

impl UsualEnd {
    /// The end of a string of this many bytes.
    pub(super) fn of(length: usize) -> Self {
        // The last offset is left out: its bits could not be told from those of a window without an end.
        let offset = length % WINDOW_BYTES % (WINDOW_BYTES - 1);
        Self { offset, marks: (2 << offset) - 1 }
    }
}

/// The closing quote of the string without escapes whose first character is at `at`. `usual` saves time and decides nothing.
///
/// None is no verdict: it may have escapes, be invalid or stand too near the end of the block. The same is true of [`short_number`].
#[inline]
pub(super) fn plain_text(bytes: &[u8], at: usize, usual: UsualEnd) -> Option<usize> {
    let mut end = at;
    loop {
        let [low, high] = window(bytes, end)?;
        let marks = ends_plain(low) | ends_plain(high) << 16;
        // The bits up to the lowest that is set, that one included.
        let up_to_lowest = marks ^ marks.wrapping_sub(1);
        if up_to_lowest == usual.marks {
            end += usual.offset;
            break;
        }
        if marks != 0 {
            end += lowest(marks);
            break;
        }
        end += WINDOW_BYTES;
    }
    (bytes.get(end) == Some(&b'"')).then_some(end)
}

/// The position behind a short plain number, `12` or `123.45`, that begins at `at`.
#[inline]
pub(super) fn short_number(bytes: &[u8], at: usize) -> Option<usize> {
    let seen = bytes.get(at..)?.first_chunk::<WINDOW_BYTES>()?;
    let others = !digits(from_bytes(seen));
    let whole = lowest(others);
    if whole == 0 || (whole > 1 && seen.first() == Some(&b'0')) {
        return None;
    }
    let mut length = whole;
    if seen.get(whole) == Some(&b'.') {
        length = lowest(others & (others - 1));
        if length == whole + 1 {
            return None;
        }
    }
    let goes_on = length >= 16 || matches!(seen.get(length), Some(b'e' | b'E'));
    if goes_on { None } else { Some(at + length) }
}

/// One bit for each byte that ends the plain part of a string.
#[inline]
fn ends_plain(bytes: u8x16) -> u32 {
    let quote = bytes.simd_eq(u8x16::splat(b'"'));
    let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (quote | backslash | control).to_bitmask()
}

/// One bit for each digit among the first 16 bytes of a window, and none above.
#[inline]
fn digits([bytes, _]: Window) -> u32 {
    let offsets = bytes - u8x16::splat(b'0');
    offsets.min(u8x16::splat(9)).simd_eq(offsets).to_bitmask()
}

/// The position of the lowest bit that is set.
#[inline]
fn lowest(marks: u32) -> usize {
    #[expect(clippy::as_conversions, reason = "at most 32")]
    {
        marks.trailing_zeros() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_plain_or_ends_a_string_at_every_place() {
        for byte in 0..=u8::MAX {
            let ends = byte < 0x20 || byte == b'"' || byte == b'\\';
            for place in 0..70 {
                let mut bytes = [b'x'; 100];
                bytes[place] = byte;
                assert_eq!(
                    plain_end(&bytes, 0),
                    if ends { place } else { 100 },
                    "byte {byte} at {place}"
                );
            }
        }
    }

    #[test]
    fn a_usual_end_decides_nothing() {
        for length in 0..70 {
            let block = format!("{}\"{}", "x".repeat(length), " ".repeat(64));
            for usual in 0..70 {
                let found = plain_text(block.as_bytes(), 0, UsualEnd::of(usual));
                assert_eq!(found, Some(length), "{length} bytes, usually {usual}");
            }
        }
    }

    #[test]
    fn short_numbers_are_read_or_left_alone() {
        let check = |number: &str, expected: Option<usize>| {
            for behind in [",", "}", " ", "x"] {
                let block = format!("{number}{behind}{}", "5".repeat(40));
                assert_eq!(short_number(block.as_bytes(), 0), expected, "{number}");
            }
        };
        for number in
            ["0", "7", "10", "123.45", "0.5", "0.00", "123456789012345", "1234567.1234567"]
        {
            check(number, Some(number.len()));
        }
        for number in [
            "",
            "-1",
            "01",
            "00.5",
            ".5",
            "1.",
            "1e5",
            "1.5E5",
            "1234567890123456",
            "1234567.12345678",
        ] {
            check(number, None);
        }
        check("1.5.5", Some(3));
        check("1-5", Some(1));
        assert_eq!(short_number(b"12,", 0), None);
    }

    #[test]
    fn digits_are_found_and_nothing_else() {
        for byte in 0..=u8::MAX {
            let bytes = [byte; 32];
            assert_eq!(
                digits(from_bytes(&bytes)),
                if byte.is_ascii_digit() { 0xffff } else { 0 },
                "byte {byte}"
            );
        }
    }
}
