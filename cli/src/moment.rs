//! Times as they are typed.

use crate::exit::Failure;
use streamgauge_engine::time::{TimeError, Timestamp};

/// The time after an option.
pub(crate) fn parse(text: &str, option: &str) -> Result<Timestamp, Failure> {
    Timestamp::parse_rfc3339(text).map_err(|error| {
        Failure::wrong(format!("`{text}` is no time for {option}")).hint(match error {
            TimeError::OutOfRange => "times are from 1970 to 2199",
            TimeError::Invalid | TimeError::LeapSecond => "write it as 2026-01-05T10:00:00Z",
        })
    })
}
