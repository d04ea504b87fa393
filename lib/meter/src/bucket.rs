//! Token buckets as plain values: what a shard, a key or a reader may still do now.
//!
//! A bucket holds at most one second's tokens, so a burst is no larger than a second's rate. (`DynamoDB` keeps up to 300 s
//! of unused capacity, but best effort and without a promise; a proxy that counted on it would hide throttling.)
//! Two kinds of cost are told apart: one that is known before is [taken](Bucket::take) or refused; one that is known only
//! after, as the bytes of a read, is [owed](Bucket::owe), and the next caller waits until the debt is paid.

use jiff::Timestamp;
use std::collections::BTreeMap;

/// Parts of a token, so that every nanosecond of every rate is exact.
const PARTS: i128 = 1_000_000_000;
/// The most buckets of one kind. Beyond it full ones are dropped, which changes nothing, and then those used longest ago.
pub const BUCKETS_MAX: usize = 100_000;

/// What has accumulated at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    per_second: i128,
    parts: i128,
    at: Timestamp,
}

impl Bucket {
    /// A full bucket.
    pub fn full(per_second: u32, now: Timestamp) -> Self {
        let per_second = i128::from(per_second);
        Self { per_second, parts: per_second * PARTS, at: now }
    }

    fn fill(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.at).as_nanos();
        if passed > 0 {
            let most = self.per_second * PARTS;
            self.parts =
                most.min(self.parts.saturating_add(passed.saturating_mul(self.per_second)));
            self.at = now;
        }
    }

    /// Whether so many tokens are there now. More than the bucket can hold are there when it is full.
    pub fn has(&mut self, tokens: u64, now: Timestamp) -> bool {
        self.fill(now);
        self.parts >= i128::from(tokens).min(self.per_second) * PARTS
    }

    /// Takes tokens if they are there; says whether they were.
    pub fn take(&mut self, tokens: u64, now: Timestamp) -> bool {
        let there = self.has(tokens, now);
        if there {
            self.owe(tokens, now);
        }
        there
    }

    /// Takes tokens that may not be there.
    pub fn owe(&mut self, tokens: u64, now: Timestamp) {
        self.fill(now);
        self.parts -= i128::from(tokens) * PARTS;
    }

    /// Takes all tokens that are there; a debt stays.
    pub fn empty(&mut self, now: Timestamp) {
        self.fill(now);
        self.parts = self.parts.min(0);
    }

    /// Asked of a copy: looking is no use, and what was used longest ago must stay known.
    fn is_full(mut self, now: Timestamp) -> bool {
        self.fill(now);
        self.parts == self.per_second * PARTS
    }
}

/// The buckets of one kind, by what they belong to.
#[derive(Clone, Debug)]
pub struct Buckets<K> {
    per_second: u32,
    buckets: BTreeMap<K, Bucket>,
}

impl<K: Ord + Clone> Buckets<K> {
    /// No buckets yet: each begins full.
    pub fn new(per_second: u32) -> Self {
        Self { per_second, buckets: BTreeMap::new() }
    }

    /// The bucket of this key.
    pub fn at(&mut self, key: &K, now: Timestamp) -> &mut Bucket {
        if self.buckets.len() >= BUCKETS_MAX && !self.buckets.contains_key(key) {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            let oldest = self.buckets.iter().min_by_key(|(_, bucket)| bucket.at);
            if self.buckets.len() >= BUCKETS_MAX
                && let Some(oldest) = oldest.map(|(other, _)| other.clone())
            {
                self.buckets.remove(&oldest);
            }
        }
        let per_second = self.per_second;
        self.buckets.entry(key.clone()).or_insert_with(|| Bucket::full(per_second, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    fn after(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
    }

    #[test]
    fn a_second_has_its_rate_and_not_one_more() {
        let mut bucket = Bucket::full(1000, after(0));
        assert!((0..1000).all(|_| bucket.take(1, after(0))));
        assert!(!bucket.take(1, after(0)));
    }

    #[test]
    fn tokens_come_back_with_time() {
        let mut bucket = Bucket::full(5, after(0));
        assert!(bucket.take(5, after(0)));
        assert!(!bucket.take(1, after(199)));
        assert!(bucket.take(1, after(200)));
        assert!(!bucket.take(1, after(200)));
    }

    #[test]
    fn no_more_than_a_second_is_kept() {
        let mut bucket = Bucket::full(5, after(0));
        assert!(bucket.take(5, after(60_000)));
        assert!(!bucket.take(1, after(60_000)));
    }

    #[test]
    fn a_debt_of_five_seconds_is_paid_in_five_seconds() {
        // 10 MB are read at 2 MB/s: the next read waits until one byte is there again.
        let mut bucket = Bucket::full(2_000_000, after(0));
        bucket.owe(10_000_000, after(0));
        assert!(!bucket.has(1, after(4_000)));
        assert!(bucket.has(1, after(4_001)));
        assert!(!bucket.has(2_000_000, after(4_999)));
        assert!(bucket.has(2_000_000, after(5_000)));
    }

    #[test]
    fn more_than_the_bucket_holds_waits_for_a_full_one() {
        let mut bucket = Bucket::full(10, after(0));
        assert!(bucket.take(25, after(0)));
        assert!(!bucket.take(25, after(2_400)));
        assert!(bucket.take(25, after(2_500)));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut bucket = Bucket::full(10, after(1_000));
        assert!(bucket.take(10, after(1_000)));
        assert!(!bucket.take(1, after(0)));
        assert!(bucket.take(1, after(1_100)));
    }

    #[test]
    fn each_key_has_its_own() {
        let mut buckets = Buckets::new(1);
        assert!(buckets.at(&"a", after(0)).take(1, after(0)));
        assert!(!buckets.at(&"a", after(0)).take(1, after(0)));
        assert!(buckets.at(&"b", after(0)).take(1, after(0)));
    }

    #[test]
    fn full_buckets_are_dropped_first() {
        let mut buckets = Buckets::new(1);
        assert!(buckets.at(&0, after(0)).take(1, after(0)));
        for key in 1..BUCKETS_MAX {
            buckets.at(&key, after(0));
        }
        buckets.at(&BUCKETS_MAX, after(0));
        assert_eq!(buckets.buckets.len(), 2);
        assert!(!buckets.at(&0, after(0)).take(1, after(0)));
    }

    #[test]
    fn of_buckets_that_are_not_full_the_one_used_longest_ago_is_dropped() {
        let mut buckets = Buckets::new(10);
        let oldest = 7;
        buckets.at(&oldest, after(0)).owe(1_000, after(0));
        for key in (0..BUCKETS_MAX).filter(|key| *key != oldest) {
            buckets.at(&key, after(1)).owe(1_000, after(1));
        }
        buckets.at(&BUCKETS_MAX, after(2));
        assert_eq!(buckets.buckets.len(), BUCKETS_MAX);
        assert!(!buckets.buckets.contains_key(&oldest) && buckets.buckets.contains_key(&0));
    }

    proptest! {
        /// Whatever is asked, no window of a second sees more than what it held at its start and one second's rate.
        #[test]
        fn never_more_than_the_rate(asks in prop::collection::vec((0i64..400, 1u64..20), 1..200)) {
            let mut bucket = Bucket::full(20, after(0));
            let (mut now, mut taken) = (0, Vec::new());
            for (step, tokens) in asks {
                now += step;
                if bucket.take(tokens, after(now)) {
                    taken.push((now, tokens));
                }
            }
            for (start, _) in &taken {
                let window = taken.iter().filter(|(at, _)| (*start..start + 1000).contains(at));
                prop_assert!(window.map(|(_, tokens)| tokens).sum::<u64>() <= 2 * 20);
            }
        }
    }
}
