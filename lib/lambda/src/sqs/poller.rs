//! A mapping that runs: its pollers, how many there are, and its end.

use super::batch::Limits;
use super::scale::{Crew, GROWTH_PAUSE};
use super::work::work;
use super::{MappingError, check};
use crate::backoff::retry_wait;
use crate::clock::Clock;
use crate::happening::{Happening, Observer};
use crate::interfere::Interfere;
use crate::invoke::Invoke;
use crate::lock::lock;
use crate::queue::{Queue, QueueError};
use crate::stack::SqsMapping;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

/// How often the queue is asked whether it is drained, if nothing happens.
const DRAIN_PAUSE: Duration = Duration::from_secs(1);

/// What a mapping runs on.
#[derive(Debug)]
pub struct SqsSource<Q, I> {
    /// The mapping.
    pub mapping: SqsMapping,
    /// Its queue. The event's `awsRegion` is the queue's.
    pub queue: Q,
    /// The functions.
    pub invoke: I,
    /// Who decides what goes wrong.
    pub interfere: Arc<dyn Interfere>,
    /// Who looks on.
    pub observer: Arc<dyn Observer>,
    /// The time.
    pub clock: Clock,
}

/// A mapping that runs, until it is stopped or dropped.
#[derive(Debug)]
pub struct SqsPoller<Q> {
    mapping: Arc<str>,
    queue: Q,
    observer: Arc<dyn Observer>,
    clock: Clock,
    stop: watch::Sender<bool>,
    settled: Arc<Notify>,
    task: JoinHandle<()>,
}

/// What the pollers of a mapping share.
pub(super) struct Shared<Q, I> {
    pub(super) source: SqsSource<Q, I>,
    pub(super) limits: Limits,
    /// How long the queue hides a message.
    pub(super) visibility: Duration,
    /// Reads of the queue so far: faults are told apart by it.
    pub(super) reads: AtomicU32,
    crew: Mutex<Crew>,
    wanted: Notify,
    /// A batch is done with.
    pub(super) settled: Arc<Notify>,
}

impl<Q: Queue> SqsPoller<Q> {
    /// Begins to poll. Must be called within a tokio runtime.
    pub fn start<I: Invoke>(source: SqsSource<Q, I>) -> Result<Self, MappingError> {
        check(&source.mapping)?;
        let (stop, stopped) = watch::channel(false);
        let settled = Arc::new(Notify::new());
        Ok(Self {
            mapping: Arc::clone(&source.mapping.name),
            queue: source.queue.clone(),
            observer: Arc::clone(&source.observer),
            clock: source.clock.clone(),
            stop,
            settled: Arc::clone(&settled),
            task: tokio::spawn(supervise(source, settled, stopped)),
        })
    }

    /// Waits until the queue holds no message, as far as it tells: none visible, delayed or in flight.
    pub async fn drained(&self) {
        let mut failures = 0;
        loop {
            // Made before asking, so that a batch that ends in between is not missed.
            let settled = self.settled.notified();
            match self.queue.depth().await {
                Ok(depth) if depth.total() == 0 => return,
                Ok(_) => failures = 0,
                Err(error) => {
                    let place = format!("the depth of the queue of {}", self.mapping);
                    let error = error.to_string();
                    self.observer.see(Happening::Trouble { place, error });
                    failures += 1;
                }
            }
            let pause = if failures == 0 { DRAIN_PAUSE } else { retry_wait(failures) };
            tokio::select! {
                () = settled => {}
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    /// Receives nothing more, and waits for the batches that functions have.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A panic of the task was printed where it happened.
        self.task.await.unwrap_or_default();
    }
}

/// Waits until a mapping is to stop, or nobody holds it any more.
pub(super) async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

async fn supervise<Q: Queue, I: Invoke>(
    source: SqsSource<Q, I>,
    settled: Arc<Notify>,
    mut stopped: watch::Receiver<bool>,
) {
    let visibility = tokio::select! {
        () = until_stopped(&mut stopped) => return,
        visibility = visibility(&source) => visibility,
    };
    let shared = Arc::new(Shared {
        limits: Limits::of(&source.mapping),
        crew: Mutex::new(Crew::new(source.mapping.concurrency_max)),
        wanted: Notify::new(),
        reads: AtomicU32::new(0),
        visibility,
        settled,
        source,
    });
    let mut pollers = JoinSet::new();
    for _ in 0..shared.crew(|crew| crew.pollers) {
        pollers.spawn(work(Arc::clone(&shared), stopped.clone()));
    }
    loop {
        tokio::select! {
            () = until_stopped(&mut stopped) => break,
            Some(_) = pollers.join_next() => {}
            () = shared.wanted.notified() => {
                if shared.crew(Crew::grow) {
                    pollers.spawn(work(Arc::clone(&shared), stopped.clone()));
                    tokio::select! {
                        () = until_stopped(&mut stopped) => break,
                        () = shared.source.clock.sleep(GROWTH_PAUSE) => {}
                    }
                }
            }
        }
    }
    while pollers.join_next().await.is_some() {}
}

/// Asks the queue for its visibility time-out until it answers.
async fn visibility<Q: Queue, I>(source: &SqsSource<Q, I>) -> Duration {
    let mut failures = 0;
    loop {
        match source.queue.visibility().await {
            Ok(visibility) => return visibility,
            Err(error) => source.trouble("the visibility time-out of", &error),
        }
        failures += 1;
        source.clock.sleep(retry_wait(failures)).await;
    }
}

impl<Q: Queue, I> SqsSource<Q, I> {
    /// Tells that something could not be done with the queue.
    pub(super) fn trouble(&self, what: &str, error: &QueueError) {
        self.observer.see(Happening::Trouble {
            place: format!("{what} the queue {} for {}", self.queue.arn(), self.mapping.name),
            error: error.to_string(),
        });
    }
}

impl<Q, I> Shared<Q, I> {
    fn crew<T>(&self, change: impl FnOnce(&mut Crew) -> T) -> T {
        change(&mut lock(&self.crew))
    }

    /// A poller has its first message.
    pub(super) fn begin(&self) {
        if self.crew(Crew::begin) {
            self.wanted.notify_one();
        }
    }

    /// A poller is done with its batch.
    pub(super) fn end(&self) {
        self.crew(Crew::end);
        self.settled.notify_waiters();
    }

    /// A poller's batch was throttled and waits.
    pub(super) fn pause(&self) {
        self.crew(Crew::pause);
    }

    /// It is tried again, or given up.
    pub(super) fn resume(&self) {
        self.crew(Crew::resume);
        self.wanted.notify_one();
    }

    /// Whether an idle poller is to go.
    pub(super) fn leave(&self) -> bool {
        self.crew(Crew::shrink)
    }
}
