//! Where the reading of a shard stands: from where it goes on, when it may, and what one read brings.

use super::driver::{POLL_INTERVAL, READ_INTERVAL_MIN};
use crate::backoff::retry_wait;
use crate::clock::{Clock, later};
use crate::stream::{
    Iterator, READ_RECORDS_MAX, Read, SequenceNumber, ShardId, Start, Stream, StreamError,
};
use jiff::Timestamp;

/// Where the reading of a shard stands.
#[derive(Debug)]
pub(super) struct Reading {
    /// Where to go on without an iterator.
    resume: Start,
    iterator: Option<Iterator>,
    is_over: bool,
    next: Timestamp,
    started: Option<Timestamp>,
    failures: u32,
    /// How often it was read since a record came.
    reads: u32,
}

/// One read.
#[derive(Debug)]
pub(super) struct Job {
    shard: ShardId,
    resume: Start,
    iterator: Option<Iterator>,
}

/// What a read brought.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) started: Timestamp,
    /// The question of [`Drain`](super::drain::Drain) that was asked last when it began.
    pub(super) number: u64,
    /// The iterator that was used, if the shard could be opened.
    pub(super) iterator: Option<Iterator>,
    pub(super) result: Result<Read, StreamError>,
    /// The stream is there, and the shard is not any more.
    pub(super) is_gone: bool,
}

impl Reading {
    pub(super) fn new(resume: Start, now: Timestamp) -> Self {
        Self {
            resume,
            iterator: None,
            is_over: false,
            next: now,
            started: None,
            failures: 0,
            reads: 0,
        }
    }

    /// There is nothing more to read.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now >= self.next
    }

    /// When the next read is due.
    pub(super) const fn next(&self) -> Timestamp {
        self.next
    }

    /// What tells the next read from others: the last record that was read, and how many reads there were since.
    pub(super) fn ask(&mut self) -> (String, u32) {
        self.reads = self.reads.saturating_add(1);
        let key = match &self.resume {
            Start::At(number) | Start::After(number) => number.as_str(),
            Start::TrimHorizon | Start::Latest | Start::AtTimestamp(_) => "",
        };
        (key.to_owned(), self.reads)
    }

    pub(super) fn job(&self, shard: ShardId) -> Job {
        Job { shard, resume: self.resume.clone(), iterator: self.iterator.clone() }
    }

    /// The next read is due as soon as it may be.
    pub(super) fn hurry(&mut self) {
        if self.failures == 0
            && let Some(started) = self.started
        {
            self.next = self.next.min(later(started, READ_INTERVAL_MIN));
        }
    }

    /// Time passes before the shard is opened (again): a moment takes the place of `LATEST`, so that nothing is passed over.
    pub(super) fn waits(&mut self, resume_later: Start) {
        if self.resume == Start::Latest {
            self.resume = resume_later;
        }
    }

    /// A read ended that used this iterator, if the shard could be opened.
    pub(super) fn began(&mut self, iterator: Option<Iterator>, resume_later: Start) {
        self.waits(resume_later);
        self.iterator = iterator;
    }

    /// A read that began at `started` ended well. `is_soon`: the next one does not wait for the poll interval.
    pub(super) fn went_on(
        &mut self,
        last: Option<SequenceNumber>,
        next: Option<Iterator>,
        started: Timestamp,
        is_soon: bool,
    ) {
        self.failures = 0;
        if let Some(last) = last {
            self.resume = Start::After(last);
            self.reads = 0;
        }
        self.is_over = next.is_none();
        self.iterator = next;
        self.started = Some(started);
        self.next = later(started, if is_soon { READ_INTERVAL_MIN } else { POLL_INTERVAL });
    }

    /// The iterator was too old: the shard is opened again where it stands.
    pub(super) fn lost_iterator(&mut self, started: Timestamp) {
        self.iterator = None;
        self.started = Some(started);
        self.next = later(started, READ_INTERVAL_MIN);
    }

    /// A read failed.
    pub(super) fn failed(&mut self, now: Timestamp, is_gone: bool) {
        self.failures = self.failures.saturating_add(1);
        self.is_over = is_gone;
        self.next = later(now, retry_wait(self.failures));
    }
}

impl Job {
    pub(super) async fn run(self, stream: &impl Stream, clock: &Clock, number: u64) -> Ended {
        let started = clock.now();
        let ended = |iterator, result| Ended { started, number, iterator, result, is_gone: false };
        let iterator = match self.iterator {
            Some(iterator) => Ok(iterator),
            None => stream.open(&self.shard, &self.resume).await,
        };
        let iterator = match iterator {
            Ok(iterator) => iterator,
            Err(error) => {
                let is_gone = is_gone(stream, &self.shard, &error).await;
                return Ended { is_gone, ..ended(None, Err(error)) };
            }
        };
        let result = stream.read(&iterator, READ_RECORDS_MAX).await;
        let is_gone = match &result {
            Ok(_) => false,
            Err(error) => is_gone(stream, &self.shard, error).await,
        };
        Ended { is_gone, ..ended(Some(iterator), result) }
    }
}

/// Whether the stream can be listed and the shard is not in it: all that it held has expired.
async fn is_gone(stream: &impl Stream, shard: &ShardId, error: &StreamError) -> bool {
    matches!(error, StreamError::NotFound(_))
        && stream
            .shards()
            .await
            .is_ok_and(|listed| !listed.is_empty() && listed.iter().all(|other| other.id != *shard))
}
