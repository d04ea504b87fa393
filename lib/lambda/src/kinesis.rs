//! The Kinesis event source mapping: from the shards of a stream to the invocations of a function, as Lambda's pollers do.
//!
//! In the order in which a record meets them:
//!
//! 1. [`lineage`]: which shards may be read, and from where.
//! 2. `driver`, `read`: one task per shard reads it, and does what the next ones decide.
//! 3. [`shard`]: records in, batches out, answers in: what is sent, tried again, cut in two or given up, and when. Inside are
//!    `lane`, `batch` and [`verdict`].
//! 4. [`event`]: the bytes that the function gets.
//! 5. [`on_failure`]: the document about records that are given up.
//! 6. [`checkpoint`]: how far each shard is done, in a file.
//!
//! [`KinesisPoller`] starts it all.
//!
//! Where this page and its modules say "AWS", it is in the developer guide
//! (<https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html> and the pages below it) or was seen in answers of AWS that
//! others have recorded; where AWS is silent, the module says what was chosen.

mod batch;
mod checkpoint;
mod drain;
mod driver;
mod event;
mod lane;
mod lineage;
mod mapping;
mod on_failure;
mod read;
mod shard;
mod verdict;

pub use checkpoint::{CheckpointError, Checkpoints};
pub use mapping::{KinesisPoller, Surroundings};

#[cfg(test)]
mod tests;
