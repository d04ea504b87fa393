//! What people say while the stack runs: silences keep notifications back, and deploys are told and marked, each once.

use super::alerts::{RULES, begun, lines, orders, pass, told};
use super::restored::restore;
use super::{Stack, sum};
use crate::aggregate::Settings;
use crate::control::{SilenceId, add_silence, end_silence, mark_deploy};
use crate::memory::block_on;
use crate::notifications;
use crate::port::Partition;
use crate::port::log::{Log, LogId, Version, Wanted};
use crate::publication::PointKind;
use crate::settle::Settle;
use crate::settle_entry::NOTIFICATIONS;
use streamgauge_engine::notification::{Action, Deploy, Notification, Subject};
use streamgauge_engine::notify::rules::{Attribute, Match, Silence};
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS};

/// Somebody silences an alert from now on, for so many seconds.
fn silence(stack: &Stack, alert: &str, seconds: i64) -> SilenceId {
    let now = stack.now();
    let conditions = vec![(Attribute::Alert, vec![alert.to_owned()])];
    let silence = Silence {
        matches: Match { conditions },
        from: now,
        until: now.plus(seconds * SECOND_MS),
        author: "mira".to_owned(),
        reason: "the partner moves".to_owned(),
    };
    block_on(add_silence(&stack.town.log, &silence, now)).unwrap()
}

fn end(stack: &Stack, id: SilenceId) {
    block_on(end_silence(&stack.town.log, id, "noor", stack.now())).unwrap();
}

fn deploy(stack: &Stack, version: &str, seconds_ago: i64) {
    let deploy = Deploy {
        version: version.to_owned(),
        service: Some("shop".to_owned()),
        author: "ci".to_owned(),
        link: None,
    };
    let at = stack.now().minus(seconds_ago * SECOND_MS);
    block_on(mark_deploy(&stack.town.log, &deploy, at, stack.now())).unwrap();
}

/// The notifications of all entries, each as its channel and action.
fn heard(stack: &Stack) -> Vec<String> {
    told(stack).1.iter().map(|one| format!("{} {:?}", one.channel, one.action)).collect()
}

#[test]
fn a_silence_keeps_a_firing_back_and_lets_go_at_its_end() {
    let mut stack = begun();
    silence(&stack, "any", 30);
    orders(&mut stack, &["one"]);
    pass(&mut stack, 28);
    let (transitions, notifications) = told(&stack);
    assert_eq!(transitions, ["any Firing false: silenced"]);
    assert!(notifications.is_empty(), "{notifications:?}");
    // Nothing comes any more: settle finds by itself that the silence is over.
    pass(&mut stack, 5);
    assert_eq!(heard(&stack), ["office Trigger"]);
    pass(&mut stack, 60);
    assert_eq!(heard(&stack), ["office Trigger", "office Resolve"]);
}

#[test]
fn settle_is_woken_for_the_end_of_a_silence() {
    let mut stack = begun();
    silence(&stack, "any", 30);
    let until = stack.now().plus(30 * SECOND_MS);
    orders(&mut stack, &["one"]);
    pass(&mut stack, 5);
    let kept = &stack.settle.kept[&Partition::default()];
    let next = super::super::step::next_at(kept).unwrap();
    // The watermark is past the end when all shards were found idle, and that is `out_of_order` later.
    assert!(until < next && next <= until.plus(2 * SECOND_MS), "{next}, {until}");
}

#[test]
fn what_ends_within_a_silence_is_never_heard_of() {
    let mut stack = begun();
    silence(&stack, "any", 120);
    orders(&mut stack, &["one"]);
    pass(&mut stack, 130);
    let (transitions, notifications) = told(&stack);
    let silent = ["any Firing false: silenced", "any Resolved false: firing was not sent"];
    assert_eq!(transitions, silent);
    assert!(notifications.is_empty(), "{notifications:?}");
}

#[test]
fn a_silence_takes_nothing_back_and_keeps_no_end_back() {
    let mut stack = begun();
    orders(&mut stack, &["one"]);
    pass(&mut stack, 5);
    assert_eq!(heard(&stack), ["office Trigger"]);
    silence(&stack, "any", 300);
    pass(&mut stack, 70);
    assert_eq!(heard(&stack), ["office Trigger", "office Resolve"]);
    // The next one fires within it.
    orders(&mut stack, &["one"]);
    pass(&mut stack, 100);
    assert_eq!(heard(&stack).len(), 2);
}

#[test]
fn a_silence_that_is_over_or_of_another_alert_keeps_nothing_back() {
    let mut stack = begun();
    silence(&stack, "any", 5);
    silence(&stack, "many", 300);
    pass(&mut stack, 10);
    orders(&mut stack, &["one"]);
    pass(&mut stack, 5);
    assert_eq!(heard(&stack), ["office Trigger"]);
}

#[test]
fn a_silence_that_is_ended_early_lets_go_with_the_next_settle() {
    let mut stack = begun();
    let id = silence(&stack, "any", 3_600);
    orders(&mut stack, &["one"]);
    pass(&mut stack, 20);
    assert!(heard(&stack).is_empty());
    end(&stack, id);
    stack.settle();
    assert_eq!(heard(&stack), ["office Trigger"]);
    // Nor does it keep anything back afterwards.
    pass(&mut stack, 200);
    orders(&mut stack, &["one"]);
    pass(&mut stack, 5);
    assert_eq!(heard(&stack), ["office Trigger", "office Resolve", "office Trigger"]);
}

#[test]
fn of_two_silences_the_longer_one_decides() {
    let mut stack = begun();
    let short = silence(&stack, "any", 3_600);
    silence(&stack, "any", 40);
    orders(&mut stack, &["one"]);
    pass(&mut stack, 10);
    end(&stack, short);
    pass(&mut stack, 20);
    assert!(heard(&stack).is_empty());
    pass(&mut stack, 15);
    assert_eq!(heard(&stack), ["office Trigger"]);
}

/// How a partition goes on from one settle to the next.
#[derive(Clone, Copy, Debug)]
enum Goes {
    /// In the same environment.
    Warm,
    /// In a new one, which folds the whole log.
    Cold,
    /// In a new one, from a snapshot.
    Restored,
}

/// Plays a course of all that people say, and answers with all that was told.
fn play(goes: Goes) -> (Vec<String>, Vec<Notification>) {
    let go_on = |stack: &mut Stack, seconds: i64| {
        for _ in 0..seconds {
            pass(stack, 1);
            match goes {
                Goes::Warm => {}
                Goes::Cold => stack.settle = Settle::new(stack.town.home(RULES), "shop", 1),
                Goes::Restored => restore(stack, RULES),
            }
        }
    };
    let mut stack = begun();
    silence(&stack, "any", 25);
    let long = silence(&stack, "many", 3_600);
    orders(&mut stack, &["one", "two", "one"]);
    go_on(&mut stack, 15);
    deploy(&stack, "1.2.3", 5);
    go_on(&mut stack, 20);
    end(&stack, long);
    silence(&stack, "any", 100);
    go_on(&mut stack, 40);
    orders(&mut stack, &["two"]);
    go_on(&mut stack, 10);
    deploy(&stack, "1.2.4", 0);
    go_on(&mut stack, 70);
    told(&stack)
}

#[test]
fn whoever_folds_the_log_again_tells_the_same() {
    let warm = play(Goes::Warm);
    let sent: Vec<_> = warm.0.iter().filter(|line| line.contains("silenced")).collect();
    assert!(sent.len() >= 3, "the silences keep something back: {:?}", warm.0);
    let changes = warm.1.iter().filter(|one| one.action == Action::Change).count();
    let others = warm.1.len() - changes;
    assert!(changes == 2 && others >= 3, "{:?}", lines(&warm.1));
    assert_eq!(play(Goes::Cold), warm);
    assert_eq!(play(Goes::Restored), warm);
}

#[test]
fn a_deploy_is_told_to_pagerduty_and_marked_once_at_its_own_time() {
    let mut stack = begun();
    deploy(&stack, "1.2.3", 120);
    let at = stack.now().minus(120 * SECOND_MS);
    let marks = stack.settle();
    assert_eq!(sum(&marks, "Deployed", PointKind::Final), Some(1));
    let mark = marks.iter().find(|one| one.metric.name == "Deployed").unwrap();
    assert!(mark.point.window_start <= at && at < mark.point.window_end, "{mark:?}");
    stack.pass(MINUTE_MS);
    assert_eq!(sum(&stack.settle(), "Deployed", PointKind::Final), None);
    let (_, notifications) = told(&stack);
    // `office` is a webhook.
    assert_eq!(lines(&notifications), ["oncall Change shop 1.2.3 deployed"]);
    let told = &notifications[0];
    assert_eq!(told.at, at);
    assert!(matches!(&told.subject, Subject::Deploy(deploy) if deploy.version == "1.2.3"));
}

#[test]
fn no_silence_keeps_a_deploy_back_and_the_same_version_can_come_again() {
    let mut stack = begun();
    silence(&stack, "any", 300);
    deploy(&stack, "1.2.3", 0);
    deploy(&stack, "1.2.3", 0);
    let marks = stack.settle();
    assert_eq!(sum(&marks, "Deployed", PointKind::Final), Some(2));
    let (_, notifications) = told(&stack);
    assert_eq!(heard(&stack), ["oncall Change", "oncall Change"]);
    assert_ne!(notifications[0].id, notifications[1].id);
}

/// What belongs to no metric is partition 0's, however many there are.
#[test]
fn of_several_partitions_one_tells_a_deploy() {
    let mut stack = Stack::new(RULES);
    let settings = Settings { partitions: 3, ..Settings::default() };
    stack.aggregate = stack.town.function_with(RULES, settings);
    stack.settle = Settle::new(stack.town.home(RULES), "shop", 3);
    stack.order("one");
    stack.aggregate("one");
    deploy(&stack, "1.2.3", 0);
    let mut told = Vec::new();
    for partition in (0..3).filter_map(Partition::new) {
        let deadline = stack.now().plus(MINUTE_MS);
        block_on(stack.settle.run(partition, deadline)).unwrap();
        let log = LogId::settle(partition);
        for logged in block_on(stack.town.log.read(&log, Version::START, Wanted::All)).unwrap() {
            if let Some(chunk) = logged.entry.chunks().get(&NOTIFICATIONS) {
                let all = notifications::decode(chunk).unwrap();
                told.extend(all.iter().map(|one| (partition.number(), one.action)));
            }
        }
    }
    assert_eq!(told, [(0, Action::Change)]);
}
