//! The rules of a seed, and what they are changed to.

use super::super::replayed;
use super::dice::Dice;
use super::workload::{Front, Shape};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use streamgauge_engine::plan::Plan;

/// Every kind of metric, in windows that are short, long, live and with zeros.
const METRICS: &str = r#"
version: 1
namespace: Shop
out_of_order: 5s
allowed_lateness: 3s
late: correct
deduplicate: 5m
metrics:
  orders: {count: type == "order", dimensions: {partner: data.partner}, window: 10s}
  amounts: {sum: data.amount, where: type == "order", window: 20s}
  sizes: {distribution: data.amount, where: type == "order", dimensions: {partner: data.partner}, window: 30s}
  rejects: {ratio: {part: type == "reject", whole: 'type in ["order", "reject"]'}, dimensions: {partner: data.partner}, window: 10s}
  customers: {unique: data.customer, where: type == "order", window: 1m}
  clicks: {count: type == "click", window: 10s, emit: live}
  silence: {count: type == "reject", window: 15s, zero: publish}
  checkout: {journey: {start: type == "click", finish: type == "order", key: data.customer, within: 20s}, dimensions: {partner: data.partner}, window: 15s}
"#;

/// Who is told: channels that are repeated and not, routes, gathering, and quiet times in the first minutes of all runs.
/// `max_age` is longer than anything takes, but for one alert.
const NOTIFYING: &str = r#"
channels:
  oncall: {pagerduty: {routing_key: "env:KEY"}}
  desk: {email: {to: [desk@shop.example, lead@shop.example], from: gauge@shop.example}}
  hook: {webhook: {url: "https://hooks.shop.example/x"}}
  phone: {sms: {to: ["+971500000000"]}}
routes:
  - {match: {severity: critical, partner: noon}, notify: [oncall, desk]}
  - {match: {severity: warning, partner: lugmati}, notify: []}
notify: {together: 10s, list_at_most: 1000, repeat: 1m}
silences:
  - {match: {metric: orders, partner: talabat}, from: 2026-01-05T10:00:25Z, until: 2026-01-05T10:00:55Z, author: desk@shop.example, reason: moves}
maintenance:
  - {match: {channel: phone}, from: "10:01", to: "10:02", reason: works}
alert_defaults: {max_age: 7d, notify: [oncall]}
"#;

/// Two sets of alerts: each seed has one of them, so that it does not take twice the time.
const ALERTS: [&str; 2] = [
    r#"
alerts:
  rush:
    metric: orders
    steps:
      page: {when: sum over 20s >= 3, severity: critical, notify: [oncall]}
      mail: {when: sum over 40s >= 3, severity: warning, notify: [desk, hook]}
    resolve: sum over 40s < 1
  average: {metric: amounts, when: avg over 30s > 500, severity: warning, notify: [hook, phone]}
  share: {metric: rejects, when: rate over 30s > 0.4, min_volume: 3, for: 2s, notify: [hook]}
  silent: {metric: silence, when: absent for 15s, severity: critical, notify: [oncall, phone]}
  left: {metric: checkout, when: abandoned over 30s >= 2, severity: warning, notify: [desk]}
  busy: {metric: checkout, by: [], when: open > 2, keep_firing_for: 4s, notify: [hook]}
  burst: {metric: clicks, when: sum over 20s >= 3, early: true, notify: [oncall, hook]}
"#,
    r#"
alerts:
  lull: {metric: orders, by: [], when: sum over 15s < 3, for: 2s, keep_firing_for: 3s, severity: info, notify: [desk]}
  gone: {metric: orders, when: absent for 25s, severity: error, notify: [oncall, desk]}
  tail: {metric: sizes, when: p90 over 60s > 800, keep_firing_for: 5s, notify: [hook]}
  cut: {metric: amounts, when: max over window > 900, notify: [phone]}
  crowd: {metric: customers, when: unique over 30s >= 4, severity: critical, notify: [oncall]}
  spike: {metric: clicks, when: sum over window >= 3, notify: [phone, hook]}
  zero: {metric: silence, when: sum over window < 1, notify: [desk]}
  old: {metric: rejects, by: [], when: sum over 21s >= 2, max_age: 7s, notify: [hook]}
  cohort:
    metric: checkout
    by: []
    steps:
      worse: {when: rate over 60s > 0.6, severity: critical}
      bad: {when: rate over window > 0.4, severity: warning, notify: [desk, oncall]}
    min_volume: 2
"#,
];

/// The rules after a change: of metrics `orders` means something else, `amounts` is gone, `fresh` is new; of alerts one asks for more,
/// those of `amounts` are gone, and one is new. All others are as they were.
const CHANGES: [(&str, &str); 5] = [
    (r#"orders: {count: type == "order","#, r#"orders: {count: 'type in ["order", "click"]',"#),
    (
        r#"amounts: {sum: data.amount, where: type == "order", window: 20s}"#,
        r#"fresh: {count: type == "order", dimensions: {partner: data.partner}, window: 10s}"#,
    ),
    ("rate over 30s > 0.4", "rate over 30s > 0.3"),
    (
        "average: {metric: amounts, when: avg over 30s > 500, severity: warning, notify: [hook, phone]}",
        "flood: {metric: fresh, when: sum over 20s >= 2, notify: [hook]}",
    ),
    (
        "cut: {metric: amounts, when: max over window > 900, notify: [phone]}",
        "still: {metric: fresh, by: [], when: absent for 8s, notify: [hook, desk]}",
    ),
];

/// After a change the rules also want events that the filter did not let through before.
const WANTS_MORE: (&str, &str) =
    (r#"fresh: {count: type == "order","#, r#"fresh: {count: 'type in ["order", "other"]',"#);

/// The rules of a seed and those after a change: what is late, how copies are known, how many series there are and what alerts ask differ.
pub(super) fn of(dice: &Dice, shape: Shape, front: Option<Front>) -> [String; 2] {
    let alerts: &str = ALERTS[dice.below(ALERTS.len())];
    let mut rules = [METRICS, NOTIFYING, alerts].concat();
    let mut change = |old: &str, new: &str| {
        assert!(rules.contains(old), "{old}");
        rules = rules.replace(old, new);
    };
    if shape == Shape::Held {
        change("version: 1", "version: 1\nhold: 20s");
    } else {
        if dice.per_mille(300) {
            change("late: correct", "late: drop");
        }
        if front == Some(Front::Covered) {
            change("out_of_order: 5s", "out_of_order: 5m");
        }
        // What is forwarded twice is known by its identity alone.
        if front.is_none() && dice.per_mille(300) {
            change("deduplicate: 5m", "deduplicate: off");
        }
        if dice.per_mille(300) {
            change("window: 30s}", "window: 30s, max_series: 2}");
            change(r#""reject"]'}, dimensions"#, r#""reject"]'}, max_series: 2, dimensions"#);
        }
        if shape == Shape::Silent {
            // Else there would be a zero for each 15 seconds of many days, and a mail for each minute.
            change(", zero: publish", "");
            change("repeat: 1m", "repeat: 4h");
        }
    }
    if dice.per_mille(300) {
        change("list_at_most: 1000", "list_at_most: 2");
    }
    let replaced = CHANGES.iter().chain((shape == Shape::Filtered).then_some(&WANTS_MORE));
    let changed = replaced.fold(rules.clone(), |rules, (old, new)| rules.replace(old, new));
    [rules, changed]
}

/// The plan of some rules: few are made of many seeds.
pub(super) fn plan(rules: &str) -> Arc<Plan> {
    static PLANS: Mutex<BTreeMap<String, Arc<Plan>>> = Mutex::new(BTreeMap::new());
    let mut plans = PLANS.lock().unwrap();
    let plan = plans.entry(rules.to_owned()).or_insert_with(|| replayed::plan(rules));
    Arc::clone(plan)
}
