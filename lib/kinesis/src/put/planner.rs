//! Which records are in the next call, and when it is made. It has no clock: moments are lengths of time since a start that
//! the caller has chosen.
//!
//! Records are numbered as they are offered, and what waits is kept in the order of these numbers, so a record that goes back
//! to wait stands before all that is newer. A call takes what waits in this order, except keys that have failed and still back
//! off: these wait as a whole, and the others go on. One call is out at a time; with two, which of them a shard took first would
//! be anybody's guess.
//!
//! What it holds is bounded, in records and in bytes: an [offer](Planner::offer) beyond that is given back, and whoever makes
//! records has to wait.

use super::record::{CALL_BYTES_MAX, CALL_RECORDS_MAX, PutRecord, RECORD_BYTES_MAX_DEFAULT};
use super::{Fate, Outcome, backoff};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use thiserror::Error;

/// What a call and a record may have, and what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records in a call.
    pub call_records: usize,
    /// Bytes in a call, keys included. One record goes alone, whatever this says.
    pub call_bytes: usize,
    /// Bytes of a record, its key included: what the stream takes.
    pub record_bytes: usize,
    /// Records that are held, those in a call included.
    pub held_records: usize,
    /// Bytes that are held. One record is, whatever this says.
    pub held_bytes: usize,
}

/// What Kinesis takes of a stream that was not set otherwise; held is what makes a few calls.
impl Default for Limits {
    fn default() -> Self {
        Self {
            call_records: CALL_RECORDS_MAX,
            call_bytes: CALL_BYTES_MAX,
            record_bytes: RECORD_BYTES_MAX_DEFAULT,
            held_records: 4 * CALL_RECORDS_MAX,
            held_bytes: 2 * CALL_BYTES_MAX,
        }
    }
}

/// A record that is not held.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum NotHeld {
    /// There is no room now.
    #[error("no room for another record; put some of those that wait first")]
    Full(PutRecord),
    /// The stream would not take it.
    #[error("a record of {} bytes; the stream takes {limit}, unless its `MaxRecordSizeInKiB` is raised", record.bytes())]
    TooLarge {
        /// The record.
        record: PutRecord,
        /// What the stream takes, in bytes.
        limit: usize,
    },
}

impl NotHeld {
    /// The record.
    pub fn into_record(self) -> PutRecord {
        match self {
            Self::Full(record) | Self::TooLarge { record, .. } => record,
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'p> {
    /// Put these records, then tell what became of them by [`Planner::answered`].
    Call(&'p [PutRecord]),
    /// Nothing before this moment, unless more is offered.
    Wait(Duration),
    /// Nothing is held.
    Nothing,
}

/// The stream will take none of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the stream refuses what is put: {reason}")]
pub struct Refused {
    /// What it said.
    pub reason: String,
}

/// A record that was offered and not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// The record.
    pub record: PutRecord,
    /// It may stand in the stream all the same: an answer was lost, or it was taken before one of its key that was not.
    pub may_stand: bool,
}

/// What has been done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that ended.
    pub calls: u64,
    /// Records that were accepted: they stand in the stream, and all earlier ones of their keys.
    pub accepted: u64,
    /// How often a record went back to be sent again.
    pub sent_again: u64,
    /// How many of these may stand in the stream already, and then stand there twice.
    pub copies: u64,
}

/// Plans calls.
#[derive(Debug)]
pub struct Planner {
    limits: Limits,
    offered: u64,
    held_records: usize,
    held_bytes: usize,
    waiting: BTreeMap<u64, Unsent>,
    call: Call,
    /// Keys that have failed.
    backing_off: BTreeMap<String, BackOff>,
    /// Calls that failed as a whole.
    calls_back_off: BackOff,
    last_failure: Option<String>,
    tally: Tally,
}

/// The call that is out; without records there is none.
#[derive(Debug, Default)]
struct Call {
    records: Vec<PutRecord>,
    /// Of each record, its number, and whether it may stand in the stream.
    tickets: Vec<(u64, bool)>,
}

/// Failures in a row, and until when nothing is tried.
#[derive(Clone, Copy, Debug, Default)]
struct BackOff {
    failures: u32,
    until: Duration,
}

impl BackOff {
    fn failed(&mut self, key: &str, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.until = now.saturating_add(backoff::wait(self.failures, key));
    }
}

impl Planner {
    /// A planner that holds nothing.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            offered: 0,
            held_records: 0,
            held_bytes: 0,
            waiting: BTreeMap::new(),
            call: Call::default(),
            backing_off: BTreeMap::new(),
            calls_back_off: BackOff::default(),
            last_failure: None,
            tally: Tally::default(),
        }
    }

    /// Takes a record, to be put after all that were offered before it under its key.
    pub fn offer(&mut self, record: PutRecord) -> Result<(), NotHeld> {
        let bytes = record.bytes();
        if bytes > self.limits.record_bytes {
            return Err(NotHeld::TooLarge { record, limit: self.limits.record_bytes });
        }
        let is_full = self.held_records >= self.limits.held_records
            || self.held_bytes.saturating_add(bytes) > self.limits.held_bytes;
        if self.held_records > 0 && is_full {
            return Err(NotHeld::Full(record));
        }
        self.held_records += 1;
        self.held_bytes += bytes;
        self.offered += 1;
        self.waiting.insert(self.offered, Unsent { record, may_stand: false });
        Ok(())
    }

    /// What is to be done now. A call that was never told the outcome of counts as one whose answer was lost.
    pub fn next(&mut self, now: Duration) -> Next<'_> {
        let abandoned = std::mem::take(&mut self.call);
        for (record, (number, _)) in abandoned.records.into_iter().zip(abandoned.tickets) {
            self.again(number, record, true);
        }
        match self.ready_at(now) {
            None => Next::Nothing,
            Some(moment) if moment > now => Next::Wait(moment),
            Some(_) => {
                self.fill(now);
                Next::Call(&self.call.records)
            }
        }
    }

    /// When there is something to put: a moment up to `now` is now. Absent if nothing waits.
    pub fn ready_at(&self, now: Duration) -> Option<Duration> {
        let until = |key: &str| self.backing_off.get(key).map_or(Duration::ZERO, |off| off.until);
        let moments = self.waiting.values().map(|unsent| until(unsent.record.partition_key()));
        // Most keys do not back off, so the first one that waits decides most often.
        let mut earliest = None;
        for moment in moments {
            earliest = Some(earliest.map_or(moment, |earliest: Duration| earliest.min(moment)));
            if moment <= now {
                break;
            }
        }
        earliest.map(|moment| moment.max(self.calls_back_off.until))
    }

    /// Moves what may be put now from what waits into the call.
    fn fill(&mut self, now: Duration) {
        let mut bytes: usize = 0;
        let mut taken = Vec::new();
        for (&number, Unsent { record, .. }) in &self.waiting {
            let backs_off = self.backing_off.get(record.partition_key());
            if backs_off.is_some_and(|back_off| back_off.until > now) {
                continue;
            }
            bytes = bytes.saturating_add(record.bytes());
            let fits = bytes <= self.limits.call_bytes && taken.len() < self.limits.call_records;
            if !taken.is_empty() && !fits {
                break;
            }
            taken.push(number);
        }
        for number in taken {
            if let Some(Unsent { record, may_stand }) = self.waiting.remove(&number) {
                self.call.records.push(record);
                self.call.tickets.push((number, may_stand));
            }
        }
    }

    /// The call has ended. Answers the records that are accepted by it, in the order in which they were put.
    pub fn answered(&mut self, outcome: Outcome, now: Duration) -> Result<Vec<PutRecord>, Refused> {
        let call = std::mem::take(&mut self.call);
        self.tally.calls += 1;
        let (reason, may_stand) = match outcome {
            Outcome::Answered(fates) if fates.len() == call.records.len() => {
                self.calls_back_off = BackOff::default();
                return Ok(self.record_by_record(call, fates, now));
            }
            Outcome::Answered(fates) => {
                let told =
                    format!("{} of {} records were answered", fates.len(), call.records.len());
                (told, true)
            }
            Outcome::Unknown { reason } => (reason, true),
            Outcome::Throttled { reason } => (reason, false),
            Outcome::Refused { reason } => {
                self.back(call, false);
                return Err(Refused { reason });
            }
        };
        self.back(call, may_stand);
        self.last_failure = Some(reason);
        self.calls_back_off.failed("", now);
        Ok(Vec::new())
    }

    /// All of a call waits again.
    fn back(&mut self, call: Call, may_stand: bool) {
        for (record, (number, before)) in call.records.into_iter().zip(call.tickets) {
            self.again(number, record, before || may_stand);
        }
    }

    fn record_by_record(&mut self, call: Call, fates: Vec<Fate>, now: Duration) -> Vec<PutRecord> {
        let mut accepted = Vec::with_capacity(call.records.len());
        let mut broken: BTreeSet<String> = BTreeSet::new();
        for ((record, (number, before)), fate) in
            call.records.into_iter().zip(call.tickets).zip(fates)
        {
            let key = record.partition_key();
            let is_broken = broken.contains(key);
            match fate {
                Fate::Taken if !is_broken => {
                    self.backing_off.remove(key);
                    accepted.push(record);
                }
                Fate::Taken => self.again(number, record, true),
                Fate::Failed { code } => {
                    if !is_broken {
                        self.backing_off.entry(key.to_owned()).or_default().failed(key, now);
                        broken.insert(key.to_owned());
                    }
                    self.last_failure = Some(code);
                    self.again(number, record, before);
                }
            }
        }
        self.held_records -= accepted.len();
        self.held_bytes -= accepted.iter().map(PutRecord::bytes).sum::<usize>();
        self.tally.accepted += u64::try_from(accepted.len()).unwrap_or(u64::MAX);
        accepted
    }

    /// A record waits again, where it stood.
    fn again(&mut self, number: u64, record: PutRecord, may_stand: bool) {
        self.tally.sent_again += 1;
        self.tally.copies += u64::from(may_stand);
        self.waiting.insert(number, Unsent { record, may_stand });
    }

    /// Why something last had to be sent again.
    pub fn last_failure(&self) -> Option<&str> {
        self.last_failure.as_deref()
    }

    /// What has been done.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How many records are held.
    pub fn held(&self) -> usize {
        self.held_records
    }

    /// Gives up: what is held and was not accepted, in the order in which it was offered. Nothing is held then.
    pub fn give_up(&mut self) -> Vec<Unsent> {
        let call = std::mem::take(&mut self.call);
        for (record, (number, _)) in call.records.into_iter().zip(call.tickets) {
            self.waiting.insert(number, Unsent { record, may_stand: true });
        }
        (self.held_records, self.held_bytes) = (0, 0);
        self.backing_off.clear();
        std::mem::take(&mut self.waiting).into_values().collect()
    }
}

#[cfg(test)]
mod tests;
