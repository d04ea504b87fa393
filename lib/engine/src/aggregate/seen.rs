//! The identities that a shard remembers, for as long as it must and in little memory.
//!
//! One open-addressed table of 64-bit hashes. Beside each hash stands its *generation*: the tenth of the horizon that its
//! event time falls into. An identity is remembered until the watermark has passed the end of its generation by the
//! horizon. What is older is skipped when it is met and swept out when the table is full, so that the table grows with
//! what must be remembered, not with what came by. Ten bytes a slot, at most five of eight slots used.

use crate::time::{Millis, Timestamp};

/// The identities of one shard.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    horizon_ms: Millis,
    generation_ms: Millis,
    /// The generation that stored ones are relative to: the oldest that was remembered at the last sweep.
    base: i64,
    /// The first generation that is still remembered.
    oldest: i64,
    /// From this stamp on `oldest` is another.
    oldest_until: Timestamp,
    hashes: Vec<u64>,
    generations: Vec<u16>,
    used: usize,
    /// The generation of the last event time, and the times that it spans.
    last: (i64, Timestamp, Timestamp),
}

/// The table's smallest size, in slots; a power of two.
const SLOTS_MIN: usize = 1 << 10;
/// Into how many generations everything that can be remembered at a time falls at most; well below what 16 bits hold.
const GENERATIONS_HELD_MAX: Millis = 20_000;

impl Seen {
    /// Nothing seen. `ahead_ms` is how far event times may run ahead of the watermark.
    pub(super) fn new(horizon_ms: Millis, ahead_ms: Millis) -> Self {
        let tenth = (horizon_ms + 9) / 10;
        let generation_ms = tenth.max(horizon_ms.saturating_add(ahead_ms) / GENERATIONS_HELD_MAX).max(1);
        Self {
            horizon_ms,
            generation_ms,
            base: 0,
            oldest: i64::MIN,
            oldest_until: Timestamp::from_millis(i64::MIN),
            hashes: vec![0; SLOTS_MIN],
            generations: vec![0; SLOTS_MIN],
            used: 0,
            last: (0, Timestamp::EPOCH, Timestamp::EPOCH),
        }
    }

    /// Touches the slots of a batch's identities, so that memory answers for many of them at once.
    pub(super) fn fetch(&self, identities: impl Iterator<Item = u64>) {
        let touched = identities.fold(0, |touched, identity| {
            touched ^ self.hashes.get(self.home(stored(identity))).copied().unwrap_or_default()
        });
        std::hint::black_box(touched);
    }

    /// Remembers an identity; false if it is remembered already.
    ///
    /// `stamp` is the shard's watermark just before the event, `watermark` the one with it.
    #[inline]
    pub(super) fn insert(&mut self, identity: u64, time: Timestamp, stamp: Option<Timestamp>, watermark: Timestamp) -> bool {
        if let Some(stamp) = stamp
            && stamp >= self.oldest_until
        {
            self.move_oldest(stamp);
        }
        let hash = stored(identity);
        let slot = self.find(hash);
        if self.hashes.get(slot) == Some(&hash) && self.remembers(slot) {
            return false;
        }
        let generation = self.generation(time);
        let crowded = self.used * 8 >= self.hashes.len() * 5;
        match u16::try_from(generation - self.base) {
            Ok(relative) if !crowded => self.put(slot, hash, relative),
            _ => {
                self.sweep(watermark);
                self.put(self.find(hash), hash, u16::try_from(generation - self.base).unwrap_or(u16::MAX));
            }
        }
        true
    }

    #[inline]
    fn put(&mut self, slot: usize, hash: u64, generation: u16) {
        if let (Some(held), Some(held_generation)) = (self.hashes.get_mut(slot), self.generations.get_mut(slot)) {
            self.used += usize::from(*held == 0);
            *held = hash;
            *held_generation = generation;
        }
    }

    /// The slot that holds the hash, or the empty one where it belongs.
    #[inline]
    fn find(&self, hash: u64) -> usize {
        let mask = self.hashes.len() - 1;
        let mut slot = self.home(hash);
        while let Some(&held) = self.hashes.get(slot) {
            if held == hash || held == 0 {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        let bits = self.hashes.len().trailing_zeros();
        usize::try_from(hash >> (64 - bits)).unwrap_or_default()
    }

    #[inline]
    fn remembers(&self, slot: usize) -> bool {
        self.generations.get(slot).is_some_and(|&generation| self.base + i64::from(generation) >= self.oldest)
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
        self.oldest = self.oldest_at(stamp);
        self.oldest_until = Timestamp::from_millis((self.oldest + 1) * self.generation_ms).plus(self.horizon_ms);
    }

    /// The first generation whose end the watermark has not passed by the horizon.
    const fn oldest_at(&self, watermark: Timestamp) -> i64 {
        (watermark.as_millis() - self.horizon_ms).div_euclid(self.generation_ms)
    }

    /// Drops what no event from now on can be a copy of, and makes the table as large as the rest needs.
    #[cold]
    fn sweep(&mut self, watermark: Timestamp) {
        let (old_base, base) = (self.base, self.oldest_at(watermark));
        let relative = move |generation: u16| u16::try_from(old_base + i64::from(generation) - base).ok();
        let held = self.hashes.iter().zip(&self.generations);
        let kept = held.filter(|&(&hash, &generation)| hash != 0 && relative(generation).is_some()).count();
        let slots = ((kept + 1) * 2).next_power_of_two().max(SLOTS_MIN);
        let old_hashes = std::mem::replace(&mut self.hashes, vec![0; slots]);
        let old_generations = std::mem::replace(&mut self.generations, vec![0; slots]);
        self.base = base;
        self.used = 0;
        for (hash, generation) in old_hashes.into_iter().zip(old_generations) {
            if let Some(generation) = relative(generation).filter(|_| hash != 0) {
                self.put(self.find(hash), hash, generation);
            }
        }
    }
}

/// Hashes are stored as they are; 0 marks an empty slot.
#[inline]
const fn stored(identity: u64) -> u64 {
    if identity == 0 { 1 } else { identity }
}
