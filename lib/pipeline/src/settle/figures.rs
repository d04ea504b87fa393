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
//! | `ShardsBehind` | Count | shards that are left out because they were behind for longer than `hold` |
//! | `SettleDuration` | Milliseconds | how long the settle before took |

use super::source::{Figures, ShardDelta};
use crate::publication::{PointKind, Publication, PublishedMetric, PublishedPoint};
use std::sync::Arc;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::{Counters, SumValues, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{MINUTE_MS, Millis, Timestamp};

/// The namespace of self-metrics.
pub const NAMESPACE: &str = "StreamGauge";
/// Their dimension: the stack, as its table is named.
pub const DIMENSION: &str = "Stack";

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
    pub(super) left_out: usize,
    /// How long the settle before took, in milliseconds.
    pub(super) took_ms: Option<Millis>,
}

impl Totals {
    /// The totals of these deltas.
    pub(super) fn of<'d>(deltas: impl Iterator<Item = &'d ShardDelta>) -> Self {
        let mut totals = Self::default();
        for Figures { counters, bytes, age_ms } in deltas.map(|delta| delta.figures) {
            totals.counters.add(&counters);
            totals.bytes += bytes;
            if let Some(age_ms) = age_ms {
                add(&mut totals.ages, whole(age_ms.max(0)));
            }
        }
        totals
    }

    /// Adds them to a publication, with where the settle stands.
    pub(super) fn publish(&self, stack: &str, standing: Standing, publication: &mut Publication) {
        let Counters { received, rejected, filtered, duplicate, counted, late } = self.counters;
        let series = Arc::new(SeriesKey::new([stack]));
        let minute = standing.clock.as_millis().div_euclid(MINUTE_MS) * MINUTE_MS;
        let window_start = Timestamp::from_millis(minute);
        let mut put = |name: &str, unit: &str, values: Values| {
            publication.metrics.push(PublishedMetric {
                namespace: NAMESPACE.to_owned(),
                name: name.to_owned(),
                dimensions: vec![DIMENSION.to_owned()],
                unit: Some(unit.to_owned()),
            });
            publication.points.push(PublishedPoint {
                metric: u32::try_from(publication.metrics.len() - 1).unwrap_or(u32::MAX),
                series: Arc::clone(&series),
                window_start,
                window_end: window_start.plus(MINUTE_MS),
                kind: PointKind::Final,
                values,
            });
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
        ];
        for (name, millis) in gauges {
            if let Some(millis) = millis {
                let mut values = SumValues::default();
                add(&mut values, whole(millis.max(0)));
                put(name, "Milliseconds", Values::Sum(values));
            }
        }
        let left_out = u64::try_from(standing.left_out).unwrap_or(u64::MAX);
        put("ShardsBehind", "Count", Values::Count(left_out));
    }
}

fn lag(clock: Timestamp, watermark: Timestamp) -> Millis {
    (clock.as_millis() - watermark.as_millis()).max(0)
}

fn whole(number: i64) -> Decimal {
    Decimal::from_billionths(i128::from(number) * 1_000_000_000)
}

fn add(values: &mut SumValues, value: Decimal) {
    values.sum = Decimal::from_billionths(values.sum.billionths() + value.billionths());
    values.count += 1;
    values.min = Some(values.min.map_or(value, |least| least.min(value)));
    values.max = Some(values.max.map_or(value, |most| most.max(value)));
}
