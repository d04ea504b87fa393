//! Many writers while calls are throttled, fail, and lose their answers, by seed: one winner per version, no gap, nothing twice.

use super::Stand;
use std::collections::BTreeSet;
use streamgauge_dynamodb::{DynamoLog, DynamoSnapshots};
use streamgauge_engine::time::DAY_MS;
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::{Fault, Harm, Selector, When};
use streamgauge_meter::unit::Unit;
use streamgauge_pipeline::memory::VirtualClock;
use streamgauge_pipeline::port::PIECE_BYTES_MAX;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{
    Append, Chunks, Entry, Label, Log, LogId, Logged, Version, Wanted,
};
use streamgauge_pipeline::port::snapshots::{Put, Snapshot, Snapshots};

/// How many write at the same time.
const WRITERS: u8 = 4;
/// How many entries each of them appends.
const ENTRIES: u8 = 6;
/// How often a writer tries at most: more than enough, so that a defect is no endless loop.
const TRIES_MAX: usize = 2_000;

/// One call in so many is harmed in each way.
fn faults() -> Vec<Fault> {
    let harms = [Harm::Throttle, Harm::ServerError, Harm::CloseBefore, Harm::LoseAnswer];
    let faults = harms.map(|harm| Fault {
        selector: Selector { service: Some(Service::DynamoDb), ..Selector::default() },
        when: When::Chance(70_000),
        harm,
        at_most: 10_000,
    });
    faults.to_vec()
}

/// What a writer's entry holds: who and the how-many-th, and every third one is large.
fn entry(clock: &VirtualClock, writer: u8, number: u8) -> Entry {
    let chunk = if number % 3 == 0 { PIECE_BYTES_MAX + 5_000 } else { 100 };
    let chunks = Chunks::from([(Label(0), vec![writer; chunk]), (Label(1), vec![number; 5_000])]);
    Entry::new(vec![writer, number], chunks, clock.now().plus(8 * DAY_MS)).unwrap()
}

/// Reads a log to its end, whatever goes wrong meanwhile.
async fn read(log: &DynamoLog<VirtualClock>, after: Version) -> Vec<Logged> {
    let mut all: Vec<Logged> = Vec::new();
    for _ in 0..TRIES_MAX {
        let last = all.last().map_or(after, |last| last.version);
        match log.read(&LogId::control(), last, Wanted::All).await {
            Ok(part) if part.is_empty() => return all,
            Ok(part) => all.extend(part),
            Err(_) => {}
        }
    }
    panic!("no read has ended");
}

/// Appends its entries one after another, each on the version after the last that it has read, until it finds it there.
async fn write(log: DynamoLog<VirtualClock>, clock: VirtualClock, writer: u8) -> u32 {
    let (mut last, mut won) = (Version::START, 0);
    for number in 0..ENTRIES {
        let entry = entry(&clock, writer, number);
        let mut tries = 0;
        loop {
            tries += 1;
            assert!(tries < TRIES_MAX, "no append has ended");
            match log.append(&LogId::control(), last.next(), &entry).await {
                Ok(Append::Appended) => {
                    last = last.next();
                    won += 1;
                    break;
                }
                Ok(Append::Conflict) | Err(_) => {}
            }
            let read = read(&log, last).await;
            let is_there = read.iter().any(|logged| logged.entry.header() == entry.header());
            last = read.last().map_or(last, |last| last.version);
            if is_there {
                break;
            }
        }
    }
    won
}

async fn check_log(seed: u64) {
    let stand = Stand::with(seed, faults()).await;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let log = stand.log(&format!("writer-{writer}")).await;
        writers.push(tokio::spawn(write(log, stand.clock.clone(), writer)));
    }
    let mut won = 0;
    for writer in writers {
        won += writer.await.unwrap();
    }
    let found = read(&stand.log("reader").await, Version::START).await;
    let versions: Vec<u64> = found.iter().map(|logged| logged.version.0).collect();
    let count = u64::from(WRITERS) * u64::from(ENTRIES);
    assert_eq!(versions, (1..=count).collect::<Vec<_>>(), "seed {seed}");
    for logged in &found {
        let &[writer, number] = logged.entry.header() else { panic!("seed {seed}") };
        let whole = entry(&stand.clock, writer, number);
        assert!(logged.entry == whole, "seed {seed}: {writer}/{number} is not whole");
    }
    let distinct: BTreeSet<&[u8]> = found.iter().map(|logged| logged.entry.header()).collect();
    assert_eq!(distinct.len(), versions.len(), "seed {seed}");
    assert!(won > 0 && u64::from(won) <= count, "seed {seed}: {won}");
    let harmed: u64 =
        ["PutItem", "Query", "GetItem"].map(|call| stand.amount(call, Unit::Faults)).iter().sum();
    assert!(harmed > 10, "seed {seed}: {harmed}");
}

#[tokio::test]
async fn many_writers_of_a_log_in_a_storm() {
    for seed in 1..=3 {
        check_log(seed).await;
    }
}

/// A state that is recognized by its version: every second one is large.
fn snapshot(version: u64, writer: u8) -> Snapshot {
    let bytes = if version.is_multiple_of(2) { PIECE_BYTES_MAX + 1 } else { 50 };
    let mut state = vec![writer; bytes];
    state[..8].copy_from_slice(&version.to_be_bytes());
    Snapshot::new(Version(version), state).unwrap()
}

/// Raises the register, one version after the other, and says which it has surely put.
async fn raise(snapshots: DynamoSnapshots<VirtualClock>, writer: u8, up_to: u64) -> Vec<u64> {
    let log = LogId::control();
    let mut put = Vec::new();
    for _ in 0..TRIES_MAX {
        let Ok(versions) = snapshots.versions(&log).await else { continue };
        let newest = versions.first().copied();
        let next = newest.map_or(1, |newest| newest.0 + 1);
        if next > up_to {
            return put;
        }
        if let Ok(Put::Swung) = snapshots.put(&log, newest, &snapshot(next, writer)).await {
            put.push(next);
        }
    }
    panic!("no put has ended");
}

async fn check_snapshots(seed: u64) {
    let stand = Stand::with(seed, faults()).await;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let snapshots = stand.snapshots(&format!("writer-{writer}")).await;
        writers.push(tokio::spawn(raise(snapshots, writer, 12)));
    }
    let mut put = Vec::new();
    for writer in writers {
        put.extend(writer.await.unwrap());
    }
    let distinct: BTreeSet<u64> = put.iter().copied().collect();
    assert_eq!(distinct.len(), put.len(), "seed {seed}: {put:?} has a version of two writers");
    let calm = Stand { running: stand.running, ..stand };
    let direct = super::Table::new(&calm.direct, super::TABLE, "reader", calm.clock.clone());
    let snapshots = DynamoSnapshots::new(std::sync::Arc::new(direct));
    let versions = snapshots.versions(&LogId::control()).await.unwrap();
    assert_eq!(versions, [Version(12), Version(11)], "seed {seed}");
    for version in versions {
        let loaded = snapshots.load(&LogId::control(), version).await.unwrap().unwrap();
        let writer = loaded.state()[8];
        assert!(loaded == snapshot(version.0, writer), "seed {seed}: {version:?} is not whole");
    }
}

#[tokio::test]
async fn many_writers_of_snapshots_in_a_storm() {
    for seed in 4..=6 {
        check_snapshots(seed).await;
    }
}
