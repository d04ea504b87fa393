//! The second fold: deltas of all shards and the clock, to points.
//!
//! Time here is event time. A thing is *decided* at a moment (a window at its end and the allowed lateness, a correction at
//! its place) and comes out once the watermark has passed that moment, together with all else that is decided then, sorted.
//! So the output is the same however deltas were cut, and an entry of the settle log can end between any two moments.

mod decide;
mod journeys;
mod known;
mod names;
mod watermark;
mod windows;

pub use watermark::{ShardId, ShardListing, Watermarks};

use crate::aggregate::{is_final, takes_corrections};
use crate::calendar::WindowSpan;
use crate::delta::{Beginning, Delta, DeltaSeries, JourneyStep, LatePartial, Names, Partial};
use crate::output::{Increment, MetricCounters, Point};
use crate::place::at;
use crate::plan::{MetricKind, Plan};
use crate::time::Timestamp;
use journeys::Journeys;
use std::collections::BTreeSet;
use std::sync::Arc;
use windows::{Closing, MetricWindows};

/// How many points one settle decides at most before it hands them out; the rest follows in the next.
pub const POINTS_PER_SETTLE_MAX: usize = 20_000;

/// What one settle decided.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// The points, in the order of the output.
    pub points: Vec<Point>,
    /// The increments of live metrics, in the order of the deltas.
    pub increments: Vec<Increment>,
}

/// Whether a settle decided all that was to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left before the watermark.
    Done,
    /// It stopped at its limit: settle again.
    More,
}

/// The state of one settle partition.
#[derive(Clone, Debug)]
pub struct Settler {
    plan: Arc<Plan>,
    shards: Watermarks,
    /// The watermark of the last settle: it takes part in the place of all events that come after it.
    watermark: Option<Timestamp>,
    metrics: Vec<MetricState>,
    /// What is decided when: moment, metric, start of the window; corrections after final points.
    agenda: BTreeSet<AgendaEntry>,
    increments: Vec<Increment>,
}

type AgendaEntry = (Timestamp, usize, Timestamp, Closing);

#[derive(Clone, Debug)]
struct MetricState {
    windows: MetricWindows,
    journeys: Option<Journeys>,
    counters: MetricCounters,
}

impl Settler {
    /// A partition that has not seen anything.
    pub fn new(plan: Arc<Plan>) -> Self {
        let metrics = plan.metrics.iter().map(|metric| MetricState {
            windows: MetricWindows::new(metric),
            journeys: match metric.kind {
                MetricKind::Journey { within, .. } => {
                    Some(Journeys::new(within, plan.timing.allowed_lateness))
                }
                _ => None,
            },
            counters: MetricCounters::default(),
        });
        Self {
            metrics: metrics.collect(),
            shards: Watermarks::new(plan.timing),
            watermark: None,
            agenda: BTreeSet::new(),
            increments: Vec::new(),
            plan,
        }
    }

    /// The shards and how far each is.
    pub fn shards(&mut self) -> &mut Watermarks {
        &mut self.shards
    }

    /// The watermark of the last settle.
    pub fn watermark(&self) -> Option<Timestamp> {
        self.watermark
    }

    /// What each metric saw so far.
    pub fn counters(&self) -> Vec<MetricCounters> {
        self.metrics
            .iter()
            .map(|state| MetricCounters { folded: state.windows.folded(), ..state.counters })
            .collect()
    }

    /// Takes in a delta of a shard. `now` is the clock, for shards that fall behind.
    pub fn take(&mut self, shard: &ShardId, delta: Delta, now: Timestamp) {
        for &beginning in &delta.beginnings {
            self.begin(beginning);
        }
        if let Some(watermark) = delta.watermark {
            self.shards.progress(shard, watermark, now);
        }
        self.count(&delta);
        for step in &delta.steps {
            self.take_step(step, &delta.names);
        }
        for partial in delta.partials {
            let Some((series, span)) = delta.names.resolve(partial.series, partial.window) else {
                continue;
            };
            match self
                .watermark
                .filter(|&watermark| is_final(span.end, &self.plan.timing, watermark))
            {
                Some(place) => self.take_late(series, span, place, &partial),
                None => self.take_in_time(series, span, &partial),
            }
        }
        for LatePartial { stamp, partial } in delta.late {
            let Some((series, span)) = delta.names.resolve(partial.series, partial.window) else {
                continue;
            };
            self.take_late(series, span, stamp.max(self.watermark.unwrap_or(stamp)), &partial);
        }
    }

    /// Zeros without dimensions are published from the first event on: for each window that ends after an event of any kind
    /// which came before the window was final.
    fn begin(&mut self, Beginning { time, stamp }: Beginning) {
        let plan = Arc::clone(&self.plan);
        let place = stamp.max(self.watermark);
        for (number, metric) in plan.metrics.iter().enumerate() {
            if !metric.zero || !metric.dimensions.is_empty() {
                continue;
            }
            // The event's window, or the first that is not final at its place.
            let open_from = place.map(|place| place.minus(plan.timing.allowed_lateness));
            let from = open_from.map_or(time, |open_from| open_from.max(time));
            self.put_on_agenda(number, plan.calendar.window(metric.window, from));
        }
    }

    /// Puts a window of a metric on the agenda, unless it is there.
    fn put_on_agenda(&mut self, metric: usize, span: WindowSpan) {
        let Some(final_at) =
            self.plan.metrics.get(metric).map(|metric| self.plan.final_at(metric, span))
        else {
            return;
        };
        self.agenda.insert((final_at, metric, span.start, Closing::Final));
    }

    fn count(&mut self, delta: &Delta) {
        for &(metric, events) in &delta.no_value {
            if let Some(state) = self.metrics.get_mut(metric) {
                state.counters.no_value += events;
            }
        }
        let refused = delta.refused.iter().map(|&(series, events)| (series, events, events));
        let partials = delta.partials.iter().chain(delta.late.iter().map(|late| &late.partial));
        let taken = partials.map(|partial| (partial.series, partial.events, 0));
        let steps = delta.steps.iter().map(|step| (step.series, 1, 0));
        for (series, events, late) in refused.chain(taken).chain(steps) {
            let Some(series) = at(&delta.names.series, series) else { continue };
            let Some(state) = self.metrics.get_mut(series.metric) else { continue };
            state.counters.matched += events;
            state.counters.late_dropped += late;
            if series.key.lacks_a_value() {
                state.counters.no_dimension += events;
            }
        }
    }

    fn take_step(&mut self, step: &JourneyStep, names: &Names) {
        let Some((series, span)) = names.resolve(step.series, step.window) else { return };
        let Some(state) = self.metrics.get_mut(series.metric) else { return };
        let Some(journeys) = &mut state.journeys else { return };
        if !journeys.wait(step, &series.key, span, self.watermark) {
            state.counters.late_dropped += 1;
        }
    }

    fn take_in_time(&mut self, series: &DeltaSeries, span: WindowSpan, partial: &Partial) {
        let plan = &self.plan;
        let Some(state) = self.metrics.get_mut(series.metric) else { return };
        let mut key = Arc::clone(&series.key);
        if plan.metrics.get(series.metric).is_some_and(|metric| metric.live) {
            // The increments are the point, so the window adds up under the names that they went out under.
            key = state.windows.live_name(plan.calendar.day(span.start), &key);
            self.increments.push(Increment {
                metric: series.metric,
                series: Arc::clone(&key),
                window_start: span.start,
                window_end: span.end,
                accumulator: partial.accumulator.clone(),
            });
        }
        let (cell, is_new) = state.windows.cell(&key, span);
        cell.accumulator.merge(&partial.accumulator);
        cell.latest = cell.latest.max(partial.latest);
        if is_new {
            self.put_on_agenda(series.metric, span);
        }
    }

    fn take_late(
        &mut self,
        series: &DeltaSeries,
        span: WindowSpan,
        place: Timestamp,
        partial: &Partial,
    ) {
        let plan = &self.plan;
        let (Some(metric), Some(state)) =
            (plan.metrics.get(series.metric), self.metrics.get_mut(series.metric))
        else {
            return;
        };
        if !takes_corrections(metric, &plan.timing) {
            state.counters.late_dropped += partial.events;
            return;
        }
        let (cell, is_new) = state.windows.late_cell(&series.key, span, place);
        cell.accumulator.merge(&partial.accumulator);
        cell.latest = cell.latest.max(partial.latest);
        if is_new {
            self.agenda.insert((place, series.metric, span.start, Closing::Correction));
        }
    }
}
