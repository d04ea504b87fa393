//! Points to `CloudWatch`: through the meter, which keeps the limits that the stand-in does not, and read back past it.

use super::{Metered, config, fault};
use aws_config::retry::RetryConfig;
use aws_sdk_cloudwatch::config::Builder;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_cloudwatch::CloudWatch;
use streamgauge_cloudwatch::pack::Call;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::{DistributionValues, JourneyValues, SumValues, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::sketch::Distribution;
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use streamgauge_meter::call::Service;
use streamgauge_meter::clock::Clock;
use streamgauge_meter::faults::{Fault, Harm, When};
use streamgauge_meter::limits::Limits;
use streamgauge_meter::unit::Unit;
use streamgauge_pipeline::contract::{SinkBench, SinkFault, sink_contract};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::points::{Packed, Points, Queued, Receipt};
use streamgauge_pipeline::port::sink::Delivery;
use streamgauge_pipeline::publication::{PointKind, PublishedMetric, PublishedPoint};

const NAMESPACE: &str = "Shop/Orders";

/// How a put goes wrong.
fn harmed(when: When, harm: Harm) -> Fault {
    fault(Service::CloudWatch, "PutMetricData", when, harm)
}

/// What puts points, through the meter.
async fn sink(metered: &Metered) -> CloudWatch {
    let endpoint = metered.running.endpoint();
    // What the SDK would do by itself: the sink must not.
    let retry = RetryConfig::standard().with_max_attempts(5);
    let config = config(&metered.account, "", Some(&endpoint), retry).await;
    CloudWatch::new(Builder::from(&config))
}

/// The time as the meter has it.
fn now(metered: &Metered) -> Timestamp {
    Timestamp::from_millis(metered.clock.now().as_millisecond())
}

/// The n-th call of the minute before this one.
fn receipt(metered: &Metered, number: u32) -> Receipt {
    let minute = minute_before(now(metered));
    let partition = Partition::new(7).unwrap();
    Receipt { namespace: NAMESPACE.to_owned(), partition, minute, number }
}

fn minute_before(now: Timestamp) -> Timestamp {
    now.minus(now.as_millis().rem_euclid(MINUTE_MS)).minus(MINUTE_MS)
}

fn metric(name: &str, dimensions: &[&str]) -> PublishedMetric {
    PublishedMetric {
        namespace: NAMESPACE.to_owned(),
        name: name.to_owned(),
        dimensions: dimensions.iter().map(|&dimension| dimension.to_owned()).collect(),
        unit: None,
    }
}

/// A final point of a minute.
fn point(series: &[&str], window_start: Timestamp, values: Values) -> PublishedPoint {
    PublishedPoint {
        metric: 0,
        series: Arc::new(SeriesKey::new(series.iter().copied())),
        window_start,
        window_end: window_start.plus(MINUTE_MS),
        kind: PointKind::Final,
        values,
    }
}

fn pack(
    sink: &CloudWatch,
    metric: &PublishedMetric,
    points: &[PublishedPoint],
    receipt: &Receipt,
    now: Timestamp,
) -> Packed<Call> {
    let points: Vec<_> = points.iter().map(|point| Queued { metric, point }).collect();
    sink.pack(&points, receipt, now)
}

fn sum_of(values: &Distribution) -> SumValues {
    SumValues { sum: values.sum(), count: values.count(), min: values.min(), max: values.max() }
}

/// The values of the `number`-th point, and what is to be read back: by suffix, sum and samples.
fn drawn(number: u32) -> (Values, Vec<(&'static str, f64, f64)>) {
    let many = u64::from(number % 7 + 1);
    let mut held = Distribution::default();
    for value in 0..=number % 400 {
        held.add(Decimal::parse(&format!("{value}.25")).unwrap());
    }
    let (sum, count) = (held.sum().to_f64(), f64::from(number % 400 + 1));
    let distribution = DistributionValues {
        exact: sum_of(&held),
        buckets: held.buckets().collect(),
        ..DistributionValues::default()
    };
    let whole = f64::from(number % 7 + 1);
    match number % 5 {
        0 => (Values::Count(many), vec![("", whole, 1.0)]),
        1 => (Values::Sum(sum_of(&held)), vec![("", sum, count)]),
        2 => (Values::Ratio { part: 1, whole: many }, vec![("", 1.0, whole)]),
        3 => (Values::Distribution(Box::new(distribution)), vec![("", sum, count)]),
        _ => {
            let journey = JourneyValues {
                started: many,
                finished: many - 1,
                abandoned: 1,
                open: 0,
                time: distribution,
            };
            let expect = vec![
                ("", 1.0, whole),
                (".started", whole, 1.0),
                (".finished", whole - 1.0, 1.0),
                (".abandoned", 1.0, 1.0),
                (".time", sum, count),
            ];
            (Values::Journey(Box::new(journey)), expect)
        }
    }
}

/// What is there of metrics of one dimension in a minute, past the meter.
async fn read(metered: &Metered, metrics: &[(String, String)], minute: Timestamp) -> Vec<[f64; 2]> {
    let statistics = ["Sum", "SampleCount"];
    let mut read = BTreeMap::new();
    let asked: Vec<_> = metrics.iter().enumerate().collect();
    // Each query is for one statistic, and a call takes 500.
    for chunk in asked.chunks(250) {
        let queries = chunk.iter().flat_map(|(place, (name, country))| {
            statistics.map(|statistic| {
                let dimension = Dimension::builder().name("country").value(country).build();
                let metric = Metric::builder().namespace(NAMESPACE).metric_name(name);
                let metric = metric.dimensions(dimension).build();
                let statistic_of = MetricStat::builder().metric(metric).period(60).stat(statistic);
                let id = format!("{}{place}", statistic.to_lowercase());
                MetricDataQuery::builder().id(id).metric_stat(statistic_of.build()).build()
            })
        });
        let get = metered.direct.cloudwatch.get_metric_data();
        let get = get.set_metric_data_queries(Some(queries.collect()));
        let get = get.start_time(DateTime::from_millis(minute.as_millis()));
        let got = get
            .end_time(DateTime::from_millis(minute.plus(MINUTE_MS).as_millis()))
            .send()
            .await
            .unwrap();
        for result in got.metric_data_results() {
            read.insert(result.id().unwrap().to_owned(), result.values().iter().sum::<f64>());
        }
    }
    let of = |statistic: &str, place: usize| read[&format!("{}{place}", statistic.to_lowercase())];
    (0..metrics.len()).map(|place| statistics.map(|statistic| of(statistic, place))).collect()
}

#[tokio::test]
async fn points_of_all_kinds_arrive_in_full_calls() {
    let metered = Metered::with(Limits::all(), vec![]).await;
    let (sink, now) = (sink(&metered).await, now(&metered));
    let minute = minute_before(now).minus(5 * MINUTE_MS);
    let of_country = metric("M", &["country"]);
    let drawn: Vec<_> = (0..1_200_u32).map(drawn).collect();
    let points: Vec<_> = drawn
        .iter()
        .enumerate()
        .map(|(place, (values, _))| point(&[&format!("{place} é")], minute, values.clone()))
        .collect();
    let (mut rest, mut number) = (&*points, 0);
    while !rest.is_empty() {
        number += 1;
        let packed = pack(&sink, &of_country, rest, &receipt(&metered, number), now);
        assert_eq!(packed.refused, []);
        let call = packed.call.unwrap();
        rest = &rest[packed.points..];
        assert!(call.data.len() > 990 || rest.is_empty(), "{} data", call.data.len());
        assert_eq!(sink.put(&call).await, Delivery::Delivered);
    }
    let expected: Vec<_> = drawn
        .iter()
        .enumerate()
        .flat_map(|(place, (_, expect))| {
            let country = format!("{place} %C3%A9");
            expect.iter().map(move |(suffix, sum, count)| {
                ((format!("M{suffix}"), country.clone()), [*sum, *count])
            })
        })
        .collect();
    let metrics: Vec<_> = expected.iter().map(|(metric, _)| metric.clone()).collect();
    for ((metric, expect), seen) in expected.iter().zip(read(&metered, &metrics, minute).await) {
        let same = |(one, other): (f64, &f64)| (one - other).abs() <= other * 1e-12;
        assert!(seen.into_iter().zip(expect).all(same), "{metric:?}: {seen:?}, not {expect:?}");
    }
    assert!(sink.was_taken(&receipt(&metered, number)).await.unwrap());
    assert!(!sink.was_taken(&receipt(&metered, number + 1)).await.unwrap());
    let calls = metered.amount(&Service::CloudWatch, "PutMetricData", Unit::Calls);
    assert_eq!(calls, u64::from(number));
}

/// What is as large, as old or as odd as pack lets through is taken by the meter, which has the limits of AWS.
#[tokio::test]
async fn what_is_packed_is_within_the_limits() {
    let metered = Metered::with(Limits::all(), vec![]).await;
    let (sink, now) = (sink(&metered).await, now(&metered));
    let names: Vec<String> = (0..30).map(|number| format!("{number:d>255}")).collect();
    let wide = PublishedMetric { dimensions: names, ..metric(&"m".repeat(240), &[]) };
    let countries = ["\u{1f980}".repeat(1_000), "\n".to_owned(), " ".to_owned(), "%41".to_owned()];
    let series: Vec<&str> = countries.iter().map(String::as_str).cycle().take(30).collect();
    let mut held = Distribution::default();
    (1..100_000).for_each(|billionths| held.add(Decimal::from_billionths(billionths)));
    let distribution = DistributionValues {
        exact: sum_of(&held),
        buckets: held.buckets().collect(),
        ..DistributionValues::default()
    };
    let values = Values::Distribution(Box::new(distribution));
    let at = |start: Timestamp, length_ms| PublishedPoint {
        window_end: start.plus(length_ms),
        ..point(&series, start, values.clone())
    };
    let points = [
        at(now.minus(14 * DAY_MS - HOUR_MS), MINUTE_MS),
        at(now.minus(14 * DAY_MS), DAY_MS),
        at(now.plus(2 * HOUR_MS), MINUTE_MS),
        at(now, 1_000),
    ];
    let mut rest = &points.iter().cycle().take(40).cloned().collect::<Vec<_>>()[..];
    let mut calls = 0;
    while !rest.is_empty() {
        let packed = pack(&sink, &wide, rest, &receipt(&metered, 1), now);
        assert_eq!(packed.refused, []);
        assert_eq!(sink.put(&packed.call.unwrap()).await, Delivery::Delivered);
        (rest, calls) = (&rest[packed.points..], calls + 1);
    }
    assert!(calls > 3, "{calls} calls are not full of anything");
}

/// The meter refuses what pack would not have let through, and the sink says so.
#[tokio::test]
async fn what_aws_does_not_take_is_rejected() {
    let metered = Metered::with(Limits::all(), vec![]).await;
    let (sink, now) = (sink(&metered).await, now(&metered));
    let then = now.minus(20 * DAY_MS);
    let packed = pack(
        &sink,
        &metric("M", &[]),
        &[point(&[], then, Values::Count(1))],
        &receipt(&metered, 1),
        then,
    );
    let outcome = sink.put(&packed.call.unwrap()).await;
    let Delivery::Rejected { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("InvalidParameterValue") && reason.contains("two weeks"), "{reason}");
}

/// The second of three calls is harmed: its outcome, and whether it was taken.
async fn check_harmed(harm: Harm, expect: Delivery, taken: bool) {
    let metered = Metered::with(Limits::none(), vec![harmed(When::Only(2), harm)]).await;
    let (sink, now) = (sink(&metered).await, now(&metered));
    let minute = minute_before(now);
    let call = |number| {
        let metric = metric("M", &["country"]);
        let points = [point(&["AE"], minute, Values::Count(5))];
        pack(&sink, &metric, &points, &receipt(&metered, number), now).call.unwrap()
    };
    assert_eq!(sink.put(&call(1)).await, Delivery::Delivered);
    assert_eq!(sink.put(&call(2)).await, expect);
    assert!(sink.was_taken(&receipt(&metered, 1)).await.unwrap());
    assert_eq!(sink.was_taken(&receipt(&metered, 2)).await.unwrap(), taken);
    // Made again if it was not taken, as a lane does: either way each point is there once.
    if !taken {
        assert_eq!(sink.put(&call(2)).await, Delivery::Delivered);
    }
    let seen = read(&metered, &[("M".to_owned(), "AE".to_owned())], minute).await;
    assert_eq!(seen, [[10.0, 2.0]]);
}

#[tokio::test]
async fn a_lost_answer_is_found_by_its_receipt() {
    check_harmed(Harm::LoseAnswer, Delivery::Unknown, true).await;
}

#[tokio::test]
async fn a_call_that_was_not_taken_has_no_receipt() {
    check_harmed(Harm::CloseBefore, Delivery::Unknown, false).await;
    check_harmed(Harm::ServerError, Delivery::Unknown, false).await;
    check_harmed(Harm::Throttle, Delivery::Retry { after_ms: 1_000 }, false).await;
}

/// The meter, whose faults were planned before: the calls of the contract are known by their numbers.
#[derive(Debug)]
struct Bench<'a>(&'a Metered, usize);

impl SinkBench for Bench<'_> {
    fn arm(&self, fault: SinkFault) -> bool {
        matches!(fault, SinkFault::Busy | SinkFault::AnswerLost)
    }

    fn taken(&self) -> usize {
        let data = self.0.amount(&Service::CloudWatch, "PutMetricData", Unit::Data);
        usize::try_from(data).unwrap() / self.1
    }
}

#[tokio::test]
async fn cloudwatch_keeps_the_contract_of_sinks() {
    // One that is delivered, one for each way it does not go wrong, and before some of these one that does.
    let faults =
        vec![harmed(When::Only(3), Harm::Throttle), harmed(When::Only(6), Harm::LoseAnswer)];
    let metered = Metered::with(Limits::all(), faults).await;
    let (sink, now) = (sink(&metered).await, now(&metered));
    let points = [point(&[], minute_before(now), Values::Count(5))];
    let call = pack(&sink, &metric("M", &[]), &points, &receipt(&metered, 1), now).call.unwrap();
    sink_contract(&sink, &call, &Bench(&metered, call.data.len())).await.unwrap();
}
