//! What was decided, as far as somebody asks for it often: totals and newest windows for scrapes, what fires, how many lines there were.

use crate::cutter::widen;
use crate::decided::Decided;
use crate::exposition::{Newest, Series, Total};
use crate::page::{Mark, Source, pending_ms};
use crate::run::Rejected;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use streamgauge_engine::output::{MetricCounters, Status, Values};
use streamgauge_engine::plan::{Metric, Plan};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_engine::transition::{Transition, TransitionKind};
use streamgauge_pipeline::alert_record::RecordedAlert;
use streamgauge_pipeline::publication::PointKind;

/// So many deploys are shown, the newest; the control log has all.
const DEPLOYS_MAX: usize = 200;
/// Of more metrics than this it is not counted what they refused.
const METRICS_HELD_MAX: usize = 10_000;

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
    /// Rules files that cannot be used as they are now.
    pub(super) rejected: Option<Rejected>,
    /// The event time up to which everything is decided that was told.
    pub(super) watermark: Option<Timestamp>,
    /// Where the oldest window begins that the store has.
    pub(super) oldest: Option<Timestamp>,
    /// How many points were decided since the process began.
    pub(super) points: u64,
    /// How many transitions.
    pub(super) alerts: u64,
    /// What metrics refused as late or folded meanwhile, by their names.
    refused: BTreeMap<String, MetricCounters>,
    series: BTreeMap<String, BTreeMap<Arc<SeriesKey>, Held>>,
    /// The newest deploys, in the order of their times.
    deploys: VecDeque<Mark>,
    /// What is pending or fires.
    active: BTreeMap<Incident, Active>,
    /// What is pending, by the watermark beyond which it is not any more: it fires, or it is over, and that is told of nothing that is only pending.
    pending: BTreeMap<Timestamp, Vec<Incident>>,
}

/// What is pending or fires.
#[derive(Debug)]
struct Active {
    kind: TransitionKind,
    line: Vec<u8>,
    /// Where it is pending: the watermark beyond which it is not any more.
    until: Option<Timestamp>,
}

/// Series by their metrics, with what all of their points come to.
pub(super) type Totals = BTreeMap<String, BTreeMap<Arc<SeriesKey>, Total>>;

#[derive(Debug)]
struct Held {
    total: Total,
    newest: Option<Newest>,
}

/// The view, for whoever looks at it or changes it.
pub(super) fn lock(view: &Mutex<View>) -> MutexGuard<'_, View> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

impl View {
    /// One of these rules that has seen nothing.
    pub(super) fn of(plan: Option<Arc<Plan>>) -> Self {
        Self { plan, ..Self::default() }
    }

    /// The rules whose metrics and alerts a scrape shows: none before it is known what the store has. Zeros instead would be the counters' new
    /// beginning to a server, and all that there was would be new to it with the next scrape.
    pub(super) fn scraped(&self) -> Option<Arc<Plan>> {
        self.plan.clone().filter(|_| self.is_read)
    }

    /// Up to where the windows of each metric are final, by its name; absent: nowhere.
    pub(super) fn finals(&self) -> BTreeMap<String, Option<Timestamp>> {
        let Some(plan) = &self.plan else { return BTreeMap::new() };
        let of = |metric: &Metric| {
            let until = self.watermark.map(|watermark| watermark.minus(plan.final_after(metric)));
            (metric.name.clone(), until)
        };
        plan.metrics.iter().map(of).collect()
    }

    /// Adds to the total of a series, as the history does.
    pub(super) fn add(&mut self, seen: Seen<'_>) {
        let all = self.series.entry(seen.metric.to_owned()).or_default();
        if let Some(held) = all.get_mut(seen.series) {
            held.total.add(seen.values);
        } else {
            let total = Total::of(seen.values);
            all.insert(Arc::clone(seen.series), Held { total, newest: None });
        }
    }

    /// Holds these totals and no others: those of the history, which forgets series where there are too many.
    pub(super) fn hold(&mut self, totals: Totals) {
        let mut before = std::mem::take(&mut self.series);
        for (metric, of_series) in totals {
            let mut known = before.remove(&metric).unwrap_or_default();
            let held = of_series.into_iter().map(|(key, total)| {
                let newest = known.remove(&key).and_then(|held| held.newest);
                (key, Held { total, newest })
            });
            self.series.insert(metric, held.collect());
        }
    }

    /// Sees where a window begins of which there are points.
    pub(super) fn began(&mut self, window_start: Timestamp) {
        self.oldest = Some(self.oldest.map_or(window_start, |oldest| oldest.min(window_start)));
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
        if transition.kind == TransitionKind::Resolved {
            self.active.remove(&incident);
            return;
        }
        let is_pending = transition.kind == TransitionKind::Pending;
        let until = is_pending.then(|| transition.at.plus(self.wait(&incident)));
        if let Some(until) = until {
            self.pending.entry(until).or_default().push(incident.clone());
        }
        self.active.insert(incident, Active { kind: transition.kind, line: line.to_vec(), until });
    }

    /// How long something is pending at most, and how far behind the watermark that is decided; nothing where the newest rules do not have it.
    fn wait(&self, (alert, step, _): &Incident) -> Millis {
        let wait = self.plan.as_ref().and_then(|plan| {
            let found = plan.alerts.iter().find(|one| one.name == *alert)?;
            let step = found.steps.iter().find(|one| one.name == *step)?;
            Some(pending_ms(plan, found, step, Source::Server))
        });
        wait.unwrap_or_default()
    }

    /// Everything before this is decided: what was pending and should have fired by then is over.
    pub(super) fn decided_up_to(&mut self, watermark: Option<Timestamp>) {
        self.watermark = self.watermark.max(watermark);
        while let Some(due) = self.pending.first_entry() {
            let until = *due.key();
            if watermark.is_none_or(|watermark| watermark <= until) {
                return;
            }
            for incident in due.remove() {
                let known = self.active.get(&incident);
                if known.is_some_and(|active| active.until == Some(until)) {
                    self.active.remove(&incident);
                }
            }
        }
    }

    /// Counts what an entry has decided since the process began.
    pub(super) fn count(&mut self, decided: &Decided) {
        let put = decided.points.points.iter().filter(|point| point.kind != PointKind::Increment);
        self.points += widen(put.count());
        self.alerts += widen(decided.alerts.transitions.len());
        for (metric, counters) in &decided.refused {
            if let Some(known) = self.refused.get_mut(metric) {
                known.add(counters);
            } else if self.refused.len() < METRICS_HELD_MAX {
                self.refused.insert(metric.clone(), *counters);
            }
        }
    }

    /// What a metric refused as late or folded since the process began.
    pub(super) fn refused(&self, metric: &str) -> MetricCounters {
        self.refused.get(metric).copied().unwrap_or_default()
    }

    /// Sees a deploy.
    pub(super) fn deployed(&mut self, mark: Mark) {
        let place = self.deploys.partition_point(|known| known.at <= mark.at);
        self.deploys.insert(place, mark);
        if self.deploys.len() > DEPLOYS_MAX {
            self.deploys.pop_front();
        }
    }

    /// The newest deploys, in the order of their times.
    pub(super) fn deploys(&self) -> &VecDeque<Mark> {
        &self.deploys
    }

    /// The lines of what is pending or fires.
    pub(super) fn active(&self) -> impl Iterator<Item = &[u8]> {
        self.active.values().map(|active| active.line.as_slice())
    }

    /// How many steps of alerts fire, each group by itself; absent until it is known what the store has.
    pub(super) fn all_firing(&self) -> Option<u64> {
        let firing = self.active.values().filter(|active| active.kind == TransitionKind::Firing);
        self.is_read.then(|| widen(firing.count()))
    }

    /// For how many groups a step fires.
    pub(super) fn firing(&self, alert: &str, step: Option<&str>) -> u64 {
        let fires = |((name, of, _), active): &(&Incident, &Active)| {
            name == alert && of.as_deref() == step && active.kind == TransitionKind::Firing
        };
        widen(self.active.iter().filter(fires).count())
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

#[cfg(test)]
mod tests;
