//! How long things took, in little memory: each duration is kept to three digits, and how often it came.

use std::collections::BTreeMap;
use std::time::Duration;

/// Numbers below this are kept as they are; larger ones to three digits.
const EXACT_BELOW: u64 = 1000;

/// Durations, each to three digits: at most some 900 different ones per power of ten.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    /// How often each number of microseconds came.
    counts: BTreeMap<u64, u64>,
    count: u64,
    longest: Duration,
}

impl Durations {
    /// Adds one.
    pub fn add(&mut self, duration: Duration) {
        let mut microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let mut unit = 1_u64;
        while microseconds >= EXACT_BELOW {
            microseconds /= 10;
            unit = unit.saturating_mul(10);
        }
        *self.counts.entry(microseconds.saturating_mul(unit)).or_default() += 1;
        self.count += 1;
        self.longest = self.longest.max(duration);
    }

    /// The duration that half of them did not exceed, rounded down to three digits; none without any.
    pub fn median(&self) -> Option<Duration> {
        let half = self.count.div_ceil(2);
        let mut seen = 0;
        self.counts.iter().find_map(|(microseconds, count)| {
            seen += count;
            (seen >= half).then(|| Duration::from_micros(*microseconds))
        })
    }

    /// The longest; none without any.
    pub fn longest(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.longest)
    }
}

/// A number of things in memory, as numbers are kept.
pub(super) fn widen(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_known_to_three_digits_and_the_longest_exactly() {
        let mut durations = Durations::default();
        assert_eq!((durations.median(), durations.longest()), (None, None));
        for milliseconds in [7, 12_345, 900, 1] {
            durations.add(Duration::from_millis(milliseconds));
        }
        assert_eq!(durations.median(), Some(Duration::from_millis(7)));
        durations.add(Duration::from_millis(12_399));
        durations.add(Duration::from_millis(12_399));
        assert_eq!(durations.median(), Some(Duration::from_millis(900)));
        durations.add(Duration::from_secs(100));
        assert_eq!(durations.median(), Some(Duration::from_millis(12_300)), "rounded down");
        assert_eq!(durations.longest(), Some(Duration::from_secs(100)));
    }
}
