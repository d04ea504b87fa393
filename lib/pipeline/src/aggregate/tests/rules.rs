//! A change of the rules, over functions that hear of it at different times.

use super::kit::{Function, Held, RULES, START, Town, event, orders, plan, take_all, text};
use crate::aggregate::{AggregateError, Settings};
use crate::control::{Control, ControlEntry, ControlError, announce};
use crate::memory::block_on;
use crate::port::log::Append;
use crate::shard_entry::ShardEntry;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use streamgauge_engine::time::Timestamp;

/// The same metrics but one, which is another.
pub(super) fn changed() -> String {
    RULES.replace("orders: {count: type == 'order'", "orders: {count: type != 'start'")
}

/// Announces rules, as a deploy does.
pub(super) fn deploy(function: &Function, rules: &str) {
    let mut control = Control::default();
    block_on(announce(&function.world, &mut control, 3, &text(rules))).unwrap();
}

/// Puts rules in force, as a settle does.
pub(super) fn put_in_force(town: &Town, rules: &str, from: Timestamp) {
    let mut control = Control::default();
    block_on(control.follow(&town.log)).unwrap();
    let entry = ControlEntry::InForce { plan: plan(rules).hash.clone(), from };
    assert_eq!(block_on(control.append(&town.log, &entry)).unwrap(), Append::Appended);
}

/// The plans of each entry of a shard's log, by the letter of their rules.
fn sections(town: &Town, plans: &[(char, &str)]) -> Vec<String> {
    let plans: Vec<_> =
        plans.iter().map(|&(letter, rules)| (letter, plan(rules).hash.clone())).collect();
    let letter = |hash: &String| plans.iter().find(|(_, known)| known == hash).unwrap().0;
    let letters = |entry: &ShardEntry| entry.sections.iter().map(|it| letter(&it.plan)).collect();
    town.entries("one").iter().map(|(_, entry, _)| letters(entry)).collect()
}

#[test]
fn an_announced_plan_is_worked_for_beside_the_one_in_force() {
    let (town, changed) = (Town::new(), changed());
    town.put("one", &orders(0, 30));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..10));
    deploy(&function, &changed);
    take_all(&mut function, town.batch("one", 10..20));
    // Only now an environment of the new deploy is used.
    take_all(&mut town.function(&changed), town.batch("one", 20..30));
    assert_eq!(sections(&town, &[('P', RULES), ('Q', &changed)]), ["P", "PQ", "PQ"]);
    town.check("one", RULES, 30);
    let new = plan(&changed);
    let held = town.held("one", &new);
    assert_eq!(held.counters.counted, 20);
    assert_eq!(held.metrics(), Held::of(&new, &town.batch("one", 10..30)).metrics());
}

#[test]
fn a_plan_that_begins_later_knows_the_copies_of_what_came_before() {
    let (town, changed) = (Town::new(), changed());
    town.put("one", &[orders(0, 10), orders(5, 10)].concat());
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..10));
    deploy(&function, &changed);
    take_all(&mut function, town.batch("one", 10..20));
    let held = town.held("one", &plan(&changed));
    assert_eq!((held.counters.counted, held.counters.duplicate), (5, 5));
}

#[test]
fn the_old_plan_is_worked_for_until_its_last_windows_take_nothing_more() {
    let (town, changed) = (Town::new(), changed());
    let mut function = town.function(RULES);
    let mut take_at = |seconds: i64| {
        town.put("one", &[event(&format!("o{seconds}"), "order", seconds)]);
        let end = town.batch_end("one");
        take_all(&mut function, town.batch("one", end - 1..end));
    };
    take_at(10);
    let world = town.function(&changed);
    deploy(&world, &changed);
    take_at(20);
    // The window of `orders` that holds it ends at 60 s; late events are taken for 5 s, and 10 min as corrections.
    put_in_force(&town, &changed, START.plus(30_000));
    take_at(40);
    take_at(674);
    take_at(676);
    // The watermark is 10 s behind the largest event time before the batch.
    take_at(677);
    take_at(678);
    let expect = ["P", "PQ", "QP", "QP", "QP", "Q", "Q"];
    let seen = sections(&town, &[('P', RULES), ('Q', &changed)]);
    assert_eq!(seen, expect);
    let old = town.held("one", &plan(RULES));
    assert_eq!(old.counters.counted, 5);
}

#[test]
fn the_old_plan_is_worked_for_only_in_what_has_changed() {
    let (town, changed) = (Town::new(), changed());
    town.put("one", &orders(0, 30));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..10));
    deploy(&function, &changed);
    take_all(&mut function, town.batch("one", 10..20));
    let whole = town.held("one", &plan(RULES)).events("value");
    put_in_force(&town, &changed, START.plus(15_000));
    take_all(&mut function, town.batch("one", 20..30));
    let old = town.held("one", &plan(RULES));
    assert_eq!((whole, old.events("value"), old.events("orders")), (20, 20, 30));
    let new = town.held("one", &plan(&changed));
    assert_eq!((new.events("value"), new.events("orders")), (20, 20));
}

/// One function has read the control log before the announcement, and goes on after another has written for the new plan.
/// `before` was announced earlier, and taken back.
fn check_overtaken(before: &[&str]) {
    let changed = changed();
    let mut seen = BTreeSet::new();
    for steps in 0..60 {
        let town = Town::new();
        town.put("one", &orders(0, 20));
        let [mut slow, mut quick] = [town.function(RULES), town.function(RULES)];
        take_all(&mut quick, town.batch("one", 0..0));
        for rules in before {
            deploy(&quick, rules);
        }
        {
            let mut taking = pin!(slow.take("orders", town.batch("one", 0..10)));
            let mut is_done =
                || taking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            let mut done = (0..steps).any(|_| is_done());
            deploy(&quick, &changed);
            take_all(&mut quick, town.batch("one", 0..5));
            while !done {
                done = is_done();
            }
        }
        take_all(&mut slow, town.batch("one", 0..20));
        town.check("one", RULES, 20);
        let sections = sections(&town, &[('P', RULES), ('Q', &changed)]);
        let first = sections.iter().position(|plans| plans == "PQ").unwrap();
        assert!(sections[first..].iter().all(|plans| plans == "PQ"), "{steps}: {sections:?}");
        seen.insert(sections.len());
    }
    assert!(seen.len() > 1, "the functions met at different places");
}

#[test]
fn once_an_entry_has_a_plan_all_that_follow_have_it() {
    check_overtaken(&[]);
    check_overtaken(&[&changed(), RULES]);
}

#[test]
fn a_plan_that_is_announced_again_comes_back() {
    let (town, changed) = (Town::new(), changed());
    town.put("one", &orders(0, 40));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..10));
    deploy(&function, &changed);
    take_all(&mut function, town.batch("one", 10..20));
    put_in_force(&town, &changed, START.plus(15_000));
    deploy(&function, RULES);
    take_all(&mut function, town.batch("one", 20..30));
    put_in_force(&town, RULES, START.plus(25_000));
    take_all(&mut function, town.batch("one", 30..40));
    assert_eq!(sections(&town, &[('P', RULES), ('Q', &changed)]), ["P", "PQ", "QP", "PQ"]);
    town.check("one", RULES, 40);
}

#[test]
fn a_plan_that_cannot_be_compiled_fails_the_batch() {
    let town = Town::new();
    town.put("one", &orders(0, 20));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..10));
    let mut control = Control::default();
    block_on(control.follow(&town.log)).unwrap();
    let broken = ControlEntry::Announced {
        plan: "broken".to_owned(),
        text: Some(text("metrics: [")),
        at: START,
    };
    assert_eq!(block_on(control.append(&town.log, &broken)).unwrap(), Append::Appended);
    for mut either in [function, town.function(RULES)] {
        let error = block_on(either.take("orders", town.batch("one", 10..20))).unwrap_err();
        let AggregateError::Control(ControlError::NoPlan { plan, .. }) = error else {
            panic!("{error}")
        };
        assert_eq!(plan, "broken");
    }
    assert_eq!(town.entries("one").len(), 1);
    // A newer announcement takes its place.
    deploy(&town.function(RULES), RULES);
    take_all(&mut town.function(RULES), town.batch("one", 10..20));
    town.check("one", RULES, 20);
}

#[test]
fn functions_set_for_another_number_of_partitions_fail() {
    let town = Town::new();
    town.put("one", &orders(0, 1));
    take_all(&mut town.function(RULES), town.batch("one", 0..1));
    let settings = Settings { partitions: 4, ..Settings::default() };
    let mut other = town.function_with(RULES, settings);
    let error = block_on(other.take("orders", town.batch("one", 0..1))).unwrap_err();
    let partitions =
        matches!(error, AggregateError::Control(ControlError::Partitions { table: 3, set: 4 }));
    assert!(partitions, "{error}");
}

#[test]
fn a_batch_can_be_taken_on_any_thread() {
    fn check<T: Send>(_: &T) {}
    let town = Town::new();
    town.put("one", &orders(0, 1));
    let mut function = town.function(RULES);
    check(&Arc::clone(&town));
    check(&function.take("orders", town.batch("one", 0..1)));
}
