//! The second fold: deltas of all shards and the clock, to points.
//!
//! Time here is event time. A thing is *decided* at a moment (a window at its end and the allowed lateness, a correction at
//! its place) and comes out once the watermark has passed that moment, together with all else that is decided then, sorted.
//! So the output is the same however deltas were cut, and an entry of the settle log can end between any two moments.

mod journeys;
mod known;
mod names;
mod watermark;
mod windows;

pub use watermark::{ShardId, ShardListing, Watermarks};

use crate::accumulate::Accumulator;
use crate::aggregate::{is_final, takes_corrections};
use crate::calendar::WindowSpan;
use crate::delta::{Delta, DeltaSeries, JourneyStep, LatePartial, Names, Partial};
use crate::output::{Increment, MetricCounters, Point, Status};
use crate::place::at;
use crate::plan::{MetricKind, Plan};
use crate::time::Timestamp;
use journeys::Journeys;
use std::collections::BTreeSet;
use std::sync::Arc;
use windows::{Closing, MetricWindows, Published};

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
    /// The time of the first event of any kind: zeros are published from its window on.
    began: Option<Timestamp>,
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
            began: None,
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
        if let Some(span) = delta.span
            && !self.shards.was_heard(shard)
        {
            self.begin(span.first_arrived);
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

    /// Zeros are published from the window of the first event on, the earliest of the shards' firsts. Before every shard
    /// was heard nothing is decided, so the order in which they are does not matter.
    fn begin(&mut self, time: Timestamp) {
        if self.watermark.is_some() || self.began.is_some_and(|began| began <= time) {
            return;
        }
        self.began = Some(time);
        for (place, metric) in self
            .plan
            .metrics
            .iter()
            .enumerate()
            .filter(|(_, metric)| metric.zero && metric.dimensions.is_empty())
        {
            let span = self.plan.calendar.window(metric.window, time);
            self.agenda.insert((
                self.plan.final_at(metric, span),
                place,
                span.start,
                Closing::Final,
            ));
        }
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
            state.counters.no_dimension += if series.key.lacks_a_value() { events } else { 0 };
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
        let (Some(metric), Some(state)) =
            (plan.metrics.get(series.metric), self.metrics.get_mut(series.metric))
        else {
            return;
        };
        let (cell, is_new) = state.windows.cell(&series.key, span);
        cell.accumulator.merge(&partial.accumulator);
        cell.latest = cell.latest.max(partial.latest);
        if is_new {
            self.agenda.insert((
                plan.final_at(metric, span),
                series.metric,
                span.start,
                Closing::Final,
            ));
        }
        if metric.live {
            self.increments.push(Increment {
                metric: series.metric,
                series: state.windows.live_name(plan.calendar.day(span.start), &series.key),
                window_start: span.start,
                window_end: span.end,
                values: partial.accumulator.values(),
            });
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

    /// Moves the watermark on to where the shards are, and decides all that lies before it.
    ///
    /// `now` is the clock, for shards that are behind. At [`Progress::More`] it stopped after [`POINTS_PER_SETTLE_MAX`]
    /// points, and the watermark where they end.
    pub fn settle(&mut self, now: Timestamp, decisions: &mut Decisions) -> Progress {
        decisions.increments.append(&mut self.increments);
        let Some(watermark) = self.shards.combined(now) else { return Progress::Done };
        self.advance_journeys(watermark.minus(self.plan.timing.allowed_lateness));
        let limit = decisions.points.len() + POINTS_PER_SETTLE_MAX;
        while let Some(moment) =
            self.agenda.first().map(|&(moment, ..)| moment).filter(|&moment| moment < watermark)
        {
            self.decide(moment, &mut decisions.points);
            if decisions.points.len() >= limit {
                self.watermark = self.watermark.max(Some(moment.plus(1)));
                return Progress::More;
            }
        }
        self.watermark = self.watermark.max(Some(watermark));
        Progress::Done
    }

    /// Ends the input: the clock jumps to `stop`, and all windows that end (for journeys: that are decided) by then are final.
    ///
    /// At [`Progress::More`] it stopped at its limit: end again.
    pub fn finish(&mut self, stop: Timestamp, decisions: &mut Decisions) -> Progress {
        decisions.increments.append(&mut self.increments);
        self.advance_journeys(stop.plus(1));
        let limit = decisions.points.len() + POINTS_PER_SETTLE_MAX;
        while let Some(moment) =
            self.agenda.first().map(|&(moment, ..)| moment).filter(|&moment| moment < stop)
        {
            self.decide(moment, &mut decisions.points);
            if decisions.points.len() >= limit {
                return Progress::More;
            }
        }
        self.decide_ended(stop, &mut decisions.points);
        Progress::Done
    }

    /// The windows that are not decided, as they are now; `stop` is where the clock stands.
    pub fn open_points(&self, stop: Timestamp) -> Vec<Point> {
        let mut points = Vec::new();
        for (place, state) in self.metrics.iter().enumerate() {
            for (span, values) in state.windows.look(|start| self.plan.calendar.day(start)) {
                push_points(&mut points, place, span, (Status::Open, stop), values);
            }
        }
        sort(&mut points);
        points
    }

    fn advance_journeys(&mut self, until: Timestamp) {
        let plan = &self.plan;
        for (place, (metric, state)) in plan.metrics.iter().zip(&mut self.metrics).enumerate() {
            let MetricState { windows, journeys: Some(journeys), .. } = state else { continue };
            let agenda = &mut self.agenda;
            journeys.take_before(until, &mut |series, span, event| {
                let (cell, is_new) = windows.cell(series, span);
                if is_new {
                    agenda.insert((plan.final_at(metric, span), place, span.start, Closing::Final));
                }
                if let Accumulator::Journey(cohort) = &mut cell.accumulator {
                    cohort.tell(event);
                }
            });
        }
    }

    /// Decides all that is decided at one moment.
    fn decide(&mut self, moment: Timestamp, points: &mut Vec<Point>) {
        let begin = points.len();
        while let Some(&entry) = self.agenda.first().filter(|&&(first, ..)| first == moment) {
            self.agenda.pop_first();
            self.close(entry, moment, points);
        }
        sort(points.get_mut(begin..).unwrap_or_default());
    }

    /// At the end of the input: decides what would be decided later but has ended by `stop`.
    ///
    /// One after another in the order of their moments, as a watermark that goes on would: closing a window puts the next
    /// one on the agenda for its zeros, and what is known by then decides them.
    fn decide_ended(&mut self, stop: Timestamp, points: &mut Vec<Point>) {
        let begin = points.len();
        // A window is decided `allowed_lateness` after it has ended, and a correction never after `stop`.
        let last = stop.plus(self.plan.timing.allowed_lateness);
        while let Some(&entry) = self.agenda.first().filter(|&&(moment, ..)| moment <= last) {
            self.agenda.pop_first();
            self.close(entry, stop, points);
        }
        sort(points.get_mut(begin..).unwrap_or_default());
    }

    fn close(&mut self, entry: AgendaEntry, decided_at: Timestamp, points: &mut Vec<Point>) {
        let (moment, place, start, closing) = entry;
        let plan = &self.plan;
        let (Some(metric), Some(state)) = (plan.metrics.get(place), self.metrics.get_mut(place))
        else {
            return;
        };
        let span = plan.calendar.window(metric.window, start);
        let day = plan.calendar.day(start);
        match closing {
            Closing::Correction => {
                let values = state.windows.close_late(moment, start, day);
                push_points(points, place, span, (Status::Correction, decided_at), values);
            }
            Closing::Final => {
                let values = state.windows.close(span, day);
                push_points(points, place, span, (Status::Final, decided_at), values);
                if state.windows.awaits_zeros() {
                    let next = plan.calendar.window(metric.window, span.end);
                    self.agenda.insert((
                        plan.final_at(metric, next),
                        place,
                        next.start,
                        Closing::Final,
                    ));
                }
                let remembered = plan
                    .timing
                    .correction_horizon()
                    .saturating_add(span.end.as_millis() - span.start.as_millis());
                state.windows.forget_names_before(plan.calendar.day(start.minus(remembered)) - 1);
            }
        }
    }
}

fn push_points(
    points: &mut Vec<Point>,
    metric: usize,
    span: WindowSpan,
    (status, decided_at): (Status, Timestamp),
    values: Published,
) {
    points.extend(values.into_iter().map(|(series, values)| Point {
        metric,
        series,
        window_start: span.start,
        window_end: span.end,
        status,
        decided_at,
        values,
    }));
}

/// The order of the output among points of one moment: the file's order of metrics, then dimensions, then windows.
fn sort(points: &mut [Point]) {
    points.sort_by(|one, other| {
        let of = |point: &Point| (point.metric, point.window_start, point.status);
        let ((metric, start, status), (other_metric, other_start, other_status)) =
            (of(one), of(other));
        metric
            .cmp(&other_metric)
            .then_with(|| one.series.cmp(&other.series))
            .then_with(|| (start, status).cmp(&(other_start, other_status)))
    });
}
