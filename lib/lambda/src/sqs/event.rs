//! What a function gets: `{"Records":[...]}`, each message in AWS's order of fields.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event>. Two things are not in that
//! example and are seen in events of AWS: a message attribute has empty `stringListValues` and `binaryListValues`, and a message
//! with attributes has `md5OfMessageAttributes` before `md5OfBody`.

use crate::arn::Arn;
use crate::hex::hex;
use crate::queue::{Message, MessageAttribute};
use bytes::Bytes;
use md5::{Digest, Md5};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;

/// The attributes in the order in which AWS writes them; all others come behind, by name.
const ATTRIBUTES: [&str; 9] = [
    "DeadLetterQueueSourceArn",
    "ApproximateReceiveCount",
    "AWSTraceHeader",
    "SentTimestamp",
    "SequenceNumber",
    "MessageGroupId",
    "SenderId",
    "MessageDeduplicationId",
    "ApproximateFirstReceiveTimestamp",
];

const START: &[u8] = br#"{"Records":["#;
const END: &[u8] = b"]}";

/// The bytes of an event of so many records with so many bytes.
pub(super) fn event_bytes(records: usize, bytes: usize) -> usize {
    START.len() + bytes + records.saturating_sub(1) + END.len()
}

/// The event of a batch.
pub(super) fn event<'a>(records: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut text = START.to_vec();
    for (place, record) in records.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(record);
    }
    text.extend_from_slice(END);
    text.into()
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    message_id: &'a str,
    receipt_handle: &'a str,
    body: &'a str,
    attributes: Attributes<'a>,
    message_attributes: BTreeMap<&'a str, Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<String>,
    md5_of_body: &'a str,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
    aws_region: &'a str,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Attribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<&'a str>,
    string_list_values: [&'a str; 0],
    binary_list_values: [&'a str; 0],
    data_type: &'a str,
}

struct Attributes<'a>(&'a BTreeMap<String, String>);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for name in ATTRIBUTES {
            if let Some(value) = self.0.get(name) {
                map.serialize_entry(name, value)?;
            }
        }
        for (name, value) in self.0.iter().filter(|(name, _)| !ATTRIBUTES.contains(&name.as_str()))
        {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// One message of a queue as JSON.
pub(super) fn record(message: &Message, queue: &Arn) -> Vec<u8> {
    let attributes = message.message_attributes.iter().map(|(name, attribute)| {
        let shown = Attribute {
            string_value: attribute.string_value.as_deref(),
            binary_value: attribute.binary_value.as_deref(),
            string_list_values: [],
            binary_list_values: [],
            data_type: &attribute.data_type,
        };
        (name.as_str(), shown)
    });
    let record = Record {
        message_id: &message.id,
        receipt_handle: &message.receipt,
        body: &message.body,
        attributes: Attributes(&message.attributes),
        message_attributes: attributes.collect(),
        md5_of_message_attributes: md5_of(&message.message_attributes),
        md5_of_body: &message.md5_of_body,
        event_source: "aws:sqs",
        event_source_arn: queue.as_str(),
        aws_region: queue.as_str().split(':').nth(3).unwrap_or_default(),
    };
    // Nothing in it can fail to be written: all keys are texts.
    serde_json::to_vec(&record).unwrap_or_default()
}

/// The MD5 of message attributes, by
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>: of each, by name,
/// the name, the data type, 1 for text or 2 for bytes, and the value, lengths as four bytes before names, types and values.
fn md5_of(attributes: &BTreeMap<String, MessageAttribute>) -> Option<String> {
    use base64::Engine as _;
    if attributes.is_empty() {
        return None;
    }
    let mut hash = Md5::new();
    let mut part = |kind: &[u8], bytes: &[u8]| {
        hash.update(kind);
        hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(bytes);
    };
    for (name, attribute) in attributes {
        part(&[], name.as_bytes());
        part(&[], attribute.data_type.as_bytes());
        if let Some(text) = &attribute.string_value {
            part(&[1], text.as_bytes());
        } else if let Some(text) = &attribute.binary_value {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            part(&[2], &bytes.unwrap_or_default());
        }
    }
    Some(hex(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attributes: &[(&str, &str, Option<&str>, Option<&str>)]) -> Message {
        let text = |text: &str| text.to_owned();
        let message_attributes = attributes.iter().map(|(name, kind, string, binary)| {
            let attribute = MessageAttribute {
                data_type: text(kind),
                string_value: string.map(str::to_owned),
                binary_value: binary.map(str::to_owned),
            };
            (text(name), attribute)
        });
        Message {
            id: text("059f36b4-87a3-44ab-83d2-661975830a7d"),
            receipt: text("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a"),
            body: text("test"),
            md5_of_body: text("098f6bcd4621d373cade4e832627b4f6"),
            attributes: [
                ("ApproximateFirstReceiveTimestamp", "1545082649185"),
                ("ApproximateReceiveCount", "1"),
                ("SenderId", "AIDAIENQZJOLO23YVJ4VO"),
                ("SentTimestamp", "1545082649183"),
            ]
            .map(|(name, value)| (text(name), text(value)))
            .into(),
            message_attributes: message_attributes.collect(),
        }
    }

    #[track_caller]
    fn check(message: &Message, expect: &str) {
        let queue = Arn::queue("us-east-2", "123456789012", "my-queue");
        assert_eq!(String::from_utf8(record(message, &queue)).unwrap(), expect);
    }

    /// The first record of the guide's example.
    #[test]
    fn a_record_is_written_as_aws_writes_it() {
        check(
            &message(&[]),
            r#"{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a","body":"test","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183","SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"1545082649185"},"messageAttributes":{},"md5OfBody":"098f6bcd4621d373cade4e832627b4f6","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:my-queue","awsRegion":"us-east-2"}"#,
        );
    }

    #[test]
    fn other_attributes_come_behind() {
        let mut message = message(&[]);
        for name in ["ZNew", "ANew", "AWSTraceHeader"] {
            message.attributes.insert(name.to_owned(), "x".to_owned());
        }
        let queue = Arn::new("q");
        let text = String::from_utf8(record(&message, &queue)).unwrap();
        let keys = |names: [&str; 4]| names.map(|name| text.find(&format!("\"{name}\"")).unwrap());
        let places = keys(["AWSTraceHeader", "SentTimestamp", "ANew", "ZNew"]);
        assert!(places.is_sorted(), "{text}");
        assert!(text.ends_with(r#""eventSourceARN":"q","awsRegion":""}"#), "{text}");
    }

    #[test]
    fn message_attributes_and_their_md5_are_written() {
        let message = message(&[
            ("someattr", "String", Some("someval"), None),
            ("bytes", "Binary", None, Some("AAEC")),
        ]);
        let text = String::from_utf8(record(&message, &Arn::new("q"))).unwrap();
        let expect = r#""messageAttributes":{"bytes":{"binaryValue":"AAEC","stringListValues":[],"binaryListValues":[],"dataType":"Binary"},"someattr":{"stringValue":"someval","stringListValues":[],"binaryListValues":[],"dataType":"String"}},"md5OfMessageAttributes":""#;
        assert!(text.contains(expect), "{text}");
    }

    /// Sums that SQS itself gave, as events show them.
    #[test]
    fn the_md5_of_attributes_is_that_of_sqs() {
        for (name, kind, value, expect) in [
            ("someattr", "String", "someval", "1e4b169c724503f3886d943e5bbe88e5"),
            ("simulationHash", "String", "1377404223", "2cab3a725abdb6f4c776c6c4c611ac45"),
        ] {
            let message = message(&[(name, kind, Some(value), None)]);
            assert_eq!(md5_of(&message.message_attributes).as_deref(), Some(expect));
        }
    }

    #[test]
    fn an_event_holds_its_records() {
        let records: [&[u8]; 3] = [b"{}", b"[1]", b"2"];
        for count in 0..=3 {
            let records = &records[..count];
            let event = event(records.iter().copied());
            let bytes = records.iter().map(|record| record.len()).sum();
            assert_eq!(event.len(), event_bytes(count, bytes));
            let read: serde_json::Value = serde_json::from_slice(&event).unwrap();
            assert_eq!(read["Records"].as_array().unwrap().len(), count);
        }
    }
}
