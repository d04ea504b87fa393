//! The layout as values: what goes in comes out, nothing is over a limit, and what cannot be read is told.

use super::entry::{self, lay_out, projected};
use super::keys::{entry_key, root_key, version_key};
use super::names::{ATTEMPT, DIRECTORY, FORMAT as FORMAT_NAME, LEFT_AT, NEWEST, REVISION};
use super::root::{Body, INLINE_STATE_BYTES_MAX, Kept, Root};
use super::{TTL, ttl_seconds};
use crate::item::{ITEM_BYTES_MAX, Item, Unreadable, bytes, item_bytes, number, text};
use crate::layout::keys::PieceSet;
use aws_sdk_dynamodb::types::AttributeValue;
use proptest::prelude::*;
use std::collections::BTreeSet;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::log::{
    CHUNKS_MAX, Chunks, Entry, HEADER_BYTES_MAX, Label, LogId, Version, Wanted,
};
use streamgauge_pipeline::port::source::{ShardKey, StreamId};
use streamgauge_pipeline::port::{PIECE_BYTES_MAX, Partition};

const AT: Timestamp = Timestamp::from_millis(1_795_341_600_250);

/// The longest names that AWS allows for streams and shards, and a long writer.
fn long_log() -> LogId {
    let stream = StreamId { name: "s".repeat(128).into(), created_at: AT };
    LogId::shard(&ShardKey { stream, shard: "i".repeat(128).into() })
}

/// Lays an entry out, checks the limits, and puts it together again.
#[track_caller]
fn check(header: usize, chunks: &[(u16, usize)], wanted: Wanted<'_>) {
    let chunks = chunks.iter().map(|&(label, bytes)| {
        let mark = u8::try_from(label % 251).unwrap();
        (Label(label), vec![mark; bytes])
    });
    let entry = Entry::new(vec![9; header], chunks.collect(), AT).unwrap();
    let attempt = "w".repeat(128);
    let layout = lay_out(&long_log(), Version(7), &attempt, &entry);
    assert!(item_bytes(&layout.item) <= ITEM_BYTES_MAX, "{}", item_bytes(&layout.item));
    let set = PieceSet::of_entry(&long_log(), Version(7), &attempt);
    for (number, &piece) in (0..).zip(&layout.pieces) {
        let item = set.item(number, piece, Some(AT));
        assert!(item_bytes(&item) <= ITEM_BYTES_MAX && !piece.is_empty());
    }
    let mut item = layout.item;
    let expires_at = entry::expires_at(&mut item).unwrap();
    let mut found = entry::read(item, expires_at, wanted).unwrap();
    let whole = entry.with_only(wanted);
    assert_eq!(found.bytes(), whole.bytes());
    for cut in &found.cuts {
        let pieces =
            cut.pieces.clone().map(|number| layout.pieces[usize::try_from(number).unwrap()]);
        let chunk = pieces.collect::<Vec<_>>().concat();
        assert_eq!(chunk.len(), cut.bytes);
        assert!(found.chunks.insert(cut.label, chunk).is_none());
    }
    let read = Entry::new(found.header, found.chunks, found.expires_at).unwrap();
    assert!(read == whole);
}

#[test]
fn entries_at_the_limits_fit() {
    check(0, &[], Wanted::All);
    check(HEADER_BYTES_MAX, &[], Wanted::All);
    check(HEADER_BYTES_MAX, &[(0, (16 << 20) - HEADER_BYTES_MAX)], Wanted::All);
    let most = u16::try_from(CHUNKS_MAX).unwrap();
    let room = (16 << 20) - HEADER_BYTES_MAX;
    let all: Vec<_> = (0..most).map(|place| (u16::MAX - place, room / CHUNKS_MAX)).collect();
    check(HEADER_BYTES_MAX, &all, Wanted::All);
    let small: Vec<_> = (0..most).map(|place| (u16::MAX - place, 4 << 10)).collect();
    check(HEADER_BYTES_MAX, &small, Wanted::All);
}

#[test]
fn a_reader_gets_what_it_wants_whether_cut_or_not() {
    let chunks = [(0, PIECE_BYTES_MAX + 1), (1, 10), (2, PIECE_BYTES_MAX), (3, 0), (500, 5_000)];
    for labels in
        [&[][..], &[Label(0)], &[Label(1), Label(2)], &[Label(3), Label(500)], &[Label(9)]]
    {
        check(5, &chunks, Wanted::Only(labels));
        check(5, &chunks[3..], Wanted::Only(labels));
    }
}

proptest! {
    #[test]
    fn any_entry_comes_out_as_it_went_in(
        header in 0_usize..HEADER_BYTES_MAX,
        chunks in prop::collection::btree_map(any::<u16>(), prop_oneof![
            0_usize..5_000, 0_usize..100_000, PIECE_BYTES_MAX - 2..PIECE_BYTES_MAX + 2, 0_usize..1_000_000
        ], 0..12),
        wanted in prop::collection::vec(any::<u16>(), 0..3),
    ) {
        let chunks: Vec<_> = chunks.into_iter().collect();
        check(header, &chunks, Wanted::All);
        let wanted: Vec<_> = wanted.into_iter().chain(chunks.first().map(|chunk| chunk.0)).map(Label).collect();
        check(header, &chunks, Wanted::Only(&wanted));
    }

    #[test]
    fn keys_sort_as_versions(one in any::<u64>(), other in any::<u64>()) {
        prop_assert_eq!(one.cmp(&other), version_key(Version(one)).cmp(&version_key(Version(other))));
    }

    /// A damaged directory is told, or is one that the pieces will not fit; it takes no memory either way.
    #[test]
    fn any_directory_is_read_or_refused(directory in "[0-9: ]{0,40}") {
        let mut item = entry_item();
        item.insert(DIRECTORY.to_owned(), text(directory));
        let at = entry::expires_at(&mut item).unwrap();
        if let Ok(found) = entry::read(item, at, Wanted::All) {
            prop_assert!(found.cuts.iter().all(|cut| cut.pieces.len() <= 64));
        }
    }
}

fn entry_item() -> Item {
    let entry = Entry::new(vec![1], Chunks::new(), AT).unwrap();
    lay_out(&LogId::control(), Version(1), "attempt", &entry).item
}

#[test]
fn an_item_of_a_newer_format_says_what_to_update() {
    for item in [entry_item(), Root { revision: 1, ..Root::default() }.item(&LogId::control())] {
        let mut newer = item;
        newer.insert(FORMAT_NAME.to_owned(), number(2));
        let as_entry = entry::expires_at(&mut newer.clone()).unwrap_err();
        assert_eq!(as_entry, Unreadable::Newer { found: 2, known: 1 });
        assert_eq!(
            Root::read(newer).unwrap_err().to_string(),
            "the item has format 2 and this version reads up to 1; update the function that reads it"
        );
    }
}

#[test]
fn an_item_that_was_changed_by_hand_is_told_by_its_attribute() {
    let check = |name: &str, value: Option<AttributeValue>| {
        let mut item = entry_item();
        item.remove(name);
        item.extend(value.map(|value| (name.to_owned(), value)));
        let error = entry::expires_at(&mut item).and_then(|at| entry::read(item, at, Wanted::All));
        assert_eq!(error.unwrap_err(), Unreadable::attribute(name));
    };
    check(FORMAT_NAME, None);
    check(FORMAT_NAME, Some(number(0)));
    check(ATTEMPT, None);
    check("e", Some(text("soon")));
    check("h", Some(text("x")));
    check("c5", Some(text("x")));
    check("sk", Some(text("first")));
    check(DIRECTORY, Some(bytes(&[])));
    for directory in ["", "0", "0:1", "0:1:65", "0:16777217:1", "0:1:1:1", "65536:1:1"] {
        check(DIRECTORY, Some(text(directory)));
    }
}

#[test]
fn a_root_that_was_changed_by_hand_is_told_by_its_attribute() {
    let check = |name: &str, value: Option<AttributeValue>, told: &str| {
        let mut item = Root { revision: 1, ..Root::default() }.item(&LogId::control());
        item.remove(name);
        item.extend(value.map(|value| (name.to_owned(), value)));
        assert_eq!(Root::read(item).unwrap_err(), Unreadable::attribute(told));
    };
    check(REVISION, None, REVISION);
    check(LEFT_AT, Some(text("x")), LEFT_AT);
    check(NEWEST, Some(text("x")), NEWEST);
    check(NEWEST, Some(AttributeValue::M(Item::new())), "v");
    check("w", Some(text("x")), "w");
    check("g", Some(AttributeValue::L(vec![text("x")])), "g");
    let huge = |bytes: u64, pieces: u64| {
        let kept =
            [("v", number(1)), ("a", text("x")), ("l", number(bytes)), ("k", number(pieces))];
        AttributeValue::M(kept.map(|(name, value)| (name.to_owned(), value)).into())
    };
    check(NEWEST, Some(huge(1 << 40, 1)), "l");
    check(NEWEST, Some(huge(1, 1 << 20)), "l");
}

#[test]
fn no_two_items_share_a_key() {
    let lanes = ["a", "a/0#s", "a/0#s#1#w"].map(|lane| LogId::lane(lane, Partition::default()));
    let mut keys = BTreeSet::new();
    let mut count = 0;
    for log in &lanes {
        for version in [1, 10] {
            keys.insert(format!("{:?}", entry_key(log, Version(version))));
            for attempt in ["w", "w#1"] {
                for set in [
                    PieceSet::of_entry(log, Version(version), attempt),
                    PieceSet::of_state(log, Version(version), attempt),
                ] {
                    keys.extend([0, 1].map(|number| format!("{:?}", set.key(number))));
                    count += 2;
                }
            }
            count += 1;
        }
        keys.insert(format!("{:?}", root_key(log)));
        count += 1;
    }
    assert_eq!(keys.len(), count);
}

#[test]
fn a_ttl_is_never_before_its_time() {
    assert_eq!(
        [1_000, 1_001, 1_999, 0].map(|millis| ttl_seconds(Timestamp::from_millis(millis))),
        [1, 2, 2, 0]
    );
    ttl_seconds(Timestamp::from_millis(i64::MAX));
}

#[test]
fn too_many_labels_are_not_named() {
    let labels: Vec<_> = (0..401).map(Label).collect();
    assert_eq!(projected(Wanted::Only(&labels)), None);
    assert_eq!(projected(Wanted::All), None);
    let names = projected(Wanted::Only(&[Label(3), Label(3)])).unwrap();
    assert_eq!(names, ["sk", "f", "a", "e", "h", "d", "c3"]);
}

fn kept(version: u64, body: Body) -> Kept {
    Kept { version: Version(version), attempt: format!("w{version}"), body }
}

fn cut(version: u64) -> Kept {
    kept(version, Body::Cut { bytes: 70_000, pieces: 1 })
}

fn versions(kept: &[Kept]) -> Vec<u64> {
    kept.iter().map(|kept| kept.version.0).collect()
}

#[test]
fn a_root_forgets_no_pieces_that_have_no_ttl() {
    let root = Root::default().claimed(cut(5)).swung(cut(5)).claimed(cut(7)).swung(cut(7));
    assert_eq!(versions(&root.leftovers), [0; 0]);
    let root = root.claimed(cut(9)).claimed(cut(10)).swung(cut(10));
    assert_eq!(versions(&root.leftovers), [5, 9]);
    assert!(root.holds("w10") && root.holds("w7") && !root.holds("w9"));
    let root = root.swung(kept(11, Body::Inline(vec![])));
    assert_eq!((versions(&root.leftovers), root.revision), (vec![7], 8));
    let mut root = root.swung(kept(12, Body::Inline(vec![])));
    assert_eq!(versions(&root.leftovers), [10]);
    for version in 20..40 {
        root = root.claimed(cut(version));
    }
    assert!(!root.is_claimed_by("w23") && root.is_claimed_by("w24"));
    assert_eq!(versions(&root.leftovers), [23], "the root before held the ones before that");
}

#[test]
fn an_expired_root_counts_as_none_but_for_its_revision() {
    let root = Root { left_at: Some(AT), ..Root::default().claimed(cut(1)).swung(cut(1)) };
    assert_eq!(root.clone().at(AT.minus(1)), root);
    assert_eq!(root.clone().at(AT), Root { revision: 2, ..Root::default() });
    assert_eq!(root.item(&LogId::control())[TTL], number(ttl_seconds(AT)));
}

/// The largest root: two states, and as many claims and leftovers as there can be.
#[test]
fn the_largest_root_fits() {
    let attempt = "w".repeat(128);
    let inline = |version| Kept {
        attempt: attempt.clone(),
        ..kept(version, Body::Inline(vec![0; INLINE_STATE_BYTES_MAX]))
    };
    let mut root = Root::default().swung(inline(1)).swung(inline(2));
    for version in 3..60 {
        root = root.claimed(Kept { attempt: attempt.clone(), ..cut(version) });
    }
    root.leftovers = root.writing.clone();
    assert!(item_bytes(&root.item(&long_log())) < ITEM_BYTES_MAX / 2);
}
