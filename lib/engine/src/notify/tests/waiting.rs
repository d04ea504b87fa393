//! What is kept back by quiet times or by its age, and when it goes out.

use super::kit::{Scene, also_fires, at, fires, line, matching, plan, resolves, silence};
use crate::calendar::{Calendar, Weekday};
use crate::notify::rules::{Attribute, Maintenance};
use crate::notify::{Clock, NextMoment, Why};
use crate::time::{HOUR_MS, MINUTE_MS};
use crate::transition::Reason;
use std::sync::Arc;

const HOUR: i64 = HOUR_MS / 1_000;

#[test]
fn a_silenced_firing_goes_out_when_the_silence_ends_if_it_still_fires() {
    let mut scene = Scene::new(|plan| {
        let partner = Attribute::Named("partner".to_owned());
        plan.notifying.silences = vec![silence(&[(partner, "noon")], 10, 100)];
    });
    let noon = fires("rejections reactive", "noon", 20);
    let zoo = fires("rejections reactive", "zoo", 20);
    let lines = ["oncall trigger rejections reactive zoo"];
    scene.check(21, &[noon, zoo], &[Why::Silenced, Why::AtOnce], &lines);
    assert_eq!(scene.notifier.next_moment().watermark, Some(at(100).plus(1)));
    // The end of the silence is not past: something may still happen at that very moment.
    scene.check(101, &[], &[], &[]);
    scene.check(102, &[], &[], &["oncall trigger rejections reactive noon"]);
    let over = resolves("rejections reactive", "noon", 102, 20);
    scene.check(103, &[over], &[Why::FiringSent], &["oncall resolve rejections reactive noon"]);
}

#[test]
fn what_is_told_ahead_of_the_watermark_lets_nothing_go() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[(Attribute::Named("partner".to_owned()), "noon")], 0, 40)];
    let noon = fires("rejections reactive", "noon", 20);
    scene.check(21, &[noon], &[Why::Silenced], &[]);
    // It comes first, and is about a later moment than the end of what is silenced.
    let mut early = fires("rejections reactive", "zoo", 45);
    early.reason = Reason::ConditionCannotFail;
    let over = resolves("rejections reactive", "noon", 30, 20);
    let lines = ["oncall trigger rejections reactive zoo"];
    scene.check_behind(60, 50, &[early, over], &[Why::AtOnce, Why::FiringNotSent], &lines);
}

#[test]
fn what_a_plan_that_retires_holds_is_let_go_too() {
    let mut scene = Scene::new(|_| {});
    let old = Arc::clone(&scene.plan);
    let mut next = plan();
    next.hash = "next plan".to_owned();
    next.alerts.clear();
    next.notifying.silences = vec![silence(&[], 0, 40)];
    scene.silences = vec![silence(&[], 0, 40)];
    scene.check(21, &[fires("rejections reactive", "noon", 20)], &[Why::Silenced], &[]);
    scene.plan = Arc::new(next);
    scene.notifier.set_plan(Arc::clone(&scene.plan));
    scene.notifier.set_retiring(vec![old]);
    scene.check(60, &[], &[], &["oncall trigger rejections reactive noon"]);
}

#[test]
fn what_ends_within_the_silence_is_not_heard_of() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 0, 100)];
    let both = [fires("silence", "noon", 20), resolves("silence", "noon", 100, 20)];
    scene.check(200, &both, &[Why::Silenced, Why::FiringNotSent], &[]);
    // The first moment after a silence is not in it.
    let lines = ["oncall trigger silence zoo", "mail trigger silence zoo"];
    scene.check(201, &[fires("silence", "zoo", 100)], &[Why::AtOnce], &lines);
}

#[test]
fn a_silence_compares_with_the_event_time_and_never_keeps_a_resolve_back() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 50, 100)];
    let began = ["oncall trigger silence noon", "mail trigger silence noon"];
    // The clock is in the silence, the event was before it.
    scene.check(60, &[fires("silence", "noon", 49)], &[Why::AtOnce], &began);
    let ended = ["oncall resolve silence noon", "mail resolve silence noon"];
    scene.check(90, &[resolves("silence", "noon", 70, 49)], &[Why::FiringSent], &ended);
}

#[test]
fn a_silence_of_a_channel_keeps_back_that_channel_only() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[(Attribute::Channel, "oncall")], 0, 100)];
    let lines = ["mail trigger silence noon"];
    scene.check(2, &[fires("silence", "noon", 1)], &[Why::AtOnce], &lines);
    scene.check(102, &[], &[], &["oncall trigger silence noon"]);
}

#[test]
fn a_silence_that_is_ended_early_lets_go() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 0, 1_000), silence(&[], 0, 40)];
    scene.check(2, &[fires("silence", "noon", 1)], &[Why::Silenced], &[]);
    scene.silences.remove(0);
    // Another silence still holds.
    scene.check(30, &[], &[], &[]);
    scene.silences.clear();
    let lines = ["oncall trigger silence noon", "mail trigger silence noon"];
    scene.check(31, &[], &[], &lines);
}

#[test]
fn one_silence_takes_over_from_another() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 0, 40), silence(&[], 30, 80)];
    scene.check(2, &[fires("silence", "noon", 1)], &[Why::Silenced], &[]);
    scene.check(60, &[], &[], &[]);
    let lines = ["oncall trigger silence noon", "mail trigger silence noon"];
    scene.check(82, &[], &[], &lines);
}

#[test]
fn maintenance_keeps_back_every_week() {
    let mut scene = Scene::new(|plan| {
        plan.notifying.maintenance = vec![Maintenance {
            matches: matching(&[(Attribute::Channel, "mail")]),
            weekdays: [true, false, false, false, false, false, false],
            from_minutes: 14 * 60,
            to_minutes: 14 * 60 + 30,
            calendar: Calendar::new("Asia/Dubai", Weekday::Monday).unwrap(),
            reason: None,
        }];
    });
    // 14:00 in Dubai is 10:00 in UTC.
    let proactive = fires("rejections proactive", "noon", 60);
    scene.check(61, &[proactive], &[Why::Maintenance], &[]);
    let lines = ["mail trigger rejections proactive noon"];
    scene.check(30 * 60 + 2, &[], &[], &lines);
}

#[test]
fn when_a_higher_step_is_let_go_the_lower_one_that_waits_is_inhibited() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 0, 100)];
    let both =
        [fires("rejections reactive", "noon", 0), also_fires("rejections proactive", "noon", 5, 0)];
    scene.check(6, &both, &[Why::Silenced, Why::Silenced], &[]);
    scene.check(102, &[], &[], &["oncall trigger rejections reactive noon"]);
    let over = resolves("rejections proactive", "noon", 110, 0);
    scene.check(120, &[over], &[Why::FiringNotSent], &[]);
}

#[test]
fn what_is_too_old_waits_until_evaluation_has_caught_up() {
    let mut scene = Scene::new(|_| {});
    let clock = 3 * HOUR;
    let old = [fires("silence", "noon", 0), fires("silence", "zoo", 10)];
    scene.check_behind(clock, 20, &old, &[Why::TooOld, Why::TooOld], &[]);
    let next = scene.notifier.next_moment();
    assert_eq!(next, NextMoment { clock: None, watermark: Some(at(2 * HOUR).plus(1)) });
    // One of them ends meanwhile, and nobody hears of either.
    let over = resolves("silence", "zoo", HOUR, 10);
    scene.check_behind(clock + 1, 2 * HOUR, &[over], &[Why::FiringNotSent], &[]);
    let lines = ["oncall trigger silence noon", "mail trigger silence noon"];
    scene.check_behind(clock + 2, 2 * HOUR + 3, &[], &[], &lines);
}

#[test]
fn one_step_may_go_from_the_backlog_to_now() {
    let mut scene = Scene::new(|_| {});
    let transitions = [
        fires("rejections reactive", "old", 0),
        fires("rejections reactive", "ended", 1),
        resolves("rejections reactive", "ended", 2, 1),
        fires("rejections reactive", "new", 3 * HOUR - 5),
    ];
    let whys = [Why::TooOld, Why::TooOld, Why::FiringNotSent, Why::Gathered];
    // What has caught up goes before what comes after it.
    let lines = ["oncall trigger rejections reactive old"];
    scene.check(3 * HOUR, &transitions, &whys, &lines);
}

#[test]
fn a_silence_that_ended_in_the_backlog_is_over_when_it_has_caught_up() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 0, 100)];
    let firing = [fires("rejections reactive", "noon", 10)];
    scene.check_behind(3 * HOUR, 200, &firing, &[Why::TooOld], &[]);
    let lines = ["oncall trigger rejections reactive noon"];
    scene.check(3 * HOUR + 1, &[], &[], &lines);
}

#[test]
fn where_the_clock_is_that_of_the_events_nothing_is_too_old() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 0, 100)];
    let transitions = [
        fires("rejections reactive", "noon", 10),
        fires("rejections reactive", "zoo", 200),
        fires("rejections reactive", "x", 210),
    ];
    let decided = scene.decide(Clock::Events, at(50 * HOUR), &transitions);
    let whys: Vec<_> = decided.verdicts.iter().map(|verdict| verdict.why).collect();
    assert_eq!(whys, [Why::Silenced, Why::AtOnce, Why::Gathered]);
    let lines: Vec<_> = decided.notifications.iter().map(line).collect();
    let expect =
        ["noon", "zoo", "x"].map(|group| format!("oncall trigger rejections reactive {group}"));
    assert_eq!(lines, expect);
}

#[test]
fn what_is_decided_later_is_let_go_later() {
    let mut scene = Scene::new(|plan| plan.timing.allowed_lateness = MINUTE_MS);
    scene.silences = vec![silence(&[], 0, 100)];
    scene.check(90, &[fires("journeys", "noon", 10)], &[Why::Silenced], &[]);
    // A minute after the watermark has passed the end of the silence all journeys of that moment are decided.
    let over = resolves("journeys", "noon", 99, 10);
    scene.check(150, &[over], &[Why::FiringNotSent], &[]);
}

#[test]
fn what_an_alert_always_waits_for_does_not_make_it_too_old() {
    let mut scene = Scene::new(|plan| plan.timing.allowed_lateness = 2 * HOUR_MS);
    let firing = fires("journeys", "noon", 10);
    let clock = 2 * HOUR + 12;
    let lines = ["oncall trigger journeys noon"];
    scene.check(clock, &[firing], &[Why::AtOnce], &lines);
    // A backlog is what is late besides.
    let old = [fires("journeys", "zoo", 20)];
    let behind = 2 * HOUR + 21;
    scene.check_behind(behind + HOUR, behind, &old, &[Why::TooOld], &[]);
    scene.check_behind(behind + HOUR + 1, behind + 2, &[], &[], &["oncall trigger journeys zoo"]);
}

#[test]
fn what_is_told_early_does_not_end_a_silence_early() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 0, 100)];
    scene.check(21, &[fires("rejections reactive", "noon", 20)], &[Why::Silenced], &[]);
    // Evaluation is at 50, and one step is certain to fire at 150.
    let early = [fires("rejections reactive", "zoo", 150)];
    let lines = ["oncall trigger rejections reactive zoo"];
    scene.check_behind(60, 50, &early, &[Why::AtOnce], &lines);
    scene.check(102, &[], &[], &["oncall trigger rejections reactive noon"]);
}

#[test]
fn a_repeat_is_quiet_by_event_time_too() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[], 4 * HOUR - 300, 5 * HOUR)];
    let lines = ["oncall trigger silence noon", "mail trigger silence noon"];
    scene.check(1, &[fires("silence", "noon", 0)], &[Why::AtOnce], &lines);
    // The clock is in the silence, and evaluation is not yet.
    let behind = 4 * HOUR - 600;
    scene.check_behind(4 * HOUR + 1, behind, &[], &[], &["mail repeat silence noon"]);
}
