//! A stream that lives through a split and a merge, second by second, and a process without threads that reads it.

use super::*;
use crate::intake::commit::Totals;
use crate::polled::Found;
use crate::polled::known::Known;
use crate::polled::lineage;
use crate::polled::reader::{self, Next, Reader};
use crate::run::Fatal;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64};
use streamgauge_pipeline::memory::MemorySource;
use streamgauge_pipeline::port::source::{ShardId, Stream};

/// When no more orders come, in seconds.
const ORDERS: i64 = 90;
/// When all windows have ended.
pub(super) const ENDS_AT: i64 = 200;
/// When the shard 0 is split to 1 and 2, and when these are merged to 3.
const SPLIT_AT: i64 = 25;
const MERGED_AT: i64 = 55;

pub(super) struct Town {
    pub(super) source: Arc<MemorySource<VirtualClock>>,
    pub(super) clock: VirtualClock,
    pub(super) memory: Arc<Memory>,
    pub(super) second: Cell<i64>,
    /// Empty: the shards are listed first in each turn. Else they are listed last, and this often.
    pub(super) lists_last_every: Option<i64>,
    pub(super) rules: String,
}

impl Town {
    pub(super) fn new() -> Self {
        let clock = VirtualClock::new(START);
        let id = StreamId { name: "orders".into(), created_at: START };
        let source = Arc::new(MemorySource::new(id, clock.clone(), 1 << 30));
        source.open(&"0".into(), &[]);
        let memory = Memory::new(&clock, 1 << 30);
        let second = Cell::new(0);
        Self { source, clock, memory, second, lists_last_every: None, rules: RULES.to_owned() }
    }

    /// What happens in the next second.
    fn tick(&self) {
        let second = self.second.get();
        let [zero, one, two, three]: [ShardId; 4] = ["0", "1", "2", "3"].map(Into::into);
        if second == SPLIT_AT {
            self.source.close(&zero);
            self.source.open(&one, &[ShardId::clone(&zero)]);
            self.source.open(&two, &[zero]);
        }
        if second == MERGED_AT {
            self.source.close(&one);
            self.source.close(&two);
            self.source.open(&three, &[one, two]);
        }
        let open = open_shards(&self.source);
        if second < ORDERS
            && let Some(shard) = open.iter().cycle().nth(usize::try_from(second).unwrap() % 2)
        {
            self.source.put(shard, order(second).as_bytes()).unwrap();
        }
        self.second.set(second + 1);
        self.clock.advance(SECOND_MS);
    }

    pub(super) fn try_process<S: Store + 'static>(
        &self,
        store: S,
    ) -> Result<Process<'_, S>, Fatal> {
        let found = block_on(Found::find(Arc::clone(&self.source))).unwrap();
        let known = found.known();
        let told = Told::default();
        let streams = [Arc::clone(&known)];
        let parts = (store, self.clock.clone());
        let opened =
            Opened::open_with(parts, &text_of(&self.rules), By::Clock, (told.teller(), &streams))?;
        let Opened { world, told_by, .. } = opened;
        world.stream().has_all_sources();
        let settler = Settler::new(world.clone(), told_by, watch::Sender::default(), told.teller());
        let totals = Totals::default();
        let shared = reader::Shared {
            polled: found.polled,
            known: Arc::clone(&known),
            world: world.clone(),
            totals: totals.clone(),
            teller: told.teller(),
        };
        // As long as the test: a reader borrows it.
        let shared = Box::leak(Box::new(shared));
        let (begun, ended) = (BTreeSet::new(), BTreeSet::new());
        let readers = Vec::new();
        let stream = known.id();
        Ok(Process {
            town: self,
            known,
            stream,
            shared,
            readers,
            begun,
            ended,
            settler,
            world,
            totals,
            told,
        })
    }

    pub(super) fn process<S: Store + 'static>(&self, store: S) -> Process<'_, S> {
        self.try_process(store).unwrap()
    }
}

pub(super) fn open_shards(source: &MemorySource<VirtualClock>) -> Vec<ShardId> {
    let shards = block_on(source.shards()).unwrap();
    shards.into_iter().filter(|shard| !shard.closed).map(|shard| shard.id).collect()
}

type Source = MemorySource<VirtualClock>;

/// A process that reads the stream.
pub(super) struct Process<'t, S: 'static> {
    town: &'t Town,
    known: Arc<Known>,
    stream: Option<StreamId>,
    shared: &'static reader::Shared<Source, S, VirtualClock>,
    readers: Vec<(ShardId, Reader<'static, Source, S, VirtualClock>)>,
    begun: BTreeSet<ShardId>,
    ended: BTreeSet<ShardId>,
    settler: Settler<S, VirtualClock>,
    world: DevWorld<S, VirtualClock>,
    pub(super) totals: Totals,
    pub(super) told: Told,
}

impl<S: Store + 'static> Process<'_, S> {
    /// Lives until a second; an error: it cannot go on.
    pub(super) fn live_until(&mut self, second: i64) -> Result<(), Fatal> {
        while self.is_before(second) {
            self.live_one()?;
        }
        Ok(())
    }

    pub(super) fn is_before(&self, second: i64) -> bool {
        self.town.second.get() < second
    }

    /// Lives for one second, in which the stream goes on.
    pub(super) fn live_one(&mut self) -> Result<(), Fatal> {
        self.town.tick();
        self.turn()
    }

    /// Lives for some seconds in which nothing happens to the stream.
    pub(super) fn rest(&mut self, seconds: i64) -> Result<(), Fatal> {
        (0..seconds).try_for_each(|_| {
            self.town.clock.advance(SECOND_MS);
            self.turn()
        })
    }

    /// The shards are listed.
    fn list(&self) {
        let (source, list) = (&self.town.source, self.known.lists());
        match block_on(source.describe()).unwrap() {
            Some(id) => self.known.listed(list, id, block_on(source.shards()).unwrap()),
            None => self.known.gone(),
        }
    }

    /// Each shard is read once, three records at most, and all is settled.
    fn turn(&mut self) -> Result<(), Fatal> {
        let source = &self.town.source;
        if self.town.lists_last_every.is_none() {
            self.list();
        }
        if self.known.id() != self.stream {
            self.stream = self.known.id();
            self.begun.clear();
            self.ended.clear();
        }
        let shards = self.known.shards();
        for shard in lineage::next(&shards, &self.begun, &self.ended, 9) {
            let stream = self.stream.clone().unwrap();
            let reader = Reader::new(self.shared, stream, ShardId::clone(shard));
            self.readers.push((ShardId::clone(shard), reader));
        }
        self.begun.extend(self.readers.iter().map(|(shard, _)| ShardId::clone(shard)));
        for (shard, mut reader) in std::mem::take(&mut self.readers) {
            source.cut(3);
            if block_on(reader.step())? == Next::Ended {
                self.ended.insert(shard);
            } else {
                self.readers.push((shard, reader));
            }
        }
        self.settler.settle()?;
        if self.town.lists_last_every.is_some_and(|every| self.town.second.get() % every == 0) {
            self.list();
        }
        Ok(())
    }

    pub(super) fn counts(&self) -> BTreeMap<i64, u64> {
        counts(&*self.world.store)
    }
}

/// A store that dies at one of its effects, after it or before it; nothing can be done with it then.
#[derive(Debug)]
pub(super) struct Mortal {
    store: Shared,
    left: AtomicU64,
    happens: bool,
    pub(super) is_dead: Arc<AtomicBool>,
}

impl Mortal {
    pub(super) fn new(memory: &Arc<Memory>, effects: u64, happens: bool) -> Self {
        let (store, left) = (Shared(Arc::clone(memory)), AtomicU64::new(effects));
        Self { store, left, happens, is_dead: Arc::default() }
    }

    fn check(&self) -> Result<(), Retryable> {
        if self.is_dead.load(Ordering::SeqCst) { Err(Retryable::new("it is dead")) } else { Ok(()) }
    }

    /// An effect, which may be the last.
    async fn effect<T>(
        &self,
        effect: impl Future<Output = Result<T, Retryable>>,
    ) -> Result<T, Retryable> {
        self.check()?;
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok()
        {
            return effect.await;
        }
        if self.happens {
            effect.await?;
        }
        self.is_dead.store(true, Ordering::SeqCst);
        Err(Retryable::new("it has died"))
    }
}

impl Store for Mortal {
    fn let_go(&self, log: &LogId, before: Version) {
        if self.check().is_ok() {
            Store::let_go(&self.store, log, before);
        }
    }
}

impl Log for Mortal {
    async fn append(&self, log: &LogId, at: Version, entry: &Entry) -> Result<Append, Retryable> {
        self.effect(self.store.append(log, at, entry)).await
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        self.check()?;
        self.store.read(log, after, wanted).await
    }
}

impl Snapshots for Mortal {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        self.check()?;
        self.store.versions(log).await
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        self.check()?;
        self.store.load(log, version).await
    }

    async fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        self.effect(self.store.put(log, expected, snapshot)).await
    }

    async fn expire(&self, log: &LogId, at: Timestamp) -> Result<(), Retryable> {
        self.effect(self.store.expire(log, at)).await
    }
}
