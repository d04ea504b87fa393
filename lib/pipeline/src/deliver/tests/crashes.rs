//! Invocations that end anywhere, two at a time, with answers lost on every side.
//!
//! After each action two things hold, by the register that is stored: all that was taken is before the lane's cursor, or in
//! the call or the burial that it names, and all before the cursor was taken once or is a dead letter, never both.

use super::bench::{Bench, cut_anywhere};
use crate::contract::Fault;
use crate::deliver::lane::Cursor;
use crate::port::sink::Delivery;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config;
use std::collections::BTreeMap;
use streamgauge_engine::time::{HOUR_MS, MINUTE_MS, Millis, SECOND_MS};

/// What holds at any moment. `places` are those of all points that are to be sent.
fn check_register(bench: &Bench, places: &BTreeMap<String, Cursor>) {
    let lane = bench.lane();
    let sending = lane.sending.as_ref().map(|sending| sending.until);
    let burying = lane.burying.as_ref().map(|burial| burial.until);
    let reached = sending.or(burying).unwrap_or(lane.cursor);
    let counted = bench.counted();
    let dead: BTreeMap<_, _> = bench.dead().into_iter().collect();
    for (name, times) in &counted {
        assert_eq!(*times, 1, "{name} was taken {times} times");
        let place = places.get(name).unwrap_or_else(|| panic!("{name} was not to be sent"));
        assert!(*place < reached, "{name} was taken, and the register does not know of it");
        assert!(!dead.contains_key(name), "{name} was taken and is dead");
    }
    for (name, place) in places {
        let is_done = counted.contains_key(name) || dead.contains_key(name);
        assert!(*place >= lane.cursor || is_done, "{name} is lost");
    }
}

/// At the end everything was taken, but these are dead letters.
fn check_done(bench: &Bench, places: &BTreeMap<String, Cursor>, dead: &[&str]) {
    bench.tick(600);
    check_register(bench, places);
    let taken: Vec<_> = bench.counted().into_keys().collect();
    let expected = places.keys().filter(|name| !dead.contains(&name.as_str()));
    assert!(taken.iter().eq(expected), "{taken:?} were taken of {places:?}");
}

#[test]
fn invocations_that_are_cut_off_anywhere_lose_and_repeat_nothing() {
    let check_cut = |first: usize, second: usize| {
        let bench = Bench::new(2);
        bench.points.poison("poison");
        bench.points.refuse("bad");
        bench.settle(&["a/1", "a/bad", "a/2", "a/3!", "b/4"]);
        bench.settle(&["b/poison", "b/5"]);
        let places = bench.places();
        let has_ended = bench.run_cut(&bench.environment(), first);
        check_register(&bench, &places);
        bench.clock.advance(6 * MINUTE_MS);
        bench.run_cut(&bench.environment(), second);
        check_register(&bench, &places);
        check_done(&bench, &places, &["a/bad", "b/poison"]);
        has_ended
    };
    cut_anywhere(check_cut);
}

/// What happens next.
#[derive(Clone, Debug)]
enum Action {
    /// An entry with so many points of each kind.
    Settle(Vec<Kind>),
    /// The outcome of a coming call, and whether it is taken.
    Script(Delivery, bool),
    /// A coming write goes wrong: of the register, else of a log.
    Break(Fault, bool),
    /// An invocation in one of three environments that is cut off after so many polls.
    Run(usize, usize),
    /// Two at a time: whose turn it is, and how much time passes; then both are cut off.
    Both(usize, Vec<(bool, Millis)>),
    /// Time passes.
    Pass(Millis),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Good,
    OtherNamespace,
    Recorded,
    Poison,
    Refused,
    /// It may be given up after an unknown answer.
    Old,
}

fn action() -> impl Strategy<Value = Action> {
    let kind = prop_oneof![
        6 => Just(Kind::Good),
        2 => Just(Kind::OtherNamespace),
        1 => Just(Kind::Recorded),
        1 => Just(Kind::Poison),
        1 => Just(Kind::Refused),
        1 => Just(Kind::Old),
    ];
    let outcome = prop_oneof![
        2 => (1..20_000_i64).prop_map(|after_ms| (Delivery::Retry { after_ms }, false)),
        2 => any::<bool>().prop_map(|taken| (Delivery::Unknown, taken)),
        1 => Just((Delivery::Rejected { reason: "no".to_owned() }, false)),
    ];
    let fault = prop_oneof![Just(Fault::CrashMidway), Just(Fault::AnswerLost)];
    let turns = vec((any::<bool>(), prop_oneof![5 => Just(0), 1 => 0..20_000_i64]), 0..150);
    prop_oneof![
        4 => vec(kind, 0..8).prop_map(Action::Settle),
        3 => outcome.prop_map(|(outcome, taken)| Action::Script(outcome, taken)),
        1 => (fault, any::<bool>()).prop_map(|(fault, register)| Action::Break(fault, register)),
        4 => (0..3_usize, 0..120_usize).prop_map(|(place, polls)| Action::Run(place, polls)),
        2 => (0..3_usize, turns).prop_map(|(place, turns)| Action::Both(place, turns)),
        3 => prop_oneof![0..SECOND_MS, 0..10 * MINUTE_MS].prop_map(Action::Pass),
    ]
}

/// Settles one point of each kind, under names of their own.
fn settle(bench: &Bench, kinds: &[Kind]) {
    let number = bench.places().len();
    for (place, kind) in kinds.iter().enumerate() {
        let name = format!("{number}-{place}-{kind:?}");
        match kind {
            Kind::Good => bench.settle(&[&format!("a/{name}")]),
            Kind::OtherNamespace => bench.settle(&[&format!("b/{name}")]),
            Kind::Recorded => bench.settle(&[&format!("a/{name}"), &format!("a/{name}!")]),
            Kind::Poison => {
                bench.points.poison(&name);
                bench.settle(&[&format!("a/{name}")]);
            }
            Kind::Refused => {
                bench.points.refuse(&name);
                bench.settle(&[&format!("a/{name}x"), &format!("a/{name}")]);
            }
            Kind::Old => bench.settle_late(&[&format!("a/{name}")], 4 * HOUR_MS),
        }
    }
    if kinds.is_empty() {
        bench.settle(&[]);
    }
}

fn check_actions(actions: &[Action]) {
    let bench = Bench::new(3);
    let environments = [bench.environment(), bench.environment(), bench.environment()];
    for action in actions {
        match action {
            Action::Settle(kinds) => settle(&bench, kinds),
            Action::Script(outcome, taken) => bench.points.script(outcome.clone(), *taken),
            Action::Break(fault, true) => bench.snapshots.arm(*fault),
            Action::Break(fault, false) => bench.log.arm(*fault),
            Action::Run(place, polls) => {
                bench.run_cut(&environments[*place], *polls);
            }
            Action::Both(first, turns) => bench.run_both(&environments, *first, turns),
            Action::Pass(passes) => bench.clock.advance(*passes),
        }
        check_register(&bench, &bench.places());
    }
    bench.tick_through(600);
    let places = bench.places();
    check_register(&bench, &places);
    let counted = bench.counted();
    for (name, reason) in bench.dead() {
        let is_right = if name.ends_with("Refused") {
            reason.ends_with("is no value of a dimension")
        } else {
            reason.starts_with("the other end rejects it: ") || reason.starts_with("no answer came")
        };
        assert!(is_right, "{name}: {reason}");
    }
    assert_eq!(places.len(), counted.len() + bench.dead().len());
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn each_point_is_taken_once_or_is_a_dead_letter(actions in vec(action(), 1..40)) {
        check_actions(&actions);
    }
}
