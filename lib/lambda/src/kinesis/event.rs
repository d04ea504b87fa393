//! The event of a batch of Kinesis records, byte for byte as Lambda writes it: compact JSON, fields in AWS's order.
//!
//! The shape: <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>. A batch becomes one buffer, written once:
//! how long each record will be is known before (while the batch grows up to [`REQUEST_BYTES_MAX`]), so the buffer never
//! moves, and base64 goes straight into it.
//!
//! `approximateArrivalTimestamp` is a number of seconds with at most three digits behind the point. Whether AWS writes
//! zeros at the end is not documented: here they are left out.
//!
//! [`REQUEST_BYTES_MAX`]: crate::invoke::REQUEST_BYTES_MAX

use crate::arn::Arn;
use crate::stream::{Record, ShardId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use std::fmt::Write;

const HEAD: &str = "{\"Records\":[";
const TAIL: &str = "]}";
const KEY: &str = "{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":";
const SEQUENCE_NUMBER: &str = ",\"sequenceNumber\":\"";
const DATA: &str = "\",\"data\":\"";
const ARRIVAL: &str = "\",\"approximateArrivalTimestamp\":";
const ENCRYPTION: &str = ",\"encryptionType\":";

/// What the events of one shard have in common.
#[derive(Clone, Debug)]
pub(super) struct EventFrame {
    /// From the end of `kinesis` to the `:` of `eventID`.
    before_id: String,
    /// From the end of `eventID` to the end of the record.
    after_id: String,
}

impl EventFrame {
    /// The frame for a shard of a stream; `region` is where the function runs and `identity` the ARN of its role.
    pub(super) fn new(stream: &Arn, shard: &ShardId, region: &str, identity: &str) -> Self {
        let before_id = format!(
            "}},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":{}",
            quoted(&format!("{shard}:")).trim_end_matches('"')
        );
        let after_id = format!(
            "\",\"eventName\":\"aws:kinesis:record\",\"invokeIdentityArn\":{},\"awsRegion\":{},\"eventSourceARN\":{}}}",
            quoted(identity),
            quoted(region),
            quoted(stream.as_str())
        );
        Self { before_id, after_id }
    }

    /// How many bytes a record takes in an event, without the comma between records.
    pub(super) fn record_bytes(&self, record: &Record) -> usize {
        let encryption =
            record.encryption.as_deref().map_or(0, |text| ENCRYPTION.len() + quoted_bytes(text));
        KEY.len()
            + quoted_bytes(&record.partition_key)
            + SEQUENCE_NUMBER.len()
            + 2 * record.sequence_number.as_str().len()
            + DATA.len()
            + record.data.len().div_ceil(3) * 4
            + ARRIVAL.len()
            + seconds_bytes(record.arrival)
            + encryption
            + self.before_id.len()
            + self.after_id.len()
    }

    /// How many bytes an event takes whose records take `records_bytes` together.
    pub(super) const fn event_bytes(records: usize, records_bytes: usize) -> usize {
        HEAD.len() + records_bytes + records.saturating_sub(1) + TAIL.len()
    }

    /// The event of a batch whose records take `records_bytes` together.
    pub(super) fn event<'a>(
        &self,
        records: impl ExactSizeIterator<Item = &'a Record>,
        records_bytes: usize,
    ) -> Bytes {
        let mut text = String::with_capacity(Self::event_bytes(records.len(), records_bytes));
        text.push_str(HEAD);
        for (index, record) in records.enumerate() {
            if index > 0 {
                text.push(',');
            }
            self.push_record(record, &mut text);
        }
        text.push_str(TAIL);
        Bytes::from(text)
    }

    fn push_record(&self, record: &Record, text: &mut String) {
        text.push_str(KEY);
        push_quoted(&record.partition_key, text);
        text.push_str(SEQUENCE_NUMBER);
        text.push_str(record.sequence_number.as_str());
        text.push_str(DATA);
        STANDARD.encode_string(&record.data, text);
        text.push_str(ARRIVAL);
        push_seconds(record.arrival, text);
        if let Some(encryption) = &record.encryption {
            text.push_str(ENCRYPTION);
            push_quoted(encryption, text);
        }
        text.push_str(&self.before_id);
        text.push_str(record.sequence_number.as_str());
        text.push_str(&self.after_id);
    }
}

/// Whole seconds and thousandths. Nothing arrived before 1970.
fn seconds(moment: Timestamp) -> (u64, u64) {
    let milliseconds = u64::try_from(moment.as_millisecond()).unwrap_or(0);
    (milliseconds / 1000, milliseconds % 1000)
}

fn push_seconds(moment: Timestamp, text: &mut String) {
    let (whole, thousandths) = seconds(moment);
    let written = match thousandths {
        0 => write!(text, "{whole}"),
        _ if thousandths.is_multiple_of(100) => write!(text, "{whole}.{}", thousandths / 100),
        _ if thousandths.is_multiple_of(10) => write!(text, "{whole}.{:02}", thousandths / 10),
        _ => write!(text, "{whole}.{thousandths:03}"),
    };
    debug_assert!(written.is_ok(), "writing to a string does not fail");
}

fn seconds_bytes(moment: Timestamp) -> usize {
    let (whole, thousandths) = seconds(moment);
    let digits = whole.checked_ilog10().and_then(|log| usize::try_from(log).ok()).unwrap_or(0) + 1;
    match thousandths {
        0 => digits,
        _ if thousandths.is_multiple_of(100) => digits + 2,
        _ if thousandths.is_multiple_of(10) => digits + 3,
        _ => digits + 4,
    }
}

/// Whether JSON writes a text as it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn push_quoted(text: &str, into: &mut String) {
    if is_plain(text) {
        into.push('"');
        into.push_str(text);
        into.push('"');
    } else {
        into.push_str(&quoted(text));
    }
}

fn quoted_bytes(text: &str) -> usize {
    if is_plain(text) { text.len() + 2 } else { quoted(text).len() }
}

#[cfg(test)]
mod tests;
