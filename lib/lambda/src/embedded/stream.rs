//! A Kinesis stream in this process, as faithful as a reader can tell, and fast.
//!
//! A record goes to the shard whose range of hash keys holds the MD5 of its partition key. Sequence numbers have 56 digits
//! and increase within a shard. A split, a merge or a change of the number of shards closes shards: they stay readable until
//! their last record has passed the retention, and tell their children at the end. Iterators expire after five minutes, and
//! a read brings at most 10,000 records and 10 MB.
//!
//! ```
//! use streamgauge_lambda::arn::Arn;
//! use streamgauge_lambda::clock::Clock;
//! use streamgauge_lambda::embedded::stream::{EmbeddedStream, StreamOptions};
//!
//! let arn = Arn::stream("eu-west-1", "000000000000", "orders");
//! let stream = EmbeddedStream::new(arn, 4, Clock::real(), StreamOptions::default());
//! let (shard, _) = stream.put("customer-7", None, "{}").unwrap();
//! assert!(shard.starts_with("shardId-00000000000"));
//! ```
//!
//! What is not like AWS: nothing is throttled (that is for a meter in front), changes of shards are done at once, and
//! the records are in memory, at most [`StreamOptions::memory_bytes_max`] of them.

mod log;
mod number;
mod topology;

use crate::arn::Arn;
use crate::clock::Clock;
use crate::stream::{
    Iterator, READ_RECORDS_MAX, Read, SequenceNumber, Shard, ShardId, Start, Stream, StreamError,
};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use log::Place;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use thiserror::Error;
use topology::{Cell, Topology, hash_key};

/// The largest record by default, data and partition key together:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html>.
pub const RECORD_BYTES_MAX_DEFAULT: usize = 1024 * 1024;
/// The largest record that a stream can be made to take: <https://docs.aws.amazon.com/streams/latest/dev/large-records.html>.
pub const RECORD_BYTES_MAX: usize = 10 * 1024 * 1024;
/// The longest partition key, in characters.
pub const PARTITION_KEY_CHARS_MAX: usize = 256;
/// The most bytes that one read brings: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>.
pub const READ_BYTES_MAX: usize = 10 * 1024 * 1024;
/// How long an iterator can be used: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html>.
pub const ITERATOR_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// How much memory the records of a stream may take by default: enough for some millions of small ones.
pub const MEMORY_BYTES_MAX_DEFAULT: usize = 1024 * 1024 * 1024;
/// The most shards of a stream that are open at once: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html>.
pub const SHARDS_MAX: usize = 10_000;

/// How a stream is made.
#[derive(Clone, Copy, Debug)]
pub struct StreamOptions {
    /// How long records are kept; AWS's default is 24 hours.
    pub retention: Duration,
    /// The largest record, data and partition key together: at most [`RECORD_BYTES_MAX`].
    pub record_bytes_max: usize,
    /// The most memory that records may take.
    pub memory_bytes_max: usize,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            retention: Duration::from_hours(24),
            record_bytes_max: RECORD_BYTES_MAX_DEFAULT,
            memory_bytes_max: MEMORY_BYTES_MAX_DEFAULT,
        }
    }
}

/// A record was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PutError {
    /// It is too large.
    #[error(
        "the record has {bytes} bytes with its key, and the stream takes {max}; send smaller records, or let the stream take larger ones"
    )]
    TooLarge {
        /// Data and partition key.
        bytes: usize,
        /// What the stream takes.
        max: usize,
    },
    /// The partition key is empty or too long.
    #[error("the partition key has {0} characters; give it 1 to {PARTITION_KEY_CHARS_MAX}")]
    Key(usize),
    /// No memory is left.
    #[error(
        "the stream `{stream}` holds {max} bytes of records, its limit; let its records be read, shorten its retention, or raise the limit"
    )]
    Full {
        /// The stream's name.
        stream: String,
        /// The limit.
        max: usize,
    },
}

/// The shards of a stream cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReshardError {
    /// There is no such shard.
    #[error("the shard `{0}` was not found; list the shards")]
    NotFound(ShardId),
    /// It was split or merged before.
    #[error("the shard `{0}` is closed; choose an open one")]
    Closed(ShardId),
    /// The key is not inside of the shard.
    #[error(
        "the hash key {key} does not split the shard `{shard}`; choose one above its first and at most its last"
    )]
    Key {
        /// The shard.
        shard: ShardId,
        /// The key at which the second child would begin.
        key: u128,
    },
    /// The ranges do not touch.
    #[error(
        "the shards `{0}` and `{1}` are not neighbours; choose two whose ranges of hash keys touch"
    )]
    Apart(ShardId, ShardId),
    /// Too few or too many.
    #[error(
        "a stream of {now} shards cannot have {wanted}; AWS allows half to double as many, at most {SHARDS_MAX}"
    )]
    Count {
        /// Open shards.
        now: usize,
        /// What was asked for.
        wanted: usize,
    },
}

/// A record to put.
#[derive(Clone, Debug)]
pub struct PutRecord {
    /// The partition key.
    pub partition_key: Arc<str>,
    /// `ExplicitHashKey`: decides the shard in place of the partition key.
    pub explicit_hash_key: Option<u128>,
    /// The payload.
    pub data: Bytes,
}

/// A stream. Clones are the same stream.
#[derive(Clone, Debug)]
pub struct EmbeddedStream {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    arn: Arn,
    clock: Clock,
    created: Timestamp,
    options: StreamOptions,
    topology: RwLock<Topology>,
    /// What all records take together.
    bytes: AtomicUsize,
}

impl EmbeddedStream {
    /// A stream of some shards, at least one and at most [`SHARDS_MAX`], that share the hash keys evenly.
    pub fn new(arn: Arn, shards: usize, clock: Clock, options: StreamOptions) -> Self {
        let options = StreamOptions {
            record_bytes_max: options.record_bytes_max.min(RECORD_BYTES_MAX),
            ..options
        };
        let created = clock.now();
        let topology = RwLock::new(Topology::new(shards.clamp(1, SHARDS_MAX), created));
        let bytes = AtomicUsize::new(0);
        Self { shared: Arc::new(Shared { arn, clock, created, options, topology, bytes }) }
    }

    /// Puts a record; answers where it is.
    pub fn put(
        &self,
        partition_key: impl Into<Arc<str>>,
        explicit_hash_key: Option<u128>,
        data: impl Into<Bytes>,
    ) -> Result<(ShardId, SequenceNumber), PutError> {
        let record =
            PutRecord { partition_key: partition_key.into(), explicit_hash_key, data: data.into() };
        self.put_at(record, &self.topology(), self.now())
    }

    /// Puts records in order, as many as are given; stops at the first that is not taken, and answers how many were.
    pub fn put_many(
        &self,
        records: impl IntoIterator<Item = PutRecord>,
    ) -> Result<usize, (usize, PutError)> {
        let (topology, now) = (self.topology(), self.now());
        let mut taken = 0;
        for record in records {
            self.put_at(record, &topology, now).map_err(|error| (taken, error))?;
            taken += 1;
        }
        Ok(taken)
    }

    fn put_at(
        &self,
        record: PutRecord,
        topology: &Topology,
        now: Timestamp,
    ) -> Result<(ShardId, SequenceNumber), PutError> {
        let chars = record.partition_key.chars().count();
        if chars == 0 || chars > PARTITION_KEY_CHARS_MAX {
            return Err(PutError::Key(chars));
        }
        let options = &self.shared.options;
        let bytes = record.data.len() + record.partition_key.len();
        if bytes > options.record_bytes_max {
            return Err(PutError::TooLarge { bytes, max: options.record_bytes_max });
        }
        let full = || PutError::Full {
            stream: self.shared.arn.name().to_owned(),
            max: options.memory_bytes_max,
        };
        let key = record.explicit_hash_key.unwrap_or_else(|| hash_key(&record.partition_key));
        let cell = topology.open_for(key).ok_or_else(full)?;
        let mut log = cell.log();
        self.release(log.trim(now, self.retention_signed()));
        let cost = log::cost(bytes);
        if self.shared.bytes.load(Ordering::Relaxed).saturating_add(cost) > options.memory_bytes_max
        {
            drop(log);
            self.trim_all(topology, now);
            if self.shared.bytes.load(Ordering::Relaxed).saturating_add(cost)
                > options.memory_bytes_max
            {
                return Err(full());
            }
            log = cell.log();
        }
        self.shared.bytes.fetch_add(cost, Ordering::Relaxed);
        let number = log.push(&cell.numbers, record.partition_key, record.data, now);
        Ok((Arc::clone(&cell.id), number))
    }

    /// Forgets records that are too old, everywhere.
    fn trim_all(&self, topology: &Topology, now: Timestamp) {
        for cell in topology.cells() {
            let freed = cell.log().trim(now, self.retention_signed());
            self.release(freed);
        }
    }

    fn release(&self, bytes: usize) {
        if bytes > 0 {
            self.shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Splits a shard at the hash key with which the second child begins.
    pub fn split(&self, shard: &ShardId, key: u128) -> Result<(ShardId, ShardId), ReshardError> {
        self.topology_mut().split(shard, key, self.now())
    }

    /// Splits a shard in the middle.
    pub fn split_evenly(&self, shard: &ShardId) -> Result<(ShardId, ShardId), ReshardError> {
        let mut topology = self.topology_mut();
        let key = topology.middle(shard)?;
        topology.split(shard, key, self.now())
    }

    /// Merges two shards whose ranges touch.
    pub fn merge(&self, shard: &ShardId, neighbour: &ShardId) -> Result<ShardId, ReshardError> {
        self.topology_mut().merge(shard, neighbour, self.now())
    }

    /// Splits or merges until so many shards are open: half to double as many as now. AWS makes ranges that are even at
    /// the end, by shards in between that live shortly; here the widest are split, or the narrowest neighbours merged, one
    /// after the other.
    pub fn update_shard_count(&self, wanted: usize) -> Result<(), ReshardError> {
        self.topology_mut().update_count(wanted, self.now())
    }

    /// The open shards.
    pub fn open_shards(&self) -> Vec<ShardId> {
        self.topology().open().map(|cell| Arc::clone(&cell.id)).collect()
    }

    /// What the records take in memory, with what it costs to keep them.
    pub fn memory_bytes(&self) -> usize {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    fn topology(&self) -> RwLockReadGuard<'_, Topology> {
        self.shared.topology.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn topology_mut(&self) -> RwLockWriteGuard<'_, Topology> {
        self.shared.topology.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn retention_signed(&self) -> SignedDuration {
        SignedDuration::try_from(self.shared.options.retention).unwrap_or(SignedDuration::MAX)
    }

    fn cell(&self, shard: &str) -> Result<Arc<Cell>, StreamError> {
        let name = || StreamError::NotFound(format!("the shard `{shard}`"));
        self.topology().find(shard).cloned().ok_or_else(name)
    }

    fn read_now(&self, iterator: &str, records_max: u32) -> Result<Read, StreamError> {
        let place = Place::parse(iterator)?;
        let now = self.now();
        if now.duration_since(place.issued) > ITERATOR_LIFE {
            return Err(StreamError::ExpiredIterator);
        }
        let cell = self.cell(&place.shard)?;
        let records_max = usize::try_from(records_max.min(READ_RECORDS_MAX)).unwrap_or(1);
        let mut log = cell.log();
        self.release(log.trim(now, self.retention_signed()));
        let (records, next) = log.read(place.ordinal, records_max);
        let is_end = next >= log.end();
        let behind = log.arrival_at(next).map(|arrival| now.duration_since(arrival).as_millis());
        let is_over = is_end && log.is_closed();
        drop(log);
        let children = if is_over { self.topology().children(&cell.id) } else { vec![] };
        let next = Place { shard: cell.id.to_string(), ordinal: next, issued: now };
        Ok(Read {
            records,
            next: (!is_over).then(|| next.to_iterator()),
            behind_ms: behind.map_or(0, |ms| u64::try_from(ms).unwrap_or(0).max(1)),
            children,
        })
    }
}

impl Stream for EmbeddedStream {
    fn arn(&self) -> &Arn {
        &self.shared.arn
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    async fn created(&self) -> Result<Timestamp, StreamError> {
        Ok(self.shared.created)
    }

    async fn retention(&self) -> Result<Duration, StreamError> {
        Ok(self.shared.options.retention)
    }

    async fn shards(&self) -> Result<Vec<Shard>, StreamError> {
        let now = self.now();
        let mut topology = self.topology_mut();
        // What a shard held is released before the shard is forgotten.
        self.trim_all(&topology, now);
        topology.forget(now, self.retention_signed());
        Ok(topology.listed())
    }

    async fn open(&self, shard: &ShardId, start: &Start) -> Result<Iterator, StreamError> {
        let issued = self.now();
        let ordinal = self.cell(shard)?.log().find(start);
        Ok(Place { shard: shard.to_string(), ordinal, issued }.to_iterator())
    }

    async fn read(&self, iterator: &Iterator, records_max: u32) -> Result<Read, StreamError> {
        self.read_now(iterator, records_max)
    }
}

#[cfg(test)]
mod tests;
