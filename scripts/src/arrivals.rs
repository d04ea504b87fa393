//! Disorder: events happen in one order and arrive in another.
//!
//! A generator walks through time, pushes each event with the moment it will arrive, and takes out what arrives before
//! the next one can. Equal moments keep the order in which they were pushed, so that a seed fixes every byte.

use crate::random::Random;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// What is on its way.
#[derive(Debug)]
pub(crate) struct Arrivals<T> {
    waiting: BinaryHeap<Waiting<T>>,
    pushed: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    arrival_ms: i64,
    place: u64,
    item: T,
}

impl<T> Arrivals<T> {
    /// Nothing is on its way.
    pub(crate) const fn new() -> Self {
        Self { waiting: BinaryHeap::new(), pushed: 0 }
    }

    /// Sends an item off, to arrive at this moment.
    pub(crate) fn push(&mut self, arrival_ms: i64, item: T) {
        self.waiting.push(Waiting { arrival_ms, place: self.pushed, item });
        self.pushed += 1;
    }

    /// The next item that arrives before this moment.
    pub(crate) fn pop_before(&mut self, moment_ms: i64) -> Option<T> {
        if self.waiting.peek()?.arrival_ms >= moment_ms {
            return None;
        }
        self.waiting.pop().map(|waiting| waiting.item)
    }
}

/// How long an event is under way: most are quick, few take up to `most_ms` (excluded).
pub(crate) const fn lag_ms(random: &mut Random, most_ms: i64) -> i64 {
    match random.below(100) {
        0..80 => random.below(500),
        80..95 => random.below(most_ms / 9),
        _ => random.below(most_ms),
    }
}

impl<T> Waiting<T> {
    const fn key(&self) -> (i64, u64) {
        (self.arrival_ms, self.place)
    }
}

// The heap gives the largest first and the earliest arrival is wanted: the comparison is turned around.
impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Waiting<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_by_arrival_then_by_place() {
        let mut arrivals = Arrivals::new();
        for (arrival_ms, item) in [(20, 'c'), (10, 'a'), (10, 'b'), (30, 'd')] {
            arrivals.push(arrival_ms, item);
        }
        let before_30: Vec<char> = std::iter::from_fn(|| arrivals.pop_before(30)).collect();
        assert_eq!(before_30, ['a', 'b', 'c']);
        assert_eq!(arrivals.pop_before(31), Some('d'));
        assert_eq!(arrivals.pop_before(i64::MAX), None);
    }

    #[test]
    fn a_lag_stays_below_its_bound() {
        let mut random = Random::new(1);
        assert!((0..1_000).all(|_| (0..25_000).contains(&lag_ms(&mut random, 25_000))));
    }
}
