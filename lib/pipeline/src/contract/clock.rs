//! The contract of clocks.

use super::{Broken, Kept, ensure, rule};
use crate::port::clock::Clock;
use streamgauge_engine::time::Timestamp;

/// How often the clock is read.
const READINGS: usize = 1_000;

/// A clock counts from 1970 and does not go back by itself.
pub fn clock_contract(clock: &impl Clock) -> Result<(), Broken> {
    rule("a clock does not go back", goes_on(clock))
}

fn goes_on(clock: &impl Clock) -> Kept {
    let mut last = Timestamp::EPOCH;
    for _ in 0..READINGS {
        let now = clock.now();
        ensure(now >= last, (last, now))?;
        last = now;
    }
    Ok(())
}
