//! The event as the probe reads it: a list of items, whatever source they come from.

use crate::deeds::{Asked, Deed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// One record, message or direct payload.
#[derive(Debug)]
pub(crate) struct Item {
    /// The shard; none for messages and direct payloads.
    pub(crate) shard: Option<String>,
    /// The sequence number or the message id: what `batchItemFailures` names.
    pub(crate) identifier: Option<String>,
    /// What the producer wrote.
    data: Vec<u8>,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(rename = "eventID")]
    event_id: Option<String>,
    kinesis: Option<Kinesis>,
    message_id: Option<String>,
    body: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis {
    sequence_number: String,
    data: String,
}

#[derive(Deserialize)]
struct Data {
    id: Value,
    #[serde(flatten)]
    asked: Asked,
}

/// The items of an event, and whether it has `Records`.
pub(crate) fn items(event: &str) -> Result<(Vec<Item>, bool), String> {
    match serde_json::from_str::<Batch>(event) {
        Ok(batch) => {
            let items: Result<_, String> = batch.records.into_iter().map(item).collect();
            Ok((items?, true))
        }
        Err(_) if !event.contains("\"Records\"") => {
            Ok((vec![Item { shard: None, identifier: None, data: event.into() }], false))
        }
        Err(error) => Err(format!("the event was not understood: {error}")),
    }
}

fn item(record: Record) -> Result<Item, String> {
    match record {
        Record { kinesis: Some(kinesis), event_id, .. } => Ok(Item {
            shard: event_id.and_then(|id| id.split(':').next().map(str::to_owned)),
            identifier: Some(kinesis.sequence_number),
            data: STANDARD.decode(&kinesis.data).map_err(|error| error.to_string())?,
        }),
        Record { message_id: Some(id), body: Some(body), .. } => {
            Ok(Item { shard: None, identifier: Some(id), data: body.into_bytes() })
        }
        _ => Err("a record is neither of Kinesis nor of SQS".to_owned()),
    }
}

impl Item {
    /// The id as text, and what the record asks for.
    pub(crate) fn asked(&self) -> Result<(String, Asked), String> {
        let data: Data = serde_json::from_slice(&self.data)
            .map_err(|error| format!("the data is not understood: {error}"))?;
        let id = match data.id {
            Value::String(id) => id,
            other => other.to_string(),
        };
        Ok((id, data.asked))
    }

    /// The id for the journal.
    pub(crate) fn id(&self) -> String {
        self.asked().map_or_else(|_| "?".to_owned(), |(id, _)| id)
    }
}

impl Default for Asked {
    fn default() -> Self {
        Self { deed: Deed::Succeed, times: None }
    }
}
