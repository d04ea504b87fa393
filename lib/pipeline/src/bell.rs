//! Waking others, not more often than it does any good.

use crate::port::wake::{Wake, WakeUp, When};
use std::collections::BTreeMap;
use streamgauge_engine::time::{Millis, SECOND_MS, Timestamp};

/// A function wakes another at most so often, and so much later: what it writes until then is seen by the same wake-up.
const RUNG_EVERY_MS: Millis = SECOND_MS;

/// Rings for functions, at most once a second for each and partition.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    /// For when it was rung last.
    rung: BTreeMap<WakeUp, Timestamp>,
}

/// What became of ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// A wake-up is on its way.
    Sent,
    /// One that was sent before is still to come, and will find what was written.
    Coming,
    /// None could be sent. That is no failure: a schedule ticks too.
    Failed,
}

impl Bell {
    /// Something was written that this function is to look at.
    pub async fn ring(&mut self, wake: &impl Wake, wake_up: WakeUp, now: Timestamp) -> Rung {
        let at = now.plus(RUNG_EVERY_MS);
        // A clock that was set back does not silence it for long.
        if self.rung.get(&wake_up).is_some_and(|rung| now < *rung && *rung <= at) {
            return Rung::Coming;
        }
        if wake.wake(wake_up, When::At(at)).await.is_err() {
            return Rung::Failed;
        }
        self.rung.insert(wake_up, at);
        Rung::Sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{MemoryWake, VirtualClock, block_on};
    use crate::port::Partition;
    use crate::port::wake::Function;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn each_partition_is_woken_once_a_second_for_a_second_later() {
        let clock = VirtualClock::new(at(5_000));
        let wake = MemoryWake::new(clock.clone());
        let mut bell = Bell::default();
        let [one, other] = [1, 2].map(|number| WakeUp {
            function: Function::Settle,
            partition: Partition::new(number).unwrap(),
        });
        let mut check = |wake_up, now: i64, expect| {
            clock.set(at(now));
            assert_eq!(block_on(bell.ring(&wake, wake_up, at(now))), expect, "at {now}");
        };
        check(one, 5_000, Rung::Sent);
        check(one, 5_999, Rung::Coming);
        check(other, 5_999, Rung::Sent);
        check(one, 6_000, Rung::Sent);
        check(one, 4_999, Rung::Sent);
        assert_eq!(wake.next_at(), Some(at(5_999)), "the clock was set back");
    }
}
