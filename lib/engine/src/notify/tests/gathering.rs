//! Storm control and repeats.

use super::kit::{Scene, at, fires, line, resolves, silence};
use crate::alert::Severity;
use crate::notification::{Action, Subject};
use crate::notify::rules::Attribute;
use crate::notify::{Clock, Why};
use crate::time::HOUR_MS;

const HOUR: i64 = HOUR_MS / 1_000;

fn reactive(groups: &[&str], seconds: i64) -> Vec<crate::transition::Transition> {
    groups.iter().map(|group| fires("rejections reactive", group, seconds)).collect()
}

#[test]
fn the_first_goes_at_once_and_what_follows_becomes_one() {
    let mut scene = Scene::new(|_| {});
    let lines = ["oncall trigger rejections reactive a"];
    let whys = [Why::AtOnce, Why::Gathered];
    scene.check(1, &reactive(&["a", "b"], 0), &whys, &lines);
    assert_eq!(scene.notifier.next_moment().clock, Some(at(31)));
    scene.check(20, &reactive(&["c", "d", "e"], 19), &[Why::Gathered; 3], &[]);
    // It resolves when the last of them has.
    let third = resolves("rejections reactive", "c", 25, 19);
    scene.check(30, &[third], &[Why::FiringSent], &[]);
    scene.check(31, &[], &[], &["oncall trigger b, c, d and 1 more"]);
    let second_and_fourth = [("b", 0), ("d", 19)]
        .map(|(group, began)| resolves("rejections reactive", group, 40, began));
    scene.check(41, &second_and_fourth, &[Why::FiringSent; 2], &[]);
    let fifth = resolves("rejections reactive", "e", 50, 19);
    scene.check(51, &[fifth], &[Why::FiringSent], &["oncall resolve b, c, d and 1 more"]);
    let first = resolves("rejections reactive", "a", 60, 0);
    scene.check(61, &[first], &[Why::FiringSent], &["oncall resolve rejections reactive a"]);
}

#[test]
fn what_was_gathered_has_a_key_of_its_own_and_the_worst_severity() {
    let mut scene = Scene::new(|plan| {
        plan.alerts[0].texts.runbook = Some("https://wiki.example/".to_owned());
        plan.alerts[0].steps[0].notify = vec!["mail".to_owned()];
    });
    let clock = |seconds| Clock::Recorded(at(seconds));
    let first = scene.decide(clock(1), at(0), &[fires("rejections proactive", "a", 0)]);
    let others = [fires("rejections proactive", "b", 2), fires("rejections reactive", "c", 3)];
    scene.decide(clock(4), at(3), &others);
    let gathered = scene.decide(clock(31), at(30), &[]).notifications;
    assert_eq!(gathered[0].severity, Severity::Critical);
    assert_ne!(gathered[0].key, first.notifications[0].key);
    assert!(gathered[0].summary.starts_with("2 alerts fire: rejections proactive, partner=b: 3"));
    assert_eq!(gathered[0].runbook.as_deref(), Some("https://wiki.example/"));
    // With another alert among them its runbook would be wrong.
    scene.decide(
        clock(35),
        at(34),
        &[fires("rejections proactive", "d", 34), fires("silence", "d", 34)],
    );
    let mixed = scene.decide(clock(61), at(60), &[]).notifications;
    assert_eq!((mixed.len(), mixed[0].runbook.as_deref()), (1, None));
}

#[test]
fn one_that_was_gathered_alone_is_itself() {
    let mut scene = Scene::new(|_| {});
    let whys = [Why::AtOnce, Why::Gathered];
    let lines = ["oncall trigger rejections reactive a"];
    scene.check(1, &reactive(&["a", "b"], 0), &whys, &lines);
    scene.check(31, &[], &[], &["oncall trigger rejections reactive b"]);
    let over = resolves("rejections reactive", "b", 40, 0);
    scene.check(41, &[over], &[Why::FiringSent], &["oncall resolve rejections reactive b"]);
}

#[test]
fn what_ends_before_it_goes_out_is_told_with_its_end() {
    let mut scene = Scene::new(|_| {});
    let whys = [Why::AtOnce, Why::Gathered, Why::FiringSent];
    let mut transitions = reactive(&["a", "b"], 0);
    transitions.push(resolves("rejections reactive", "b", 0, 0));
    let lines = ["oncall trigger rejections reactive a"];
    scene.check(1, &transitions, &whys, &lines);
    let both = ["oncall trigger rejections reactive b", "oncall resolve rejections reactive b"];
    scene.check(31, &[], &[], &both);
}

#[test]
fn ten_thousand_groups_are_two_notifications() {
    let mut scene = Scene::new(|_| {});
    let groups: Vec<String> = (0..10_000).map(|number| format!("g{number:04}")).collect();
    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
    let firing = reactive(&names, 0);
    let decided = scene.decide(Clock::Recorded(at(1)), at(0), &firing);
    assert!(decided.verdicts.iter().all(|verdict| verdict.sent));
    assert_eq!(decided.notifications.len(), 1);
    let gathered = scene.decide(Clock::Recorded(at(31)), at(30), &[]);
    let lines: Vec<_> = gathered.notifications.iter().map(line).collect();
    assert_eq!(lines, ["oncall trigger g0001, g0002, g0003 and 9996 more"]);
    let over: Vec<_> =
        names.iter().map(|group| resolves("rejections reactive", group, 40, 0)).collect();
    let resolved = scene.decide(Clock::Recorded(at(41)), at(40), &over);
    assert_eq!(resolved.notifications.len(), 2);
    // Nothing is left of it but the time in which the next would be gathered.
    let after = scene.decide(Clock::Recorded(at(100)), at(99), &[]);
    assert_eq!(after.notifications, []);
    assert!(scene.notifier.encode().len() < 100, "{} bytes", scene.notifier.encode().len());
}

#[test]
fn a_storm_that_goes_on_is_one_notification_per_time_together() {
    let mut scene = Scene::new(|_| {});
    let mut triggers = 0;
    for second in 0..600 {
        let group = format!("g{second}");
        let decided = scene.decide(
            Clock::Recorded(at(second + 1)),
            at(second),
            &[fires("rejections reactive", &group, second)],
        );
        triggers += decided.notifications.len();
    }
    assert_eq!(triggers, 20);
}

#[test]
fn mails_repeat_while_they_fire_and_pages_do_not() {
    let mut scene = Scene::new(|_| {});
    let lines = ["oncall trigger silence a", "mail trigger silence a"];
    scene.check(0, &[fires("silence", "a", -1)], &[Why::AtOnce], &lines);
    assert_eq!(scene.notifier.next_moment().clock, Some(at(30)));
    scene.check(4 * HOUR - 1, &[], &[], &[]);
    assert_eq!(scene.notifier.next_moment().clock, Some(at(4 * HOUR)));
    scene.check(4 * HOUR, &[], &[], &["mail repeat silence a"]);
    // However long nobody asked, it is one.
    scene.check(15 * HOUR, &[], &[], &["mail repeat silence a"]);
    scene.check(19 * HOUR, &[], &[], &["mail repeat silence a"]);
    let over = resolves("silence", "a", 20 * HOUR, -1);
    let ended = ["oncall resolve silence a", "mail resolve silence a"];
    scene.check(20 * HOUR + 1, &[over], &[Why::FiringSent], &ended);
    scene.check(40 * HOUR, &[], &[], &[]);
}

#[test]
fn what_was_gathered_repeats_as_one_unless_all_of_it_is_silenced() {
    let mut scene = Scene::new(|_| {});
    let firing = ["a", "b", "c"].map(|group| fires("rejections proactive", group, 0));
    let whys = [Why::AtOnce, Why::Gathered, Why::Gathered];
    scene.check(1, &firing, &whys, &["mail trigger rejections proactive a"]);
    scene.check(31, &[], &[], &["mail trigger b, c and 0 more"]);
    let repeats = ["mail repeat rejections proactive a", "mail repeat b, c and 0 more"];
    scene.check(5 * HOUR, &[], &[], &repeats);
    let partner = |name| (Attribute::Named("partner".to_owned()), name);
    scene.silences =
        vec![silence(&[partner("b")], 0, 60 * HOUR), silence(&[partner("a")], 0, 60 * HOUR)];
    scene.check(10 * HOUR, &[], &[], &["mail repeat b, c and 0 more"]);
    scene.silences.push(silence(&[partner("c")], 0, 60 * HOUR));
    scene.check(15 * HOUR, &[], &[], &[]);
    scene.silences.clear();
    scene.check(20 * HOUR, &[], &[], &repeats);
}

#[test]
fn each_repeat_has_an_id_of_its_own_and_the_key_of_its_incident() {
    let mut scene = Scene::new(|_| {});
    let mut all = Vec::new();
    let first = fires("rejections proactive", "a", 0);
    all.extend(scene.decide(Clock::Recorded(at(1)), at(0), &[first]).notifications);
    for hour in [5, 10] {
        let clock = Clock::Recorded(at(hour * HOUR));
        all.extend(scene.decide(clock, at(hour * HOUR), &[]).notifications);
    }
    let actions: Vec<_> = all.iter().map(|one| one.action).collect();
    assert_eq!(actions, [Action::Trigger, Action::Repeat, Action::Repeat]);
    assert!(all.iter().all(|one| one.key == all[0].key));
    assert!(all[1].id != all[2].id && all[0].id != all[1].id);
}

#[test]
fn very_many_incidents_keep_no_long_evidence() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 0, 100)];
    let names: Vec<String> = (0..10_001).map(|number| format!("g{number:05}")).collect();
    let firing: Vec<_> =
        names.iter().map(|group| fires("rejections reactive", group, 10)).collect();
    scene.decide(Clock::Recorded(at(11)), at(10), &firing);
    let over: Vec<_> =
        names[..9_999].iter().map(|group| resolves("rejections reactive", group, 20, 10)).collect();
    scene.decide(Clock::Recorded(at(21)), at(20), &over);
    let mut told = scene.decide(Clock::Recorded(at(102)), at(101), &[]).notifications;
    told.extend(scene.decide(Clock::Recorded(at(132)), at(131), &[]).notifications);
    let ids = told.iter().map(|one| match &one.subject {
        Subject::Alert(member) => (member.evidence.ids.len(), member.evidence.events),
        other => panic!("{other:?}"),
    });
    // The last of them was one too many; what decided is still there.
    assert_eq!(ids.collect::<Vec<_>>(), [(2, 3), (0, 3)]);
}
