//! Event times that are numbers: seconds or milliseconds since the epoch, read as exact decimals.

use super::{SECOND_MS, TimeError, Timestamp};
use crate::decimal::text::{NumberText, Rest};

/// A whole number of at most this many digits has room for three more in 64 bits.
const SHORT_MAX: usize = 15;

/// Reads `text`, a JSON number of seconds or else milliseconds; finer than a millisecond is cut.
pub(super) fn parse(text: &str, seconds: bool) -> Result<Timestamp, TimeError> {
    if let Some(whole) = parse_short(text.as_bytes()) {
        return Timestamp::checked(if seconds { whole * SECOND_MS } else { whole });
    }
    let number = NumberText::parse(text).ok_or(TimeError::Invalid)?;
    let places = if seconds { 3 } else { 0 };
    let scaled = number.scaled(places).ok_or(TimeError::OutOfRange)?;
    // Just before the epoch is out of range, though cutting would make it 0. `-0` is the epoch itself.
    if scaled.negative && (scaled.whole > 0 || scaled.rest != Rest::Zero) {
        return Err(TimeError::OutOfRange);
    }
    let milliseconds =
        i64::try_from(scaled.whole).map_err(|_over_63_bits| TimeError::OutOfRange)?;
    Timestamp::checked(milliseconds)
}

/// A plain whole number, which most of them are; `None` leaves it to the long way.
fn parse_short(bytes: &[u8]) -> Option<i64> {
    let plain = matches!(bytes, [b'1'..=b'9', ..])
        && bytes.len() <= SHORT_MAX
        && bytes.iter().all(u8::is_ascii_digit);
    plain.then(|| bytes.iter().fold(0, |whole, byte| whole * 10 + i64::from(byte - b'0')))
}
