//! The times of events, sorted: a count of any sliding time by two look-ups.

use crate::place::events;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Counts are exact up to this; beyond it they say this, and no more times are held.
pub(super) const COUNT_MAX: usize = 10_000;

/// The newest [`COUNT_MAX`] times, rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Times(VecDeque<Timestamp>);

impl Times {
    /// Adds a time, most often the newest.
    pub(super) fn insert(&mut self, time: Timestamp) {
        let place = if self.0.back().is_none_or(|&last| last <= time) {
            self.0.len()
        } else {
            self.0.partition_point(|&held| held <= time)
        };
        if self.0.capacity() == 0 {
            // Most groups have few, and a queue that grows by itself begins with room for four.
            self.0.reserve_exact(1);
        }
        self.0.insert(place, time);
        if self.0.len() > COUNT_MAX {
            self.0.pop_front();
        }
    }

    /// Forgets what is not after a time.
    pub(super) fn forget_until(&mut self, until: Timestamp) {
        while self.0.front().is_some_and(|&first| first <= until) {
            self.0.pop_front();
        }
        if self.0.is_empty() && self.0.capacity() > 0 {
            self.0 = VecDeque::new();
        }
    }

    /// How many are in `(from, until]`.
    pub(super) fn count(&self, from: Timestamp, until: Timestamp) -> u64 {
        let after = |limit: Timestamp| self.0.partition_point(|&time| time <= limit);
        let end = if self.0.back().is_none_or(|&last| last <= until) {
            self.0.len()
        } else {
            after(until)
        };
        let begin = if self.0.front().is_none_or(|&first| first > from) { 0 } else { after(from) };
        events(end.saturating_sub(begin))
    }

    /// The newest but `newer`, if there are so many.
    pub(super) fn nth_newest(&self, newer: usize) -> Option<Timestamp> {
        let place = self.0.len().checked_sub(newer.checked_add(1)?)?;
        self.0.get(place).copied()
    }

    /// All, rising.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Timestamp> + Clone {
        self.0.iter().copied()
    }
}

impl FromIterator<Timestamp> for Times {
    fn from_iter<I: IntoIterator<Item = Timestamp>>(times: I) -> Self {
        let mut sorted = Self::default();
        for time in times {
            sorted.insert(time);
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_are_those_of_a_list(
            times in proptest::collection::vec(0..50_i64, 0..60), from in -5..55_i64, length in 0..30_i64,
        ) {
            let sorted: Times = times.iter().copied().map(Timestamp::from_millis).collect();
            let until = from + length;
            let expect = times.iter().filter(|&&time| from < time && time <= until).count();
            let range = (Timestamp::from_millis(from), Timestamp::from_millis(until));
            prop_assert_eq!(sorted.count(range.0, range.1), events(expect));
        }
    }

    #[test]
    fn beyond_the_limit_the_newest_are_held() {
        let limit = i64::try_from(COUNT_MAX).unwrap();
        let times: Times = (0..limit + 5).rev().map(Timestamp::from_millis).collect();
        assert_eq!(times.iter().len(), COUNT_MAX);
        assert_eq!(times.iter().next(), Some(Timestamp::from_millis(5)));
    }
}
