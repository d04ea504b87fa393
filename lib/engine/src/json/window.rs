//! Looking at 32 bytes at a time, in safe code.
//!
//! A window is two vectors of 16 bytes, which is what every x86-64 and aarch64 processor can do without asking. Where the
//! block ends inside a window, zeros stand in for what is missing. A zero is a control character, which ends every string,
//! and it never stands in a layout, so nothing that looks through a window can run past the block.

use wide::u8x16;

/// How many bytes a window shows.
pub(super) const WINDOW_BYTES: usize = 32;

/// The 32 bytes from a position on.
pub(super) type Window = [u8x16; 2];

/// The window at `at`.
#[inline]
pub(super) fn window(bytes: &[u8], at: usize) -> Window {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<WINDOW_BYTES>()) {
        Some(chunk) => halves(chunk),
        None => padded(bytes, at),
    }
}

/// The window at `at`, near the end of the block.
#[cold]
#[inline(never)]
fn padded(bytes: &[u8], at: usize) -> Window {
    let mut chunk = [0; WINDOW_BYTES];
    for (to, from) in chunk.iter_mut().zip(bytes.get(at..).unwrap_or_default()) {
        *to = *from;
    }
    halves(&chunk)
}

#[inline]
fn halves(chunk: &[u8; WINDOW_BYTES]) -> Window {
    match chunk.as_chunks::<16>().0 {
        &[low, high] => [u8x16::new(low), u8x16::new(high)],
        _ => [u8x16::ZERO; 2],
    }
}

/// The first position from `at` on that does not simply belong to a string: a quote, a backslash, a control character or the end
/// of `bytes`.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let [low, high] = window(bytes, at);
        let marks = ends_plain(low) | ends_plain(high) << 16;
        if marks != 0 {
            return at + lowest(marks);
        }
        at += WINDOW_BYTES;
    }
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
    fn a_window_shows_zeros_past_the_end() {
        let bytes: Vec<u8> = (1..=40).collect();
        for at in [0, 8, 9, 30, 39, 40, 41, usize::MAX] {
            let shown: Vec<u8> = window(&bytes, at).iter().flat_map(|half| half.to_array()).collect();
            let mut expected: Vec<u8> = bytes.iter().copied().skip(at).take(WINDOW_BYTES).collect();
            expected.resize(WINDOW_BYTES, 0);
            assert_eq!(shown, expected, "at {at}");
        }
    }

    #[test]
    fn every_byte_is_plain_or_ends_a_string_at_every_place() {
        for byte in 0..=u8::MAX {
            let ends = byte < 0x20 || byte == b'"' || byte == b'\\';
            for place in 0..70 {
                let mut bytes = [b'x'; 100];
                bytes[place] = byte;
                assert_eq!(plain_end(&bytes, 0), if ends { place } else { 100 }, "byte {byte} at {place}");
            }
        }
    }

    #[test]
    fn digits_are_found_and_nothing_else() {
        for byte in 0..=u8::MAX {
            let bytes = [byte; 32];
            assert_eq!(digits(window(&bytes, 0)), if byte.is_ascii_digit() { 0xffff } else { 0 }, "byte {byte}");
        }
    }
}
