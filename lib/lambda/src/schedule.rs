//! Schedules: moments at which a function is invoked, asynchronously.
//!
//! ```
//! use streamgauge_lambda::{schedule::Timetable, stack::ScheduleKind};
//!
//! let start = "2026-03-07T12:00:00Z".parse().unwrap();
//! let zone = Some("America/Los_Angeles");
//! let daily = Timetable::new("cron(30 2 * * ? *)", zone, ScheduleKind::Scheduler, start).unwrap();
//! // On the 8th clocks go from 02:00 to 03:00, so that day has no 02:30.
//! assert_eq!(daily.next_after(start), Some("2026-03-09T09:30:00Z".parse().unwrap()));
//! ```
//!
//! Expressions are AWS's: `rate(5 minutes)`, `cron(0 12 * * ? *)`, and for Scheduler `at(2026-01-05T10:00:00)`. Guides:
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html> and, for scheduled rules,
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>.
//!
//! # As AWS documents it
//!
//! - Cron expressions have six fields; one of day-of-month and day-of-week is `?`; `L`, `W`, `#` mean what [`days`] says.
//!   Scheduler may leave out the year.
//! - Where clocks go forward, a time that does not exist is skipped. Where they go back, a time that comes twice is kept
//!   the first time only; so `cron(* * * * ? *)` is silent for that hour, while `rate` and UTC are not.
//! - `rate(1 day)` is 24 hours on any day. A rule wants `1 minute` and `5 minutes`; the guide of Scheduler itself writes
//!   `rate(1 days)`, so there both are taken.
//! - Rules are kept in UTC. A rate of Scheduler begins at once.
//!
//! # What is our choice
//!
//! - AWS fires within 60 s of the moment; the simulator fires at it.
//! - A rate of a rule first fires after one period. An `at` that is past never fires, and one that does not exist, since
//!   clocks go forward, is an error. An expression that never holds (30 February) is taken and never fires.
//! - If the clock jumped over several moments, or submitting took long, each of them fires, late and in order, with the
//!   time at which it was due; above [`CATCH_UP_TICKS_MAX`] the later ones are left out, which is told.
//! - Start and end dates and flexible windows of Scheduler are not imitated.
//!
//! # Why no cron crate
//!
//! `croner` is well kept, works on jiff and reads `L`, `W`, `#` and years, but another dialect (tried with 4.0.3): it refuses
//! AWS's `0/15`, takes both day fields at once, both as `?`, and `3#1,6#3`, wants seconds where there are years, and tells
//! no place in its errors. Checking and rewriting all that first is a parser already; what would be left to the crate is the
//! search, which is short.

mod cron;
mod days;
mod driver;
mod error;
mod event;
mod field;

pub use driver::{CATCH_UP_TICKS_MAX, Submit, Tick, Ticker};
pub use error::ScheduleError;
pub use event::event;

use crate::stack::{Schedule, ScheduleKind};
use cron::Cron;
use error::{Mistake, Part};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};

/// The moments of a schedule.
#[derive(Clone, Debug)]
pub struct Timetable {
    moments: Moments,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum Moments {
    Rate { first: Timestamp, period: SignedDuration },
    Cron(Cron),
    At(Timestamp),
}

impl Timetable {
    /// Reads an expression. `start` is when the schedule was made: rates count from it.
    pub fn new(
        expression: &str,
        time_zone: Option<&str>,
        kind: ScheduleKind,
        start: Timestamp,
    ) -> Result<Self, ScheduleError> {
        let zone = match (time_zone, kind) {
            (None, _) => TimeZone::UTC,
            (Some(name), ScheduleKind::Scheduler) => TimeZone::get(name)
                .map_err(|source| ScheduleError::TimeZone { name: name.to_owned(), source })?,
            (Some(name), ScheduleKind::Rule) => {
                let (expression, name) = (expression.to_owned(), name.to_owned());
                return Err(ScheduleError::ZoneOfRule { expression, name });
            }
        };
        let moments = moments(Part::new(expression), &zone, kind, start);
        Ok(Self { moments: moments.map_err(|mistake| mistake.of(expression))?, zone })
    }

    /// The timetable of a schedule that is made at `start`.
    pub fn of(schedule: &Schedule, start: Timestamp) -> Result<Self, ScheduleError> {
        Self::new(&schedule.expression, schedule.time_zone.as_deref(), schedule.kind, start)
    }

    /// The first moment after another; none if there is none any more.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match &self.moments {
            Moments::Rate { first, period } => next_of_rate(*first, *period, moment),
            Moments::Cron(cron) => next_of_cron(cron, &self.zone, moment),
            Moments::At(at) => Some(*at).filter(|at| *at > moment),
        }
    }
}

fn moments(
    part: Part<'_>,
    zone: &TimeZone,
    kind: ScheduleKind,
    start: Timestamp,
) -> Result<Moments, Mistake> {
    let scheduler = kind == ScheduleKind::Scheduler;
    if let Some(fields) = part.between("cron(", ")") {
        return Cron::parse(fields, scheduler).map(Moments::Cron);
    }
    if let Some(rate) = part.between("rate(", ")") {
        let period = period(rate, kind)?;
        let first = if scheduler { Some(start) } else { start.checked_add(period).ok() };
        let remedy = "write a shorter period";
        return first
            .map(|first| Moments::Rate { first, period })
            .ok_or_else(|| Mistake::new(rate, "the first moment is out of reach", remedy));
    }
    match part.between("at(", ")") {
        Some(moment) if scheduler => at(moment, zone).map(Moments::At),
        Some(_) => {
            Err(Mistake::new(part, "a scheduled rule has no `at`", "use `Type: ScheduleV2`"))
        }
        None => Err(Mistake::new(
            part,
            "this is no schedule expression",
            "write `rate(5 minutes)`, `cron(0 12 * * ? *)` or, for Scheduler, `at(2026-01-05T10:00:00)`",
        )),
    }
}

const UNITS: [(&str, &str, i64); 3] =
    [("minute", "minutes", 60), ("hour", "hours", 3_600), ("day", "days", 86_400)];

/// The longest period, in the unit that is written: what a signed 32-bit number holds. AWS documents no limit.
const RATE_MAX: i64 = 2_147_483_647;

fn period(part: Part<'_>, kind: ScheduleKind) -> Result<SignedDuration, Mistake> {
    let words = part.words();
    let [value, unit] = words.as_slice() else {
        return Err(Mistake::new(part, "a rate is a number and a unit", "write `5 minutes`"));
    };
    let digits = value.text.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.text.parse::<i64>().ok().filter(|_| digits);
    let number = number.filter(|number| (1..=RATE_MAX).contains(number)).ok_or_else(|| {
        let problem = format!("`{}` is no number of a rate", value.text);
        Mistake::new(*value, problem, format!("write a whole number from 1 to {RATE_MAX}"))
    })?;
    let found = UNITS.iter().find(|(one, many, _)| [*one, *many].contains(&unit.text));
    let Some((one, many, seconds)) = found else {
        let problem = format!("`{}` is no unit of a rate", unit.text);
        return Err(Mistake::new(*unit, problem, "write minutes, hours or days"));
    };
    let right = if number == 1 { one } else { many };
    if kind == ScheduleKind::Rule && unit.text != *right {
        let problem = "the unit of a scheduled rule must agree with its number";
        return Err(Mistake::new(*unit, problem, format!("write `{number} {right}`")));
    }
    Ok(SignedDuration::from_secs(number.saturating_mul(*seconds)))
}

fn at(part: Part<'_>, zone: &TimeZone) -> Result<Timestamp, Mistake> {
    const FORM: &str = "dddd-dd-ddTdd:dd:dd";
    let formed = part.text.len() == FORM.len()
        && part.text.bytes().zip(FORM.bytes()).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            _ => byte == form,
        });
    let moment = part.text.parse::<DateTime>().ok().filter(|_| formed).ok_or_else(|| {
        let problem = format!("`{}` is no moment", part.text);
        Mistake::new(part, problem, "write it as `2026-01-05T10:00:00`")
    })?;
    instant(moment, zone).ok_or_else(|| {
        let name = zone.iana_name().unwrap_or("the time zone");
        let problem = format!("clocks in {name} go forward over `{}`", part.text);
        Mistake::new(part, problem, "choose a time before or after")
    })
}

/// When a wall clock shows a time first; none if it never does.
fn instant(clock: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(clock).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(clock).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(clock).ok(),
        AmbiguousOffset::Gap { .. } => None,
    }
}

fn next_of_rate(first: Timestamp, period: SignedDuration, moment: Timestamp) -> Option<Timestamp> {
    if moment < first {
        return Some(first);
    }
    let passed = moment.duration_since(first).as_nanos();
    let periods = passed.checked_div(period.as_nanos())?.checked_add(1)?;
    let after = SignedDuration::from_nanos_i128(period.as_nanos().checked_mul(periods)?);
    first.checked_add(after).ok()
}

/// Goes on along the wall clock. What it shows first, in the order in which it counts, comes in that order; what is
/// skipped has no instant, and what comes a second time has one that is past.
fn next_of_cron(cron: &Cron, zone: &TimeZone, moment: Timestamp) -> Option<Timestamp> {
    let mut from = zone.to_datetime(moment);
    loop {
        let clock = cron.next_from(from)?;
        if let Some(found) = instant(clock, zone).filter(|found| *found > moment) {
            return Some(found);
        }
        from = clock.checked_add(Span::new().minutes(1)).ok()?;
    }
}

#[cfg(test)]
mod tests;
