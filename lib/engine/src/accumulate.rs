//! What a metric adds up for one window and one series, and how two halves of it become one.
//!
//! Merging is commutative and associative, bit for bit (invariant W2): counts and scaled integers are added, sketches
//! merge by bucket or register. So it does not matter how events were cut into batches.

use crate::decimal::Decimal;
use crate::output::{
    DistributionValues, JourneyValues, SumValues, Values, distribution_bytes, seconds, values_bytes,
};
use crate::plan::MetricKind;
use crate::sketch::{Distribution, Unique};
use crate::time::Millis;

/// The state of one metric for one window and one series.
#[derive(Clone, Debug, PartialEq)]
pub enum Accumulator {
    /// Events.
    Count(u64),
    /// Exact sum, count, smallest and largest value.
    Sum(SumValues),
    /// A mergeable sketch with the exact values beside it.
    Distribution(Box<Distribution>),
    /// A mergeable sketch of the set of values.
    Unique(Box<Unique>),
    /// Events of the part and of the whole.
    Ratio {
        /// Events that match `part`.
        part: u64,
        /// Events that match `whole`.
        whole: u64,
    },
    /// Journeys by what became of them.
    Journey(Box<Cohort>),
}

/// The journeys that started in one window, for one series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cohort {
    /// How many started.
    pub started: u64,
    /// How many finished in time.
    pub finished: u64,
    /// How many ran out of time.
    pub abandoned: u64,
    /// Seconds from start to finish.
    pub time: Distribution,
}

/// What became of a journey, told under the window and the series of its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JourneyEvent {
    /// It started.
    Started,
    /// It finished, so many milliseconds after its start.
    Finished(Millis),
    /// It ran out of time.
    Abandoned,
}

impl Cohort {
    /// Counts what became of a journey.
    pub fn tell(&mut self, event: JourneyEvent) {
        match event {
            JourneyEvent::Started => self.started += 1,
            JourneyEvent::Abandoned => self.abandoned += 1,
            JourneyEvent::Finished(length) => {
                self.finished += 1;
                self.time.add(seconds(length));
            }
        }
    }
}

/// What one event gives to one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contribution {
    /// One event of a count.
    One,
    /// The value of a sum or a distribution.
    Number(Decimal),
    /// The stable hash of a unique's value.
    Member(u64),
    /// An event of a ratio.
    Share {
        /// It matches the part.
        part: bool,
        /// It matches the whole.
        whole: bool,
    },
    /// An event of a journey, with the stable hash of its key. It is kept as it is until its time has come.
    Step {
        /// What joins start and finish.
        key: u64,
        /// It matches the start.
        start: bool,
        /// It matches the finish.
        finish: bool,
    },
}

impl Accumulator {
    /// Nothing yet, for a metric of this kind.
    pub fn new(kind: &MetricKind) -> Self {
        match kind {
            MetricKind::Count(_) => Self::Count(0),
            MetricKind::Sum(_) => Self::Sum(SumValues::default()),
            MetricKind::Distribution(_) => Self::Distribution(Box::default()),
            MetricKind::Unique(_) => Self::Unique(Box::default()),
            MetricKind::Ratio { .. } => Self::Ratio { part: 0, whole: 0 },
            MetricKind::Journey { .. } => Self::Journey(Box::default()),
        }
    }

    /// Adds one event. Journeys are told by [`crate::settle`], in the order of event time, so they take nothing here.
    #[inline]
    pub fn add(&mut self, contribution: Contribution) {
        match (self, contribution) {
            (Self::Count(count), Contribution::One) => *count += 1,
            (Self::Sum(values), Contribution::Number(value)) => values.add(value),
            (Self::Distribution(sketch), Contribution::Number(value)) => sketch.add(value),
            (Self::Unique(sketch), Contribution::Member(hash)) => sketch.add_hash(hash),
            (
                Self::Ratio { part, whole },
                Contribution::Share { part: in_part, whole: in_whole },
            ) => {
                *part += u64::from(in_part);
                *whole += u64::from(in_whole);
            }
            (accumulator, contribution) => mismatch(accumulator, &contribution),
        }
    }

    /// Adds what another accumulator of the same metric has.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Count(count), Self::Count(more)) => *count += more,
            (Self::Sum(values), Self::Sum(more)) => values.merge(more),
            (Self::Distribution(sketch), Self::Distribution(more)) => sketch.merge(more),
            (Self::Unique(sketch), Self::Unique(more)) => sketch.merge(more),
            (Self::Ratio { part, whole }, Self::Ratio { part: more_part, whole: more_whole }) => {
                *part += more_part;
                *whole += more_whole;
            }
            (Self::Journey(cohort), Self::Journey(more)) => {
                cohort.started += more.started;
                cohort.finished += more.finished;
                cohort.abandoned += more.abandoned;
                cohort.time.merge(&more.time);
            }
            (accumulator, other) => mismatch(accumulator, other),
        }
    }

    /// The values to publish.
    pub fn into_values(self) -> Values {
        match self {
            Self::Count(count) => Values::Count(count),
            Self::Sum(values) => Values::Sum(values),
            Self::Distribution(sketch) => {
                Values::Distribution(Box::new(DistributionValues::from(*sketch)))
            }
            Self::Unique(sketch) => Values::Unique(sketch.estimate()),
            Self::Ratio { part, whole } => Values::Ratio { part, whole },
            Self::Journey(cohort) => Values::Journey(Box::new(JourneyValues {
                started: cohort.started,
                finished: cohort.finished,
                abandoned: cohort.abandoned,
                open: cohort.started - cohort.finished - cohort.abandoned,
                time: DistributionValues::from(cohort.time),
            })),
        }
    }

    /// About how many bytes its values take in a log.
    pub fn encoded_bytes(&self) -> usize {
        match self {
            Self::Count(_) | Self::Unique(_) => values_bytes(1, 0, 0),
            Self::Sum(_) => values_bytes(1, 3, 0),
            Self::Ratio { .. } => values_bytes(2, 0, 0),
            Self::Distribution(sketch) => distribution_bytes(sketch.buckets().len()),
            Self::Journey(cohort) => {
                values_bytes(4, 0, 0) + distribution_bytes(cohort.time.buckets().len())
            }
        }
    }
}

/// Both sides come from one metric of one plan, so that their kinds differ is a bug and stops the batch before it is written.
#[cold]
#[expect(clippy::panic, reason = "a wrong number would be worse; see docs/adr/0004")]
fn mismatch(accumulator: &Accumulator, other: &dyn std::fmt::Debug) -> ! {
    panic!("{accumulator:?} can't take {other:?}")
}
