//! Deltas of a few events, and when they are due.

use super::*;
use crate::aggregate::tests::kit::{START, event, plan};
use std::sync::Arc;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::decode::{Decoder, Record};

/// Metrics with windows of an hour, and alerts on one of them.
fn rules(alerts: &str) -> String {
    format!(
        "
late: correct
out_of_order: 10s
allowed_lateness: 5s
deduplicate: 10m
metrics:
  orders: {{count: type == 'order', window: 1h}}
  visits: {{journey: {{start: type == 'visit', finish: type == 'order', key: id, within: 1m}}, window: 1h}}
alerts:
  {alerts}
channels:
  mail: {{email: {{to: [a@example.com], from: b@example.com}}}}
"
    )
}

/// When the last of these events, of a batch of its own, is due, in milliseconds after the start.
fn due_at(alerts: &str, events: &[(&str, i64)]) -> Option<i64> {
    let plan = plan(&rules(alerts));
    let mut decoder = Decoder::new(Arc::clone(&plan));
    let mut shard = Aggregator::new(Arc::clone(&plan));
    let mut last = None;
    for (number, (kind, seconds)) in (0..).zip(events) {
        let text = event(&format!("e{number}"), kind, *seconds);
        let record = Record { bytes: 0..text.len(), arrival: None, position: number };
        let delta = shard.fold(decoder.decode(text.as_bytes(), [record].into_iter()));
        last = due(&plan, &delta);
    }
    last.map(|due| due.as_millis() - START.as_millis())
}

const HOUR_MS: i64 = 3_600_000;
const AT_ONCE_MS: i64 = -START.as_millis();

#[test]
fn what_no_alert_hears_of_waits_for_its_window() {
    let visits = "a: {metric: visits, when: started over 10m > 3, severity: error, notify: [mail]}";
    assert_eq!(due_at(visits, &[("order", 0)]), Some(AT_ONCE_MS), "the first event of all");
    assert_eq!(due_at(visits, &[("other", 0), ("other", 1)]), None);
    let orders = "a: {metric: orders, when: sum over window > 3, severity: error, notify: [mail]}";
    assert_eq!(due_at(orders, &[("other", 0), ("visit", 1)]), Some(HOUR_MS + 60_000 + 5_000));
    assert_eq!(due_at(orders, &[("other", 0), ("order", 1)]), Some(HOUR_MS + 5_000));
}

#[test]
fn a_sample_is_due_when_the_watermark_is_past_it() {
    let exact = "a: {metric: orders, when: sum over 10m >= 3, severity: error, notify: [mail]}";
    assert_eq!(due_at(exact, &[("other", 0), ("order", 7)]), Some(7_001));
    // The watermark is at 90 s.
    assert_eq!(due_at(exact, &[("other", 0), ("other", 100), ("order", 88)]), Some(90_001));
    let absent = "a: {metric: orders, when: absent for 10m, severity: error, notify: [mail]}";
    assert_eq!(due_at(absent, &[("other", 0), ("order", 7)]), Some(7_001));
}

#[test]
fn a_slice_is_due_when_the_watermark_is_past_its_end() {
    let slices = "a: {metric: orders, when: sum over 10m >= 3000, severity: error, notify: [mail]}";
    assert_eq!(due_at(slices, &[("other", 0), ("order", 7)]), Some(10_001));
    assert_eq!(due_at(slices, &[("other", 0), ("other", 100), ("order", 83)]), Some(90_001));
    assert_eq!(due_at(slices, &[("other", 0), ("other", 100), ("order", 77)]), Some(90_001));
    assert_eq!(due_at(slices, &[("other", 0), ("other", 99), ("order", 75)]), Some(89_001));
}

#[test]
fn a_step_of_a_journey_is_due_the_lateness_after_it() {
    let visits = "a: {metric: visits, when: started over 10m > 3, severity: error, notify: [mail]}";
    assert_eq!(due_at(visits, &[("other", 0), ("visit", 7)]), Some(12_001));
}

#[test]
fn what_is_tested_early_is_due_at_once() {
    let early = "a: {metric: orders, when: sum over 10m >= 3, early: true, severity: error, notify: [mail]}";
    assert_eq!(due_at(early, &[("other", 0), ("order", 7)]), Some(AT_ONCE_MS));
    assert_eq!(due_at(early, &[("other", 0), ("visit", 7)]), Some(HOUR_MS + 60_000 + 5_000));
}
