//! The task that reads one shard and does what its state machine decides.
//!
//! It waits for whatever comes first: an answer of the function, the end of a read, the moment at which the machine wants to
//! be asked again, the end of the simulator. AWS polls a shard once a second when there is nothing
//! (<https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>), and a shard can be read five times a second
//! (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>); both on the simulator's clock.
//!
//! What it does when a job has ended, and what it tells, is in `ended`. The position moves after a batch is done, or after the destination has the document about records that are given up.

mod ended;

use super::Surroundings;
use super::checkpoint::Checkpoints;
use super::drain::Drain;
use super::event::EventFrame;
use super::lineage::ShardProgress;
use super::on_failure::{self, Loss};
use super::read::{self, Reading};
use super::shard::{Delivery, Discard, Moment, Settings, ShardMachine};
use crate::arn::Arn;
use crate::backoff::retry_wait;
use crate::happening::{Happening, ShardStanding};
use crate::interfere::{Interference, Place, Point};
use crate::invoke::{Cause, Invocation, Invoke, Invoked, KinesisCause};
use crate::services::Services;
use crate::stack::KinesisMapping;
use crate::stream::{ShardId, Stream};
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
            self.reading.waits(self.progress.resume_later());
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
}

async fn sleep_until(clock: &crate::clock::Clock, wake: Option<Timestamp>) {
    if let Some(wake) = wake {
        clock.sleep_until(wake).await;
    }
}
