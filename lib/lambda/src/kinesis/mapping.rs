//! A mapping at work: it lists the shards, lets those be read that may be, and saves how far they are.

use super::checkpoint::{CheckpointError, Checkpoints, SAVE_INTERVAL};
use super::drain::Drain;
use super::driver::{ShardTask, Shared};
use super::lineage::{self, Known, LIST_INTERVAL};
use crate::backoff::retry_wait;
use crate::clock::{Clock, later};
use crate::happening::{Happening, Observer};
use crate::interfere::Interfere;
use crate::invoke::Invoke;
use crate::services::Services;
use crate::stack::KinesisMapping;
use crate::stream::{Shard, ShardId, Stream, StreamError};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What a poller works with.
#[derive(Clone, Debug)]
pub struct Surroundings<S: Services, I: Invoke> {
    /// Where the stream and the on-failure destination are.
    pub services: S,
    /// The function.
    pub invoke: I,
    /// Who lets things go wrong.
    pub interfere: Arc<dyn Interfere>,
    /// Who looks on.
    pub observer: Arc<dyn Observer>,
    /// The simulator's time.
    pub clock: Clock,
    /// The region, for events and ARNs.
    pub region: Arc<str>,
    /// The account, for events and ARNs.
    pub account: Arc<str>,
}

/// A running mapping from a stream to a function. Dropping it stops it after what is in flight.
#[derive(Debug)]
pub struct KinesisPoller {
    drain: Arc<Drain>,
    checkpoints: Checkpoints,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl KinesisPoller {
    /// Starts a mapping, in the runtime that it is called in. It fails if the checkpoints are of another stream.
    pub fn start<S: Services, I: Invoke>(
        mapping: KinesisMapping,
        around: Surroundings<S, I>,
        checkpoints: Checkpoints,
    ) -> Result<Self, CheckpointError> {
        checkpoints.known(&mapping.name, &mapping.stream)?;
        let stream = around.services.stream(&mapping.stream);
        let drain = Arc::new(Drain::new());
        let shared = Arc::new(Shared {
            mapping,
            around,
            stream,
            checkpoints: checkpoints.clone(),
            drain: Arc::clone(&drain),
        });
        let (stop, stopped) = watch::channel(false);
        let supervisor = Supervisor {
            next_listing: shared.around.clock.now(),
            shared,
            retention: None,
            active: BTreeSet::new(),
            tasks: JoinSet::new(),
            failures: 0,
            stop: stopped,
        };
        let task = tokio::spawn(supervisor.run());
        Ok(Self { drain, checkpoints, stop, task })
    }

    /// Waits until all shards are at their tip and nothing waits, is in flight or undecided. What is put into the stream
    /// before the call is done then.
    pub async fn drained(&self) {
        self.drain.drained().await;
    }

    /// Whether that was so when the shards were last read.
    pub fn is_drained(&self) -> bool {
        self.drain.is_quiet()
    }

    /// Stops: nothing new is begun, what is in flight may end within `grace` (in real time), and the checkpoints are saved.
    /// Answers whether everything ended; what did not comes again after a restart.
    pub async fn stop(mut self, grace: Duration) -> Result<bool, CheckpointError> {
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(grace, &mut self.task).await;
        match ended {
            Ok(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Ok(_) => {}
            Err(_) => self.task.abort(),
        }
        self.checkpoints.save().await?;
        Ok(ended.is_ok())
    }
}

/// The task that keeps the others.
struct Supervisor<S: Services, I: Invoke> {
    shared: Arc<Shared<S, I>>,
    /// How long the stream keeps records, once it is known.
    retention: Option<Duration>,
    active: BTreeSet<ShardId>,
    tasks: JoinSet<ShardId>,
    next_listing: Timestamp,
    failures: u32,
    stop: watch::Receiver<bool>,
}

impl<S: Services, I: Invoke> Supervisor<S, I> {
    async fn run(mut self) {
        let clock = self.shared.around.clock.clone();
        let mut questions = self.shared.drain.questions();
        let mut saving = tokio::time::interval(SAVE_INTERVAL);
        saving.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if clock.now() >= self.next_listing {
                self.list().await;
            }
            tokio::select! {
                biased;
                changed = self.stop.changed() => if changed.is_err() || *self.stop.borrow() { break },
                Some(ended) = self.tasks.join_next() => self.ended(ended),
                Ok(()) = questions.changed() => self.hurry(),
                () = clock.sleep_until(self.next_listing) => {}
                _ = saving.tick() => self.saved(self.shared.checkpoints.save_if_due().await),
            }
        }
        while let Some(ended) = self.tasks.join_next().await {
            self.ended(ended);
        }
        self.saved(self.shared.checkpoints.save().await);
    }

    fn ended(&mut self, ended: Result<ShardId, tokio::task::JoinError>) {
        match ended {
            Ok(shard) => {
                self.active.remove(&shard);
                self.next_listing = self.shared.around.clock.now();
            }
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }

    /// Somebody waits for the mapping to be drained.
    fn hurry(&mut self) {
        if self.failures == 0 {
            self.next_listing = self.shared.around.clock.now();
        }
    }

    fn saved(&self, saved: Result<(), CheckpointError>) {
        if let Err(error) = saved {
            let mut text = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                text = format!("{text} ({source})");
            }
            self.trouble("checkpoints".to_owned(), text);
        }
    }

    /// Lists the shards and lets those be read that may be.
    async fn list(&mut self) {
        let number = self.shared.drain.number();
        let mut stop = self.stop.clone();
        let asked = tokio::select! {
            asked = ask(&self.shared.stream, self.retention) => asked,
            _ = stop.wait_for(|&stop| stop) => return,
        };
        let now = self.shared.around.clock.now();
        match asked {
            Ok(Asked { created, retention, listed }) => {
                self.failures = 0;
                self.retention = Some(retention);
                if let Some(created) = created {
                    self.know(created);
                }
                self.next_listing = later(now, LIST_INTERVAL);
                self.begin(&listed, retention, number);
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.next_listing = later(now, retry_wait(self.failures));
                self.shared.drain.listed(None);
                let place = format!("the shards of {}", self.shared.mapping.stream);
                self.trouble(place, error.to_string());
            }
        }
    }

    /// Forgets what the checkpoints know if the stream is another one than theirs.
    fn know(&self, created: Timestamp) {
        let Shared { mapping, checkpoints, .. } = &*self.shared;
        if let Some(before) = checkpoints.begin(&mapping.name, &mapping.stream, created) {
            let error = format!(
                "it was made anew: the checkpoints of {} are of the stream of {before}, this one is of {created}; its shards begin at the mapping's starting position",
                mapping.name
            );
            self.trouble(mapping.stream.to_string(), error);
        }
    }

    fn begin(&mut self, listed: &[Shard], retention: Duration, number: u64) {
        let shared = Arc::clone(&self.shared);
        let (mapping, checkpoints) = (&shared.mapping, &shared.checkpoints);
        let mut known = checkpoints.known(&mapping.name, &mapping.stream).unwrap_or_default();
        let learned = lineage::learn(listed, &known, &mapping.start, shared.stream.now());
        known.extend(learned.clone());
        checkpoints.note(&mapping.name, learned);
        self.end_vanished(listed, &mut known);
        let readable: Vec<ShardId> = lineage::readable(listed, &known).cloned().collect();
        for shard in readable {
            let Some(progress) = known.get(&shard) else { continue };
            if self.active.insert(ShardId::clone(&shard)) {
                let stop = self.stop.clone();
                let shared = Arc::clone(&shared);
                let task = ShardTask::new(shared, shard, progress.clone(), retention, stop);
                self.tasks.spawn(task.run());
            }
        }
        for shard in lineage::forgettable(listed, &known) {
            checkpoints.forget(&mapping.name, shard);
        }
        let is_begun = |(id, progress): (&ShardId, &lineage::ShardProgress)| {
            progress.ended || self.active.contains(id)
        };
        let is_complete = known.iter().all(is_begun);
        self.shared.drain.listed(is_complete.then_some(number));
    }

    /// Ends shards that nobody reads and that are listed no more.
    fn end_vanished(&self, listed: &[Shard], known: &mut Known) {
        let mapping = &self.shared.mapping;
        let vanished: Vec<ShardId> = lineage::vanished(listed, known)
            .filter(|shard| !self.active.contains(*shard))
            .cloned()
            .collect();
        for shard in vanished {
            if let Some(progress) = known.get_mut(&shard) {
                progress.ended = true;
                self.shared.checkpoints.note_shard(&mapping.name, &shard, progress);
            }
            let place = format!("{shard} of {}", mapping.stream);
            let error = "the shard is listed no more: records that were not read have expired";
            self.trouble(place, error.to_owned());
        }
    }

    fn trouble(&self, place: String, error: String) {
        self.shared.around.observer.see(Happening::Trouble { place, error });
    }
}

/// What a stream told of itself.
struct Asked {
    /// When it was made, if that was not known.
    created: Option<Timestamp>,
    retention: Duration,
    listed: Vec<Shard>,
}

async fn ask(stream: &impl Stream, retention: Option<Duration>) -> Result<Asked, StreamError> {
    let (created, retention) = match retention {
        Some(retention) => (None, retention),
        None => (Some(stream.created().await?), stream.retention().await?),
    };
    Ok(Asked { created, retention, listed: stream.shards().await? })
}
