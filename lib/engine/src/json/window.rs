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

/// One bit for each byte that ends the plain part of a string.
#[inline]
fn ends_plain(bytes: u8x16) -> u32 {
    let quote = bytes.simd_eq(u8x16::splat(b'"'));
    let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (quote | backslash | control).to_bitmask()
}

/// One bit for each digit among the first 16 bytes of a window.
#[inline]
pub(super) fn digits([bytes, _]: Window) -> u32 {
    let offsets = bytes - u8x16::splat(b'0');
    offsets.min(u8x16::splat(9)).simd_eq(offsets).to_bitmask()
}

/// The position of the lowest bit that is set.
#[inline]
pub(super) fn lowest(marks: u32) -> usize {
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
