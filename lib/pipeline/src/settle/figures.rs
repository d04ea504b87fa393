//! Self-metrics: what the pipeline did, in the spirit of rate, loss and delay.
//!
//! They are points of the entry that they speak of, and go out by the same lane as all others: each entry tells of the deltas that
//! it takes, so what they add up to is as exact as the rest. Partition 0 tells, since every partition sees all headers.
//!
//! | metric | unit | what |
//! | --- | --- | --- |
//! | `Received`, `Counted`, `Filtered`, `Duplicate`, `Late`, `Rejected` | Count | what became of the records: the first is the sum of the others |
//! | `Bytes` | Bytes | their bytes |
//! | `IteratorAge` | Milliseconds | how long the youngest record of a batch had been in its stream when the batch was taken |
//! | `WatermarkLag` | Milliseconds | how far the watermark is behind the clock |
//! | `BehindTime` | Milliseconds | for how long the shard that has been behind for longest has been; 0: none is |
//! | `ShardsLeftOut` | Count | shards that are left out because they were behind for longer than `hold`, now |
//! | `LeftOut`, `CameBack` | Count | how many became so, and how many count again; only where some did |
//! | `SettleDuration` | Milliseconds | how long the settle before took |
//! | `Deployed` | Count | deploys that people have marked, under the minute of the deploy |
//!
//! What a metric refuses belongs to its partition, which tells of it when there is something, once for the stack and once with
//! the metric's name as a second dimension:
//!
//! | metric | unit | what |
//! | --- | --- | --- |
//! | `LateDropped` | Count | events that it refused as late |
//! | `SeriesFolded` | Count | points of series over `max_series` that were folded into `__other__` |
//!
//! And for each metric of journeys, by its partition and in the namespace of the rules, whenever the watermark has moved:
//!
//! | metric | unit | what |
//! | --- | --- | --- |
//! | `M.open` | Count | journeys that are open, of all series, up to where the watermark is past the allowed lateness |

use super::source::{Figures, ShardDelta};
use super::state::{Refused, State};
use crate::publication::{PointKind, Publication, PublishedMetric, PublishedPoint};
use std::collections::BTreeSet;
use std::sync::Arc;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::{Counters, MetricCounters, SumValues, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::settle::ShardId;
use streamgauge_engine::time::{MINUTE_MS, Millis, Timestamp};

/// The namespace of self-metrics.
pub const NAMESPACE: &str = "StreamGauge";
/// Their dimension: the stack, as its table is named.
pub const DIMENSION: &str = "Stack";
/// The second dimension of those that are told of each metric: the metric's name.
pub const METRIC_DIMENSION: &str = "Metric";
/// What the name of a metric of journeys is followed by, for how many are open.
pub const OPEN_SUFFIX: &str = ".open";
/// The names of the self-metrics. Whoever alarms on one finds it here.
pub const NAMES: [&str; 17] = [
    "Received",
    "Counted",
    "Filtered",
    "Duplicate",
    "Late",
    "Rejected",
    "Bytes",
    "IteratorAge",
    "WatermarkLag",
    "SettleDuration",
    "BehindTime",
    "ShardsLeftOut",
    "LeftOut",
    "CameBack",
    "LateDropped",
    "SeriesFolded",
    "Deployed",
];

/// What the deltas of an entry were, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    counters: Counters,
    bytes: u64,
    ages: SumValues,
}

/// Where a settle stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) clock: Timestamp,
    pub(super) watermark: Option<Timestamp>,
    pub(super) shards: Shards,
    /// How long the settle before took, in milliseconds.
    pub(super) took_ms: Option<Millis>,
}

/// Which shards are behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shards {
    /// How many are left out.
    left_out_now: usize,
    /// How many were not before.
    left_out: usize,
    /// How many were before and are not.
    came_back: usize,
    /// For how long one has been behind, in milliseconds.
    behind_ms: Millis,
}

impl Shards {
    /// What an entry has changed.
    pub(super) fn between(before: &BTreeSet<ShardId>, state: &State, clock: Timestamp) -> Self {
        let after = state.left_out();
        Self {
            left_out_now: after.len(),
            left_out: after.difference(before).count(),
            came_back: before.difference(&after).count(),
            behind_ms: state.watermarks.behind_since().map_or(0, |since| lag(clock, since)),
        }
    }
}

impl Totals {
    /// The totals of these deltas.
    pub(super) fn of<'d>(deltas: impl Iterator<Item = &'d ShardDelta>) -> Self {
        let mut totals = Self::default();
        for Figures { counters, bytes, age_ms } in deltas.map(|delta| delta.figures) {
            totals.counters.add(&counters);
            totals.bytes += bytes;
            if let Some(age_ms) = age_ms {
                totals.ages.add(whole(age_ms.max(0)));
            }
        }
        totals
    }

    /// Adds them to a publication, with where the settle stands.
    pub(super) fn publish(&self, stack: &str, standing: Standing, publication: &mut Publication) {
        let Counters { received, rejected, filtered, duplicate, counted, late } = self.counters;
        let mut put = |name, unit, values| {
            push(publication, (stack, None), standing.clock, (name, unit), values);
        };
        let counters = [
            ("Received", received),
            ("Counted", counted),
            ("Filtered", filtered),
            ("Duplicate", duplicate),
            ("Late", late),
            ("Rejected", rejected),
        ];
        for (name, records) in counters {
            put(name, "Count", Values::Count(records));
        }
        put("Bytes", "Bytes", Values::Count(self.bytes));
        if self.ages.count > 0 {
            put("IteratorAge", "Milliseconds", Values::Sum(self.ages));
        }
        let gauges = [
            ("WatermarkLag", standing.watermark.map(|watermark| lag(standing.clock, watermark))),
            ("SettleDuration", standing.took_ms),
            ("BehindTime", Some(standing.shards.behind_ms)),
        ];
        for (name, millis) in gauges {
            if let Some(millis) = millis {
                let values = [whole(millis.max(0))].into_iter().collect();
                put(name, "Milliseconds", Values::Sum(values));
            }
        }
        let Shards { left_out_now, left_out, came_back, .. } = standing.shards;
        put("ShardsLeftOut", "Count", Values::Count(count(left_out_now)));
        for (name, shards) in [("LeftOut", left_out), ("CameBack", came_back)] {
            if shards > 0 {
                put(name, "Count", Values::Count(count(shards)));
            }
        }
    }
}

/// Adds what metrics refused or folded, to the publication of the partition that has them.
pub(super) fn publish_refused(
    stack: &str,
    clock: Timestamp,
    refused: &[(String, Refused)],
    publication: &mut Publication,
) {
    let mut put = |name, metric, count| {
        if count > 0 {
            push(publication, (stack, metric), clock, (name, "Count"), Values::Count(count));
        }
    };
    let mut total = Refused::default();
    for (metric, Refused { late_dropped, folded }) in refused {
        put("LateDropped", Some(metric.as_str()), *late_dropped);
        put("SeriesFolded", Some(metric.as_str()), *folded);
        total.late_dropped += late_dropped;
        total.folded += folded;
    }
    put("LateDropped", None, total.late_dropped);
    put("SeriesFolded", None, total.folded);
}

/// What an entry says that metrics refused or folded: each metric, and how much.
pub fn refused_in(
    metrics: &[PublishedMetric],
    figures: &[PublishedPoint],
) -> Vec<(String, MetricCounters)> {
    let refused = figures.iter().filter_map(|point| {
        let figure = metrics.get(usize::try_from(point.metric).ok()?)?;
        let metric = point.series.values().nth(1).filter(|_| figure.namespace == NAMESPACE)?;
        let Values::Count(count) = point.values else { return None };
        let nothing = MetricCounters::default();
        let counters = match figure.name.as_str() {
            "LateDropped" => MetricCounters { late_dropped: count, ..nothing },
            "SeriesFolded" => MetricCounters { folded: count, ..nothing },
            _ => return None,
        };
        Some((metric.to_owned(), counters))
    });
    refused.collect()
}

/// Adds a mark for each deploy, under its own time, so that charts show it where it was.
pub(super) fn publish_deploys(stack: &str, deploys: &[Timestamp], publication: &mut Publication) {
    for &at in deploys {
        push(publication, (stack, None), at, ("Deployed", "Count"), Values::Count(1));
    }
}

/// Adds how many journeys are open, of the metrics of a partition whose watermark was there before.
///
/// They stand under the event time at which they are open, as the cohorts that they belong to do.
pub(super) fn publish_open(
    state: &State,
    before: Option<Timestamp>,
    publication: &mut Publication,
) {
    let (Some(current), Some(watermark)) = (&state.settlers.current, state.watermark()) else {
        return;
    };
    if before == Some(watermark) {
        return;
    }
    let at = watermark.minus(current.plan.timing.allowed_lateness);
    for ((namespace, name), journeys) in state.settlers.open_journeys() {
        let metric = PublishedMetric {
            namespace: namespace.to_owned(),
            name: format!("{name}{OPEN_SUFFIX}"),
            dimensions: Vec::new(),
            unit: Some("Count".to_owned()),
        };
        let open = Values::Count(count(journeys));
        push_point(publication, metric, SeriesKey::default(), at, open);
    }
}

/// Adds a point of a self-metric, of a metric if it is told of one.
fn push(
    publication: &mut Publication,
    (stack, metric): (&str, Option<&str>),
    clock: Timestamp,
    (name, unit): (&str, &str),
    values: Values,
) {
    let dimensions = [DIMENSION].into_iter().chain(metric.map(|_| METRIC_DIMENSION));
    let published = PublishedMetric {
        namespace: NAMESPACE.to_owned(),
        name: name.to_owned(),
        dimensions: dimensions.map(str::to_owned).collect(),
        unit: Some(unit.to_owned()),
    };
    let series = SeriesKey::new([stack].into_iter().chain(metric));
    push_point(publication, published, series, clock, values);
}

/// Adds a point of the minute of a moment.
fn push_point(
    publication: &mut Publication,
    metric: PublishedMetric,
    series: SeriesKey,
    at: Timestamp,
    values: Values,
) {
    publication.metrics.push(metric);
    let window_start = Timestamp::from_millis(at.as_millis().div_euclid(MINUTE_MS) * MINUTE_MS);
    publication.points.push(PublishedPoint {
        metric: u32::try_from(publication.metrics.len() - 1).unwrap_or(u32::MAX),
        series: Arc::new(series),
        window_start,
        window_end: window_start.plus(MINUTE_MS),
        kind: PointKind::Final,
        values,
    });
}

fn count(shards: usize) -> u64 {
    u64::try_from(shards).unwrap_or(u64::MAX)
}

fn lag(clock: Timestamp, watermark: Timestamp) -> Millis {
    (clock.as_millis() - watermark.as_millis()).max(0)
}

fn whole(number: i64) -> Decimal {
    Decimal::from_billionths(i128::from(number) * 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_what_is_named() {
        let mut totals = Totals::default();
        totals.ages.add(whole(7));
        let shards = Shards { left_out_now: 1, left_out: 1, came_back: 1, behind_ms: 1 };
        let watermark = Some(Timestamp::EPOCH);
        let standing = Standing { clock: Timestamp::EPOCH, watermark, shards, took_ms: Some(1) };
        let mut publication = Publication::default();
        totals.publish("shop", standing, &mut publication);
        let refused = [("orders".to_owned(), Refused { late_dropped: 1, folded: 2 })];
        publish_refused("shop", Timestamp::EPOCH, &refused, &mut publication);
        publish_deploys("shop", &[Timestamp::EPOCH], &mut publication);
        let names: BTreeSet<&str> =
            publication.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, BTreeSet::from(NAMES));
        let none = MetricCounters::default();
        let expect = [
            ("orders".to_owned(), MetricCounters { late_dropped: 1, ..none }),
            ("orders".to_owned(), MetricCounters { folded: 2, ..none }),
        ];
        assert_eq!(refused_in(&publication.metrics, &publication.points), expect);
        let of_metric = publication.metrics.iter().filter(|metric| metric.dimensions.len() == 2);
        assert_eq!(of_metric.count(), 2);
    }

    #[test]
    fn metrics_that_refuse_nothing_are_not_told_of() {
        let mut publication = Publication::default();
        publish_refused("shop", Timestamp::EPOCH, &[], &mut publication);
        publish_deploys("shop", &[], &mut publication);
        assert_eq!(publication, Publication::default());
    }
}
