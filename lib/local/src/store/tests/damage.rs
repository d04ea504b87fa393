//! A damaged file is an error or the right answer: never a panic, never another answer.

use super::disk::Disk;
use super::{Place, Store, append, entries, entry, log, open, put, snapshots};
use crate::store::StoreError;
use crate::store::tables::{CHUNKS, ENTRIES, ROOTS, STATES};
use redb::{ReadableTable, WriteTransaction};
use streamgauge_engine::hash::combine;
use streamgauge_pipeline::port::log::{Append, Entry};
use streamgauge_pipeline::port::snapshots::{Put, Snapshot};

/// How many damaged files are looked at, per kind of damage.
const CASES: u64 = 150;

/// All that a store has.
type All = (Vec<(u64, Entry)>, Vec<Snapshot>);

fn read(store: &Store) -> Result<All, String> {
    Ok((entries(store, &log(0))?, snapshots(store, &log(0))?))
}

/// A file of some pages, closed in order, and one whose process died.
fn files() -> [Vec<u8>; 2] {
    let disk = Disk::default();
    let store = disk.store().unwrap();
    for version in 1..=12 {
        let entry = entry(version, 500 * usize::try_from(version).unwrap());
        assert_eq!(append(&store, &log(0), version, &entry), Ok(Append::Appended));
    }
    assert_eq!(put(&store, &log(0), None, 4), Ok(Put::Swung));
    assert_eq!(put(&store, &log(0), Some(4), 8), Ok(Put::Swung));
    let dead = disk.bytes();
    drop(store);
    [disk.bytes(), dead]
}

/// Damages files by seeds, and returns how many were still read, as they should be.
fn check(damage: impl Fn(&mut Vec<u8>, u64)) -> u64 {
    let [closed, dead] = files();
    let expected = read(&Disk::of(closed.clone()).store().unwrap()).unwrap();
    let mut were_read = 0;
    for seed in 0..CASES {
        let mut bytes = if seed % 2 == 0 { closed.clone() } else { dead.clone() };
        damage(&mut bytes, combine(seed, 1));
        let found = match Disk::of(bytes).store() {
            Ok(store) => read(&store),
            Err(
                error @ (StoreError::Damaged { .. }
                | StoreError::Foreign { .. }
                | StoreError::Newer { .. }),
            ) => Err(error.to_string()),
            Err(other) => panic!("seed {seed}: {other:?}"),
        };
        if let Ok(found) = found {
            assert!(found == expected, "seed {seed}: another answer, {} entries", found.0.len());
            were_read += 1;
        }
    }
    were_read
}

fn pick(dice: u64, below: usize) -> usize {
    usize::try_from(dice % u64::try_from(below).unwrap()).unwrap()
}

#[test]
fn flipped_bits_are_found() {
    let were_read = check(|bytes, dice| {
        let place = pick(dice, bytes.len());
        bytes[place] ^= 1 << pick(combine(dice, 2), 8);
    });
    assert!((1..CASES).contains(&were_read), "some bits are used and some are not: {were_read}");
}

#[test]
fn lost_pages_are_found() {
    let were_read = check(|bytes, dice| {
        let start = pick(dice, bytes.len() / 4_096) * 4_096;
        bytes[start..start + 4_096].fill(u8::try_from(combine(dice, 2) % 2).unwrap() * 0xff);
    });
    assert!((1..CASES).contains(&were_read), "some pages are used and some are not: {were_read}");
}

#[test]
fn cut_files_are_found() {
    let were_read = check(|bytes, dice| bytes.truncate(1 + pick(dice, bytes.len() - 1)));
    assert!(were_read < CASES / 2, "{were_read}");
}

/// A value that is not its key's, in a file that redb finds in order.
fn check_value(what: &str, change: impl Fn(&WriteTransaction)) {
    let place = Place::new(what);
    std::fs::write(&place.0, &files()[0]).unwrap();
    let database = redb::Database::open(&place.0).unwrap();
    let write = database.begin_write().unwrap();
    change(&write);
    write.commit().unwrap();
    drop(database);
    let error = read(&open(&place.0).unwrap()).unwrap_err();
    assert!(error.contains("is damaged") && error.contains("checksum"), "{error}");
}

#[test]
fn a_value_under_the_key_of_another_is_found() {
    check_value("heads", |write| {
        let mut entries = write.open_table(ENTRIES).unwrap();
        let other = entries.get(("settle/0", 2)).unwrap().unwrap().value().to_vec();
        entries.insert(("settle/0", 1), &*other).unwrap();
    });
    check_value("chunks", |write| {
        let mut chunks = write.open_table(CHUNKS).unwrap();
        let other = chunks.get(("settle/0", 2, 0, 0)).unwrap().unwrap().value().to_vec();
        chunks.insert(("settle/0", 1, 0, 0), &*other).unwrap();
    });
    check_value("roots", |write| {
        let mut roots = write.open_table(ROOTS).unwrap();
        let mut root = roots.get("settle/0").unwrap().unwrap().value().to_vec();
        root[9] ^= 1;
        roots.insert("settle/0", &*root).unwrap();
    });
    check_value("states", |write| {
        let mut states = write.open_table(STATES).unwrap();
        let other = states.get(("settle/0", 4, 0)).unwrap().unwrap().value().to_vec();
        states.insert(("settle/0", 8, 0), &*other).unwrap();
    });
}
