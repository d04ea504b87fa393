//! The contract of wake-ups. Any may be lost; the suite runs where none is.

use super::{Broken, Kept, ensure, rule, same};
use crate::port::clock::Clock;
use crate::port::wake::{Function, WAKE_DELAY_MS_MAX, Wake, WakeUp, When};
use crate::port::{PARTITIONS_MAX, Partition};
use streamgauge_engine::time::Millis;

/// What the suite of wake-ups needs beside the port. Its clock is the one that the queue goes by.
pub trait WakeBench: Clock {
    /// Turns the clock on.
    fn advance(&self, by: Millis);
    /// The wake-ups that have come since it was asked last.
    fn take(&self) -> impl Future<Output = Vec<WakeUp>> + Send;
}

/// How coarse a queue may be, in milliseconds: SQS delays by whole seconds.
const COARSE_MS: Millis = 1_000;
/// How far off the suite wakes, in milliseconds.
const DELAY_MS: Millis = 60_000;

/// Wake-ups come, for whom they are meant, and not before their time.
pub async fn wake_contract(wake: &impl Wake, bench: &impl WakeBench) -> Result<(), Broken> {
    for function in [Function::Settle, Function::Deliver] {
        for partition in [0, PARTITIONS_MAX - 1].into_iter().filter_map(Partition::new) {
            let suite = Suite { wake, bench, wake_up: WakeUp { function, partition } };
            rule("a wake-up for now comes", suite.comes(When::Now, 0).await)?;
            let passed = When::At(bench.now().minus(DELAY_MS));
            rule("a wake-up for a time that has passed comes", suite.comes(passed, 0).await)?;
            let later = When::At(bench.now().plus(DELAY_MS));
            rule("a wake-up comes at its time and not before", suite.comes(later, DELAY_MS).await)?;
            let far_off = When::At(bench.now().plus(10 * WAKE_DELAY_MS_MAX));
            rule(
                "a wake-up that is far off comes after the longest delay",
                suite.comes(far_off, WAKE_DELAY_MS_MAX).await,
            )?;
        }
    }
    Ok(())
}

struct Suite<'a, W, B> {
    wake: &'a W,
    bench: &'a B,
    wake_up: WakeUp,
}

impl<W: Wake, B: WakeBench> Suite<'_, W, B> {
    /// It comes after this delay and not before, once or more, and no other does.
    async fn comes(&self, when: When, delay_ms: Millis) -> Kept {
        self.wake.wake(self.wake_up, when).await?;
        if delay_ms > COARSE_MS {
            self.bench.advance(delay_ms - COARSE_MS);
            same(self.bench.take().await, Vec::new())?;
            self.bench.advance(2 * COARSE_MS);
        }
        let came = self.bench.take().await;
        ensure(!came.is_empty() && came.iter().all(|&came| came == self.wake_up), came)
    }
}
