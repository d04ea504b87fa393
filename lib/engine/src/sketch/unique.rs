//! How many different values: exact up to 256, above that a `HyperLogLog` with a standard error of 0.57 %.
//!
//! A value is known by its stable 64-bit hash. While there are at most [`EXACT_MAX`] different hashes they are
//! all kept, and their number is the answer (two of 256 values share a hash once in 5 * 10^14 sets). The 257th turns
//! them into registers (Flajolet, Fusy, Gandouet, Meunier: *`HyperLogLog`*, 2007): the first 15 bits of a hash choose
//! one of 32,768 registers, and a register keeps the largest rank it has seen, the position of the first one in
//! the other 49 bits. Many different values are needed to see a high rank, and seeing one again changes nothing.
//!
//! ```text
//! hash      101010101010101 0001...      register 21,845 has seen rank 4
//!           └── register ──┘└ rank ┘
//! ```
//!
//! The error is 1.04 / sqrt(32,768) = 0.57 %; the estimator is in `estimate.rs`. All forms are functions of the set
//! alone, and so is the change from one to the next: order, repeats and the tree of merges cannot be seen.
//!
//! | different values | kept as | room |
//! | --- | --- | --- |
//! | up to 256 | sorted hashes, 8 bytes each | up to 2 KB |
//! | to about 4,400 | the registers that are not zero, sorted, 4 bytes each | up to 16 KB |
//! | more | every register, 1 byte each | 32 KB |
//!
//! ```
//! use streamgauge_engine::sketch::Unique;
//!
//! let mut customers = Unique::default();
//! for customer in ["c-1", "c-2", "c-1"] {
//!     customers.add(customer);
//! }
//! assert_eq!(customers.estimate(), 2);
//! ```

mod estimate;

use crate::hash;
use std::cmp::Ordering;

/// Up to so many different values the answer is exact.
pub const EXACT_MAX: u16 = 256;

/// Bits of a hash that choose the register.
const INDEX_BITS: u32 = 15;
/// How many registers there are.
const REGISTERS: u16 = 1 << INDEX_BITS;
/// The highest rank: all the other 49 bits are zero.
const RANK_MAX: u8 = 50;
/// Bits that hold a rank in a sparse entry.
const RANK_BITS: u32 = 6;
/// With more registers than this that are not zero, all of them are kept: 4,096 entries take half the room of that, and
/// longer lists become slow to insert into.
const SPARSE_MAX: usize = 4_096;

/// The set of values that were added, as far as counting them needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    form: Form,
}

/// The three forms; which one it is depends on the set only.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// At most [`EXACT_MAX`] hashes, sorted.
    Hashes(Vec<u64>),
    /// At most [`SPARSE_MAX`] registers that are not zero, as `register << 6 | rank`, sorted.
    Sparse(Vec<u32>),
    /// The rank of every register.
    Dense(Box<[u8]>),
}

impl Default for Unique {
    fn default() -> Self {
        Self { form: Form::Hashes(Vec::new()) }
    }
}

impl Unique {
    /// Adds a value.
    pub fn add(&mut self, value: &str) {
        self.add_hash(hash::stable(value.as_bytes()));
    }

    /// Adds a value by its hash, which must be [`hash::stable`]'s or as evenly spread.
    pub fn add_hash(&mut self, hash: u64) {
        let Form::Hashes(hashes) = &mut self.form else {
            let (index, rank) = register_of(hash);
            self.raise(index, rank);
            return;
        };
        if let Err(place) = hashes.binary_search(&hash) {
            hashes.insert(place, hash);
            if hashes.len() > usize::from(EXACT_MAX) {
                self.leave_hashes();
            }
        }
    }

    /// Adds all that `other` holds.
    pub fn merge(&mut self, other: &Self) {
        match &other.form {
            Form::Hashes(hashes) => hashes.iter().for_each(|&hash| self.add_hash(hash)),
            Form::Sparse(_) => {
                self.leave_hashes();
                other.registers().for_each(|(index, rank)| self.raise(index, rank));
            }
            Form::Dense(ranks) => {
                self.leave_hashes();
                self.leave_sparse();
                if let Form::Dense(own) = &mut self.form {
                    own.iter_mut().zip(ranks).for_each(|(own, &rank)| *own = (*own).max(rank));
                }
            }
        }
    }

    /// How many different values there are: exact up to [`EXACT_MAX`], above that an estimate.
    pub fn estimate(&self) -> u64 {
        match &self.form {
            Form::Hashes(hashes) => hashes.len().try_into().unwrap_or(u64::MAX),
            Form::Sparse(_) | Form::Dense(_) => {
                estimate::from_ranks(self.registers().map(|(_, rank)| rank))
            }
        }
    }

    /// The sorted hashes while the count is exact, to be stored; [`add_hash`](Self::add_hash) restores them.
    pub fn hashes(&self) -> Option<&[u64]> {
        match &self.form {
            Form::Hashes(hashes) => Some(hashes),
            Form::Sparse(_) | Form::Dense(_) => None,
        }
    }

    /// The registers that are not zero, by rising index, with their ranks, to be stored; none while the count is exact.
    pub fn registers(&self) -> impl Iterator<Item = (u16, u8)> {
        let (sparse, dense): (&[u32], &[u8]) = match &self.form {
            Form::Hashes(_) => (&[], &[]),
            Form::Sparse(entries) => (entries, &[]),
            Form::Dense(ranks) => (&[], ranks),
        };
        let dense =
            (0..).zip(dense).filter(|(_, rank)| **rank > 0).map(|(index, &rank)| (index, rank));
        sparse.iter().map(|&entry| unpack(entry)).chain(dense)
    }

    /// What [`registers`](Self::registers) gave for one that was stored.
    ///
    /// `None` if one is no register: an index of 32,768 or more, or a rank that is not 1 to 50.
    pub fn from_registers(registers: impl IntoIterator<Item = (u16, u8)>) -> Option<Self> {
        let mut restored = Self { form: Form::Sparse(Vec::new()) };
        for (index, rank) in registers {
            if index >= REGISTERS || !(1..=RANK_MAX).contains(&rank) {
                return None;
            }
            restored.raise(index, rank);
        }
        Some(restored)
    }

    /// Turns hashes into registers; other forms stay.
    fn leave_hashes(&mut self) {
        if let Form::Hashes(hashes) = &mut self.form {
            let hashes = std::mem::take(hashes);
            self.form = Form::Sparse(Vec::new());
            for hash in hashes {
                let (index, rank) = register_of(hash);
                self.raise(index, rank);
            }
        }
    }

    /// Turns sparse registers into all of them; other forms stay.
    fn leave_sparse(&mut self) {
        if let Form::Sparse(entries) = &self.form {
            let mut ranks = vec![0; usize::from(REGISTERS)].into_boxed_slice();
            for (index, rank) in entries.iter().map(|&entry| unpack(entry)) {
                if let Some(known) = ranks.get_mut(usize::from(index)) {
                    *known = rank;
                }
            }
            self.form = Form::Dense(ranks);
        }
    }

    /// Raises a register to a rank, unless it is there already. Hashes have been left.
    #[inline]
    fn raise(&mut self, index: u16, rank: u8) {
        match &mut self.form {
            Form::Hashes(_) => {}
            Form::Sparse(entries) => {
                raise_sparse(entries, index, rank);
                if entries.len() > SPARSE_MAX {
                    self.leave_sparse();
                }
            }
            Form::Dense(ranks) => {
                if let Some(known) = ranks.get_mut(usize::from(index)) {
                    *known = rank.max(*known);
                }
            }
        }
    }
}

fn raise_sparse(entries: &mut Vec<u32>, index: u16, rank: u8) {
    let entry = (u32::from(index) << RANK_BITS) | u32::from(rank);
    // Stored registers come back in order: these go to the end, without a search.
    let place = match entries.last().map(|&last| (last >> RANK_BITS).cmp(&u32::from(index))) {
        None | Some(Ordering::Less) => Err(entries.len()),
        Some(_) => entries.binary_search_by_key(&u32::from(index), |&known| known >> RANK_BITS),
    };
    match place {
        Ok(place) => {
            if let Some(known) = entries.get_mut(place) {
                *known = entry.max(*known);
            }
        }
        Err(place) => entries.insert(place, entry),
    }
}

/// The register and the rank in a sparse entry.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "an entry has 15 + 6 bits"
)]
const fn unpack(entry: u32) -> (u16, u8) {
    ((entry >> RANK_BITS) as u16, (entry & ((1 << RANK_BITS) - 1)) as u8)
}

/// The register that a hash belongs to, and the rank it shows there.
#[inline]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "15 bits, and at most 50"
)]
const fn register_of(hash: u64) -> (u16, u8) {
    let index = hash >> (u64::BITS - INDEX_BITS);
    // The bit behind the last one of the rank part stands for "no one in it".
    let rest = (hash << INDEX_BITS) | (1 << (INDEX_BITS - 1));
    (index as u16, rest.leading_zeros() as u8 + 1)
}

#[cfg(test)]
mod tests;
