//! Rollups that are no small counts: 60 slices `(a, b]` of time, each one accumulator.
//!
//! A slice counts from its end on, and the rollup stands still between two ends. What it says is remembered until a slice enters
//! or leaves, so that looking again costs nothing.

use super::times::Times;
use crate::accumulate::Accumulator;
use crate::alert::SLICES;
use crate::newest::Newest;
use crate::time::{Millis, Timestamp};
use std::collections::VecDeque;

/// The slices of one length.
#[derive(Clone, Debug, Default)]
pub(super) struct Slices {
    pub(super) held: VecDeque<Slice>,
    /// The times of ignored copies.
    pub(super) copies: Times,
    /// What they add up to, and until when it does.
    sum: Option<(Option<Timestamp>, Option<Accumulator>)>,
}

/// What is remembered follows from the rest.
impl PartialEq for Slices {
    fn eq(&self, other: &Self) -> bool {
        self.held == other.held && self.copies == other.copies
    }
}

/// One slice.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slice {
    /// Its last moment, inclusive.
    pub(super) until: Timestamp,
    pub(super) accumulator: Accumulator,
    pub(super) events: u64,
    /// How many of them came behind the watermark.
    pub(super) late: u64,
    pub(super) newest: Newest,
}

/// The last end of a slice that is not after a moment.
pub(super) const fn last_end(time: Timestamp, slice_ms: Millis) -> Timestamp {
    Timestamp::from_millis(time.as_millis().div_euclid(slice_ms).saturating_mul(slice_ms))
}

impl Slices {
    /// Adds to a slice.
    pub(super) fn add(&mut self, slice: Slice) {
        self.sum = None;
        let place = self.held.partition_point(|held| held.until < slice.until);
        match self.held.get_mut(place).filter(|held| held.until == slice.until) {
            Some(held) => {
                held.accumulator.merge(&slice.accumulator);
                held.events += slice.events;
                held.late += slice.late;
                held.newest.merge(&slice.newest);
            }
            None => self.held.insert(place, slice),
        }
    }

    /// Forgets the slices that the rollup does not cover any more.
    pub(super) fn forget_until(&mut self, until: Timestamp) {
        while self.held.front().is_some_and(|slice| slice.until <= until) {
            self.held.pop_front();
            self.sum = None;
        }
        self.copies.forget_until(until);
    }

    /// What the slices add up to at a moment; nothing if there are none.
    pub(super) fn sum(&mut self, at: Timestamp, slice_ms: Millis) -> Option<&Accumulator> {
        // What a group holds must not depend on what is remembered of it.
        self.forget_until(last_end(at, slice_ms).minus(slice_ms.saturating_mul(SLICES)));
        let is_known =
            self.sum.as_ref().is_some_and(|(until, _)| until.is_none_or(|until| at < until));
        if !is_known {
            let mut sum: Option<Accumulator> = None;
            for slice in self.covered(at) {
                match &mut sum {
                    Some(sum) => sum.merge(&slice.accumulator),
                    None => sum = Some(slice.accumulator.clone()),
                }
            }
            self.sum = Some((self.next_change(at, slice_ms), sum));
        }
        self.sum.as_ref().and_then(|(_, sum)| sum.as_ref())
    }

    /// The slices that have ended.
    pub(super) fn covered(&self, at: Timestamp) -> impl Iterator<Item = &Slice> {
        self.held.iter().take_while(move |slice| slice.until <= at)
    }

    /// The next moment after this one at which a slice enters or leaves.
    pub(super) fn next_change(&self, at: Timestamp, slice_ms: Millis) -> Option<Timestamp> {
        let length_ms = slice_ms.saturating_mul(SLICES);
        let leaves =
            self.held.iter().map(|slice| slice.until.plus(length_ms)).find(|&time| time > at);
        let enters = self.held.iter().map(|slice| slice.until).find(|&until| until > at);
        leaves.into_iter().chain(enters).min()
    }
}
