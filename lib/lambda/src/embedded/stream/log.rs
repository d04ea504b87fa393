//! The records of one shard, in order, and the places in them that iterators name.

use super::READ_BYTES_MAX;
use super::number::Numbers;
use crate::stream::{Iterator, Record, SequenceNumber, Start, StreamError};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;

/// What it takes to keep a record, beside its bytes: the entry, the number and the counters of what is shared.
const RECORD_BYTES_OVERHEAD: usize = 256;

/// What a record of so many bytes takes in memory.
pub(super) const fn cost(bytes: usize) -> usize {
    bytes + RECORD_BYTES_OVERHEAD
}

fn cost_of(record: &Record) -> usize {
    cost(record.data.len() + record.partition_key.len())
}

/// The records that are kept of a shard.
#[derive(Debug, Default)]
pub(super) struct Log {
    records: VecDeque<Record>,
    /// How many were forgotten: the ordinal of the first that is kept.
    first: u64,
    last_arrival: Option<Timestamp>,
    closed: Option<Timestamp>,
}

impl Log {
    /// Appends a record. Arrival times never go back, so that they can be searched.
    pub(super) fn push(
        &mut self,
        numbers: &Numbers,
        partition_key: Arc<str>,
        data: Bytes,
        now: Timestamp,
    ) -> SequenceNumber {
        let arrival = self.last_arrival.map_or(now, |last| last.max(now));
        self.last_arrival = Some(arrival);
        let sequence_number = numbers.number(self.end(), arrival);
        let number = sequence_number.clone();
        self.records.push_back(Record {
            sequence_number,
            partition_key,
            data,
            arrival,
            encryption: None,
        });
        number
    }

    /// Forgets records that are older than the retention; answers what they took in memory.
    pub(super) fn trim(&mut self, now: Timestamp, retention: SignedDuration) -> usize {
        let mut freed = 0;
        while let Some(record) = self.records.front() {
            if now.duration_since(record.arrival) <= retention {
                break;
            }
            freed += cost_of(record);
            self.records.pop_front();
            self.first += 1;
        }
        freed
    }

    /// The ordinal that the next record gets.
    pub(super) fn end(&self) -> u64 {
        self.first + u64::try_from(self.records.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn close(&mut self, now: Timestamp) {
        self.closed = Some(now);
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Whether it is closed for so long that nothing can be kept of it.
    pub(super) fn is_over(&self, now: Timestamp, retention: SignedDuration) -> bool {
        self.closed.is_some_and(|closed| now.duration_since(closed) > retention)
    }

    fn index(&self, ordinal: u64) -> usize {
        usize::try_from(ordinal.saturating_sub(self.first)).unwrap_or(usize::MAX)
    }

    /// When the record with an ordinal arrived.
    pub(super) fn arrival_at(&self, ordinal: u64) -> Option<Timestamp> {
        self.records.get(self.index(ordinal)).map(|record| record.arrival)
    }

    /// The ordinal at which a start begins.
    pub(super) fn find(&self, start: &Start) -> u64 {
        let index = match start {
            Start::TrimHorizon => 0,
            Start::Latest => self.records.len(),
            Start::AtTimestamp(moment) => {
                self.records.partition_point(|record| record.arrival < *moment)
            }
            Start::At(number) => {
                self.records.partition_point(|record| record.sequence_number < *number)
            }
            Start::After(number) => {
                self.records.partition_point(|record| record.sequence_number <= *number)
            }
        };
        self.first + u64::try_from(index).unwrap_or(0)
    }

    /// The records from an ordinal on, at least one if there is one, and the ordinal behind them. What was forgotten is
    /// passed over.
    pub(super) fn read(&self, ordinal: u64, records_max: usize) -> (Vec<Record>, u64) {
        let from = self.index(ordinal);
        let mut bytes = 0;
        let mut count = 0;
        for record in self.records.iter().skip(from).take(records_max) {
            bytes += record.data.len() + record.partition_key.len();
            if count > 0 && bytes > READ_BYTES_MAX {
                break;
            }
            count += 1;
        }
        let records: Vec<Record> = self.records.iter().skip(from).take(count).cloned().collect();
        let next = ordinal.max(self.first) + u64::try_from(records.len()).unwrap_or(0);
        (records, next)
    }
}

/// What an iterator says: which record of which shard comes next, and since when it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) shard: String,
    pub(super) ordinal: u64,
    pub(super) issued: Timestamp,
}

impl Place {
    pub(super) fn to_iterator(&self) -> Iterator {
        format!("{}:{}:{}", self.shard, self.ordinal, self.issued.as_millisecond())
    }

    pub(super) fn parse(iterator: &str) -> Result<Self, StreamError> {
        let mut parts = iterator.split(':');
        let mut place = || {
            let shard = parts.next()?.to_owned();
            let ordinal = parts.next()?.parse().ok()?;
            let issued = Timestamp::from_millisecond(parts.next()?.parse().ok()?).ok()?;
            Some(Self { shard, ordinal, issued })
        };
        place().ok_or_else(|| {
            StreamError::Other(format!("the iterator `{iterator}` is none of this stream"))
        })
    }
}
