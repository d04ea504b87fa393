//! The memory adapters behind dice: calls fail before their effect or halfway, or lose their answer after it.

use super::dice::Dice;
use super::stream::{AskedStream, SimulatedStream};
use super::workload::Workload;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::task::Poll;
use streamgauge_engine::notify::Render;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_pipeline::memory::{MemoryLog, MemorySnapshots, MemoryWake, VirtualClock};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::forward::{Forward, Outgoing};
use streamgauge_pipeline::port::log::{Append, Entry, Log, LogId, Logged, Version, Wanted};
use streamgauge_pipeline::port::rules::{NoPlan, Rules, RulesText};
use streamgauge_pipeline::port::snapshots::{Put, Snapshot, Snapshots};
use streamgauge_pipeline::port::source::{
    Progress, SequenceNumber, Shard, ShardId, Stream, StreamId,
};
use streamgauge_pipeline::port::wake::{Wake, WakeUp, When};
use streamgauge_pipeline::world::World;
use streamgauge_rules::template::Templates;

/// How much memory a run may take, in bytes.
const BYTES_MAX: usize = 1 << 28;

/// What all functions of a run share. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) clock: SkewedClock,
    pub(super) log: Faulty<MemoryLog<VirtualClock>>,
    pub(super) snapshots: Faulty<MemorySnapshots<VirtualClock>>,
    pub(super) wake: Faulty<MemoryWake<VirtualClock>>,
    pub(super) streams: Vec<Faulty<AskedStream>>,
    pub(super) rules: Deployed,
}

impl Shared {
    /// Empty stores, and no stream yet. So many of 1,000 calls go wrong, as long as the dice are thrown.
    pub(super) fn new(clock: &VirtualClock, dice: &Dice, workload: &Workload) -> Self {
        let faults = Arc::new(AtomicUsize::new(0));
        let log = MemoryLog::of_items(clock.clone(), BYTES_MAX, workload.item_bytes_max);
        Self {
            log: Faulty::new(log, dice, &faults),
            snapshots: Faulty::new(MemorySnapshots::new(clock.clone(), BYTES_MAX), dice, &faults),
            wake: Faulty::new(MemoryWake::new(clock.clone()), dice, &faults),
            streams: Vec::new(),
            rules: Deployed::new(workload),
            clock: SkewedClock::new(clock),
        }
    }

    /// The world of another environment, whose clock goes by itself, with the streams that its function knows.
    pub(super) fn environment(&self, streams: &[SimulatedStream]) -> Self {
        let clock = SkewedClock::new(&self.clock.clock);
        let asked = streams.iter().map(|stream| self.behind_dice(stream.asked_by(clock.clone())));
        Self { streams: asked.collect(), clock, ..self.clone() }
    }

    /// The same adapter, whose calls go wrong as those of all others.
    pub(super) fn behind_dice<A>(&self, inner: A) -> Faulty<A> {
        Faulty::new(inner, &self.log.dice, &self.log.per_mille)
    }

    /// From now on so many of 1,000 calls go wrong.
    pub(super) fn fail(&self, per_mille: usize) {
        self.log.per_mille.store(per_mille, Ordering::Relaxed);
    }
}

impl World for Shared {
    type Log = Faulty<MemoryLog<VirtualClock>>;
    type Snapshots = Faulty<MemorySnapshots<VirtualClock>>;
    type Stream = Faulty<AskedStream>;
    type Wake = Faulty<MemoryWake<VirtualClock>>;
    type Clock = SkewedClock;
    type Rules = Deployed;

    fn log(&self) -> &Self::Log {
        &self.log
    }

    fn snapshots(&self) -> &Self::Snapshots {
        &self.snapshots
    }

    fn streams(&self) -> &[Self::Stream] {
        &self.streams
    }

    fn wake(&self) -> &Self::Wake {
        &self.wake
    }

    fn clock(&self) -> &Self::Clock {
        &self.clock
    }

    fn rules(&self) -> &Self::Rules {
        &self.rules
    }
}

/// A clock that is some time off. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct SkewedClock {
    clock: VirtualClock,
    off_ms: Arc<AtomicI64>,
}

impl SkewedClock {
    fn new(clock: &VirtualClock) -> Self {
        Self { clock: clock.clone(), off_ms: Arc::default() }
    }

    /// From now on it is so far off.
    pub(super) fn skew(&self, off_ms: Millis) {
        self.off_ms.store(off_ms, Ordering::Relaxed);
    }
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.clock.now().plus(self.off_ms.load(Ordering::Relaxed))
    }
}

/// The rules that all functions were deployed with, and what they are changed to.
#[derive(Clone, Debug)]
pub(super) struct Deployed {
    texts: [RulesText; 2],
    plans: [Arc<Plan>; 2],
}

impl Deployed {
    fn new(workload: &Workload) -> Self {
        let text =
            |rules: &String| RulesText { files: vec![("rules.yaml".to_owned(), rules.clone())] };
        Self { texts: workload.rules.each_ref().map(text), plans: workload.plans.clone() }
    }

    /// The text of one of the two.
    pub(super) fn text(&self, change: usize) -> &RulesText {
        &self.texts[change]
    }
}

impl Rules for Deployed {
    fn compile(&self, text: &RulesText) -> Result<Arc<Plan>, NoPlan> {
        let place = self.texts.iter().position(|known| known == text);
        let none = || NoPlan { message: "not the text of this run".to_owned(), source: None };
        place.map(|place| Arc::clone(&self.plans[place])).ok_or_else(none)
    }

    fn deployed(&self) -> Option<&RulesText> {
        Some(&self.texts[0])
    }

    fn render(&self) -> &dyn Render {
        &Templates
    }
}

/// An adapter whose calls go wrong now and then. Clones are the same one.
#[derive(Debug)]
pub(super) struct Faulty<A> {
    pub(super) inner: Arc<A>,
    dice: Dice,
    per_mille: Arc<AtomicUsize>,
}

impl<A> Clone for Faulty<A> {
    fn clone(&self) -> Self {
        let (inner, per_mille) = (Arc::clone(&self.inner), Arc::clone(&self.per_mille));
        Self { inner, dice: self.dice.clone(), per_mille }
    }
}

impl<A> Faulty<A> {
    fn new(inner: A, dice: &Dice, per_mille: &Arc<AtomicUsize>) -> Self {
        let per_mille = Arc::clone(per_mille);
        Self { inner: Arc::new(inner), dice: dice.clone(), per_mille }
    }

    /// Makes a call: it may fail before its effect, or lose its answer after it.
    async fn call<T>(
        &self,
        effect: impl Future<Output = Result<T, Retryable>>,
    ) -> Result<T, Retryable> {
        let per_mille = self.per_mille.load(Ordering::Relaxed);
        if self.dice.per_mille(per_mille) {
            return Err(Retryable::new("throttled"));
        }
        let outcome = effect.await;
        if self.dice.per_mille(per_mille) {
            return Err(Retryable::new("lost the answer"));
        }
        outcome
    }
}

impl<L: Log> Log for Faulty<L> {
    async fn append(
        &self,
        log: &LogId,
        version: Version,
        entry: &Entry,
    ) -> Result<Append, Retryable> {
        self.call(self.inner.append(log, version, entry)).await
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        self.call(self.inner.read(log, after, wanted)).await
    }
}

impl<S: Snapshots> Snapshots for Faulty<S> {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        self.call(self.inner.versions(log)).await
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        self.call(self.inner.load(log, version)).await
    }

    async fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        self.call(self.inner.put(log, expected, snapshot)).await
    }

    async fn expire(&self, log: &LogId, at: Timestamp) -> Result<(), Retryable> {
        self.call(self.inner.expire(log, at)).await
    }
}

impl<W: Wake> Wake for Faulty<W> {
    async fn wake(&self, wake_up: WakeUp, when: When) -> Result<(), Retryable> {
        self.call(self.inner.wake(wake_up, when)).await
    }
}

/// The partition key is all that a forwarded record goes by; it arrives when it is put.
impl Forward for Faulty<SimulatedStream> {
    async fn forward(&self, records: Vec<Outgoing>) -> Result<(), Retryable> {
        self.call(async {
            for record in records {
                if self.dice.per_mille(self.per_mille.load(Ordering::Relaxed)) {
                    return Err(Retryable::new("put a part"));
                }
                let place = u8::try_from(record.key >> 56).unwrap();
                self.inner.put(place, &String::from_utf8(record.data).unwrap());
                others_first().await;
            }
            Ok(())
        })
        .await
    }
}

/// Lets others go on, once.
async fn others_first() {
    let mut has_waited = false;
    poll_fn(|_| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        Poll::Pending
    })
    .await;
}

impl<S: Stream> Stream for Faulty<S> {
    fn is_upstream(&self) -> bool {
        self.inner.is_upstream()
    }

    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        self.call(self.inner.describe()).await
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        self.call(self.inner.shards()).await
    }

    async fn progress(
        &self,
        shard: &ShardId,
        after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        self.call(self.inner.progress(shard, after)).await
    }
}
