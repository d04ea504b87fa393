//! What was decided, as far as somebody asks for it often: totals and newest windows for scrapes, what fires, how many lines there were.

use crate::exposition::{Newest, Series, Total};
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::output::{Status, Values};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::{Transition, TransitionKind};
use streamgauge_pipeline::alert_record::RecordedAlert;

/// More series of a metric than this are not held for scrapes; those with the oldest windows go.
const SERIES_HELD_MAX: usize = 100_000;

/// A step of an alert for a group: alert, step, group.
type Incident = (String, Option<String>, Vec<u8>);

/// A point of some metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'s> {
    pub(super) metric: &'s str,
    pub(super) series: &'s Arc<SeriesKey>,
    pub(super) window_start: Timestamp,
    pub(super) window_end: Timestamp,
    pub(super) status: Status,
    pub(super) values: &'s Values,
}

/// The view.
#[derive(Debug, Default)]
pub(super) struct View {
    /// All that the store has is in it.
    pub(super) is_read: bool,
    /// The newest rules.
    pub(super) plan: Option<Arc<Plan>>,
    /// How many points were decided since the process began.
    pub(super) points: u64,
    /// How many transitions.
    pub(super) alerts: u64,
    series: BTreeMap<String, BTreeMap<Arc<SeriesKey>, Held>>,
    /// What is pending or fires, each with its line.
    active: BTreeMap<Incident, (TransitionKind, Vec<u8>)>,
}

#[derive(Debug)]
struct Held {
    total: Total,
    newest: Option<Newest>,
}

impl View {
    /// One of these rules that has seen nothing.
    pub(super) fn of(plan: Option<Arc<Plan>>) -> Self {
        Self { plan, ..Self::default() }
    }

    /// Adds to the totals of a series.
    pub(super) fn add(&mut self, seen: Seen<'_>) {
        let all = self.series.entry(seen.metric.to_owned()).or_default();
        if let Some(held) = all.get_mut(seen.series) {
            held.total.add(seen.values);
            return;
        }
        let total = Total::of(seen.values);
        all.insert(Arc::clone(seen.series), Held { total, newest: None });
        if all.len() >= 2 * SERIES_HELD_MAX {
            forget(all);
        }
    }

    /// Sees a window, final or corrected.
    pub(super) fn see(&mut self, seen: Seen<'_>) {
        let held = self.series.get_mut(seen.metric).and_then(|all| all.get_mut(seen.series));
        let Some(held) = held else { return };
        match (&mut held.newest, seen.status) {
            (Some(newest), Status::Correction) => {
                if newest.window_start == seen.window_start && !newest.values.merge(seen.values) {
                    held.newest = None;
                }
            }
            (_, Status::Open) | (None, Status::Correction) => {}
            (newest, Status::Final) => {
                if newest.as_ref().is_none_or(|newest| newest.window_end <= seen.window_end) {
                    let (window_start, window_end) = (seen.window_start, seen.window_end);
                    *newest =
                        Some(Newest { window_start, window_end, values: seen.values.clone() });
                }
            }
        }
    }

    /// Sees a transition, and its line.
    pub(super) fn transition(
        &mut self,
        alert: &RecordedAlert,
        transition: &Transition,
        line: &[u8],
    ) {
        let step = alert.step(transition).and_then(|step| step.name.clone());
        let incident = (alert.name.clone(), step, transition.group.packed().to_vec());
        match transition.kind {
            TransitionKind::Resolved => drop(self.active.remove(&incident)),
            kind => drop(self.active.insert(incident, (kind, line.to_vec()))),
        }
    }

    /// The lines of what is pending or fires.
    pub(super) fn active(&self) -> impl Iterator<Item = &[u8]> {
        self.active.values().map(|(_, line)| line.as_slice())
    }

    /// For how many groups a step fires.
    pub(super) fn firing(&self, alert: &str, step: Option<&str>) -> u64 {
        let fires = |((name, of, _), (kind, _)): &(&Incident, &(TransitionKind, Vec<u8>))| {
            name == alert && of.as_deref() == step && *kind == TransitionKind::Firing
        };
        u64::try_from(self.active.iter().filter(fires).count()).unwrap_or(u64::MAX)
    }

    /// The series of a metric.
    pub(super) fn series(&self, metric: &str) -> Vec<Series> {
        let series = |(key, held): (&Arc<SeriesKey>, &Held)| Series {
            key: Arc::clone(key),
            total: held.total,
            newest: held.newest.clone(),
        };
        self.series.get(metric).map(|all| all.iter().map(series).collect()).unwrap_or_default()
    }
}

/// Keeps those with the newest windows.
fn forget(all: &mut BTreeMap<Arc<SeriesKey>, Held>) {
    let end = |held: &Held| held.newest.as_ref().map(|newest| newest.window_end);
    let mut ends: Vec<_> = all.values().map(end).collect();
    let (_, middle, _) = ends.select_nth_unstable(SERIES_HELD_MAX);
    let middle = *middle;
    all.retain(|_, held| end(held) > middle);
}
