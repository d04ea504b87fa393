//! SQS: requests as they are billed.
//!
//! Each API call is a request, and each begun 64 KB of payload one: a batch counts by the sum of its messages, a receive by
//! what it got, and one that got nothing is a request too. Payload is the body and the attributes with names, types and
//! values. <https://aws.amazon.com/sqs/pricing/>; how a receive is chunked AWS does not say, here it is as a send.

use crate::unit::{Charge, KB, Unit, base64_bytes, count};
use serde_json::Value;

/// The bytes of payload that a request is billed for.
pub const REQUEST_BYTES: u64 = 64 * KB;

/// Whether a queue is FIFO, by its URL.
fn is_fifo(request: &Value) -> bool {
    request
        .get("QueueUrl")
        .and_then(Value::as_str)
        .is_some_and(|url| url.rsplit('.').next() == Some("fifo"))
}

/// The payload of a message that is sent or was received.
fn message_bytes(message: &Value) -> u64 {
    let text = |value: &Value, name: &str| {
        count(value.get(name).and_then(Value::as_str).unwrap_or_default().len())
    };
    let attributes =
        message.get("MessageAttributes").and_then(Value::as_object).into_iter().flatten();
    let attributes = attributes.map(|(name, value)| {
        let binary = value.get("BinaryValue").and_then(Value::as_str).unwrap_or_default();
        count(name.len())
            + text(value, "DataType")
            + text(value, "StringValue")
            + base64_bytes(binary)
    });
    text(message, "MessageBody") + text(message, "Body") + attributes.sum::<u64>()
}

/// What a call costs. Calls that fail are billed as well; `answer` is null for those and for bodies that are no JSON.
pub fn charges(operation: &str, request: &Value, answer: &Value) -> Vec<Charge> {
    let list = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let (sent, received) = match operation {
        "SendMessage" => (vec![request.clone()], vec![]),
        "SendMessageBatch" => (list(request, "Entries"), vec![]),
        "ReceiveMessage" => (vec![], list(answer, "Messages")),
        _ => (vec![], vec![]),
    };
    let bytes: u64 = sent.iter().chain(&received).map(message_bytes).sum();
    let unit = if is_fifo(request) { Unit::FifoRequests } else { Unit::Requests };
    let failed = list(answer, "Failed").len();
    let accepted = if answer.is_null() { 0 } else { sent.len().saturating_sub(failed) };
    vec![
        (unit, bytes.div_ceil(REQUEST_BYTES).max(1)),
        (Unit::MessagesIn, count(accepted)),
        (Unit::MessagesOut, count(received.len())),
    ]
}

/// A form of the query protocol as the JSON of the newer one, as far as its cost needs.
pub fn of_form(body: &[u8]) -> Value {
    let mut request = serde_json::Map::new();
    let mut entries: Vec<Value> = Vec::new();
    for (key, value) in form_urlencoded::parse(body) {
        let value = Value::from(value.into_owned());
        if key == "QueueUrl" || key == "MessageBody" {
            request.insert(key.into_owned(), value);
        } else if key.ends_with(".MessageBody") {
            entries.push(serde_json::json!({"MessageBody": value}));
        }
    }
    if !entries.is_empty() {
        request.insert("Entries".to_owned(), entries.into());
    }
    request.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(operation: &str, request: &Value, answer: &Value, expect: (Unit, u64, u64, u64)) {
        let (unit, requests, sent, received) = expect;
        let charged = [(unit, requests), (Unit::MessagesIn, sent), (Unit::MessagesOut, received)];
        assert_eq!(charges(operation, request, answer), charged);
    }

    fn body(bytes: usize) -> Value {
        json!({"MessageBody": "x".repeat(bytes)})
    }

    #[test]
    fn each_64_kb_are_a_request() {
        let ok = json!({"MessageId": "1"});
        check("SendMessage", &body(1), &ok, (Unit::Requests, 1, 1, 0));
        check("SendMessage", &body(64 * 1024), &ok, (Unit::Requests, 1, 1, 0));
        check("SendMessage", &body(64 * 1024 + 1), &ok, (Unit::Requests, 2, 1, 0));
        check("SendMessage", &body(256 * 1024), &ok, (Unit::Requests, 4, 1, 0));
    }

    #[test]
    fn a_batch_counts_by_its_sum() {
        // 10 messages of 10 KB are 100 KB: 2 requests, not 10.
        let entries = json!({"Entries": vec![body(10 * 1024); 10]});
        check("SendMessageBatch", &entries, &json!({"Failed": []}), (Unit::Requests, 2, 10, 0));
        check(
            "SendMessageBatch",
            &entries,
            &json!({"Failed": [{}, {}]}),
            (Unit::Requests, 2, 8, 0),
        );
    }

    #[test]
    fn receives_count_by_what_they_got_and_when_empty() {
        check("ReceiveMessage", &json!({}), &json!({}), (Unit::Requests, 1, 0, 0));
        let messages =
            json!({"Messages": [{"Body": "x".repeat(60 * 1024)}, {"Body": "x".repeat(60 * 1024)}]});
        check("ReceiveMessage", &json!({}), &messages, (Unit::Requests, 2, 0, 2));
    }

    #[test]
    fn attributes_are_payload() {
        let attribute = json!({"DataType": "String", "StringValue": "x".repeat(64 * 1024 - 10)});
        let request = json!({"MessageBody": "abc", "MessageAttributes": {"n": attribute}});
        // 3 + 1 + 6 + 65,526 bytes are exactly 64 KB.
        check("SendMessage", &request, &json!({}), (Unit::Requests, 1, 1, 0));
    }

    #[test]
    fn fifo_queues_have_their_own_price() {
        let request = json!({"QueueUrl": "http://x/1/q.fifo"});
        check("DeleteMessage", &request, &json!({}), (Unit::FifoRequests, 1, 0, 0));
    }

    #[test]
    fn a_failed_call_is_billed_and_sends_nothing() {
        check("SendMessage", &body(1), &Value::Null, (Unit::Requests, 1, 0, 0));
    }

    #[test]
    fn forms_are_counted_too() {
        let form = of_form(b"Action=SendMessageBatch&QueueUrl=a.fifo&SendMessageBatchRequestEntry.1.MessageBody=x%20y");
        assert_eq!(form, json!({"QueueUrl": "a.fifo", "Entries": [{"MessageBody": "x y"}]}));
        assert_eq!(of_form(b"MessageBody=a"), json!({"MessageBody": "a"}));
    }
}
