//! The second fold: deltas of all shards and the watermark, to points and transitions of alerts.
//!
//! Time here is event time. A thing is *decided* at a moment (a window at its end and the allowed lateness, a correction at
//! its place) and comes out once the watermark has passed that moment, together with all else that is decided then, sorted.
//! So the output is the same however deltas were cut, and an entry of the settle log can end between any two moments.

mod change;
mod decide;
mod journeys;
mod known;
mod names;
mod portion;
mod range;
mod stored;
mod watermark;
mod windows;

pub use portion::OUTPUT_BYTES_MAX;
pub use watermark::{ShardId, ShardListing, Watermarks};

use crate::accumulate::Accumulator;
use crate::aggregate::{is_final, takes_corrections};
use crate::calendar::WindowSpan;
use crate::delta::{Beginning, Delta, DeltaSeries, JourneyStep, LatePartial, Names, Partial};
use crate::evaluate::Evaluator;
use crate::notify::lag;
use crate::output::{MetricCounters, Point};
use crate::place::at;
use crate::plan::{Metric, MetricKind, Plan, Timing};
use crate::series::SeriesKey;
use crate::time::Timestamp;
use crate::transition::Transition;
use journeys::Journeys;
use range::Range;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use windows::{Closing, MetricWindows};

/// What one settle decided.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// The points, in the order of the output.
    pub points: Vec<Point>,
    /// The increments of live metrics, in the order of the deltas.
    pub increments: Vec<Increment>,
    /// What alerts decided, in the order of the watermarks that it waited for; then of the file, by group, the highest step first.
    pub transitions: Vec<Transition>,
}

/// A part of a live point, to be put as soon as it is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Increment {
    /// The metric's place in the plan.
    pub metric: usize,
    /// The dimension values.
    pub series: Arc<SeriesKey>,
    /// The window's first instant.
    pub window_start: Timestamp,
    /// The first instant after the window.
    pub window_end: Timestamp,
    /// What came in since the last increment.
    pub accumulator: Accumulator,
}

/// Whether a settle decided all that was to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left before the watermark.
    Done,
    /// Its outputs reached [`OUTPUT_BYTES_MAX`]: settle again.
    More,
}

/// The state of one settle partition under one plan.
///
/// Deltas are [taken](Self::take) as they come; that decides nothing. A [settle](Self::settle) decides, and its watermark is the
/// place of all that is taken after it, so both must be repeated in their order when the state is made again from its log.
#[derive(Clone, Debug)]
pub struct Settler {
    plan: Arc<Plan>,
    /// The watermark of the last settle: it takes part in the place of all events that come after it.
    watermark: Option<Timestamp>,
    /// An event of any kind has come: from it on zeros are published.
    has_begun: bool,
    /// By their place in the plan; none for those that belong to another partition or were handed over.
    metrics: Vec<Option<MetricState>>,
    /// Which of them are journeys.
    journeys: Vec<usize>,
    /// What is decided when: moment, metric, start of the window; corrections after final points.
    agenda: BTreeSet<AgendaEntry>,
    /// What waits for a settle that hands it out.
    increments: VecDeque<Increment>,
    /// What was decided and is over the portion of the settle that decided it.
    left_over: VecDeque<Point>,
    /// The alerts.
    evaluator: Evaluator,
    /// Their part of what is left over.
    untold: VecDeque<Transition>,
}

type AgendaEntry = (Timestamp, usize, Timestamp, Closing);

#[derive(Clone, Debug)]
struct MetricState {
    windows: MetricWindows,
    journeys: Option<Journeys>,
    counters: MetricCounters,
    /// The windows that belong to this definition.
    range: Range,
    /// Windows that end by then are final, whatever the allowed lateness is now: a plan before decided them.
    closed_until: Option<Timestamp>,
    /// The window of the last start that came in: it is on the agenda, and most starts share it.
    latest_start: Option<Timestamp>,
}

impl MetricState {
    fn new(metric: &Metric, timing: &Timing) -> Self {
        let journeys = match metric.kind {
            MetricKind::Journey { within, .. } => {
                Some(Journeys::new(within, timing.allowed_lateness))
            }
            _ => None,
        };
        Self {
            windows: MetricWindows::new(metric),
            journeys,
            counters: MetricCounters::default(),
            range: Range::default(),
            closed_until: None,
            latest_start: None,
        }
    }

    /// Whether a window is final at a place.
    fn is_final(&self, span: WindowSpan, timing: &Timing, place: Timestamp) -> bool {
        is_final(span.end, timing, place)
            || self.closed_until.is_some_and(|closed_until| span.end <= closed_until)
    }

    fn counters(&self) -> MetricCounters {
        MetricCounters { folded: self.windows.folded(), ..self.counters }
    }

    fn count(&mut self, series: &SeriesKey, events: u64) {
        self.counters.matched += events;
        if series.lacks_a_value() {
            self.counters.no_dimension += events;
        }
    }
}

/// The state of a metric, if it is here.
fn held(metrics: &mut [Option<MetricState>], metric: usize) -> Option<&mut MetricState> {
    metrics.get_mut(metric)?.as_mut()
}

impl Settler {
    /// A settler of all metrics that has not seen anything.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self::of(plan, |_| true)
    }

    /// The settler of a partition that has not seen anything. What is in a delta for metrics that it does not own passes by.
    pub fn of(plan: Arc<Plan>, owns: impl Fn(&Metric) -> bool) -> Self {
        let timing = &plan.timing;
        let state = |metric| owns(metric).then(|| MetricState::new(metric, timing));
        let evaluator = Evaluator::of(&plan, &owns);
        let is_journey = |metric: &Metric| matches!(metric.kind, MetricKind::Journey { .. });
        let journeys = plan.metrics.iter().enumerate().filter(|(_, metric)| is_journey(metric));
        Self {
            metrics: plan.metrics.iter().map(state).collect(),
            journeys: journeys.map(|(place, _)| place).collect(),
            watermark: None,
            has_begun: false,
            agenda: BTreeSet::new(),
            increments: VecDeque::new(),
            left_over: VecDeque::new(),
            evaluator,
            untold: VecDeque::new(),
            plan,
        }
    }

    /// The plan that it settles by.
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The watermark of the last settle.
    pub const fn watermark(&self) -> Option<Timestamp> {
        self.watermark
    }

    /// The watermark up to which all transitions were handed out: all whose moment is before it. That is the watermark of the last
    /// settle, unless some did not fit into its portion.
    pub fn told_to(&self) -> Option<Timestamp> {
        let moment = |told: &Transition| {
            let alert = self.plan.alerts.get(told.alert)?;
            Some(told.at.plus(lag(&self.plan, alert)))
        };
        let untold = self.untold.iter().filter_map(moment).min();
        self.watermark.map(|watermark| untold.map_or(watermark, |untold| untold.min(watermark)))
    }

    /// What each metric of the plan saw so far.
    pub fn counters(&self) -> Vec<MetricCounters> {
        let counted = |state: &Option<MetricState>| state.as_ref().map(MetricState::counters);
        self.metrics.iter().map(|state| counted(state).unwrap_or_default()).collect()
    }

    /// How many journeys of each journey metric are open, by the metric's place in the plan: at the watermark, less the allowed
    /// lateness.
    pub fn open_journeys(&self) -> impl Iterator<Item = (usize, usize)> {
        self.metrics
            .iter()
            .enumerate()
            .filter_map(|(place, state)| Some((place, state.as_ref()?.journeys.as_ref()?.open())))
    }

    /// How many windows are open.
    pub fn open_windows(&self) -> usize {
        self.metrics.iter().flatten().map(|state| state.windows.open()).sum()
    }

    /// Takes in a delta of a shard. It decides nothing and moves no watermark.
    pub fn take(&mut self, delta: Delta) {
        for &beginning in &delta.beginnings {
            self.begin(beginning);
        }
        self.evaluator.take(&delta, self.watermark);
        self.evaluator.look_ahead(&self.plan, &delta, self.watermark, &mut self.untold);
        self.count_refused(&delta);
        for step in &delta.steps {
            self.take_step(step, &delta.names);
        }
        for partial in delta.partials {
            self.take_partial(&delta.names, partial, None);
        }
        for LatePartial { stamp, partial } in delta.late {
            self.take_partial(&delta.names, partial, Some(stamp));
        }
    }

    /// Zeros without dimensions are published from the first event on: for each window that ends after an event of any kind
    /// which came before the window was final.
    fn begin(&mut self, Beginning { time, stamp }: Beginning) {
        self.has_begun = true;
        let plan = Arc::clone(&self.plan);
        let place = stamp.max(self.watermark);
        // The event's window, or the first that is not final at its place.
        let open_from = place.map(|place| place.minus(plan.timing.allowed_lateness));
        for (number, metric) in plan.metrics.iter().enumerate() {
            self.begin_zeros(
                number,
                metric,
                open_from.map_or(time, |open_from| open_from.max(time)),
            );
        }
    }

    /// Puts the window that holds `from` on the agenda, for zeros without dimensions.
    fn begin_zeros(&mut self, number: usize, metric: &Metric, from: Timestamp) {
        if !metric.zero || !metric.dimensions.is_empty() {
            return;
        }
        let Some(state) = held(&mut self.metrics, number) else { return };
        let from = state.closed_until.map_or(from, |closed_until| closed_until.max(from));
        let span = state.range.window_at(&self.plan, metric, from);
        self.put_on_agenda(number, span);
    }

    /// Puts a window of a metric on the agenda, unless it is there or belongs to another definition.
    fn put_on_agenda(&mut self, number: usize, span: WindowSpan) {
        let Some(metric) = self.plan.metrics.get(number) else { return };
        if held(&mut self.metrics, number).is_some_and(|state| state.range.holds(span.start)) {
            let final_at = self.plan.final_at(metric, span);
            self.agenda.insert((final_at, number, span.start, Closing::Final));
        }
    }

    fn count_refused(&mut self, delta: &Delta) {
        for &(metric, events) in &delta.no_value {
            if let Some(state) = held(&mut self.metrics, metric) {
                state.counters.no_value += events;
            }
        }
        for &(series, events) in &delta.refused {
            let Some(series) = at(&delta.names.series, series) else { continue };
            let Some(state) = held(&mut self.metrics, series.metric) else { continue };
            state.count(&series.key, events);
            state.counters.late_dropped += events;
        }
    }

    fn take_step(&mut self, step: &JourneyStep, names: &Names) {
        let Some((series, span)) = names.resolve(step.series, step.window) else { return };
        let Some(state) = held(&mut self.metrics, series.metric) else { return };
        // The finish of a journey may lie in a window of the next definition; a start belongs to its own.
        let is_own = state.range.holds(span.start);
        if is_own {
            state.count(&series.key, 1);
        }
        let Some(journeys) = &mut state.journeys else { return };
        if !is_own && !journeys.may_finish(step, &state.range) {
            return;
        }
        let start = (is_own && step.start).then(|| (Arc::clone(&series.key), span));
        let begins = start.is_some();
        if !journeys.wait(step, start, self.watermark) {
            state.counters.late_dropped += u64::from(is_own);
            return;
        }
        if is_own && self.evaluator.watches(series.metric) {
            let event = (step.time, !step.start);
            self.evaluator.step(series.metric, &series.key, event, self.watermark);
        }
        if begins && state.latest_start != Some(span.start) {
            state.latest_start = Some(span.start);
            self.put_on_agenda(series.metric, span);
        }
    }

    /// Takes in what events of one metric, window and series add up to; a stamp says that they were late by it.
    fn take_partial(&mut self, names: &Names, partial: Partial, stamp: Option<Timestamp>) {
        let Some((series, span)) = names.resolve(partial.series, partial.window) else { return };
        let plan = &self.plan;
        let (Some(metric), Some(state)) =
            (plan.metrics.get(series.metric), held(&mut self.metrics, series.metric))
        else {
            return;
        };
        if !state.range.holds(span.start) {
            return;
        }
        state.count(&series.key, partial.events);
        let passed = self.watermark.filter(|&place| state.is_final(span, &plan.timing, place));
        if let Some(place) =
            stamp.map(|stamp| self.watermark.unwrap_or(stamp).max(stamp)).or(passed)
        {
            if takes_corrections(metric, &plan.timing) {
                let (cell, is_new) = state.windows.late_cell(&series.key, span, place);
                cell.take(&partial);
                if is_new {
                    self.agenda.insert((place, series.metric, span.start, Closing::Correction));
                }
            } else {
                state.counters.late_dropped += partial.events;
            }
            return;
        }
        self.take_in_time(series, span, partial);
    }

    fn take_in_time(&mut self, series: &DeltaSeries, span: WindowSpan, partial: Partial) {
        let plan = &self.plan;
        let Some(state) = held(&mut self.metrics, series.metric) else { return };
        let is_live = plan.metrics.get(series.metric).is_some_and(|metric| metric.live);
        if !is_live {
            let (cell, is_new) = state.windows.cell(&series.key, span);
            cell.take(&partial);
            if is_new {
                self.put_on_agenda(series.metric, span);
            }
            return;
        }
        // The increments are the point, so the window adds up under the names that they went out under.
        let name = state.windows.live_name(plan.calendar.day(span.start), &series.key);
        let (cell, is_new) = state.windows.cell(&name, span);
        cell.take(&partial);
        self.increments.push_back(Increment {
            metric: series.metric,
            series: name,
            window_start: span.start,
            window_end: span.end,
            accumulator: partial.accumulator,
        });
        if is_new {
            self.put_on_agenda(series.metric, span);
        }
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
