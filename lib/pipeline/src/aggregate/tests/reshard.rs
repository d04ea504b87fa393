//! Shards that are split and merged: children begin where their parents ended.

use super::kit::{Function, RULES, Town, event, orders, shard, state, take, take_all};
use crate::aggregate::AggregateError;
use crate::contract::Fault;
use std::sync::Arc;

/// A town whose shards are these, each with its parents.
fn town(shards: &[(&str, &[&str])]) -> Arc<Town> {
    let town = Town::new();
    for (name, parents) in shards {
        open(&town, name, parents);
    }
    town
}

fn open(town: &Town, name: &str, parents: &[&str]) {
    let parents: Vec<_> = parents.iter().map(|parent| shard(parent)).collect();
    town.streams[0].open(&shard(name), &parents);
    for parent in &parents {
        town.streams[0].close(parent);
    }
}

/// Takes all that a shard has; answers how many records counted and how many were copies.
fn take_shard(town: &Arc<Town>, function: &mut Function, name: &str) -> (u64, u64) {
    let taken = take_all(function, town.batch(name, 0..town.batch_end(name)));
    (taken.counters.counted, taken.counters.duplicate)
}

#[test]
fn the_children_of_a_split_know_what_their_parent_has_seen() {
    let town = Town::new();
    town.put("one", &orders(0, 10));
    let mut function = town.function(RULES);
    assert_eq!(take_shard(&town, &mut function, "one"), (10, 0));
    open(&town, "left", &["one"]);
    open(&town, "right", &["one"]);
    for name in ["left", "right"] {
        town.put(name, &orders(5, 10));
        assert_eq!(take_shard(&town, &mut town.function(RULES), name), (5, 5), "{name}");
    }
}

#[test]
fn the_child_of_a_merge_knows_what_both_parents_have_seen() {
    let town = town(&[("two", &[])]);
    town.put("one", &orders(0, 10));
    town.put("two", &orders(10, 10));
    let mut function = town.function(RULES);
    assert_eq!(take_shard(&town, &mut function, "one"), (10, 0));
    assert_eq!(take_shard(&town, &mut function, "two"), (10, 0));
    open(&town, "both", &["one", "two"]);
    town.put("both", &orders(5, 20));
    assert_eq!(take_shard(&town, &mut function, "both"), (5, 15));
}

#[test]
fn the_stamps_of_a_merged_shard_go_on_from_the_smaller_watermark() {
    let town = town(&[("two", &[])]);
    town.put("one", &orders(0, 10));
    town.put("two", &orders(500, 10));
    let mut function = town.function(RULES);
    take_shard(&town, &mut function, "one");
    take_shard(&town, &mut function, "two");
    open(&town, "both", &["one", "two"]);
    // By the larger watermark its window would be long final, and it would be a correction.
    town.put("both", &[event("late", "order", 5)]);
    take_shard(&town, &mut function, "both");
    let plan = super::kit::plan(RULES);
    assert!(town.held("both", &plan).metrics().contains(&"orders"));
}

#[test]
fn a_child_waits_until_its_parent_is_read_to_its_end() {
    let town = Town::new();
    town.put("one", &orders(0, 10));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..9));
    open(&town, "left", &["one"]);
    town.put("left", &orders(9, 2));
    for _ in 0..2 {
        let failed = take(&mut function, town.batch("left", 0..2));
        let first = town.batch("left", 0..1).records[0].sequence.clone();
        assert_eq!((failed.failed_from, failed.entries), (Some(first), 0));
        assert!(matches!(failed.problem, Some(AggregateError::ParentUnfinished { .. })));
    }
    take_all(&mut function, town.batch("one", 9..10));
    assert_eq!(take_shard(&town, &mut function, "left"), (1, 1));
}

#[test]
fn what_parents_without_a_record_were_left_goes_on_to_their_children() {
    let town = Town::new();
    town.put("one", &orders(0, 10));
    let mut function = town.function(RULES);
    take_shard(&town, &mut function, "one");
    open(&town, "left", &["one"]);
    open(&town, "right", &["one"]);
    open(&town, "merged", &["left", "right"]);
    town.put("merged", &orders(5, 10));
    assert_eq!(take_shard(&town, &mut function, "merged"), (5, 5));
}

#[test]
fn a_parent_that_has_left_the_list_counts_as_read_to_its_end() {
    let town = Town::new();
    town.put("one", &orders(0, 10));
    let mut function = town.function(RULES);
    take_shard(&town, &mut function, "one");
    open(&town, "left", &["one"]);
    town.streams[0].remove(&shard("one"));
    town.put("left", &orders(5, 10));
    assert_eq!(take_shard(&town, &mut function, "left"), (5, 5));
    open(&town, "next", &["left", "gone"]);
    town.put("next", &orders(10, 10));
    assert_eq!(take_shard(&town, &mut function, "next"), (5, 5));
}

#[test]
fn a_shard_that_is_not_listed_yet_is_waited_for() {
    let town = Town::new();
    open(&town, "new", &[]);
    town.put("new", &orders(0, 1));
    let batch = town.batch("new", 0..1);
    town.streams[0].remove(&shard("new"));
    let mut function = town.function(RULES);
    let failed = take(&mut function, batch.clone());
    assert!(matches!(failed.problem, Some(AggregateError::NotListed { .. })));
    town.streams[0].open(&shard("new"), &[]);
    assert_eq!(take_all(&mut function, batch).entries, 1);
}

#[test]
fn a_cold_child_equals_a_warm_one_also_without_its_first_snapshot() {
    for fault in [None, Some(Fault::CrashMidway), Some(Fault::AnswerLost)] {
        let town = Town::new();
        town.put("one", &orders(0, 10));
        let mut function = town.function(RULES);
        take_shard(&town, &mut function, "one");
        open(&town, "left", &["one"]);
        town.put("left", &orders(5, 10));
        if let Some(fault) = fault {
            town.snapshots.arm(fault);
        }
        take_shard(&town, &mut function, "left");
        let mut cold = town.function(RULES);
        assert_eq!(take_all(&mut cold, town.batch("left", 0..10)).known, 10);
        assert_eq!(state(&mut cold, "left"), state(&mut function, "left"), "{fault:?}");
    }
}
