//! Why a settle stops.

use crate::control::ControlError;
use crate::port::log::{LogId, Version};
use crate::port::{Retryable, TooLarge};
use streamgauge_engine::stored::StoredError;

/// Why a settle stopped. What it had appended is done, and nothing else has happened.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// A call had no answer: settle again.
    #[error("the partition is not settled")]
    Retryable(#[from] Retryable),
    /// What an entry has taken is not there, or not yet: settle again.
    #[error("could not find version {} of the log \"{}\", which an entry of the log \"{}\" has taken", version.0, log.as_str(), taken_by.as_str())]
    Missing {
        /// The log.
        log: LogId,
        /// Which entry of it.
        version: Version,
        /// The log of the entry that has taken it.
        taken_by: LogId,
    },
    /// The log goes on behind entries that have expired, and no snapshot covers them.
    #[error("version {} of the log \"{}\" has expired, and no snapshot covers it", version.0, log.as_str())]
    Expired {
        /// The log.
        log: LogId,
        /// The first of these entries.
        version: Version,
    },
    /// An entry cannot be read.
    #[error("version {} of the log \"{}\" cannot be read", version.0, log.as_str())]
    Entry {
        /// The log.
        log: LogId,
        /// Which entry.
        version: Version,
        /// What is wrong with it.
        source: Box<StoredError>,
    },
    /// The control log, or a plan in it.
    #[error("the plans are not known")]
    Control(#[from] ControlError),
    /// What was decided is more than an entry holds. The limits make this impossible; it stops before anything is written.
    #[error("the outputs do not fit an entry")]
    TooLarge(#[from] TooLarge),
}

impl SettleError {
    pub(super) fn unreadable(log: &LogId, version: Version, source: StoredError) -> Self {
        Self::Entry { log: log.clone(), version, source: Box::new(source) }
    }
}
