//! The world as far as folding again needs it: logs, snapshots and rules. Nothing is asked, woken or written, and no time passes.

use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::log::{Append, Entry, Log, LogId, Logged, Version, Wanted};
use crate::port::rules::{NoPlan, Rules, RulesText};
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use crate::port::source::{Progress, SequenceNumber, Shard, ShardId, Stream, StreamId};
use crate::port::wake::{Wake, WakeUp, When};
use crate::world::World;
use std::sync::Arc;
use streamgauge_engine::notify::Render;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;

/// What somebody else holds, to be read.
pub(super) struct Held<'h, T>(&'h T);

/// The world of the past.
pub(super) struct Past<'h, L, S, R> {
    log: Held<'h, L>,
    snapshots: Held<'h, S>,
    rules: Held<'h, R>,
}

/// There is none.
pub(super) enum Nothing {}

/// Time stands still, and nobody is woken.
pub(super) struct Still;

impl<'h, L, S, R> Past<'h, L, S, R> {
    pub(super) fn new(log: &'h L, snapshots: &'h S, rules: &'h R) -> Self {
        Self { log: Held(log), snapshots: Held(snapshots), rules: Held(rules) }
    }
}

impl<'h, L: Log, S: Snapshots, R: Rules> World for Past<'h, L, S, R> {
    type Log = Held<'h, L>;
    type Snapshots = Held<'h, S>;
    type Stream = Nothing;
    type Wake = Still;
    type Clock = Still;
    type Rules = Held<'h, R>;

    fn log(&self) -> &Self::Log {
        &self.log
    }

    fn snapshots(&self) -> &Self::Snapshots {
        &self.snapshots
    }

    fn streams(&self) -> &[Nothing] {
        &[]
    }

    fn wake(&self) -> &Still {
        &Still
    }

    fn clock(&self) -> &Still {
        &Still
    }

    fn rules(&self) -> &Self::Rules {
        &self.rules
    }
}

fn read_only() -> Retryable {
    Retryable::new("the past is only read")
}

impl<L: Log> Log for Held<'_, L> {
    async fn append(&self, _: &LogId, _: Version, _: &Entry) -> Result<Append, Retryable> {
        Err(read_only())
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        self.0.read(log, after, wanted).await
    }
}

impl<S: Snapshots> Snapshots for Held<'_, S> {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        self.0.versions(log).await
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        self.0.load(log, version).await
    }

    async fn put(&self, _: &LogId, _: Option<Version>, _: &Snapshot) -> Result<Put, Retryable> {
        Err(read_only())
    }

    async fn expire(&self, _: &LogId, _: Timestamp) -> Result<(), Retryable> {
        Err(read_only())
    }
}

impl<R: Rules> Rules for Held<'_, R> {
    fn compile(&self, text: &RulesText) -> Result<Arc<Plan>, NoPlan> {
        self.0.compile(text)
    }

    fn deployed(&self) -> Option<&RulesText> {
        self.0.deployed()
    }

    fn render(&self) -> &dyn Render {
        self.0.render()
    }
}

impl Stream for Nothing {
    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        match *self {}
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        match *self {}
    }

    async fn progress(
        &self,
        _: &ShardId,
        _: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        match *self {}
    }
}

impl Wake for Still {
    async fn wake(&self, _: WakeUp, _: When) -> Result<(), Retryable> {
        Ok(())
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }
}
