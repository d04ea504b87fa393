//! The oracle's answer as the lines that `replay --output json` should print.

use super::calendar::time_text;
use super::compute::{Counters, Intake, MetricCounters};
use super::model::{Rules, decimal_text};
use super::points::{Point, Status, Values};
use std::fmt::Write;

/// The percentiles that are shown, in tenths of a percent.
const PERCENTILES: [(&str, usize); 5] =
    [("p50", 500), ("p90", 900), ("p95", 950), ("p99", 990), ("p99.9", 999)];

/// A line, with `~` in the place of each percentile, and these.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ExpectedLine {
    pub(super) text: String,
    pub(super) percentiles: Vec<i128>,
}

/// The name of the metric at a place.
pub(super) fn metric_name(place: usize) -> String {
    format!("metric_{place}")
}

/// The line of a point.
pub(super) fn point_line(rules: &Rules, point: &Point) -> ExpectedLine {
    let dimensions = rules.metrics[point.metric].dimensions.iter().zip(&point.series);
    let dimensions: Vec<String> = dimensions
        .map(|(field, value)| {
            format!("\"{}\":{}", field.name(), serde_json::to_string(value).unwrap())
        })
        .collect();
    let mut text = format!(
        r#"{{"kind":"point","metric":"{}","dimensions":{{{}}},"window_start":"{}","window_end":"{}","status":"{}""#,
        metric_name(point.metric),
        dimensions.join(","),
        time_text(point.window.start),
        time_text(point.window.end),
        match point.status {
            Status::Final => "final",
            Status::Correction => "correction",
            Status::Open => "open",
        },
    );
    let mut percentiles = Vec::new();
    match &point.values {
        Values::Count(count) => write!(text, r#","sum":{count},"count":{count}"#).unwrap(),
        Values::Sum { sum, count } => {
            write!(text, r#","sum":{},"count":{count}"#, decimal_text(*sum)).unwrap();
        }
        Values::Distribution(values) => {
            let sum: i128 = values.iter().sum();
            write!(text, r#","sum":{},"count":{}"#, decimal_text(sum), values.len()).unwrap();
            text += &distribution(values, &mut percentiles);
        }
        Values::Unique(unique) => write!(text, r#","unique":{unique}"#).unwrap(),
        Values::Ratio { part, whole } => {
            write!(text, r#","sum":{part},"count":{whole}"#).unwrap();
            if *whole > 0 {
                write!(text, r#","rate":{}"#, quotient_text(count(*part), count(*whole))).unwrap();
            }
        }
        Values::Journey { started, finished, abandoned, open } => {
            let rate = quotient_text(count(*abandoned), count(*started));
            write!(text, r#","started":{started},"finished":{}"#, finished.len()).unwrap();
            write!(text, r#","abandoned":{abandoned},"rate":{rate}"#).unwrap();
            if point.status == Status::Open {
                write!(text, r#","open":{open}"#).unwrap();
            }
            if !finished.is_empty() {
                write!(text, r#","time":{{"count":{}"#, finished.len()).unwrap();
                text += &distribution(finished, &mut percentiles);
                text += "}";
            }
        }
    }
    ExpectedLine { text: text + "}", percentiles }
}

fn count(number: usize) -> i128 {
    i128::try_from(number).unwrap()
}

fn distribution(values: &[i128], percentiles: &mut Vec<i128>) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else { return String::new() };
    let sum: i128 = sorted.iter().sum();
    let average = quotient_text(sum, count(sorted.len()) * 1_000_000_000);
    let mut text = format!(
        r#","average":{average},"min":{},"max":{}"#,
        decimal_text(*min),
        decimal_text(*max)
    );
    for (name, tenths) in PERCENTILES {
        // The smallest value with at least so many of the values at or below it.
        percentiles.push(sorted[(tenths * sorted.len()).div_ceil(1000) - 1]);
        write!(text, r#","{name}":~"#).unwrap();
    }
    text
}

/// A quotient as the shortest text of the double that is nearest to it.
///
/// The division is done on paper, to more digits than decide the rounding, with a last digit that says whether there
/// is more; then the standard library reads the digits.
pub(super) fn quotient_text(dividend: i128, divisor: i128) -> String {
    let mut digits = (dividend.abs() / divisor).to_string() + ".";
    let mut rest = dividend.abs() % divisor;
    for _ in 0..60 {
        rest *= 10;
        digits += &(rest / divisor).to_string();
        rest %= divisor;
    }
    digits += if rest > 0 { "1" } else { "" };
    let value: f64 = digits.parse().unwrap();
    let sign = if dividend < 0 { "-" } else { "" };
    format!("{sign}{value}")
}

/// The line of the summary.
pub(super) fn summary_line(intake: &Intake<'_>, points: usize) -> String {
    let Counters { received, rejected, filtered, duplicate, counted, late } = intake.counters;
    let mut text = format!(
        r#"{{"kind":"summary","received":{received},"counted":{counted},"filtered":{filtered},"duplicate":{duplicate},"late":{late},"rejected":{rejected},"points":{points},"alerts":0"#
    );
    if let (Some(first), Some(last)) = (intake.first_event(), intake.last_event()) {
        write!(text, r#","first_event":"{}","last_event":"{}""#, time_text(first), time_text(last))
            .unwrap();
    }
    let metrics = intake.metrics.iter().enumerate().map(|(place, counters)| {
        let MetricCounters { matched, no_value, no_dimension, late_dropped, folded } = counters;
        let name = metric_name(place);
        format!(
            r#""{name}":{{"matched":{matched},"no_value":{no_value},"no_dimension":{no_dimension},"late_dropped":{late_dropped},"folded":{folded}}}"#
        )
    });
    text + r#","metrics":{"# + &metrics.collect::<Vec<_>>().join(",") + "}}"
}
