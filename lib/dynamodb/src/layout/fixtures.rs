//! Items of every format that was ever written, as `aws dynamodb get-item` prints them: they load and mean what they meant, and
//! today's code writes the newest ones byte for byte. Who changes what is written gives it a new format, and adds fixtures.

use super::entry::{self, Cut, Found, lay_out};
use super::keys::{PieceSet, read_piece};
use super::root::{Body, Kept, Root};
use crate::item::Item;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::PIECE_BYTES_MAX;
use streamgauge_pipeline::port::log::{Chunks, Entry, Label, LogId, Version, Wanted};

/// 2026-11-22T10:00:00.250Z.
const AT: Timestamp = Timestamp::from_millis(1_795_341_600_250);
const ATTEMPT: &str = "2026/11/22/[$LATEST]5f1c.19c2f3a5b7a.2";

fn value_to_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::B(blob) => json!({"B": STANDARD.encode(blob)}),
        AttributeValue::M(map) => json!({"M": to_json(map)}),
        AttributeValue::L(list) => {
            json!({"L": list.iter().map(value_to_json).collect::<Vec<_>>()})
        }
        other => panic!("the layout has no {other:?}"),
    }
}

fn to_json(item: &Item) -> Value {
    let members = item.iter().map(|(name, value)| (name.clone(), value_to_json(value)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn value_from_json(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "B" => AttributeValue::B(Blob::new(STANDARD.decode(text()).unwrap())),
        "M" => AttributeValue::M(from_json(value)),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(value_from_json).collect()),
        other => panic!("the layout has no {other}"),
    }
}

fn from_json(item: &Value) -> Item {
    let members = item.as_object().unwrap().iter();
    members.map(|(name, value)| (name.clone(), value_from_json(value))).collect()
}

/// The fixture is what today's code writes, and is given back as an item.
#[track_caller]
fn written(fixture: &str, item: &Item) -> Item {
    let fixture: Value = serde_json::from_str(fixture).unwrap();
    let today = to_json(item);
    assert!(fixture == today, "today's code writes\n{today:#}");
    from_json(&fixture)
}

fn found(mut item: Item) -> Found {
    let expires_at = entry::expires_at(&mut item).unwrap();
    entry::read(item, expires_at, Wanted::All).unwrap()
}

#[test]
fn a_small_entry_of_format_1() {
    let chunks =
        Chunks::from([(Label(0), vec![0, 255]), (Label(63), vec![]), (Label(1_000), vec![7])]);
    let entry = Entry::new(b"header".to_vec(), chunks.clone(), AT).unwrap();
    let log = LogId::settle(streamgauge_pipeline::port::Partition::default());
    let item = lay_out(&log, Version(12), ATTEMPT, &entry).item;
    let item = written(include_str!("../../tests/fixtures/format-1/entry.json"), &item);
    let expected = Found {
        version: Version(12),
        expires_at: AT,
        attempt: ATTEMPT.to_owned(),
        header: b"header".to_vec(),
        chunks,
        cuts: vec![],
    };
    assert_eq!(found(item), expected);
}

#[test]
fn a_large_entry_of_format_1() {
    let large = |bytes: usize| vec![1; bytes];
    let chunks = [(0, large(PIECE_BYTES_MAX + 1)), (1, vec![7]), (2, large(PIECE_BYTES_MAX))];
    let chunks: Chunks = chunks.into_iter().map(|(label, chunk)| (Label(label), chunk)).collect();
    let entry = Entry::new(b"header".to_vec(), chunks, AT).unwrap();
    let layout = lay_out(&LogId::control(), Version(u64::MAX), ATTEMPT, &entry);
    let item =
        written(include_str!("../../tests/fixtures/format-1/entry_in_pieces.json"), &layout.item);
    let cut = |label, bytes, pieces| Cut { label: Label(label), bytes, pieces };
    let expected = Found {
        version: Version(u64::MAX),
        expires_at: AT,
        attempt: ATTEMPT.to_owned(),
        header: b"header".to_vec(),
        chunks: Chunks::from([(Label(1), vec![7])]),
        cuts: vec![cut(0, PIECE_BYTES_MAX + 1, 0..2), cut(2, PIECE_BYTES_MAX, 2..3)],
    };
    assert_eq!(found(item), expected);
    assert_eq!(
        layout.pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(),
        [PIECE_BYTES_MAX, 1, PIECE_BYTES_MAX]
    );
}

#[test]
fn pieces_of_format_1() {
    #[track_caller]
    fn check(fixture: &str, today: &Item) {
        assert_eq!(read_piece(written(fixture, today)), Ok(b"piece".to_vec()));
    }
    let entry = PieceSet::of_entry(&LogId::control(), Version(12), ATTEMPT);
    let of_entry = entry.item(41, b"piece", Some(AT));
    check(include_str!("../../tests/fixtures/format-1/piece_of_entry.json"), &of_entry);
    let state = PieceSet::of_state(&LogId::control(), Version(12), ATTEMPT);
    let of_state = state.item(0, b"piece", None);
    check(include_str!("../../tests/fixtures/format-1/piece_of_state.json"), &of_state);
}

fn kept(version: u64, body: Body) -> Kept {
    Kept { version: Version(version), attempt: ATTEMPT.to_owned(), body }
}

#[test]
fn a_register_of_format_1() {
    let root = Root {
        revision: 2,
        newest: Some(kept(2, Body::Inline(b"two".to_vec()))),
        previous: Some(kept(1, Body::Inline(vec![]))),
        ..Root::default()
    };
    let log = LogId::lane("pagerduty", streamgauge_pipeline::port::Partition::default());
    let item =
        written(include_str!("../../tests/fixtures/format-1/root_register.json"), &root.item(&log));
    assert_eq!(Root::read(item), Ok(root));
}

#[test]
fn a_root_with_everything_of_format_1() {
    let cut = |version| kept(version, Body::Cut { bytes: 400_000, pieces: 2 });
    let root = Root {
        revision: 77,
        newest: Some(cut(9)),
        previous: Some(kept(7, Body::Inline(b"seven".to_vec()))),
        writing: vec![cut(12), cut(13)],
        leftovers: vec![cut(5)],
        left_at: Some(AT),
    };
    let item = written(
        include_str!("../../tests/fixtures/format-1/root.json"),
        &root.item(&LogId::control()),
    );
    assert_eq!(Root::read(item), Ok(root));
}
