//! The filter on the memory adapters: what is forwarded, what the log says of it, and what a failure leaves.

use super::{Filter, FilterError, Filtered};
use crate::aggregate::Settings;
use crate::aggregate::tests::kit::{Home, START, Town, event, orders, plan};
use crate::contract::Fault;
use crate::memory::block_on;
use crate::port::Retryable;
use crate::port::forward::{Forward, Outgoing};
use std::sync::{Arc, Mutex};
use streamgauge_engine::output::Counters;
use streamgauge_engine::stored::{Head, read_head};

const RULES: &str = "
late: drop
out_of_order: 10s
metrics:
  orders: {count: type == 'order', window: 1m}
  value: {sum: data.amount, where: type == 'order', window: 5m}
";

/// A stream that takes what is forwarded, unless it is told to fail.
#[derive(Clone, Debug, Default)]
struct Behind(Arc<Mutex<(Vec<Outgoing>, u32)>>);

impl Behind {
    fn fail(&self, times: u32) {
        self.0.lock().unwrap().1 = times;
    }

    /// The ids of what was forwarded since this was last asked.
    fn ids(&self) -> Vec<String> {
        let records = std::mem::take(&mut self.0.lock().unwrap().0);
        let id = |record: &Outgoing| {
            let text = String::from_utf8(record.data.clone()).unwrap();
            text.split('"').nth(3).unwrap_or(&text).to_owned()
        };
        records.iter().map(id).collect()
    }

    fn keys(&self) -> Vec<u64> {
        self.0.lock().unwrap().0.iter().map(|record| record.key).collect()
    }
}

impl Forward for Behind {
    async fn forward(&self, records: Vec<Outgoing>) -> Result<(), Retryable> {
        let mut behind = self.0.lock().unwrap();
        if behind.1 > 0 {
            behind.1 -= 1;
            return Err(Retryable::new("could not put records"));
        }
        behind.0.extend(records);
        Ok(())
    }
}

fn filter(town: &Arc<Town>, behind: &Behind) -> Filter<Home, Behind> {
    let settings = Settings { partitions: 2, ..Settings::default() };
    Filter::new(town.home(RULES), behind.clone(), settings)
}

/// Filters some records of the shard `one`.
#[track_caller]
fn take(
    filter: &mut Filter<Home, Behind>,
    town: &Town,
    places: std::ops::Range<usize>,
) -> Filtered {
    block_on(filter.take("orders", town.batch("one", places))).unwrap()
}

/// The heads of the shard's entries.
fn heads(town: &Town) -> Vec<Head> {
    let entries = town.entries("one").into_iter();
    entries.map(|(_, entry, _)| read_head(&entry.sections[0].head).unwrap()).collect()
}

#[test]
fn what_some_rule_wants_is_forwarded_unchanged() {
    let (town, behind) = (Town::new(), Behind::default());
    let wrong = event("wrong", "order", 3).replace(r#""amount":"#, r#""amount":"x","was":"#);
    let none = event("none", "order", 4).replace(r#""amount":"#, r#""was":"#);
    let records = [
        event("a", "order", 1),
        event("b", "click", 2),
        "no event".to_owned(),
        wrong.clone(),
        none,
        r#"{"hello":1}"#.to_owned(),
    ];
    town.put("one", &records);
    let filtered = take(&mut filter(&town, &behind), &town, 0..6);
    assert_eq!((filtered.forwarded, filtered.taken.failed_from), (3, None));
    assert_eq!(behind.0.lock().unwrap().0[1].data, wrong.as_bytes());
    assert_eq!(behind.ids(), ["a", "wrong", "none"]);
}

#[test]
fn the_log_says_how_far_the_shard_is_and_counts_nothing() {
    let (town, behind) = (Town::new(), Behind::default());
    town.put("one", &[event("a", "click", 1), event("b", "click", 60), event("c", "order", 30)]);
    take(&mut filter(&town, &behind), &town, 0..3);
    let [(_, entry, logged)] = &town.entries("one")[..] else { panic!("one entry") };
    assert_eq!(entry.sections[0].plan, plan(RULES).hash);
    assert_eq!(logged.entry.chunks().len(), 0);
    let head = &heads(&town)[0];
    assert_eq!(head.counters, Counters::default());
    assert_eq!(head.furthest, Some(START.plus(60_000)));
    assert_eq!(head.watermark, Some(START.plus(50_000)));
    assert_eq!(head.span.map(|span| span.earliest), Some(START.plus(1_000)));
}

#[test]
fn a_batch_that_comes_again_is_passed_over() {
    let (town, behind) = (Town::new(), Behind::default());
    town.put("one", &orders(0, 10));
    take(&mut filter(&town, &behind), &town, 0..6);
    assert_eq!(behind.ids().len(), 6);
    // Cold, whole and with more behind it.
    let filtered = take(&mut filter(&town, &behind), &town, 0..10);
    assert_eq!((filtered.taken.known, filtered.forwarded), (6, 4));
    assert_eq!(behind.ids(), ["o6", "o7", "o8", "o9"]);
    assert_eq!(heads(&town)[1].furthest, Some(START.plus(9_000)));
}

#[test]
fn what_was_not_forwarded_is_not_in_the_log() {
    let (town, behind) = (Town::new(), Behind::default());
    town.put("one", &orders(0, 3));
    let mut filter = filter(&town, &behind);
    behind.fail(1);
    let batch = town.batch("one", 0..3);
    let first = batch.records[0].sequence.clone();
    let filtered = block_on(filter.take("orders", batch)).unwrap();
    assert_eq!(filtered.taken.failed_from, Some(first));
    assert!(matches!(filtered.problem, Some(FilterError::Forward(_))));
    assert!(town.entries("one").is_empty());
    assert_eq!(take(&mut filter, &town, 0..3).taken.failed_from, None);
    assert_eq!(behind.ids(), ["o0", "o1", "o2"]);
}

#[test]
fn a_lost_answer_brings_the_batch_again_and_nothing_twice_into_the_log() {
    let (town, behind) = (Town::new(), Behind::default());
    town.put("one", &orders(0, 4));
    let mut warm = filter(&town, &behind);
    take(&mut warm, &town, 0..1);
    town.log.arm(Fault::AnswerLost);
    assert!(take(&mut warm, &town, 1..4).taken.failed_from.is_some());
    let again = take(&mut warm, &town, 1..4);
    assert_eq!((again.taken.known, again.forwarded, again.taken.failed_from), (3, 0, None));
    assert_eq!(town.entries("one").len(), 2);
    assert_eq!(behind.ids(), ["o0", "o1", "o2", "o3"]);
}

#[test]
fn of_two_writers_one_log_comes_and_the_loser_forwards_once() {
    let (town, behind) = (Town::new(), Behind::default());
    town.put("one", &orders(0, 6));
    let mut slow = filter(&town, &behind);
    take(&mut slow, &town, 0..1);
    take(&mut filter(&town, &behind), &town, 1..4);
    behind.ids();
    let late = take(&mut slow, &town, 1..6);
    assert_eq!((late.taken.conflicts, late.taken.known), (1, 3));
    assert_eq!(behind.ids(), ["o1", "o2", "o3", "o4", "o5"], "copies of what the other forwarded");
    let firsts: Vec<_> = town.entries("one").into_iter().map(|(_, entry, _)| entry.first).collect();
    assert!(firsts.is_sorted() && firsts.len() == 3);
}

#[test]
fn copies_have_one_key_and_others_their_own() {
    let (town, behind) = (Town::new(), Behind::default());
    town.put("one", &[event("a", "order", 1), event("b", "order", 2), event("a", "order", 1)]);
    take(&mut filter(&town, &behind), &town, 0..3);
    let keys = behind.keys();
    assert_eq!(keys[0], keys[2]);
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn all_partitions_are_woken() {
    let (town, behind) = (Town::new(), Behind::default());
    town.put("one", &[event("a", "click", 1)]);
    let filtered = take(&mut filter(&town, &behind), &town, 0..1);
    assert_eq!((filtered.forwarded, filtered.taken.woken), (0, 2));
}
