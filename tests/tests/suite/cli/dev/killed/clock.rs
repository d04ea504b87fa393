//! `dev` killed while time passes by the machine's clock.
//!
//! Events are of now, and `out_of_order` is `0s`: a window is closed by a later event or, where nothing comes, by the proof of that. At some kills nobody
//! pushes, and the process dies when such a proof has closed a window; and so end the last windows of all.
//!
//! **What is exact.** The next process may prove silence before it is pushed what the one before did not acknowledge, and some events are made a bit
//! late. So nobody knows what is in a final point and what in a correction. But all points of a window add up to what `replay` says of the events that
//! were acknowledged, which all are in the end; and the alert fires once for each push with enough orders, whenever it comes, since nothing leaves
//! its hour. Only a definition that has retired takes no corrections, so of one that changes it is known what it counts at most.

use super::life::Asked;
use super::load::Mode;
use super::verdict::{added_up, parse, same, sums, text, texts};
use std::collections::BTreeSet;

/// The rules; `changing` has two texts as in those of the other tests. Of pushes the alert knows one in ten, so that thousands do not make it slow
/// to begin again.
pub(super) const RULES: &str = "\
version: 1
late: correct
out_of_order: 0s
allowed_lateness: 0s
deduplicate: 7d
metrics:
  orders: {count: type == 'order', dimensions: {country: data.country}, window: 1s}
  revenue: {sum: data.amount, where: type == 'order', dimensions: {country: data.country}, window: 1s}
  amounts: {distribution: data.amount, where: type == 'order', window: 5s}
  stragglers: {sum: data.amount, where: type == 'straggler', window: 5m}
  pushes: {count: type == 'order' && data.push.endsWith('7'), dimensions: {push: data.push}, window: 1s, max_series: 100000}
  changing: {count: type == 'order', dimensions: {rules: \"'a'\"}, window: 1s}
  silent: {count: type == 'silent', window: 1s}
  last: {count: type == 'last', window: 5s}
alerts:
  large: {metric: pushes, by: [push], when: sum over 1h >= 5, severity: critical, notify: [hook]}
channels:
  hook: {webhook: {url: 'http://127.0.0.1:9/'}}
";
/// Metrics whose definitions stay.
const METRICS: [&str; 7] =
    ["orders", "revenue", "amounts", "stragglers", "pushes", "silent", "last"];

/// Holds what was decided against what `replay` says.
pub(super) fn check(expect: &Asked, asked: &Asked) {
    same(
        "what is added up",
        &added_up(&asked.points, &METRICS),
        &added_up(&expect.points, &METRICS),
    );
    let mut finals = BTreeSet::new();
    for point in asked.points.iter().map(|line| parse(line)) {
        if point["status"] == "final" {
            let window = (text(&point, "metric"), point["dimensions"].to_string());
            assert!(finals.insert((window, text(&point, "window_start"))), "final twice: {point}");
        }
    }
    assert!(finals.len() < asked.points.len(), "nothing was late");
    // One that is changed back within a second has no window.
    assert!(!texts(&asked.points).is_empty());
    // What is late for a definition that is gone is counted nowhere.
    let possible = sums(&expect.points, &["changing"]);
    for (window, found) in sums(&asked.points, &["changing"]) {
        assert!(found <= possible[&window], "{window}: {found:?}, {:?}", possible[&window]);
    }
    let (fired, expected) = (transitions(asked), transitions(expect));
    assert!(!expected.is_empty());
    same("alerts", &fired, &expected);
}

/// What alerts did and for whom, not when.
fn transitions(of: &Asked) -> Vec<String> {
    let mut lines: Vec<_> = of
        .alerts
        .iter()
        .map(|line| parse(line))
        .map(|alert| {
            format!("{} {} {}", text(&alert, "alert"), alert["group"], alert["transition"])
        })
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn killed_by_the_machines_clock_the_points_of_a_window_add_up_to_what_was_acknowledged() {
    super::check("dev_killed_clock", Mode::Clock);
}
