//! What waits for the watermark: in buckets of time, unsorted inside, so that letting an event wait costs next to nothing.

use super::entry::Entry;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Moments are waited for in buckets of about a second: few enough to find, small enough to sort.
const BUCKET_MS: i64 = 1_024;

const fn bucket_of(moment: Timestamp) -> i64 {
    moment.as_millis().div_euclid(BUCKET_MS)
}

/// What waits, each for a watermark.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// In each as it came.
    buckets: BTreeMap<i64, Vec<Waits>>,
    /// The earliest moment.
    first: Option<Timestamp>,
}

/// Something that waits.
#[derive(Clone, Debug)]
pub(super) struct Waits {
    /// It is decided once the watermark is past this.
    pub(super) moment: Timestamp,
    /// The alerts that it is for.
    pub(super) track: usize,
    pub(super) entry: Entry,
}

/// What waits in the order in which it enters: by moments, then by tracks, then by series, so that new groups are taken in this
/// order, whichever came first; of one series it is as it came. What is sorted is small and beside each other in memory.
fn in_turn(waiting: Vec<Waits>) -> Vec<Waits> {
    let turn = |(place, waits): (usize, &Waits)| {
        (waits.moment, waits.track, waits.entry.series.stable_hash(), place)
    };
    let mut turns: Vec<_> = waiting.iter().enumerate().map(turn).collect();
    let series = |place: usize| waiting.get(place).map(|waits| &waits.entry.series);
    turns.sort_by(|one, other| {
        let key =
            |&(moment, track, hash, _): &(Timestamp, usize, u64, usize)| (moment, track, hash);
        key(one).cmp(&key(other)).then_with(|| series(one.3).cmp(&series(other.3)))
    });
    let mut waiting: Vec<_> = waiting.into_iter().map(Some).collect();
    turns.iter().filter_map(|&(.., place)| waiting.get_mut(place)?.take()).collect()
}

impl Waiting {
    /// The earliest moment.
    pub(super) const fn first(&self) -> Option<Timestamp> {
        self.first
    }

    pub(super) fn push(&mut self, waits: Waits) {
        let moment = waits.moment;
        self.buckets.entry(bucket_of(moment)).or_default().push(waits);
        self.first = Some(self.first.map_or(moment, |first| first.min(moment)));
    }

    /// Takes what waits up to a moment, in its turn.
    pub(super) fn take_until(&mut self, end: Timestamp) -> Vec<Waits> {
        let mut taken = Vec::new();
        if self.first.is_none_or(|first| first > end) {
            return taken;
        }
        while let Some(mut bucket) = self.buckets.first_entry() {
            if *bucket.key() > bucket_of(end) {
                break;
            }
            taken.extend(bucket.get_mut().extract_if(.., |waits| waits.moment <= end));
            if !bucket.get().is_empty() {
                break;
            }
            bucket.remove();
        }
        self.find_first();
        in_turn(taken)
    }

    /// All, as it came within about a second.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waits> {
        self.buckets.values().flatten()
    }

    /// All, by moments, then by tracks, then as it came.
    pub(super) fn sorted(&self) -> Vec<&Waits> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_by_key(|waits| (waits.moment, waits.track));
        all
    }

    /// Drops what is not kept.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Waits) -> bool) {
        self.buckets.retain(|_, bucket| {
            bucket.retain(&mut keep);
            !bucket.is_empty()
        });
        self.find_first();
    }

    fn find_first(&mut self) {
        let bucket = self.buckets.values().next();
        self.first = bucket.and_then(|bucket| bucket.iter().map(|waits| waits.moment).min());
    }
}
