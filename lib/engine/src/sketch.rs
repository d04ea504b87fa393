//! Summaries of many values in little room: [`Distribution`] for percentiles, [`Unique`] for distinct counts.
//!
//! What is asked of both is the same. They are made on several shards, in batches that may be split,
//! repeated or reordered, and merged later; the published value must not show any of that, bit for bit. So
//! their state is a function of the values alone (of the multiset for a distribution, of the set for a
//! distinct count): integers only, no order, no randomness, and two of them are equal (`==`) exactly when
//! the values they hold lead to the same state.

mod distribution;
mod unique;

pub use distribution::{BUCKETS_MAX, Bucket, Distribution};
pub use unique::{EXACT_MAX, Unique};
