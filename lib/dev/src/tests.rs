//! The whole pipeline, step by step on a clock that is turned by hand: what is offered counts once, whatever happens in between.

mod bounded;
mod follows;
mod offers;
mod polls;
mod reloads;
mod threads;

use crate::decided;
use crate::follow::Follower;
use crate::happening::{Happening, Teller};
use crate::intake::commit::Committer;
use crate::intake::{Accepted, Intake, Offered, Pending, Refused};
use crate::run::{By, Opened, Recovered};
use crate::settling::Settler;
use crate::world::{DevWorld, Store};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use streamgauge_engine::output::Values;
use streamgauge_engine::time::{Millis, SECOND_MS, Timestamp};
use streamgauge_local::store::LocalStore;
use streamgauge_pipeline::memory::{MemoryLog, MemorySnapshots, VirtualClock, block_on};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::log::{Append, Entry, Log, LogId, Logged, Version, Wanted};
use streamgauge_pipeline::port::rules::RulesText;
use streamgauge_pipeline::port::snapshots::{Put, Snapshot, Snapshots};
use streamgauge_pipeline::settle::Settled;
use tokio::sync::watch;

/// Without deduplication: what is counted twice shows.
const RULES: &str = "
namespace: Shop
out_of_order: 1s
allowed_lateness: 1s
late: correct
deduplicate: off
metrics:
  orders: {count: type == 'order', window: 1m}
";
/// When the clock begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);

fn text_of(rules: &str) -> RulesText {
    RulesText { files: vec![("rules.yaml".to_owned(), rules.to_owned())] }
}

/// An order, so many seconds after the start.
pub(crate) fn order(seconds: i64) -> String {
    let time = START.plus(seconds * SECOND_MS);
    format!(r#"{{"id":"{seconds}","source":"s","type":"order","time":"{time}"}}"#)
}

/// An offer of lines.
fn offered<L: AsRef<str>>(lines: &[L]) -> Offered {
    let (mut text, mut records) = (String::new(), Vec::new());
    for line in lines {
        let start = text.len();
        text.push_str(line.as_ref());
        records.push(start..text.len());
        text.push('\n');
    }
    Offered { text: Bytes::from(text), records, ..Offered::default() }
}

/// A store in memory, with faults.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) log: MemoryLog<VirtualClock>,
    snapshots: MemorySnapshots<VirtualClock>,
}

impl Memory {
    pub(crate) fn new(clock: &VirtualClock, bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            log: MemoryLog::new(clock.clone(), bytes_max),
            snapshots: MemorySnapshots::new(clock.clone(), bytes_max),
        })
    }
}

impl Log for Shared {
    async fn append(&self, log: &LogId, at: Version, entry: &Entry) -> Result<Append, Retryable> {
        self.0.log.append(log, at, entry).await
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        self.0.log.read(log, after, wanted).await
    }
}

impl Snapshots for Shared {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        self.0.snapshots.versions(log).await
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        self.0.snapshots.load(log, version).await
    }

    async fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        self.0.snapshots.put(log, expected, snapshot).await
    }

    async fn expire(&self, log: &LogId, at: Timestamp) -> Result<(), Retryable> {
        self.0.snapshots.expire(log, at).await
    }
}

/// A store in memory that outlives those who have it open.
#[derive(Clone, Debug)]
pub(crate) struct Shared(pub(crate) Arc<Memory>);

impl Store for Shared {
    fn let_go(&self, log: &LogId, before: Version) {
        self.0.log.let_go(log, before);
    }
}

/// A process without threads.
pub(crate) struct Bench<S> {
    pub(crate) world: DevWorld<S, VirtualClock>,
    committer: Committer<DevWorld<S, VirtualClock>>,
    intake: Intake,
    pub(crate) settler: Settler<S, VirtualClock>,
    pub(crate) settled: watch::Receiver<Settled>,
    recovered: Recovered,
    told: Told,
}

/// What was told.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<Happening>>>);

impl Told {
    fn teller(&self) -> Teller {
        let told = self.clone();
        Teller::new(move |happening| told.0.lock().unwrap().push(happening))
    }

    fn take(&self) -> Vec<Happening> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: Store + 'static> Bench<S> {
    pub(crate) fn new(store: S, clock: &VirtualClock, by: By) -> Self {
        Self::with(store, clock, RULES, by)
    }

    fn with(store: S, clock: &VirtualClock, rules: &str, by: By) -> Self {
        let told = Told::default();
        let opened =
            Opened::open((store, clock.clone()), &text_of(rules), by, told.teller()).unwrap();
        let recovered = opened.recovered();
        let Opened { world, committer, intake, told_by, .. } = opened;
        let (tells, settled) = watch::channel(Settled::default());
        let settler = Settler::new(world.clone(), told_by, tells, told.teller());
        let committer = committer.impatient();
        world.stream().has_all_sources();
        Self { world, committer, intake, settler, settled, recovered, told }
    }

    /// Offers lines.
    fn submit<L: AsRef<str>>(&self, lines: &[L]) -> Result<Pending, Refused> {
        self.intake.submit(offered(lines), || self.world.stream().arrival())
    }

    /// Commits all that waits.
    fn commit(&mut self) {
        while self.intake.is_waiting() {
            let batch = self.intake.next().unwrap();
            self.committer.commit(batch).unwrap();
        }
    }

    /// Offers lines, and commits them.
    pub(crate) fn take<L: AsRef<str>>(&mut self, lines: &[L]) -> Result<Accepted, Refused> {
        let pending = self.submit(lines)?;
        self.commit();
        pending.blocking_answered()
    }

    /// Settles for some time, each second.
    fn pass(&mut self, ms: Millis) {
        for _ in 0..=ms / SECOND_MS {
            self.settler.settle().unwrap();
            let clock = &self.world.clock;
            clock.advance(SECOND_MS);
        }
        self.settler.settle().unwrap();
    }

    /// The orders that were decided, by the minute after the start in which they happened.
    fn counts(&self) -> BTreeMap<i64, u64> {
        counts(&*self.world.store)
    }
}

/// The same of a store.
fn counts(store: &impl Store) -> BTreeMap<i64, u64> {
    let mut counts = BTreeMap::new();
    let mut after = Version::START;
    loop {
        let read = block_on(decided::read(store, after)).unwrap();
        let Some(last) = read.last() else { return counts };
        after = last.version;
        for decided in &read {
            for point in &decided.points.points {
                let place = usize::try_from(point.metric).unwrap();
                let metric = &decided.points.metrics[place];
                let minute = (point.window_start.as_millis() - START.as_millis()) / 60_000;
                if let (Values::Count(count), "orders") = (&point.values, &*metric.name) {
                    *counts.entry(minute).or_default() += count;
                }
            }
        }
    }
}

/// A folder that is gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("streamgauge-dev-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn store(&self, clock: &VirtualClock) -> LocalStore<VirtualClock> {
        LocalStore::open(self.path("dev.store"), clock.clone()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
