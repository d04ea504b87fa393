//! The port to a Kinesis stream: its shards, and reading them by iterators.
//!
//! Adapters: [`crate::embedded`] in this process; `streamgauge-lambda-aws` over the AWS SDK.

use crate::arn::Arn;
use bytes::Bytes;
use jiff::Timestamp;
use std::cmp::Ordering;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use thiserror::Error;

/// A shard's name: `shardId-000000000003`.
pub type ShardId = Arc<str>;

/// A sequence number: decimal digits without leading zeros, up to 129 of them, ordered as numbers. Numbers of different
/// shards say nothing about each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SequenceNumber(Arc<str>);

impl SequenceNumber {
    /// A number as the stream wrote it.
    pub fn new(digits: &str) -> Self {
        Self(digits.into())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One record of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the shard.
    pub sequence_number: SequenceNumber,
    /// What the producer chose; decides the shard.
    pub partition_key: Arc<str>,
    /// The payload, not encoded.
    pub data: Bytes,
    /// When the stream took it, as the stream says.
    pub arrival: Timestamp,
    /// `NONE` or `KMS`, where the stream says so.
    pub encryption: Option<Arc<str>>,
}

/// One shard of a stream, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its name.
    pub id: ShardId,
    /// Whose split or merge made it: none, one, or after a merge two. A parent may no longer be listed.
    pub parents: Vec<ShardId>,
    /// No record comes any more: the shard was split or merged.
    pub closed: bool,
}

/// Where reading of a shard begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record that is kept.
    TrimHorizon,
    /// After the newest.
    Latest,
    /// At the first record that arrived at or after a moment.
    AtTimestamp(Timestamp),
    /// At this record.
    At(SequenceNumber),
    /// Behind this record.
    After(SequenceNumber),
}

/// Records of one read at most: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>.
pub const READ_RECORDS_MAX: u32 = 10_000;

/// What a place in a shard is to the stream that gave it: opaque, and it may expire.
pub type Iterator = String;

/// What one read gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Records in order; empty at the tip, and sometimes before it.
    pub records: Vec<Record>,
    /// Where to go on; none once a closed shard is read to its end.
    pub next: Option<Iterator>,
    /// How far reading is behind the present: the age of the next record, 0 at the tip. AWS says of `MillisBehindLatest` that it
    /// tells "how far behind current time the consumer is", and not whether the last record read or the next counts.
    pub behind_ms: u64,
    /// The shards that came of this one, told with its end where the stream tells it.
    pub children: Vec<Shard>,
}

/// Why the stream gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StreamError {
    /// The iterator is too old; ask for a new one.
    #[error("the iterator has expired")]
    ExpiredIterator,
    /// Too many reads; try later.
    #[error("the stream throttles reads")]
    Throttled,
    /// There is no such stream or shard.
    #[error("{0} was not found")]
    NotFound(String),
    /// All else; try later.
    #[error("the stream could not be read: {0}")]
    Other(String),
}

/// A stream that can be read.
pub trait Stream: Clone + Send + Sync + 'static {
    /// Its name.
    fn arn(&self) -> &Arn;

    /// The time of this stream's arrival times.
    fn now(&self) -> Timestamp;

    /// When it was made. With its name, this tells it from others: a stream that is deleted and made anew has the same name and
    /// names of shards, and other records.
    fn created(&self) -> impl Future<Output = Result<Timestamp, StreamError>> + Send;

    /// How long it keeps records.
    fn retention(&self) -> impl Future<Output = Result<std::time::Duration, StreamError>> + Send;

    /// All shards that are listed, closed ones too as long as they hold records, parents before children.
    fn shards(&self) -> impl Future<Output = Result<Vec<Shard>, StreamError>> + Send;

    /// An iterator for a shard.
    fn open(
        &self,
        shard: &ShardId,
        start: &Start,
    ) -> impl Future<Output = Result<Iterator, StreamError>> + Send;

    /// Reads at most `records_max` records, and at most 10 MB.
    fn read(
        &self,
        iterator: &Iterator,
        records_max: u32,
    ) -> impl Future<Output = Result<Read, StreamError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_are_ordered_as_numbers() {
        let number = SequenceNumber::new;
        assert!(number("9") < number("10"));
        assert!(
            number("49568167373333333333333333333333333333333333333333333333")
                < number("49568167373333333334444444444444444444444444444444444444")
        );
        assert_eq!(number("7").cmp(&number("7")), Ordering::Equal);
    }
}
