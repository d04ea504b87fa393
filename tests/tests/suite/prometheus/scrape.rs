//! Random scrapes: names that nobody would choose, values that break lines, series that come and go.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;
use streamgauge_dev::exposition::{Exposition, Firing, Metric, Newest, Pipeline, Series, Total};
use streamgauge_dev::outbox::Waits;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::{Counters, DistributionValues, JourneyValues, SumValues, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{MINUTE_MS, Timestamp};
use streamgauge_pipeline::kept::ValueKind;

/// A scrape with all that it borrows elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Scrape {
    metrics: Vec<(String, Outline)>,
    received: u64,
    lag_ms: Option<i64>,
    alerts: Vec<(String, Option<String>, u64)>,
    channels: Vec<(String, Waits)>,
}

/// A metric without its name.
#[derive(Clone, Debug)]
struct Outline {
    kind: ValueKind,
    unit: Option<&'static str>,
    help: Option<String>,
    dimensions: Vec<String>,
    final_minute: Option<i64>,
    series: Vec<Series>,
}

impl Scrape {
    pub(crate) fn exposition(&self) -> Exposition<'_> {
        let minute = |minute: i64| Timestamp::from_millis(minute * MINUTE_MS);
        let metrics = self.metrics.iter().map(|(name, outline)| Metric {
            name,
            kind: outline.kind,
            unit: outline.unit,
            help: outline.help.as_deref(),
            dimensions: outline.dimensions.iter().map(String::as_str).collect(),
            final_until: outline.final_minute.map(minute),
            open: Some(self.received),
            series: outline.series.clone(),
        });
        let alerts = self.alerts.iter().map(|(alert, step, groups)| Firing {
            alert,
            step: step.as_deref(),
            severity: "critical",
            groups: *groups,
        });
        Exposition {
            metrics: metrics.collect(),
            pipeline: Pipeline {
                counters: Counters { received: self.received, ..Counters::default() },
                watermark_lag_ms: self.lag_ms,
                are_rules_rejected: false,
                alerts: alerts.collect(),
                channels: self.channels.clone(),
            },
        }
    }
}

/// Any scrape that rules could give: names are not empty, and no two metrics, dimensions or series are alike.
pub(crate) fn scrape() -> impl Strategy<Value = Scrape> {
    let metrics =
        btree_map(name(), outline(), 0..6).prop_map(|metrics| metrics.into_iter().collect());
    let alerts = btree_map(text(), (proptest::option::of(name()), 0..5_u64), 0..3);
    let alerts = alerts.prop_map(|alerts| {
        alerts.into_iter().map(|(alert, (step, groups))| (alert, step, groups)).collect()
    });
    let channels = btree_map(text(), waits(), 0..3).prop_map(|all| all.into_iter().collect());
    (metrics, any::<u64>(), proptest::option::of(-5000..5_000_000_i64), alerts, channels).prop_map(
        |(metrics, received, lag_ms, alerts, channels)| Scrape {
            metrics,
            received,
            lag_ms,
            alerts,
            channels,
        },
    )
}

fn waits() -> impl Strategy<Value = Waits> {
    let since = proptest::option::of((0..9_000_000_i64).prop_map(Timestamp::from_millis));
    (any::<u64>(), since, any::<u64>(), 0..3_u64).prop_map(|(waiting, since, told, lost)| Waits {
        waiting,
        since,
        told,
        lost,
        why: None,
    })
}

/// Names as rules allow them, most of them close to each other and to what families are called.
fn name() -> impl Strategy<Value = String> {
    let part = select(&["a", "b", "_", ".", "5", "sum", "count", "total", "created", "part"][..]);
    let own = select(
        &["streamgauge_records_late", "quantile", "le", "a_time_seconds_sum", "a_seconds"][..],
    );
    prop_oneof![
        4 => vec(part, 1..4).prop_map(|parts| parts.concat()),
        1 => own.prop_map(str::to_owned),
        1 => "[!-~]([ -~]{0,8}[!-~])?",
    ]
}

/// Any text, most of it with what has to be escaped.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab\\\\\"\n# {}=,]{1,8}", "\\PC{1,6}", any::<String>()]
}

fn outline() -> impl Strategy<Value = Outline> {
    use ValueKind::{Count, Distribution, Journey, Ratio, Sum, Unique};
    let kind = select(&[Count, Sum, Distribution, Unique, Ratio, Journey][..]);
    let unit = select(&[None, Some("Seconds"), Some("Count"), Some("Bytes/Second")][..]);
    (
        kind,
        unit,
        proptest::option::of(text()),
        btree_set(name(), 0..4),
        proptest::option::of(0..9_i64),
    )
        .prop_flat_map(|(kind, unit, help, dimensions, final_minute)| {
            let dimensions: Vec<String> = dimensions.into_iter().collect();
            let keys = btree_map(vec(text(), dimensions.len()), (points(kind), 0..8_i64), 0..5);
            (Just((kind, unit, help, dimensions, final_minute)), keys)
        })
        .prop_map(|((kind, unit, help, dimensions, final_minute), keys)| {
            let series =
                keys.into_iter().map(|(key, (points, minute))| series(&key, &points, minute));
            Outline { kind, unit, help, dimensions, final_minute, series: series.collect() }
        })
}

fn series(key: &[String], points: &[Values], minute: i64) -> Series {
    let mut total = points.first().map_or(Total::Unique, Total::of);
    points.iter().skip(1).for_each(|values| total.add(values));
    let window_start = Timestamp::from_millis(minute * MINUTE_MS);
    let newest = points.last().map(|values| Newest {
        window_start,
        window_end: window_start.plus(MINUTE_MS),
        values: values.clone(),
    });
    Series { key: Arc::new(SeriesKey::new(key.iter().map(String::as_str))), total, newest }
}

fn points(kind: ValueKind) -> impl Strategy<Value = Vec<Values>> {
    let above = vec(0..1_000_000_000_000_000_i128, 0..4);
    let least = select(&[0, -1_000_000_000_000_i128][..]);
    let point = (above, least, 0..1000_u64, 0..1000_u64);
    let values = point.prop_map(move |(sizes, lowest, one, other)| {
        let decimals = sizes.into_iter().map(|size| Decimal::from_billionths(size + lowest));
        values(kind, &decimals.collect::<Vec<_>>(), (one, other))
    });
    vec(values, 1..3)
}

fn values(kind: ValueKind, decimals: &[Decimal], (one, other): (u64, u64)) -> Values {
    let exact: SumValues = decimals.iter().copied().collect();
    let percentiles = [decimals.iter().max().copied().unwrap_or_default(); 5];
    let distribution = DistributionValues { exact, percentiles, buckets: Vec::new() };
    match kind {
        ValueKind::Count => Values::Count(one),
        ValueKind::Sum => Values::Sum(exact),
        ValueKind::Distribution => Values::Distribution(Box::new(distribution)),
        ValueKind::Unique => Values::Unique(one),
        ValueKind::Ratio => Values::Ratio { part: one, whole: other },
        ValueKind::Journey => Values::Journey(Box::new(JourneyValues {
            started: one + other,
            finished: one,
            abandoned: other,
            open: 0,
            time: distribution,
        })),
    }
}
