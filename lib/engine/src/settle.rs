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
mod take;
mod watermark;
mod windows;

pub use portion::OUTPUT_BYTES_MAX;
pub use watermark::{ShardId, ShardListing, Watermarks};

use crate::accumulate::Accumulator;
use crate::aggregate::is_final;
use crate::calendar::WindowSpan;
use crate::evaluate::Evaluator;
use crate::output::{MetricCounters, Point};
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
            Some(told.at.plus(self.plan.lag_of(alert)))
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
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
