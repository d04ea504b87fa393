//! The process or the power goes at each single call to the disk: what was acknowledged is there, and nothing is there in part.

use super::disk::Disk;
use super::kill::spawning;
use super::{NewEntry, Place, Store, append, entries, entry, log, open, put, snapshots, state};
use crate::store::StoreError;
use std::io::ErrorKind;
use streamgauge_pipeline::port::log::{Append, Entry, Version};
use streamgauge_pipeline::port::snapshots::Put;

/// How many versions the script appends; after every second one it puts a snapshot.
const VERSIONS: u64 = 6;

fn scripted(version: u64) -> Entry {
    entry(version, if version == 4 { 9_000 } else { 100 * usize::try_from(version).unwrap() })
}

/// How many entries the script then appends to another log at once.
const TOGETHER: u64 = 3;

/// What was acknowledged: the last entry and the last snapshot, and the last of those that were appended at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Acknowledged {
    entry: u64,
    snapshot: u64,
    together: u64,
}

/// Appends and puts until something fails.
fn write(store: &Store, acknowledged: &mut Acknowledged) -> Result<(), String> {
    for version in 1..=VERSIONS {
        assert_eq!(append(store, &log(0), version, &scripted(version))?, Append::Appended);
        acknowledged.entry = version;
        if version % 2 == 0 {
            let before = Some(acknowledged.snapshot).filter(|&before| before > 0);
            assert_eq!(put(store, &log(0), before, version)?, Put::Swung);
            acknowledged.snapshot = version;
        }
    }
    let (other, made): (_, Vec<_>) = (log(1), (1..=TOGETHER).map(scripted).collect());
    let new = |(entry, version)| NewEntry { log: &other, version: Version(version), entry };
    let new: Vec<_> = made.iter().zip(1..).map(new).collect();
    let outcomes = store.append_all(&new).map_err(|error| error.to_string())?;
    assert!(outcomes.iter().all(|&outcome| outcome == Append::Appended));
    acknowledged.together = TOGETHER;
    Ok(())
}

/// A store of these bytes. Only a file knows what to do with one whose making was interrupted.
fn store_of(bytes: Vec<u8>, place: &Place) -> Result<Store, StoreError> {
    match Disk::of(bytes.clone()).store() {
        Err(StoreError::Foreign { .. }) => {
            std::fs::write(&place.0, bytes).unwrap();
            let _no_child = spawning();
            open(&place.0)
        }
        outcome => outcome,
    }
}

/// The bytes hold all that was acknowledged, at most the next write besides, and take another.
fn check(bytes: Vec<u8>, place: &Place, acknowledged: Acknowledged, when: &str) {
    let store = store_of(bytes, place).unwrap_or_else(|error| panic!("{when}: {error:?}"));
    let found = entries(&store, &log(0)).unwrap();
    let count = u64::try_from(found.len()).unwrap();
    assert!((acknowledged.entry..=acknowledged.entry + 1).contains(&count), "{when}: {count}");
    let expected = (1..=count).map(|version| (version, scripted(version)));
    assert!(found.into_iter().eq(expected), "{when}: other entries");
    let loaded = snapshots(&store, &log(0)).unwrap();
    let newest = loaded.first().map_or(0, |newest| newest.version().0);
    let (before, next) = (acknowledged.snapshot, acknowledged.snapshot + 2);
    assert!(newest == before || newest == next, "{when}: {newest}, not {before} or {next}");
    let kept = [newest, newest.saturating_sub(2)].into_iter().filter(|&version| version > 0);
    let kept: Vec<_> = kept.map(|version| (Version(version), state(version))).collect();
    let loaded: Vec<_> =
        loaded.iter().map(|loaded| (loaded.version(), loaded.state().to_vec())).collect();
    assert_eq!(loaded, kept, "{when}");
    let together = u64::try_from(entries(&store, &log(1)).unwrap().len()).unwrap();
    let is_whole = together == acknowledged.together || together == TOGETHER;
    assert!(is_whole, "{when}: {together} of those that were appended at once");
    assert_eq!(append(&store, &log(0), count + 1, &entry(9, 9)), Ok(Append::Appended), "{when}");
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_process_or_the_power_goes() {
    let whole = Disk::default();
    {
        let mut acknowledged = Acknowledged::default();
        write(&whole.store().unwrap(), &mut acknowledged).unwrap();
        assert_eq!(
            acknowledged,
            Acknowledged { entry: VERSIONS, snapshot: VERSIONS, together: TOGETHER }
        );
    }
    let place = Place::new("power");
    for call in 0..=whole.calls() {
        let disk = Disk::default();
        disk.fail_at(call, ErrorKind::Other);
        let mut acknowledged = Acknowledged::default();
        if let Ok(store) = disk.store() {
            let outcome = write(&store, &mut acknowledged);
            assert_eq!(outcome.is_err(), acknowledged.together < TOGETHER, "{outcome:?}");
        }
        check(disk.bytes(), &place, acknowledged, &format!("dead at call {call}"));
        for seed in 0..4 {
            let when = format!("no power at call {call}, seed {seed}");
            check(disk.after_power_off(seed), &place, acknowledged, &when);
        }
    }
}
