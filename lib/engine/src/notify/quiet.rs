//! Quiet times: silences with a beginning and an end, and maintenance windows that come back every week.
//!
//! A maintenance window is quiet at every moment at which the clocks of its zone show a time in it. Where clocks are set, that is
//! not its usual length:
//!
//! | what happens | window | quiet |
//! | --- | --- | --- |
//! | clocks skip its beginning | 02:30 to 04:00, Berlin in March | from 03:00, when they go on |
//! | clocks skip all of it | 02:10 to 02:50, Berlin in March | never |
//! | clocks repeat its beginning | 02:30 to 04:00, Berlin in October | from the first 02:30 |
//! | clocks repeat its end | 01:00 to 02:30, Berlin in October | to the second 02:30 |

use super::matching::Facts;
use super::rules::{Maintenance, Notifying, Silence};
use super::why::Why;
use crate::calendar::{Showing, Weekday};
use crate::time::Timestamp;

/// A quiet time that holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    /// What of the two it is.
    pub(super) why: Why,
    /// The first moment after it; another may hold then.
    pub(super) until: Timestamp,
}

/// The quiet time that holds at a moment of event time, if one does: planned silences first, then those that were added, then
/// maintenance.
pub(super) fn quiet(
    notifying: &Notifying,
    added: &[Silence],
    facts: &Facts<'_>,
    at: Timestamp,
) -> Option<Quiet> {
    let holds = |silence: &&Silence| {
        silence.from <= at && at < silence.until && silence.matches.holds(facts)
    };
    if let Some(silence) = notifying.silences.iter().chain(added).find(holds) {
        return Some(Quiet { why: Why::Silenced, until: silence.until });
    }
    let mut maintenance = notifying.maintenance.iter();
    let until = maintenance
        .find_map(|window| if window.matches.holds(facts) { window.until(at) } else { None })?;
    Some(Quiet { why: Why::Maintenance, until })
}

impl Maintenance {
    /// The end of the window that holds a moment.
    pub(super) fn until(&self, at: Timestamp) -> Option<Timestamp> {
        let today = self.calendar.day(at);
        // One that began yesterday may go on today.
        [today.saturating_sub(1), today].into_iter().find_map(|day| {
            let (from, until) = self.on(day)?;
            (from <= at && at < until).then_some(until)
        })
    }

    /// The window that begins on a day, if one does.
    fn on(&self, day: i64) -> Option<(Timestamp, Timestamp)> {
        let weekday = Weekday::of_day(day);
        let mut weekdays = Weekday::ALL.iter().zip(self.weekdays);
        weekdays.find(|&(one, begins)| *one == weekday && begins)?;
        let last_day =
            if self.to_minutes > self.from_minutes { day } else { day.saturating_add(1) };
        let from = self.calendar.shown(day, self.from_minutes, Showing::First);
        Some((from, self.calendar.shown(last_day, self.to_minutes, Showing::Last)))
    }
}

#[cfg(test)]
mod tests;
