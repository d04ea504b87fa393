//! What is kept of the folds: deltas, ids seen, and state, as bytes that later versions can still read.
//!
//! The types of the folds stay free to change: each form below is written and read by hand, begins with its own version, and
//! a reader knows every version that was ever written. Integers are CBOR's (RFC 8949), most often one byte.

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
