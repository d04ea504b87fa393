//! The event against AWS's examples, and its size against its bytes.

use super::*;
use crate::stream::SequenceNumber;
use proptest::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `$STREAMGAUGE_SHARED/vectors/lambda`, or `shared/vectors/lambda` beside the repository. A clone has none: what needs it
/// passes.
fn vector(name: &str) -> Option<String> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("STREAMGAUGE_SHARED").map_or_else(beside, PathBuf::from);
    std::fs::read_to_string(shared.join("vectors/lambda").join(name)).ok()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A record of an example, as a stream would have given it.
fn record(example: &Value) -> Record {
    let kinesis = &example["kinesis"];
    let arrival = (kinesis["approximateArrivalTimestamp"].as_f64().unwrap() * 1000.0).round();
    Record {
        sequence_number: SequenceNumber::new(text(&kinesis["sequenceNumber"])),
        partition_key: text(&kinesis["partitionKey"]).into(),
        data: STANDARD.decode(text(&kinesis["data"])).unwrap().into(),
        arrival: format!("{arrival:.0}")
            .parse::<i64>()
            .map(|ms| Timestamp::from_millisecond(ms).unwrap())
            .unwrap(),
        encryption: kinesis.get("encryptionType").map(|kind| text(kind).into()),
    }
}

fn frame(example: &Value) -> EventFrame {
    let shard: ShardId = text(&example["eventID"]).split(':').next().unwrap().into();
    EventFrame::new(
        &Arn::new(text(&example["eventSourceARN"])),
        &shard,
        text(&example["awsRegion"]),
        text(&example["invokeIdentityArn"]),
    )
}

/// The text without the white space outside of strings: fields stay in their order.
fn compact(text: &str) -> String {
    let mut inside = false;
    let is_kept = |letter: &char| {
        inside ^= *letter == '"';
        inside || !letter.is_whitespace()
    };
    text.chars().filter(is_kept).collect()
}

#[track_caller]
fn check_example(name: &str) {
    let Some(example) = vector(name) else { return };
    let value: Value = serde_json::from_str(&example).unwrap();
    let examples = value["Records"].as_array().unwrap();
    let records: Vec<Record> = examples.iter().map(record).collect();
    let frame = frame(&examples[0]);
    let event = event(&frame, &records);
    assert_eq!(event, compact(&example), "the bytes of {name}");
    assert_eq!(serde_json::from_str::<Value>(&event).unwrap(), value);
}

fn event(frame: &EventFrame, records: &[Record]) -> String {
    let bytes = records.iter().map(|record| frame.record_bytes(record)).sum();
    let event = frame.event(records.iter(), bytes);
    assert_eq!(event.len(), EventFrame::event_bytes(records.len(), bytes));
    String::from_utf8(event.to_vec()).unwrap()
}

#[test]
fn events_are_those_of_the_examples() {
    check_example("example-kinesis-event.json");
    check_example("example-kinesis-event-encrypted.json");
}

#[track_caller]
fn check_seconds(milliseconds: i64, expect: &str) {
    let moment = Timestamp::from_millisecond(milliseconds).unwrap();
    let mut text = String::new();
    push_seconds(moment, &mut text);
    assert_eq!(text, expect);
    assert_eq!(seconds_bytes(moment), expect.len());
}

#[test]
fn times_are_seconds_with_up_to_three_digits() {
    check_seconds(1_545_084_650_987, "1545084650.987");
    check_seconds(1_545_084_650_980, "1545084650.98");
    check_seconds(1_545_084_650_900, "1545084650.9");
    check_seconds(1_545_084_650_007, "1545084650.007");
    check_seconds(1_545_084_650_070, "1545084650.07");
    check_seconds(1_545_084_650_000, "1545084650");
    check_seconds(0, "0");
    check_seconds(5, "0.005");
}

#[test]
fn an_event_of_no_records_is_still_one() {
    let frame = EventFrame::new(&Arn::new("arn"), &Arc::from("shardId-0"), "eu-west-1", "arn:role");
    assert_eq!(event(&frame, &[]), "{\"Records\":[]}");
}

proptest! {
    #[test]
    fn sizes_are_known_before(
        records in proptest::collection::vec(
            (any::<String>(), proptest::collection::vec(any::<u8>(), 0..50), 0..4_000_000_000_000_i64, any::<bool>()),
            0..8,
        ),
    ) {
        let frame = EventFrame::new(&Arn::new("arn"), &Arc::from("shardId-0"), "eu-west-1", "arn:role");
        let records: Vec<Record> = records
            .into_iter()
            .map(|(key, data, arrival, is_encrypted)| Record {
                sequence_number: SequenceNumber::new("49568167373333333333333333333333333333333333333333333333"),
                partition_key: key.into(),
                data: data.into(),
                arrival: Timestamp::from_millisecond(arrival).unwrap(),
                encryption: is_encrypted.then(|| "KMS".into()),
            })
            .collect();
        let value: Value = serde_json::from_str(&event(&frame, &records)).unwrap();
        for (record, written) in records.iter().zip(value["Records"].as_array().unwrap()) {
            prop_assert_eq!(&*record.partition_key, text(&written["kinesis"]["partitionKey"]));
            prop_assert_eq!(&record.data[..], STANDARD.decode(text(&written["kinesis"]["data"])).unwrap());
        }
    }
}
