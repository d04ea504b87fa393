//! The streams that settle and aggregate know: the one that this process is, those that are polled, and those that are left out this time.
//!
//! The first has one shard, which is empty when nothing waits anywhere.

use crate::intake::Intake;
use crate::polled::known::View;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{
    Progress, SequenceNumber, Shard, ShardId, Stream, StreamId,
};

/// What the stream is called.
pub(crate) const STREAM: &str = "dev";
/// What its shard is called.
pub(crate) const SHARD: &str = "0";

/// Whether a source has something that it has not offered yet.
type HasMore = Box<dyn Fn() -> bool + Send + Sync>;

/// The stream.
pub struct Embedded<C> {
    clock: C,
    intake: Intake,
    /// Whether the clock is that of the events: then silence proves nothing.
    is_by_events: bool,
    created_at: OnceLock<Timestamp>,
    sources: Mutex<Vec<HasMore>>,
    /// No further source will be added: before that, one may have more that is not known here.
    has_all_sources: AtomicBool,
    /// How many batches were in the log when the settle that asks began, and so have been read by it.
    read: AtomicU64,
    /// The same of the last one that has succeeded.
    settled: AtomicU64,
}

impl<C> fmt::Debug for Embedded<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Embedded")
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

impl<C> Embedded<C> {
    /// A stream that does not exist until it is said when it was made.
    pub(crate) fn new(clock: C, intake: Intake, is_by_events: bool) -> Self {
        Self {
            clock,
            intake,
            is_by_events,
            created_at: OnceLock::new(),
            sources: Mutex::default(),
            has_all_sources: AtomicBool::new(false),
            read: AtomicU64::new(0),
            settled: AtomicU64::new(0),
        }
    }

    /// It was made then, by whichever process was the first.
    pub(crate) fn created_at(&self, at: Timestamp) {
        self.created_at.get_or_init(|| at);
    }

    /// Which it is, once that is known.
    pub(crate) fn id(&self) -> StreamId {
        let created_at = self.created_at.get().copied().unwrap_or(Timestamp::EPOCH);
        StreamId { name: STREAM.into(), created_at }
    }

    /// While this says that there is more, the stream is not empty.
    pub(crate) fn add_source(&self, has_more: impl Fn() -> bool + Send + Sync + 'static) {
        self.sources().push(Box::new(has_more));
    }

    /// All sources were added: from now on silence proves something.
    pub(crate) fn has_all_sources(&self) {
        self.has_all_sources.store(true, Ordering::SeqCst);
    }

    /// How many batches must have been settled until all that is here now is, and how many have been.
    pub(crate) fn batches(&self) -> (u64, u64) {
        let needed = self.intake.appended() + u64::from(self.intake.is_waiting());
        (needed, self.settled.load(Ordering::SeqCst))
    }

    /// A settle begins: what it asks is about what comes after all that stands in the log now.
    pub(crate) fn settle_begins(&self) {
        self.read.store(self.intake.appended(), Ordering::SeqCst);
    }

    /// It has settled all that stood in the log when it began.
    pub(crate) fn settle_succeeds(&self) {
        self.settled.store(self.read.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    fn sources(&self) -> MutexGuard<'_, Vec<HasMore>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing waits, nor was appended since the settle that asks began.
    fn is_empty(&self) -> bool {
        // In the order in which a record goes: what has left a place is seen at the next.
        self.has_all_sources.load(Ordering::SeqCst)
            && !self.sources().iter().any(|has_more| has_more())
            && !self.intake.is_waiting()
            && self.intake.appended() == self.read.load(Ordering::SeqCst)
            && !self.intake.has_failed()
    }
}

impl<C: Clock> Embedded<C> {
    /// When a record has arrived that comes now; absent where the clock is that of the events.
    pub(crate) fn arrival(&self) -> Option<Timestamp> {
        (!self.is_by_events).then(|| self.clock.now())
    }
}

impl<C: Clock> Stream for Embedded<C> {
    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        Ok(self.created_at.get().map(|_| self.id()))
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        Ok(vec![Shard { id: SHARD.into(), parents: Vec::new(), closed: false }])
    }

    /// What the asker has read says the intake, not the number: several entries can hold records of one.
    async fn progress(
        &self,
        _shard: &ShardId,
        _after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        let asked_at = self.clock.now();
        if self.is_by_events || !self.is_empty() {
            return Ok(Progress::Waiting);
        }
        Ok(Progress::Empty { asked_at })
    }
}

/// A stream that an earlier process has polled and this one does not. Settle has to know its shards for as long as there is a log of them: one
/// that came back to the list would be settled again. So they stay, and are silent.
#[derive(Clone, Debug)]
pub struct Away<C> {
    pub(crate) id: StreamId,
    pub(crate) shards: Vec<Shard>,
    pub(crate) clock: C,
}

impl<C: Clock> Stream for Away<C> {
    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        Ok(Some(self.id.clone()))
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        Ok(self.shards.clone())
    }

    async fn progress(
        &self,
        _shard: &ShardId,
        _after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        Ok(Progress::Empty { asked_at: self.clock.now() })
    }
}

/// Any stream.
#[derive(Debug)]
pub enum DevStream<C> {
    /// The one that this process is.
    Embedded(Arc<Embedded<C>>),
    /// One that is polled.
    Polled(View),
    /// One that is not read this time.
    Away(Away<C>),
}

impl<C: Clock> Stream for DevStream<C> {
    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        match self {
            Self::Embedded(stream) => stream.describe().await,
            Self::Polled(stream) => stream.describe().await,
            Self::Away(stream) => stream.describe().await,
        }
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        match self {
            Self::Embedded(stream) => stream.shards().await,
            Self::Polled(stream) => stream.shards().await,
            Self::Away(stream) => stream.shards().await,
        }
    }

    async fn progress(
        &self,
        shard: &ShardId,
        after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        match self {
            Self::Embedded(stream) => stream.progress(shard, after).await,
            Self::Polled(stream) => stream.progress(shard, after).await,
            Self::Away(stream) => stream.progress(shard, after).await,
        }
    }
}
