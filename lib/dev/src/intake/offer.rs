//! What somebody brings to the queue, and what he is told of it.

use crate::cutter::widen;
use crate::intake::mark::FileId;
use bytes::Bytes;
use std::ops::Range;
use streamgauge_engine::reject::RejectCode;
use streamgauge_engine::time::Millis;
use streamgauge_pipeline::port::source::BATCH_RECORDS_MAX;
use tokio::sync::oneshot;

/// Records that somebody brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// The text that they stand in.
    pub text: Bytes,
    /// Each record, an event as one line of JSON, in their order.
    pub records: Vec<Range<usize>>,
    /// Where they stand in a file that is followed.
    pub followed: Option<Followed>,
    /// Whoever brings them waits until the store takes them, and does not come again.
    pub is_patient: bool,
}

impl Offered {
    /// The parts of it that a batch can hold, each with where its text begins; none if there is no record.
    pub(super) fn parts(self) -> Vec<(usize, Self)> {
        if (1..=BATCH_RECORDS_MAX).contains(&self.records.len()) {
            return vec![(0, self)];
        }
        let part = |(place, records): (usize, &[Range<usize>])| {
            let (start, end) = (records.first()?.start, records.last()?.end);
            let is_last = (place + 1) * BATCH_RECORDS_MAX >= self.records.len();
            let followed = self.followed.map(|followed| Followed {
                start: followed.start + widen(start),
                end: if is_last { followed.end } else { followed.start + widen(end) },
                ..followed
            });
            let records = records.iter().map(|record| record.start - start..record.end - start);
            let part = Self {
                text: self.text.slice(start..end),
                records: records.collect(),
                followed,
                is_patient: self.is_patient,
            };
            Some((start, part))
        };
        self.records.chunks(BATCH_RECORDS_MAX).enumerate().filter_map(part).collect()
    }
}

/// Where records stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The file.
    pub file: FileId,
    /// The place of the text's first byte.
    pub start: u64,
    /// The place after the last record's line.
    pub end: u64,
}

/// What was made of an offer. All of it is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// How many records were read as events, also copies, late and filtered ones.
    pub accepted: usize,
    /// The others; they are dead letters.
    pub rejected: Vec<RejectedRecord>,
}

/// A record that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Its place in the offer, from 0.
    pub index: usize,
    /// Where it begins in the offer's text.
    pub start: usize,
    /// Why.
    pub code: RejectCode,
    /// A sentence that names the field and shows the value.
    pub reason: String,
}

/// Why an offer was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too much waits.
    #[error("more comes than can be stored; try again later")]
    Full {
        /// When to come again, in milliseconds.
        retry_after_ms: Millis,
    },
    /// The store does not take it. A part of it may be durable: a copy of that is known again by its identity.
    #[error("the events could not be stored; try again later: {reason}")]
    Store {
        /// What is wrong with it.
        reason: String,
    },
    /// The process ends.
    #[error("the process is ending; try again when it is back")]
    Stopping,
}

pub(super) type Answer = Result<Accepted, Refused>;

/// How many records and bytes of an offer are before a part of it.
type Before = (usize, usize);

/// An offer that was taken into the queue.
#[derive(Debug)]
#[must_use]
pub struct Pending {
    /// The answers to its parts, each with how many records and bytes are before it.
    pub(super) parts: Vec<(Before, oneshot::Receiver<Answer>)>,
}

impl Pending {
    /// Waits until all of it is durable.
    pub async fn answered(self) -> Answer {
        let mut all = Accepted::default();
        for (before, answer) in self.parts {
            all.add(before, answer.await.unwrap_or(Err(Refused::Stopping))?);
        }
        Ok(all)
    }

    /// The same for a thread that may block.
    pub fn blocking_answered(self) -> Answer {
        let mut all = Accepted::default();
        for (before, answer) in self.parts {
            all.add(before, answer.blocking_recv().unwrap_or(Err(Refused::Stopping))?);
        }
        Ok(all)
    }
}

impl Accepted {
    fn add(&mut self, (records, bytes): Before, part: Self) {
        self.accepted += part.accepted;
        self.rejected.extend(part.rejected.into_iter().map(|reject| RejectedRecord {
            index: records + reject.index,
            start: bytes + reject.start,
            ..reject
        }));
    }
}
