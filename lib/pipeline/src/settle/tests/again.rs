//! Entries that are folded again decide what they decided, or it is said what is missing.

use super::Stack;
use super::alerts::{begun, orders, pass};
use crate::alert_record::AlertRecord;
use crate::memory::block_on;
use crate::notifications;
use crate::port::Partition;
use crate::port::log::{Log, LogId, Logged, Version, Wanted};
use crate::port::snapshots::Snapshots;
use crate::settle::SETTLE_KEPT_MS;
use crate::settle::again::{Again, Missing, Outcome, fold};
use crate::settle_entry::{ALERTS, NOTIFICATIONS};
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use streamgauge_engine::time::{DAY_MS, HOUR_MS};

/// A stack whose alerts have fired and resolved twice, a while apart.
fn run() -> Stack {
    let mut stack = begun();
    for _ in 0..2 {
        orders(&mut stack, &["one", "two", "one"]);
        pass(&mut stack, 330);
    }
    stack
}

fn entries(stack: &Stack) -> Vec<Logged> {
    let log = LogId::settle(Partition::default());
    block_on(stack.town.log.read(&log, Version::START, Wanted::All)).unwrap()
}

fn folded(stack: &Stack, wanted: &BTreeSet<Version>) -> BTreeMap<Version, Outcome> {
    let home = stack.town.home_without_rules();
    let past = (&stack.town.log, &stack.town.snapshots, home.rules());
    block_on(fold(past, Partition::default(), 1, wanted)).unwrap()
}

/// All entries, folded again, decide what they say; where each began. How many had transitions.
fn check(stack: &Stack, begin: impl Fn(Version) -> Option<Version>) -> usize {
    let entries = entries(stack);
    let folded = folded(stack, &entries.iter().map(|logged| logged.version).collect());
    assert_eq!(folded.len(), entries.len());
    let mut with_transitions = 0;
    for logged in &entries {
        let Outcome::Folded { from, again } = &folded[&logged.version] else {
            panic!("{:?} {:?}", logged.version, folded[&logged.version])
        };
        assert_eq!(*from, begin(logged.version));
        let Again { record, notifications, .. } = &**again;
        let chunk = |label| logged.entry.chunks().get(&label);
        let stored = chunk(ALERTS).map(|bytes| AlertRecord::decode(bytes).unwrap());
        let stored = stored.unwrap_or_default();
        assert_eq!(AlertRecord::decode(&record.encode()).unwrap(), stored);
        with_transitions += usize::from(!stored.transitions.is_empty());
        let told = chunk(NOTIFICATIONS).map(|bytes| notifications::decode(bytes).unwrap());
        assert_eq!(notifications, &told.unwrap_or_default());
    }
    with_transitions
}

#[test]
fn each_entry_decides_again_what_it_says() {
    let stack = run();
    let log = LogId::settle(Partition::default());
    let mut snapshots = block_on(stack.town.snapshots.versions(&log)).unwrap();
    snapshots.sort();
    let before = |version| snapshots.iter().rev().find(|one| **one < version).copied();
    assert!(check(&stack, before) >= 4, "fires and resolves, twice");
    block_on(stack.town.snapshots.expire(&log, stack.now())).unwrap();
    check(&stack, |_| None);
}

/// Time goes on, and ticks keep the environment warm.
fn tick(stack: &mut Stack, millis: i64) {
    for _ in 0..millis / HOUR_MS {
        stack.pass(HOUR_MS);
        stack.settle();
    }
}

#[test]
fn what_is_not_kept_any_more_is_said() {
    let mut stack = run();
    let log = LogId::settle(Partition::default());
    let first = entries(&stack)[0].version;
    let last = entries(&stack).last().unwrap().version;
    tick(&mut stack, SETTLE_KEPT_MS - HOUR_MS);
    block_on(stack.town.snapshots.expire(&log, stack.now())).unwrap();
    // The entries of the settle log are kept longer than the deltas that they took.
    let outcomes = folded(&stack, &[last].into());
    let Outcome::OutOfReach(missing) = &outcomes[&last] else { panic!("{outcomes:?}") };
    assert!(missing.log.as_str().starts_with("shard/"), "{missing:?}");
    tick(&mut stack, DAY_MS);
    orders(&mut stack, &["one"]);
    pass(&mut stack, 10);
    let later = folded(&stack, &[last].into());
    let gone = Missing { log, version: first };
    assert_eq!(later[&last], Outcome::OutOfReach(gone));
}
