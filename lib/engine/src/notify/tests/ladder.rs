//! Channels, ladders and resolves.

use super::kit::{Scene, also_fires, fires, matching, pends, plan, resolves, silence};
use crate::notification::{Action, Subject};
use crate::notify::rules::{Attribute, Route};
use crate::notify::{Clock, Why};
use std::sync::Arc;

#[test]
fn a_step_tells_its_channels_and_tells_them_that_it_is_over() {
    let mut scene = Scene::new(|_| {});
    scene.check(
        0,
        &[fires("silence", "noon", -5)],
        &[Why::AtOnce],
        &["oncall trigger silence noon", "mail trigger silence noon"],
    );
    scene.check(
        60,
        &[resolves("silence", "noon", 50, -5)],
        &[Why::FiringSent],
        &["oncall resolve silence noon", "mail resolve silence noon"],
    );
}

#[test]
fn the_first_route_that_matches_goes_before_the_steps_channels() {
    let route = |conditions: &[(Attribute, &str)], channel: &str| Route {
        matches: matching(conditions),
        notify: vec![channel.to_owned(), channel.to_owned()],
    };
    let mut scene = Scene::new(|plan| {
        plan.alerts[0].texts.labels = vec![("team".to_owned(), "payments".to_owned())];
        let partner = Attribute::Named("partner".to_owned());
        let team = Attribute::Named("team".to_owned());
        plan.notifying.routes = vec![
            route(&[(Attribute::Severity, "critical"), (partner.clone(), "noon")], "hook"),
            route(&[(Attribute::Metric, "orders"), (team, "payments"), (partner, "zoo")], "mail"),
            Route { matches: matching(&[(Attribute::Step, "proactive")]), notify: Vec::new() },
        ];
    });
    let noon = fires("rejections reactive", "noon", 0);
    scene.check(1, &[noon], &[Why::AtOnce], &["hook trigger rejections reactive noon"]);
    let zoo = fires("rejections reactive", "zoo", 1);
    scene.check(2, &[zoo], &[Why::AtOnce], &["mail trigger rejections reactive zoo"]);
    let other = fires("rejections reactive", "talabat", 2);
    scene.check(3, &[other], &[Why::AtOnce], &["oncall trigger rejections reactive talabat"]);
    scene.check(4, &[fires("rejections proactive", "x", 3)], &[Why::NoChannel], &[]);
    scene.check(5, &[resolves("rejections proactive", "x", 4, 3)], &[Why::FiringNotSent], &[]);
}

#[test]
fn a_lower_step_is_not_sent_while_a_higher_one_fires_that_was() {
    let mut scene = Scene::new(|_| {});
    let both =
        [fires("rejections reactive", "noon", 0), also_fires("rejections proactive", "noon", 0, 0)];
    scene.check(
        1,
        &both,
        &[Why::AtOnce, Why::Inhibited],
        &["oncall trigger rejections reactive noon"],
    );
    // Another group has nothing to do with it.
    scene.check(
        2,
        &[fires("rejections proactive", "zoo", 1)],
        &[Why::AtOnce],
        &["mail trigger rejections proactive zoo"],
    );
    let over = [
        resolves("rejections reactive", "noon", 3, 0),
        resolves("rejections proactive", "noon", 3, 0),
    ];
    scene.check(
        4,
        &over,
        &[Why::FiringSent, Why::FiringNotSent],
        &["oncall resolve rejections reactive noon"],
    );
    // The next episode starts afresh.
    scene.check(
        60,
        &[fires("rejections proactive", "noon", 50)],
        &[Why::AtOnce],
        &["mail trigger rejections proactive noon"],
    );
}

#[test]
fn a_higher_step_that_is_kept_back_inhibits_nothing() {
    let mut scene = Scene::new(|_| {});
    scene.silences = vec![silence(&[(Attribute::Step, "reactive")], 0, 100)];
    let both =
        [fires("rejections reactive", "noon", 0), also_fires("rejections proactive", "noon", 0, 0)];
    scene.check(
        1,
        &both,
        &[Why::Silenced, Why::AtOnce],
        &["mail trigger rejections proactive noon"],
    );
    scene.check(120, &[], &[], &["oncall trigger rejections reactive noon"]);
    let over = [
        resolves("rejections reactive", "noon", 130, 0),
        resolves("rejections proactive", "noon", 130, 0),
    ];
    scene.check(
        140,
        &over,
        &[Why::FiringSent, Why::FiringSent],
        &["oncall resolve rejections reactive noon", "mail resolve rejections proactive noon"],
    );
}

#[test]
fn pending_is_recorded_and_an_end_without_a_beginning_too() {
    let mut scene = Scene::new(|_| {});
    scene.check(1, &[pends("silence", "noon", 0)], &[Why::Pending], &[]);
    scene.check(2, &[resolves("silence", "noon", 1, 0)], &[Why::FiringNotSent], &[]);
}

#[test]
fn an_incident_ends_before_the_next_begins_even_if_its_end_was_lost() {
    let mut scene = Scene::new(|_| {});
    let lines = ["oncall trigger silence noon", "mail trigger silence noon"];
    scene.check(1, &[fires("silence", "noon", 0)], &[Why::AtOnce], &lines);
    scene.check(
        60,
        &[fires("silence", "noon", 50)],
        &[Why::AtOnce],
        &[
            "oncall resolve silence noon",
            "mail resolve silence noon",
            "oncall trigger silence noon",
            "mail trigger silence noon",
        ],
    );
}

#[test]
fn one_key_for_an_incident_and_one_id_for_each_notification() {
    let mut scene = Scene::new(|_| {});
    let clock = |seconds| Clock::Recorded(super::kit::at(seconds));
    let began = scene.decide(clock(1), super::kit::at(0), &[fires("silence", "noon", 0)]);
    let ended = scene.decide(clock(60), super::kit::at(59), &[resolves("silence", "noon", 50, 0)]);
    let again = scene.decide(clock(99), super::kit::at(98), &[fires("silence", "noon", 70)]);
    let keys = |notifications: &[crate::notification::Notification]| {
        notifications.iter().map(|one| one.key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&began.notifications), keys(&ended.notifications));
    assert_ne!(keys(&began.notifications), keys(&again.notifications));
    let all = [began.notifications, ended.notifications, again.notifications].concat();
    let mut ids: Vec<_> = all.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[test]
fn a_resolve_says_what_fired_and_shows_why_it_ended() {
    let mut scene = Scene::new(|plan| {
        plan.alerts[1].texts.summary = Some("{{ partner }} is silent since {{ at }}".to_owned());
    });
    let clock = Clock::Recorded(super::kit::at(60));
    scene.decide(
        Clock::Recorded(super::kit::at(1)),
        super::kit::at(0),
        &[fires("silence", "noon", 0)],
    );
    let mut over = resolves("silence", "noon", 50, 0);
    over.evidence.events = 17;
    let ended = scene.decide(clock, super::kit::at(59), &[over]).notifications;
    assert_eq!(ended[0].action, Action::Resolve);
    assert_eq!(ended[0].at, super::kit::at(50));
    assert_eq!(ended[0].summary, "noon is silent since 2026-01-05T10:00:00Z");
    let Subject::Alert(member) = &ended[0].subject else { panic!("{ended:?}") };
    assert_eq!(member.evidence.events, 17);
}

#[test]
fn an_unchanged_alert_goes_on_under_another_plan_with_its_texts() {
    let mut scene = Scene::new(|_| {});
    let lines = ["oncall trigger silence noon", "mail trigger silence noon"];
    scene.check(1, &[fires("silence", "noon", 0)], &[Why::AtOnce], &lines);
    let mut next = plan();
    next.hash = "next plan".to_owned();
    next.alerts.rotate_left(1);
    next.notifying.channels.retain(|channel| channel.name != "mail");
    scene.plan = Arc::new(next);
    scene.notifier.set_plan(Arc::clone(&scene.plan));
    let over = crate::transition::Transition { alert: 0, ..resolves("silence", "noon", 50, 0) };
    // The channel that is gone has no lane any more.
    scene.check(60, &[over], &[Why::FiringSent], &["oncall resolve silence noon"]);
}

#[test]
fn an_alert_that_is_gone_resolves_by_the_plan_that_had_it() {
    let mut scene = Scene::new(|_| {});
    let lines = ["oncall trigger silence noon", "mail trigger silence noon"];
    scene.check(1, &[fires("silence", "noon", 0)], &[Why::AtOnce], &lines);
    let old = Arc::clone(&scene.plan);
    let mut next = plan();
    next.hash = "next plan".to_owned();
    next.alerts.clear();
    scene.plan = Arc::new(next);
    scene.notifier.set_plan(Arc::clone(&scene.plan));
    // Nor is it repeated meanwhile.
    scene.check(5 * 3_600, &[], &[], &[]);
    assert_eq!(scene.notifier.next_moment().clock, None);
    scene.plan = old;
    scene.check(
        5 * 3_600 + 1,
        &[resolves("silence", "noon", 50, 0)],
        &[Why::FiringSent],
        &["oncall resolve silence noon", "mail resolve silence noon"],
    );
}

#[test]
fn a_channel_that_is_named_twice_is_told_once() {
    let mut scene = Scene::new(|plan| {
        plan.alerts[0].steps[0].notify = ["oncall", "mail", "oncall"].map(str::to_owned).to_vec();
    });
    let lines =
        ["oncall trigger rejections reactive noon", "mail trigger rejections reactive noon"];
    scene.check(2, &[fires("rejections reactive", "noon", 1)], &[Why::AtOnce], &lines);
    // Nor was anything gathered.
    scene.check(40, &[], &[], &[]);
}
