//! What becomes of alerts when the rules change, as timelines.

use super::tables::{delta, lines, moment, rejections, settler};
use crate::alert::Alert;
use crate::alert::samples::{absent, alert};
use crate::settle::{Decisions, Progress, Settler};
use crate::time::MINUTE_MS;
use crate::transition::Transition;

/// Rejections under a definition.
fn defined(definition: &str) -> Alert {
    Alert { name: "rejections".to_owned(), definition: definition.to_owned(), ..rejections() }
}

fn of(alerts: Vec<Alert>) -> Settler {
    settler(alerts, 10).1
}

fn settle(settler: &mut Settler, until: &str) -> Vec<Transition> {
    let mut decisions = Decisions::default();
    while settler.settle(moment(until), &mut decisions) == Progress::More {}
    decisions.transitions
}

/// Both plans are fed with these events.
fn feed(settlers: [&mut Settler; 2], events: &[&str]) {
    for settler in settlers {
        settler.take(delta(events));
    }
}

#[test]
fn a_changed_alert_resolves_and_begins_afresh_with_the_events_from_then_on() {
    let (mut old, mut new) = (of(vec![defined("one")]), of(vec![defined("other")]));
    old.take(delta(&["1m noon AE", "2m noon AE", "3m noon AE"]));
    let began = ["3m 0+ noon ConditionHolds", "3m 1+ noon ConditionHolds"];
    assert_eq!(lines(&settle(&mut old, "4m")), began);
    feed([&mut old, &mut new], &["4m noon AE", "5m noon AE", "6m noon AE", "7m noon AE"]);
    old.hand_over(&mut new, moment("5m"));
    let ended = ["5m 0- noon AlertChanged", "5m 1- noon AlertChanged"];
    assert_eq!(lines(&settle(&mut old, "1d")), ended);
    let told = settle(&mut new, "10m");
    let began_again = ["7m 0+ noon ConditionHolds", "7m 1+ noon ConditionHolds"];
    assert_eq!(lines(&told), began_again);
    assert_eq!(told[0].evidence.events, 3);
}

#[test]
fn an_alert_that_is_gone_resolves() {
    let (mut old, mut new) = (of(vec![defined("one")]), of(Vec::new()));
    old.take(delta(&["1m noon AE", "2m noon AE", "3m noon AE"]));
    settle(&mut old, "4m");
    old.hand_over(&mut new, moment("5m"));
    let ended = ["5m 0- noon AlertRemoved", "5m 1- noon AlertRemoved"];
    assert_eq!(lines(&settle(&mut old, "1d")), ended);
    assert!(settle(&mut new, "1d").is_empty());
}

#[test]
fn an_unchanged_alert_counts_each_event_once() {
    let (mut old, mut new) = (of(vec![defined("one")]), of(vec![defined("one")]));
    old.take(delta(&["1m noon AE"]));
    settle(&mut old, "2m");
    feed([&mut old, &mut new], &["4m noon AE", "5m noon AE", "6m noon AE"]);
    old.hand_over(&mut new, moment("5m"));
    assert!(settle(&mut old, "1d").is_empty());
    let told = settle(&mut new, "10m");
    let began = ["5m 0+ noon ConditionHolds", "5m 1+ noon ConditionHolds"];
    assert_eq!(lines(&told), began);
    assert_eq!(told[0].evidence.events, 3);
}

#[test]
fn without_dimensions_a_new_alert_counts_from_the_change() {
    let silence = Alert { name: "silence".to_owned(), ..alert(0, vec![absent(15 * MINUTE_MS)]) };
    let (mut old, mut new) = (of(Vec::new()), of(vec![silence]));
    feed([&mut old, &mut new], &["1m noon AE"]);
    old.hand_over(&mut new, moment("10m"));
    assert_eq!(lines(&settle(&mut new, "1d")), ["25m 0+  NoEvent"]);
}
