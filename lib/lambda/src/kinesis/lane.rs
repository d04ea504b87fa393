//! One line of batches: records come in at one end, at the other one batch at a time is with the function.
//!
//! A shard has one lane, and with a `ParallelizationFactor` so many. A batch is sent when the first of these is true:
//!
//! - it has `BatchSize` records, or the next record would not fit into the event (6 MB);
//! - the batching window is over. AWS: "the next batching window begins as soon as the previous function invocation
//!   completes" (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html>). What holds for the first
//!   one, and after a window in which nothing came, is not documented: here it begins with the first record;
//! - the shard is closed and read to its end: nothing can join the batch any more. AWS does not say.
//!
//! A batch that fails stays at the front until it is done or given up, so the order holds. Not documented, and so here: a
//! batch whose first record is returned as failed cannot be cut there and is cut in the middle; after a partial failure
//! without bisecting the attempts count on; a batch that is cut in two, or cut at the number that the function returned,
//! counts from 0; the parts go at once, what is tried again as it is waits as [`retry_wait`] says.

use super::batch::{Batch, Condition, Entry, LastAnswer};
use super::event::EventFrame;
use super::shard::{Delivery, Discard, Moment, Settings};
use super::verdict::Verdict;
use crate::backoff::retry_wait;
use crate::clock::later;
use crate::invoke::REQUEST_BYTES_MAX;
use jiff::Timestamp;
use std::collections::VecDeque;

/// What a lane does now.
#[derive(Clone, Debug)]
pub(super) enum Decision {
    /// There is nothing to do until a record or an answer comes.
    Nothing,
    /// Ask again at this moment.
    Wait(Timestamp),
    /// Invoke the function.
    Deliver(Delivery),
    /// Give records up.
    Discard(Discard),
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Records that come again, as a whole or from one on.
    pub(super) retried: usize,
    /// The sizes of the two parts, if it was cut.
    pub(super) bisected: Option<(usize, usize)>,
}

/// How many of the records in line make the next batch.
#[derive(Clone, Copy, Debug, Default)]
struct Ready {
    records: usize,
    bytes: usize,
    is_full: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    /// Records that are in no batch yet.
    line: VecDeque<Entry>,
    ready: Ready,
    /// The front one is next; there are more only after one was cut.
    batches: VecDeque<Batch>,
    /// The front batch is with the function, or on its way to the destination.
    pub(super) is_busy: bool,
    /// The front batch is not sent before; once it is sent, this has passed.
    not_before: Option<Timestamp>,
    /// Since when something is in line.
    line_since: Option<Timestamp>,
    /// When the last invocation ended.
    last_end: Option<Timestamp>,
}

impl Lane {
    pub(super) fn push(&mut self, entry: Entry, settings: &Settings, now: Timestamp) {
        self.line_since.get_or_insert(now);
        self.ready.add(&entry, settings);
        self.line.push_back(entry);
    }

    pub(super) fn decide(
        &mut self,
        settings: &Settings,
        frame: &EventFrame,
        moment: Moment,
        is_closed: bool,
    ) -> Decision {
        if self.is_busy {
            return Decision::Nothing;
        }
        if self.batches.is_empty() {
            let Some(window_end) = self.window_end(settings) else { return Decision::Nothing };
            if !self.ready.is_full && !is_closed && window_end > moment.now {
                return Decision::Wait(window_end);
            }
            self.form(settings);
        }
        self.give_up_expired(settings, moment);
        let Some(batch) = self.batches.front_mut() else { return Decision::Nothing };
        if let Some(condition) = batch.given_up {
            self.is_busy = true;
            let payload = settings.keeps_payload.then(|| batch.payload(frame));
            return Discard::of(batch, condition, payload)
                .map_or(Decision::Nothing, Decision::Discard);
        }
        if let Some(wait) = self.not_before.filter(|&wait| wait > moment.now) {
            return Decision::Wait(wait);
        }
        self.is_busy = true;
        batch.sent = batch.sent.saturating_add(1);
        let payload = batch.payload(frame);
        Delivery::of(batch, payload, moment).map_or(Decision::Nothing, Decision::Deliver)
    }

    /// When the batching window of the records in line ends; none if nothing is in line.
    fn window_end(&self, settings: &Settings) -> Option<Timestamp> {
        let since = self.line_since?;
        let after_last = self.last_end.map(|end| later(end, settings.batching_window));
        let first = later(since, settings.batching_window);
        Some(after_last.filter(|&end| end >= since).unwrap_or(first))
    }

    /// Makes a batch of what is ready.
    fn form(&mut self, settings: &Settings) {
        let entries: Vec<Entry> =
            self.line.drain(..self.ready.records.min(self.line.len())).collect();
        self.ready = Ready::default();
        for entry in &self.line {
            if self.ready.is_full {
                break;
            }
            self.ready.add(entry, settings);
        }
        if self.line.is_empty() {
            self.line_since = None;
        }
        if !entries.is_empty() {
            self.batches.push_back(Batch::new(entries));
        }
    }

    /// Cuts the records that are too old off the front batch. AWS gives up only these and sends the others. Arrival times may
    /// be out of order: what stands before a record that is too old is then sent first, so that the position can follow.
    fn give_up_expired(&mut self, settings: &Settings, moment: Moment) {
        let Some(batch) = self.batches.front_mut().filter(|batch| batch.given_up.is_none()) else {
            return;
        };
        let (run, is_old) = batch.expired(moment.stream, settings.record_age_max);
        if !is_old && run == batch.len() {
            return;
        }
        let mut front = batch.take_front(run);
        if is_old {
            front.given_up = Some(Condition::RecordAgeExceeded);
        } else {
            (front.sent, front.attempts) = (batch.sent, batch.attempts);
            front.failures = batch.failures;
        }
        if batch.entries.is_empty() {
            self.batches.pop_front();
        }
        self.batches.push_front(front);
    }

    /// The front batch, if it is with the function.
    pub(super) fn current(&self) -> Option<&Batch> {
        self.batches.front().filter(|_| self.is_busy)
    }

    /// The front batch succeeded and is delivered again all the same.
    pub(super) fn repeat(&mut self) {
        self.is_busy = false;
    }

    /// Takes an answer.
    pub(super) fn settle(
        &mut self,
        verdict: &Verdict,
        answer: LastAnswer,
        settings: &Settings,
        now: Timestamp,
    ) -> Settled {
        self.is_busy = false;
        self.last_end = Some(now);
        let Some(mut batch) = self.batches.pop_front() else { return Settled::default() };
        let cut = match *verdict {
            Verdict::Done => return Settled::default(),
            Verdict::NotRun => return self.try_again(batch, now),
            Verdict::FailedFrom(first) if first > 0 && first < batch.len() => {
                let done = batch.take_front(first);
                if settings.bisect {
                    self.batches.push_front(Batch::new(batch.entries));
                    let rest = self.front_len();
                    return Settled { retried: rest, bisected: Some((done.len(), rest)) };
                }
                None
            }
            Verdict::FailedFrom(_) | Verdict::Failed { .. } => {
                Some(batch.len() / 2).filter(|&half| settings.bisect && half > 0)
            }
        };
        if let Some(half) = cut {
            let first = batch.take_front(half);
            let parts = (first.len(), batch.len());
            self.batches.push_front(Batch::new(batch.entries));
            self.batches.push_front(first);
            return Settled { retried: 0, bisected: Some(parts) };
        }
        batch.attempts = batch.attempts.saturating_add(1);
        batch.last_answer = Some(answer);
        if settings.retry_attempts_max.is_some_and(|max| batch.attempts > max) {
            batch.given_up = Some(Condition::RetryAttemptsExhausted);
            self.batches.push_front(batch);
            return Settled::default();
        }
        self.try_again(batch, now)
    }

    fn try_again(&mut self, mut batch: Batch, now: Timestamp) -> Settled {
        batch.failures = batch.failures.saturating_add(1);
        self.not_before = Some(later(now, retry_wait(batch.failures)));
        let retried = batch.len();
        self.batches.push_front(batch);
        Settled { retried, bisected: None }
    }

    /// The front batch was given up, and whoever wanted to know has been told.
    pub(super) fn discarded(&mut self) {
        self.is_busy = false;
        self.batches.pop_front();
    }

    fn front_len(&self) -> usize {
        self.batches.front().map_or(0, Batch::len)
    }

    /// The oldest record that is not done.
    pub(super) fn first_ordinal(&self) -> Option<u64> {
        let in_batch = self.batches.front().and_then(|batch| batch.entries.first());
        in_batch.or_else(|| self.line.front()).map(|entry| entry.ordinal)
    }

    /// Records that are not done.
    pub(super) fn len(&self) -> usize {
        self.line.len() + self.batches.iter().map(Batch::len).sum::<usize>()
    }
}

impl Ready {
    /// Takes a record into the next batch, if there is room.
    fn add(&mut self, entry: &Entry, settings: &Settings) {
        if self.is_full {
            return;
        }
        let (records, bytes) = (self.records + 1, self.bytes + entry.bytes);
        let fits = EventFrame::event_bytes(records, bytes) <= REQUEST_BYTES_MAX;
        // A record that fits into no event is a batch of its own, which is then given up.
        if fits || self.records == 0 {
            (self.records, self.bytes) = (records, bytes);
        }
        self.is_full = !fits || self.records >= settings.batch_records_max;
    }
}
