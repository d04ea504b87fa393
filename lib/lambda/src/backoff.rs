//! How long to wait before something that failed is tried again: twice as long each time.

use std::time::Duration;

/// The wait after a first failure of a batch, a queue or a stream. AWS says of its pollers that they wait exponentially, and not
/// how long.
pub(crate) const RETRY_WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest such wait.
pub(crate) const RETRY_WAIT_MAX: Duration = Duration::from_mins(1);

/// The wait after so many failures in a row, from 1: from [`RETRY_WAIT_MIN`] to [`RETRY_WAIT_MAX`].
pub(crate) fn retry_wait(failures: u32) -> Duration {
    doubled(RETRY_WAIT_MIN, RETRY_WAIT_MAX, failures)
}

/// The wait after so many failures in a row, from 1.
pub(crate) fn doubled(first: Duration, most: Duration, failures: u32) -> Duration {
    let factor = 2_u32.checked_pow(failures.saturating_sub(1));
    factor.and_then(|factor| first.checked_mul(factor)).map_or(most, |wait| wait.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_the_longest() {
        let waits =
            [0, 1, 2, 3, 6, 7, 8, 32, 33, u32::MAX].map(|failures| retry_wait(failures).as_secs());
        assert_eq!(waits, [1, 1, 2, 4, 32, 60, 60, 60, 60, 60]);
    }
}
