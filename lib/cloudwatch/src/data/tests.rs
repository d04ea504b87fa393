//! What `CloudWatch` gets of each kind of point.

use super::*;
use crate::testing::{TEN, decimal, distribution_of, metric, point, receipt, sum_of};
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::JourneyValues;
use streamgauge_engine::time::{DAY_MS, SECOND_MS};

/// A datum in one line: name, dimensions, values, unit, resolution.
fn shown(datum: &MetricDatum) -> String {
    let dimensions = datum.dimensions().iter();
    let dimensions = dimensions
        .map(|dimension| format!("{}={}", dimension.name().unwrap(), dimension.value().unwrap()));
    let set = datum.statistic_values().map(|set| {
        let [sum, count] = [set.sum(), set.sample_count()].map(Option::unwrap);
        let [min, max] = [set.minimum(), set.maximum()].map(Option::unwrap);
        format!("sum {sum} of {count} in {min}..{max}")
    });
    let counted = datum.values().iter().zip(datum.counts());
    let words = [datum.metric_name().unwrap().to_owned()].into_iter().chain(dimensions);
    let words = words.chain(datum.value().map(|value| value.to_string())).chain(set);
    let words = words.chain(counted.map(|(value, count)| format!("{count}x{value}")));
    let words = words.chain(datum.unit().map(ToString::to_string));
    words
        .chain(datum.storage_resolution().map(|seconds| format!("{seconds}s")))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The data of a point of `M` without dimensions.
#[track_caller]
fn check(values: Values, expect: &[&str]) {
    let (metric, point) = (metric("M", &[]), point(&[], values));
    let data = of_point(Queued { metric: &metric, point: &point }).unwrap();
    assert_eq!(data.iter().map(shown).collect::<Vec<_>>(), expect);
}

#[test]
fn counts_are_one_value() {
    check(Values::Count(3), &["M 3"]);
    check(Values::Count(0), &["M 0"]);
    check(Values::Unique(812), &["M 812"]);
}

#[test]
fn sums_are_statistic_sets() {
    check(Values::Sum(sum_of(&["1.5", "-2", "10"])), &["M sum 9.5 of 3 in -2..10"]);
    check(Values::Sum(sum_of(&["0.1", "0.1", "0.1"])), &["M sum 0.3 of 3 in 0.1..0.1"]);
    check(Values::Sum(SumValues::default()), &["M 0"]);
}

#[test]
fn ratios_keep_part_and_whole() {
    let check_ratio = |part, whole, expect| check(Values::Ratio { part, whole }, expect);
    check_ratio(3, 17, &["M sum 3 of 17 in 0..1"]);
    check_ratio(0, 17, &["M sum 0 of 17 in 0..0"]);
    check_ratio(17, 17, &["M sum 17 of 17 in 1..1"]);
    check_ratio(5, 2, &["M sum 5 of 2 in 2..3"]);
    check_ratio(3, 0, &[]);
}

#[test]
fn distributions_are_means_and_counts() {
    let values = ["1", "1", "-4", "1000.5"].map(decimal);
    let distribution = Box::new(distribution_of(values));
    check(Values::Distribution(distribution), &["M 1x-4 2x1 1x1000.5"]);
    check(Values::Distribution(Box::default()), &[]);
}

#[test]
fn a_datum_has_150_values_at_most() {
    // Powers of a ratio above 1.01 fall into buckets of their own.
    let values =
        (1..=301).map(|billionths| Decimal::from_billionths(billionths * billionths * billionths));
    let distribution = distribution_of(values);
    let (buckets, total) = (distribution.buckets.len(), distribution.exact.sum.to_f64());
    assert!(buckets > 200);
    let (metric, point) =
        (metric("M", &[]), point(&[], Values::Distribution(Box::new(distribution))));
    let data = of_point(Queued { metric: &metric, point: &point }).unwrap();
    assert!(data.len() == buckets.div_ceil(150) && data.len() > 1);
    assert!(data.iter().all(|datum| datum.values().len() <= 150));
    let pairs = || data.iter().flat_map(|datum| datum.values().iter().zip(datum.counts()));
    assert!(pairs().is_sorted_by(|(one, _), (next, _)| one < next));
    assert!((pairs().map(|(_, count)| count).sum::<f64>() - 301.0).abs() < 0.5);
    let sum: f64 = pairs().map(|(value, count)| value * count).sum();
    assert!((sum - total).abs() < total * 1e-6, "{sum} {total}");
}

#[test]
fn journeys_are_five_metrics() {
    let journey = JourneyValues {
        started: 40,
        finished: 33,
        abandoned: 7,
        open: 0,
        time: distribution_of(["30", "30", "61.25"].map(decimal)),
    };
    check(
        Values::Journey(Box::new(journey)),
        &[
            "M sum 7 of 40 in 0..1",
            "M.started 40 Count",
            "M.finished 33 Count",
            "M.abandoned 7 Count",
            "M.time 2x30 1x61.25 Seconds",
        ],
    );
    let abandoned = JourneyValues { started: 2, abandoned: 2, ..JourneyValues::default() };
    check(
        Values::Journey(Box::new(abandoned)),
        &["M sum 2 of 2 in 1..1", "M.started 2 Count", "M.finished 0 Count", "M.abandoned 2 Count"],
    );
}

#[test]
fn the_largest_and_the_smallest_numbers_are_in_the_range() {
    let largest = decimal("999999999999999999.999999999");
    let (low, high) =
        (Decimal::from_billionths(i128::MIN + 1), Decimal::from_billionths(i128::MAX));
    let sum = SumValues { sum: high, count: u64::MAX, min: Some(low), max: Some(largest) };
    let (metric, point) = (metric("M", &[]), point(&[], Values::Sum(sum)));
    let data = of_point(Queued { metric: &metric, point: &point }).unwrap();
    let set = data[0].statistic_values().unwrap();
    for number in [set.sum(), set.minimum(), set.maximum(), set.sample_count()] {
        assert!(number.unwrap().abs() < 2_f64.powi(360));
    }
}

#[test]
fn dimensions_and_units_come_along() {
    let mut metric = metric("M", &["country", "shop"]);
    metric.unit = Some("Bytes/Second".to_owned());
    let point = point(&["AE", "Café"], Values::Count(1));
    let data = of_point(Queued { metric: &metric, point: &point }).unwrap();
    assert_eq!(shown(&data[0]), "M country=AE shop=Caf%C3%A9 1 Bytes/Second");
}

#[test]
fn all_kinds_are_put_but_what_was_put_already() {
    let metric = metric("M", &[]);
    for (kind, expect) in [
        (PointKind::Final, 1),
        (PointKind::Correction, 1),
        (PointKind::Increment, 1),
        (PointKind::Recorded, 0),
    ] {
        let point = PublishedPoint { kind, ..point(&[], Values::Count(1)) };
        assert_eq!(of_point(Queued { metric: &metric, point: &point }).unwrap().len(), expect);
    }
}

/// A window of so many milliseconds: its timestamp after the start, and its resolution.
#[track_caller]
fn check_stamp(length_ms: i64, expect_ms: i64, resolution: Option<i32>) {
    let point = PublishedPoint { window_end: TEN.plus(length_ms), ..point(&[], Values::Count(1)) };
    let metric = metric("M", &[]);
    let data = of_point(Queued { metric: &metric, point: &point }).unwrap();
    assert_eq!(data[0].timestamp(), Some(&stamp(TEN.plus(expect_ms))));
    assert_eq!(data[0].storage_resolution(), resolution);
}

#[test]
fn points_are_stamped_where_they_are_readable() {
    check_stamp(SECOND_MS, 0, Some(1));
    check_stamp(MINUTE_MS - 1, 0, Some(1));
    check_stamp(MINUTE_MS, 0, None);
    check_stamp(HOUR_MS, 0, None);
    check_stamp(HOUR_MS + 1, HOUR_MS + 1 - MINUTE_MS, None);
    check_stamp(DAY_MS, DAY_MS - MINUTE_MS, None);
}

#[test]
fn a_receipt_is_one_in_its_minute() {
    let datum = of_receipt(&receipt());
    assert_eq!(shown(&datum), "streamgauge.receipts partition=0 1");
    assert_eq!(datum.timestamp(), Some(&stamp(TEN)));
}

#[track_caller]
fn check_refused(metric: &PublishedMetric, series: &[&str], expect: &str) {
    let point = point(series, Values::Count(1));
    let refusal = of_point(Queued { metric, point: &point }).unwrap_err();
    assert_eq!(refusal.to_string(), expect);
}

#[test]
fn what_cloudwatch_does_not_take_is_refused_with_the_reason() {
    let dimension = "cannot be the name of a dimension in CloudWatch; change it in the rules";
    check_refused(&metric("M", &[":a"]), &["x"], &format!("`:a` {dimension}"));
    check_refused(&metric("M", &["größe"]), &["x"], &format!("`größe` {dimension}"));
    check_refused(
        &metric("", &[]),
        &[],
        "`` cannot be the name of a metric in CloudWatch; change it in the rules",
    );
    check_refused(
        &metric("M", &["d"; 31]),
        &["x"; 31],
        "metric `M` has 31 dimensions, over the limit of 30; split it by fewer",
    );
    check_refused(
        &metric("M", &["d"]),
        &["x", "y"],
        "a point of metric `M` has 2 dimension values for 1 names",
    );
    check_refused(
        &PublishedMetric { unit: Some("Furlongs".to_owned()), ..metric("M", &[]) },
        &[],
        "`Furlongs` is no unit of CloudWatch; change that of metric `M` in the rules",
    );
}
