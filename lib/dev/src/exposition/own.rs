//! What the pipeline says of itself in a scrape.
//!
//! | series | type | what |
//! | --- | --- | --- |
//! | `streamgauge_records_received_total` | counter | records; the sum of the next five |
//! | `streamgauge_records_counted_total`, `…_filtered_total`, `…_duplicate_total`, `…_late_total`, `…_rejected_total` | counter | what became of them |
//! | `streamgauge_watermark_lag_seconds` | gauge | how far the watermark is behind the clock |
//! | `streamgauge_alerts_firing{alert,step,severity}` | gauge | for how many groups a step fires; 0 if for none |
//! | `streamgauge_notifications_waiting{channel}` | gauge | notifications that the channel does not take, and that are tried again |
//! | `streamgauge_notifications_waiting_since_timestamp_seconds{channel}` | gauge | since when the oldest of them waits |
//! | `streamgauge_notifications_told_total{channel}`, `…_lost_total{channel}` | counter | notifications that it took, and that it will never be told |
//! | `streamgauge_window_end_timestamp_seconds{metric}` | gauge | where the metric's newest final window ends |
//! | `streamgauge_rules_rejected` | gauge | 1 while the rules files as they are now cannot be used, and those before go on; else 0 |
//! | `streamgauge_series_left_out{metric}` | gauge | series that are not shown because there are too many |
//!
//! What became of records is six names and not one with a label, as Prometheus advises: a sum over all of them would count each record twice.

use super::Exposition;
use super::family::{Family, Type};
use super::name::{self, Names};
use streamgauge_engine::output::{Counters, seconds};
use streamgauge_pipeline::render::Number;

const RECORDS: &str = "streamgauge_records";
const OUTCOMES: [&str; 6] = ["received", "counted", "filtered", "duplicate", "late", "rejected"];
const LAG: &str = "streamgauge_watermark_lag_seconds";
const FIRING: &str = "streamgauge_alerts_firing";
const WINDOW_END: &str = "streamgauge_window_end_timestamp_seconds";
const RULES_REJECTED: &str = "streamgauge_rules_rejected";
const WAITING: &str = "streamgauge_notifications_waiting";
const WAITING_SINCE: &str = "streamgauge_notifications_waiting_since_timestamp_seconds";
const TOLD: &str = "streamgauge_notifications_told";
const LOST: &str = "streamgauge_notifications_lost";
const LEFT_OUT: &str = "streamgauge_series_left_out";

/// Takes the names, before any metric of the rules does.
pub(super) fn claim(names: &mut Names) {
    let outcomes = OUTCOMES.iter().map(|outcome| format!("{RECORDS}_{outcome}"));
    let counters = outcomes.flat_map(|outcome| name::of_counter(&outcome));
    let of_channels = [TOLD, LOST].into_iter().flat_map(name::of_counter);
    let gauges = [LAG, FIRING, WAITING, WAITING_SINCE, WINDOW_END, RULES_REJECTED, LEFT_OUT];
    let gauges = gauges.map(str::to_owned);
    names.claim(counters.chain(of_channels).chain(gauges));
}

/// The families; `left_out` says of each metric how many series are not shown.
pub(super) fn families(exposition: &Exposition<'_>, left_out: &[(&str, usize)]) -> Vec<Family> {
    let mut families = records(&exposition.pipeline.counters);
    if let Some(lag_ms) = exposition.pipeline.watermark_lag_ms {
        let mut lag = Family::new(LAG, Type::Gauge, "How far the watermark is behind the clock.")
            .with_unit(Some("seconds"));
        lag.push(Vec::new(), Number::Decimal(seconds(lag_ms)));
        families.push(lag);
    }
    families.push(firing(exposition));
    families.extend(channels(exposition));
    families.push(window_ends(exposition));
    let help =
        "Whether the rules files as they are now cannot be used, so that those before go on.";
    let mut rejected = Family::new(RULES_REJECTED, Type::Gauge, help);
    rejected.push(Vec::new(), whole(usize::from(exposition.pipeline.are_rules_rejected)));
    families.push(rejected);
    let mut hidden = Family::new(LEFT_OUT, Type::Gauge, "Series that are not shown: too many.");
    for (metric, series) in left_out {
        hidden.push(label("metric", metric), whole(*series));
    }
    families.push(hidden);
    families.retain(|family| !family.samples.is_empty());
    families
}

fn records(counters: &Counters) -> Vec<Family> {
    let Counters { received, rejected, filtered, duplicate, counted, late } = *counters;
    let helps = [
        ("Records that came.", received),
        ("Records that some metric took.", counted),
        ("Records that no metric takes.", filtered),
        ("Copies of events that were seen before.", duplicate),
        ("Records that came too late for every metric that would have taken them.", late),
        ("Records that are no events.", rejected),
    ];
    let families = OUTCOMES.iter().zip(helps).map(|(outcome, (help, records))| {
        let mut family = Family::new(format!("{RECORDS}_{outcome}"), Type::Counter, help);
        family.push(Vec::new(), Number::Whole(records));
        family
    });
    families.collect()
}

fn firing(exposition: &Exposition<'_>) -> Family {
    let mut firing =
        Family::new(FIRING, Type::Gauge, "For how many groups a step of an alert fires.");
    for step in &exposition.pipeline.alerts {
        let mut labels = label("alert", step.alert);
        labels.extend(step.step.into_iter().flat_map(|name| label("step", name)));
        labels.extend(label("severity", step.severity));
        firing.push(labels, Number::Whole(step.groups));
    }
    firing
}

fn channels(exposition: &Exposition<'_>) -> [Family; 4] {
    let [waiting_help, since_help, told_help, lost_help] = [
        "Notifications that a channel does not take, and that are tried again.",
        "Since when the oldest of the notifications that wait does.",
        "Notifications that a channel took.",
        "Notifications that a channel will never be told.",
    ];
    let mut waiting = Family::new(WAITING, Type::Gauge, waiting_help);
    let mut since = Family::new(WAITING_SINCE, Type::Gauge, since_help).with_unit(Some("seconds"));
    let mut told = Family::new(TOLD, Type::Counter, told_help);
    let mut lost = Family::new(LOST, Type::Counter, lost_help);
    for (name, waits) in &exposition.pipeline.channels {
        let labels = || label("channel", name);
        waiting.push(labels(), Number::Whole(waits.waiting));
        if let Some(at) = waits.since {
            since.push(labels(), Number::Decimal(seconds(at.as_millis())));
        }
        told.push(labels(), Number::Whole(waits.told));
        lost.push(labels(), Number::Whole(waits.lost));
    }
    [waiting, since, told, lost]
}

fn window_ends(exposition: &Exposition<'_>) -> Family {
    let help = "Where the newest final window of a metric ends.";
    let mut ends = Family::new(WINDOW_END, Type::Gauge, help).with_unit(Some("seconds"));
    for metric in &exposition.metrics {
        let newest = metric.series.iter().filter_map(|series| series.newest.as_ref());
        if let Some(end) = newest.map(|newest| newest.window_end).max() {
            ends.push(label("metric", metric.name), Number::Decimal(seconds(end.as_millis())));
        }
    }
    ends
}

fn label(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

fn whole(count: usize) -> Number {
    Number::Whole(u64::try_from(count).unwrap_or(u64::MAX))
}
