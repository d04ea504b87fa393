//! The rules that a crowd of groups is for, and the events that touch them, as deltas hold them.

use crate::random::Random;
use std::fmt::Write as _;
use std::sync::Arc;
use streamgauge_engine::delta::{AlertSample, Delta, DeltaSeries};
use streamgauge_engine::newest::NamedEvent;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::Timestamp;

/// So many rules, each a ladder of two steps over a metric of its own with so many groups.
pub(super) fn rules(rules: usize, groups: usize) -> anyhow::Result<String> {
    let mut text = String::from(
        "version: 1
namespace: Benchmark
out_of_order: 10s
allowed_lateness: 1m
late: correct
channels:
  oncall: {pagerduty: {routing_key: env:ROUTING_KEY}}
metrics:
",
    );
    for rule in 0..rules {
        writeln!(
            text,
            "  rejections_{rule:04}: {{count: 'type == \"rejected.{rule:04}\"', dimensions: {{partner: data.partner}}, \
             window: 1m, max_series: {groups}}}"
        )?;
    }
    text.push_str("alerts:\n");
    for rule in 0..rules {
        writeln!(
            text,
            "  rejections_{rule:04}:
    metric: rejections_{rule:04}
    steps:
      reactive: {{when: sum over 10m >= 3, severity: critical, notify: [oncall]}}
      proactive: {{when: sum over 20m >= 3, severity: warning, notify: [oncall]}}"
        )?;
    }
    Ok(text)
}

/// A delta of events, each of one rule and one group, ten in a millisecond. As in one that was read, no two share a key.
pub(super) fn delta(
    begin_ms: i64,
    random: &mut Random,
    places: impl Iterator<Item = (usize, usize)>,
) -> Delta {
    let mut delta = Delta::default();
    for (number, (metric, group)) in (0_u32..).zip(places) {
        let key = Arc::new(SeriesKey::new([format!("partner-{group:05}").as_str()]));
        delta.names.series.push(DeltaSeries { metric, key });
        let time = Timestamp::from_millis(begin_ms + i64::from(number / 10));
        let identity = random.bits();
        let event = NamedEvent { time, identity, id: format!("{identity:016x}").into() };
        delta.samples.push(AlertSample { series: number, event, overdue: None });
    }
    delta
}
