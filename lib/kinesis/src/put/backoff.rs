//! How long to wait before something is tried again.
//!
//! Waits double, so that a stream without room is left alone, and each is shortened by up to a half that its key decides, so that
//! keys that failed together do not come back together. That is what chance is used for elsewhere; a hash does the same, and a
//! run can be repeated.

use std::time::Duration;
use streamgauge_engine::hash;

/// The first wait: a shard has room for a tenth of its rate again.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait: a shard that is split or a stream that is scaled takes longer, and is noticed soon enough.
const LONGEST: Duration = Duration::from_secs(5);

/// The wait after so many failures in a row, from 1.
pub(super) fn wait(failures: u32, key: &str) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let shortened = hash::combine(hash::stable(key.as_bytes()), u64::from(failures)) % 512;
    whole * (1024 - u32::try_from(shortened).unwrap_or_default()) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit() {
        let check = |failures, least_ms, most_ms| {
            let wait = wait(failures, "k").as_millis();
            assert!((least_ms..=most_ms).contains(&wait), "{wait}");
        };
        check(1, 50, 100);
        check(2, 100, 200);
        check(4, 400, 800);
        check(7, 2_500, 5_000);
        check(u32::MAX, 2_500, 5_000);
    }

    #[test]
    fn keys_wait_differently_and_each_alike() {
        assert_ne!(wait(3, "a"), wait(3, "b"));
        assert_eq!(wait(3, "a"), wait(3, "a"));
    }
}
