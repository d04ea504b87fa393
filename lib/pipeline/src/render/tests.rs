//! Each kind of point, byte by byte.

use super::*;
use std::sync::Arc;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::{DistributionValues, JourneyValues, SumValues};
use streamgauge_engine::series::SeriesKey;

const TEN_O_CLOCK: Timestamp = Timestamp::from_millis(1_767_607_200_000);

fn renderer() -> Renderer {
    Renderer::named([("orders", ["aggregator", "country"].into_iter())].into_iter())
}

fn point(values: Values) -> Point {
    Point {
        metric: 0,
        series: Arc::new(SeriesKey::new(["noon", "AE"])),
        window_start: TEN_O_CLOCK,
        window_end: TEN_O_CLOCK.plus(60_000),
        status: Status::Final,
        decided_at: TEN_O_CLOCK.plus(180_000),
        values,
    }
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn distribution(sum: &str, count: u64, values: [&str; 7]) -> DistributionValues {
    let [min, max, percentiles @ ..] = values.map(decimal);
    let exact = SumValues { sum: decimal(sum), count, min: Some(min), max: Some(max) };
    DistributionValues { exact, percentiles, buckets: Vec::new() }
}

fn json(point: &Point) -> String {
    let mut out = Vec::new();
    renderer().json(point, &mut out);
    String::from_utf8(out).unwrap()
}

fn csv(point: &Point) -> String {
    let mut out = Vec::new();
    renderer().csv(point, &mut out);
    String::from_utf8(out).unwrap()
}

/// Checks the values of a final point, in JSON.
fn check(values: Values, expect: &str) {
    let start = concat!(
        r#"{"kind":"point","metric":"orders","dimensions":{"aggregator":"noon","country":"AE"},"#,
        r#""window_start":"2026-01-05T10:00:00Z","window_end":"2026-01-05T10:01:00Z","status":"final","#,
    );
    assert_eq!(json(&point(values)), format!("{start}{expect}}}\n"));
}

#[test]
fn each_kind_has_the_fields_of_the_contract() {
    check(Values::Count(1), r#""sum":1,"count":1"#);
    let values = SumValues {
        sum: decimal("-0.1"),
        count: 3,
        min: Some(Decimal::ZERO),
        max: Some(Decimal::ZERO),
    };
    check(Values::Sum(values), r#""sum":-0.1,"count":3"#);
    check(Values::Unique(812), r#""unique":812"#);
    check(Values::Ratio { part: 3, whole: 17 }, r#""sum":3,"count":17,"rate":0.17647058823529413"#);
    check(Values::Ratio { part: 3, whole: 0 }, r#""sum":3,"count":0"#);
    check(Values::Ratio { part: 3, whole: 3 }, r#""sum":3,"count":3,"rate":1"#);
    let amounts =
        distribution("1234.5", 10, ["3.5", "400", "90.1", "210", "301.5", "399", "399.5"]);
    check(
        Values::Distribution(Box::new(amounts)),
        r#""sum":1234.5,"count":10,"average":123.45,"min":3.5,"max":400,"p50":90.1,"p90":210,"p95":301.5,"p99":399,"p99.9":399.5"#,
    );
    check(Values::Distribution(Box::default()), r#""sum":0,"count":0"#);
}

#[test]
fn journeys_show_times_when_one_is_finished_and_open_ones_when_the_point_is_open() {
    let mut values =
        JourneyValues { started: 40, abandoned: 7, open: 33, ..JourneyValues::default() };
    check(
        Values::Journey(Box::new(values.clone())),
        r#""started":40,"finished":0,"abandoned":7,"rate":0.175"#,
    );
    let open = Point { status: Status::Open, ..point(Values::Journey(Box::new(values.clone()))) };
    let end = r#""status":"open","started":40,"finished":0,"abandoned":7,"rate":0.175,"open":33}"#;
    assert!(json(&open).ends_with(&format!("{end}\n")), "{}", json(&open));
    values.finished = 2;
    values.time = distribution("90.5", 2, ["0.5", "90", "0.5", "90", "90", "90", "90"]);
    let time = r#""time":{"count":2,"average":45.25,"min":0.5,"max":90,"p50":0.5,"p90":90,"p95":90,"p99":90,"p99.9":90}"#;
    check(
        Values::Journey(Box::new(values)),
        &format!(r#""started":40,"finished":2,"abandoned":7,"rate":0.175,{time}"#),
    );
}

#[test]
fn times_show_milliseconds_only_when_there_are_some() {
    let point = Point { window_start: TEN_O_CLOCK.plus(50), ..point(Values::Count(1)) };
    assert!(json(&point).contains(
        r#""window_start":"2026-01-05T10:00:00.050Z","window_end":"2026-01-05T10:01:00Z""#
    ));
}

#[test]
fn what_several_windows_come_to_says_how_many_they_are() {
    let check = |values: Values, windows, expect: &str| {
        let point = point(values);
        let mut out = b"before\n".to_vec();
        renderer().json_of_windows(&point, windows, &mut out);
        let line = json(&point);
        let start = line.strip_suffix("}\n").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("before\n{start},{expect}}}\n"));
    };
    check(Values::Count(7), 60, r#""windows":60"#);
    check(Values::Unique(7), 1, r#""windows":1"#);
    check(Values::Unique(7), 2, r#""windows":2,"of":"largest""#);
    let time = distribution("90.5", 1, ["1", "2", "3", "4", "5", "6", "7"]);
    let values = JourneyValues { started: 4, finished: 1, abandoned: 3, open: 0, time };
    check(Values::Journey(Box::new(values)), 3, r#""windows":3"#);
}

#[test]
fn strings_are_escaped() {
    let series = Arc::new(SeriesKey::new([
        "say \"hi\"\\\n\r\t\u{1}\u{7f}",
        "\u{645}\u{631}\u{62d}\u{628}\u{627} \u{1f600}",
    ]));
    let point = Point { series, ..point(Values::Count(1)) };
    let expect = r#"{"aggregator":"say \"hi\"\\\n\r\t\u0001"#.to_owned()
        + "\u{7f}\",\"country\":\"\u{645}\u{631}\u{62d}\u{628}\u{627} \u{1f600}\"}";
    assert!(json(&point).contains(&expect), "{}", json(&point));
}

#[test]
fn csv_rows_have_a_cell_for_each_column() {
    let mut header = Vec::new();
    renderer().csv_header(&mut header);
    let header = String::from_utf8(header).unwrap();
    assert_eq!(
        header,
        "metric,dimensions,window_start,window_end,status,sum,count,average,min,max,p50,p90,p95,p99,p99.9,unique,\
         started,finished,abandoned,rate,open,time_count,time_average,time_min,time_max,time_p50,time_p90,time_p95,time_p99,\
         time_p99.9\r\n"
    );
    let start = "orders,\"{\"\"aggregator\"\":\"\"noon\"\",\"\"country\"\":\"\"AE\"\"}\",2026-01-05T10:00:00Z,2026-01-05T10:01:00Z,final";
    assert_eq!(csv(&point(Values::Count(7))), format!("{start},7,7{}\r\n", ",".repeat(23)));
    assert_eq!(
        csv(&point(Values::Unique(5))),
        format!("{start}{}5{}\r\n", ",".repeat(11), ",".repeat(14))
    );
    let time = distribution("90.5", 1, ["1", "2", "3", "4", "5", "6", "7"]);
    let values = JourneyValues { started: 4, finished: 1, abandoned: 3, open: 0, time };
    assert_eq!(
        csv(&point(Values::Journey(Box::new(values)))),
        format!("{start}{}4,1,3,0.75,,1,90.5,1,2,3,4,5,6,7\r\n", ",".repeat(12))
    );
}

#[test]
fn a_metric_without_dimensions_has_an_empty_object() {
    let renderer = Renderer::named([("a,\"b\"", [].into_iter())].into_iter());
    let point = Point { series: Arc::default(), ..point(Values::Count(0)) };
    let mut out = Vec::new();
    renderer.json(&point, &mut out);
    renderer.csv(&point, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with(r#"{"kind":"point","metric":"a,\"b\"","dimensions":{},"#), "{text}");
    assert!(text.contains("\n\"a,\"\"b\"\"\",{},2026-01-05T10:00:00Z,"), "{text}");
}

#[test]
fn the_summary_ends_with_what_each_metric_saw() {
    let mut summary = Summary {
        counters: Counters {
            received: 1000,
            counted: 900,
            filtered: 80,
            duplicate: 10,
            late: 5,
            rejected: 5,
        },
        points: 120,
        alerts: 2,
        first_event: Some(TEN_O_CLOCK),
        last_event: Some(TEN_O_CLOCK.plus(1)),
        metrics: vec![(
            "orders",
            MetricCounters { matched: 9, no_value: 1, no_dimension: 2, late_dropped: 3, folded: 4 },
        )],
    };
    let line = |of: &Summary<'_>| {
        let mut out = Vec::new();
        of.json(&mut out);
        String::from_utf8(out).unwrap()
    };
    let counts = concat!(
        r#"{"kind":"summary","received":1000,"counted":900,"filtered":80,"duplicate":10,"late":5,"rejected":5,"#,
        r#""points":120,"alerts":2"#,
    );
    let metrics = r#""metrics":{"orders":{"matched":9,"no_value":1,"no_dimension":2,"late_dropped":3,"folded":4}}"#;
    let times = r#""first_event":"2026-01-05T10:00:00Z","last_event":"2026-01-05T10:00:00.001Z""#;
    assert_eq!(line(&summary), format!("{counts},{times},{metrics}}}\n"));
    (summary.first_event, summary.last_event, summary.metrics) = (None, None, Vec::new());
    assert_eq!(line(&summary), format!("{counts},\"metrics\":{{}}}}\n"));
}
