//! Each suite passes the memory adapter, and each of its rules finds an adapter that is wrong in this one way.

mod ends;
mod points;
mod stores;

use super::{Broken, StoreBench};
use crate::contract::Fault;
use crate::memory::VirtualClock;
use crate::port::clock::Clock;
use streamgauge_engine::time::{Millis, Timestamp};

/// Some time that is not the beginning of time.
fn clock() -> VirtualClock {
    VirtualClock::new(Timestamp::from_millis(1_767_607_200_000))
}

/// The suite ended at this rule; none if it passed.
#[expect(clippy::needless_pass_by_value, reason = "outcomes are made for this call")]
fn check(outcome: Result<(), Broken>, broken_rule: &str) {
    assert_eq!(
        outcome.as_ref().map_or_else(|broken| broken.rule, |()| ""),
        broken_rule,
        "{outcome:?}"
    );
}

/// A store's bench: its clock, and how it is armed.
struct Bench<'a>(&'a VirtualClock, &'a (dyn Fn(Fault) + Sync));

impl Clock for Bench<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl StoreBench for Bench<'_> {
    fn advance(&self, by: Millis) {
        self.0.advance(by);
    }

    fn arm(&self, fault: Fault) {
        (self.1)(fault);
    }
}
