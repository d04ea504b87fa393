//! What the memory adapters do beyond the contracts: limits, scripts, and cuts.

use super::{Fate, MemoryLog, MemorySource, MemoryWake, VirtualClock, block_on};
use crate::port::Partition;
use crate::port::clock::Clock;
use crate::port::log::{Append, Chunks, Entry, Label, Log, LogId, Version, Wanted};
use crate::port::source::{ShardId, Source, StreamId};
use crate::port::wake::{Function, Wake, WakeUp, When};
use std::task::{Context, Poll, Waker};
use streamgauge_engine::time::Timestamp;

fn clock() -> VirtualClock {
    VirtualClock::new(Timestamp::from_millis(1_000))
}

/// An entry of 10 bytes that expires at 2,000 ms.
fn entry() -> Entry {
    let chunks = Chunks::from([(Label(0), vec![0; 9])]);
    Entry::new(vec![0], chunks, Timestamp::from_millis(2_000)).unwrap()
}

fn versions(log: &MemoryLog<VirtualClock>) -> Vec<u64> {
    let read = block_on(log.read(&LogId::control(), Version::START, Wanted::All)).unwrap();
    read.iter().map(|logged| logged.version.0).collect()
}

#[test]
fn a_full_log_makes_room_only_of_what_has_expired() {
    let clock = clock();
    let log = MemoryLog::new(clock.clone(), 25);
    let append = |version| block_on(log.append(&LogId::control(), Version(version), &entry()));
    assert_eq!(append(1).unwrap(), Append::Appended);
    assert_eq!(append(2).unwrap(), Append::Appended);
    let full = append(3).unwrap_err().to_string();
    assert_eq!(
        full,
        "found no room in 25 bytes of memory; the call may have taken effect and can be repeated"
    );
    assert_eq!(versions(&log), [1, 2]);
    clock.set(Timestamp::from_millis(2_000));
    assert_eq!(append(3).unwrap(), Append::Appended);
}

#[test]
fn no_read_tells_whether_the_expired_was_deleted() {
    let clock = clock();
    let log = MemoryLog::new(clock.clone(), 100);
    let outcome = block_on(log.append(&LogId::control(), Version(1), &entry()));
    assert_eq!(outcome.unwrap(), Append::Appended);
    clock.advance(1_000);
    assert_eq!(versions(&log), [0; 0]);
    log.sweep();
    clock.set(Timestamp::EPOCH);
    assert_eq!(versions(&log), [0; 0], "a clock that is set back shows what was not deleted");
}

#[test]
fn a_dropped_append_took_effect_or_not() {
    for (polls, expected) in [(1, &[][..]), (2, &[1])] {
        let log = MemoryLog::new(clock(), 100);
        {
            let (control, entry) = (LogId::control(), entry());
            let mut append = Box::pin(log.append(&control, Version(1), &entry));
            for _ in 0..polls {
                let poll = append.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(poll, Poll::Pending));
            }
        }
        assert_eq!(versions(&log), expected);
    }
}

#[test]
fn a_dropped_append_of_a_large_entry_leaves_only_pieces_and_they_expire() {
    let clock = clock();
    // An entry is a byte of header and a chunk in three pieces.
    let log = MemoryLog::of_items(clock.clone(), 25, 4);
    for version in [1, 2] {
        let (control, entry) = (LogId::control(), entry());
        let mut append = Box::pin(log.append(&control, Version(version), &entry));
        for _ in 0..4 {
            let poll = append.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(poll, Poll::Pending));
        }
    }
    assert_eq!(versions(&log), [0; 0], "the item that names the pieces never came");
    let append = || block_on(log.append(&LogId::control(), Version(1), &entry()));
    assert!(append().is_err(), "the pieces take their room");
    clock.set(Timestamp::from_millis(1_999));
    assert!(append().is_err());
    clock.set(Timestamp::from_millis(2_000));
    let later = Entry::new(vec![0], entry().chunks().clone(), Timestamp::from_millis(3_000));
    let outcome = block_on(log.append(&LogId::control(), Version(1), &later.unwrap()));
    assert_eq!(outcome.unwrap(), Append::Appended);
    assert_eq!(versions(&log), [1]);
}

#[test]
fn wake_ups_are_lost_and_repeated_by_script_and_come_by_time() {
    let clock = clock();
    let wake = MemoryWake::new(clock.clone());
    let [lost, twice, early] = [0, 1, 2].map(|number| WakeUp {
        function: Function::Settle,
        partition: Partition::new(number).unwrap(),
    });
    wake.script(Fate::Lost);
    wake.script(Fate::Repeats);
    for (wake_up, at) in [(lost, 1_000), (twice, 3_000), (early, 2_000)] {
        block_on(wake.wake(wake_up, When::At(Timestamp::from_millis(at)))).unwrap();
    }
    assert_eq!((wake.take(), wake.next_at()), (None, Some(Timestamp::from_millis(2_000))));
    clock.advance(2_000);
    assert_eq!(
        [wake.take(), wake.take(), wake.take(), wake.take()],
        [Some(early), Some(twice), Some(twice), None]
    );
    assert_eq!(wake.next_at(), None);
}

#[test]
fn batches_are_cut_by_script_and_shards_take_turns() {
    let source = MemorySource::new(
        StreamId { name: "orders".into(), created_at: clock().now() },
        clock(),
        7,
    );
    let [one, other] = ["one", "other"].map(ShardId::from);
    source.open(&one, &[]);
    source.open(&other, &[]);
    for bytes in ["a", "b", "c"] {
        source.put(&one, bytes.as_bytes()).unwrap();
    }
    source.put(&other, b"d").unwrap();
    assert_eq!(source.put(&other, b"full"), None);
    let next = || {
        block_on(source.next())
            .unwrap()
            .map(|batch| (batch.shard, String::from_utf8(batch.text).unwrap()))
    };
    source.cut(2);
    assert_eq!(next(), Some((ShardId::clone(&one), "ab".to_owned())));
    assert_eq!(next(), Some((ShardId::clone(&other), "d".to_owned())));
    assert_eq!(next(), Some((ShardId::clone(&one), "abc".to_owned())));
    source.remove(&one);
    source.close(&other);
    assert_eq!(source.put(&other, b""), None);
    assert_eq!(source.put(&one, b""), None);
    assert_eq!(next(), Some((ShardId::clone(&other), "d".to_owned())));
}
