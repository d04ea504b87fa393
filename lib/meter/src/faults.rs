//! What goes wrong on purpose: seeded, so that a run can be repeated, and bounded, so that it ends.
//!
//! Whether a fault strikes is a function of the seed, the fault's place in the list, the operation and the number of this
//! call among those the fault looks at. Two runs with the same seed and the same order of calls fail alike; under
//! concurrency the order of calls may differ, and the pattern of numbers stays.

use crate::call::{Call, Service};
use rapidhash::v3::rapidhash_v3;
use std::collections::BTreeMap;
use std::time::Duration;

/// A million: probabilities are in parts of it.
pub const MILLION: u64 = 1_000_000;
/// The most operations whose calls are numbered for one fault; calls of more are left alone.
pub const OPERATIONS_MAX: usize = 1_000;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// The service's own throttling error, without an effect.
    Throttle,
    /// Some records of a `PutRecords` fail with `ProvisionedThroughputExceededException`: each by this chance in parts of
    /// a [`MILLION`]. Other operations are not harmed.
    FailRecords(u32),
    /// The call waits before it goes on.
    Delay(Duration),
    /// The connection is closed before the effect.
    CloseBefore,
    /// The effect happens; the connection is closed instead of an answer.
    LoseAnswer,
    /// An error 5xx of the service, without an effect.
    ServerError,
}

/// When a fault strikes, by the number of the call, from 1, of each operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Each call whose number is divisible by this; never for 0.
    Every(u64),
    /// By chance, in parts of a [`MILLION`].
    Chance(u32),
    /// Only this call.
    Only(u64),
}

/// Which calls a fault looks at. What is not set matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The service.
    pub service: Option<Service>,
    /// The operation.
    pub operation: Option<Box<str>>,
    /// How the caller's token begins.
    pub caller_prefix: Option<Box<str>>,
}

impl Selector {
    fn matches(&self, call: &Call) -> bool {
        self.service.as_ref().is_none_or(|service| *service == call.service)
            && self.operation.as_ref().is_none_or(|operation| *operation == call.operation)
            && self.caller_prefix.as_ref().is_none_or(|prefix| call.caller.starts_with(&**prefix))
    }
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which calls it looks at.
    pub selector: Selector,
    /// When it strikes.
    pub when: When,
    /// What it does.
    pub harm: Harm,
    /// How often it strikes at most.
    pub at_most: u64,
}

/// The faults of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// What makes runs differ.
    pub seed: u64,
    /// The faults; all that strike are done, in this order.
    pub faults: Vec<Fault>,
}

/// A harm that strikes a call, and the dice for what it leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) harm: Harm,
    dice: u64,
}

impl Strike {
    /// Whether the record at this place of the batch fails.
    pub(crate) fn fails_record(&self, place: usize) -> bool {
        let Harm::FailRecords(chance) = self.harm else { return false };
        let hash = rapidhash_v3(format!("{}/{place}", self.dice).as_bytes());
        hash % MILLION < u64::from(chance)
    }
}

/// The faults while they strike.
#[derive(Debug)]
pub(crate) struct Dice {
    seed: u64,
    faults: Vec<(Fault, Seen)>,
}

/// What a fault has seen and done.
#[derive(Debug, Default)]
struct Seen {
    calls: BTreeMap<(Service, Box<str>), u64>,
    struck: u64,
}

impl Dice {
    pub(crate) fn new(faults: Faults) -> Self {
        let seen = faults.faults.into_iter().map(|fault| (fault, Seen::default()));
        Self { seed: faults.seed, faults: seen.collect() }
    }

    /// What strikes this call.
    pub(crate) fn throw(&mut self, call: &Call) -> Vec<Strike> {
        let seed = self.seed;
        let each = self.faults.iter_mut().enumerate();
        each.filter_map(|(place, (fault, seen))| {
            if !fault.selector.matches(call) {
                return None;
            }
            let operation = (call.service.clone(), call.operation.clone());
            if seen.calls.len() >= OPERATIONS_MAX && !seen.calls.contains_key(&operation) {
                return None;
            }
            let number = seen.calls.entry(operation).or_default();
            *number += 1;
            let dice = format!("{seed}/{place}/{}/{}/{number}", call.service, call.operation);
            let dice = rapidhash_v3(dice.as_bytes());
            let strikes = seen.struck < fault.at_most && is_struck(fault.when, *number, dice);
            seen.struck += u64::from(strikes);
            strikes.then_some(Strike { harm: fault.harm, dice })
        })
        .collect()
    }
}

fn is_struck(when: When, number: u64, dice: u64) -> bool {
    match when {
        When::Every(every) => every > 0 && number.is_multiple_of(every),
        When::Chance(chance) => dice % MILLION < u64::from(chance),
        When::Only(only) => number == only,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Protocol;

    fn call(operation: &str, caller: &str) -> Call {
        Call {
            service: Service::Kinesis,
            operation: operation.into(),
            protocol: Protocol::Json("a"),
            caller: caller.into(),
            account: "".into(),
        }
    }

    fn fault(when: When) -> Fault {
        Fault { selector: Selector::default(), when, harm: Harm::Throttle, at_most: 1000 }
    }

    fn dice(seed: u64, fault: Fault) -> Dice {
        Dice::new(Faults { seed, faults: vec![fault] })
    }

    /// The numbers of the calls that are struck, of so many.
    fn struck(mut dice: Dice, calls: u64) -> Vec<u64> {
        (1..=calls).filter(|_| !dice.throw(&call("PutRecords", "")).is_empty()).collect()
    }

    #[test]
    fn calls_are_struck_by_number() {
        assert_eq!(struck(dice(1, fault(When::Every(3))), 10), [3, 6, 9]);
        assert_eq!(struck(dice(1, fault(When::Only(4))), 10), [4]);
        assert_eq!(struck(dice(1, fault(When::Every(0))), 10), [0; 0]);
    }

    #[test]
    fn a_seed_strikes_alike_and_another_one_otherwise() {
        let chance = || fault(When::Chance(200_000));
        let first = struck(dice(1, chance()), 1000);
        assert_eq!(first, struck(dice(1, chance()), 1000));
        assert_ne!(first, struck(dice(2, chance()), 1000));
        assert!((120..280).contains(&first.len()), "{}", first.len());
    }

    #[test]
    fn chances_at_their_ends_are_never_and_always() {
        assert_eq!(struck(dice(1, fault(When::Chance(0))), 100), [0; 0]);
        assert_eq!(struck(dice(1, fault(When::Chance(1_000_000))), 100).len(), 100);
    }

    #[test]
    fn a_fault_ends() {
        let fault = Fault { at_most: 2, ..fault(When::Every(1)) };
        assert_eq!(struck(dice(1, fault), 10), [1, 2]);
    }

    #[test]
    fn operations_are_numbered_apart() {
        let mut dice = dice(1, fault(When::Only(2)));
        assert!(dice.throw(&call("A", "")).is_empty());
        assert!(dice.throw(&call("B", "")).is_empty());
        assert_eq!(dice.throw(&call("B", "")).len(), 1);
    }

    #[test]
    fn a_selector_spares_others() {
        let selector = Selector {
            service: Some(Service::Kinesis),
            operation: Some("PutRecords".into()),
            caller_prefix: Some("a/".into()),
        };
        let check = |call: &Call, expect: usize| {
            let fault = Fault { selector: selector.clone(), ..fault(When::Every(1)) };
            assert_eq!(dice(1, fault).throw(call).len(), expect);
        };
        check(&call("PutRecords", "a/1"), 1);
        check(&call("PutRecord", "a/1"), 0);
        check(&call("PutRecords", "b/1"), 0);
        check(&Call { service: Service::Sqs, ..call("PutRecords", "a/1") }, 0);
    }

    #[test]
    fn records_fail_by_chance_and_alike() {
        let failed = |chance: u32| {
            let strike = Strike { harm: Harm::FailRecords(chance), dice: 7 };
            (0..1000).filter(|place| strike.fails_record(*place)).collect::<Vec<_>>()
        };
        assert_eq!((failed(0).len(), failed(1_000_000).len()), (0, 1000));
        assert_eq!(failed(300_000), failed(300_000));
        assert!((200..400).contains(&failed(300_000).len()));
    }
}
