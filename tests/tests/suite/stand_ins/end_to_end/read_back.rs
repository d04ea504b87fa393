//! What stands in `CloudWatch`, read as anybody reads it.

use super::answers::{Cell, Statistics, Table, series, window_seconds};
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Metric, MetricDataQuery, MetricStat};
use std::collections::BTreeMap;
use streamgauge_cloudwatch::data::RECEIPT_METRIC;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::settle::OPEN_SUFFIX;

/// The most queries in a call:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>.
const QUERIES_MAX: usize = 500;
/// What is asked for of each metric.
const STATISTICS: [&str; 4] = ["Sum", "SampleCount", "Minimum", "Maximum"];

/// All metrics of a namespace, window by window, but the receipts of calls and what belongs to no window.
pub(super) async fn table(
    client: &Client,
    namespace: &str,
    from: Timestamp,
    to: Timestamp,
) -> Table {
    let metrics = metrics(client, namespace).await;
    let mut asked = metrics.iter().flat_map(|metric| STATISTICS.map(|name| (metric, name)));
    let mut found: BTreeMap<Cell, [Option<f64>; 4]> = BTreeMap::new();
    loop {
        let asked: Vec<_> = asked.by_ref().take(QUERIES_MAX).collect();
        if asked.is_empty() {
            break;
        }
        let queries = asked.iter().enumerate().map(|(number, &(metric, name))| {
            let period = window_seconds(metric.metric_name().unwrap());
            let stat = MetricStat::builder().metric(metric.clone()).stat(name).period(period);
            let query = MetricDataQuery::builder().id(format!("q{number}"));
            query.metric_stat(stat.build()).build()
        });
        let call = client.get_metric_data().set_metric_data_queries(Some(queries.collect()));
        let call = call.start_time(minute(from, 0)).end_time(minute(to, 2)).into_paginator();
        let mut pages = call.send();
        while let Some(page) = pages.next().await {
            for result in page.unwrap().metric_data_results() {
                let number: usize = result.id().unwrap().trim_start_matches('q').parse().unwrap();
                let (metric, name) = asked[number];
                let place = STATISTICS.iter().position(|known| *known == name).unwrap();
                for (time, value) in result.timestamps().iter().zip(result.values()) {
                    found.entry(cell(metric, time)).or_default()[place] = Some(*value);
                }
            }
        }
    }
    let statistics = |[sum, samples, least, most]: [Option<f64>; 4]| Statistics {
        sum: sum.unwrap(),
        samples,
        ends: least.zip(most),
    };
    found.into_iter().map(|(cell, values)| (cell, statistics(values))).collect()
}

/// What a metric adds up to over all time, series and windows, whatever case its name is written in.
pub(super) fn total(table: &Table, metric: &str) -> f64 {
    table
        .iter()
        .filter(|(cell, _)| cell.metric.eq_ignore_ascii_case(metric))
        .map(|(_, found)| found.sum)
        .sum()
}

async fn metrics(client: &Client, namespace: &str) -> Vec<Metric> {
    let mut pages = client.list_metrics().namespace(namespace).into_paginator().send();
    let mut metrics = Vec::new();
    while let Some(page) = pages.next().await {
        metrics.extend_from_slice(page.unwrap().metrics());
    }
    metrics.retain(|metric| {
        metric
            .metric_name()
            .is_some_and(|name| name != RECEIPT_METRIC && !name.ends_with(OPEN_SUFFIX))
    });
    metrics
}

fn cell(metric: &Metric, time: &DateTime) -> Cell {
    let dimensions = metric.dimensions().iter();
    let dimensions = dimensions.map(|it| (it.name().unwrap(), it.value().unwrap()));
    let metric = metric.metric_name().unwrap().to_owned();
    Cell { metric, series: series(dimensions), start: time.secs() }
}

/// The minute that a moment is in, or one after it.
fn minute(moment: Timestamp, after: i64) -> DateTime {
    DateTime::from_secs((moment.as_millis().div_euclid(60_000) + after) * 60)
}
