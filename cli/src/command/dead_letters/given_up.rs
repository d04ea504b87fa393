//! What Lambda writes into the bucket when it gives records up: one document per batch, with the whole event
//! (<https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>).

use super::letter::{Held, HeldRecord, Letter};
use serde_json::Value;
use std::borrow::Cow;
use streamgauge_engine::hash;
use streamgauge_engine::time::Timestamp;
use streamgauge_kinesis::event;
use streamgauge_pipeline::port::source::ShardId;
use streamgauge_pipeline::shard_entry::RecordId;

/// The letters of a document; absent: it is none of Lambda's. `key` is its name in the bucket.
pub(super) fn letters(key: &str, document: &str) -> Option<Vec<Letter>> {
    let document: Value = serde_json::from_str(document).ok()?;
    let context = document.get("requestContext")?;
    let condition = context.get("condition")?.as_str()?;
    let arn = document.get("KinesisBatchInfo")?.get("streamArn")?.as_str()?;
    let origin = arn.rsplit('/').next().unwrap_or(arn).to_owned();
    let at = Timestamp::parse_rfc3339(document.get("timestamp")?.as_str()?).ok()?;
    let attempts =
        context.get("approximateInvokeCount").and_then(Value::as_u64).unwrap_or_default();
    let detail = format!("Lambda gave it up after about {attempts} invocations: {condition}");
    let code = snake_case(condition);
    let letter = |id, held| Letter {
        id,
        code: code.clone(),
        origin: origin.clone(),
        at,
        detail: detail.clone(),
        held,
    };
    let payload = match document.get("payload") {
        Some(Value::String(event)) => Some(Cow::Borrowed(event.as_str())),
        Some(Value::Null) | None => None,
        Some(event) => Some(Cow::Owned(event.to_string())),
    };
    let Some(invocation) = payload.and_then(|event| event::read(&event).ok()) else {
        let id = format!("g{:016x}", hash::stable(key.as_bytes()));
        return Some(vec![letter(id, Held::Lost)]);
    };
    let batch = invocation.batch;
    let shard = format!("{origin}/{}", batch.shard);
    let records = batch.records.into_iter().map(|record| {
        let held = HeldRecord {
            shard: ShardId::clone(&batch.shard),
            record: RecordId { sequence: record.sequence, sub_sequence: record.sub_sequence },
            arrival: record.arrival,
            payload: batch.text.get(record.bytes).unwrap_or_default().to_vec(),
            is_given_up: true,
            is_in_log: false,
        };
        letter(held.name('g', &shard), Held::Record(held))
    });
    Some(records.collect())
}

/// `RecordAgeExceeded` as `record_age_exceeded`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a bucket of AWS had it, with other names and data.
    const EVENT: &str = r#"{"Records":[{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"a","sequenceNumber":"49590338271490256608559692538361571095921575989136588898","data":"eyJpZCI6IjEifQ==","approximateArrivalTimestamp":1767607200.25},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000000:49590338271490256608559692538361571095921575989136588898","eventName":"aws:kinesis:record","awsRegion":"eu-west-1","eventSourceARN":"arn:aws:kinesis:eu-west-1:000000000000:stream/orders"}]}"#;

    fn document(payload: &Value) -> String {
        serde_json::json!({
            "requestContext": {
                "requestId": "a", "functionArn": "arn:aws:lambda:eu-west-1:000000000000:function:f",
                "condition": "RecordAgeExceeded", "approximateInvokeCount": 1
            },
            "version": "1.0",
            "timestamp": "2026-01-06T10:00:00.500Z",
            "KinesisBatchInfo": {
                "shardId": "shardId-000000000000",
                "startSequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                "endSequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                "batchSize": 1, "streamArn": "arn:aws:kinesis:eu-west-1:000000000000:stream/orders"
            },
            "payload": payload
        })
        .to_string()
    }

    #[test]
    fn each_record_of_a_document_is_a_letter() {
        let as_object: Value = serde_json::from_str(EVENT).unwrap();
        for payload in [Value::from(EVENT), as_object] {
            let letters = letters("any", &document(&payload)).unwrap();
            let [letter] = letters.as_slice() else { panic!("{letters:?}") };
            assert_eq!(
                (letter.code.as_str(), letter.origin.as_str()),
                ("record_age_exceeded", "orders")
            );
            assert_eq!(letter.at.to_rfc3339(), "2026-01-06T10:00:00.500Z");
            let Held::Record(held) = &letter.held else { panic!("{letter:?}") };
            assert_eq!(held.payload, br#"{"id":"1"}"#);
            assert_eq!(held.arrival.unwrap().as_millis(), 1_767_607_200_250);
            assert!(letter.id.starts_with('g'));
        }
    }

    #[test]
    fn a_document_without_its_event_is_shown_and_nothing_is_left_of_it() {
        let letters = letters("any", &document(&Value::Null)).unwrap();
        assert!(matches!(letters.as_slice(), [Letter { held: Held::Lost, .. }]));
    }

    #[test]
    fn what_is_not_lambdas_is_passed_over() {
        for text in ["", "{}", "[]", r#"{"requestContext":{"condition":"x"}}"#] {
            assert!(letters("any", text).is_none(), "{text}");
        }
    }
}
