//! Kinesis at both ends: Lambda's payload to records, records into a stream, and what a stream says of its shards.
//!
//! 1. [`event`]: the payload, read without copying what stands in it, to one batch of one shard.
//! 2. [`aggregated`]: records that the Kinesis Producer Library has packed into one.
//! 3. [`answer`]: the first record that failed, by which Lambda knows where to go on.
//! 4. [`put`]: records into a stream, in the order of their keys, however much of it fails on the way.
//! 5. `stream`, with the feature `aws`: which shards there are, and what follows a position in one; and reading them by polling.

pub mod aggregated;
pub mod answer;
pub mod event;
pub mod put;
#[cfg(feature = "aws")]
pub mod stream;
