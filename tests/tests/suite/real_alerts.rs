//! Alerts over two event logs, against the answers that SQL gives for them.

use super::replayed::{self, plan};
use super::shared_data::{Row, folder, rules, table};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use streamgauge_local::input::Input;

/// A clock that stops so late that every window is final, in milliseconds.
const UNTIL_ALL_IS_FINAL: i64 = 1_735_689_600_000;

/// What a log gives with an alert added to its rules.
struct Told {
    points: Vec<Value>,
    alerts: Vec<Value>,
}

fn run(folder: &Path, log: &str, alert: &str) -> Told {
    let plan = plan(&format!("{}\n{alert}", rules(&format!("{log}.yaml"))));
    let input = || vec![Input::path(folder.join(format!("{log}.ndjson.zst")))];
    let until = Some(UNTIL_ALL_IS_FINAL);
    let one = replayed::replay_until(&plan, input(), &replayed::options(until, false));
    let threads = replayed::Options { threads: 4, ..replayed::options(until, false) };
    assert_eq!(one, replayed::replay_until(&plan, input(), &threads), "on any number of threads");
    let read = |lines: &[String]| -> Vec<Value> {
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    Told { points: read(&one.points), alerts: read(&one.alerts) }
}

impl Told {
    /// The starts of the metric's windows after which the alert fires: it fires until another final point ends that.
    fn firing_windows(&self, metric: &str) -> BTreeSet<String> {
        let points = self.points.iter().filter(|point| point["metric"] == metric);
        let fires_after = |end: &str| {
            let before = self.alerts.iter().rfind(|alert| alert["at"].as_str().unwrap() <= end);
            before.is_some_and(|alert| alert["transition"] == "firing")
        };
        let firing = points.filter(|point| fires_after(point["window_end"].as_str().unwrap()));
        firing.map(|point| point["window_start"].as_str().unwrap().to_owned()).collect()
    }
}

fn windows(path: &Path) -> BTreeSet<String> {
    table(path).iter().map(Row::window_start).collect()
}

/// Of each day with at least 20 orders it is decided whether more than a quarter as many were cancelled: 65 of them. On days
/// without any event nothing is decided, so an episode can span them.
#[test]
fn days_on_which_too_many_orders_are_cancelled() {
    let Some(folder) = folder() else { return };
    let rule = "
alerts:
  cancellations:
    metric: cancel_rate_daily
    when: rate over window > 0.25
    min_volume: 20
    severity: error
    notify: [desk]
channels:
  desk: {webhook: {url: 'https://hooks.example/desk'}}
";
    let told = run(&folder, "online_retail_orders", rule);
    let expected =
        folder.join("expected/online_retail_orders/09_alert_daily_cancel_rate_over_25pct.csv");
    let expected = windows(&expected);
    assert_eq!(expected.len(), 65);
    assert_eq!(told.firing_windows("cancel_rate_daily"), expected);
    // Fired and resolved take turns, and each is told at the end of a day.
    for (place, alert) in told.alerts.iter().enumerate() {
        let wanted = if place % 2 == 0 { "firing" } else { "resolved" };
        assert_eq!((&alert["transition"], &alert["sent"]), (&wanted.into(), &true.into()));
        assert!(alert["at"].as_str().unwrap().ends_with("T00:00:00Z"), "{alert}");
    }
    let firing = told.alerts.iter().filter(|alert| alert["transition"] == "firing");
    for alert in firing {
        assert!(alert["value"].as_f64().unwrap() > 0.25, "{alert}");
        // The very number that the point of that day shows.
        let same = |point: &&Value| {
            point["metric"] == "cancel_rate_daily" && point["window_end"] == alert["at"]
        };
        assert_eq!(told.points.iter().find(same).unwrap()["rate"], alert["value"]);
        assert!(!alert["evidence"].as_array().unwrap().is_empty(), "{alert}");
    }
}

/// The table counts sessions without a purchase and asks for more than 60 %. A journey begins at each checkout and ends by a purchase after it,
/// so its rate is higher (`real_data.rs` shows by how much and why): the rule is `rate over window > 0.7` with at
/// least 30 journeys, per week from the epoch. It fires once, through the three weeks of the payment gateway's incident.
#[test]
fn weeks_in_which_the_payment_gateway_failed() {
    let Some(folder) = folder() else { return };
    let rule = "
alerts:
  abandonment:
    metric: checkouts
    when: rate over window > 0.7
    min_volume: 30
    severity: error
    notify: [desk]
channels:
  desk: {webhook: {url: 'https://hooks.example/desk'}}
";
    let told = run(&folder, "ecom_incidents", rule);
    let expected =
        windows(&folder.join("expected/ecom_incidents/06_alert_checkout_abandonment_7d.csv"));
    assert_eq!(told.firing_windows("checkouts"), expected);
    let shown: Vec<(&str, &str)> = told
        .alerts
        .iter()
        .map(|alert| (alert["transition"].as_str().unwrap(), alert["at"].as_str().unwrap()))
        .collect();
    // The end of the first of the three weeks, and that of the week after the last.
    assert_eq!(shown, [("firing", "2024-05-23T00:00:00Z"), ("resolved", "2024-06-13T00:00:00Z")]);
}
