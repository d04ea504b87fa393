//! Alerts: what an entry records of them, whom it tells, and that there is one when somebody is to be told.

use super::Stack;
use crate::aggregate::tests::kit::{event, text};
use crate::alert_record::AlertRecord;
use crate::control::{Control, announce};
use crate::memory::block_on;
use crate::notifications;
use crate::port::Partition;
use crate::port::log::{Log, LogId, Version, Wanted};
use crate::settle::State;
use crate::settle::stored::StoredState;
use crate::settle_entry::{ALERTS, NOTIFICATIONS};
use streamgauge_engine::notification::{Action, Notification, Subject};
use streamgauge_engine::notify::Notifier;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS};

pub(super) const RULES: &str = r#"
version: 1
namespace: Shop
late: correct
out_of_order: 1s
allowed_lateness: 2s
deduplicate: 2h
metrics:
  orders: {count: type == 'order', window: 1m}
alerts:
  many:
    metric: orders
    steps:
      burst: {when: sum over 1m >= 2, severity: critical, notify: [oncall]}
      trend: {when: sum over 5m >= 3, severity: warning, notify: [office]}
    summary: "{{ value }} orders in {{ over }}"
  any: {metric: orders, when: sum over 1m >= 1, notify: [office]}
notify: {together: 90s}
channels:
  oncall: {pagerduty: {routing_key: env:KEY}}
  office: {webhook: {url: "https://office.test/hook"}}
"#;

/// What was told by all entries: `name+` or `-` and the seconds since the first event, with whether it is sent and why; then the notifications.
pub(super) fn told(stack: &Stack) -> (Vec<String>, Vec<Notification>) {
    let log = LogId::settle(Partition::default());
    let (mut transitions, mut notifications) = (Vec::new(), Vec::new());
    for logged in block_on(stack.town.log.read(&log, Version::START, Wanted::All)).unwrap() {
        if let Some(chunk) = logged.entry.chunks().get(&ALERTS) {
            let AlertRecord { alerts, transitions: recorded } = AlertRecord::decode(chunk).unwrap();
            transitions.extend(recorded.into_iter().map(|(transition, verdict)| {
                let alert = &alerts[transition.alert];
                let step = alert.steps[transition.step].name.as_deref().unwrap_or(&alert.name);
                format!("{step} {:?} {}: {}", transition.kind, verdict.sent, verdict.why)
            }));
        }
        if let Some(chunk) = logged.entry.chunks().get(&NOTIFICATIONS) {
            notifications.extend(notifications::decode(chunk).unwrap());
        }
    }
    (transitions, notifications)
}

pub(super) fn lines(notifications: &[Notification]) -> Vec<String> {
    let line = |one: &Notification| format!("{} {:?} {}", one.channel, one.action, one.summary);
    notifications.iter().map(line).collect()
}

/// A stack whose plan is in force and whose shards are known.
pub(super) fn begun() -> Stack {
    begun_with(RULES)
}

/// The same with other rules.
pub(super) fn begun_with(rules: &str) -> Stack {
    let mut stack = Stack::new(rules);
    for name in ["one", "two"] {
        stack.town.put(name, &[event(name, "click", 0)]);
        stack.aggregate(name);
    }
    for _ in 0..3 {
        stack.settle();
        stack.pass(SECOND_MS);
    }
    stack
}

pub(super) fn orders(stack: &mut Stack, names: &[&'static str]) {
    for name in names {
        stack.order(name);
        stack.aggregate(name);
    }
}

/// Time goes on as wake-ups and ticks let it.
pub(super) fn pass(stack: &mut Stack, seconds: i64) {
    for _ in 0..seconds {
        stack.pass(SECOND_MS);
        stack.settle();
    }
}

#[test]
fn an_entry_records_what_alerts_decide_and_whom_it_tells() {
    let mut stack = begun();
    orders(&mut stack, &["one", "two", "one"]);
    pass(&mut stack, 10);
    let (transitions, notifications) = told(&stack);
    let fires = [
        "burst Firing true: at once",
        "trend Firing false: inhibited by a higher step",
        "any Firing true: at once",
    ];
    assert_eq!(transitions, fires);
    let texts = ["oncall Trigger 3 orders in 1m", "office Trigger"];
    let seen = lines(&notifications);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.iter().zip(texts).all(|(seen, text)| seen.starts_with(text)), "{seen:?}");
    let Subject::Alert(member) = &notifications[0].subject else { panic!("{notifications:?}") };
    assert_eq!(member.evidence.ids.len(), 3, "{member:?}");
    // Nothing comes any more: the shards are asked, and what fired ends.
    pass(&mut stack, 330);
    let (all_transitions, all) = told(&stack);
    let ends = [
        "any Resolved true: firing was sent",
        "burst Resolved true: firing was sent",
        "trend Resolved false: firing was not sent",
    ];
    assert_eq!(all_transitions[3..], ends);
    assert_eq!(all.iter().filter(|one| one.action == Action::Resolve).count(), 2, "{all:?}");
}

#[test]
fn what_is_gathered_goes_out_though_nothing_comes() {
    let mut stack = begun();
    orders(&mut stack, &["one"]);
    pass(&mut stack, 65);
    orders(&mut stack, &["one"]);
    pass(&mut stack, 10);
    let (_, before) = told(&stack);
    let actions = |all: &[Notification]| all.iter().map(|one| one.action).collect::<Vec<_>>();
    assert_eq!(actions(&before), [Action::Trigger, Action::Resolve], "{before:?}");
    pass(&mut stack, 20);
    let (_, after) = told(&stack);
    assert_eq!(actions(&after[2..]), [Action::Trigger], "{after:?}");
}

/// The wake-up is for the end of the gathering, long before there is anything else to decide.
#[test]
fn settle_is_woken_for_the_end_of_a_gathering() {
    let mut stack = begun();
    orders(&mut stack, &["one"]);
    pass(&mut stack, 3);
    let opened = stack.now();
    let at = super::super::step::next_at(&stack.settle.kept[&Partition::default()]).unwrap();
    assert!(at <= opened.plus(90 * SECOND_MS), "{at}");
}

/// Format 1 had no alerts: it ended before them.
#[test]
fn a_state_of_format_1_has_told_nobody_and_goes_on() {
    let stack = begun();
    let state = &stack.settle.kept[&Partition::default()].state;
    let current = state.settlers.current.as_ref().unwrap();
    let plans = [(current.plan.hash.clone(), std::sync::Arc::clone(&current.plan))].into();
    let bytes = state.encode();
    let empty = || State::new(Partition::default(), 1);
    let read = |stored: &[u8]| StoredState::read(stored, empty()).unwrap().with(&plans).unwrap();
    assert_eq!(read(&bytes).encode(), bytes);
    let telling = state.telling.notifier.as_ref().unwrap().encode();
    // That it is there, and its bytes after their length; then no notifications.
    let end = bytes.len() - telling.len() - if telling.len() < 24 { 2 } else { 3 } - 3;
    let format_1 = [&[1], &bytes[1..end]].concat();
    let restored = read(&format_1);
    let fresh = Notifier::new(std::sync::Arc::clone(&current.plan));
    assert_eq!(restored.telling.notifier.as_ref().unwrap().encode(), fresh.encode());
    assert_eq!(restored.encode()[..end], bytes[..end], "all else is as it was");
}

#[test]
fn a_minute_without_anything_to_tell_adds_no_entry() {
    let mut stack = begun();
    pass(&mut stack, 5);
    let before = stack.settle.kept[&Partition::default()].state.version;
    stack.pass(MINUTE_MS);
    stack.settle();
    assert_eq!(stack.settle.kept[&Partition::default()].state.version, before);
}

#[test]
fn silence_is_told_of_a_stack_that_never_had_an_event() {
    let rules = RULES.replace("sum over 1m >= 1,", "absent for 5m, by: [],");
    let mut stack = Stack::new(&rules);
    let home = stack.town.home(&rules);
    block_on(announce(&home, &mut Control::default(), 1, &text(&rules))).unwrap();
    pass(&mut stack, 300);
    assert_eq!(told(&stack).0, Vec::<String>::new());
    pass(&mut stack, 5);
    assert_eq!(told(&stack).0, ["any Firing true: at once"]);
    // It is decided once; when the time of gathering is over too, nothing is written until somebody comes.
    pass(&mut stack, 100);
    let written = stack.seen;
    pass(&mut stack, 1_000);
    assert_eq!(stack.seen, written);
}
