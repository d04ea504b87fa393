//! A point to its data: what `PutMetricData` is to add.
//!
//! | point of `M` | data |
//! | --- | --- |
//! | count, unique | `M`: one value, so that `SampleCount` counts points |
//! | sum | `M`: a statistic set; without events one value, 0 |
//! | ratio | `M`: a statistic set with `Sum` = part and `SampleCount` = whole, so that `Average` is the rate, also over hours; nothing without a whole |
//! | distribution | `M`: the mean of each bucket, and how many values it holds; 150 of them in a datum |
//! | journey | `M`: abandoned over started, as a ratio; `M.started`, `M.finished`, `M.abandoned`: one value each; `M.time`: a distribution in seconds |
//!
//! A point is stamped with its window's start; a window of over an hour with its last minute, since what is older takes
//! longer to be readable. Standard metrics have a minute's resolution, so windows below a minute ask for a second's.
//!
//! Every number is rounded once, to the nearest double. The largest sum, below 2^97, is far below the 2^360 that
//! `CloudWatch` takes, and none is infinite.

use crate::name::{DIMENSIONS_MAX, Name, dimension_value};
use crate::refusal::Refusal;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::builders::MetricDatumBuilder;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit, StatisticSet};
use streamgauge_engine::output::{DistributionValues, SumValues, Values};
use streamgauge_engine::time::{HOUR_MS, MINUTE_MS, Timestamp};
use streamgauge_pipeline::port::points::{Queued, Receipt};
use streamgauge_pipeline::publication::{PointKind, PublishedMetric, PublishedPoint};

/// The most different values in a datum:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>.
pub const VALUES_MAX: usize = 150;
/// The metric of the receipts, in each namespace that points are put into.
pub const RECEIPT_METRIC: &str = "streamgauge.receipts";
/// The dimension that tells the receipts of partitions apart.
pub const RECEIPT_DIMENSION: &str = "partition";

/// The data of a point; none if nothing is to be put.
pub fn of_point(queued: Queued<'_>) -> Result<Vec<MetricDatum>, Refusal> {
    let Queued { metric, point } = queued;
    if point.kind == PointKind::Recorded {
        return Ok(Vec::new());
    }
    let series = Series::new(metric, point)?;
    Ok(match &point.values {
        Values::Count(count) | Values::Unique(count) => vec![series.whole("", *count)],
        Values::Sum(sum) => vec![series.sum(sum)],
        Values::Distribution(distribution) => series.distribution("", distribution).collect(),
        Values::Ratio { part, whole } => series.ratio(*part, *whole).into_iter().collect(),
        Values::Journey(journey) => {
            let counts = Series { unit: Some(StandardUnit::Count), ..series.clone() };
            let time = Series { unit: Some(StandardUnit::Seconds), ..series.clone() };
            let counts = [
                (".started", journey.started),
                (".finished", journey.finished),
                (".abandoned", journey.abandoned),
            ]
            .map(|(suffix, count)| counts.whole(suffix, count));
            let rate = series.ratio(journey.abandoned, journey.started);
            rate.into_iter()
                .chain(counts)
                .chain(time.distribution(".time", &journey.time))
                .collect()
        }
    })
}

/// The datum by which a call is found again: 1 in its minute, of its partition.
pub fn of_receipt(receipt: &Receipt) -> MetricDatum {
    let datum = MetricDatum::builder().metric_name(RECEIPT_METRIC);
    datum.dimensions(receipt_dimension(receipt)).timestamp(stamp(receipt.minute)).value(1.0).build()
}

/// What tells a receipt's metric from those of other partitions.
pub fn receipt_dimension(receipt: &Receipt) -> Dimension {
    let partition = receipt.partition.number().to_string();
    Dimension::builder().name(RECEIPT_DIMENSION).value(partition).build()
}

/// The moment that a point is stamped with.
pub fn timestamp(point: &PublishedPoint) -> Timestamp {
    if length_ms(point) > HOUR_MS { point.window_end.minus(MINUTE_MS) } else { point.window_start }
}

/// A moment as the SDK has it.
pub fn stamp(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.as_millis())
}

fn length_ms(point: &PublishedPoint) -> i64 {
    point.window_end.as_millis().saturating_sub(point.window_start.as_millis())
}

/// What all data of a point share.
#[derive(Clone, Debug)]
struct Series<'a> {
    name: &'a str,
    dimensions: Vec<Dimension>,
    timestamp: DateTime,
    unit: Option<StandardUnit>,
    resolution_seconds: Option<i32>,
}

impl<'a> Series<'a> {
    fn new(metric: &'a PublishedMetric, point: &PublishedPoint) -> Result<Self, Refusal> {
        Ok(Self {
            name: &metric.name,
            dimensions: dimensions(metric, point)?,
            timestamp: stamp(timestamp(point)),
            unit: metric.unit.as_deref().map(|unit| of_unit(metric, unit)).transpose()?,
            resolution_seconds: (length_ms(point) < MINUTE_MS).then_some(1),
        })
    }

    fn datum(&self, suffix: &str) -> MetricDatumBuilder {
        let dimensions = Some(self.dimensions.clone()).filter(|dimensions| !dimensions.is_empty());
        MetricDatum::builder()
            .metric_name(format!("{}{suffix}", self.name))
            .set_dimensions(dimensions)
            .timestamp(self.timestamp)
            .set_unit(self.unit.clone())
            .set_storage_resolution(self.resolution_seconds)
    }

    fn whole(&self, suffix: &str, count: u64) -> MetricDatum {
        self.datum(suffix).value(double(count)).build()
    }

    fn sum(&self, values: &SumValues) -> MetricDatum {
        let SumValues { sum, count, min: Some(min), max: Some(max) } = *values else {
            return self.datum("").value(values.sum.to_f64()).build();
        };
        let set = StatisticSet::builder().sample_count(double(count)).sum(sum.to_f64());
        let set = set.minimum(min.to_f64()).maximum(max.to_f64()).build();
        self.datum("").statistic_values(set).build()
    }

    /// As if each event of the whole were one value and the part were spread over them as evenly as whole numbers can be:
    /// 0 and 1, unless the part is larger than the whole.
    fn ratio(&self, part: u64, whole: u64) -> Option<MetricDatum> {
        let minimum = part.checked_div(whole)?;
        let set = StatisticSet::builder().sample_count(double(whole)).sum(double(part));
        let set = set.minimum(double(minimum)).maximum(double(part.div_ceil(whole))).build();
        Some(self.datum("").statistic_values(set).build())
    }

    fn distribution(
        &self,
        suffix: &str,
        values: &DistributionValues,
    ) -> impl Iterator<Item = MetricDatum> {
        values.buckets.chunks(VALUES_MAX).map(move |buckets| {
            let means = buckets.iter().map(|bucket| bucket.mean().to_f64()).collect();
            let counts = buckets.iter().map(|bucket| double(bucket.count)).collect();
            self.datum(suffix).set_values(Some(means)).set_counts(Some(counts)).build()
        })
    }
}

/// The names and values of a point's dimensions.
fn dimensions(metric: &PublishedMetric, point: &PublishedPoint) -> Result<Vec<Dimension>, Refusal> {
    Name::Metric.check(&metric.name)?;
    let (names, values) = (metric.dimensions.len(), point.series.values().count());
    if names > DIMENSIONS_MAX {
        return Err(Refusal::Dimensions { metric: metric.name.clone(), dimensions: names });
    }
    if names != values {
        return Err(Refusal::Series { metric: metric.name.clone(), names, values });
    }
    let pairs = metric.dimensions.iter().zip(point.series.values());
    pairs
        .map(|(name, value)| {
            let dimension = Dimension::builder().name(Name::Dimension.check(name)?);
            Ok(dimension.value(dimension_value(value)).build())
        })
        .collect()
}

fn of_unit(metric: &PublishedMetric, unit: &str) -> Result<StandardUnit, Refusal> {
    StandardUnit::try_parse(unit).map_err(|_says_no_more| Refusal::Unit {
        metric: metric.name.clone(),
        unit: unit.to_owned(),
    })
}

/// The nearest double.
fn double(count: u64) -> f64 {
    streamgauge_engine::decimal::ratio(count, 1)
}

#[cfg(test)]
mod tests;
