//! The task that reads one shard and does what its state machine decides.
//!
//! It waits for whatever comes first: an answer of the function, the end of a read, the moment at which the machine wants to
//! be asked again, the end of the simulator. AWS polls a shard once a second when there is nothing
//! (<https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>), and a shard can be read five times a second
//! (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>); both on the simulator's clock.
//!
//! The position moves after a batch is done, or after the destination has the document about records that are given up.

use super::Surroundings;
use super::batch::LastAnswer;
use super::checkpoint::Checkpoints;
use super::drain::Drain;
use super::event::EventFrame;
use super::lineage::ShardProgress;
use super::on_failure::{self, Loss};
use super::read::{self, Reading};
use super::shard::{Delivery, Discard, Moment, Settings, ShardMachine};
use super::verdict::{Judgement, Verdict};
use crate::arn::Arn;
use crate::backoff::retry_wait;
use crate::happening::{Ending, Happening, ShardStanding};
use crate::interfere::{Interference, Place, Point};
use crate::invoke::{Cause, Invocation, Invoke, Invoked, KinesisCause};
use crate::services::Services;
use crate::stack::KinesisMapping;
use crate::stream::{ShardId, Stream, StreamError};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// How often a shard is read when there is nothing.
pub(super) const POLL_INTERVAL: SignedDuration = SignedDuration::from_secs(1);
/// The least time between two reads of a shard: five a second.
pub(super) const READ_INTERVAL_MIN: SignedDuration = SignedDuration::from_millis(200);

/// What all shards of a mapping share.
pub(super) struct Shared<S: Services, I: Invoke> {
    pub(super) mapping: KinesisMapping,
    pub(super) around: Surroundings<S, I>,
    pub(super) stream: S::Stream,
    pub(super) checkpoints: Checkpoints,
    pub(super) drain: Arc<Drain>,
}

/// What a job of the task has done.
enum Done {
    Read(read::Ended),
    Answered(Box<Delivery>, Invoked),
    Discarded(Box<Discard>, Option<String>),
}

/// The task of a shard.
pub(super) struct ShardTask<S: Services, I: Invoke> {
    shared: Arc<Shared<S, I>>,
    shard: ShardId,
    machine: ShardMachine,
    progress: ShardProgress,
    jobs: JoinSet<Done>,
    reading: Reading,
    read_job: Option<AbortHandle>,
    behind_ms: u64,
    last_error: Option<String>,
    told: Option<ShardStanding>,
    stop: watch::Receiver<bool>,
    is_stopping: bool,
}

impl<S: Services, I: Invoke> ShardTask<S, I> {
    pub(super) fn new(
        shared: Arc<Shared<S, I>>,
        shard: ShardId,
        progress: ShardProgress,
        retention: Duration,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let mapping = &shared.mapping;
        let around = &shared.around;
        let identity = format!("arn:aws:iam::{}:role/lambda-role", around.account);
        let frame = EventFrame::new(&mapping.stream, &shard, &around.region, &identity);
        let settings = Settings::of(mapping, retention, on_failure::keeps_payload(mapping));
        let machine = ShardMachine::new(settings, frame, progress.position.clone());
        let reading = Reading::new(progress.resume(), around.clock.now());
        shared.drain.begun(&shard);
        let is_stopping = *stop.borrow();
        Self {
            shared,
            shard,
            machine,
            progress,
            jobs: JoinSet::new(),
            reading,
            read_job: None,
            behind_ms: 0,
            last_error: None,
            told: None,
            stop,
            is_stopping,
        }
    }

    /// Reads the shard to its end, or until the simulator stops; answers which shard it was.
    pub(super) async fn run(mut self) -> ShardId {
        let clock = self.shared.around.clock.clone();
        let mut questions = self.shared.drain.questions();
        loop {
            let wake = if self.is_stopping { None } else { self.act() };
            if self.machine.is_ended() && self.jobs.is_empty() {
                self.end();
                return self.shard;
            }
            if self.is_stopping {
                self.read_job.take().inspect(AbortHandle::abort);
                if self.jobs.is_empty() {
                    return self.shard;
                }
            }
            self.tell();
            tokio::select! {
                biased;
                changed = self.stop.changed(), if !self.is_stopping => {
                    self.is_stopping = changed.is_err() || *self.stop.borrow();
                }
                Some(done) = self.jobs.join_next() => match done {
                    Ok(done) => self.done(done),
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    // The read that was stopped.
                    Err(_) => {}
                },
                Ok(()) = questions.changed() => self.reading.hurry(),
                () = sleep_until(&clock, wake), if wake.is_some() => {}
            }
        }
    }

    /// Begins what can be begun; answers when to look again.
    fn act(&mut self) -> Option<Timestamp> {
        let moment = self.moment();
        let orders = self.machine.decide(moment);
        for delivery in orders.deliveries {
            self.deliver(delivery);
        }
        for discard in orders.discards {
            self.discard(discard, moment.now);
        }
        if self.read_job.is_some() || self.reading.is_over() || !self.machine.has_room() {
            return orders.wait;
        }
        if self.reading.is_due(moment.now) {
            self.read();
            return orders.wait;
        }
        let next = self.reading.next();
        Some(orders.wait.map_or(next, |wait| wait.min(next)))
    }

    fn moment(&self) -> Moment {
        Moment { now: self.shared.around.clock.now(), stream: self.shared.stream.now() }
    }

    fn place<'a>(&'a self, point: Point<'a>, key: &'a str, attempt: u32) -> Place<'a> {
        let mapping = &self.shared.mapping;
        Place {
            point,
            function: &mapping.function,
            mapping: &mapping.name,
            shard: &self.shard,
            key,
            attempt,
        }
    }

    fn read(&mut self) {
        let (key, attempt) = self.reading.ask();
        let place = self.place(Point::Read, &key, attempt);
        let mut delay = Duration::ZERO;
        if let Interference::Delay(time) = self.shared.around.interfere.at(&place) {
            delay = time;
            self.fault("a read", &format!("delayed by {time:?}"));
        }
        let shared = Arc::clone(&self.shared);
        let job = self.reading.job(ShardId::clone(&self.shard));
        self.read_job = Some(self.jobs.spawn(async move {
            let clock = &shared.around.clock;
            if !delay.is_zero() {
                clock.sleep(delay).await;
            }
            Done::Read(job.run(&shared.stream, clock, shared.drain.number()).await)
        }));
    }

    fn deliver(&mut self, mut delivery: Delivery) {
        let mapping = &self.shared.mapping;
        let invocation = Invocation {
            function: Arc::clone(&mapping.function),
            payload: std::mem::take(&mut delivery.payload),
            cause: self.cause(&delivery),
        };
        let shared = Arc::clone(&self.shared);
        self.jobs.spawn(async move {
            let invoked = shared.around.invoke.invoke(invocation).await;
            Done::Answered(Box::new(delivery), invoked)
        });
    }

    fn cause(&self, delivery: &Delivery) -> Cause {
        Cause::Kinesis(KinesisCause {
            mapping: Arc::clone(&self.shared.mapping.name),
            shard: ShardId::clone(&self.shard),
            first: delivery.first.clone(),
            last: delivery.last.clone(),
            records: delivery.records,
            attempt: delivery.attempt,
            iterator_age_ms: delivery.iterator_age_ms,
        })
    }

    /// Tells the destination of records that are given up, for as long as it takes.
    fn discard(&mut self, discard: Discard, at: Timestamp) {
        let shared = Arc::clone(&self.shared);
        let (mapping, around) = (&shared.mapping, &shared.around);
        let loss = Loss {
            shard: ShardId::clone(&self.shard),
            function: Arn::function(&around.region, &around.account, &mapping.function),
            stream: mapping.stream.clone(),
            mapping_uuid: mapping.uuid.clone(),
            at,
            discard,
        };
        self.jobs.spawn(async move {
            let Some(destination) = &shared.mapping.on_failure else {
                return Done::Discarded(Box::new(loss.discard), None);
            };
            let mut failures = 0;
            loop {
                match loss.send(&shared.around.services, destination).await {
                    Ok(place) => return Done::Discarded(Box::new(loss.discard), Some(place)),
                    Err(error) => {
                        failures += 1;
                        let place = format!("on-failure destination of {}", shared.mapping.name);
                        shared.around.observer.see(Happening::Trouble { place, error });
                        shared.around.clock.sleep(retry_wait(failures)).await;
                    }
                }
            }
        });
    }

    fn done(&mut self, done: Done) {
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
    fn fault(&self, to: &str, done: &str) {
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
        let now = self.shared.around.clock.now();
        self.machine.discarded(discard.lane, now);
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

    fn end(&mut self) {
        self.progress.ended = true;
        self.note();
        self.shared.drain.ended(&self.shard);
        self.tell();
    }

    /// Tells how the shard stands, if that changed.
    fn tell(&mut self) {
        let (mapping, shard) = self.names();
        let standing = ShardStanding {
            mapping,
            shard,
            position: self.progress.position.clone(),
            behind_ms: self.behind_ms,
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

async fn sleep_until(clock: &crate::clock::Clock, wake: Option<Timestamp>) {
    if let Some(wake) = wake {
        clock.sleep_until(wake).await;
    }
}
