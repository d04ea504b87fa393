//! What stands around the data of each record: a megabyte of payload has half a megabyte of it, and it is nearly the same in
//! every record.
//!
//! Lambda writes compact JSON, so a payload is first cut where a record seems to end, and each piece is read by the engine's
//! [`Extractor`], which knows the layout of the record before. That is a guess about where to cut and nothing more: pieces
//! that are objects, with commas between them, make an array whatever they were cut by. Where one is no object, or a value is
//! not written plainly, the whole payload is read as any JSON.

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use streamgauge_engine::field::{FieldTable, FieldValues, Raw};
use streamgauge_engine::json::Extractor;

/// How a payload begins and ends.
const HEAD: &str = "{\"Records\":[";
const TAIL: &str = "]}";
/// How a record ends and the next begins.
const BETWEEN: &[u8] = b"},{\"kinesis\":";
/// About how long a record without data is.
const RECORD_BYTES_MIN: usize = 512;

/// What of a record is needed, borrowed from the payload.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope<'a> {
    /// The sequence number.
    pub(super) sequence: Cow<'a, str>,
    /// The data, as base64.
    pub(super) data: Cow<'a, str>,
    /// The arrival time, as written.
    pub(super) arrival: &'a str,
    /// The shard and the sequence number.
    pub(super) id: Cow<'a, str>,
    /// The stream's ARN.
    pub(super) stream: Cow<'a, str>,
}

/// The envelopes of all records.
pub(super) fn read(payload: &str) -> Result<Vec<Envelope<'_>>, serde_json::Error> {
    cut(payload).map_or_else(|| parse(payload), Ok)
}

/// Reads a payload by cutting it; absent: it is not written as usual, or is wrong.
fn cut(payload: &str) -> Option<Vec<Envelope<'_>>> {
    let records = payload.strip_prefix(HEAD)?.strip_suffix(TAIL)?;
    let last = HEAD.len() + records.len();
    let mut fields = FieldTable::default();
    let paths = [
        &["kinesis", "sequenceNumber"][..],
        &["kinesis", "data"],
        &["kinesis", "approximateArrivalTimestamp"],
        &["eventID"],
        &["eventSourceARN"],
    ];
    let [sequence, data, arrival, id, stream] = paths.map(|path| fields.intern(path));
    let mut extractor = Extractor::new(&fields);
    let mut values = FieldValues::new(fields.len());
    let mut envelopes = Vec::with_capacity(records.len() / RECORD_BYTES_MIN + 1);
    let mut start = HEAD.len();
    let ends = memmem::find_iter(payload.as_bytes(), BETWEEN).map(|place| place + 1);
    for end in ends.chain([last]) {
        extractor.extract(payload, start..end, &mut values).ok()?;
        let Raw::Number(written) = values.get(arrival) else { return None };
        envelopes.push(Envelope {
            sequence: text(values.get(sequence))?,
            data: text(values.get(data))?,
            arrival: written,
            id: text(values.get(id))?,
            stream: text(values.get(stream))?,
        });
        start = end + 1;
    }
    Some(envelopes)
}

/// A string without escapes.
fn text(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    match raw {
        Raw::Text(text) => Some(Cow::Borrowed(text)),
        _ => None,
    }
}

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "Records")]
    records: Vec<Record<'a>>,
}

#[derive(Debug, Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    kinesis: Kinesis<'a>,
    #[serde(borrow, rename = "eventID")]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "eventSourceARN")]
    stream: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis<'a> {
    #[serde(borrow)]
    sequence_number: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    approximate_arrival_timestamp: &'a RawValue,
}

/// Reads a payload as any JSON.
fn parse(payload: &str) -> Result<Vec<Envelope<'_>>, serde_json::Error> {
    let event: Event<'_> = serde_json::from_str(payload)?;
    let records = event.records.into_iter();
    let envelopes = records.map(|Record { kinesis, id, stream }| Envelope {
        sequence: kinesis.sequence_number,
        data: kinesis.data,
        arrival: kinesis.approximate_arrival_timestamp.get(),
        id,
        stream,
    });
    Ok(envelopes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A record as Lambda writes it, with this partition key.
    fn record(number: u64, key: &str) -> String {
        format!(
            r#"{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":{},"sequenceNumber":"{number}","data":"eA==","approximateArrivalTimestamp":1545084650.{number}}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"s-1:{number}","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::0:role/r","awsRegion":"us-east-1","eventSourceARN":"arn:aws:kinesis:us-east-1:0:stream/s"}}"#,
            serde_json::Value::from(key)
        )
    }

    fn event(records: &[String]) -> String {
        format!("{HEAD}{}{TAIL}", records.join(","))
    }

    /// Whether a payload is read by cutting it; in any case it is read as by any reader of JSON.
    #[track_caller]
    fn check(payload: &str, is_cut: bool) {
        let cut = cut(payload);
        assert_eq!(cut.is_some(), is_cut, "{payload}");
        if let Some(cut) = cut {
            assert_eq!(cut, parse(payload).unwrap());
        }
    }

    #[test]
    fn what_lambda_writes_is_cut() {
        check(&event(&[record(1, "a")]), true);
        check(&event(&[record(1, "a"), record(2, "b"), record(3, "c")]), true);
    }

    #[test]
    fn keys_of_partitions_that_look_like_records_are_no_records() {
        let key = r#"x"},{"kinesis":{"sequenceNumber":"9"#;
        check(&event(&[record(1, key), record(2, "},{\"kinesis\":"), record(3, "a")]), true);
    }

    #[test]
    fn what_is_written_otherwise_is_read_all_the_same() {
        let payload = event(&[record(1, "a"), record(2, "b")]);
        let spaced = payload.replace("},{", "}, {");
        check(&spaced, false);
        assert_eq!(read(&spaced).unwrap().len(), 2);
        let escaped = payload.replace("eA==", r"eA\u003d=");
        check(&escaped, false);
        assert_eq!(read(&escaped).unwrap(), read(&payload).unwrap());
    }

    #[test]
    fn what_is_wrong_is_wrong_either_way() {
        let payload = event(&[record(1, "a"), record(2, "b")]);
        for wrong in [
            payload.replace("\"eventID\":\"s-1:2\",", ""),
            payload.replace("\"sequenceNumber\":\"2\"", "\"sequenceNumber\":2"),
            payload.replacen("\"data\"", "\"sequenceNumber\":\"7\",\"data\"", 1),
            payload.replace("]}", ",]}"),
        ] {
            check(&wrong, false);
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn cutting_agrees_with_any_reader(
            keys in proptest::collection::vec(".{0,20}", 1..4),
            place in any::<prop::sample::Index>(),
            with in proptest::option::of("[\\\\\"{}\\[\\],:a0 ]{0,3}"),
        ) {
            let records: Vec<String> = (1..).zip(&keys).map(|(number, key)| record(number, key)).collect();
            let mut payload = event(&records);
            if let Some(with) = with {
                let at = place.index(payload.len());
                if payload.is_char_boundary(at) {
                    payload.insert_str(at, &with);
                }
            }
            if let Some(cut) = cut(&payload) {
                prop_assert_eq!(cut, parse(&payload).unwrap());
            }
        }
    }
}
