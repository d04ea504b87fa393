//! Logs that have grown large let go what nobody needs.

use super::{Place, append, entries, entry, log, open};
use std::fs;
use streamgauge_pipeline::port::log::{Append, Version};

/// An entry has so many bytes and some.
const ENTRY_BYTES: usize = 50_000;
/// The logs take so many of the file together.
const BYTES_MAX: u64 = 1_000_000;

/// The versions that a log has.
fn versions(store: &super::Store, number: u8) -> Vec<u64> {
    let found = entries(store, &log(number)).unwrap();
    found.into_iter().map(|(version, _)| version).collect()
}

/// Much of the pages that an entry stands in may be empty: of 4,500 bytes, nearly half.
#[test]
fn what_nobody_needs_goes_from_a_log_that_is_too_large_and_the_file_does_not_grow() {
    for (entry_bytes, fit) in [(1_500, 228), (4_500, 118), (ENTRY_BYTES, 15)] {
        let place = Place::new("bound");
        let store = open(&place.0).unwrap().with_logs_bytes_max(BYTES_MAX);
        for version in 1..=300 {
            let new = entry(version, entry_bytes);
            assert_eq!(append(&store, &log(0), version, &new), Ok(Append::Appended));
            store.let_go(&log(0), Version(version.saturating_sub(3)));
        }
        let left = versions(&store, 0);
        assert_eq!((left.len(), left.last()), (fit, Some(&300)), "as many as fit");
        let file_bytes = fs::metadata(&place.0).unwrap().len();
        // A file grows to twice its size when it is full.
        assert!(file_bytes < 5 * BYTES_MAX / 2, "{file_bytes} with entries of {entry_bytes}");
    }
}

#[test]
fn what_is_needed_stays_however_much_it_is_and_so_does_what_was_never_spoken_of() {
    let place = Place::new("bound_needed");
    let store = open(&place.0).unwrap().with_logs_bytes_max(BYTES_MAX);
    for version in 1..=60 {
        for number in [0, 1] {
            let new = entry(version, ENTRY_BYTES);
            assert_eq!(append(&store, &log(number), version, &new), Ok(Append::Appended));
        }
        store.let_go(&log(0), Version(version.min(5)));
    }
    assert_eq!(versions(&store, 0), (5..=60).collect::<Vec<_>>());
    assert_eq!(versions(&store, 1), (1..=60).collect::<Vec<_>>());
}

/// What it had before is counted when it is spoken of, and goes with the writes that follow.
#[test]
fn a_store_that_was_opened_anew_counts_what_it_has() {
    let place = Place::new("bound_again");
    {
        let store = open(&place.0).unwrap();
        for version in 1..=60 {
            let new = entry(version, ENTRY_BYTES);
            assert_eq!(append(&store, &log(0), version, &new), Ok(Append::Appended));
        }
    }
    let store = open(&place.0).unwrap().with_logs_bytes_max(BYTES_MAX);
    store.let_go(&log(0), Version(58));
    for version in 1..=4 {
        assert_eq!(append(&store, &log(1), version, &entry(version, 0)), Ok(Append::Appended));
    }
    assert_eq!(versions(&store, 0), (46..=60).collect::<Vec<_>>());
}
