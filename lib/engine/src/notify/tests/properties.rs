//! Any course of events, decided call by call: who is told of what, however it is cut.

use super::kit::{Braces, Scene, also_fires, at, resolves, silence};
use crate::alert::Alert;
use crate::notification::{Action, Member, Notification, Subject};
use crate::notify::rules::{Attribute, Silence};
use crate::notify::{Clock, Moment, Notifier, Verdict, Why};
use crate::time::{SECOND_MS, Timestamp};
use crate::transition::{Transition, TransitionKind};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const MAX_AGE_S: i64 = 120;
const GROUPS: [&str; 3] = ["a", "b", "c"];
const STEPS: [&[&str]; 2] = [&["rejections reactive", "rejections proactive"], &["silence"]];

/// One call: the clock, how far evaluation is, and the transitions up to there.
#[derive(Clone, Debug)]
struct Call {
    clock: i64,
    evaluated_to: i64,
    transitions: Vec<Transition>,
}

/// Something happens so far into the call's part of event time: a step of an alert fires for a group, or all of it ends.
type Happening = (u8, usize, usize, usize);

/// Seconds that the clock goes on, by how much evaluation is behind it, and what happens.
type Stretch = (i64, i64, Vec<Happening>);

fn calls(stretches: &[Stretch]) -> Vec<Call> {
    let mut calls = Vec::new();
    let (mut clock, mut evaluated_to) = (0, 0);
    // Per alert and group the beginning of the episode, and the steps that fire.
    let mut firing: BTreeMap<(usize, usize), (i64, BTreeSet<usize>)> = BTreeMap::new();
    for (goes_on, behind, happenings) in stretches {
        clock += goes_on;
        let from = evaluated_to;
        evaluated_to = from.max(clock - behind);
        let mut timed: Vec<_> = happenings
            .iter()
            .map(|&(part, alert, group, step)| {
                (from + i64::from(part) * (evaluated_to - from) / 256, alert, group, step)
            })
            .filter(|(time, ..)| *time < evaluated_to)
            .collect();
        timed.sort_unstable();
        let mut transitions = Vec::new();
        for (time, alert, group, step) in timed {
            let fired = firing.entry((alert, group)).or_insert((time, BTreeSet::new()));
            let steps = STEPS[alert];
            if step < steps.len() && fired.1.insert(step) {
                if fired.1.len() == 1 {
                    fired.0 = time;
                }
                transitions.push(also_fires(steps[step], GROUPS[group], time, fired.0));
            } else if step >= steps.len() {
                let (episode, ended) = std::mem::take(fired);
                let over =
                    ended.iter().map(|&one| resolves(steps[one], GROUPS[group], time, episode));
                transitions.extend(over);
            }
        }
        calls.push(Call { clock, evaluated_to, transitions });
    }
    // In the end all is over, and what was gathered has gone out.
    let end = evaluated_to.max(clock) + 1;
    let over = firing.into_iter().flat_map(|((alert, group), (episode, steps))| {
        let over = move |step| resolves(STEPS[alert][step], GROUPS[group], end, episode);
        steps.into_iter().map(over)
    });
    calls.push(Call { clock: end + 1, evaluated_to: end + 1, transitions: over.collect() });
    calls.push(Call { clock: end + 60, evaluated_to: end + 60, transitions: Vec::new() });
    calls
}

fn scene() -> Scene {
    Scene::new(|plan| {
        plan.notifying.gathering.list_at_most = 1_000;
        plan.notifying.gathering.repeat = 100 * SECOND_MS;
        for alert in &mut plan.alerts {
            alert.max_age = MAX_AGE_S * SECOND_MS;
        }
    })
}

#[derive(Debug, Default, PartialEq)]
struct Told {
    verdicts: Vec<Verdict>,
    notifications: Vec<Notification>,
    state: Vec<u8>,
}

/// Decides the calls; a call may be cut, and what is stored between its parts.
fn run(calls: &[Call], silences: &[Silence], is_cut: bool, is_events: bool) -> Told {
    let Scene { plan, mut notifier, .. } = scene();
    let mut told = Told::default();
    for call in calls {
        let clock = if is_events { Clock::Events } else { Clock::Recorded(at(call.clock)) };
        let mut decide = |transitions: &[Transition], evaluated_to: Timestamp| {
            let evaluated_to = Some(evaluated_to);
            let moment = Moment { clock, evaluated_to, silences, render: &Braces };
            let decided = notifier.decide(&plan, transitions, &moment);
            told.verdicts.extend(decided.verdicts);
            told.notifications.extend(decided.notifications);
            if is_cut {
                let stored = notifier.encode();
                notifier = Notifier::decode(Arc::clone(&plan), &stored).unwrap();
                assert_eq!(notifier.encode(), stored);
            }
        };
        if is_cut {
            for transition in &call.transitions {
                decide(&[], transition.at);
                decide(std::slice::from_ref(transition), transition.at);
            }
            decide(&[], at(call.evaluated_to));
        } else {
            decide(&call.transitions, at(call.evaluated_to));
        }
    }
    told.state = notifier.encode();
    told
}

/// An incident on a channel, with the time of its firing.
type Name = (String, String, Option<String>, String, Timestamp);

fn name(channel: &str, member: &Member, at: Timestamp) -> Name {
    let group = member.group[0].1.clone();
    (channel.to_owned(), member.alert.clone(), member.step.clone(), group, at)
}

/// What channels heard of: the firings, each with how often.
fn heard(notifications: &[Notification], action: Action) -> BTreeMap<Name, usize> {
    let mut heard = BTreeMap::new();
    for one in notifications.iter().filter(|one| one.action == action) {
        let members: Vec<&Member> = match &one.subject {
            Subject::Alert(member) => vec![member],
            Subject::Gathered { members, .. } => members.iter().collect(),
            Subject::Pipeline { .. } | Subject::Deploy(_) => Vec::new(),
        };
        for member in members {
            // A resolve shows the evidence of the end: its firing is known by its key.
            let at = if action == Action::Trigger { member.evidence.until } else { one.at };
            *heard.entry(name(&one.channel, member, at)).or_default() += 1;
        }
    }
    heard
}

/// Each key of a channel: one trigger, then repeats, then at most one resolve.
fn assert_alternating(notifications: &[Notification], is_over: bool) {
    let mut keys: BTreeMap<(&str, &str), Vec<Action>> = BTreeMap::new();
    for one in notifications {
        keys.entry((&one.channel, &one.key)).or_default().push(one.action);
    }
    for (key, actions) in keys {
        assert_eq!(actions[0], Action::Trigger, "{key:?}: {actions:?}");
        let between = &actions[1..actions.len() - usize::from(is_over)];
        assert!(between.iter().all(|action| *action == Action::Repeat), "{key:?}: {actions:?}");
        assert!(!is_over || actions.last() == Some(&Action::Resolve), "{key:?}: {actions:?}");
    }
    let ids: BTreeSet<_> = notifications.iter().map(|one| &one.id).collect();
    assert_eq!(ids.len(), notifications.len(), "ids are told apart");
}

/// Whether a silence holds for a group.
fn is_silenced(silences: &[Silence], group: &str, at: Timestamp) -> bool {
    silences.iter().any(|silence| {
        let values = &silence.matches.conditions[0].1;
        silence.from <= at && at < silence.until && values[0] == group
    })
}

/// Says of each verdict by itself whether it is right, by nothing but what came before.
fn assert_right(calls: &[Call], silences: &[Silence], told: &Told, alerts: &[Alert]) {
    let all = calls.iter().flat_map(|call| call.transitions.iter().map(move |one| (call, one)));
    // What fires and which channels count as told, by the verdicts so far.
    let mut sent: BTreeMap<(usize, String, usize), bool> = BTreeMap::new();
    for ((call, transition), verdict) in all.zip(&told.verdicts) {
        let group = transition.group.values().next().unwrap();
        let key = |step| (transition.alert, group.to_owned(), step);
        let is_old = transition.at < at(call.clock - MAX_AGE_S);
        let higher = (0..transition.step).any(|step| sent.get(&key(step)) == Some(&true));
        if transition.kind == TransitionKind::Firing {
            sent.insert(key(transition.step), verdict.sent);
            let channels = alerts[transition.alert].steps[transition.step].notify.len();
            assert_eq!(verdict.channels.len(), channels);
            match verdict.why {
                Why::Inhibited => {}
                Why::TooOld => assert!(is_old && !higher),
                Why::Silenced => {
                    assert!(is_silenced(silences, group, transition.at) && !is_old && !higher);
                }
                Why::AtOnce | Why::Gathered => {
                    assert!(!is_silenced(silences, group, transition.at) && !is_old && !higher);
                }
                other => panic!("{other:?}"),
            }
        } else {
            sent.remove(&key(transition.step));
        }
    }
}

fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
    let happening = (any::<u8>(), 0..2_usize, 0..3_usize, 0..4_usize);
    let stretch = (1..80_i64, 0..300_i64, prop::collection::vec(happening, 0..6));
    prop::collection::vec(stretch, 1..12)
}

fn silences() -> impl Strategy<Value = Vec<Silence>> {
    let partner = || Attribute::Named("partner".to_owned());
    let one = (0..3_usize, 0..400_i64, 1..200_i64);
    let one = one.prop_map(move |(group, from, length)| {
        silence(&[(partner(), GROUPS[group])], from, from + length)
    });
    prop::collection::vec(one, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn each_firing_that_is_sent_gets_one_resolve(stretches in stretches(), silences in silences()) {
        let calls = calls(&stretches);
        for is_events in [false, true] {
            let told = run(&calls, &silences, false, is_events);
            assert_alternating(&told.notifications, true);
            let channels = |verdict: &Verdict| {
                verdict.channels.iter().filter(|(_, why)| *why == Why::FiringSent).count()
            };
            let resolved: usize = told.verdicts.iter().map(channels).sum();
            let began = heard(&told.notifications, Action::Trigger);
            prop_assert!(began.values().all(|times| *times == 1), "{began:?}");
            prop_assert_eq!(resolved, began.len());
            let ended: usize = heard(&told.notifications, Action::Resolve).values().sum();
            prop_assert_eq!(ended, began.len());
        }
    }

    #[test]
    fn nothing_is_sent_while_something_keeps_it_back(stretches in stretches(), silences in silences()) {
        let Scene { plan, .. } = scene();
        let calls = calls(&stretches);
        let told = run(&calls, &silences, false, false);
        assert_right(&calls, &silences, &told, &plan.alerts);
    }

    #[test]
    fn nothing_depends_on_how_calls_are_cut(stretches in stretches(), silences in silences(), is_events in any::<bool>()) {
        let calls = calls(&stretches);
        prop_assert_eq!(run(&calls, &silences, true, is_events), run(&calls, &silences, false, is_events));
    }

    #[test]
    fn a_course_that_goes_on_alternates_too(stretches in stretches(), silences in silences()) {
        let mut calls = calls(&stretches);
        calls.truncate(calls.len() - 2);
        let Told { notifications, .. } = run(&calls, &silences, false, false);
        let open: BTreeSet<_> = notifications.iter().filter(|one| one.action == Action::Resolve).map(|one| (&one.channel, &one.key)).collect();
        let firing: Vec<_> = notifications.iter().filter(|one| !open.contains(&(&one.channel, &one.key))).cloned().collect();
        assert_alternating(&firing, false);
    }
}
