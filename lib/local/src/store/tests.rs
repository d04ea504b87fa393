//! What a store promises, on a real file and on a disk that misbehaves.

mod bound;
mod contract;
mod damage;
mod disk;
mod kept;
mod kill;
mod model;
mod power;
mod refusal;

use super::{LocalStore, NewEntry, StoreError, tables};
use redb::{Database, ReadableDatabase, ReadableTableMetadata};
use std::path::{Path, PathBuf};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::memory::{VirtualClock, block_on};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Append, Chunks, Entry, Label, Log, LogId, Version, Wanted};
use streamgauge_pipeline::port::snapshots::{Put, Snapshot, Snapshots};

type Store = LocalStore<VirtualClock>;

/// A file of the test's own, which is deleted with this.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("streamgauge-{name}-{}.store", std::process::id());
        let place = Self(std::env::temp_dir().join(name));
        place.delete();
        place
    }

    fn delete(&self) {
        if self.0.exists() {
            std::fs::remove_file(&self.0).unwrap();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.delete();
    }
}

/// Some time that is not the beginning of time.
fn clock() -> VirtualClock {
    VirtualClock::new(Timestamp::from_millis(1_767_607_200_000))
}

fn open(path: &Path) -> Result<Store, StoreError> {
    LocalStore::open(path, clock())
}

/// Lets the file of a store say this about itself.
fn say_about(path: &Path, key: &'static str, number: u64) {
    let database = Database::open(path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(tables::ABOUT).unwrap().insert(key, number).unwrap();
    write.commit().unwrap();
}

fn log(number: u8) -> LogId {
    LogId::settle(Partition::new(number).unwrap())
}

/// An entry that is recognized by its number, with a small chunk and one of this size.
fn entry(number: u64, chunk_bytes: usize) -> Entry {
    let mark = u8::try_from(number % 251).unwrap();
    let chunks = Chunks::from([(Label(0), vec![mark]), (Label(7), vec![mark; chunk_bytes])]);
    Entry::new(number.to_le_bytes().to_vec(), chunks, Timestamp::from_millis(i64::MAX)).unwrap()
}

fn append(store: &Store, log: &LogId, version: u64, entry: &Entry) -> Result<Append, String> {
    block_on(store.append(log, Version(version), entry)).map_err(|error| causes(&error))
}

fn put(store: &Store, log: &LogId, expected: Option<u64>, version: u64) -> Result<Put, String> {
    let snapshot = Snapshot::new(Version(version), state(version)).unwrap();
    block_on(store.put(log, expected.map(Version), &snapshot)).map_err(|error| causes(&error))
}

fn state(version: u64) -> Vec<u8> {
    vec![u8::try_from(version % 251).unwrap(); 5_000]
}

/// The entries of a log, by their versions, in as many reads as it takes.
fn entries(store: &Store, log: &LogId) -> Result<Vec<(u64, Entry)>, String> {
    let mut entries: Vec<(u64, Entry)> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |&(version, _)| version);
        let read = block_on(store.read(log, Version(after), Wanted::All));
        let read = read.map_err(|error| causes(&error))?;
        if read.is_empty() {
            return Ok(entries);
        }
        entries.extend(read.into_iter().map(|logged| (logged.version.0, logged.entry)));
    }
}

/// The snapshots of a log, loaded.
fn snapshots(store: &Store, log: &LogId) -> Result<Vec<Snapshot>, String> {
    let load = || {
        let versions = block_on(store.versions(log))?;
        let loads = versions.into_iter().map(|version| block_on(store.load(log, version)));
        loads.collect::<Result<Vec<_>, _>>()
    };
    let loaded = load().map_err(|error| causes(&error))?;
    Ok(loaded.into_iter().map(|snapshot| snapshot.expect("it is named")).collect())
}

/// An error with all that is below it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let place = Place::new("reopened");
    let large = entry(2, 3 << 20);
    {
        let store = open(&place.0).unwrap();
        assert_eq!(append(&store, &log(0), 1, &entry(1, 0)), Ok(Append::Appended));
        assert_eq!(append(&store, &log(0), 2, &large), Ok(Append::Appended));
        assert_eq!(put(&store, &log(0), None, 2), Ok(Put::Swung));
    }
    let store = open(&place.0).unwrap();
    assert_eq!(entries(&store, &log(0)), Ok(vec![(1, entry(1, 0)), (2, large)]));
    assert_eq!(snapshots(&store, &log(0)).unwrap()[0].state(), state(2));
}

#[test]
fn many_appends_are_one_write_and_a_conflict_holds_up_no_other() {
    let place = Place::new("all");
    let store = open(&place.0).unwrap();
    let (one, other) = (log(0), log(1));
    let news = [(&one, 1), (&one, 2), (&other, 1), (&one, 2), (&one, 3)];
    let made: Vec<_> = (0..5).map(|number| entry(number, 10)).collect();
    let new: Vec<_> = news
        .iter()
        .zip(&made)
        .map(|(&(log, version), entry)| NewEntry { log, version: Version(version), entry })
        .collect();
    let appended = Append::Appended;
    let outcomes = store.append_all(&new).unwrap();
    assert_eq!(outcomes, [appended, appended, appended, Append::Conflict, appended]);
    let expected = [(1, 0), (2, 1), (3, 4)].map(|(version, number)| (version, entry(number, 10)));
    assert_eq!(entries(&store, &one), Ok(expected.to_vec()));
    assert_eq!(entries(&store, &other), Ok(vec![(1, entry(2, 10))]));
}

#[test]
fn writes_delete_what_has_expired() {
    let place = Place::new("sweep");
    let clock = clock();
    let store = LocalStore::open(&place.0, clock.clone()).unwrap();
    let chunks = Chunks::from([(Label(0), vec![1; 2 << 20])]);
    let passing = Entry::new(vec![], chunks, Timestamp::from_millis(1_767_607_200_001)).unwrap();
    for version in 1..=20 {
        assert_eq!(append(&store, &log(0), version, &passing), Ok(Append::Appended));
    }
    assert_eq!(put(&store, &log(1), None, 7), Ok(Put::Swung));
    block_on(store.expire(&log(1), clock.now().plus(1))).unwrap();
    let sizes = || {
        let listing = store.list().unwrap();
        listing.logs.values().map(|log| (log.entries, log.snapshots.len())).collect::<Vec<_>>()
    };
    assert_eq!(sizes(), [(20, 0), (0, 1)]);
    clock.advance(1);
    assert_eq!(entries(&store, &log(0)), Ok(vec![]));
    assert_eq!(append(&store, &log(2), 1, &entry(1, 0)), Ok(Append::Appended));
    assert_eq!(sizes(), [(4, 0), (0, 1), (1, 0)], "a write deletes 16");
    assert_eq!(append(&store, &log(2), 2, &entry(2, 0)), Ok(Append::Appended));
    assert_eq!(sizes(), [(2, 0)]);
}

#[test]
fn nothing_is_left_of_what_was_deleted() {
    let place = Place::new("left");
    let clock = clock();
    let store = LocalStore::open(&place.0, clock.clone()).unwrap();
    let chunks = Chunks::from([(Label(0), vec![1; 2 << 20]), (Label(1), vec![])]);
    let passing = Entry::new(vec![], chunks, Timestamp::from_millis(1_767_607_200_001)).unwrap();
    assert_eq!(append(&store, &log(0), 1, &passing), Ok(Append::Appended));
    for (expected, version) in [(None, 1), (Some(1), 2), (Some(2), 3), (Some(3), 4)] {
        assert_eq!(put(&store, &log(1), expected, version), Ok(Put::Swung));
        assert_eq!(put(&store, &log(2), expected, version), Ok(Put::Swung));
    }
    block_on(store.expire(&log(1), clock.now())).unwrap();
    assert_eq!(append(&store, &log(3), 1, &entry(1, 1)), Ok(Append::Appended));
    clock.advance(1);
    assert_eq!(append(&store, &log(3), 2, &entry(2, 1)), Ok(Append::Appended));
    drop(store);
    let database = Database::open(&place.0).unwrap();
    let read = database.begin_read().unwrap();
    let lengths = [
        read.open_table(tables::ENTRIES).unwrap().len(),
        read.open_table(tables::CHUNKS).unwrap().len(),
        read.open_table(tables::ROOTS).unwrap().len(),
        read.open_table(tables::STATES).unwrap().len(),
        read.open_table(tables::EXPIRIES).unwrap().len(),
    ];
    assert_eq!(lengths.map(Result::unwrap), [2, 4, 1, 2, 2]);
}

#[test]
fn what_has_expired_does_not_come_back() {
    let place = Place::new("back");
    let clock = clock();
    let store = LocalStore::open(&place.0, clock.clone()).unwrap();
    assert_eq!(put(&store, &log(0), None, 1), Ok(Put::Swung));
    block_on(store.expire(&log(0), clock.now().plus(1))).unwrap();
    clock.advance(1);
    block_on(store.expire(&log(0), clock.now().plus(1))).unwrap();
    assert_eq!(snapshots(&store, &log(0)), Ok(vec![]));
    assert_eq!(put(&store, &log(0), None, 1), Ok(Put::Swung));
}

#[test]
fn a_listing_says_what_is_there() {
    let place = Place::new("list");
    let clock = clock();
    let store = LocalStore::open(&place.0, clock.clone()).unwrap();
    let passing =
        Entry::new(vec![0; 5], Chunks::new(), Timestamp::from_millis(1_767_607_200_001)).unwrap();
    assert_eq!(append(&store, &log(0), 4, &passing), Ok(Append::Appended));
    assert_eq!(append(&store, &log(0), 5, &entry(1, 1_000)), Ok(Append::Appended));
    assert_eq!(append(&store, &log(0), 7, &entry(2, 0)), Ok(Append::Appended));
    assert_eq!(put(&store, &log(0), None, 4), Ok(Put::Swung));
    assert_eq!(put(&store, &log(0), Some(4), 5), Ok(Put::Swung));
    block_on(store.expire(&log(3), Timestamp::from_millis(1_767_607_300_000))).unwrap();
    clock.advance(1);
    let expected = "\
        settle/0: versions 4-5 7, 3 entries (1 expired), 1023 bytes; snapshots 5 (5000 bytes) 4 (5000 bytes)\n\
        settle/3: versions none, 0 entries (0 expired), 0 bytes; snapshots none, ignored from 1767607300000 ms on\n";
    assert_eq!(store.list().unwrap().to_string(), expected);
}
