//! Files that are not taken, and why; disks that are full or read-only.

use super::disk::Disk;
use super::{Place, append, causes, clock, entries, entry, log, open, say_about};
use crate::store::held::{Held, over};
use crate::store::tables::FORMAT_KEY;
use crate::store::{LocalStore, Reading, StoreError, read_log};
use redb::{Database, TableDefinition};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Append, Version, Wanted};

fn check(path: &Path, message: &str) {
    let error = open(path).unwrap_err();
    let expected = message.replace("PATH", &path.display().to_string());
    assert_eq!(causes(&error), expected);
}

fn check_bytes(bytes: &[u8], message: &str) {
    let place = Place::new("bytes");
    std::fs::write(&place.0, bytes).unwrap();
    check(&place.0, message);
    assert_eq!(std::fs::read(&place.0).unwrap(), bytes, "the file is as it was");
}

#[test]
fn a_second_one_on_the_same_file_is_told_so() {
    let place = Place::new("second");
    let store = open(&place.0).unwrap();
    check(
        &place.0,
        "the store `PATH` is open already; stop the process that has it, or name another file",
    );
    assert_eq!(append(&store, &log(0), 1, &entry(1, 1)), Ok(Append::Appended));
}

#[test]
fn other_files_are_left_alone() {
    let foreign = "`PATH` is not a store of events; name another file: \
        Not a redb database: magic number mismatch";
    check_bytes(b"{\"type\":\"order.created\"}\n", foreign);
    check_bytes(&vec![1; 100_000], foreign);
    let mut late = vec![0; 100_000];
    late[99_999] = 1;
    check_bytes(&late, foreign);
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let place = Place::new("another");
    let database = Database::create(&place.0).unwrap();
    let write = database.begin_write().unwrap();
    let theirs: TableDefinition<'_, u64, u64> = TableDefinition::new("theirs");
    drop(write.open_table(theirs).unwrap());
    write.commit().unwrap();
    drop(database);
    check(
        &place.0,
        "`PATH` is not a store of events; name another file: Table 'about' does not exist",
    );
}

#[test]
fn a_later_format_is_named() {
    let place = Place::new("later");
    drop(open(&place.0).unwrap());
    say_about(&place.0, FORMAT_KEY, 2);
    check(
        &place.0,
        "the store `PATH` was written by a later version; use that one, or name another file: \
         found format 2; formats up to 1 are known",
    );
}

#[test]
fn a_later_format_of_the_file_is_told_from_damage() {
    let place = Place::new("later-file");
    drop(open(&place.0).unwrap());
    let mut bytes = std::fs::read(&place.0).unwrap();
    // The versions of both commit slots.
    bytes[64] = 4;
    bytes[192] = 4;
    std::fs::write(&place.0, bytes).unwrap();
    assert!(matches!(open(&place.0).unwrap_err(), StoreError::Newer { .. }));
}

#[test]
fn a_missing_folder_and_a_folder_are_named() {
    let folder = std::env::temp_dir();
    let missing = folder.join("streamgauge-no-such-folder/x.store");
    assert!(matches!(open(&missing).unwrap_err(), StoreError::NotFound { .. }));
    assert!(matches!(open(&folder).unwrap_err(), StoreError::Foreign { .. }));
}

/// A file whose making was interrupted: no more than a part of its first page was written.
fn check_unborn(bytes: &[u8]) {
    let place = Place::new("unborn");
    std::fs::write(&place.0, bytes).unwrap();
    let store = open(&place.0).unwrap();
    assert_eq!(append(&store, &log(0), 1, &entry(1, 1)), Ok(Append::Appended));
}

#[test]
fn a_file_whose_making_was_interrupted_is_made() {
    check_unborn(&[]);
    let mut bytes = vec![0; 73_728];
    check_unborn(&bytes);
    bytes[9..4_096].fill(7);
    check_unborn(&bytes);
}

/// What happens to an open store's file is an error when it is opened again, and no new store is made in its place.
fn check_gone(change: impl Fn(&Path), expected: &str) {
    let place = Place::new("gone");
    let store = open(&place.0).unwrap();
    assert_eq!(append(&store, &log(0), 1, &entry(1, 1)), Ok(Append::Appended));
    change(&place.0);
    let failed: Result<(), _> = store.held.with(|_| Err(redb::Error::PreviousIo));
    assert!(failed.is_err());
    let error = entries(&store, &log(0)).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_store_whose_file_is_gone_is_not_made_anew() {
    let replace = |path: &Path, bytes: &[u8]| {
        std::fs::remove_file(path).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    check_gone(|path| std::fs::remove_file(path).unwrap(), "found neither the store");
    check_gone(|path| replace(path, &[]), "is damaged");
    check_gone(|path| replace(path, &vec![0; 73_728]), "is not a store");
}

/// A disk that takes no change is an error of this kind, and when it takes them again the store goes on by itself.
fn check_failure(failure: ErrorKind, message: &str) {
    let disk = Disk::default();
    let store = disk.store().unwrap();
    assert_eq!(append(&store, &log(0), 1, &entry(1, 9)), Ok(Append::Appended));
    disk.fail_at(disk.calls(), failure);
    let error = append(&store, &log(0), 2, &entry(2, 9)).unwrap_err();
    let expected = format!(
        "could not append version 2 to `settle/0`; the call may have taken effect and can be repeated: {message}: "
    );
    assert!(error.starts_with(&expected), "{error}");
    disk.fail_at(u64::MAX, failure);
    assert_eq!(entries(&store, &log(0)).unwrap().first(), Some(&(1, entry(1, 9))));
    let outcome = append(&store, &log(0), 2, &entry(2, 9));
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(entries(&store, &log(0)), Ok(vec![(1, entry(1, 9)), (2, entry(2, 9))]));
}

#[test]
fn a_disk_that_takes_no_changes_is_named_and_waited_for() {
    let full = "found no room for the store `disk`; make some on its disk: what was acknowledged is still there";
    check_failure(ErrorKind::StorageFull, full);
    check_failure(ErrorKind::QuotaExceeded, full);
    let read_only = "had no right to write the store `disk`; give it to the user that runs this";
    check_failure(ErrorKind::ReadOnlyFilesystem, read_only);
    check_failure(ErrorKind::PermissionDenied, read_only);
    let other = "could not read or write the store `disk`; look at its disk and try again";
    check_failure(ErrorKind::Other, other);
}

#[test]
fn a_full_disk_keeps_what_was_acknowledged_and_goes_on_when_there_is_room() {
    let disk = Disk::default();
    let store = disk.store().unwrap();
    disk.limit(1 << 20);
    let mut acknowledged = 0;
    let error = loop {
        match append(&store, &log(0), acknowledged + 1, &entry(acknowledged + 1, 20_000)) {
            Ok(outcome) => assert_eq!(outcome, Append::Appended),
            Err(error) => break error,
        }
        acknowledged += 1;
    };
    assert!(error.contains("found no room for the store `disk`"), "{error}");
    assert!(acknowledged > 10, "{acknowledged}");
    let expected: Vec<_> =
        (1..=acknowledged).map(|version| (version, entry(version, 20_000))).collect();
    assert_eq!(entries(&store, &log(0)), Ok(expected), "a full disk can be read");
    assert!(append(&store, &log(0), acknowledged + 1, &entry(1, 20_000)).is_err());
    disk.limit(usize::MAX);
    let next = append(&store, &log(0), acknowledged + 1, &entry(1, 20_000));
    assert_eq!(next, Ok(Append::Appended));
}

#[test]
fn an_error_of_what_was_begun_before_does_not_close_what_was_opened_since() {
    let (disk, opens) = (Disk::default(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&opens);
    let opener = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        over(disk.clone())
    };
    let held = Held::by(Path::new("disk"), Box::new(opener)).unwrap();
    let store = LocalStore::of(held, clock());
    assert_eq!(append(&store, &log(0), 1, &entry(1, 1)), Ok(Append::Appended));
    let before = store.begin_read().unwrap();
    let fails = |reading: &Reading| {
        let failed: Result<(), _> = store.read_in(reading, |_| Err(redb::Error::PreviousIo));
        assert!(failed.is_err());
        entries(&store, &log(0)).unwrap();
        opens.load(Ordering::SeqCst)
    };
    assert_eq!(fails(&before), 2);
    let read = store.read_in(&before, |read| {
        read_log(read, clock().now(), "settle/0", Version::START, Wanted::All)
    });
    assert!(read.is_err(), "what it reads is closed");
    assert_eq!(fails(&before), 2, "and verified no further time");
    assert_eq!(fails(&store.begin_read().unwrap()), 3);
}
