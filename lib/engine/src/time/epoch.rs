//! Event times that are numbers: seconds or milliseconds since the epoch, read as exact decimals.

use super::{TimeError, Timestamp};
use crate::decimal::text::{NumberText, Rest};

/// Reads `text`, a JSON number of seconds or else milliseconds; finer than a millisecond is cut.
pub(super) fn parse(text: &str, seconds: bool) -> Result<Timestamp, TimeError> {
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
