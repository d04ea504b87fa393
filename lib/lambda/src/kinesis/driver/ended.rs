//! What a shard's task does with what its jobs have done, and what it tells of it.

use super::{Done, ShardTask, Shared};
use crate::happening::{Ending, Happening, ShardStanding};
use crate::interfere::{Interference, Point};
use crate::invoke::{Invoke, Invoked};
use crate::kinesis::batch::LastAnswer;
use crate::kinesis::read;
use crate::kinesis::shard::{Delivery, Discard};
use crate::kinesis::verdict::{Judgement, Verdict};
use crate::services::Services;
use crate::stream::{ShardId, Stream, StreamError};
use std::sync::Arc;

impl<S: Services, I: Invoke> ShardTask<S, I> {
    /// Takes what a job has done.
    pub(super) fn done(&mut self, done: Done) {
        match done {
            Done::Read(ended) => self.take_read(ended),
            Done::Answered(delivery, invoked) => self.take_answer(&delivery, invoked),
            Done::Discarded(discard, destination) => self.take_discarded(&discard, destination),
        }
    }

    fn take_read(&mut self, ended: read::Ended) {
        self.read_job = None;
        let now = self.shared.around.clock.now();
        let is_awaited = self.shared.drain.is_awaited();
        self.reading.began(ended.iterator, self.progress.resume_later());
        match ended.result {
            Ok(read) => {
                let is_quiet = read.records.is_empty() && read.behind_ms == 0;
                self.behind_ms = read.behind_ms;
                let last = read.records.last().map(|record| record.sequence_number.clone());
                self.reading.went_on(last, read.next, ended.started, is_awaited || !is_quiet);
                self.machine.take(read.records, now);
                if self.reading.is_over() {
                    self.machine.close();
                }
                let nothing = is_quiet && self.machine.is_empty();
                self.shared.drain.found(&self.shard, nothing.then_some(ended.number));
            }
            Err(StreamError::ExpiredIterator) => self.reading.lost_iterator(ended.started),
            Err(error) => {
                let is_gone = ended.is_gone;
                self.reading.failed(now, is_gone);
                if is_gone {
                    self.machine.close();
                }
                self.trouble(&error);
            }
        }
    }

    fn trouble(&mut self, error: &StreamError) {
        let error = error.to_string();
        let place = format!("{} of {}", self.shard, self.shared.mapping.stream);
        self.last_error = Some(error.clone());
        self.shared.drain.found(&self.shard, None);
        self.see(Happening::Trouble { place, error });
    }

    fn take_answer(&mut self, delivery: &Delivery, invoked: Invoked) {
        let judged = self.machine.judge(delivery.lane, &invoked.outcome);
        let Judgement { verdict, ending, malformed } = judged;
        self.last_error = match &ending {
            Ending::Success => self.last_error.take(),
            Ending::Partial { failed } => Some(format!("{failed} records failed")),
            Ending::Error { text } | Ending::Unreachable { text } => Some(text.clone()),
            Ending::Throttled => Some("throttled".to_owned()),
        };
        let function_error = match &verdict {
            Verdict::Failed { handled: true } => Some("Handled"),
            Verdict::Failed { handled: false } => Some("Unhandled"),
            Verdict::Done | Verdict::FailedFrom(_) | Verdict::NotRun => None,
        };
        let answer = LastAnswer { request_id: Arc::clone(&invoked.request_id), function_error };
        self.see(Happening::Invoked {
            function: Arc::clone(&self.shared.mapping.function),
            request_id: invoked.request_id,
            cause: self.cause(delivery),
            ending,
            report: invoked.report,
        });
        if let Some(error) = malformed {
            let mapping = &self.shared.mapping;
            let place = format!("the answer of {} to {}", mapping.function, mapping.name);
            self.see(Happening::Trouble { place, error });
        }
        if verdict == Verdict::Done && self.is_repeated(delivery) {
            self.machine.repeat(delivery.lane);
            return self.see_retried(delivery.records);
        }
        let now = self.shared.around.clock.now();
        let settled = self.machine.settle(delivery.lane, &verdict, answer, now);
        if let Some(parts) = settled.bisected {
            let (mapping, shard) = self.names();
            self.see(Happening::Bisected { mapping, shard, parts });
        }
        if settled.retried > 0 {
            self.see_retried(settled.retried);
        }
        self.note_position();
    }

    /// Whether a batch that succeeded is to be delivered again, on purpose.
    fn is_repeated(&self, delivery: &Delivery) -> bool {
        let place = self.place(Point::Done, delivery.first.as_str(), delivery.attempt);
        let is_repeated = self.shared.around.interfere.at(&place) == Interference::Repeat;
        if is_repeated {
            self.fault("a batch", "repeated although it succeeded");
        }
        is_repeated
    }

    /// Tells what was done to a read or a batch on purpose.
    pub(super) fn fault(&self, to: &str, done: &str) {
        let mapping = &self.shared.mapping.name;
        self.see(Happening::Fault {
            what: format!("{to} of {} for `{mapping}` {done}", self.shard),
        });
    }

    fn see_retried(&self, records: usize) {
        let (mapping, shard) = self.names();
        self.see(Happening::Retried { mapping, shard: Some(shard), records });
    }

    fn take_discarded(&mut self, discard: &Discard, destination: Option<String>) {
        self.machine.discarded(discard.lane);
        let (mapping, shard) = self.names();
        self.see(Happening::Discarded {
            mapping,
            shard: Some(shard),
            records: discard.records,
            condition: discard.condition.as_str(),
            destination,
        });
        self.note_position();
    }

    fn names(&self) -> (Arc<str>, ShardId) {
        (Arc::clone(&self.shared.mapping.name), ShardId::clone(&self.shard))
    }

    fn see(&self, happening: Happening) {
        self.shared.around.observer.see(happening);
    }

    fn note_position(&mut self) {
        if self.machine.position() != self.progress.position.as_ref() {
            self.progress.position = self.machine.position().cloned();
            self.note();
        }
    }

    fn note(&self) {
        let Shared { mapping, checkpoints, .. } = &*self.shared;
        checkpoints.note_shard(&mapping.name, &self.shard, &self.progress);
    }

    /// The shard is closed, and done to its end.
    pub(super) fn end(&mut self) {
        self.progress.ended = true;
        self.note();
        self.shared.drain.ended(&self.shard);
        self.tell();
    }

    /// Tells how the shard stands, if that changed.
    pub(super) fn tell(&mut self) {
        let (mapping, shard) = self.names();
        let now = self.shared.stream.now();
        let oldest_ms = self.machine.oldest().map(|oldest| now.duration_since(oldest).as_millis());
        let oldest_ms = oldest_ms.and_then(|age| u64::try_from(age).ok()).unwrap_or(0);
        let standing = ShardStanding {
            mapping,
            shard,
            position: self.progress.position.clone(),
            behind_ms: self.behind_ms.max(oldest_ms),
            waiting: self.machine.waiting(),
            in_flight: self.machine.in_flight(),
            ended: self.progress.ended,
            last_error: self.last_error.clone(),
        };
        if self.told.as_ref() != Some(&standing) {
            self.see(Happening::Shard(standing.clone()));
            self.told = Some(standing);
        }
    }
}
