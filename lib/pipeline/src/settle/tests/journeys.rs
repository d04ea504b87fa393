//! How many journeys are open, as it is published while they are.

use super::{Stack, Told};
use crate::aggregate::tests::kit::{START, event, plan};
use crate::port::Partition;
use std::sync::Arc;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::decode::{Decoder, Record};
use streamgauge_engine::output::Values;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::settle::{Decisions, Settler};
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS, Timestamp};

const RULES: &str = "
late: drop
out_of_order: 1s
allowed_lateness: 2s
deduplicate: 2h
metrics:
  bought:
    journey: {start: type == 'start', finish: type == 'order', key: data.buyer, within: 1m}
    dimensions: {country: data.country}
    window: 20s
";

/// Starts and finishes of five buyers: an identity, what happens, and after how many seconds. `a` and `f` are one buyer, and so on.
const STEPS: [(&str, &str, i64); 10] = [
    ("a", "start", 0),
    ("bb", "start", 5),
    ("c", "start", 12),
    ("f", "order", 31),
    ("d", "start", 44),
    ("h", "order", 50),
    // Of no journey that is open any more: that of `bb` was abandoned at 65.
    ("ll", "order", 70),
    ("e", "start", 90),
    ("aa", "start", 100),
    ("j", "order", 130),
];

/// How many journeys a replay of the events before a moment says are open then.
fn open_in_a_replay(plan: &Arc<Plan>, before: Timestamp) -> u64 {
    let first = (START.plus(60 * MINUTE_MS).as_millis() - START.as_millis()) / SECOND_MS;
    let known = STEPS.iter().filter(|step| START.plus((first + step.2) * SECOND_MS) < before);
    let (mut text, mut records) = (Vec::new(), Vec::new());
    for (&(id, kind, second), position) in known.zip(0..) {
        let begin = text.len();
        text.extend_from_slice(event(id, kind, first + second).as_bytes());
        records.push(Record { bytes: begin..text.len(), arrival: None, position });
    }
    let decoded = Decoder::new(Arc::clone(plan)).decode(&text, records.into_iter());
    let mut settler = Settler::new(Arc::clone(plan));
    settler.take(Aggregator::new(Arc::clone(plan)).fold(decoded));
    let stop = before.minus(1);
    settler.finish(stop, &mut Decisions::default());
    let open = settler.open_points(stop).into_iter().map(|point| match point.values {
        Values::Journey(values) => values.open,
        values => panic!("{values:?} is no journey"),
    });
    open.sum()
}

/// What was last said to be open.
fn open(told: &[Told]) -> Option<u64> {
    let said = told.iter().rfind(|one| one.metric.name == "bought.open")?;
    assert_eq!(said.metric.dimensions, Vec::<String>::new(), "of all series");
    match said.point.values {
        Values::Count(count) => Some(count),
        ref values => panic!("{values:?} is no count"),
    }
}

#[test]
fn as_many_are_open_as_a_replay_says_of_that_moment() {
    let plan = plan(RULES);
    let mut stack = Stack::new(RULES);
    let begun = stack.now();
    let mut said = Vec::new();
    for (number, (id, kind, second)) in STEPS.into_iter().enumerate() {
        stack.pass(begun.plus(second * SECOND_MS).as_millis() - stack.now().as_millis());
        let name = ["one", "two"][number % 2];
        let at = (begun.as_millis() - START.as_millis()) / SECOND_MS + second;
        stack.town.put(name, &[event(id, kind, at)]);
        stack.aggregate(name);
        let told = stack.settle();
        said.extend(check(&stack, &plan, &told));
    }
    for _ in 0..20 {
        stack.pass(10 * SECOND_MS);
        let told = stack.settle();
        said.extend(check(&stack, &plan, &told));
    }
    said.dedup();
    assert!(said.iter().max() >= Some(&2) && said.len() >= 4, "{said:?}");
    assert_eq!(said.last(), Some(&0), "{said:?}");
}

/// What was said, which must be what a replay says of the moment up to which it is known.
fn check(stack: &Stack, plan: &Arc<Plan>, told: &[Told]) -> Option<u64> {
    let said = open(told)?;
    let watermark = stack.settle.kept[&Partition::default()].state.watermark().unwrap();
    let before = watermark.minus(plan.timing.allowed_lateness);
    assert_eq!(said, open_in_a_replay(plan, before), "before {before}");
    Some(said)
}
