//! Records into a stream: each at least once, and those of one partition key in the order in which they were offered.
//!
//! `PutRecords` promises neither. Some records of a call may fail while later ones are taken, and Kinesis keeps the order of a
//! shard only as far as the caller does (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>). So:
//!
//! * A record that failed is sent again, and so is every later one of its key that was in the call, *before* anything newer of
//!   that key. Those that were taken the first time then stand in the stream twice; the last copies stand in the offered order.
//! * A call whose answer was lost is made again. All of it may then stand in the stream twice.
//!
//! Copies are what deduplication is for: they have the same identity and the same key, so they meet in one shard. Kinesis has
//! no token by which it could find them itself.
//!
//! 1. [`record`]: what is put, and what a stream does not take.
//! 2. [`planner`]: which records are in the next call, and when it is made; pure. `backoff` says how long waits are.
//! 3. [`putter`]: the driver that waits and calls.
//! 4. [`memory`]: a stream in memory that fails as it is told; `aws`, with the feature, a real one.

#[cfg(feature = "aws")]
pub mod aws;
mod backoff;
pub mod memory;
pub mod planner;
pub mod putter;
pub mod record;

use record::PutRecord;

/// What became of one record of a call that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stands in the stream.
    Taken,
    /// It does not, and may be sent again: its shard has no room (`ProvisionedThroughputExceededException`), or Kinesis has
    /// failed (`InternalFailure`).
    Failed {
        /// The code.
        code: String,
    },
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, record by record, in the order of the call.
    Answered(Vec<Fate>),
    /// None of it was taken, and all of it may be sent again: the call was throttled.
    Throttled {
        /// What the service said.
        reason: String,
    },
    /// Nothing is known: no answer came, or one that says nothing. All of it may be sent again, and stand there twice.
    Unknown {
        /// What went wrong.
        reason: String,
    },
    /// None of it was taken, nor will it be: no such stream, no permission, a request that is wrong.
    Refused {
        /// What the service said.
        reason: String,
    },
}

/// The one call. An implementation makes it once and does not repeat it: that is the planner's to decide.
pub trait PutRecords: Send + Sync {
    /// Puts records, in this order.
    fn put(&self, records: &[PutRecord]) -> impl Future<Output = Outcome> + Send;
}

impl<P: PutRecords> PutRecords for &P {
    fn put(&self, records: &[PutRecord]) -> impl Future<Output = Outcome> + Send {
        P::put(self, records)
    }
}
