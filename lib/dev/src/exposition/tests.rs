//! Scrapes, as they stand.

use super::*;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::{DistributionValues, JourneyValues, SumValues};
use streamgauge_engine::time::MINUTE_MS;

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn sum(values: &[&str]) -> SumValues {
    values.iter().map(|value| decimal(value)).collect()
}

/// A distribution of few values: percentiles are asked of the engine elsewhere, here they are the values' own.
fn distribution(values: &[&str]) -> DistributionValues {
    let last = values.last().map(|value| decimal(value)).unwrap_or_default();
    let first = values.first().map(|value| decimal(value)).unwrap_or_default();
    let percentiles = [first, last, last, last, last];
    DistributionValues { exact: sum(values), percentiles, buckets: Vec::new() }
}

fn metric<'e>(name: &'e str, kind: ValueKind, dimensions: &[&'e str]) -> Metric<'e> {
    Metric {
        name,
        kind,
        unit: None,
        help: None,
        dimensions: dimensions.to_vec(),
        final_until: None,
        open: Some(0),
        series: Vec::new(),
    }
}

/// A series whose only point is of the minute that begins so many minutes after the epoch.
fn series(key: &[&str], minute: i64, values: Values) -> Series {
    let window_start = Timestamp::from_millis(minute * MINUTE_MS);
    let total = Total::of(&values);
    let newest = Newest { window_start, window_end: window_start.plus(MINUTE_MS), values };
    Series { key: Arc::new(SeriesKey::new(key.iter().copied())), total, newest: Some(newest) }
}

/// The lines of the metrics in a format, without the pipeline's own.
fn lines(metrics: Vec<Metric<'_>>, format: Format) -> String {
    let exposition = Exposition { metrics, pipeline: Pipeline::default() };
    let text = String::from_utf8(exposition.render(format)).unwrap();
    let kept = text.split_inclusive('\n').filter(|line| !line.contains("streamgauge_"));
    kept.collect()
}

#[track_caller]
fn check(metric: Metric<'_>, expect: &str) {
    assert_eq!(lines(vec![metric], Format::OpenMetrics), format!("{expect}# EOF\n"));
}

#[test]
fn a_count_is_a_counter() {
    let mut orders = metric("orders.created", ValueKind::Count, &["country", "data.city"]);
    orders.series = vec![
        series(&["KW", "Kuwait"], 1, Values::Count(7)),
        series(&["AE", "say \"hi\"\\\n"], 1, Values::Count(12)),
    ];
    check(
        orders.clone(),
        r#"# TYPE orders_created counter
# HELP orders_created `orders.created`: events in final windows, since the store began
orders_created_total{country="AE",data_city="say \"hi\"\\\n"} 12
orders_created_total{country="KW",data_city="Kuwait"} 7
"#,
    );
    assert_eq!(
        lines(vec![orders], Format::Prometheus),
        r#"# HELP orders_created_total `orders.created`: events in final windows, since the store began
# TYPE orders_created_total counter
orders_created_total{country="AE",data_city="say \"hi\"\\\n"} 12
orders_created_total{country="KW",data_city="Kuwait"} 7
"#
    );
}

#[test]
fn a_sum_is_a_counter_until_it_can_fall() {
    let mut revenue = metric("revenue", ValueKind::Sum, &["country"]);
    revenue.unit = Some("Bytes");
    revenue.help = Some("Money \"in\"\\\nAED.");
    revenue.series = vec![series(&["AE"], 1, Values::Sum(sum(&["1.5", "0.25"])))];
    check(
        revenue.clone(),
        r#"# TYPE revenue counter
# HELP revenue Money \"in\"\\\nAED. (`revenue`: sum of values in final windows, since the store began, in Bytes)
revenue_total{country="AE"} 1.75
"#,
    );
    revenue.series.push(series(&["KW"], 1, Values::Sum(sum(&["3", "-1"]))));
    check(
        revenue.clone(),
        r#"# TYPE revenue_total unknown
# HELP revenue_total Money \"in\"\\\nAED. (`revenue`: sum of values in final windows, since the store began, in Bytes)
revenue_total{country="AE"} 1.75
revenue_total{country="KW"} 2
"#,
    );
    assert_eq!(
        lines(vec![revenue], Format::Prometheus),
        r#"# HELP revenue_total Money "in"\\\nAED. (`revenue`: sum of values in final windows, since the store began, in Bytes)
# TYPE revenue_total untyped
revenue_total{country="AE"} 1.75
revenue_total{country="KW"} 2
"#
    );
}

#[test]
fn a_ratio_is_two_counters() {
    let mut rate = metric("rejection_rate", ValueKind::Ratio, &[]);
    rate.series = vec![series(&[], 1, Values::Ratio { part: 3, whole: 17 })];
    check(
        rate,
        "\
# TYPE rejection_rate_part counter
# HELP rejection_rate_part `rejection_rate`: events of the part in final windows, since the store began
rejection_rate_part_total 3
# TYPE rejection_rate_whole counter
# HELP rejection_rate_whole `rejection_rate`: events of the whole in final windows, since the store began
rejection_rate_whole_total 17
",
    );
}

#[test]
fn a_distribution_is_a_summary() {
    let mut values = metric("basket_bytes", ValueKind::Distribution, &["country"]);
    values.unit = Some("Bytes");
    values.series =
        vec![series(&["AE"], 1, Values::Distribution(Box::new(distribution(&["1", "2.5"]))))];
    check(
        values,
        r#"# TYPE basket_bytes summary
# UNIT basket_bytes bytes
# HELP basket_bytes `basket_bytes`: values: sum and count since the store began, quantiles of the newest final window, in Bytes
basket_bytes{country="AE",quantile="0.5"} 1
basket_bytes{country="AE",quantile="0.9"} 2.5
basket_bytes{country="AE",quantile="0.95"} 2.5
basket_bytes{country="AE",quantile="0.99"} 2.5
basket_bytes{country="AE",quantile="0.999"} 2.5
basket_bytes_sum{country="AE"} 3.5
basket_bytes_count{country="AE"} 2
"#,
    );
}

/// The series are called as before; the types do not promise what they cannot keep.
#[test]
fn a_distribution_with_values_below_zero_is_no_summary() {
    let mut values = metric("change", ValueKind::Distribution, &[]);
    values.series =
        vec![series(&[], 1, Values::Distribution(Box::new(distribution(&["-4", "2"]))))];
    let help = "`change`: values: sum and count since the store began, quantiles of the newest final window";
    check(
        values,
        &format!(
            r#"# TYPE change unknown
# HELP change {help}
change{{quantile="0.5"}} -4
change{{quantile="0.9"}} 2
change{{quantile="0.95"}} 2
change{{quantile="0.99"}} 2
change{{quantile="0.999"}} 2
# TYPE change_sum unknown
# HELP change_sum {help}
change_sum -2
# TYPE change_count unknown
# HELP change_count {help}
change_count 2
"#
        ),
    );
}

#[test]
fn a_journey_is_its_counters_what_is_open_and_a_summary() {
    let mut journey = metric("checkout", ValueKind::Journey, &["country"]);
    let time = distribution(&["61.5"]);
    let values = JourneyValues { started: 4, finished: 1, abandoned: 3, open: 0, time };
    journey.series = vec![series(&["AE"], 1, Values::Journey(Box::new(values)))];
    journey.open = Some(9);
    check(
        journey,
        r#"# TYPE checkout_started counter
# HELP checkout_started `checkout`: journeys that started in final windows, since the store began
checkout_started_total{country="AE"} 4
# TYPE checkout_finished counter
# HELP checkout_finished `checkout`: journeys that finished in time in final windows, since the store began
checkout_finished_total{country="AE"} 1
# TYPE checkout_abandoned counter
# HELP checkout_abandoned `checkout`: journeys that did not finish in time in final windows, since the store began
checkout_abandoned_total{country="AE"} 3
# TYPE checkout_open gauge
# HELP checkout_open `checkout`: journeys that are open
checkout_open 9
# TYPE checkout_time_seconds summary
# UNIT checkout_time_seconds seconds
# HELP checkout_time_seconds `checkout`: time to finish: sum and count since the store began, quantiles of the newest final window
checkout_time_seconds{country="AE",quantile="0.5"} 61.5
checkout_time_seconds{country="AE",quantile="0.9"} 61.5
checkout_time_seconds{country="AE",quantile="0.95"} 61.5
checkout_time_seconds{country="AE",quantile="0.99"} 61.5
checkout_time_seconds{country="AE",quantile="0.999"} 61.5
checkout_time_seconds_sum{country="AE"} 61.5
checkout_time_seconds_count{country="AE"} 1
"#,
    );
}

/// A window may have values and no times, where nothing finished.
#[test]
fn nothing_has_no_quantiles() {
    let mut journey = metric("checkout", ValueKind::Journey, &[]);
    let values = JourneyValues { started: 1, abandoned: 1, ..JourneyValues::default() };
    journey.series = vec![series(&[], 1, Values::Journey(Box::new(values)))];
    check_series(
        journey,
        &[
            "checkout_started_total 1",
            "checkout_finished_total 0",
            "checkout_abandoned_total 1",
            "checkout_open 0",
            "checkout_time_seconds_sum 0",
            "checkout_time_seconds_count 0",
        ],
    );
}

#[test]
fn a_unit_is_the_last_word_of_the_name_or_not_told() {
    let has_unit = |name| {
        let mut values = metric(name, ValueKind::Distribution, &[]);
        values.unit = Some("Seconds");
        lines(vec![values], Format::OpenMetrics).contains("# UNIT")
    };
    assert!(has_unit("a_seconds"));
    assert!(!has_unit("milliseconds") && !has_unit("seconds") && !has_unit("a"));
}

/// The lines of series only.
#[track_caller]
fn check_series(metric: Metric<'_>, expect: &[&str]) {
    let text = lines(vec![metric], Format::Prometheus);
    let series: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(series, expect);
}

#[test]
fn what_does_not_add_up_is_shown_until_the_next_window_is_final() {
    let mut customers = metric("customers", ValueKind::Unique, &["country"]);
    let mut values = metric("values", ValueKind::Distribution, &[]);
    let basket = || Values::Distribution(Box::new(distribution(&["5"])));
    customers.series =
        vec![series(&["AE"], 10, Values::Unique(3)), series(&["KW"], 9, Values::Unique(4))];
    values.series = vec![series(&[], 10, basket())];
    // The minutes 9 and 10 have ended, and the next one nearly.
    customers.final_until = Some(Timestamp::from_millis(12 * MINUTE_MS - 1));
    values.final_until = customers.final_until;
    check_series(customers.clone(), &[r#"customers{country="AE"} 3"#]);
    assert_eq!(lines(vec![values.clone()], Format::Prometheus).matches("quantile=").count(), 5);
    // Now it has, and it has no events.
    customers.final_until = Some(Timestamp::from_millis(12 * MINUTE_MS));
    values.final_until = customers.final_until;
    check_series(customers, &[]);
    check_series(values, &["values_sum 5", "values_count 1"]);
}

#[test]
fn a_metric_without_dimensions_is_there_from_the_beginning() {
    check_series(metric("a", ValueKind::Count, &[]), &["a_total 0"]);
    check_series(metric("a", ValueKind::Sum, &[]), &["a_total 0"]);
    check_series(metric("a", ValueKind::Distribution, &[]), &["a_sum 0", "a_count 0"]);
    check_series(metric("a", ValueKind::Unique, &[]), &[]);
    check_series(metric("a", ValueKind::Count, &["country"]), &[]);
}

#[test]
fn series_over_the_limit_are_left_out_and_counted() {
    let mut orders = metric("orders", ValueKind::Count, &["id"]);
    let keys: Vec<String> = (0..SERIES_MAX + 2).map(|number| format!("{number:05}")).collect();
    // The last has the newest window, so that the last but one and the one before it have to go.
    orders.series = keys
        .iter()
        .map(|key| series(&[key], i64::from(*key == keys[SERIES_MAX + 1]), Values::Count(1)))
        .collect();
    let exposition = Exposition { metrics: vec![orders], pipeline: Pipeline::default() };
    let text = String::from_utf8(exposition.render(Format::OpenMetrics)).unwrap();
    let shown = |key: usize| text.contains(&format!("orders_total{{id=\"{key:05}\"}} 1\n"));
    assert!(shown(0) && shown(SERIES_MAX - 2) && shown(SERIES_MAX + 1));
    assert!(!shown(SERIES_MAX - 1) && !shown(SERIES_MAX));
    assert!(text.contains("streamgauge_series_left_out{metric=\"orders\"} 2\n"));
}

/// Nor do their windows: it is that of their dimensions' values.
#[test]
fn the_order_of_series_does_not_show() {
    let mut orders = metric("orders", ValueKind::Count, &["id"]);
    orders.series = [("b", 3), ("a", 2), ("c", 4)]
        .map(|(key, minute)| series(&[key], minute, Values::Count(1)))
        .to_vec();
    check_series(
        orders.clone(),
        &[r#"orders_total{id="a"} 1"#, r#"orders_total{id="b"} 1"#, r#"orders_total{id="c"} 1"#],
    );
    let mut turned = orders.clone();
    turned.series.reverse();
    assert_eq!(lines(vec![orders], Format::OpenMetrics), lines(vec![turned], Format::OpenMetrics));
}

#[test]
fn the_pipeline_speaks_of_itself() {
    let mut orders = metric("orders.created", ValueKind::Count, &[]);
    orders.series = vec![series(&[], 29_452_320, Values::Count(7))];
    let counters =
        Counters { received: 15, rejected: 1, filtered: 2, duplicate: 3, counted: 4, late: 5 };
    let firing = |step, groups| Firing { alert: "rejections", step, severity: "critical", groups };
    let pipeline = Pipeline {
        counters,
        watermark_lag_ms: Some(30_250),
        are_rules_rejected: true,
        alerts: vec![firing(Some("reactive"), 2), firing(None, 0)],
        channels: Vec::new(),
    };
    let exposition = Exposition { metrics: vec![orders], pipeline };
    let text = String::from_utf8(exposition.render(Format::OpenMetrics)).unwrap();
    let (_, own) = text.split_once("orders_created_total 7\n").unwrap();
    assert_eq!(
        own,
        r#"# TYPE streamgauge_records_received counter
# HELP streamgauge_records_received Records that came.
streamgauge_records_received_total 15
# TYPE streamgauge_records_counted counter
# HELP streamgauge_records_counted Records that some metric took.
streamgauge_records_counted_total 4
# TYPE streamgauge_records_filtered counter
# HELP streamgauge_records_filtered Records that no metric takes.
streamgauge_records_filtered_total 2
# TYPE streamgauge_records_duplicate counter
# HELP streamgauge_records_duplicate Copies of events that were seen before.
streamgauge_records_duplicate_total 3
# TYPE streamgauge_records_late counter
# HELP streamgauge_records_late Records that came too late for every metric that would have taken them.
streamgauge_records_late_total 5
# TYPE streamgauge_records_rejected counter
# HELP streamgauge_records_rejected Records that are no events.
streamgauge_records_rejected_total 1
# TYPE streamgauge_watermark_lag_seconds gauge
# UNIT streamgauge_watermark_lag_seconds seconds
# HELP streamgauge_watermark_lag_seconds How far the watermark is behind the clock.
streamgauge_watermark_lag_seconds 30.25
# TYPE streamgauge_alerts_firing gauge
# HELP streamgauge_alerts_firing For how many groups a step of an alert fires.
streamgauge_alerts_firing{alert="rejections",step="reactive",severity="critical"} 2
streamgauge_alerts_firing{alert="rejections",severity="critical"} 0
# TYPE streamgauge_window_end_timestamp_seconds gauge
# UNIT streamgauge_window_end_timestamp_seconds seconds
# HELP streamgauge_window_end_timestamp_seconds Where the newest final window of a metric ends.
streamgauge_window_end_timestamp_seconds{metric="orders.created"} 1767139260
# TYPE streamgauge_rules_rejected gauge
# HELP streamgauge_rules_rejected Whether the rules files as they are now cannot be used, so that those before go on.
streamgauge_rules_rejected 1
# TYPE streamgauge_series_left_out gauge
# HELP streamgauge_series_left_out Series that are not shown: too many.
streamgauge_series_left_out{metric="orders.created"} 0
# EOF
"#
    );
}

#[test]
fn what_channels_do_not_take_is_shown_with_since_when() {
    let since = Some(Timestamp::from_millis(1_767_607_200_500));
    let waits = Waits { waiting: 2, since, told: 7, lost: 1, why: Some("it is down".to_owned()) };
    let pipeline = Pipeline {
        channels: vec![
            ("hook".to_owned(), Waits { told: 4, ..Waits::default() }),
            ("on \"call\"".to_owned(), waits),
        ],
        ..Pipeline::default()
    };
    let exposition = Exposition { metrics: Vec::new(), pipeline };
    let text = String::from_utf8(exposition.render(Format::OpenMetrics)).unwrap();
    let (_, own) = text.split_once("streamgauge_records_rejected_total 0\n").unwrap();
    assert_eq!(
        own,
        r#"# TYPE streamgauge_notifications_waiting gauge
# HELP streamgauge_notifications_waiting Notifications that a channel does not take, and that are tried again.
streamgauge_notifications_waiting{channel="hook"} 0
streamgauge_notifications_waiting{channel="on \"call\""} 2
# TYPE streamgauge_notifications_waiting_since_timestamp_seconds gauge
# UNIT streamgauge_notifications_waiting_since_timestamp_seconds seconds
# HELP streamgauge_notifications_waiting_since_timestamp_seconds Since when the oldest of the notifications that wait does.
streamgauge_notifications_waiting_since_timestamp_seconds{channel="on \"call\""} 1767607200.5
# TYPE streamgauge_notifications_told counter
# HELP streamgauge_notifications_told Notifications that a channel took.
streamgauge_notifications_told_total{channel="hook"} 4
streamgauge_notifications_told_total{channel="on \"call\""} 7
# TYPE streamgauge_notifications_lost counter
# HELP streamgauge_notifications_lost Notifications that a channel will never be told.
streamgauge_notifications_lost_total{channel="hook"} 0
streamgauge_notifications_lost_total{channel="on \"call\""} 1
# TYPE streamgauge_rules_rejected gauge
# HELP streamgauge_rules_rejected Whether the rules files as they are now cannot be used, so that those before go on.
streamgauge_rules_rejected 0
# EOF
"#
    );
}

/// The names of metrics come after those of the pipeline.
#[test]
fn no_metric_takes_a_name_of_the_pipeline() {
    let metrics = vec![metric("streamgauge_records_late", ValueKind::Count, &[])];
    let exposition = Exposition { metrics, pipeline: Pipeline::default() };
    let text = String::from_utf8(exposition.render(Format::Prometheus)).unwrap();
    assert_eq!(text.matches("\nstreamgauge_records_late_total 0\n").count(), 1);
    assert_eq!(text.matches("# TYPE streamgauge_records_late_total counter\n").count(), 1);
}

#[test]
fn an_empty_scrape_has_its_end() {
    let text = Exposition::default().render(Format::OpenMetrics);
    assert!(text.ends_with(b"\n# EOF\n"));
}
