//! By whose clock a store is kept.

use super::{Place, append, causes, entries, entry, log, open, say_about};
use crate::store::KeptBy;
use crate::store::tables::{ABOUT, CLOCK_KEY, FORMAT_KEY};
use redb::{Database, ReadableDatabase};
use std::path::Path;
use streamgauge_pipeline::port::log::Append;

/// What a store says when it is opened and asked for this clock.
fn asked(path: &Path, by: KeptBy) -> KeptBy {
    open(path).unwrap().made_for(by).unwrap()
}

/// The format and the clock, as they stand in the file.
fn about(path: &Path) -> [Option<u64>; 2] {
    let database = Database::open(path).unwrap();
    let table = database.begin_read().unwrap().open_table(ABOUT).unwrap();
    [FORMAT_KEY, CLOCK_KEY].map(|key| table.get(key).unwrap().map(|found| found.value()))
}

#[test]
fn the_first_that_asks_marks_it_and_the_mark_survives_reopening() {
    for (first, other) in [(KeptBy::Machine, KeptBy::Events), (KeptBy::Events, KeptBy::Machine)] {
        let place = Place::new("kept");
        assert_eq!(asked(&place.0, first), first);
        assert_eq!(asked(&place.0, other), first, "the other one is told so");
        assert_eq!(asked(&place.0, first), first, "and has changed nothing");
    }
}

#[test]
fn a_store_without_mark_takes_it_and_has_the_same_format() {
    let place = Place::new("unmarked");
    let store = open(&place.0).unwrap();
    assert_eq!(append(&store, &log(0), 1, &entry(1, 9)), Ok(Append::Appended));
    drop(store);
    assert_eq!(about(&place.0), [Some(1), None]);
    assert_eq!(asked(&place.0, KeptBy::Events), KeptBy::Events);
    assert_eq!(about(&place.0), [Some(1), Some(2)]);
    assert_eq!(asked(&place.0, KeptBy::Machine), KeptBy::Events);
    assert_eq!(about(&place.0), [Some(1), Some(2)]);
    assert_eq!(entries(&open(&place.0).unwrap(), &log(0)), Ok(vec![(1, entry(1, 9))]));
}

#[test]
fn a_clock_that_is_none_is_damage() {
    let place = Place::new("clockless");
    drop(open(&place.0).unwrap());
    say_about(&place.0, CLOCK_KEY, 3);
    let error = open(&place.0).unwrap().made_for(KeptBy::Machine).unwrap_err();
    assert!(causes(&error).contains("is damaged"), "{}", causes(&error));
}
