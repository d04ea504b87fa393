//! Hashing that is the same on every machine and in every run.
//!
//! Three uses, three functions:
//!
//! - [`stable`] is written to logs and decides what users see (which series keep their names), so it
//!   is fixed for ever.
//! - [`Map`] and [`Set`] are the engine's hash tables. Their seed is fixed, so that a run can be
//!   repeated exactly, but their order is nobody's business: sort before anything is shown or stored.
//! - [`HashedMap`] takes keys that are hashes already and does not hash them again.
//!
//! A fixed seed means that somebody who chooses the keys could choose ones that collide. What he
//! gains is a slow table, not a wrong answer; every table of the engine has a limit of its own.
//!
//! ```
//! use streamgauge_engine::hash::{self, Map};
//!
//! let mut seen: Map<&str, u32> = Map::default();
//! *seen.entry("order.created").or_default() += 1;
//! assert_eq!(seen["order.created"], 1);
//! assert_eq!(hash::stable(b"order-1"), 0xd1b4_ed3b_40f5_6dce);
//! ```

use rapidhash::fast::{RapidHasher, SeedableState};
use rapidhash::v3::{DEFAULT_RAPID_SECRETS, rapidhash_v3_micro_inline};
use std::hash::{BuildHasher, Hasher};

/// A hash table whose order must never show.
pub type Map<K, V> = hashbrown::HashMap<K, V, FixedState>;

/// A set whose order must never show.
pub type Set<K> = hashbrown::HashSet<K, FixedState>;

/// A table whose keys are hashes already ([`stable`]): `u64`, or `u128` of which the lower half is used.
pub type HashedMap<K, V> = hashbrown::HashMap<K, V, IdentityState>;

/// The stable 64-bit hash (rapidhash v3 micro, default secrets) that identities, keys and series are known by.
///
/// It is written to logs and decides which series keep their names, so it never changes.
#[inline]
pub fn stable(bytes: &[u8]) -> u64 {
    rapidhash_v3_micro_inline::<true, false>(bytes, &DEFAULT_RAPID_SECRETS)
}

/// The stable hash of a sequence: what came before, and the hash of what comes next.
///
/// A folded 128-bit product, as in rapidhash, so that order matters and no bit is lost on the way.
#[inline]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "both halves of the product are kept"
)]
pub fn combine(before: u64, next: u64) -> u64 {
    let product =
        u128::from(before ^ 0x9e37_79b9_7f4a_7c15) * u128::from(next ^ 0xd1b5_4a32_d192_ed03);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Makes the hashers of [`Map`] and [`Set`]: rapidhash's fast form with its default seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedState;

impl BuildHasher for FixedState {
    type Hasher = RapidHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> Self::Hasher {
        SeedableState::fixed().build_hasher()
    }
}

/// Makes the hashers of [`HashedMap`].
#[derive(Clone, Copy, Debug, Default)]
pub struct IdentityState;

impl BuildHasher for IdentityState {
    type Hasher = IdentityHasher;

    #[inline]
    fn build_hasher(&self) -> Self::Hasher {
        IdentityHasher::default()
    }
}

/// Takes an integer key for its own hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    /// For keys that are no integers: right, but it hashes after all.
    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.rotate_left(5) ^ stable(bytes);
    }

    #[inline]
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    #[inline]
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "half of a hash is a hash"
    )]
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logs hold these values: a change of the hash must be noticed here, not there.
    #[test]
    fn the_stable_hash_never_changes() {
        fn check(text: &str, expect: u64) {
            assert_eq!(
                stable(text.as_bytes()),
                expect,
                "{text:?} hashes to {:#x}",
                stable(text.as_bytes())
            );
        }
        check("", 0x0338_dc4b_e2ce_cdae);
        check("order-1", 0xd1b4_ed3b_40f5_6dce);
        check("aggregator=noon|country=AE", 0x683f_dfa0_6a01_cdb0);
        check(&"x".repeat(200), 0x715d_bed1_ab0e_1a0c);
    }

    #[test]
    fn tables_hash_alike_in_every_run() {
        assert_eq!(FixedState.hash_one("noon"), FixedState.hash_one("noon"));
        let order = |keys: &[u32]| {
            keys.iter().copied().collect::<Set<u32>>().into_iter().collect::<Vec<_>>()
        };
        let keys: Vec<u32> = (0..100).collect();
        assert_eq!(order(&keys), order(&keys));
    }

    #[test]
    fn hashed_keys_are_their_own_hash() {
        assert_eq!(IdentityState.hash_one(42_u64), 42);
        assert_eq!(IdentityState.hash_one((7_u128 << 64) + 42), 42);
        let names: HashedMap<u64, &str> =
            [(stable(b"a"), "a"), (stable(b"b"), "b")].into_iter().collect();
        assert_eq!(names.get(&stable(b"b")), Some(&"b"));
    }

    #[test]
    fn other_keys_work_too() {
        let names: HashedMap<&str, u32> = [("a", 1), ("b", 2), ("a", 3)].into_iter().collect();
        assert_eq!(names.len(), 2);
    }
}
