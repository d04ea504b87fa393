//! Invocations that end anywhere, two at a time, with answers lost on every side: who is told what then.
//!
//! A receiver that knows repeats hears everything, in order, some of it twice in a row. One that does not hears nothing twice, and
//! what it may not have heard is a dead letter.

use super::bench::{Bench, cut_anywhere};
use super::told::RULES;
use crate::contract::Fault;
use crate::port::channels::NotOpen;
use crate::port::sink::Delivery;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config;
use std::collections::BTreeSet;
use streamgauge_engine::time::{MINUTE_MS, Millis, SECOND_MS};

/// The receivers, and whether they know repeats.
const RECEIVERS: [(&str, &str, bool); 4] =
    [("oncall", "", true), ("mail", "", false), ("phone", "1", false), ("phone", "2", false)];

/// Rules without some of them.
const SOME_RULES: &str = "oncall repeats\nphone once 1";

/// What holds at any moment. `all` are the notifications so far, in their order.
fn check_told(bench: &Bench, all: &[String]) {
    for (channel, receiver, knows_repeats) in RECEIVERS {
        let told = bench.told(channel, receiver);
        let places = told.iter().map(|one| all.iter().position(|known| known == one).unwrap());
        let places: Vec<_> = places.collect();
        let is_in_order =
            places.is_sorted_by(|one, next| one < next || knows_repeats && one == next);
        assert!(is_in_order, "{channel} {receiver} was told {told:?}");
    }
}

/// At the end each was told, or is a dead letter.
fn check_all_told(bench: &Bench, all: &[String]) {
    check_told(bench, all);
    let dead = bench.dead_told();
    for (channel, receiver, _) in RECEIVERS {
        let lane = [channel, receiver].join("/");
        let lane = format!("to/{}", lane.trim_end_matches('/'));
        let dead = dead.iter().filter(|(of, ..)| *of == lane).map(|(_, what, _)| what.clone());
        let heard: BTreeSet<_> = bench.told(channel, receiver).into_iter().chain(dead).collect();
        let expected = all.iter().filter(|one| one.split('/').next() == Some(channel));
        assert_eq!(heard, expected.cloned().collect(), "{lane}");
    }
}

#[test]
fn invocations_that_are_cut_off_anywhere_tell_all_and_repeat_only_what_is_known_again() {
    let all = ["oncall/a+", "mail/a+", "phone/a+", "mail/b+", "oncall/a-", "mail/a-"];
    let check_cut = |first: usize, second: usize| {
        let bench = Bench::with_rules(2);
        bench.settle(&["a/1", "a/2", "a/3"]);
        bench.tell(&all[..4]);
        bench.tell(&all[4..]);
        let reason = "no".to_owned();
        bench.channels.script("mail", "", Delivery::Rejected { reason }, false);
        let all = all.map(str::to_owned);
        let has_ended = bench.run_cut(&bench.environment(), first);
        check_told(&bench, &all);
        bench.clock.advance(2 * MINUTE_MS);
        bench.run_cut(&bench.environment(), second);
        check_told(&bench, &all);
        bench.tick(20);
        bench.check_counted(&["a/1", "a/2", "a/3"]);
        check_all_told(&bench, &all);
        let incident = bench.channels.incident("oncall", "", "a");
        assert_eq!((incident.opened, incident.is_open), (1, false));
        has_ended
    };
    cut_anywhere(check_cut);
}

/// What happens next.
#[derive(Clone, Debug)]
enum Action {
    /// An entry with so many notifications for each of these channels, and a point.
    Tell(Vec<usize>),
    /// The outcome of a coming call to a receiver, and whether it is taken.
    Script(usize, Delivery, bool),
    /// A receiver cannot be opened the next time.
    NotOpen(usize, bool),
    /// A coming write goes wrong: of a register, else of a log.
    Break(Fault, bool),
    /// The rules change: whether they still have all receivers.
    Deploy(bool),
    /// An invocation in one of three environments that is cut off after so many polls.
    Run(usize, usize),
    /// Two at a time: whose turn it is, and how much time passes; then both are cut off.
    Both(usize, Vec<(bool, Millis)>),
    /// Time passes.
    Pass(Millis),
}

fn action() -> impl Strategy<Value = Action> {
    let outcome = prop_oneof![
        2 => (1..20_000_i64).prop_map(|after_ms| (Delivery::Retry { after_ms }, false)),
        3 => any::<bool>().prop_map(|taken| (Delivery::Unknown, taken)),
        1 => Just((Delivery::Rejected { reason: "no".to_owned() }, false)),
    ];
    let fault = prop_oneof![Just(Fault::CrashMidway), Just(Fault::AnswerLost)];
    let turns = vec((any::<bool>(), prop_oneof![5 => Just(0), 1 => 0..20_000_i64]), 0..200);
    let receiver = 0..RECEIVERS.len();
    prop_oneof![
        4 => vec(0..3_usize, 0..6).prop_map(Action::Tell),
        3 => (receiver.clone(), outcome).prop_map(|(to, (outcome, taken))| Action::Script(to, outcome, taken)),
        1 => (receiver, any::<bool>()).prop_map(|(to, later)| Action::NotOpen(to, later)),
        1 => (fault, any::<bool>()).prop_map(|(fault, register)| Action::Break(fault, register)),
        1 => any::<bool>().prop_map(Action::Deploy),
        4 => (0..3_usize, 0..200_usize).prop_map(|(place, polls)| Action::Run(place, polls)),
        3 => (0..3_usize, turns).prop_map(|(place, turns)| Action::Both(place, turns)),
        3 => prop_oneof![0..SECOND_MS, 0..10 * MINUTE_MS].prop_map(Action::Pass),
    ]
}

fn check_actions(actions: &[Action]) {
    let bench = Bench::with_rules(3);
    let environments = [bench.environment(), bench.environment(), bench.environment()];
    let mut all: Vec<String> = Vec::new();
    for action in actions {
        match action {
            Action::Tell(channels) => {
                let told = channels.iter().zip(all.len()..).map(|(place, number)| {
                    let channel = ["oncall", "mail", "phone"][*place];
                    format!("{channel}/{number}{}", if number % 2 == 0 { "+" } else { "-" })
                });
                let told: Vec<_> = told.collect();
                bench.settle(&[&format!("a/{}", bench.places().len())]);
                bench.tell(&told.iter().map(String::as_str).collect::<Vec<_>>());
                all.extend(told);
            }
            Action::Script(to, outcome, taken) => {
                let (channel, receiver, _) = RECEIVERS[*to];
                bench.channels.script(channel, receiver, outcome.clone(), *taken);
            }
            Action::NotOpen(to, later) => {
                let (channel, receiver, _) = RECEIVERS[*to];
                let reason = "no".to_owned();
                let never = NotOpen::Rejected { reason };
                let not_open = if *later { NotOpen::Retry { after_ms: 1 } } else { never };
                bench.channels.script_not_open(channel, receiver, not_open);
            }
            Action::Break(fault, true) => bench.snapshots.arm(*fault),
            Action::Break(fault, false) => bench.log.arm(*fault),
            Action::Deploy(has_all) => {
                let (plan, rules) = if *has_all { ("p1", RULES) } else { ("p2", SOME_RULES) };
                bench.deploy(plan, rules);
            }
            Action::Run(place, polls) => {
                bench.run_cut(&environments[*place], *polls);
            }
            Action::Both(first, turns) => bench.run_both(&environments, *first, turns),
            Action::Pass(passes) => bench.clock.advance(*passes),
        }
        check_told(&bench, &all);
    }
    bench.tick_through(600);
    check_all_told(&bench, &all);
    let points: Vec<String> = bench.places().into_keys().collect();
    bench.check_counted(&points.iter().map(String::as_str).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn each_receiver_is_told_or_a_dead_letter_says_why(actions in vec(action(), 1..40)) {
        check_actions(&actions);
    }
}
