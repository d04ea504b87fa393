//! Helper of the tests: points as settle publishes them, and a server to send them to.

pub(crate) mod server;

use std::sync::Arc;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::{DistributionValues, SumValues, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::sketch::Distribution;
use streamgauge_engine::time::{MINUTE_MS, Timestamp};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::points::Receipt;
use streamgauge_pipeline::publication::{PointKind, PublishedMetric, PublishedPoint};

/// 2026-01-05T10:00:00Z.
pub(crate) const TEN: Timestamp = Timestamp::from_millis(1_767_607_200_000);

pub(crate) fn metric(name: &str, dimensions: &[&str]) -> PublishedMetric {
    PublishedMetric {
        namespace: "Shop".to_owned(),
        name: name.to_owned(),
        dimensions: dimensions.iter().map(|&dimension| dimension.to_owned()).collect(),
        unit: None,
    }
}

/// A final point of the minute from [`TEN`] on.
pub(crate) fn point(series: &[&str], values: Values) -> PublishedPoint {
    PublishedPoint {
        metric: 0,
        series: Arc::new(SeriesKey::new(series.iter().copied())),
        window_start: TEN,
        window_end: TEN.plus(MINUTE_MS),
        kind: PointKind::Final,
        values,
    }
}

/// The first call of partition 0 in the minute from [`TEN`] on.
pub(crate) fn receipt() -> Receipt {
    let partition = Partition::new(0).unwrap();
    Receipt { namespace: "Shop".to_owned(), partition, minute: TEN, number: 1 }
}

pub(crate) fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

pub(crate) fn sum_of(values: &[&str]) -> SumValues {
    let distribution = distribution_of(values.iter().map(|text| decimal(text)));
    distribution.exact
}

pub(crate) fn distribution_of(values: impl IntoIterator<Item = Decimal>) -> DistributionValues {
    let mut held = Distribution::default();
    for value in values {
        held.add(value);
    }
    DistributionValues {
        exact: SumValues { sum: held.sum(), count: held.count(), min: held.min(), max: held.max() },
        buckets: held.buckets().collect(),
        ..DistributionValues::default()
    }
}
