//! What the engine decides: points, their values, and counters.

use crate::decimal::Decimal;
use crate::series::SeriesKey;
use crate::sketch::Bucket;
use crate::time::{Millis, Timestamp};
use std::sync::Arc;

mod merge;

/// One published value of a metric for one window and one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The metric's place in [`crate::plan::Plan::metrics`].
    pub metric: usize,
    /// The dimension values, in the order of the metric's dimensions.
    pub series: Arc<SeriesKey>,
    /// The window's first instant.
    pub window_start: Timestamp,
    /// The first instant after the window.
    pub window_end: Timestamp,
    /// Whether it is the window's point, a correction of it, or a look at an undecided window.
    pub status: Status,
    /// The event time at which it was decided: what the output is ordered by.
    pub decided_at: Timestamp,
    /// The values.
    pub values: Values,
}

/// What kind of point it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Published once, when the window is final.
    Final,
    /// Late events of a final window, alone: to be merged into its point.
    Correction,
    /// The input ended before the window was decided.
    Open,
}

impl Status {
    /// As users see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::Correction => "correction",
            Self::Open => "open",
        }
    }
}

/// The values of a point, by the kind of its metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// How many events.
    Count(u64),
    /// The sum of the events' values.
    Sum(SumValues),
    /// A distribution of the events' values.
    Distribution(Box<DistributionValues>),
    /// How many different values, estimated above 256.
    Unique(u64),
    /// A part of a whole, counted independently.
    Ratio {
        /// Events that match `part`.
        part: u64,
        /// Events that match `whole`.
        whole: u64,
    },
    /// The cohort of journeys that started in the window.
    Journey(Box<JourneyValues>),
}

impl Values {
    /// About how many bytes they take in a log.
    pub fn encoded_bytes(&self) -> usize {
        match self {
            Self::Count(_) | Self::Unique(_) => values_bytes(1, 0, 0),
            Self::Sum(_) => values_bytes(1, 3, 0),
            Self::Ratio { .. } => values_bytes(2, 0, 0),
            Self::Distribution(values) => distribution_bytes(values.buckets.len()),
            Self::Journey(values) => {
                values_bytes(4, 0, 0) + distribution_bytes(values.time.buckets.len())
            }
        }
    }
}

/// About how many bytes so many counts, decimals and buckets take: CBOR has 5 bytes for a number below 2^32, which most
/// counts are, and 9 below 2^64, which most decimals are.
pub(crate) const fn values_bytes(counts: usize, decimals: usize, buckets: usize) -> usize {
    const COUNT_BYTES: usize = 5;
    const DECIMAL_BYTES: usize = 9;
    counts * COUNT_BYTES + decimals * DECIMAL_BYTES + buckets * (COUNT_BYTES + DECIMAL_BYTES)
}

/// About how many bytes a distribution of so many buckets takes, with its exact values and its percentiles.
pub(crate) const fn distribution_bytes(buckets: usize) -> usize {
    values_bytes(1, 3 + PERCENTILES.len(), buckets)
}

/// The values of a `sum` point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SumValues {
    /// The exact sum.
    pub sum: Decimal,
    /// Events that had a value.
    pub count: u64,
    /// The smallest value, if any.
    pub min: Option<Decimal>,
    /// The largest value, if any.
    pub max: Option<Decimal>,
}

impl SumValues {
    /// Adds one value.
    #[inline]
    pub fn add(&mut self, value: Decimal) {
        self.sum = Decimal::from_billionths(self.sum.billionths() + value.billionths());
        self.count += 1;
        self.min = Some(self.min.map_or(value, |least| least.min(value)));
        self.max = Some(self.max.map_or(value, |most| most.max(value)));
    }

    /// Adds what other values come to.
    pub fn merge(&mut self, more: &Self) {
        self.sum = Decimal::from_billionths(self.sum.billionths() + more.sum.billionths());
        self.count += more.count;
        self.min = self.min.into_iter().chain(more.min).min();
        self.max = self.max.into_iter().chain(more.max).max();
    }
}

impl FromIterator<Decimal> for SumValues {
    fn from_iter<I: IntoIterator<Item = Decimal>>(values: I) -> Self {
        let mut sum = Self::default();
        values.into_iter().for_each(|value| sum.add(value));
        sum
    }
}

/// The values of a `distribution` point.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DistributionValues {
    /// Exact sum, count, smallest and largest value.
    pub exact: SumValues,
    /// Nearest-rank percentiles within 1 %: p50, p90, p95, p99, p99.9 ([`PERCENTILES`]).
    pub percentiles: [Decimal; 5],
    /// The buckets that they are read from, by rising value, for sinks that take values with their counts.
    pub buckets: Vec<Bucket>,
}

/// The percentiles that a point shows, in tenths of a percent.
pub const PERCENTILES: [(&str, u32); 5] =
    [("p50", 500), ("p90", 900), ("p95", 950), ("p99", 990), ("p99.9", 999)];

/// The values of a `journey` point.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct JourneyValues {
    /// Journeys that started in the window.
    pub started: u64,
    /// Of these, how many finished in time.
    pub finished: u64,
    /// Of these, how many did not.
    pub abandoned: u64,
    /// Of these, how many are still open (0 in a final point).
    pub open: u64,
    /// Time from start to finish of the finished ones, in seconds.
    pub time: DistributionValues,
}

/// What became of each record that was received: they sum up (invariant W4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// All records.
    pub received: u64,
    /// Could not be decoded, or not used.
    pub rejected: u64,
    /// No metric takes it.
    pub filtered: u64,
    /// A copy of an event that was seen before.
    pub duplicate: u64,
    /// At least one metric took it.
    pub counted: u64,
    /// Every metric that would have taken it refused it as late.
    pub late: u64,
}

impl Counters {
    /// Adds what became of other records.
    pub fn add(&mut self, more: &Self) {
        self.received += more.received;
        self.rejected += more.rejected;
        self.filtered += more.filtered;
        self.duplicate += more.duplicate;
        self.counted += more.counted;
        self.late += more.late;
    }
}

/// What one metric saw, to show that nothing went wrong silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MetricCounters {
    /// Events, copies aside, that the metric took or refused as late.
    pub matched: u64,
    /// Events that its expression matched and that had no value (or no journey key).
    pub no_value: u64,
    /// Of these, events for which at least one dimension was missing.
    pub no_dimension: u64,
    /// Events that it refused as late.
    pub late_dropped: u64,
    /// Points of series over `max_series` that were folded into `__other__`.
    pub folded: u64,
}

impl MetricCounters {
    /// Counts events of a series that the metric took or refused as late.
    pub(crate) fn count(&mut self, series: &SeriesKey, events: u64) {
        self.matched += events;
        if series.lacks_a_value() {
            self.no_dimension += events;
        }
    }

    /// Adds what the metric saw of other events.
    pub fn add(&mut self, more: &Self) {
        self.matched += more.matched;
        self.no_value += more.no_value;
        self.no_dimension += more.no_dimension;
        self.late_dropped += more.late_dropped;
        self.folded += more.folded;
    }
}

/// A length of time in seconds as a decimal, for the values of journeys.
pub fn seconds(length: Millis) -> Decimal {
    Decimal::from_billionths(i128::from(length) * 1_000_000)
}
