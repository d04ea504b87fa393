//! Calls are full, within every limit, and cover each point once.

use super::*;
use crate::testing::server::Server;
use crate::testing::{TEN, decimal, distribution_of, metric, point, receipt};
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::retry::RetryConfig;
use proptest::prelude::*;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::Values;
use streamgauge_engine::time::MINUTE_MS;
use streamgauge_pipeline::publication::{PointKind, PublishedMetric, PublishedPoint};

/// Just after the window of the points is final.
const NOW: Timestamp = TEN.plus(5 * MINUTE_MS);

fn queued<'a>(metric: &'a PublishedMetric, points: &'a [PublishedPoint]) -> Vec<Queued<'a>> {
    points.iter().map(|point| Queued { metric, point }).collect()
}

/// How many data a call has, how many points it covers, and which are refused.
fn shown(packed: &Packed<Call>) -> (usize, usize, Vec<usize>) {
    let data = packed.call.as_ref().map_or(0, |call| call.data.len());
    (data, packed.points, packed.refused.iter().map(|(place, _)| *place).collect())
}

#[track_caller]
fn check(points: &[Queued<'_>], data: usize, covered: usize, refused: &[usize]) {
    assert_eq!(shown(&pack(points, &receipt(), NOW)), (data, covered, refused.to_vec()));
}

#[test]
fn a_call_has_a_receipt_and_999_data_of_points() {
    let metric = metric("orders", &["country"]);
    let points = vec![point(&["AE"], Values::Count(1)); 1_500];
    let points = queued(&metric, &points);
    check(&points, 1_000, 999, &[]);
    check(&points[999..], 502, 501, &[]);
    let call = pack(&points, &receipt(), NOW).call.unwrap();
    assert_eq!(call.namespace, "Shop");
    assert_eq!(call.data[0], data::of_receipt(&receipt()));
}

#[test]
fn nothing_to_send_is_no_call() {
    let metric = metric("orders", &[]);
    check(&[], 0, 0, &[]);
    let recorded = PublishedPoint { kind: PointKind::Recorded, ..point(&[], Values::Count(1)) };
    let without_whole = point(&[], Values::Ratio { part: 1, whole: 0 });
    let points = [recorded, without_whole];
    check(&queued(&metric, &points), 0, 2, &[]);
}

#[test]
fn another_namespace_ends_a_call() {
    let (ours, shop) = (metric("orders", &[]), point(&[], Values::Count(1)));
    let others = PublishedMetric { namespace: "Other".to_owned(), ..ours.clone() };
    let of = |metric| Queued { metric, point: &shop };
    check(&[of(&ours), of(&ours), of(&others), of(&ours)], 3, 2, &[]);
    check(&[of(&others), of(&ours)], 2, 2, &[0]);
}

#[test]
fn a_namespace_that_cloudwatch_does_not_take_is_refused() {
    let metric = PublishedMetric { namespace: "AWS/Shop".to_owned(), ..metric("orders", &[]) };
    let receipt = Receipt { namespace: "AWS/Shop".to_owned(), ..receipt() };
    let points = [point(&[], Values::Count(1))];
    let packed = pack(&queued(&metric, &points), &receipt, NOW);
    assert_eq!(shown(&packed), (0, 1, vec![0]));
    let expect =
        "`AWS/Shop` cannot be the name of a namespace in CloudWatch; change it in the rules";
    assert_eq!(packed.refused, [(0, expect.to_owned())]);
}

/// A point whose window starts so long before now, in milliseconds: the reason it is refused, if it is.
#[track_caller]
fn check_age(age_ms: Millis, expect: Option<&str>) {
    let start = NOW.minus(age_ms);
    let point = point(&[], Values::Count(1));
    let point = PublishedPoint { window_start: start, window_end: start.plus(MINUTE_MS), ..point };
    let metric = metric("orders", &[]);
    let packed = pack(&[Queued { metric: &metric, point: &point }], &receipt(), NOW);
    let reasons = expect.map(|reason| (0, reason.to_owned())).into_iter().collect::<Vec<_>>();
    assert_eq!(packed.refused, reasons);
    assert_eq!((packed.points, packed.call.is_some()), (1, expect.is_none()));
}

#[test]
fn points_of_two_weeks_ago_and_of_two_hours_ahead_are_refused() {
    check_age(14 * DAY_MS - HOUR_MS, None);
    let old = "the point is stamped 2025-12-22T11:04:59.999Z, which at 2026-01-05T10:05:00Z is too long ago for CloudWatch; it takes two weeks";
    check_age(14 * DAY_MS - HOUR_MS + 1, Some(old));
    check_age(-2 * HOUR_MS, None);
    let ahead = "the point is stamped 2026-01-05T12:05:00.001Z, which at 2026-01-05T10:05:00Z is too far ahead for CloudWatch; it takes two hours";
    check_age(-2 * HOUR_MS - 1, Some(ahead));
}

#[test]
fn a_poison_point_is_passed_over() {
    let (good, bad) = (metric("orders", &[]), metric("größe", &[]));
    let point = point(&[], Values::Count(1));
    let of = |metric| Queued { metric, point: &point };
    check(&[of(&bad), of(&good), of(&bad), of(&good)], 3, 4, &[0, 2]);
    check(&[of(&bad), of(&bad)], 0, 2, &[0, 1]);
}

/// A metric with as many dimensions as there can be and names as long as they can be.
fn wide_metric() -> PublishedMetric {
    let names: Vec<String> = (0..30).map(|number| format!("{number:0>255}")).collect();
    PublishedMetric { dimensions: names, ..metric("wide", &[]) }
}

/// A point of it, whose values are as long as they can be: 38 KB in a datum.
fn wide_point(values: Values) -> PublishedPoint {
    point(&["x".repeat(1_024).as_str(); 30], values)
}

#[test]
fn a_body_has_a_million_bytes_at_most() {
    let (metric, points) = (wide_metric(), vec![wide_point(Values::Count(1)); 40]);
    let points = queued(&metric, &points);
    let one = datum_bytes(&data::of_point(points[0]).unwrap()[0]);
    let fit = (BODY_BYTES_MAX - 200) / one;
    assert!((20..30).contains(&fit));
    check(&points, fit + 1, fit, &[]);
}

#[test]
fn a_point_that_no_call_holds_is_refused() {
    // Each in a bucket of its own: 4,000 values are 27 data.
    let grown = |value: &Decimal| Some(Decimal::from_billionths(value.billionths() * 101 / 100));
    let values = distribution_of(std::iter::successors(Some(decimal("0.001")), grown).take(4_000));
    assert_eq!(values.buckets.len(), 4_000);
    let values = Values::Distribution(Box::new(values));
    let (metric, points) = (wide_metric(), [wide_point(values), wide_point(Values::Count(1))]);
    let packed = pack(&queued(&metric, &points), &receipt(), NOW);
    assert_eq!(shown(&packed), (2, 2, vec![0]));
    assert!(packed.refused[0].1.contains("more than one call holds"), "{:?}", packed.refused);
}

/// What a body really has against what it was taken for.
#[test]
fn the_size_of_a_body_is_never_underrated_and_hardly_overrated() {
    let server = Server::start([]);
    let config = server.config().retry_config(RetryConfig::disabled());
    let client = Client::from_conf(config.disable_request_compression(true).build());
    let check = |metric: &PublishedMetric, points: &[PublishedPoint]| {
        let call = pack(&queued(metric, points), &receipt(), NOW).call.unwrap();
        let expect = frame_bytes("Shop") + call.data.iter().map(datum_bytes).sum::<usize>();
        let put = client.put_metric_data().namespace("Shop").set_metric_data(Some(call.data));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(put.send()).unwrap();
        let sent = server.requests().pop().unwrap().body.len();
        assert!((sent..=sent + sent / 50).contains(&expect), "{sent} bytes, not {expect}");
    };
    let percent = PublishedMetric { unit: Some("Percent".to_owned()), ..metric("rate", &[]) };
    check(&percent, &[point(&[], Values::Ratio { part: 1, whole: 3 })]);
    let short = point(&["AE"], Values::Count(1));
    let short = PublishedPoint { window_end: short.window_start.plus(1_000), ..short };
    check(&metric("orders", &["country"]), &vec![short; 900]);
    let values = distribution_of((1..10_000).map(Decimal::from_billionths));
    let values = Values::Distribution(Box::new(values));
    check(&metric("order_value", &["country"]), &[point(&["Österreich"], values)]);
    check(&wide_metric(), &vec![wide_point(Values::Count(1)); 25]);
}

fn values() -> impl Strategy<Value = Values> {
    let numbers = prop::collection::vec(1_i128..1_000_000_000_000_000, 0..400);
    let distribution = numbers.prop_map(|numbers| {
        let numbers = numbers.into_iter().map(Decimal::from_billionths);
        Values::Distribution(Box::new(distribution_of(numbers)))
    });
    prop_oneof![
        (0_u64..1_000).prop_map(Values::Count),
        (0_u64..9, 0_u64..9).prop_map(|(part, whole)| Values::Ratio { part, whole }),
        distribution,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Calls one after another cover all points in their order, each within the limits, and each but the last one full.
    #[test]
    fn each_point_is_in_one_call(
        drawn in prop::collection::vec((values(), "[a-zé]{0,300}", 0_u8..10), 1..400),
        copies in 1_usize..8,
    ) {
        let metric = metric("M", &["country"]);
        let points: Vec<PublishedPoint> = drawn.iter().map(|(values, country, old)| {
            let point = point(&[country], values.clone());
            let age_ms = if *old == 0 { 15 * DAY_MS } else { 0 };
            PublishedPoint { window_start: point.window_start.minus(age_ms), window_end: point.window_end.minus(age_ms), ..point }
        }).collect();
        let points: Vec<Queued<'_>> = queued(&metric, &points).into_iter().cycle().take(points.len() * copies).collect();
        let (mut rest, mut packed_data, mut refused) = (&*points, Vec::new(), 0);
        while !rest.is_empty() {
            let packed = pack(rest, &receipt(), NOW);
            prop_assert!(packed.points > 0);
            rest = &rest[packed.points..];
            refused += packed.refused.len();
            let Some(call) = packed.call else { continue };
            let bytes = frame_bytes("Shop") + call.data.iter().map(datum_bytes).sum::<usize>();
            prop_assert!(call.data.len() <= DATA_MAX && bytes <= BODY_BYTES_MAX);
            if let Some(&next) = rest.first() {
                let next = data::of_point(next).unwrap();
                let next_bytes = next.iter().map(datum_bytes).sum::<usize>();
                prop_assert!(call.data.len() + next.len() > DATA_MAX || bytes + next_bytes > BODY_BYTES_MAX);
            }
            packed_data.extend(call.data.into_iter().skip(1));
        }
        let is_old = |queued: &Queued<'_>| queued.point.window_start < NOW.minus(AGE_MS_MAX);
        let data_of = |queued: &Queued<'_>| data::of_point(*queued).unwrap();
        let expect: Vec<MetricDatum> = points.iter().filter(|queued| !is_old(queued)).flat_map(data_of).collect();
        prop_assert_eq!(packed_data, expect);
        let too_old = points.iter().filter(|queued| is_old(queued) && !data_of(queued).is_empty()).count();
        prop_assert_eq!(refused, too_old);
    }
}
