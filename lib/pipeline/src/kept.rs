//! What a history keeps of the settle log, one by one: points, what they are of, what they come to, and how far it has come.
//!
//! A settle entry holds points by the thousand, in a form made for a log. A history looks for those of a metric and a time, and
//! adds late events to what it has: each of its points stands alone. Of a transition it keeps an
//! [`AlertRecord`](crate::alert_record::AlertRecord) with that one.

use crate::port::log::Version;
use crate::publication::PublishedMetric;
use streamgauge_engine::output::{Status, Values};
use streamgauge_engine::plan::MetricKind;
use streamgauge_engine::time::{Millis, Timestamp};

/// A point, or what the points of several windows come to.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPoint {
    /// From its first instant to the first after it. When it ends is what it is found by.
    pub length_ms: Millis,
    /// What kind of point it is; `open` is one that grows until its window is final.
    pub status: Status,
    /// Of how many windows it is.
    pub windows: u64,
    /// The values.
    pub values: Values,
}

/// A metric that there are points of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMetric {
    /// Its names and its unit.
    pub metric: PublishedMetric,
    /// What its points hold. A metric that is made another kind by new rules is another one here.
    pub kind: ValueKind,
    /// How many points are kept of it.
    pub rows: u64,
    /// Where its newest window ends.
    pub last: Timestamp,
}

/// What the points of a metric hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueKind {
    /// How many events.
    Count,
    /// The sum of values.
    Sum,
    /// A distribution of values.
    Distribution,
    /// How many different values.
    Unique,
    /// A part of a whole.
    Ratio,
    /// Journeys that started.
    Journey,
}

impl ValueKind {
    /// All of them, in the order of their numbers in stored forms.
    pub const ALL: [Self; 6] =
        [Self::Count, Self::Sum, Self::Distribution, Self::Unique, Self::Ratio, Self::Journey];

    /// What these values are.
    pub const fn of(values: &Values) -> Self {
        match values {
            Values::Count(_) => Self::Count,
            Values::Sum(_) => Self::Sum,
            Values::Distribution(_) => Self::Distribution,
            Values::Unique(_) => Self::Unique,
            Values::Ratio { .. } => Self::Ratio,
            Values::Journey(_) => Self::Journey,
        }
    }

    /// What the points of a metric hold that computes this.
    pub const fn computed_by(kind: &MetricKind) -> Self {
        match kind {
            MetricKind::Count(_) => Self::Count,
            MetricKind::Sum(_) => Self::Sum,
            MetricKind::Distribution(_) => Self::Distribution,
            MetricKind::Unique(_) => Self::Unique,
            MetricKind::Ratio { .. } => Self::Ratio,
            MetricKind::Journey { .. } => Self::Journey,
        }
    }

    /// As rules call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Distribution => "distribution",
            Self::Unique => "unique",
            Self::Ratio => "ratio",
            Self::Journey => "journey",
        }
    }
}

/// How far a history has come, and what it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptState {
    /// The last entry of the settle log that it has taken as a whole.
    pub version: Version,
    /// How many portions of the entry after it are taken.
    pub portions: u64,
    /// The clock of the newest entry that it has taken from: what its time is.
    pub clock: Timestamp,
    /// The number that the next new metric gets.
    pub next_metric: u32,
    /// How many points were not kept because there were too many metrics.
    pub refused: u64,
    /// What is kept at each level, by its number.
    pub levels: Vec<KeptLevel>,
}

/// What is kept at one level, and what had to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptLevel {
    /// How many rows there are.
    pub rows: u64,
    /// Their bytes, keys included.
    pub bytes: u64,
    /// How many went before their time, because there were too many.
    pub dropped: u64,
    /// The newest time of these; absent if there are none.
    pub dropped_to: Option<Timestamp>,
}

/// What all final points and corrections of a series come to, as long as the series is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptTotal {
    /// Where the newest window ends that is in it.
    pub end: Timestamp,
    /// The sum.
    pub total: Total,
}

mod codec;
mod total;

pub use total::Total;
