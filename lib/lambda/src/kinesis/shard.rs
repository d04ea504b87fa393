//! The state machine of a shard: records and answers go in, batches and waits come out. It reads no clock and does no I/O.
//!
//! ```text
//! take(records) ─► lane ─► decide() ─► Delivery ─► the function ─► settle(verdict) ─┬─► done: the position moves
//!              └─► lane ─►         └─► Discard ─► the destination ─► discarded() ┘   or the batch is sent again
//! ```
//!
//! Records of one partition key are always in the same lane, in order. The position is the last record before which
//! everything is done; with one lane it moves batch by batch, with more it waits for the slowest lane, and after a restart
//! records above it come again ("at least once").

use super::batch::{Batch, Condition, Entry, LastAnswer};
use super::event::EventFrame;
use super::lane::{Decision, Lane, Settled};
use super::verdict::{Judgement, Verdict};
use crate::invoke::Outcome;
use crate::stack::KinesisMapping;
use crate::stream::{Record, SequenceNumber};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// Records of a shard that are read and not done: from here on nothing is read. One read brings at most as many again.
/// It holds two of the largest batches, so a function never waits for the stream.
pub(super) const BUFFER_RECORDS_MAX: usize = 20_000;
/// The same in bytes of events. One read brings at most 10 MB more, as base64.
pub(super) const BUFFER_BYTES_MAX: usize = 24 * 1024 * 1024;
/// The largest batch and the largest factor:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>.
pub(super) const BATCH_RECORDS_MAX: usize = 10_000;
/// See [`BATCH_RECORDS_MAX`].
pub(super) const PARALLELIZATION_FACTOR_MAX: usize = 10;

/// A moment on both clocks: the simulator's, by which it waits, and the stream's, by which records have ages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The simulator's.
    pub(super) now: Timestamp,
    /// The stream's.
    pub(super) stream: Timestamp,
}

/// What a shard needs to know of its mapping.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// `BatchSize`.
    pub(super) batch_records_max: usize,
    /// `MaximumBatchingWindowInSeconds`.
    pub(super) batching_window: SignedDuration,
    /// `ParallelizationFactor`.
    pub(super) lanes: usize,
    /// `MaximumRetryAttempts`; none: without end.
    pub(super) retry_attempts_max: Option<u32>,
    /// `MaximumRecordAgeInSeconds`, or how long the stream keeps records if that is less.
    pub(super) record_age_max: SignedDuration,
    /// `BisectBatchOnFunctionError`.
    pub(super) bisect: bool,
    /// `ReportBatchItemFailures`.
    pub(super) report_item_failures: bool,
    /// Whether a [`Discard`] needs its event.
    pub(super) keeps_payload: bool,
}

impl Settings {
    /// The settings of a mapping to a stream that keeps its records so long.
    pub(super) fn of(mapping: &KinesisMapping, retention: Duration, keeps_payload: bool) -> Self {
        let age = mapping.record_age_max.unwrap_or(retention).min(retention);
        let signed = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        Self {
            batch_records_max: mapping.batch_records_max.clamp(1, BATCH_RECORDS_MAX),
            batching_window: signed(mapping.batching_window),
            lanes: mapping.parallelization_factor.clamp(1, PARALLELIZATION_FACTOR_MAX),
            retry_attempts_max: mapping.retry_attempts_max,
            record_age_max: signed(age),
            bisect: mapping.bisect,
            report_item_failures: mapping.report_item_failures,
            keeps_payload,
        }
    }
}

/// A batch for the function.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// Which lane sends it; goes back with the answer.
    pub(super) lane: usize,
    /// The event.
    pub(super) payload: Bytes,
    /// The first record.
    pub(super) first: SequenceNumber,
    /// The last record.
    pub(super) last: SequenceNumber,
    /// How many.
    pub(super) records: usize,
    /// 1 for the first time.
    pub(super) attempt: u32,
    /// How old the last record is.
    pub(super) iterator_age_ms: u64,
}

impl Delivery {
    pub(super) fn of(batch: &Batch, payload: Bytes, moment: Moment) -> Option<Self> {
        let (first, last) = batch.ends()?;
        let age_ms = moment.stream.duration_since(last.arrival).as_millis();
        Some(Self {
            lane: 0,
            payload,
            first: first.sequence_number.clone(),
            last: last.sequence_number.clone(),
            records: batch.len(),
            attempt: batch.sent,
            iterator_age_ms: u64::try_from(age_ms).unwrap_or(0),
        })
    }
}

/// Records that are given up.
#[derive(Clone, Debug)]
pub(super) struct Discard {
    /// Which lane gives them up; goes back when the destination knows.
    pub(super) lane: usize,
    /// Why.
    pub(super) condition: Condition,
    /// The first record.
    pub(super) first: SequenceNumber,
    /// The last record.
    pub(super) last: SequenceNumber,
    /// When the first arrived.
    pub(super) first_arrival: Timestamp,
    /// When the last arrived.
    pub(super) last_arrival: Timestamp,
    /// How many.
    pub(super) records: usize,
    /// How often the function failed at them.
    pub(super) attempts: u32,
    /// How the function answered last, if that is why.
    pub(super) last_answer: Option<LastAnswer>,
    /// The event, if [`Settings::keeps_payload`].
    pub(super) payload: Option<Bytes>,
}

impl Discard {
    pub(super) fn of(batch: &Batch, condition: Condition, payload: Option<Bytes>) -> Option<Self> {
        let (first, last) = batch.ends()?;
        Some(Self {
            lane: 0,
            condition,
            first: first.sequence_number.clone(),
            last: last.sequence_number.clone(),
            first_arrival: first.arrival,
            last_arrival: last.arrival,
            records: batch.len(),
            attempts: batch.attempts,
            last_answer: batch.last_answer.clone(),
            payload,
        })
    }
}

/// What is to be done now.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    /// Batches for the function, at most one of each lane.
    pub(super) deliveries: Vec<Delivery>,
    /// Records to give up.
    pub(super) discards: Vec<Discard>,
    /// When to ask again, if nothing happens before.
    pub(super) wait: Option<Timestamp>,
}

/// A record behind the position.
#[derive(Debug)]
struct Behind {
    number: SequenceNumber,
    arrival: Timestamp,
    bytes: usize,
}

/// A shard, as the mapping sees it.
#[derive(Debug)]
pub(super) struct ShardMachine {
    settings: Settings,
    frame: EventFrame,
    lanes: Vec<Lane>,
    /// The records behind the position, in order; the first has the ordinal `first_ordinal`.
    behind: VecDeque<Behind>,
    first_ordinal: u64,
    next_ordinal: u64,
    bytes: usize,
    position: Option<SequenceNumber>,
    is_closed: bool,
}

impl ShardMachine {
    /// A shard of which everything up to `position` is done.
    pub(super) fn new(
        settings: Settings,
        frame: EventFrame,
        position: Option<SequenceNumber>,
    ) -> Self {
        Self {
            lanes: vec![Lane::default(); settings.lanes.max(1)],
            settings,
            frame,
            behind: VecDeque::new(),
            first_ordinal: 0,
            next_ordinal: 0,
            bytes: 0,
            position,
            is_closed: false,
        }
    }

    /// Takes the records of a read, in order.
    pub(super) fn take(&mut self, records: Vec<Record>, now: Timestamp) {
        for record in records {
            let bytes = self.frame.record_bytes(&record);
            let (number, arrival) = (record.sequence_number.clone(), record.arrival);
            self.behind.push_back(Behind { number, arrival, bytes });
            self.bytes += bytes;
            let lane = lane_of(&record.partition_key, self.lanes.len());
            let entry = Entry { ordinal: self.next_ordinal, record, bytes };
            self.next_ordinal += 1;
            if let Some(lane) = self.lanes.get_mut(lane) {
                lane.push(entry, &self.settings, now);
            }
        }
    }

    /// No record comes any more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether there is room for a read.
    pub(super) fn has_room(&self) -> bool {
        self.behind.len() < BUFFER_RECORDS_MAX && self.bytes < BUFFER_BYTES_MAX
    }

    /// What is to be done at a moment. Asked twice, the second time there is only waiting.
    pub(super) fn decide(&mut self, moment: Moment) -> Orders {
        let mut orders = Orders::default();
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            match lane.decide(&self.settings, &self.frame, moment, self.is_closed) {
                Decision::Nothing => {}
                Decision::Wait(until) => {
                    orders.wait = Some(orders.wait.map_or(until, |wait| wait.min(until)));
                }
                Decision::Deliver(delivery) => {
                    orders.deliveries.push(Delivery { lane: index, ..delivery });
                }
                Decision::Discard(discard) => {
                    orders.discards.push(Discard { lane: index, ..discard });
                }
            }
        }
        orders
    }

    /// What an answer says about the batch that a lane has sent.
    pub(super) fn judge(&self, lane: usize, outcome: &Outcome) -> Judgement {
        let batch = self.lanes.get(lane).and_then(Lane::current);
        let numbers = batch.map(Batch::numbers).unwrap_or_default();
        Judgement::of(outcome, &numbers, self.settings.report_item_failures)
    }

    /// Does what the verdict on a lane's batch says.
    pub(super) fn settle(
        &mut self,
        lane: usize,
        verdict: &Verdict,
        answer: LastAnswer,
        now: Timestamp,
    ) -> Settled {
        let Some(lane) = self.lanes.get_mut(lane) else { return Settled::default() };
        let settled = lane.settle(verdict, answer, &self.settings, now);
        self.advance();
        settled
    }

    /// The batch of a lane succeeded, and is to be delivered again all the same.
    pub(super) fn repeat(&mut self, lane: usize) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.repeat();
        }
    }

    /// The destination knows of the records that a lane gave up.
    pub(super) fn discarded(&mut self, lane: usize) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.discarded();
        }
        self.advance();
    }

    fn advance(&mut self) {
        let first = self.lanes.iter().filter_map(Lane::first_ordinal).min();
        let first = first.unwrap_or(self.next_ordinal);
        while self.first_ordinal < first {
            let Some(done) = self.behind.pop_front() else { break };
            self.position = Some(done.number);
            self.bytes = self.bytes.saturating_sub(done.bytes);
            self.first_ordinal += 1;
        }
    }

    /// The record up to which everything is done.
    pub(super) fn position(&self) -> Option<&SequenceNumber> {
        self.position.as_ref()
    }

    /// When the first record arrived that is read and not done.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.behind.front().map(|record| record.arrival)
    }

    /// Records that are read and not done.
    pub(super) fn waiting(&self) -> usize {
        self.lanes.iter().map(Lane::len).sum()
    }

    /// Batches that are with the function or on their way to the destination.
    pub(super) fn in_flight(&self) -> usize {
        self.lanes.iter().filter(|lane| lane.is_busy).count()
    }

    /// Everything that was read is done.
    pub(super) fn is_empty(&self) -> bool {
        self.behind.is_empty()
    }

    /// Everything is done, and nothing comes any more.
    pub(super) fn is_ended(&self) -> bool {
        self.is_closed && self.is_empty()
    }
}

/// The lane of a partition key.
fn lane_of(key: &str, lanes: usize) -> usize {
    if lanes <= 1 {
        return 0;
    }
    let lanes_wide = u64::try_from(lanes).unwrap_or(1);
    usize::try_from(rapidhash::v3::rapidhash_v3(key.as_bytes()) % lanes_wide).unwrap_or(0)
}

#[cfg(test)]
mod tests;
