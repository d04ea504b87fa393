//! Any offers against any failures: a stream in memory is compared with what was offered.

use super::*;
use proptest::prelude::*;

/// What the stream does to a call.
#[derive(Clone, Debug)]
enum Does {
    /// The records whose place is set here fail.
    Fails(u64),
    Throttles,
    LosesAnswer,
    LosesCall,
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        4 => any::<u64>().prop_map(Does::Fails),
        2 => Just(Does::Fails(0)),
        1 => Just(Does::Throttles),
        1 => Just(Does::LosesAnswer),
        1 => Just(Does::LosesCall),
    ]
}

const LIMITS: Limits =
    Limits { call_records: 7, call_bytes: 60, record_bytes: 40, held_records: 20, held_bytes: 300 };

/// A stream, and what is known of what was offered to it.
#[derive(Debug, Default)]
struct World {
    stream: Vec<String>,
    offered: Vec<PutRecord>,
    accepted: Vec<PutRecord>,
    calls: u64,
    now: Duration,
}

impl World {
    /// The records of a key, in order.
    fn of_key<'r>(records: &'r [PutRecord], key: &str) -> Vec<&'r PutRecord> {
        records.iter().filter(|record| record.partition_key() == key).collect()
    }

    /// A call keeps the limits, and begins, for each of its keys, with what is not accepted yet, without a gap.
    fn check_call(&self, records: &[PutRecord]) {
        let bytes: usize = records.iter().map(PutRecord::bytes).sum();
        assert!((1..=LIMITS.call_records).contains(&records.len()));
        assert!(bytes <= LIMITS.call_bytes || records.len() == 1);
        for key in ["a", "b", "c"] {
            let open = Self::of_key(&self.offered, key);
            let open = &open[Self::of_key(&self.accepted, key).len()..];
            let called = Self::of_key(records, key);
            assert_eq!(called, &open[..called.len()]);
        }
    }

    /// Makes the call that is due, if one is; else lets time pass.
    fn step(&mut self, planner: &mut Planner, does: &Does) {
        let records = match planner.next(self.now) {
            Next::Nothing => return,
            Next::Wait(until) => {
                assert!(until > self.now);
                self.now = until;
                return;
            }
            Next::Call(records) => records,
        };
        self.check_call(records);
        self.calls += 1;
        let fails = |place: usize| matches!(does, Does::Fails(mask) if mask >> place & 1 == 1);
        let mut fates = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let is_taken = match does {
                Does::Fails(_) => !fails(place),
                Does::LosesAnswer => true,
                Does::Throttles | Does::LosesCall => false,
            };
            if is_taken {
                self.stream.push(text(record));
            }
            fates.push(if is_taken { Fate::Taken } else { Fate::Failed { code: String::new() } });
        }
        let outcome = match does {
            Does::Fails(_) => Outcome::Answered(fates),
            Does::Throttles => Outcome::Throttled { reason: String::new() },
            Does::LosesAnswer | Does::LosesCall => Outcome::Unknown { reason: String::new() },
        };
        self.accepted.extend(planner.answered(outcome, self.now).unwrap());
    }

    /// All is there, and for each key the last copies stand in the offered order, which is the accepted one.
    fn check_end(&self) {
        for key in ["a", "b", "c"] {
            let offered = Self::of_key(&self.offered, key);
            assert_eq!(Self::of_key(&self.accepted, key), offered);
            let lasts: Vec<_> = offered
                .iter()
                .map(|record| self.stream.iter().rposition(|stands| *stands == text(record)))
                .collect();
            assert!(lasts.iter().all(Option::is_some), "a record is missing");
            assert!(lasts.is_sorted(), "{key}: {:?}", self.stream);
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_or_overtaken_and_no_limit_is_broken(
        offers in prop::collection::vec((0..3_usize, 0..30_usize), 1..60),
        does in prop::collection::vec(does(), 0..60),
    ) {
        let mut planner = Planner::new(LIMITS);
        let mut world = World::default();
        let mut does = does.into_iter();
        for (number, (key, length)) in offers.into_iter().enumerate() {
            let key = ["a", "b", "c"][key];
            let mut record = record(&format!("{key}:{number}{}", ".".repeat(length)));
            world.offered.push(record.clone());
            while let Err(NotHeld::Full(full)) = planner.offer(record) {
                prop_assert!(planner.held() <= LIMITS.held_records);
                record = full;
                // What is not accepted yet is not offered, as far as the planner's calls are checked.
                let last = world.offered.pop();
                world.step(&mut planner, &does.next().unwrap_or(Does::Fails(0)));
                world.offered.extend(last);
            }
        }
        for _ in 0..1_000 {
            world.step(&mut planner, &does.next().unwrap_or(Does::Fails(0)));
        }
        prop_assert_eq!(planner.held(), 0);
        world.check_end();
        let tally = planner.tally();
        prop_assert_eq!(tally.calls, world.calls);
        prop_assert_eq!(tally.accepted, u64::try_from(world.offered.len()).unwrap());
        let copies = world.stream.len() - world.offered.len();
        prop_assert!(tally.copies >= u64::try_from(copies).unwrap());
    }
}
