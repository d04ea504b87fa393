//! Payloads as Lambda sends them, and what is read out of them.

use super::*;
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use streamgauge_pipeline::port::source::Record;

/// A record as Lambda writes it.
fn record(id: &str, arrival: &str, data: &[u8]) -> String {
    let sequence = id.split(':').next_back().unwrap();
    format!(
        r#"{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":"k","sequenceNumber":"{sequence}","data":"{}","approximateArrivalTimestamp":{arrival}}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"{id}","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::0:role/r","awsRegion":"us-east-1","eventSourceARN":"arn:aws:kinesis:us-east-1:0:stream/s"}}"#,
        STANDARD.encode(data)
    )
}

fn event(records: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

/// What stands in each record: its place, its arrival and its text.
fn seen(batch: &Batch) -> Vec<(String, u64, i64, String)> {
    let text = |record: &Record| String::from_utf8_lossy(&batch.text[record.bytes.clone()]).into();
    let records = batch.records.iter();
    records
        .map(|record| {
            let arrival = record.arrival.unwrap().as_millis();
            (record.sequence.as_str().to_owned(), record.sub_sequence, arrival, text(record))
        })
        .collect()
}

#[test]
fn records_come_in_order_with_their_places_and_times() {
    let payload = event(&[
        record("shardId-000000000003:49", "1545084650.987", b"{\"a\":1}"),
        record("shardId-000000000003:50", "1545084650.98", b""),
        record("shardId-000000000003:51", "1545084651", b"b"),
    ]);
    let Invocation { stream, batch } = read(&payload).unwrap();
    assert_eq!(stream, "arn:aws:kinesis:us-east-1:0:stream/s");
    assert_eq!(&*batch.shard, "shardId-000000000003");
    let expect = [
        ("49", 0, 1_545_084_650_987, "{\"a\":1}"),
        ("50", 0, 1_545_084_650_980, ""),
        ("51", 0, 1_545_084_651_000, "b"),
    ];
    let expect = expect
        .map(|(sequence, sub, arrival, text)| (sequence.to_owned(), sub, arrival, text.to_owned()));
    assert_eq!(seen(&batch), expect);
}

/// Shows a payload that is wrong.
#[track_caller]
fn check_error(payload: &str, expect: &str) {
    assert_eq!(read(payload).unwrap_err().to_string(), expect);
}

#[test]
fn what_lambda_does_not_send_is_an_error_that_says_so() {
    let good = record("s-1:1", "1", b"x");
    check_error(
        "{}",
        "the payload is no event of a Kinesis stream; does another source invoke this function?",
    );
    check_error(&event(&[]), "the event has no records; Lambda never sends such a one");
    check_error(
        &event(&[record("1", "1", b"")]),
        "the `eventID` \"1\" names no shard; it should be SHARD:SEQUENCE",
    );
    check_error(
        &event(&[good.clone(), record("s-2:2", "1", b"")]),
        "the event has records of `s-1` and of `s-2`; a batch is of one shard",
    );
    check_error(&event(&[record("s-1:x", "1", b"")]), "the event has a record without a place");
    check_error(&event(&[good.replace("eA==", "%")]), "the data of the record 1 are no base64");
    check_error(
        &event(&[record("s-1:7", "true", b"")]),
        "`approximateArrivalTimestamp` of the record 7 is no number of seconds",
    );
}

/// The real aggregated record that AWS's own modules are tested with, where it lies beside the repository.
#[test]
fn a_real_aggregated_record_is_unpacked() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("STREAMGAUGE_SHARED").map_or_else(beside, Into::into);
    let path = shared.join("vectors/kinesis/kpl-aggregated-lambda-event.json");
    let Ok(payload) = fs::read_to_string(path) else { return };
    let Invocation { batch, .. } = read(&payload).unwrap();
    let found = seen(&batch);
    let sequences: std::collections::BTreeSet<&str> =
        found.iter().map(|(sequence, ..)| sequence.as_str()).collect();
    for sequence in sequences {
        let packed: Vec<_> = found.iter().filter(|(here, ..)| here == sequence).collect();
        assert!(packed.len() > 1, "{sequence} is aggregated");
        let subs = packed.iter().map(|(_, sub, ..)| *sub);
        assert!(subs.eq(0..u64::try_from(packed.len()).unwrap()));
        let alphabet = "abcdefghijklmnopqrstuvwxyz";
        let backwards: String = alphabet.chars().rev().collect();
        let is_one = |text: &str| text == alphabet || text == backwards;
        assert!(packed.iter().all(|(.., text)| is_one(text)), "{packed:?}");
    }
}

proptest! {
    #[test]
    fn whatever_was_put_is_read(data in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..100), 1..20)) {
        let records = data.iter().enumerate();
        let records: Vec<String> = records.map(|(place, bytes)| record(&format!("s:{place}"), "1.5", bytes)).collect();
        let batch = read(&event(&records)).unwrap().batch;
        let found: Vec<&[u8]> = batch.records.iter().map(|record| &batch.text[record.bytes.clone()]).collect();
        prop_assert_eq!(found, data.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }

    #[test]
    fn no_payload_panics(payload in ".{0,200}") {
        drop(read(&payload));
    }
}
