//! Waking others, not more often than it does any good.

use crate::port::wake::{Wake, WakeUp, When};
use std::collections::BTreeMap;
use streamgauge_engine::time::{Millis, Timestamp};

/// A function wakes another at most so often, and so much later: what it writes until then is seen by the same wake-up.
const RUNG_EVERY_MS: Millis = 1_000;

/// Rings for functions, at most once a second for each and partition.
#[derive(Debug, Default)]
pub struct Bell {
    rung: BTreeMap<WakeUp, Timestamp>,
}

impl Bell {
    /// Something was written that this function is to look at.
    ///
    /// A wake-up that cannot be sent is no failure: a schedule ticks too.
    pub async fn ring(&mut self, wake: &impl Wake, wake_up: WakeUp, now: Timestamp) {
        let at = now.plus(RUNG_EVERY_MS);
        // One that was rung for a time to come sees this too. A clock that was set back does not silence it for long.
        let is_coming = self.rung.get(&wake_up).is_some_and(|rung| now < *rung && *rung <= at);
        if !is_coming && wake.wake(wake_up, When::At(at)).await.is_ok() {
            self.rung.insert(wake_up, at);
        }
    }
}
