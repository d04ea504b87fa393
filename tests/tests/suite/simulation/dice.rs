//! Randomness with a seed: `SplitMix64`. Clones are the same dice.

use std::sync::{Arc, Mutex};

/// Dice that everybody in a run throws, one after another.
#[derive(Clone, Debug)]
pub(in crate::suite) struct Dice(Arc<Mutex<u64>>);

impl Dice {
    /// The dice of a seed.
    pub(in crate::suite) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed.wrapping_mul(0x2545_F491_4F6C_DD1D))))
    }

    /// 64 random bits.
    fn bits(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but not including, `bound`, which is at least 1.
    pub(in crate::suite) fn below(&self, bound: usize) -> usize {
        usize::try_from(self.bits() >> 1).unwrap() % bound
    }

    /// A number of milliseconds from 0 up to, but not including, `bound`.
    pub(in crate::suite) fn millis(&self, bound: i64) -> i64 {
        i64::try_from(self.below(usize::try_from(bound).unwrap())).unwrap()
    }

    /// True `count` times in 1,000.
    pub(in crate::suite) fn per_mille(&self, count: usize) -> bool {
        self.below(1_000) < count
    }

    /// One of the items, which are not none.
    pub(in crate::suite) fn one_of<'t, T>(&self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}
