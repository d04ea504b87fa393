//! Snapshots without identities: whoever restores one has what was folded.

use super::kit::{Function, RULES, START, Town, event, orders, shard, state, stream, take_all};
use super::rules::{changed, deploy, put_in_force};
use crate::aggregate::Settings;
use crate::aggregate::state::StoredState;
use crate::memory::block_on;
use crate::port::log::LogId;
use crate::port::source::ShardKey;
use proptest::prelude::{Just, Strategy, any, prop};
use proptest::prop_oneof;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::sync::Arc;
use streamgauge_engine::time::{DAY_MS, HOUR_MS};

/// Puts a snapshot of what a function has of the shard `one`; answers whether it is thin.
fn put_snapshot(function: &mut Function, town: &Town, thin_ids_bytes_min: usize) -> bool {
    let key = ShardKey { stream: stream(), shard: shard("one") };
    let Some(mut warm) = function.warm.take(&key) else { return false };
    let log = LogId::shard(&key);
    let put = warm.put_snapshot(&town.snapshots, &log, thin_ids_bytes_min);
    let (_, snapshot) = block_on(put).unwrap();
    // Whoever begins anew has no more of the log than that.
    town.log.let_go(&log, warm.reads_from().unwrap());
    function.warm.put(key, warm);
    StoredState::decode(snapshot.state()).unwrap().is_thin
}

/// A function that knows nothing comes to the same state.
#[track_caller]
fn check_cold(town: &Arc<Town>, warm: &mut Function) {
    let end = town.batch_end("one");
    let mut cold = town.function(RULES);
    assert_eq!(take_all(&mut cold, town.batch("one", 0..end)).known, end);
    assert!(state(&mut cold, "one") == state(warm, "one"), "another state after {end} records");
}

/// What happens, one thing after another.
#[derive(Clone, Debug)]
enum Step {
    /// A batch comes; its events are so many seconds after the batch before.
    Batch {
        seconds: i64,
        events: Vec<(u32, i64)>,
    },
    /// A snapshot is put: thin if the log has all that is remembered, or full.
    Snapshot {
        thin: bool,
    },
    /// Other rules are announced, or come in force.
    Announce {
        changed: bool,
    },
    InForce {
        changed: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let event = (0..60_u32, -600..300_i64);
    let events = prop::collection::vec(event, 1..12);
    prop_oneof![
        8 => (0..240_i64, events).prop_map(|(seconds, events)| Step::Batch { seconds, events }),
        6 => prop_oneof![3 => Just(true), 1 => Just(false)].prop_map(|thin| Step::Snapshot { thin }),
        1 => any::<bool>().prop_map(|changed| Step::Announce { changed }),
        1 => any::<bool>().prop_map(|changed| Step::InForce { changed }),
    ]
}

/// Does a step and checks a cold start after it; answers whether a thin snapshot was put.
fn run_step(town: &Arc<Town>, warm: &mut Function, now: &mut i64, step: Step) -> bool {
    let other = changed();
    let rules = |is_changed: bool| if is_changed { other.as_str() } else { RULES };
    let mut is_thin = false;
    match step {
        Step::Batch { seconds, events } => {
            *now += seconds;
            let events =
                events.iter().map(|(id, off)| event(&format!("e{id}"), "order", *now + off));
            let before = town.batch_end("one");
            town.put("one", &events.collect::<Vec<_>>());
            take_all(warm, town.batch("one", before..town.batch_end("one")));
        }
        Step::Snapshot { thin } => {
            is_thin = put_snapshot(warm, town, if thin { 0 } else { usize::MAX });
        }
        Step::Announce { changed } => deploy(warm, rules(changed)),
        Step::InForce { changed } => {
            deploy(warm, rules(changed));
            put_in_force(town, rules(changed), START.plus(*now * 1_000));
        }
    }
    check_cold(town, warm);
    is_thin
}

#[test]
fn at_any_point_a_cold_start_comes_to_the_state_that_was_folded() {
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let thin = std::cell::Cell::new(0);
    let run = |steps: Vec<Step>| -> Result<(), TestCaseError> {
        let town = Town::new();
        town.put("one", &orders(0, 1));
        let mut warm = town.function(RULES);
        take_all(&mut warm, town.batch("one", 0..1));
        let mut now = 600;
        for step in steps {
            let is_thin = run_step(&town, &mut warm, &mut now, step);
            thin.set(thin.get() + usize::from(is_thin));
        }
        Ok(())
    };
    TestRunner::new(config).run(&prop::collection::vec(step(), 1..40), run).unwrap();
    assert!(thin.get() > 100, "{} thin snapshots", thin.get());
}

/// A busy shard, whose snapshots are thin from the first on.
fn busy() -> (Arc<Town>, Function) {
    let town = Town::new();
    let settings = Settings { partitions: 3, thin_ids_bytes_min: 0, ..Settings::default() };
    let mut function = town.function_with(RULES, settings);
    town.put("one", &orders(0, 100));
    for batch in 0..10 {
        take_all(&mut function, town.batch("one", batch * 10..batch * 10 + 10));
    }
    assert!(put_snapshot(&mut function, &town, 0));
    (town, function)
}

#[test]
fn copies_are_found_after_a_restore_from_the_log() {
    let (town, _) = busy();
    town.put("one", &orders(50, 60));
    let taken = take_all(&mut town.function(RULES), town.batch("one", 100..160));
    assert_eq!((taken.counters.duplicate, taken.counters.counted), (50, 10));
}

#[test]
fn what_a_child_has_of_its_parent_stays_in_its_snapshots_until_it_is_forgotten() {
    let (town, _) = busy();
    town.streams[0].open(&shard("child"), &[shard("one")]);
    town.streams[0].close(&shard("one"));
    let mut function = town.function_with(
        RULES,
        Settings { thin_ids_bytes_min: 0, partitions: 3, ..Settings::default() },
    );
    let key = ShardKey { stream: stream(), shard: shard("child") };
    let mut is_thin = |from: u64| {
        town.put("child", &orders(from, 10));
        let end = town.batch_end("child");
        take_all(&mut function, town.batch("child", end - 10..end));
        let warm = function.warm.take(&key).unwrap();
        let state = StoredState::decode(&warm.state.snapshot(0).0).unwrap();
        function.warm.put(key.clone(), warm);
        state.is_thin
    };
    // Of 100 s the last identities are of the generation up to 120 s, remembered for 10 min, and the watermark is 10 s behind.
    assert!(!is_thin(100));
    assert!(!is_thin(719));
    assert!(is_thin(740));
}

#[test]
fn after_a_silence_longer_than_the_log_is_kept_a_thin_snapshot_is_still_as_far() {
    let (town, _) = busy();
    town.clock.advance(8 * DAY_MS + HOUR_MS);
    town.log.sweep();
    let end = town.batch_end("one");
    let mut cold = town.function(RULES);
    assert_eq!(take_all(&mut cold, town.batch("one", 0..end)).known, end, "all records are known");
    // The first event is of today, so the copy after it is as old as if it were forgotten.
    let today = orders(8 * 86_400, 1);
    town.put("one", &[today, orders(99, 1)].concat());
    let counters = take_all(&mut cold, town.batch("one", end..end + 2)).counters;
    assert_eq!((counters.counted, counters.late, counters.duplicate), (1, 1, 0));
}
