//! Storm control, from records to what entries tell: however many groups fire, a channel gets its first notification at once and then
//! at most one per `together`.

use super::super::{Settle, ToldBy};
use super::Stack;
use super::alerts::{begun_with, told};
use crate::aggregate::tests::kit::{START, event};
use streamgauge_engine::notification::{Action, Notification, Subject};
use streamgauge_engine::time::SECOND_MS;

/// Each order is a group of its own.
const RULES: &str = r#"
version: 1
namespace: Shop
late: correct
out_of_order: 1s
allowed_lateness: 2s
deduplicate: 2h
metrics:
  orders: {count: type == 'order', dimensions: {order: id}, window: 1m, max_series: 10000}
alerts:
  any: {metric: orders, when: sum over 1m >= 1, severity: critical, notify: [oncall, office]}
notify: {together: 30s}
channels:
  oncall: {pagerduty: {routing_key: env:KEY}}
  office: {webhook: {url: "https://office.test/hook"}}
"#;

/// Whether anybody is told of an order of two hours ago.
#[track_caller]
fn check(told_by: ToldBy, is_told: bool) {
    let mut stack = Stack::new(RULES);
    stack.settle = Settle::new(stack.town.home(RULES), "shop", 1).told_by(told_by);
    for name in ["one", "two"] {
        stack.town.put(name, &[event(name, "order", -7_200)]);
        stack.aggregate(name);
    }
    for _ in 0..5 {
        stack.settle();
        stack.pass(SECOND_MS);
    }
    let (transitions, notifications) = told(&stack);
    assert!(!transitions.is_empty());
    assert_eq!(!notifications.is_empty(), is_told, "{transitions:?}");
}

#[test]
fn what_is_too_old_by_the_clock_is_told_by_the_events_own() {
    check(ToldBy::Clock, false);
    check(ToldBy::Events, true);
}

const GROUPS: usize = 10_000;

/// What a channel was told of, and of how many groups each time.
fn of(channel: &str, all: &[Notification]) -> Vec<(Action, usize)> {
    let own = all.iter().filter(|one| one.channel == channel);
    let groups = |one: &Notification| match &one.subject {
        Subject::Alert(_) => 1,
        Subject::Gathered { members, more, .. } => members.len() + more,
        Subject::Pipeline { .. } | Subject::Deploy(_) => panic!("{one:?} is of no alert"),
    };
    own.map(|one| (one.action, groups(one))).collect()
}

#[test]
fn ten_thousand_groups_that_fire_at_once_are_two_notifications_to_each_channel() {
    let mut stack = begun_with(RULES);
    let seconds = (stack.now().as_millis() - START.as_millis()) / SECOND_MS;
    let orders: Vec<_> =
        (0..GROUPS).map(|order| event(&format!("o{order:04}"), "order", seconds)).collect();
    stack.town.put("one", &orders);
    stack.aggregate("one");
    for _ in 0..45 {
        stack.pass(SECOND_MS);
        stack.settle();
    }
    let (transitions, notifications) = told(&stack);
    let sent = transitions.iter().filter(|one| one.starts_with("any Firing true")).count();
    assert_eq!((transitions.len(), sent), (GROUPS, GROUPS));
    let triggers = [(Action::Trigger, 1), (Action::Trigger, GROUPS - 1)];
    for channel in ["oncall", "office"] {
        assert_eq!(of(channel, &notifications), triggers, "{channel}");
    }
    // All of them end at once too, and each incident ends once.
    for _ in 0..60 {
        stack.pass(SECOND_MS);
        stack.settle();
    }
    let (ended, all) = told(&stack);
    assert_eq!(ended.len(), 2 * GROUPS);
    for channel in ["oncall", "office"] {
        let resolves = of(channel, &all[notifications.len()..]);
        assert_eq!(resolves.len(), 2, "{resolves:?}");
        assert!(resolves.iter().all(|&(action, _)| action == Action::Resolve), "{resolves:?}");
    }
}
