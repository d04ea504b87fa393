//! The identities that a shard remembers, for as long as it must and in little memory.
//!
//! A hash table of buckets, each one cache line: six 64-bit hashes and beside each its *generation*, the tenth of the
//! horizon that its event time falls into. An identity is remembered until the watermark has passed the end of its
//! generation by the horizon; from then on its slot is free for the next one. So the table cleans itself as it is used, and
//! grows with what must be remembered, not with what came by. A bucket that is full of remembered hashes sends the next
//! one to its neighbour and remembers that it did.

use crate::delta::Ids;
use crate::place::index;
use crate::plan::Plan;
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// The identities of one shard.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    horizon_ms: Millis,
    generation_ms: Millis,
    /// The generation that stored ones are relative to: the oldest that was remembered when the table was last rebuilt.
    base: i64,
    /// The first generation that is still remembered, relative to `base`.
    oldest: u16,
    /// From this stamp on `oldest` is another.
    oldest_until: Timestamp,
    buckets: Vec<Bucket>,
    /// How many hashes stand in a neighbour's bucket since the table was last rebuilt.
    displaced: usize,
    /// The generation of the last event time, and the times that it spans.
    last: (i64, Timestamp, Timestamp),
}

const BUCKET_SLOTS: usize = 6;

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket {
    /// 0 marks a slot that was never used.
    hashes: [u64; BUCKET_SLOTS],
    generations: [u16; BUCKET_SLOTS],
    /// Hashes that belong here stand in the next bucket.
    overflowed: bool,
}

/// The table's smallest size, in buckets.
const BUCKETS_MIN: usize = 128;
/// How many slots a rebuilt table has for each remembered hash.
const SLOTS_PER_HASH: usize = 3;
/// Of so many slots one may be displaced before the table is looked over.
const SLOTS_PER_DISPLACED: usize = 24;
/// Into how many generations everything that can be remembered at a time falls at most; well below what 16 bits hold.
const GENERATIONS_HELD_MAX: Millis = 20_000;

impl Seen {
    /// Nothing seen, for a plan; `None` if it does not deduplicate.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let timing = plan.timing;
        timing.deduplicate.map(|horizon| Self::new(horizon, timing.out_of_order + timing.max_ahead))
    }

    /// Nothing seen. `ahead_ms` is how far event times may run ahead of the watermark.
    pub(super) fn new(horizon_ms: Millis, ahead_ms: Millis) -> Self {
        let tenth = (horizon_ms + 9) / 10;
        let generation_ms =
            tenth.max(horizon_ms.saturating_add(ahead_ms) / GENERATIONS_HELD_MAX).max(1);
        Self {
            horizon_ms,
            generation_ms,
            base: i64::MIN,
            oldest: 0,
            oldest_until: Timestamp::from_millis(i64::MIN),
            buckets: vec![Bucket::default(); BUCKETS_MIN],
            displaced: 0,
            last: (0, Timestamp::EPOCH, Timestamp::EPOCH),
        }
    }

    /// The length of a generation.
    pub(super) const fn generation_ms(&self) -> Millis {
        self.generation_ms
    }

    /// Touches the buckets of a batch's identities, so that memory answers for many of them at once.
    pub(super) fn fetch(&self, identities: impl Iterator<Item = u64>) {
        let touched = identities.fold(0, |touched, identity| {
            let bucket = self.buckets.get(self.home(stored(identity)));
            touched ^ bucket.map_or(0, |bucket| bucket.hashes[0])
        });
        std::hint::black_box(touched);
    }

    /// Remembers an identity and tells its generation; `None` if it is remembered already.
    ///
    /// `stamp` is the shard's watermark just before the event, `watermark` the one with it.
    #[inline]
    pub(super) fn insert(
        &mut self,
        identity: u64,
        time: Timestamp,
        stamp: Option<Timestamp>,
        watermark: Timestamp,
    ) -> Option<i64> {
        if let Some(stamp) = stamp
            && stamp >= self.oldest_until
        {
            self.move_oldest(stamp);
        }
        let hash = stored(identity);
        let free = self.find(hash).err()?;
        let generation = self.generation(time);
        self.fill(&free, hash, generation, watermark);
        Some(generation)
    }

    /// Remembers what was inserted up to this watermark, here or elsewhere.
    pub(super) fn remember(&mut self, ids: &Ids, watermark: Timestamp) {
        if watermark >= self.oldest_until {
            self.move_oldest(watermark);
        }
        // What was stored is sorted: it would crowd one end of a table that is too small, again and again.
        if ids.len() * SLOTS_PER_HASH > self.buckets.len() * BUCKET_SLOTS {
            self.rebuild(watermark, ids.len());
        }
        let oldest = self.oldest_at(watermark);
        let remembered = ids.generations.iter().filter(|&&(generation, _)| generation >= oldest);
        for (generation, identities) in remembered {
            // Farther ahead than 16 bits hold (the horizon of another plan was longer): until their end.
            let generation = (*generation).min(oldest.saturating_add(i64::from(u16::MAX)));
            for group in identities.chunks(super::FETCHED_TOGETHER) {
                self.fetch(group.iter().copied());
                for &identity in group {
                    let hash = stored(identity);
                    if let Err(free) = self.find(hash) {
                        self.fill(&free, hash, generation, watermark);
                    }
                }
            }
        }
    }

    /// What an event after this watermark could be a copy of: by rising generation, each sorted.
    pub(super) fn remembered(&self, watermark: Timestamp) -> Ids {
        let oldest = self.oldest_at(watermark);
        let mut generations: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
        for (hash, relative) in self.buckets.iter().flat_map(Bucket::slots) {
            let generation = self.base.saturating_add(i64::from(relative));
            if generation >= oldest {
                generations.entry(generation).or_default().push(hash);
            }
        }
        for hashes in generations.values_mut() {
            hashes.sort_unstable();
        }
        Ids { generations: generations.into_iter().collect() }
    }

    /// How many of these there are in each generation, by rising generation.
    pub(super) fn count(&self, watermark: Timestamp) -> Vec<(i64, usize)> {
        let oldest = self.oldest_at(watermark);
        let mut generations: BTreeMap<i64, usize> = BTreeMap::new();
        for (_, relative) in self.buckets.iter().flat_map(Bucket::slots) {
            *generations.entry(self.base.saturating_add(i64::from(relative))).or_default() += 1;
        }
        generations.into_iter().filter(|&(generation, _)| generation >= oldest).collect()
    }

    /// Looks for a hash: found, or else the place where it goes.
    #[inline]
    fn find(&self, hash: u64) -> Result<(), Place> {
        let home = self.home(hash);
        let mut free = None;
        let mut number = home;
        while let Some(bucket) = self.buckets.get(number) {
            let Looked { found, free_slot } = bucket.look(hash, self.oldest);
            if found {
                return Ok(());
            }
            if free.is_none() && free_slot < BUCKET_SLOTS {
                free = Some(Place { home, bucket: number, slot: free_slot });
            }
            if !bucket.overflowed && free.is_some() {
                break;
            }
            number = self.after(number);
            if number == home {
                break;
            }
        }
        Err(free.unwrap_or(Place { home, bucket: home, slot: BUCKET_SLOTS }))
    }

    /// Puts a hash that is not in the table at the place that was found for it, or makes room first.
    #[inline]
    fn fill(&mut self, free: &Place, hash: u64, generation: i64, watermark: Timestamp) {
        match u16::try_from(generation.saturating_sub(self.base)) {
            Ok(relative)
                if self.displaced * SLOTS_PER_DISPLACED <= self.buckets.len() * BUCKET_SLOTS =>
            {
                self.put(free, hash, relative);
            }
            _ => {
                self.rebuild(watermark, 0);
                let relative = generation.saturating_sub(self.base);
                self.add(hash, u16::try_from(relative).unwrap_or(u16::MAX));
            }
        }
    }

    #[inline]
    fn put(&mut self, place: &Place, hash: u64, generation: u16) {
        let mut number = place.home;
        while number != place.bucket {
            if let Some(bucket) = self.buckets.get_mut(number) {
                bucket.overflowed = true;
            }
            self.displaced += 1;
            number = self.after(number);
        }
        let Some(bucket) = self.buckets.get_mut(place.bucket) else { return };
        if let (Some(held), Some(held_generation)) =
            (bucket.hashes.get_mut(place.slot), bucket.generations.get_mut(place.slot))
        {
            *held = hash;
            *held_generation = generation;
        }
    }

    /// Adds a hash that is not in the table.
    fn add(&mut self, hash: u64, generation: u16) {
        if let Err(place) = self.find(hash) {
            self.put(&place, hash, generation);
        }
    }

    /// The bucket where a hash belongs: hashes are even, so the high half of the product is too.
    #[inline]
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "the product's high half is below the number of buckets"
    )]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.buckets.len() as u128) >> 64) as usize
    }

    #[inline]
    fn after(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets.len() { 0 } else { bucket + 1 }
    }

    #[inline]
    fn generation(&mut self, time: Timestamp) -> i64 {
        let (generation, start, end) = self.last;
        if start <= time && time < end {
            return generation;
        }
        let found = time.as_millis().div_euclid(self.generation_ms);
        let first = Timestamp::from_millis(found * self.generation_ms);
        self.last = (found, first, first.plus(self.generation_ms));
        found
    }

    #[cold]
    fn move_oldest(&mut self, stamp: Timestamp) {
        let oldest = self.oldest_at(stamp);
        self.oldest = u16::try_from(oldest.saturating_sub(self.base).max(0)).unwrap_or(u16::MAX);
        self.oldest_until =
            Timestamp::from_millis((oldest + 1) * self.generation_ms).plus(self.horizon_ms);
    }

    /// The first generation whose end the watermark has not passed by the horizon.
    pub(super) const fn oldest_at(&self, watermark: Timestamp) -> i64 {
        (watermark.as_millis() - self.horizon_ms).div_euclid(self.generation_ms)
    }

    /// Drops what no event from now on can be a copy of, and makes the table as large as the rest and so many more need.
    #[cold]
    fn rebuild(&mut self, watermark: Timestamp, more: usize) {
        let base = self.oldest_at(watermark);
        let moved = base.saturating_sub(self.base);
        let relative =
            move |generation: u16| u16::try_from(i64::from(generation).saturating_sub(moved)).ok();
        let held = self.buckets.iter().flat_map(Bucket::slots);
        let kept = held.filter(|&(_, generation)| relative(generation).is_some()).count();
        let buckets = ((kept + more) * SLOTS_PER_HASH / BUCKET_SLOTS).max(BUCKETS_MIN);
        let old = std::mem::replace(&mut self.buckets, vec![Bucket::default(); buckets]);
        self.base = base;
        self.oldest = 0;
        self.displaced = 0;
        for (hash, generation) in old.iter().flat_map(Bucket::slots) {
            if let Some(generation) = relative(generation) {
                self.add(hash, generation);
            }
        }
        self.move_oldest(watermark);
    }
}

/// What a bucket has to say about a hash.
struct Looked {
    found: bool,
    /// The first free slot, or one past the end.
    free_slot: usize,
}

impl Bucket {
    /// The hashes that stand in it, remembered or not, each with its generation.
    fn slots(&self) -> impl Iterator<Item = (u64, u16)> {
        self.hashes.into_iter().zip(self.generations).filter(|&(hash, _)| hash != 0)
    }

    /// Looks at all slots at once: which of them is free is as good as random, so a branch on each would cost more.
    #[inline]
    #[expect(clippy::needless_bitwise_bool, reason = "the lazy operators are branches")]
    fn look(&self, hash: u64, oldest: u16) -> Looked {
        let mut found = false;
        let mut free = 1_u32 << BUCKET_SLOTS;
        for (slot, (&held, &generation)) in self.hashes.iter().zip(&self.generations).enumerate() {
            let remembered = (held != 0) & (generation >= oldest);
            found |= remembered & (held == hash);
            free |= u32::from(!remembered) << slot;
        }
        Looked { found, free_slot: index(free.trailing_zeros()) }
    }
}

/// A free slot, or one past the end where there is none.
struct Place {
    home: usize,
    bucket: usize,
    slot: usize,
}

/// Hashes are stored as they are; 0 marks an empty slot.
#[inline]
const fn stored(identity: u64) -> u64 {
    if identity == 0 { 1 } else { identity }
}

#[cfg(test)]
mod tests;
