//! Streams that are polled: split, merged and made anew, by processes that are killed between any two effects.

mod town;

use super::*;
use std::sync::atomic::Ordering;
use streamgauge_engine::time::DAY_MS;
use streamgauge_pipeline::contract::Fault;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{NotRead, StreamId};
use town::{ENDS_AT, Mortal, Town, open_shards};

/// One order a second, from the first one on.
fn all() -> BTreeMap<i64, u64> {
    BTreeMap::from([(0, 60), (1, 30)])
}

#[test]
fn a_stream_is_read_through_a_split_and_a_merge() {
    let town = Town::new();
    let mut process = town.process(Shared(Arc::clone(&town.memory)));
    process.live_until(ENDS_AT).unwrap();
    assert_eq!(process.counts(), all());
    assert_eq!(process.totals.counters().counted, 90);
    let told = process.told.take();
    let first = "the stream `orders` has 1 shard, 0 of which read before";
    assert_eq!(told, [Happening::Followed(first.to_owned())]);
}

#[test]
fn no_event_of_a_child_is_late_however_late_the_shards_are_listed() {
    for out_of_order in ["0s", "1s"] {
        for every in [1, 2, 7, 30] {
            let text = RULES.replace("out_of_order: 1s", &format!("out_of_order: {out_of_order}"));
            let text = text.replace("allowed_lateness: 1s", "allowed_lateness: 0s");
            let text = text.replace("late: correct", "late: drop").replace("1m", "1s");
            let town = Town { lists_last_every: Some(every), rules: text, ..Town::new() };
            let mut process = town.process(Shared(Arc::clone(&town.memory)));
            process.live_until(ENDS_AT).unwrap();
            // What comes late is dropped.
            let seen = format!("{out_of_order}, listed every {every} s");
            assert_eq!(process.counts(), all(), "{seen}");
        }
    }
}

/// Kills the process at its effects, each of which has happened or not, and lets another one go on.
#[track_caller]
fn check_kills(happens: bool) {
    let mut effects = 0;
    loop {
        let town = Town::new();
        let store = Mortal::new(&town.memory, effects, happens);
        let is_dead = Arc::clone(&store.is_dead);
        // Of one that could not even be opened, nothing is left.
        if let Ok(mut process) = town.try_process(store) {
            while process.is_before(ENDS_AT) && !is_dead.load(Ordering::SeqCst) {
                // It may still say so.
                drop(process.live_one());
            }
        }
        if !is_dead.load(Ordering::SeqCst) {
            break;
        }
        let mut next = town.process(Shared(Arc::clone(&town.memory)));
        next.live_until(ENDS_AT).unwrap();
        assert_eq!(next.counts(), all(), "killed at effect {effects}, which happened: {happens}");
        effects += 1;
    }
    assert!(effects > 50, "{effects} effects are not the whole life");
}

#[test]
fn a_process_that_is_killed_between_any_two_effects_has_lost_and_doubled_nothing() {
    check_kills(false);
    check_kills(true);
}

#[test]
fn reads_that_bring_nothing_are_repeated_and_told_once() {
    let town = Town::new();
    let mut process = town.process(Shared(Arc::clone(&town.memory)));
    process.live_until(3).unwrap();
    process.told.take();
    for _ in 0..2 {
        town.source.fail(NotRead::Expired);
        town.source.fail(NotRead::Throttled);
    }
    process.live_until(10).unwrap();
    assert_eq!(process.told.take(), [], "that is as it should be");
    for _ in 0..4 {
        town.source.fail(NotRead::Throttled);
    }
    town.source.fail(NotRead::Failed(Retryable::new("could not reach it")));
    process.live_until(ENDS_AT).unwrap();
    let told = process.told.take();
    let [Happening::Trouble(what), Happening::Over] = &told[..] else { panic!("{told:?}") };
    let why =
        "could not read on in the stream `orders`: the stream has refused to be read so often";
    assert_eq!(what, why);
    assert_eq!(process.counts(), all());
}

#[test]
fn a_stream_that_is_left_out_for_a_time_goes_on_where_it_was() {
    let town = Town::new();
    let store = || Shared(Arc::clone(&town.memory));
    let mut process = town.process(store());
    process.live_until(40).unwrap();
    // So that settle has taken all of it, and would take it again if it forgot that.
    process.rest(100).unwrap();
    assert_eq!(process.counts(), BTreeMap::from([(0, 40)]));
    let mut alone = Bench::new(store(), &town.clock, By::Clock);
    let left_out = "the stream `orders`, which was read before, is not now";
    assert_eq!(alone.told.take(), [Happening::Followed(left_out.to_owned())]);
    alone.pass(5 * SECOND_MS);
    let mut again = town.process(store());
    again.live_until(ENDS_AT).unwrap();
    let is_back = "the stream `orders` has 3 shards, 3 of which read before";
    assert_eq!(again.told.take(), [Happening::Followed(is_back.to_owned())]);
    // What came meanwhile is no longer on time, and is a correction.
    assert_eq!(again.counts(), all());
}

#[test]
fn a_stream_that_is_made_anew_is_another_one() {
    let town = Town::new();
    let mut process = town.process(Shared(Arc::clone(&town.memory)));
    process.live_until(20).unwrap();
    process.rest(2).unwrap();
    town.source.remake(None);
    process.rest(2).unwrap();
    let created_at = town.clock.now();
    town.source.remake(Some(StreamId { name: "orders".into(), created_at }));
    town.source.open(&"0".into(), &[]);
    process.live_until(ENDS_AT).unwrap();
    assert_eq!(process.counts(), all());
    assert_eq!(open_shards(&town.source), ["3".into()]);
}

#[test]
fn what_is_no_event_is_told_with_its_place() {
    let town = Town::new();
    let sequence = town.source.put(&"0".into(), b"{").unwrap();
    let mut process = town.process(Shared(Arc::clone(&town.memory)));
    process.live_until(3).unwrap();
    let told = process.told.take();
    let [_, Happening::RejectedInShard { shard, sequence: at, code: "invalid_json", .. }] =
        &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((&**shard, &**at), ("orders/0", sequence.as_str()));
}

#[test]
fn a_store_that_takes_nothing_holds_the_reading() {
    let town = Town::new();
    let mut process = town.process(Shared(Arc::clone(&town.memory)));
    process.live_until(3).unwrap();
    process.told.take();
    for _ in 0..3 {
        town.memory.log.arm(Fault::CrashMidway);
        process.live_one().unwrap();
    }
    process.live_until(ENDS_AT).unwrap();
    let told = process.told.take();
    assert!(matches!(told[..], [Happening::Trouble(_), Happening::Over]), "{told:?}");
    assert_eq!(process.counts(), all());
}

#[test]
fn a_shard_that_is_silent_for_longer_than_its_log_is_kept_does_not_begin_anew() {
    let town = Town::new();
    let store = || Shared(Arc::clone(&town.memory));
    let mut process = town.process(store());
    process.live_until(20).unwrap();
    // So that settle has taken all of it.
    process.rest(400).unwrap();
    assert_eq!(process.counts(), BTreeMap::from([(0, 20)]));
    for _ in 0..30 {
        town.clock.advance(DAY_MS);
        process.rest(3).unwrap();
    }
    let mut again = town.process(store());
    again.rest(3).unwrap();
    assert_eq!(again.totals.counters().received, 0);
    assert_eq!(again.counts(), BTreeMap::new(), "nothing is decided anew, and the old has expired");
}
