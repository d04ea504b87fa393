//! Why a batch, or the end of it, could not be taken.

use crate::control::ControlError;
use crate::port::log::LogId;
use crate::port::source::{SequenceNumber, ShardId};
use crate::port::{Retryable, TooLarge};
use streamgauge_engine::stored::StoredError;

/// Why a batch could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// There is no plan to work for.
    #[error("there is no plan to aggregate for")]
    Control(#[from] ControlError),
    /// No stream has the name that the batch is from.
    #[error(
        "no stream that this function was set to read is named `{stream}`, or it was deleted; set the function's streams to those of its mappings"
    )]
    UnknownStream {
        /// The name.
        stream: String,
    },
    /// The stream could not be asked.
    #[error("the stream `{stream}` could not be asked")]
    Stream {
        /// Its name.
        stream: String,
        /// Why.
        source: Retryable,
    },
    /// The stream does not list the shard yet.
    #[error("the stream does not list the shard `{shard}` yet; the batch comes again")]
    NotListed {
        /// The shard.
        shard: ShardId,
    },
    /// A parent of a new shard is not read to its end.
    #[error(
        "the shard `{shard}` waits until its parent `{parent}` is read to its end; the batch comes again"
    )]
    ParentUnfinished {
        /// The shard.
        shard: ShardId,
        /// Its parent.
        parent: ShardId,
    },
    /// The log or its snapshots could not be read or written.
    #[error("the log `{log}` could not be reached", log = log.as_str())]
    Store {
        /// The log.
        log: LogId,
        /// Why.
        source: Retryable,
    },
    /// What is stored cannot be read.
    #[error("an entry or a snapshot of the log `{log}` cannot be read", log = log.as_str())]
    Stored {
        /// The log.
        log: LogId,
        /// Why.
        source: StoredError,
    },
    /// Others appended each time that this function tried to.
    #[error(
        "the log `{log}` was appended to by others {attempts} times in a row; the batch comes again",
        log = log.as_str()
    )]
    Contended {
        /// The log.
        log: LogId,
        /// How often it was tried.
        attempts: u32,
    },
    /// A record does not even fit into an entry as a reject.
    #[error("the record {sequence} fits into no entry of a log", sequence = sequence.as_str())]
    TooLarge {
        /// The record.
        sequence: SequenceNumber,
        /// What is too large.
        source: TooLarge,
    },
}

impl AggregateError {
    pub(super) fn store(log: &LogId, source: Retryable) -> Self {
        Self::Store { log: log.clone(), source }
    }

    pub(super) fn stored(log: &LogId, source: StoredError) -> Self {
        Self::Stored { log: log.clone(), source }
    }

    /// Whether trying again can help without anybody doing something.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Control(error) => error.is_retryable(),
            Self::Stream { .. }
            | Self::NotListed { .. }
            | Self::ParentUnfinished { .. }
            | Self::Store { .. }
            | Self::Contended { .. } => true,
            Self::UnknownStream { .. } | Self::Stored { .. } | Self::TooLarge { .. } => false,
        }
    }
}
