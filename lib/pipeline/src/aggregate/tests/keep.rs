//! What is kept: a cold start equals a warm one, with snapshots and without, also when the log has expired.

use super::kit::{RULES, Town, event, orders, state, take_all};
use crate::aggregate::Settings;
use crate::contract::Fault;
use crate::memory::block_on;
use crate::port::log::Version;
use crate::port::snapshots::Snapshots;
use streamgauge_engine::time::{DAY_MS, HOUR_MS};

/// Takes batches of 10, with copies and old events among them; after each, a function that knows nothing comes to the
/// same state. `fault` breaks every snapshot.
fn check_cold(fault: Option<Fault>) {
    let town = Town::new();
    let mut warm = town.function(RULES);
    for round in 0..8_u64 {
        let old = event(&format!("old{round}"), "order", 0);
        town.put("one", &[orders(round * 150, 8), orders(round * 100, 1), vec![old]].concat());
        if let Some(fault) = fault {
            town.snapshots.arm(fault);
            town.snapshots.arm(fault);
        }
        let end = town.batch_end("one");
        take_all(&mut warm, town.batch("one", end - 10..end));
        let mut cold = town.function(RULES);
        assert_eq!(take_all(&mut cold, town.batch("one", end - 10..end)).known, 10);
        assert_eq!(state(&mut cold, "one"), state(&mut warm, "one"), "round {round}");
    }
    town.check("one", RULES, 80);
}

#[test]
fn a_cold_start_equals_a_warm_one() {
    check_cold(None);
}

#[test]
fn a_cold_start_without_any_snapshot_equals_a_warm_one() {
    check_cold(Some(Fault::CrashMidway));
    check_cold(Some(Fault::AnswerLost));
}

/// 12 batches of 5,000 records each; answers after which of them a snapshot was put.
fn snapshots(fault: Option<Fault>) -> Vec<usize> {
    let town = Town::new();
    let mut function = town.function(RULES);
    if let Some(fault) = fault {
        town.snapshots.arm(fault);
    }
    let mut put = Vec::new();
    for round in 0..12 {
        let number = u64::try_from(round).unwrap();
        town.put("one", &orders(number * 5_000, 5_000));
        let end = town.batch_end("one");
        if take_all(&mut function, town.batch("one", end - 5_000..end)).snapshot_bytes.is_some() {
            put.push(round);
        }
    }
    town.check("one", RULES, 60_000);
    put
}

#[test]
fn a_snapshot_is_put_first_and_then_when_the_log_has_outgrown_it() {
    let put = snapshots(None);
    assert_eq!(put[..1], [0]);
    assert!((2..5).contains(&put.len()) && put[1] > 1, "{put:?}");
}

#[test]
fn a_snapshot_whose_answer_was_lost_is_followed_by_others() {
    let put = snapshots(Some(Fault::AnswerLost));
    assert!((1..4).contains(&put.len()) && put[0] > 1, "{put:?}");
}

#[test]
fn an_environment_keeps_so_many_shards() {
    let town = Town::new();
    town.streams[0].open(&super::kit::shard("two"), &[]);
    for name in ["one", "two"] {
        town.put(name, &orders(0, 30));
    }
    let settings = Settings { partitions: 3, warm_shards_max: 1, ..Settings::default() };
    let mut function = town.function_with(RULES, settings);
    for round in 0..3 {
        for name in ["one", "two"] {
            take_all(&mut function, town.batch(name, round * 10..round * 10 + 10));
        }
    }
    town.check("one", RULES, 30);
    town.check("two", RULES, 30);
}

/// Two batches, then silence, then a third; answers the versions of the entries that are left.
fn after_silence(days: i64, warm: bool) -> Vec<Version> {
    let town = Town::new();
    town.put("one", &orders(0, 20));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..10));
    take_all(&mut function, town.batch("one", 10..20));
    town.clock.advance(days * DAY_MS);
    town.log.sweep();
    if !warm {
        function = town.function(RULES);
    }
    let again = orders(0, 20);
    let late = orders(u64::try_from(days).unwrap() * 86_400, 10);
    town.put("one", &[late, again].concat());
    let taken = take_all(&mut function, town.batch("one", 0..50));
    assert_eq!((taken.known, taken.counters.counted), (20, 10), "what is too old to tell is late");
    assert_eq!(taken.counters.late, 20);
    town.entries("one").iter().map(|(version, ..)| *version).collect()
}

#[test]
fn a_log_goes_on_where_it_was_while_an_entry_lives() {
    assert_eq!(after_silence(7, false), [1, 2, 3].map(Version));
    assert_eq!(after_silence(7, true), [1, 2, 3].map(Version));
}

#[test]
fn a_shard_log_that_has_expired_goes_on_beyond_what_was_consumed() {
    let town = Town::new();
    town.put("one", &orders(0, 20));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..10));
    take_all(&mut function, town.batch("one", 10..20));
    let snapshots = block_on(town.snapshots.versions(&Town::log_of("one"))).unwrap();
    assert_eq!(snapshots, [Version(1)]);
    town.clock.advance(8 * DAY_MS + HOUR_MS);
    assert_eq!(town.entries("one").len(), 0);
    // What the warm function knows, others do not, so it does as they do.
    for mut next in [town.function(RULES), function] {
        town.put("one", &orders(800_000, 1));
        let end = town.batch_end("one");
        take_all(&mut next, town.batch("one", end - 1..end));
    }
    let versions: Vec<_> = town.entries("one").iter().map(|(version, ..)| version.0).collect();
    assert_eq!(versions, [1 + (1 << 32), 2 + (1 << 32)]);
}
