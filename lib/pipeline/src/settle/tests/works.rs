//! A partition that is settled over memory adapters, with the first function in front of it.

use super::super::*;
use crate::aggregate::tests::kit::{
    Function as Aggregates, Home, START, Town, event, shard, take_all,
};
use crate::control::{Control, ControlEntry, announce};
use crate::memory::block_on;
use crate::port::log::{Log, LogId, Wanted};
use crate::port::rules::RulesText;
use crate::port::snapshots::Snapshots;
use crate::publication::Publication;
use crate::settle_entry::POINTS;
use std::sync::Arc;
use streamgauge_engine::time::HOUR_MS;

const RULES: &str = "
namespace: Shop
out_of_order: 10s
allowed_lateness: 5s
late: drop
deduplicate: 10m
metrics:
  orders: {count: type == 'order', window: 1m}
";
/// The same metric, defined otherwise.
const OTHER_RULES: &str = "
namespace: Shop
out_of_order: 10s
allowed_lateness: 5s
late: drop
deduplicate: 10m
metrics:
  orders: {count: type != 'click', window: 1m}
";

/// A town, its aggregates, and how many records of the shard `one` were taken.
struct Works {
    town: Arc<Town>,
    aggregates: Aggregates,
    taken: usize,
}

impl Works {
    fn new() -> Self {
        let town = Town::new();
        let settings = crate::aggregate::Settings::default();
        Self { aggregates: town.function_with(RULES, settings), town, taken: 0 }
    }

    /// A settle without any memory.
    fn settle(&self) -> Settle<Home> {
        Settle::new(self.town.home(RULES), "works", 1)
    }

    /// Orders so many seconds after the start come, and are taken.
    fn orders(&mut self, seconds: &[i64]) {
        for second in seconds {
            self.town.put("one", &[event(&format!("o{second}"), "order", *second)]);
            let batch = self.town.batch("one", self.taken..self.taken + 1);
            take_all(&mut self.aggregates, batch);
            self.taken += 1;
        }
    }

    /// The counts that were decided, by the second at which their windows begin.
    fn decided(&self) -> Vec<(i64, String)> {
        let log = LogId::settle(Partition::default());
        let read = self.town.log.read(&log, Version::START, Wanted::All);
        let mut decided = Vec::new();
        for logged in block_on(read).unwrap() {
            let Some(chunk) = logged.entry.chunks().get(&POINTS) else { continue };
            let publication = Publication::decode(chunk).unwrap();
            for point in &publication.points {
                let metric = &publication.metrics[usize::try_from(point.metric).unwrap()];
                if metric.namespace != NAMESPACE {
                    let start = point.window_start.as_millis() - START.as_millis();
                    decided.push((start / 1_000, format!("{:?}", point.values)));
                }
            }
        }
        decided
    }
}

/// Settles as often as it takes a new partition to learn of the plan, then of the shards, and to take what these have.
fn run(works: &Works, settle: &mut Settle<Home>) -> Settled {
    let mut settled = Settled::default();
    for _ in 0..3 {
        works.town.clock.advance(1_000);
        let deadline = Timestamp::from_millis(i64::MAX);
        settled = block_on(settle.run(Partition::default(), deadline)).unwrap();
    }
    settled
}

/// The state that is kept, as bytes.
fn state(settle: &Settle<Home>) -> Vec<u8> {
    settle.kept[&Partition::default()].state.encode()
}

fn counts(counts: &[(i64, u64)]) -> Vec<(i64, String)> {
    counts.iter().map(|(start, count)| (*start, format!("Count({count})"))).collect()
}

#[test]
fn a_busy_shard_closes_windows_though_it_is_never_empty() {
    let mut works = Works::new();
    // One waits all the time, so the stream never proves that the shard is idle.
    works.orders(&[1, 2, 90]);
    works.town.put("one", &[event("waits", "order", 91)]);
    let settled = run(&works, &mut works.settle());
    assert_eq!(settled.watermark, Some(START.plus(80_000)));
    assert_eq!(works.decided(), counts(&[(0, 2)]));
}

#[test]
fn what_a_cold_function_restores_is_what_the_warm_one_has() {
    let mut works = Works::new();
    let mut warm = works.settle();
    for second in [1, 70, 140, 200, 290] {
        works.orders(&[second]);
        run(&works, &mut warm);
        works.town.clock.advance(1_500);
        let mut from_snapshot = works.settle();
        run(&works, &mut from_snapshot);
        run(&works, &mut warm);
        assert_eq!(state(&from_snapshot), state(&warm), "with its snapshots");
    }
    let now = works.town.clock.now();
    block_on(works.town.snapshots.expire(&LogId::settle(Partition::default()), now)).unwrap();
    let mut from_log = works.settle();
    run(&works, &mut from_log);
    assert_eq!(state(&from_log), state(&warm), "without snapshots");
}

#[test]
fn who_is_overtaken_decides_nothing_twice() {
    let mut works = Works::new();
    let (mut one, mut other) = (works.settle(), works.settle());
    works.orders(&[1]);
    run(&works, &mut one);
    run(&works, &mut other);
    works.orders(&[100]);
    run(&works, &mut one);
    works.orders(&[200]);
    run(&works, &mut other);
    works.orders(&[300]);
    run(&works, &mut one);
    let mut starts: Vec<_> = works.decided().into_iter().map(|(start, _)| start).collect();
    starts.dedup();
    assert_eq!(starts.len(), works.decided().len(), "each window once, in order");
}

#[test]
fn records_that_wait_keep_a_silent_shard_from_passing_as_idle() {
    let mut works = Works::new();
    let mut settle = works.settle();
    works.orders(&[1]);
    works.town.put("one", &[event("late", "order", 2)]);
    works.town.clock.advance(HOUR_MS / 2);
    run(&works, &mut settle);
    assert_eq!(works.decided(), [], "one waits for that window");
    let batch = works.town.batch("one", 1..2);
    take_all(&mut works.aggregates, batch);
    works.town.clock.advance(ENTRY_AGE_MAX_MS);
    run(&works, &mut settle);
    assert_eq!(works.decided(), counts(&[(0, 2)]), "now the shard is proven empty");
}

#[test]
fn shards_that_are_opened_in_a_quiet_moment_are_found() {
    let mut works = Works::new();
    let mut settle = works.settle();
    works.orders(&[1]);
    run(&works, &mut settle);
    works.town.clock.advance(2_000);
    run(&works, &mut settle);
    works.town.streams[0].close(&shard("one"));
    works.town.streams[0].open(&shard("two"), &[shard("one")]);
    works.town.put("two", &[event("new", "order", 3_600)]);
    take_all(&mut works.aggregates, works.town.batch("two", 0..1));
    run(&works, &mut settle);
    works.town.clock.advance(ENTRY_AGE_MAX_MS);
    run(&works, &mut settle);
    assert_eq!(works.decided(), counts(&[(0, 1), (3_600, 1)]));
}

#[test]
fn a_plan_begins_after_every_event_that_was_counted_without_it() {
    let mut works = Works::new();
    let mut settle = works.settle();
    // An event from some minutes ahead: within `max_ahead`.
    works.orders(&[3_600 + 200]);
    run(&works, &mut settle);
    let text = RulesText { files: vec![("rules.yaml".to_owned(), OTHER_RULES.to_owned())] };
    block_on(announce(&works.town.home(RULES), &mut Control::default(), 1, &text)).unwrap();
    works.orders(&[3_600 + 20]);
    works.town.clock.advance(1_000);
    run(&works, &mut settle);
    let mut control = Control::default();
    block_on(control.follow(&works.town.log)).unwrap();
    assert_eq!(control.in_force().last().unwrap().from, START.plus(3_800_001));
}

#[test]
fn a_plan_that_cannot_be_compiled_stops_the_settle_and_says_which() {
    let mut works = Works::new();
    works.orders(&[1]);
    let mut settle = Settle::new(works.town.home_without_rules(), "works", 1);
    run(&works, &mut settle);
    let text = RulesText { files: vec![("rules.yaml".to_owned(), "metrics: nothing".to_owned())] };
    let entry = ControlEntry::Announced {
        plan: "unreadable".to_owned(),
        text: Some(text),
        at: works.town.clock.now(),
    };
    let mut control = Control::default();
    block_on(control.follow(&works.town.log)).unwrap();
    assert_eq!(block_on(control.append(&works.town.log, &entry)).unwrap(), Append::Appended);
    let outcome = block_on(settle.run(Partition::default(), Timestamp::from_millis(i64::MAX)));
    let error = outcome.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.starts_with("the plan unreadable cannot be compiled"), "{cause}");
}

#[test]
fn what_is_decided_wakes_deliver_and_what_is_open_wakes_settle() {
    let mut works = Works::new();
    works.orders(&[1, 100]);
    while works.town.wake.next_at().is_some() {
        works.town.clock.advance(1_000);
        works.town.wake.take();
    }
    run(&works, &mut works.settle());
    works.town.clock.advance(16 * MINUTE_MS);
    let woken: Vec<_> = std::iter::from_fn(|| works.town.wake.take()).collect();
    assert!(woken.iter().any(|wake_up| wake_up.function == Function::Deliver), "{woken:?}");
}
