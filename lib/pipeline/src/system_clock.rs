//! The machine's clock, the only place where this crate reads it.

use std::time::{SystemTime, UNIX_EPOCH};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::clock::Clock;

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
    use streamgauge_pipeline::contract::clock_contract;

    #[test]
    fn the_clock_keeps_the_contract() {
        clock_contract(&SystemClock).unwrap();
    }
}
