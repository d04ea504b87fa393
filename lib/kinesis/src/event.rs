//! The payload of an invocation to one batch of one shard.
//!
//! Own structs, since the public crate's are wrong about the arrival time of one record in ten (it takes the digits behind the
//! point as milliseconds, and `.98` is 980 of them). Texts are borrowed from the payload, and all data are decoded into one
//! buffer. Between the data stands the same text in each record: `envelope` makes use of that.

mod envelope;

use crate::aggregated::unpacked;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::ops::Range;
use std::sync::Arc;
use streamgauge_engine::time::{TimeError, Timestamp};
use streamgauge_pipeline::port::source::{Batch, SequenceNumber, SequenceNumberError, ShardId};
use thiserror::Error;

/// Why a payload is no batch of a shard. None of these comes from AWS; all say that something else invoked the function.
#[derive(Debug, Error)]
pub enum EventError {
    /// It is no event of Kinesis.
    #[error(
        "the payload is no event of a Kinesis stream; does another source invoke this function?"
    )]
    Shape(#[source] serde_json::Error),
    /// There is no record.
    #[error("the event has no records; Lambda never sends such a one")]
    Empty,
    /// An `eventID` is not `SHARD:SEQUENCE`.
    #[error("the `eventID` \"{0}\" names no shard; it should be SHARD:SEQUENCE")]
    Id(String),
    /// Records of two shards.
    #[error("the event has records of `{0}` and of `{1}`; a batch is of one shard")]
    Mixed(ShardId, ShardId),
    /// A sequence number is none.
    #[error("the event has a record without a place")]
    Sequence(#[from] SequenceNumberError),
    /// Data that are not base64.
    #[error("the data of the record {} are no base64", sequence.as_str())]
    Data {
        /// Which record.
        sequence: SequenceNumber,
        /// What is wrong with it.
        source: base64::DecodeSliceError,
    },
    /// An arrival time that is none.
    #[error("`approximateArrivalTimestamp` of the record {} is no number of seconds", sequence.as_str())]
    Arrival {
        /// Which record.
        sequence: SequenceNumber,
        /// What is wrong with it.
        source: TimeError,
    },
}

/// A batch, and the stream that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The stream's ARN.
    pub stream: String,
    /// The records; those that were packed into one follow each other.
    pub batch: Batch,
}

/// Reads a payload.
pub fn read(payload: &str) -> Result<Invocation, EventError> {
    let envelopes = envelope::read(payload).map_err(EventError::Shape)?;
    let first = envelopes.first().ok_or(EventError::Empty)?;
    let shard: ShardId = Arc::from(shard(&first.id)?);
    let stream = first.stream.to_string();
    let encoded: usize = envelopes.iter().map(|envelope| envelope.data.len()).sum();
    let mut text = Vec::with_capacity(encoded / 4 * 3 + 3);
    let mut records = Vec::with_capacity(envelopes.len());
    for envelope in &envelopes {
        let here = self::shard(&envelope.id)?;
        if here != &*shard {
            return Err(EventError::Mixed(shard, here.into()));
        }
        let sequence: SequenceNumber = envelope.sequence.parse()?;
        let arrival = Timestamp::from_epoch_text(envelope.arrival, true)
            .map_err(|source| EventError::Arrival { sequence: sequence.clone(), source })?;
        let range = decode(&envelope.data, &mut text)
            .map_err(|source| EventError::Data { sequence: sequence.clone(), source })?;
        records.extend(unpacked(&text, range, &sequence, arrival));
    }
    Ok(Invocation { stream, batch: Batch { shard, text, records } })
}

/// The shard in `shardId-000000000003:49545…`; it stands nowhere else.
fn shard(id: &str) -> Result<&str, EventError> {
    match id.split_once(':') {
        Some((shard, _)) if !shard.is_empty() => Ok(shard),
        _ => Err(EventError::Id(id.to_owned())),
    }
}

/// Appends the data of a record; answers where they stand.
fn decode(data: &str, text: &mut Vec<u8>) -> Result<Range<usize>, base64::DecodeSliceError> {
    let start = text.len();
    text.resize(start + base64::decoded_len_estimate(data.len()), 0);
    let room = text.get_mut(start..).unwrap_or_default();
    let length = STANDARD.decode_slice(data, room)?;
    text.truncate(start + length);
    Ok(start..start + length)
}

#[cfg(test)]
mod tests;
