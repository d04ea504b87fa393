//! What is kept of the folds: deltas, ids seen, and state, as bytes that later versions can still read.
//!
//! The types of the folds stay free to change: each form below is written and read by hand, begins with its own version, and
//! a reader knows every version that was ever written. Integers are CBOR's (RFC 8949), most often one byte.
//!
//! | form | what | who reads it |
//! | --- | --- | --- |
//! | [`write_head`] | how far a shard is, and what became of a batch's records | everybody |
//! | [`write_chunk`] | what a batch adds to the metrics of one settle partition | that partition |
//! | [`write_ids`] | the identities first seen in a batch | the shard itself |
//! | [`Aggregator::encode`](crate::aggregate::Aggregator::encode) | the state of a shard | the shard itself |
//! | [`Settler::encode`](crate::settle::Settler::encode) | the state of a settle partition under a plan | that partition |
//! | [`Notifier::encode`](crate::notify::Notifier::encode) | who was told of what | that partition |
//! | [`OwnAlerts::encode`](crate::notify::OwnAlerts::encode) | the pipeline's own alerts | partition 0 |
//! | [`Watermarks::encode`](crate::settle::Watermarks::encode) | how far all shards are | each partition |
//!
//! Readers trust nothing: bytes that no writer wrote are an error, never a panic, and what is made of them takes memory in
//! proportion to their number, because each element of a list takes at least one byte.

pub(crate) mod accumulator;
mod chunk;
mod head;
mod ids;
mod keys;
pub(crate) mod reader;
pub(crate) mod settler;
pub(crate) mod writer;

pub use chunk::{read_delta, write_chunk};
pub use head::{Head, read_head, write_head};
pub(crate) use ids::{ids_from, put_ids};
pub use ids::{read_ids, write_ids};

use thiserror::Error;

/// Stored bytes that cannot be read.
#[derive(Debug, Error)]
pub enum StoredError {
    /// They were written by a newer version of this program.
    #[error(
        "the stored {what} has format {version}, and this version reads formats up to {newest}; update the function that reads it"
    )]
    Newer {
        /// What they are.
        what: &'static str,
        /// Their format.
        version: u64,
        /// The newest format that can be read.
        newest: u64,
    },
    /// They are damaged, or no such thing.
    #[error("the stored {what} cannot be read")]
    Damaged {
        /// What they are.
        what: &'static str,
        /// What is wrong with them.
        source: minicbor::decode::Error,
    },
}

#[cfg(test)]
pub(crate) mod tests;
