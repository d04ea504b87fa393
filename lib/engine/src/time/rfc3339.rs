//! RFC 3339 times by their digits, in both directions.
//!
//! A time that is read is cut after its minute: the first 16 characters, `2026-01-05T10:00`, are a fixed layout that
//! names a minute in some offset; the rest, `:05.123+04:00`, is added to it. Neighbouring events share the first part,
//! so [`TimeParser`] remembers what it came to.

use super::civil::{civil_from_days, days_from_civil, days_in_month};
use super::{DAY_MS, MINUTE_MS, SECOND_MS, TimeError, Timestamp};
use std::fmt::{self, Write as _};

/// The characters of a time up to its minute: `2026-01-05T10:00`.
type MinuteText = [u8; 16];

/// Reads times, and remembers the last minute.
///
/// It gives the same answers as [`Timestamp::parse_rfc3339`], whatever it read before.
///
/// ```
/// use streamgauge_engine::time::TimeParser;
///
/// let mut parser = TimeParser::new();
/// let first = parser.parse("2026-01-05T10:00:00Z")?;
/// let second = parser.parse("2026-01-05T10:00:01.5Z")?; // only the seconds are read
/// assert_eq!(second.as_millis() - first.as_millis(), 1_500);
/// # Ok::<(), streamgauge_engine::time::TimeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TimeParser {
    minute_text: MinuteText,
    minute_ms: i64,
}

impl Default for TimeParser {
    fn default() -> Self {
        Self::new()
    }
}

impl TimeParser {
    /// A parser that remembers the first minute of 1970.
    pub const fn new() -> Self {
        Self { minute_text: *b"1970-01-01T00:00", minute_ms: 0 }
    }

    /// Reads an event time; see [`Timestamp::parse_rfc3339`].
    #[inline]
    pub fn parse(&mut self, text: &str) -> Result<Timestamp, TimeError> {
        let (minute_text, rest) = text.as_bytes().split_first_chunk().ok_or(TimeError::Invalid)?;
        if *minute_text != self.minute_text {
            self.minute_ms = parse_minute(minute_text).ok_or(TimeError::Invalid)?;
            self.minute_text = *minute_text;
        }
        parse_rest(self.minute_ms, rest)
    }
}

/// The milliseconds of a minute, as if it were in UTC; `None` if there is no such minute.
fn parse_minute(text: &MinuteText) -> Option<i64> {
    let [c1, c2, y1, y2, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', i1, i2] =
        *text
    else {
        return None;
    };
    let year = two_digits(c1, c2)? * 100 + two_digits(y1, y2)?;
    let (month, day) = (two_digits(m1, m2)?, two_digits(d1, d2)?);
    let (hour, minute) = (two_digits(h1, h2)?, two_digits(i1, i2)?);
    let exists = (1..=days_in_month(year, month)).contains(&day) && hour < 24 && minute < 60;
    exists.then(|| days_from_civil(year, month, day) * DAY_MS + (hour * 60 + minute) * MINUTE_MS)
}

/// Adds the seconds, the fraction and the offset to a minute.
#[inline]
fn parse_rest(minute_ms: i64, rest: &[u8]) -> Result<Timestamp, TimeError> {
    let [b':', s1, s2, tail @ ..] = rest else {
        return Err(TimeError::Invalid);
    };
    let second = two_digits(*s1, *s2).filter(|&second| second <= 60).ok_or(TimeError::Invalid)?;
    let (fraction_ms, zone) = match tail {
        [b'.', digits @ ..] => parse_fraction(digits).ok_or(TimeError::Invalid)?,
        _ => (0, tail),
    };
    let offset_ms = match zone {
        [b'Z' | b'z'] => 0,
        _ => parse_offset(zone).ok_or(TimeError::Invalid)?,
    };
    if second == 60 {
        return Err(TimeError::LeapSecond);
    }
    Timestamp::checked(minute_ms + second * SECOND_MS + fraction_ms - offset_ms)
}

/// The milliseconds of the digits after the point, cut, and what follows the digits; `None` without a digit.
#[inline]
fn parse_fraction(digits: &[u8]) -> Option<(i64, &[u8])> {
    let (milliseconds, mut rest) = match digits {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
            (value(*a) * 100 + value(*b) * 10 + value(*c), rest)
        }
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => (value(*a) * 100 + value(*b) * 10, rest),
        [a @ b'0'..=b'9', rest @ ..] => (value(*a) * 100, rest),
        _ => return None,
    };
    // What is finer than a millisecond is cut.
    while let [b'0'..=b'9', tail @ ..] = rest {
        rest = tail;
    }
    Some((milliseconds, rest))
}

/// `+04:00` and the like; `-00:00` (an unknown local offset) is UTC.
fn parse_offset(zone: &[u8]) -> Option<i64> {
    let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = *zone else {
        return None;
    };
    let (hours, minutes) = (two_digits(h1, h2)?, two_digits(m1, m2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset_ms = (hours * 60 + minutes) * MINUTE_MS;
    Some(if sign == b'-' { -offset_ms } else { offset_ms })
}

/// What a digit stands for.
#[inline]
fn value(digit: u8) -> i64 {
    i64::from(digit - b'0')
}

#[inline]
fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// Writes a time: digits into one array, because `{:02}` is slow and every point of a replay has two times.
pub(super) fn write(time: Timestamp, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (year, month, day) = civil_from_days(time.as_millis().div_euclid(DAY_MS));
    let time_ms = time.as_millis().rem_euclid(DAY_MS);
    let seconds = time_ms / SECOND_MS;
    // No event has such years, but every time can be printed.
    if year < 0 {
        f.write_char('-')?;
    }
    let year = year.abs();
    if year > 9999 {
        write!(f, "{}", year / 10_000)?;
    }
    let ([c1, c2], [y1, y2]) = (digits(year / 100), digits(year));
    let ([m1, m2], [d1, d2]) = (digits(month), digits(day));
    let ([h1, h2], [i1, i2], [s1, s2]) =
        (digits(seconds / 3600), digits(seconds / 60 % 60), digits(seconds % 60));
    write_ascii(
        f,
        &[c1, c2, y1, y2, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2],
    )?;
    let milliseconds = time_ms % SECOND_MS;
    if milliseconds == 0 {
        return f.write_char('Z');
    }
    let ([_, hundreds], [tens, ones]) = (digits(milliseconds / 100), digits(milliseconds));
    write_ascii(f, &[b'.', hundreds, tens, ones, b'Z'])
}

/// The last two digits of a number that is not negative.
fn digits(number: i64) -> [u8; 2] {
    let last = |value: i64| b'0' + u8::try_from(value % 10).unwrap_or_default();
    [last(number / 10), last(number)]
}

fn write_ascii(f: &mut fmt::Formatter<'_>, ascii: &[u8]) -> fmt::Result {
    f.write_str(std::str::from_utf8(ascii).map_err(|_never_for_ascii| fmt::Error)?)
}
