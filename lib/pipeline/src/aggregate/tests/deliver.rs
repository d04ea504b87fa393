//! Batches as Lambda delivers them: again, in part, cut elsewhere, to two environments; and as large as they come.

use super::kit::{RULES, START, Town, event, orders, plan, shard, state, stream, take, take_all};
use crate::aggregate::{AggregateError, Settings};
use crate::memory::block_on;
use crate::port::Partition;
use crate::port::source::StreamId;
use crate::port::wake::{Function as Woken, WakeUp};
use std::pin::pin;
use std::task::{Context, Waker};
use streamgauge_engine::reject::RejectCode;

/// Ten orders, of which these ranges come one after another, to a function that remembers and to one that never does.
#[track_caller]
fn check(batches: &[(usize, usize)]) {
    for remembers in [true, false] {
        let town = Town::new();
        town.put("one", &orders(0, 10));
        let mut function = town.function(RULES);
        for &(from, to) in batches {
            take_all(&mut function, town.batch("one", from..to));
            if !remembers {
                function = town.function(RULES);
            }
        }
        town.check("one", RULES, 10);
    }
}

#[test]
fn a_batch_is_taken() {
    check(&[(0, 10)]);
    check(&[(0, 4), (4, 10)]);
}

#[test]
fn a_batch_that_comes_again_is_passed_over() {
    check(&[(0, 10), (0, 10)]);
    check(&[(0, 4), (0, 4), (4, 10), (0, 10)]);
}

#[test]
fn a_batch_that_comes_again_in_part_adds_only_the_rest() {
    check(&[(0, 4), (0, 10)]);
    check(&[(0, 7), (3, 10)]);
    check(&[(0, 5), (0, 2), (2, 5), (5, 10)]);
    check(&[(0, 10), (5, 10), (9, 10)]);
}

#[test]
fn what_came_of_a_batch_is_told() {
    let town = Town::new();
    town.put("one", &orders(0, 10));
    let mut function = town.function(RULES);
    let first = take_all(&mut function, town.batch("one", 0..4));
    assert_eq!((first.records, first.known, first.entries, first.counters.counted), (4, 0, 1, 4));
    let second = take_all(&mut function, town.batch("one", 2..10));
    assert_eq!((second.records, second.known, second.entries), (8, 2, 1));
    let third = take_all(&mut function, town.batch("one", 0..10));
    assert_eq!((third.records, third.known, third.entries, third.entry_bytes), (10, 10, 0, 0));
}

#[test]
fn which_records_are_rejects_is_told_and_how_far_the_log_is() {
    let town = Town::new();
    town.put("one", &["{".to_owned(), event("o1", "order", 1), "[]".to_owned()]);
    let mut function = town.function(RULES);
    assert_eq!(block_on(function.last(&stream().name, &shard("one"))).unwrap(), None);
    let batch = town.batch("one", 0..3);
    let sequences: Vec<_> = batch.records.iter().map(|record| record.sequence.clone()).collect();
    let taken = take_all(&mut function, batch);
    let rejected = taken.rejected.iter().map(|reject| (&reject.record.sequence, reject.code));
    let expect =
        [(&sequences[0], RejectCode::InvalidJson), (&sequences[2], RejectCode::NotAnObject)];
    assert_eq!(rejected.collect::<Vec<_>>(), expect);
    for mut either in [function, town.function(RULES)] {
        let last = block_on(either.last(&stream().name, &shard("one"))).unwrap().unwrap();
        assert_eq!((&last.sequence, last.sub_sequence), (&sequences[2], 0));
    }
}

#[test]
fn two_environments_take_turns_and_lose_races() {
    let town = Town::new();
    town.put("one", &orders(0, 9));
    let [mut one, mut other] = [town.function(RULES), town.function(RULES)];
    take_all(&mut one, town.batch("one", 0..3));
    take_all(&mut other, town.batch("one", 0..6));
    // It knows of 3 records and finds out about the others.
    let behind = take_all(&mut one, town.batch("one", 2..9));
    assert_eq!((behind.conflicts, behind.entries), (1, 1));
    assert_eq!(take_all(&mut other, town.batch("one", 6..9)).entries, 0);
    town.check("one", RULES, 9);
    assert_eq!(state(&mut one, "one"), state(&mut other, "one"));
}

#[test]
fn records_that_were_packed_together_are_told_apart() {
    let town = Town::new();
    town.put("one", &orders(0, 6));
    let mut batch = town.batch("one", 0..6);
    let first = batch.records[0].sequence.clone();
    for (record, sub_sequence) in batch.records[0..4].iter_mut().zip(0..) {
        (record.sequence, record.sub_sequence) = (first.clone(), sub_sequence);
    }
    let settings = Settings { delta_bytes_max: 300, ..Settings::default() };
    let mut function = town.function_with(RULES, settings);
    let taken = take_all(&mut function, batch.clone());
    assert_eq!(taken.entries, 2, "three of the four that are one record, and the rest");
    assert_eq!(take_all(&mut function, batch.clone()).known, 6);
    assert_eq!(take_all(&mut town.function_with(RULES, settings), batch).known, 6);
    town.check("one", RULES, 6);
}

#[test]
fn a_batch_that_makes_too_large_an_entry_is_cut() {
    let town = Town::new();
    town.put("one", &orders(0, 100));
    let settings = Settings { delta_bytes_max: 600, partitions: 3, ..Settings::default() };
    let mut function = town.function_with(RULES, settings);
    let taken = take_all(&mut function, town.batch("one", 0..100));
    assert!(taken.entries > 3 && taken.cuts > 0, "{taken:?}");
    assert_eq!(taken.counters.counted, 100);
    town.check("one", RULES, 100);
}

#[test]
fn a_record_that_makes_too_large_an_entry_alone_is_refused_and_blocks_nobody() {
    let town = Town::new();
    let long = event(&"x".repeat(2_000), "order", 1);
    let long = long.replace("\"EG\"", &format!("{:?}", "E".repeat(2_000)));
    let long = long.replace("\"AE\"", &format!("{:?}", "A".repeat(2_000)));
    town.put("one", &[orders(0, 1), vec![long], orders(2, 2)].concat());
    let settings = Settings { delta_bytes_max: 400, ..Settings::default() };
    let taken = take_all(&mut town.function_with(RULES, settings), town.batch("one", 0..4));
    assert_eq!((taken.counters.rejected, taken.counters.counted), (1, 3));
    let rejects = town.rejects("one");
    assert_eq!(rejects[0].code, RejectCode::TooLarge);
    assert_eq!(rejects[0].record.sequence, town.batch("one", 1..2).records[0].sequence);
}

#[test]
fn only_the_record_that_is_too_large_is_refused_whoever_comes_first() {
    for steps in 0..60 {
        let town = Town::new();
        let long = orders(0, 1)[0]
            .replace("\"EG\"", "\"E\"")
            .replace("\"AE\"", &format!("{:?}", "A".repeat(250)));
        town.put("one", &[vec![long], orders(2, 1)].concat());
        let settings = Settings { delta_bytes_max: 400, ..Settings::default() };
        let [mut slow, mut quick] = [(); 2].map(|()| town.function_with(RULES, settings));
        {
            let mut taking = pin!(slow.take("orders", town.batch("one", 0..2)));
            let mut is_done =
                || taking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            let mut done = (0..steps).any(|_| is_done());
            take_all(&mut quick, town.batch("one", 0..1));
            while !done {
                done = is_done();
            }
        }
        take_all(&mut slow, town.batch("one", 0..2));
        let counters = town.held("one", &plan(RULES)).counters;
        assert_eq!((counters.rejected, counters.counted), (1, 1), "after {steps} steps");
    }
}

#[test]
fn ten_thousand_records_are_one_entry() {
    let town = Town::new();
    town.put("one", &orders(0, 3_000));
    town.put("one", &orders(1_000, 7_000));
    let taken = take_all(&mut town.function(RULES), town.batch("one", 0..10_000));
    assert_eq!((taken.entries, taken.counters.received), (1, 10_000));
    town.check("one", RULES, 10_000);
}

#[test]
fn rejects_are_kept_with_their_payloads() {
    let town = Town::new();
    // Random enough that it does not deflate.
    let noise = |seed: u64| -> String {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + u8::try_from((state >> 40) % 90).unwrap())
        };
        (0..6 << 20).map(next).collect()
    };
    let payloads: Vec<_> = [noise(1), orders(0, 1).remove(0), noise(2), noise(3)].to_vec();
    town.put("one", &payloads);
    let taken = take_all(&mut town.function(RULES), town.batch("one", 0..4));
    assert_eq!((taken.counters.rejected, taken.counters.counted), (3, 1));
    assert!(taken.entries > 1, "18 MiB of rejects fit into no entry");
    let rejects = town.rejects("one");
    let kept = rejects.iter().map(|it| String::from_utf8(it.payload.clone()).unwrap());
    assert!(kept.eq([&payloads[0], &payloads[2], &payloads[3]].into_iter().cloned()));
    assert_eq!(rejects[0].record.sequence, town.batch("one", 0..1).records[0].sequence);
    assert_eq!(rejects[0].code, RejectCode::InvalidJson);
    town.check("one", RULES, 4);
}

#[test]
fn settle_is_woken_for_what_was_written_once_a_second() {
    let town = Town::new();
    town.put("one", &orders(0, 3));
    let mut function = town.function_with(RULES, Settings::default());
    assert_eq!(take_all(&mut function, town.batch("one", 0..1)).woken, 1);
    assert_eq!(take_all(&mut function, town.batch("one", 1..2)).woken, 0);
    assert_eq!(town.wake.take(), None, "it is put off by a second");
    town.clock.advance(1_000);
    let partition = Partition::default();
    assert_eq!(town.wake.take(), Some(WakeUp { function: Woken::Settle, partition }));
    assert_eq!(take_all(&mut function, town.batch("one", 2..3)).woken, 1);
}

#[test]
fn nothing_is_written_for_partitions_whose_metrics_took_nothing() {
    let town = Town::new();
    let others: Vec<_> = (0..5).map(|it| event(&format!("f{it}"), "other", it)).collect();
    town.put("one", &others);
    let taken = take_all(&mut town.function(RULES), town.batch("one", 0..5));
    assert_eq!((taken.counters.filtered, taken.entries, taken.written.len()), (5, 1, 0));
}

#[test]
fn an_unknown_stream_is_an_error() {
    let town = Town::new();
    town.put("one", &orders(0, 1));
    let mut function = town.function(RULES);
    let mut check = |stream| {
        let error = block_on(function.take(stream, town.batch("one", 0..1))).unwrap_err();
        assert!(matches!(error, AggregateError::UnknownStream { .. }), "{error}");
    };
    check("payments");
    town.streams[0].remake(None);
    town.clock.advance(60_000);
    check("orders");
}

#[test]
fn an_answer_from_the_future_counts_for_nothing() {
    let town = Town::new();
    town.put("one", &orders(0, 1));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..1));
    town.streams[0].remake(None);
    town.clock.advance(-1);
    assert!(block_on(function.take("orders", town.batch("one", 0..1))).is_err());
}

#[test]
fn a_stream_that_is_made_anew_has_new_logs() {
    let town = Town::new();
    town.put("one", &orders(0, 2));
    let mut function = town.function(RULES);
    take_all(&mut function, town.batch("one", 0..1));
    let anew = StreamId { created_at: START.plus(1), ..stream() };
    town.streams[0].remake(Some(anew));
    town.streams[0].open(&shard("one"), &[]);
    town.clock.advance(60_000);
    take_all(&mut function, town.batch("one", 1..2));
    assert_eq!(town.entries("one").len(), 1);
}

#[test]
fn an_empty_batch_is_nothing() {
    let town = Town::new();
    town.put("one", &orders(0, 1));
    let taken = take(&mut town.function(RULES), town.batch("one", 0..0));
    assert_eq!((taken.failed_from, taken.entries), (None, 0));
    assert_eq!(town.entries("one").len(), 0);
}
