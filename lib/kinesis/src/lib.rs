//! Lambda's Kinesis payload to records, and what a function answers to it.
//!
//! 1. [`event`]: the payload, read without copying what stands in it, to one batch of one shard.
//! 2. [`aggregated`]: records that the Kinesis Producer Library has packed into one.
//! 3. [`answer`]: the first record that failed, by which Lambda knows where to go on.

pub mod aggregated;
pub mod answer;
pub mod event;
