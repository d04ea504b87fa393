//! Event time in whole milliseconds.
//!
//! Events carry their time as text, most often the same 20 or 24 characters of RFC 3339, and millions
//! of times the same minute. [`TimeParser`] reads digits directly and remembers the last minute, so that
//! the next event costs only its seconds. What is finer than a millisecond is cut.
//!
//! | written | read |
//! | --- | --- |
//! | `2026-01-05T10:00:00Z` | 2026-01-05 10:00:00.000 UTC |
//! | `2026-01-05 14:00:00.0019+04:00` | 2026-01-05 10:00:00.001 UTC |
//! | `2026-06-30T23:59:60Z` | [`TimeError::LeapSecond`] |
//! | `2026-02-30T10:00:00Z` | [`TimeError::Invalid`] |
//! | `1969-12-31T23:59:59Z` | [`TimeError::OutOfRange`] |
//!
//! ```
//! use streamgauge_engine::time::Timestamp;
//!
//! let time = Timestamp::parse_rfc3339("2026-01-05T14:00:00.25+04:00")?;
//! assert_eq!(time.as_millis(), 1_767_607_200_250);
//! assert_eq!(time.to_string(), "2026-01-05T10:00:00.250Z");
//! # Ok::<(), streamgauge_engine::time::TimeError>(())
//! ```

pub(crate) mod civil;
mod epoch;
mod length;
mod rfc3339;

use std::fmt;
use thiserror::Error;

pub use length::{Length, UNITS};
pub use rfc3339::TimeParser;

/// Milliseconds in a second.
pub const SECOND_MS: i64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds in a day of 24 hours.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// 2200-01-01T00:00:00Z: event times are before it.
const LIMIT_MS: i64 = civil::days_from_civil(2200, 1, 1) * DAY_MS;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A length of time in milliseconds; never negative in a plan.
pub type Millis = i64;

/// Why a text is no event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TimeError {
    /// The text does not have the form that was asked for, or names a date or hour that does not exist.
    #[error("not a time with date and zone; write it as 2026-01-05T10:00:00Z")]
    Invalid,
    /// The time is before 1970-01-01T00:00:00Z, or not before 2200-01-01T00:00:00Z.
    #[error("a time outside of 1970 to 2200; perhaps `time_unit` is wrong")]
    OutOfRange,
    /// The time is a leap second (`:60`).
    #[error("a leap second, which no window holds; send :59 instead")]
    LeapSecond,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z, the earliest event time that is valid.
    pub const EPOCH: Self = Self(0);

    /// The moment `milliseconds` after the epoch.
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment moved by `length` milliseconds; it stops at the ends of the range.
    #[must_use]
    pub const fn plus(self, length: Millis) -> Self {
        Self(self.0.saturating_add(length))
    }

    /// This moment moved back by `length` milliseconds; it stops at the ends of the range.
    #[must_use]
    pub const fn minus(self, length: Millis) -> Self {
        Self(self.0.saturating_sub(length))
    }

    /// Reads an event time as RFC 3339 writes it.
    ///
    /// Accepted are all of RFC 3339, also `t` and `z` in lower case, a space for the `T`, any offset below 24 hours
    /// and a fraction of any length, which is cut to milliseconds. To read many times, use a [`TimeParser`].
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        TimeParser::new().parse(text)
    }

    /// Reads an event time from the text of a JSON number: seconds since the epoch, or else milliseconds.
    ///
    /// The arithmetic is decimal and exact, with fraction and exponent; what is finer than a millisecond is cut.
    ///
    /// ```
    /// use streamgauge_engine::time::Timestamp;
    ///
    /// let expect = Ok(Timestamp::from_millis(1_767_607_200_123));
    /// assert_eq!(Timestamp::from_epoch_text("1767607200.1239", true), expect);
    /// assert_eq!(Timestamp::from_epoch_text("1.767607200123e12", false), expect);
    /// ```
    pub fn from_epoch_text(text: &str, seconds: bool) -> Result<Self, TimeError> {
        epoch::parse(text, seconds)
    }

    /// The text that [`Display`](fmt::Display) writes: `2026-01-05T10:00:00Z`.
    pub fn to_rfc3339(self) -> String {
        self.to_string()
    }

    /// A time that an event may have.
    fn checked(milliseconds: i64) -> Result<Self, TimeError> {
        if (0..LIMIT_MS).contains(&milliseconds) {
            Ok(Self(milliseconds))
        } else {
            Err(TimeError::OutOfRange)
        }
    }
}

/// RFC 3339 in UTC, with `.mmm` only when it is not zero. Any moment prints, also one before 1970 or year 0.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc3339::write(*self, f)
    }
}

#[cfg(test)]
mod tests;
