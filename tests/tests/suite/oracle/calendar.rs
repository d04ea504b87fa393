//! Windows, by looking for them: a day begins at the first second whose local date is that day or a later one.
//!
//! Nothing here knows about transitions, gaps or folds; it asks for the local date of one second after another.

use super::model::{Metric, Rules, Weekday};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

pub(super) const DAY_MS: i64 = 86_400_000;

/// One window: `[start, end)`, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// The days of a time zone.
#[derive(Debug)]
pub(super) struct Days {
    name: &'static str,
    zone: TimeZone,
    week_starts: Weekday,
}

/// First instants of days, by zone, that were looked for before: the search is slow.
static FOUND: Mutex<BTreeMap<(&str, i64), i64>> = Mutex::new(BTreeMap::new());

impl Days {
    pub(super) fn new(rules: &Rules) -> Self {
        let name = rules.time_zone;
        Self { name, zone: TimeZone::get(name).unwrap(), week_starts: rules.week_starts }
    }

    /// The window of a metric that holds a time.
    pub(super) fn window(&self, metric: &Metric, time_ms: i64) -> Span {
        let length = metric.window_ms;
        if length < DAY_MS {
            let start = time_ms.div_euclid(length) * length;
            return Span { start, end: start + length };
        }
        let days = length / DAY_MS;
        let origin = if days % 7 == 0 { self.week_starts.first_of_1970() } else { 0 };
        let number = (self.day(time_ms) - origin).div_euclid(days);
        let start = origin + number * days;
        Span { start: self.first_instant(start), end: self.first_instant(start + days) }
    }

    /// The number of the day, from 1970-01-01, whose first instant is the last one at or before this time.
    pub(super) fn day(&self, time_ms: i64) -> i64 {
        let guess = time_ms.div_euclid(DAY_MS);
        (guess - 2..=guess + 2).rev().find(|&day| self.first_instant(day) <= time_ms).unwrap()
    }

    fn first_instant(&self, day: i64) -> i64 {
        let found = || FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&instant) = found().get(&(self.name, day)) {
            return instant;
        }
        // No zone is more than 14 hours before UTC, nor more than 12 after it; and a day may be skipped.
        let (from, to) = (day * 86_400 - 15 * 3600, day * 86_400 + 37 * 3600);
        let minute = (from..to).step_by(60).find(|&second| self.local_day(second) >= day).unwrap();
        let second = (minute - 60..=minute).find(|&second| self.local_day(second) >= day).unwrap();
        found().insert((self.name, day), second * 1000);
        second * 1000
    }

    /// The local date of a second, in days since 1970-01-01.
    fn local_day(&self, second: i64) -> i64 {
        let offset = self.zone.to_offset(Timestamp::from_second(second).unwrap());
        (second + i64::from(offset.seconds())).div_euclid(86_400)
    }
}

/// A time as the output shows it.
pub(super) fn time_text(time_ms: i64) -> String {
    let time = Timestamp::from_millisecond(time_ms).unwrap();
    let format = if time_ms % 1000 == 0 { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S.%3fZ" };
    time.strftime(format).to_string()
}
