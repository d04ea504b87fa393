//! Other invocations that are faster.

use super::super::*;
use crate::aggregate::Settings;
use crate::aggregate::tests::kit::{Compiled, Home, Town, event, take_all};
use crate::memory::{MemorySnapshots, MemorySource, MemoryWake, VirtualClock, block_on};
use crate::port::Retryable;
use crate::port::log::{Chunks, Entry, Log, LogId, Logged, Wanted};
use crate::settle_entry::SettleEntry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const RULES: &str = "{late: drop, metrics: {orders: {count: type == 'order', window: 1m}}}";

/// A world in whose settle log somebody is faster so many times: with an entry that takes nothing and leaves everything to do.
struct Contested {
    town: Arc<Town>,
    home: Home,
    rivals: Arc<AtomicU32>,
}

impl Log for Contested {
    async fn append(
        &self,
        log: &LogId,
        version: Version,
        entry: &Entry,
    ) -> Result<Append, Retryable> {
        let rivals = self.rivals.load(Ordering::Relaxed);
        if rivals > 0 && *log == LogId::settle(Partition::default()) {
            self.rivals.store(rivals - 1, Ordering::Relaxed);
            let header = SettleEntry::decode(entry.header()).unwrap();
            let (taken, answers) = (Vec::new(), Vec::new());
            let header = SettleEntry { taken, answers, listing: None, points: 0, ..header };
            let rival = Entry::new(header.encode(), Chunks::new(), entry.expires_at()).unwrap();
            let won = self.town.log.append(log, version, &rival).await?;
            assert_eq!(won, Append::Appended);
        }
        self.town.log.append(log, version, entry).await
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        self.town.log.read(log, after, wanted).await
    }
}

impl World for Contested {
    type Log = Self;
    type Snapshots = MemorySnapshots<VirtualClock>;
    type Stream = MemorySource<VirtualClock>;
    type Wake = MemoryWake<VirtualClock>;
    type Clock = VirtualClock;
    type Rules = Compiled;

    fn log(&self) -> &Self {
        self
    }

    fn snapshots(&self) -> &Self::Snapshots {
        self.home.snapshots()
    }

    fn streams(&self) -> &[Self::Stream] {
        self.home.streams()
    }

    fn wake(&self) -> &Self::Wake {
        self.home.wake()
    }

    fn clock(&self) -> &Self::Clock {
        self.home.clock()
    }

    fn rules(&self) -> &Self::Rules {
        self.home.rules()
    }
}

/// Settles what two orders in different windows bring, while others are faster so many times.
fn settle(rivals: u32) -> (Settle<Contested>, Settled) {
    let town = Town::new();
    let settings = Settings { partitions: 1, ..Settings::default() };
    let mut aggregate = town.function_with(RULES, settings);
    town.put("one", &[event("a", "order", 0), event("b", "order", 3_000)]);
    take_all(&mut aggregate, town.batch("one", 0..2));
    let (home, rivals) = (town.home(RULES), Arc::new(AtomicU32::new(rivals)));
    let mut settle = Settle::new(Contested { town, home, rivals }, "shop", 1);
    let settled = run(&mut settle);
    (settle, settled)
}

fn run(settle: &mut Settle<Contested>) -> Settled {
    block_on(settle.run(Partition::default(), Timestamp::from_millis(i64::MAX))).unwrap()
}

#[test]
fn who_is_overtaken_a_few_times_settles_all_the_same() {
    let (_, settled) = settle(OVERTAKEN_MAX - 1);
    assert!(!settled.overtaken);
    assert_eq!(settled.points, 1, "the window of the first order");
}

#[test]
fn who_is_always_overtaken_ends_well_and_loses_nothing() {
    let (mut settle, settled) = settle(OVERTAKEN_MAX);
    assert_eq!(settled, Settled { overtaken: true, ..Settled::default() });
    let next = run(&mut settle);
    assert!(!next.overtaken);
    assert_eq!(next.points, 1, "the window of the first order");
}
