//! Records on their way: one by one, as a batch, and as a batch that is given up.

use super::event::EventFrame;
use crate::invoke::REQUEST_BYTES_MAX;
use crate::stream::{Record, SequenceNumber};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Why records are given up, as `condition` in the document that the on-failure destination gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The function failed once and `MaximumRetryAttempts` times more.
    RetryAttemptsExhausted,
    /// A record is older than `MaximumRecordAgeInSeconds`, or than the stream keeps records. AWS documents no condition for
    /// the second; it is the same here.
    RecordAgeExceeded,
    /// A record alone makes an event larger than [`REQUEST_BYTES_MAX`]: records may have 10 MiB, events 6. AWS documents
    /// nothing for this; a record that can never be delivered is given up here at once, so that it blocks nothing.
    PayloadSizeExceeded,
}

impl Condition {
    /// The name in documents.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
            Self::PayloadSizeExceeded => "PayloadSizeExceeded",
        }
    }
}

/// How a batch was answered last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LastAnswer {
    /// The invocation.
    pub(super) request_id: Arc<str>,
    /// `Handled` or `Unhandled`; none where the function answered that records failed.
    pub(super) function_error: Option<&'static str>,
}

/// A record in line.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Counts the records that were read of the shard.
    pub(super) ordinal: u64,
    pub(super) record: Record,
    /// What it takes in an event.
    pub(super) bytes: usize,
}

impl Entry {
    pub(super) const fn is_oversized(&self) -> bool {
        EventFrame::event_bytes(1, self.bytes) > REQUEST_BYTES_MAX
    }
}

/// Records that go to the function together. There is always one at least.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// How often it was sent.
    pub(super) sent: u32,
    /// How often the function failed at it, as far as it counts.
    pub(super) attempts: u32,
    /// How often in a row it did not get through, for whatever reason; the waits grow with it.
    pub(super) failures: u32,
    /// It is not sent any more.
    pub(super) given_up: Option<Condition>,
    pub(super) last_answer: Option<LastAnswer>,
    payload: Option<Bytes>,
}

impl Batch {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let is_oversized = entries.first().is_some_and(Entry::is_oversized);
        Self {
            entries,
            sent: 0,
            attempts: 0,
            failures: 0,
            given_up: is_oversized.then_some(Condition::PayloadSizeExceeded),
            last_answer: None,
            payload: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes off all entries before an index, as a batch of their own that nothing is known of.
    pub(super) fn take_front(&mut self, index: usize) -> Self {
        let rest = self.entries.split_off(index.min(self.entries.len()));
        self.payload = None;
        Self::new(std::mem::replace(&mut self.entries, rest))
    }

    /// How many records at the front are older than `age_max`; if none is, how many are not.
    pub(super) fn expired(&self, now: Timestamp, age_max: SignedDuration) -> (usize, bool) {
        let is_old = |entry: &Entry| now.duration_since(entry.record.arrival) > age_max;
        let is_front_old = self.entries.first().is_some_and(is_old);
        let run = self.entries.iter().take_while(|entry| is_old(entry) == is_front_old);
        (run.count(), is_front_old)
    }

    /// The numbers of the first and the last record.
    pub(super) fn ends(&self) -> Option<(&Record, &Record)> {
        Some((&self.entries.first()?.record, &self.entries.last()?.record))
    }

    pub(super) fn numbers(&self) -> Vec<&SequenceNumber> {
        self.entries.iter().map(|entry| &entry.record.sequence_number).collect()
    }

    /// The event. It is made once, as long as the batch stays as it is.
    pub(super) fn payload(&mut self, frame: &EventFrame) -> Bytes {
        let entries = &self.entries;
        let make = || {
            let bytes = entries.iter().map(|entry| entry.bytes).sum();
            frame.event(entries.iter().map(|entry| &entry.record), bytes)
        };
        self.payload.get_or_insert_with(make).clone()
    }
}
