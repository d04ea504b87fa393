//! A shard that is behind for longer than `hold`: it is left out, its events come late, and it comes back.

use super::{Stack, Told, sum};
use crate::publication::PointKind;
use streamgauge_engine::output::Values;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS};

const RULES: &str = "
late: correct
out_of_order: 1s
allowed_lateness: 0s
deduplicate: 2h
hold: 10m
metrics:
  orders: {count: type == 'order', window: 1m}
  buyers: {unique: data.buyer, where: type == 'order', window: 1m}
";

/// The largest of a self-metric's values in milliseconds.
fn longest(told: &[Told], name: &str) -> Option<i128> {
    let points = told.iter().filter(|one| one.metric.name == name);
    points
        .filter_map(|one| match &one.point.values {
            Values::Sum(values) => values.max.map(|max| max.billionths() / 1_000_000_000),
            _ => None,
        })
        .max()
}

/// Both shards are heard of, then an order comes into each every minute and only `two` is aggregated.
fn lagging() -> Stack {
    let mut stack = Stack::new(RULES);
    for name in ["one", "two"] {
        stack.order(name);
        stack.aggregate(name);
    }
    stack.settle();
    stack
}

/// A minute with an order on each shard; that of `two` is aggregated.
fn minute(stack: &mut Stack) -> Vec<Told> {
    stack.order("one");
    stack.order("two");
    stack.aggregate("two");
    stack.pass(MINUTE_MS);
    stack.settle()
}

/// Runs until the shard is left out: how many minutes that took, and what that settle decided.
fn until_left_out(stack: &mut Stack) -> (u32, Vec<Told>) {
    for minutes in 1..=60 {
        let told = minute(stack);
        if sum(&told, "LeftOut", PointKind::Final).is_some() {
            return (minutes, told);
        }
        assert!(sum(&told, "orders", PointKind::Final).unwrap_or_default() <= 2, "it holds");
    }
    panic!("the shard is never left out");
}

#[test]
fn a_shard_is_left_out_after_hold_and_the_others_go_on() {
    let mut stack = lagging();
    let (minutes, told) = until_left_out(&mut stack);
    assert!((10..=17).contains(&minutes), "{minutes} minutes");
    assert_eq!(sum(&told, "LeftOut", PointKind::Final), Some(1));
    assert_eq!(sum(&told, "CameBack", PointKind::Final), None);
    assert!(longest(&told, "BehindTime") >= Some(600_000), "{told:?}");
    // All that the shard that goes on has counted meanwhile is published.
    assert!(sum(&told, "orders", PointKind::Final) >= Some(u64::from(minutes) - 1), "{told:?}");
}

#[test]
fn its_events_come_as_corrections_and_it_comes_back() {
    let mut stack = lagging();
    let (minutes, before) = until_left_out(&mut stack);
    let missed = u64::from(minutes);
    let published = sum(&before, "orders", PointKind::Final).unwrap();
    stack.aggregate("one");
    stack.pass(SECOND_MS);
    let mut told = stack.settle();
    for _ in 0..3 {
        for name in ["one", "two"] {
            stack.order(name);
            stack.aggregate(name);
        }
        stack.pass(MINUTE_MS);
        told.extend(stack.settle());
    }
    stack.pass(2 * MINUTE_MS);
    told.extend(stack.settle());
    let corrected = sum(&told, "orders", PointKind::Correction).unwrap();
    assert!((missed - 2..=missed).contains(&corrected), "{corrected} of {missed}");
    assert_eq!(sum(&told, "CameBack", PointKind::Final), Some(1));
    let total = published + corrected + sum(&told, "orders", PointKind::Final).unwrap();
    assert!(u64::from(stack.events) - total <= 2, "{total} of {}", stack.events);
    // What takes no corrections refuses them, and says so: for the stack, and for the metric.
    assert_eq!(sum(&told, "LateDropped", PointKind::Final), Some(2 * corrected));
    let last = both_go_on(&mut stack);
    assert_eq!(sum(&last, "ShardsLeftOut", PointKind::Final), Some(0));
    assert_eq!(sum(&last, "orders", PointKind::Correction), None);
    assert_eq!(longest(&last, "BehindTime"), Some(0));
}

/// Orders on both shards, and time until they are taken whatever they decide.
fn both_go_on(stack: &mut Stack) -> Vec<Told> {
    for name in ["one", "two"] {
        stack.order(name);
        stack.aggregate(name);
    }
    stack.pass(6 * MINUTE_MS);
    stack.settle()
}

#[test]
fn if_all_shards_stand_still_none_is_left_out() {
    let mut stack = lagging();
    stack.order("one");
    stack.order("two");
    for _ in 0..30 {
        stack.pass(MINUTE_MS);
        let told = stack.settle();
        assert_eq!(sum(&told, "LeftOut", PointKind::Final), None);
    }
}
