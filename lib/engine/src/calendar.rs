//! Tumbling windows: fixed lengths aligned to the epoch, whole days and weeks of a time zone.
//!
//! Every instant is in exactly one window (invariant W1): windows touch, and none is empty.
//!
//! | window | begins |
//! | --- | --- |
//! | `5m` | at multiples of 5 minutes since 1970-01-01T00:00:00Z, in every zone |
//! | `1d` | at the first instant of each day of `time_zone` |
//! | `3d` | at every third day, counted from 1970-01-01 |
//! | `7d` | at each `week_starts` day |
//! | `14d` | at every second one, counted from the first of 1970 |
//!
//! Days have 23 to 25 hours where clocks change, and a day that a zone skipped (Apia, 2011-12-30) has no instant: a
//! window of that day alone does not exist, and a longer one is shorter by it. See `zone.rs` for what a day's
//! first instant is, and `fixed.rs` for the arithmetic.
//!
//! ```
//! use streamgauge_engine::calendar::{Calendar, Weekday, Window};
//! use streamgauge_engine::time::Timestamp;
//!
//! let calendar = Calendar::new("Asia/Dubai", Weekday::Monday)?;
//! let time = Timestamp::parse_rfc3339("2026-01-05T22:30:00Z")?; // 02:30 on the 6th in Dubai
//! let day = calendar.window(Window::Days(1), time);
//! assert_eq!(day.start.to_string(), "2026-01-05T20:00:00Z");
//! assert_eq!(day.end.to_string(), "2026-01-06T20:00:00Z");
//! assert_eq!(calendar.window(Window::Fixed(300_000), time).start, time);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod fixed;
mod nearest;
mod zone;

use crate::time::{DAY_MS, MINUTE_MS, Millis, Timestamp};
use fixed::{first_weekday_of_1970, piece_start, weeks_start, window_start_ms};
use thiserror::Error;
use zone::Zone;

pub use cache::WindowCache;
pub use zone::{Showing, zone_data_version};

/// The length of a tumbling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Shorter than a day: aligned to the Unix epoch.
    Fixed(Millis),
    /// Whole days of the calendar's time zone, counted from 1970-01-01. A multiple of 7 is [`Window::Weeks`].
    Days(u32),
    /// Whole weeks, counted from the first `week_starts` day of 1970.
    Weeks(u32),
}

/// One window: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowSpan {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl WindowSpan {
    /// Whether `time` is in the window.
    #[inline]
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// `monday`
    Monday,
    /// `tuesday`
    Tuesday,
    /// `wednesday`
    Wednesday,
    /// `thursday`
    Thursday,
    /// `friday`
    Friday,
    /// `saturday`
    Saturday,
    /// `sunday`
    Sunday,
}

impl Weekday {
    /// The week, from Monday.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The name in the rules file: `monday`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }

    /// The day of a name, in full or by its first three letters: `monday`, `mon`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|day| day.as_str() == name || day.as_str().get(..3) == Some(name))
    }

    /// The weekday of a day number as [`Calendar::day`] counts them.
    pub fn of_day(day: i64) -> Self {
        let same = |weekday: &Self| first_weekday_of_1970(weekday.number()) == day.rem_euclid(7);
        Self::ALL.into_iter().find(same).unwrap_or(Self::Thursday)
    }

    /// The place in the week, from Monday as 0.
    const fn number(self) -> i64 {
        match self {
            Self::Monday => 0,
            Self::Tuesday => 1,
            Self::Wednesday => 2,
            Self::Thursday => 3,
            Self::Friday => 4,
            Self::Saturday => 5,
            Self::Sunday => 6,
        }
    }
}

/// Why there is no such calendar.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// The zone is not in the data that are compiled in.
    #[error(
        "the time zone `{name}` is not in the IANA database {}; names look like Asia/Dubai",
        zone_data_version()
    )]
    UnknownZone {
        /// What was asked for.
        name: String,
        /// The name that is most like it, if one is.
        nearest: Option<&'static str>,
    },
}

/// The time zone and the first day of the week: which instants whole days and weeks are made of.
///
/// Days are right for the years -9999 to 9999; beyond, they are UTC's.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: Zone,
    week_starts: Weekday,
}

impl Calendar {
    /// The calendar of an IANA time zone, by the zone data that are compiled in.
    pub fn new(zone: &str, week_starts: Weekday) -> Result<Self, CalendarError> {
        let known = Zone::named(zone).ok_or_else(|| CalendarError::UnknownZone {
            name: zone.to_owned(),
            nearest: nearest::nearest(zone, zone::zone_names()),
        })?;
        Ok(Self { zone: known, week_starts })
    }

    /// UTC, with weeks from Monday: what a rules file has that says nothing.
    pub fn utc() -> Self {
        Self { zone: Zone::utc(), week_starts: Weekday::Monday }
    }

    /// The IANA name of the time zone.
    pub fn zone(&self) -> &str {
        self.zone.name()
    }

    /// The first day of the week.
    pub const fn week_starts(&self) -> Weekday {
        self.week_starts
    }

    /// The window that holds `time`.
    pub fn window(&self, window: Window, time: Timestamp) -> WindowSpan {
        let time_ms = time.as_millis();
        match window {
            Window::Fixed(width_ms) => {
                let start = Timestamp::from_millis(window_start_ms(time_ms, width_ms));
                WindowSpan { start, end: start.plus(width_ms.max(1)) }
            }
            Window::Days(days) => {
                let days = i64::from(days.max(1));
                self.days(piece_start(self.zone.day(time_ms), 0, days), days)
            }
            Window::Weeks(weeks) => {
                let weeks = i64::from(weeks.max(1));
                let anchor = first_weekday_of_1970(self.week_starts.number());
                self.days(weeks_start(self.zone.day(time_ms), anchor, weeks), weeks * 7)
            }
        }
    }

    /// The window after one.
    pub fn next(&self, window: Window, span: WindowSpan) -> WindowSpan {
        self.window(window, span.end)
    }

    /// The day of an instant in the time zone, as a number from 1970-01-01.
    ///
    /// It is the day whose window of one day holds the instant: in an hour that clocks repeat over midnight, the later date.
    pub fn day(&self, time: Timestamp) -> i64 {
        self.zone.day(time.as_millis())
    }

    /// The first instant of a day.
    pub fn day_start(&self, day: i64) -> Timestamp {
        Timestamp::from_millis(self.zone.day_start_ms(day))
    }

    /// When the clocks of the time zone show a time of a day, in minutes since midnight; if they skip it, when they go on.
    pub fn shown(&self, day: i64, minutes: u32, showing: Showing) -> Timestamp {
        let midnight_ms = day.saturating_mul(DAY_MS);
        let local_ms = midnight_ms.saturating_add(i64::from(minutes) * MINUTE_MS);
        Timestamp::from_millis(self.zone.shown_ms(local_ms, showing))
    }

    /// The window from the first instant of one day to that of another.
    fn days(&self, first: i64, days: i64) -> WindowSpan {
        WindowSpan { start: self.day_start(first), end: self.day_start(first.saturating_add(days)) }
    }
}

#[cfg(test)]
mod tests;
