//! Properties of the state machine, whatever the function answers and in whatever order answers come:
//!
//! - each record is delivered well or given up exactly once;
//! - records of a key come to their end in order;
//! - a batch holds neighbours of its lane, and no more than the limits allow;
//! - a batch that is given up was tried as often as it may be, and no more;
//! - the position never passes a record that is not done.

use super::*;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the function does at its next invocation.
#[derive(Clone, Copy, Debug)]
enum Act {
    Succeed,
    Fail,
    /// Reports the record at this part of the batch (of 256) as failed.
    Report(u8),
    Throttle,
    Lose,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::Succeed),
        2 => Just(Act::Fail),
        2 => any::<u8>().prop_map(Act::Report),
        1 => Just(Act::Throttle),
        1 => Just(Act::Lose),
    ]
}

fn any_settings() -> impl Strategy<Value = Settings> {
    (1..9_usize, 0..4_i64, 1..4_usize, proptest::option::of(0..4_u32), any::<bool>()).prop_map(
        |(batch_records_max, window, lanes, retry_attempts_max, bisect)| Settings {
            batch_records_max,
            batching_window: SignedDuration::from_secs(window),
            lanes,
            retry_attempts_max,
            bisect,
            ..settings()
        },
    )
}

/// A shard, a function that plays a script, and what became of each record.
struct World {
    machine: ShardMachine,
    settings: Settings,
    keys: Vec<u8>,
    script: std::vec::IntoIter<Act>,
    in_flight: Vec<Delivery>,
    ends: BTreeMap<usize, usize>,
    now: i64,
}

impl World {
    fn key(&self, record: usize) -> String {
        format!("key {}", self.keys[record])
    }

    /// The records of a batch, as the function sees them.
    fn records(delivery: &Delivery) -> Vec<usize> {
        let event: Value = serde_json::from_slice(&delivery.payload).unwrap();
        let numbers = event["Records"].as_array().unwrap().iter();
        numbers
            .map(|record| record["kinesis"]["sequenceNumber"].as_str().unwrap().parse().unwrap())
            .map(|number: usize| number - 1000)
            .collect()
    }

    /// The records of the lane of a record, from it on to another.
    fn lane(&self, first: usize, last: usize) -> Vec<usize> {
        let lane = |record| lane_of(&self.key(record), self.settings.lanes);
        (first..=last).filter(|&record| lane(record) == lane(first)).collect()
    }

    fn check_delivery(&self, delivery: &Delivery) {
        let records = Self::records(delivery);
        assert!(delivery.payload.len() <= REQUEST_BYTES_MAX);
        assert!((1..=self.settings.batch_records_max).contains(&records.len()));
        assert_eq!(records.len(), delivery.records);
        assert_eq!(records, self.lane(number(&delivery.first), number(&delivery.last)));
        assert!(
            records.iter().all(|record| !self.ends.contains_key(record)),
            "{records:?} come again"
        );
    }

    fn end(&mut self, records: &[usize]) {
        for &record in records {
            let key = self.keys[record];
            let later = self.ends.range(record + 1..).find(|(later, _)| self.keys[**later] == key);
            assert_eq!(later, None, "a later record of the key of {record} ended before it");
            let order = self.ends.len();
            assert_eq!(self.ends.insert(record, order), None, "{record} ended twice");
        }
    }

    /// Answers one of the batches that are with the function.
    fn answer(&mut self, which: usize) {
        let delivery = self.in_flight.remove(which % self.in_flight.len());
        let records = Self::records(&delivery);
        let outcome = match self.script.next().unwrap_or(Act::Succeed) {
            Act::Succeed => done(),
            Act::Fail => failed(),
            Act::Report(part) => failed_at(records[records.len() * usize::from(part) / 256]),
            Act::Throttle => Outcome::Throttled,
            Act::Lose => Outcome::Unreachable("lost".to_owned()),
        };
        let verdict = self.machine.judge(delivery.lane, &outcome).verdict;
        match verdict {
            Verdict::Done => self.end(&records),
            Verdict::FailedFrom(first) => self.end(&records[..first]),
            Verdict::Failed { .. } | Verdict::NotRun => {}
        }
        self.machine.settle(delivery.lane, &verdict, answer(), at(self.now).now);
    }

    fn discard(&mut self, discard: &Discard) {
        let records = self.lane(number(&discard.first), number(&discard.last));
        assert_eq!(records.len(), discard.records);
        assert_eq!(discard.condition, Condition::RetryAttemptsExhausted);
        assert_eq!(Some(discard.attempts), self.settings.retry_attempts_max.map(|max| max + 1));
        assert!(
            !self.settings.bisect || records.len() == 1,
            "a batch is cut before it is given up"
        );
        self.end(&records);
        self.machine.discarded(discard.lane);
    }

    fn check_position(&self) {
        if let Some(position) = self.machine.position().map(number) {
            assert!((0..=position).all(|record| self.ends.contains_key(&record)), "{position}");
        }
    }

    /// Reads all records in parts, and answers until all have ended.
    fn run(&mut self, parts: &[usize], choices: &[usize]) {
        let mut next = 0;
        let mut parts = parts.iter().cycle();
        let mut choices = choices.iter().cycle();
        while !self.machine.is_ended() {
            if next < self.keys.len() {
                let part = (next..self.keys.len()).take(*parts.next().unwrap());
                let records: Vec<Record> =
                    part.map(|index| record(index, &self.key(index), 5)).collect();
                next += records.len();
                self.machine.take(records, at(self.now).now);
            } else {
                self.machine.close();
            }
            let orders = self.machine.decide(at(self.now));
            for discard in &orders.discards {
                self.discard(discard);
            }
            for delivery in orders.deliveries {
                self.check_delivery(&delivery);
                self.in_flight.push(delivery);
            }
            if !self.in_flight.is_empty() {
                self.answer(*choices.next().unwrap());
            } else if orders.discards.is_empty() {
                self.now += 1;
            }
            self.check_position();
        }
        assert_eq!(self.ends.len(), self.keys.len(), "each record has ended");
        assert_eq!(self.machine.position().map(number), self.keys.len().checked_sub(1));
    }
}

proptest! {
    #[test]
    fn each_record_ends_once_in_order_within_the_limits(
        settings in any_settings(),
        keys in proptest::collection::vec(0..6_u8, 0..40),
        script in proptest::collection::vec(act(), 0..60),
        parts in proptest::collection::vec(1..12_usize, 1..6),
        choices in proptest::collection::vec(0..9_usize, 1..6),
    ) {
        let mut world = World {
            machine: ShardMachine::new(settings.clone(), frame(), None),
            settings,
            keys,
            script: script.into_iter(),
            in_flight: vec![],
            ends: BTreeMap::new(),
            now: 0,
        };
        world.run(&parts, &choices);
    }
}
