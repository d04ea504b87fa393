//! A delta: what one batch of one shard adds, as the aggregate fold hands it to the settle fold.
//!
//! It holds partial aggregates rather than events: per metric, window and series one accumulator. Only events whose
//! order matters stand in it one by one: journey steps. Series and windows are numbered within the delta.

use crate::accumulate::Accumulator;
use crate::calendar::WindowSpan;
use crate::newest::{NamedEvent, Newest};
use crate::output::{Counters, MetricCounters};
use crate::place::at;
use crate::plan::Plan;
use crate::reject::Reject;
use crate::series::SeriesKey;
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one batch of one shard adds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// What became of the batch's records.
    pub counters: Counters,
    /// The records that are no events.
    pub rejects: Vec<Reject>,
    /// The event times that the batch spans; absent if it holds no event.
    pub span: Option<EventSpan>,
    /// Events that were earlier than all before them in the shard: few, at the beginning of a stream.
    pub beginnings: Vec<Beginning>,
    /// The largest step by which one event moved the watermark on.
    pub leap: Option<Leap>,
    /// The shard's largest event time up to the batch's end, held down by arrival; absent until its first event.
    pub furthest: Option<Timestamp>,
    /// The shard's watermark after the batch: `furthest`, less the plan's `out_of_order`.
    pub watermark: Option<Timestamp>,
    /// The series and windows that the other parts point into.
    pub names: Names,
    /// Partial aggregates of windows that are not final by the events' stamps.
    pub partials: Vec<Partial>,
    /// Partial aggregates of events that came after their window was final, per stamp.
    pub late: Vec<LatePartial>,
    /// Journey steps, in the order of the batch.
    pub steps: Vec<JourneyStep>,
    /// Events that alerts look at one by one, in the order of the batch.
    pub samples: Vec<AlertSample>,
    /// Partial aggregates of the slices that other alerts look at.
    pub slices: Vec<AlertSlice>,
    /// Copies of events that alerts look at, in the order of the batch.
    pub copies: Vec<AlertCopy>,
    /// Events that a metric's expression matched and that had no value, per metric.
    pub no_value: Vec<(usize, u64)>,
    /// Events that a metric refused as late, per series.
    pub refused: Vec<(u32, u64)>,
    /// The identities that were seen first in this batch, if the aggregator [collects](crate::aggregate::Aggregator::collecting) them.
    pub ids: Ids,
}

/// Identities by the *generation* of their event's time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// Generation (event time divided by a tenth of the plan's `deduplicate`), and the stable hashes of its identities.
    pub generations: Vec<(i64, Vec<u64>)>,
}

impl Ids {
    /// Adds an identity.
    pub(crate) fn push(&mut self, generation: i64, identity: u64) {
        // The last ones are looked at first: most events are of the generation of the one before.
        let known = self.generations.iter_mut().rev().find(|(known, _)| *known == generation);
        match known {
            Some((_, identities)) => identities.push(identity),
            None => self.generations.push((generation, vec![identity])),
        }
    }

    /// How many identities there are.
    pub fn len(&self) -> usize {
        self.generations.iter().map(|(_, identities)| identities.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Delta {
    /// What the metrics saw of the batch, by their places. What is late or folded only settle knows, and it is not in here.
    pub fn matched(&self) -> BTreeMap<usize, MetricCounters> {
        let mut matched: BTreeMap<usize, MetricCounters> = BTreeMap::new();
        let partials = self.partials.iter().chain(self.late.iter().map(|late| &late.partial));
        let partials = partials.map(|partial| (partial.series, partial.events));
        let steps = self.steps.iter().map(|step| (step.series, 1));
        for (series, events) in partials.chain(steps).chain(self.refused.iter().copied()) {
            if let Some(series) = at(&self.names.series, series) {
                matched.entry(series.metric).or_default().count(&series.key, events);
            }
        }
        for &(metric, events) in &self.no_value {
            matched.entry(metric).or_default().no_value += events;
        }
        matched
    }

    /// What the same batch was to another plan, as far as that has the metrics of this one: those of the same name and
    /// definition. The others are left out.
    #[must_use]
    pub fn translated(mut self, from: &Plan, to: &Plan) -> Self {
        let place = |metric: usize| {
            let old = from.metrics.get(metric)?;
            to.metrics
                .iter()
                .position(|new| new.name == old.name && new.definition == old.definition)
        };
        let places: Vec<Option<usize>> = (0..from.metrics.len()).map(place).collect();
        let new_place = |metric: usize| places.get(metric).copied().flatten();
        for series in &mut self.names.series {
            // No plan has so many metrics: what points to it is left out below, and whoever resolves it finds nothing.
            series.metric = new_place(series.metric).unwrap_or(usize::MAX);
        }
        let names = std::mem::take(&mut self.names);
        let is_known =
            |series: u32| at(&names.series, series).is_some_and(|one| one.metric != usize::MAX);
        self.partials.retain(|partial| is_known(partial.series));
        self.late.retain(|late| is_known(late.partial.series));
        self.steps.retain(|step| is_known(step.series));
        self.samples.retain(|sample| is_known(sample.series));
        self.slices.retain(|slice| is_known(slice.series));
        self.copies.retain(|copy| is_known(copy.series));
        self.refused.retain(|&(series, _)| is_known(series));
        let no_value = self.no_value.into_iter();
        self.no_value =
            no_value.filter_map(|(metric, events)| Some((new_place(metric)?, events))).collect();
        Self { names, ..self }
    }
}

/// The event times that a batch spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSpan {
    /// The smallest event time.
    pub earliest: Timestamp,
    /// The largest event time.
    pub latest: Timestamp,
}

impl EventSpan {
    /// What both span.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let (earliest, latest) = (self.earliest.min(other.earliest), self.latest.max(other.latest));
        Self { earliest, latest }
    }
}

/// An event that was earlier than all before it in its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Its time.
    pub time: Timestamp,
    /// The shard's watermark just before it.
    pub stamp: Option<Timestamp>,
}

/// An event that moved its shard's watermark on: where nothing else bounds times, one wrong year makes all that follows late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leap {
    /// The event's position, as its source gave it.
    pub position: u64,
    /// The largest event time before it.
    pub from: Timestamp,
    /// Its own time.
    pub to: Timestamp,
}

impl Leap {
    /// How far it is.
    pub const fn length_ms(&self) -> Millis {
        self.to.as_millis() - self.from.as_millis()
    }
}

/// The series and windows that batches and deltas name by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    /// The series.
    pub series: Vec<DeltaSeries>,
    /// The windows.
    pub windows: Vec<WindowSpan>,
}

impl Names {
    /// A series and a window by their numbers.
    #[inline]
    pub fn resolve(&self, series: u32, window: u32) -> Option<(&DeltaSeries, WindowSpan)> {
        Some((at(&self.series, series)?, *at(&self.windows, window)?))
    }
}

/// One series of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct DeltaSeries {
    /// The metric's place in the plan.
    pub metric: usize,
    /// Its dimension values.
    pub key: Arc<SeriesKey>,
}

/// One metric, window and series.
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    /// Into [`Names::series`].
    pub series: u32,
    /// Into [`Names::windows`].
    pub window: u32,
    /// How many events it is made of.
    pub events: u64,
    /// The largest of their event times.
    pub latest: Timestamp,
    /// What they add up to.
    pub accumulator: Accumulator,
    /// The newest of them, if an alert looks at the metric `over window`; a late partial has none: corrections decide nothing.
    pub newest: Newest,
}

/// Late events of one metric, window and series that had the same stamp.
#[derive(Clone, Debug, PartialEq)]
pub struct LatePartial {
    /// The shard's watermark just before the events.
    pub stamp: Timestamp,
    /// The events.
    pub partial: Partial,
}

/// A start or finish of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JourneyStep {
    /// Into [`Names::series`]: the dimensions of a start; for a finish only the metric counts.
    pub series: u32,
    /// Into [`Names::windows`].
    pub window: u32,
    /// The stable hash of the journey's key.
    pub key: u64,
    /// The event's time.
    pub time: Timestamp,
    /// The stable hash of the event's identity: it decides between steps of the same time.
    pub identity: u64,
    /// The event's id as evidence names it, if an alert looks at the metric.
    pub id: Option<Arc<str>>,
    /// It matches the start.
    pub start: bool,
    /// It matches the finish.
    pub finish: bool,
}

/// An event of a metric that an alert counts exactly, or waits for (`absent for`): see [`crate::alert::Feed`].
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSample {
    /// Into [`Names::series`].
    pub series: u32,
    /// The event, with its time.
    pub event: NamedEvent,
    /// The shard's watermark just before the event, if it was past the event already: its place.
    pub overdue: Option<Timestamp>,
}

/// Events of one metric and series in one slice `(a, b]` of time, that were not overdue or had the same place.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSlice {
    /// Into [`Names::series`].
    pub series: u32,
    /// The length of a slice, in milliseconds.
    pub length_ms: Millis,
    /// The slice's last moment, inclusive: a multiple of the length.
    pub until: Timestamp,
    /// The shard's watermark just before the events, if it was past the slice's end already: their place.
    pub overdue: Option<Timestamp>,
    /// How many events it is made of.
    pub events: u64,
    /// What they add up to.
    pub accumulator: Accumulator,
    /// The newest of them.
    pub newest: Newest,
}

/// A copy of an event that was seen before, in a metric that alerts look at: evidence tells how many were ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertCopy {
    /// Into [`Names::series`].
    pub series: u32,
    /// The event's time.
    pub time: Timestamp,
}
