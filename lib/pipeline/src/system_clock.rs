//! The machine's clock, the only place where it is read for a clock of ours. Whoever runs the pipeline brings it; nothing of the pipeline uses it.

use crate::port::clock::Clock;
use std::time::{SystemTime, UNIX_EPOCH};
use streamgauge_engine::time::Timestamp;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A machine that believes to be before 1970 is at its beginning, and one after the year 292 million at its end.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::SystemClock;
    use crate::contract::clock_contract;

    #[test]
    fn the_clock_keeps_the_contract() {
        clock_contract(&SystemClock).unwrap();
    }
}
