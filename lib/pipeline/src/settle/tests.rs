//! Settle on memory adapters: aggregate feeds it, the clock is turned by hand, and what it decided is read from its log.

mod again;
mod alerts;
mod given_back;
mod hold;
mod journeys;
mod many;
mod past;
mod quiet;
mod rested;
mod restored;
mod rivals;
mod said;
mod slow;
mod storm;
mod works;

use super::Settle;
use crate::aggregate::Settings;
use crate::aggregate::tests::kit::{Function, Home, Town, event, shard, take_all};
use crate::memory::block_on;
use crate::port::Partition;
use crate::port::clock::Clock;
use crate::port::log::{Log, LogId, Version, Wanted};
use crate::publication::{PointKind, Publication, PublishedMetric, PublishedPoint};
use crate::settle_entry::POINTS;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::output::Values;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS, Timestamp};

/// Orders, counted by the minute.
const RULES: &str = "
namespace: Shop
late: drop
out_of_order: 1s
allowed_lateness: 2s
deduplicate: 2h
metrics:
  orders: {count: type == 'order', window: 1m}
";

/// A stack of one partition and two shards.
struct Stack {
    town: Arc<Town>,
    aggregate: Function,
    settle: Settle<Home>,
    /// How many records of a shard are aggregated.
    taken: BTreeMap<&'static str, usize>,
    events: u32,
    /// How far the settle log was looked at.
    seen: Version,
}

impl Stack {
    fn new(rules: &str) -> Self {
        let town = Town::new();
        town.streams[0].open(&shard("two"), &[]);
        let aggregate =
            town.function_with(rules, Settings { partitions: 1, ..Settings::default() });
        let settle = Settle::new(town.home(rules), "shop", 1);
        let (taken, seen) = (BTreeMap::new(), Version::START);
        Self { aggregate, settle, taken, events: 0, seen, town }
    }

    /// An order happens and arrives now.
    fn order(&mut self, name: &str) {
        self.events += 1;
        let seconds = (self.now().as_millis() - crate::aggregate::tests::kit::START.as_millis())
            .div_euclid(SECOND_MS);
        self.town.put(name, &[event(&format!("e{:05}", self.events), "order", seconds)]);
    }

    /// What was put into a shard is aggregated.
    fn aggregate(&mut self, name: &'static str) {
        let taken = self.taken.entry(name).or_default();
        let end = self.town.batch_end(name);
        take_all(&mut self.aggregate, self.town.batch(name, *taken..end));
        *taken = end;
    }

    /// Settles; what came of it.
    fn settle(&mut self) -> Vec<Told> {
        let deadline = self.now().plus(MINUTE_MS);
        block_on(self.settle.run(Partition::default(), deadline)).unwrap();
        let log = LogId::settle(Partition::default());
        let mut told = Vec::new();
        loop {
            let read = block_on(self.town.log.read(&log, self.seen, Wanted::All)).unwrap();
            let Some(last) = read.last() else { return told };
            self.seen = last.version;
            for logged in &read {
                let Some(chunk) = logged.entry.chunks().get(&POINTS) else { continue };
                let Publication { metrics, points } = Publication::decode(chunk).unwrap();
                told.extend(points.into_iter().map(|point| Told {
                    metric: metrics[usize::try_from(point.metric).unwrap()].clone(),
                    point,
                }));
            }
        }
    }

    /// So many milliseconds pass.
    fn pass(&self, millis: i64) {
        self.town.clock.advance(millis);
    }

    fn now(&self) -> Timestamp {
        self.town.clock.now()
    }
}

/// A point that was decided, with its metric.
#[derive(Debug)]
struct Told {
    metric: PublishedMetric,
    point: PublishedPoint,
}

/// How much the points of a count add up to; absent: there are none.
fn sum(told: &[Told], name: &str, kind: PointKind) -> Option<u64> {
    let points = told.iter().filter(|one| one.metric.name == name && one.point.kind == kind);
    points
        .map(|one| match one.point.values {
            Values::Count(count) => count,
            ref values => panic!("{values:?} is no count"),
        })
        .reduce(|one, other| one + other)
}
