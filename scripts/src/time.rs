//! Times of generated events: milliseconds since the epoch to RFC 3339.

use jiff::Timestamp;
use std::io;

/// 2026-01-05T10:00:00Z, where all generated events begin.
pub(crate) const START_MS: i64 = 1_767_607_200_000;

/// One minute, in milliseconds.
pub(crate) const MINUTE_MS: i64 = 60_000;

/// `2026-01-05T10:00:00.000Z`: always with milliseconds, so that all lines are of a length.
pub(crate) fn rfc3339(time_ms: i64) -> io::Result<String> {
    let time = Timestamp::from_millisecond(time_ms).map_err(io::Error::other)?;
    Ok(format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds() {
        assert_eq!(rfc3339(START_MS).unwrap(), "2026-01-05T10:00:00.000Z");
        assert_eq!(rfc3339(START_MS + 61_007).unwrap(), "2026-01-05T10:01:01.007Z");
    }

    #[test]
    fn a_time_out_of_range_is_an_error() {
        assert!(rfc3339(i64::MAX).is_err());
    }
}
