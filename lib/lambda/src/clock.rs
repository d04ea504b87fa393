//! The simulator's time: the real one, or one that runs some times as fast.
//!
//! A hurried clock makes waiting short: batching windows, back-off, ages, visibility and schedules pass in its time.
//! What a function's process does takes the time that it takes, and its time-out is real.

use jiff::{SignedDuration, Timestamp, TimestampArithmetic};
use std::time::Duration;
use tokio::time::Instant;

/// The fastest clock: an hour in 36 ms.
pub const SPEED_MAX: u32 = 100_000;

/// A clock. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    origin: Timestamp,
    speed: u32,
}

impl Clock {
    /// The machine's time.
    pub fn real() -> Self {
        Self::hurried(1)
    }

    /// A clock that starts now and runs `speed` times as fast as the machine's, at most [`SPEED_MAX`].
    pub fn hurried(speed: u32) -> Self {
        let speed = speed.clamp(1, SPEED_MAX);
        Self { started: Instant::now(), origin: Timestamp::now(), speed }
    }

    /// The moment, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let passed = self.started.elapsed().saturating_mul(self.speed);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let now = later(self.origin, passed);
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Waits until this clock has gone on by `time`.
    pub async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time / self.speed).await;
    }

    /// Waits until this clock shows `moment`; returns at once if it does already.
    pub async fn sleep_until(&self, moment: Timestamp) {
        while let Ok(left) = Duration::try_from(moment.duration_since(self.now())) {
            if left.is_zero() {
                break;
            }
            self.sleep(left).await;
        }
    }
}

/// A moment and some time more, at most the last moment that there is.
pub(crate) fn later(moment: Timestamp, by: impl Into<TimestampArithmetic>) -> Timestamp {
    moment.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hurried_clock_goes_on_by_more_than_passes() {
        let clock = Clock::hurried(60);
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now().duration_since(before), SignedDuration::from_secs(120));
        clock.sleep_until(before + SignedDuration::from_secs(180)).await;
        assert_eq!(clock.now().duration_since(before), SignedDuration::from_secs(180));
        clock.sleep_until(before).await;
        assert_eq!(clock.now().duration_since(before), SignedDuration::from_secs(180));
    }
}
