//! Pushes of `CloudEvents`: the published cases of the HTTP binding and its envelopes, the published cases of JSON as elements of a
//! batch, and what the decoder makes of the records.

mod published;

use super::oracle::check;
use super::{replayed, shared_data};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use streamgauge_dev::cloud_events::{Limits, read};
use streamgauge_engine::decode::{Decoder, Record};

/// The records of a push, as texts.
fn records(headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let records = read(&headers, body, Limits::default()).map_err(|refusal| refusal.to_string())?;
    Ok(records.spans.iter().map(|span| records.text[span.clone()].to_vec()).collect())
}

/// The event of a push that holds only one.
#[track_caller]
fn event(headers: &[(&str, &str)], body: &[u8]) -> Map<String, Value> {
    let records = records(headers, body).unwrap();
    assert_eq!(records.len(), 1);
    serde_json::from_slice(&records[0]).unwrap()
}

#[test]
fn the_published_requests_are_read_as_published() {
    let Some(vectors) = shared_data::vectors() else { return };
    let path = vectors.join("cloudevents/features/http-protocol-binding.feature");
    let cases = published::requests(&std::fs::read_to_string(path).unwrap());
    assert_eq!(cases.len(), 4);
    for case in cases {
        let headers: Vec<_> =
            case.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut event = event(&headers, case.body.as_bytes());
        assert_eq!(event.remove("data").unwrap(), case.data);
        assert_eq!(event, case.attributes);
    }
}

/// What the published envelopes say, by the form in which it was sent.
#[test]
fn the_published_envelopes_come_through_in_every_form() {
    let Some(vectors) = shared_data::vectors() else { return };
    let mut read = 0;
    for file in ["v1.yaml", "v03.yaml", "v1.0/v1_minimum.yaml", "v0.3/v03_minimum.yaml"] {
        let text = std::fs::read_to_string(vectors.join("cloudevents/yaml").join(file)).unwrap();
        for envelope in published::envelopes(&text) {
            let expected = envelope.event();
            let mut headers = vec![("content-type".to_owned(), envelope.content_type().to_owned())];
            headers.extend(envelope.headers());
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(event(&headers, envelope.data.as_bytes()), expected, "{file}");
            let structured = [("Content-Type", "application/cloudevents+json; charset=utf-8")];
            let body = serde_json::to_vec_pretty(&expected).unwrap();
            assert_eq!(event(&structured, &body), expected, "{file}");
            read += 1;
        }
    }
    assert_eq!(read, 15);
}

const BATCH: [(&str, &str); 1] = [("content-type", "application/cloudevents-batch+json")];

/// Whether these are the elements of the array, as they stand in it; an array that is none has no elements.
fn agrees(array: &str) -> Result<(), String> {
    let expected = serde_json::from_str::<Vec<Box<RawValue>>>(array);
    let expected = expected.map(|elements| {
        elements.iter().map(|element| element.get().as_bytes().to_vec()).collect::<Vec<_>>()
    });
    let found = records(&BATCH, array.as_bytes());
    let are_all_json = |records: &[Vec<u8>]| {
        records.iter().all(|record| serde_json::from_slice::<&RawValue>(record).is_ok())
    };
    match (&expected, &found) {
        (Ok(expected), Ok(found)) if expected == found => Ok(()),
        // One element at least is one that the decoder rejects.
        (Err(_), Ok(found)) if !are_all_json(found) => Ok(()),
        (Err(_), Err(_)) => Ok(()),
        _ => Err(format!("{array:?} should be {expected:?} and is {found:?}")),
    }
}

#[test]
fn the_published_cases_of_json_are_cut_out_of_a_batch() {
    let Some(vectors) = shared_data::vectors() else { return };
    for entry in std::fs::read_dir(vectors.join("json/test_parsing")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        for array in [format!("[{text}]"), format!("[{{}},{text},{{}}]"), text.to_owned()] {
            // The reader of the test has a limit to nesting that is its own.
            if text.matches('[').count() < 100 && text.trim_start().starts_with(['[', '{']) {
                agrees(&array).unwrap();
            }
        }
    }
}

/// Pieces of JSON, and of what only looks like it.
const PIECES: [&str; 17] = [
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "\\",
    "1",
    " ",
    "\n",
    "{}",
    "[]",
    "\"a\"",
    "{\"a\":1}",
    "null",
    "\\\"",
];

#[test]
fn a_batch_is_cut_where_json_cuts_it() {
    check(5000, vec(select(&PIECES[..]), 0..9), |pieces| {
        agrees(&format!("[{}]", pieces.concat())).map_err(TestCaseError::fail)
    });
}

/// Pretty-printed events have line ends in them, and one that is none keeps its place.
#[test]
fn the_decoder_takes_the_records_as_they_are() {
    let plan = replayed::plan(
        "late: drop\nmetrics:\n  revenue: {sum: data.amount, where: type == \"paid\", window: 1m}\n",
    );
    let event = |id: &str, amount: &str| {
        let event = json!({"id": id, "type": "paid", "time": "2026-01-05T10:00:00Z", "data": {"amount": 0}});
        let text = serde_json::to_string_pretty(&event).unwrap();
        text.replace("\"amount\": 0", &format!("\"amount\": {amount}"))
    };
    let batch =
        [event("a", "0.1"), "7".to_owned(), event("b", "0.20"), "{\"id\":\n1 1}".to_owned()];
    let body = format!("[\n{}\n]\n", batch.join(",\n"));
    let headers: [(&str, &[u8]); 1] = [("content-type", BATCH[0].1.as_bytes())];
    let records = read(&headers, body.as_bytes(), Limits::default()).unwrap();
    let spans = records.spans.into_iter().zip(0..);
    let spans = spans.map(|(bytes, position)| Record { bytes, arrival: None, position });
    let decoded = Decoder::new(plan).decode(&records.text, spans);
    assert_eq!((decoded.events.len(), decoded.takes.len()), (2, 2));
    let rejects = decoded.rejects.iter().map(|reject| (reject.position, reject.code.as_str()));
    assert_eq!(rejects.collect::<Vec<_>>(), [(1, "not_an_object"), (3, "invalid_json")]);
}

/// Without an id an event of the binary form is a reject as any other, with its reason.
#[test]
fn what_an_event_needs_the_rules_say() {
    let plan = replayed::plan(
        "late: drop\nevent: {identity: subject, id: subject}\nmetrics:\n  all: {count: true, window: 1m}\n",
    );
    let decode = |headers: &[(&str, &str)]| {
        let record = records(headers, b"").unwrap().remove(0);
        let span = Record { bytes: 0..record.len(), arrival: None, position: 0 };
        let decoded = Decoder::new(Arc::clone(&plan)).decode(&record, std::iter::once(span));
        decoded.rejects.first().map(|reject| reject.code.as_str())
    };
    let base = [("ce-specversion", "1.0"), ("ce-type", "t"), ("ce-time", "2026-01-05T10:00:00Z")];
    assert_eq!(decode(&[base.as_slice(), &[("ce-subject", "order-1")]].concat()), None);
    assert_eq!(decode(&[base.as_slice(), &[("ce-id", "1")]].concat()), Some("missing_identity"));
    assert_eq!(decode(&[("ce-specversion", "1.0")]), Some("missing_type"));
}
