//! Forwarding: the filter puts what some rule wants into a source stream.
//!
//! Records of one key stay in their order, and each comes at least once: what comes twice has the same key, so that copies meet
//! in one shard and deduplication finds them there.

use super::Retryable;

/// A record to put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The hash of the event's identity: it becomes the partition key.
    pub key: u64,
    /// The record, unchanged.
    pub data: Vec<u8>,
}

/// Puts records into a stream.
pub trait Forward: Send + Sync {
    /// Puts all of them, in the order of each key. After an error some may stand there.
    fn forward(&self, records: Vec<Outgoing>)
    -> impl Future<Output = Result<(), Retryable>> + Send;
}
