//! Transitions of the past, page by page.

use super::error::Fault;
use super::points::{PAGE_BYTES_MAX, PAGE_POINTS_MAX};
use super::tables::{ALERTS, AlertKey, alert_place, open};
use super::{Level, Limits, book};
use crate::store::unseal;
use redb::ReadTransaction;
use std::iter::empty;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;
use streamgauge_pipeline::alert_record::AlertRecord;
use streamgauge_pipeline::render::Renderer;

/// A page ends after so many looks at the table, however few of what is there were wanted.
const PAGE_LOOKS_MAX: usize = 5_000;

/// Which transitions are asked for; by default all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertsWanted {
    /// Those of this alert.
    pub alert: Option<String>,
    /// Those at this moment or after it.
    pub from: Option<Timestamp>,
    /// Those before this moment.
    pub to: Option<Timestamp>,
}

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertsCursor(AlertKey);

/// Some transitions, in the order of their times, and of those at one time in the order in which they were decided.
#[derive(Clone, Debug)]
pub struct AlertsPage {
    /// The transitions with their evidence and who was told.
    pub record: AlertRecord,
    /// Where the next page begins; absent if this is the last one. A page may be empty and not be the last.
    pub next: Option<AlertsCursor>,
}

impl AlertsPage {
    /// Appends them as JSON lines, as a replay prints them.
    pub fn json(&self, out: &mut Vec<u8>) {
        let renderer = Renderer::recorded(empty(), self.record.alerts.clone());
        for (transition, verdict) in &self.record.transitions {
            renderer.alert_json(transition, verdict, out);
        }
    }
}

/// Reads a page.
pub(super) fn page(
    read: &ReadTransaction,
    limits: &Limits,
    wanted: &AlertsWanted,
    after: Option<&AlertsCursor>,
) -> Result<AlertsPage, Fault> {
    let mut page = AlertsPage { record: AlertRecord::default(), next: None };
    let Some(table) = open(read, ALERTS)? else { return Ok(page) };
    let clock = book::read_state(read)?.clock;
    let oldest = limits.oldest(Level::ALERTS, clock).plus(1);
    let begin = (wanted.from.map_or(oldest, |from| from.max(oldest)).as_millis(), 0, 0);
    let begin = after.map_or(begin, |after| after.0.max(begin));
    let end = (wanted.to.map_or(i64::MAX, Timestamp::as_millis), 0, 0);
    if begin >= end {
        return Ok(page);
    }
    let (mut bytes, mut looks) = (0, 0);
    for row in table.range(begin..end)? {
        let (key, sealed) = row?;
        let (key, sealed) = (key.value(), sealed.value());
        if page.record.transitions.len() >= PAGE_POINTS_MAX
            || bytes >= PAGE_BYTES_MAX
            || looks >= PAGE_LOOKS_MAX
        {
            page.next = Some(AlertsCursor(key));
            return Ok(page);
        }
        looks += 1;
        bytes += sealed.len();
        take(&mut page.record, AlertRecord::decode(unseal(alert_place(key), sealed)?)?, wanted);
    }
    Ok(page)
}

/// Takes what is asked for of a record, beside what there is already.
fn take(record: &mut AlertRecord, more: AlertRecord, wanted: &AlertsWanted) {
    for (transition, verdict) in more.transitions {
        let Some(alert) = more.alerts.get(transition.alert) else { continue };
        if wanted.alert.as_ref().is_some_and(|name| *name != alert.name) {
            continue;
        }
        let known = record.alerts.iter().rposition(|one| one == alert);
        let place = known.unwrap_or_else(|| {
            record.alerts.push(alert.clone());
            record.alerts.len() - 1
        });
        record.transitions.push((Transition { alert: place, ..transition }, verdict));
    }
}
