//! What the on-failure destination gets when records are given up.
//!
//! The documents: <https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>. A queue gets the
//! metadata; a bucket gets an object with the metadata and `payload`, the whole event as an escaped JSON string, under the key
//! `aws/lambda/<UUID of the mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>`.
//!
//! Seen in answers of AWS: with `RecordAgeExceeded` there is no `responseContext` and `approximateInvokeCount` is 1, however
//! often the function was asked; where the function answered that records failed, `functionError` is `null`.
//!
//! Choices of ours: one document for each batch that is given up (AWS may put some together); UUIDs are made of what they
//! stand for (mapping, shard, records, condition), so that a document that is sent again after a lost answer is known, and a
//! run that is repeated gives the same names; `approximateInvokeCount` of a record too large for an event is 0.

use super::batch::Condition;
use super::shard::Discard;
use crate::arn::Arn;
use crate::destination;
use crate::services::Services;
use crate::stack::{Destination, KinesisMapping};
use crate::stream::ShardId;
use crate::uuid::uuid;
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<ResponseContext>,
    version: &'static str,
    timestamp: String,
    #[serde(rename = "KinesisBatchInfo")]
    batch: BatchInfo<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: &'a str,
    function_arn: &'a str,
    condition: &'static str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext {
    status_code: u16,
    executed_version: &'static str,
    function_error: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchInfo<'a> {
    shard_id: &'a str,
    start_sequence_number: &'a str,
    end_sequence_number: &'a str,
    approximate_arrival_of_first_record: String,
    approximate_arrival_of_last_record: String,
    batch_size: usize,
    stream_arn: &'a str,
}

/// Records that were given up, and whose they are.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    /// The records.
    pub(super) discard: Discard,
    /// The shard.
    pub(super) shard: ShardId,
    /// The function.
    pub(super) function: Arn,
    /// The stream.
    pub(super) stream: Arn,
    /// The UUID of the mapping.
    pub(super) mapping_uuid: String,
    /// When they were given up.
    pub(super) at: Timestamp,
}

impl Loss {
    /// The document as JSON, with the event if the discard has it.
    pub(super) fn document(&self) -> String {
        let discard = &self.discard;
        let made_id = self.uuid("request");
        let answer = discard.last_answer.as_ref();
        let document = Document {
            request_context: RequestContext {
                request_id: answer.map_or(made_id.as_str(), |answer| &*answer.request_id),
                function_arn: self.function.as_str(),
                condition: discard.condition.as_str(),
                approximate_invoke_count: match discard.condition {
                    Condition::RetryAttemptsExhausted => discard.attempts,
                    Condition::RecordAgeExceeded => 1,
                    Condition::PayloadSizeExceeded => 0,
                },
            },
            response_context: answer.map(|answer| ResponseContext {
                status_code: 200,
                executed_version: "$LATEST",
                function_error: answer.function_error,
            }),
            version: "1.0",
            timestamp: instant(self.at),
            batch: BatchInfo {
                shard_id: &self.shard,
                start_sequence_number: discard.first.as_str(),
                end_sequence_number: discard.last.as_str(),
                approximate_arrival_of_first_record: instant(discard.first_arrival),
                approximate_arrival_of_last_record: instant(discard.last_arrival),
                batch_size: discard.records,
                stream_arn: self.stream.as_str(),
            },
            payload: discard.payload.as_ref().and_then(|event| std::str::from_utf8(event).ok()),
        };
        // Texts and numbers can always be written.
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// The key of the object in a bucket.
    pub(super) fn key(&self) -> String {
        let source = format!("{}/{}", self.mapping_uuid, self.shard);
        destination::object_key(&source, self.at, &self.uuid("object"))
    }

    /// A UUID that is the same for the same records, condition and purpose.
    fn uuid(&self, purpose: &str) -> String {
        let discard = &self.discard;
        let name = format!(
            "{purpose} {} {} {} {} {}",
            self.mapping_uuid,
            self.shard,
            discard.first,
            discard.last,
            discard.condition.as_str()
        );
        let digest: [u8; 16] = Md5::digest(name.as_bytes()).into();
        uuid(u128::from_be_bytes(digest))
    }

    /// Sends the document; answers where it went.
    pub(super) async fn send<S: Services>(
        &self,
        services: &S,
        destination: &Destination,
    ) -> Result<String, String> {
        let key = self.key();
        destination::put(services, destination, &key, self.document()).await?;
        Ok(destination::place(destination, &key))
    }
}

/// Whether documents of a mapping hold the event.
pub(super) const fn keeps_payload(mapping: &KinesisMapping) -> bool {
    matches!(mapping.on_failure, Some(Destination::Bucket(_)))
}

/// A time as AWS writes it: milliseconds unless they are 0.
fn instant(moment: Timestamp) -> String {
    let format = if moment.as_millisecond() % 1000 == 0 {
        "%Y-%m-%dT%H:%M:%SZ"
    } else {
        "%Y-%m-%dT%H:%M:%S.%3fZ"
    };
    moment.strftime(format).to_string()
}

#[cfg(test)]
mod tests;
