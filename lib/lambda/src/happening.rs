//! What the simulator saw. Live lines, summaries and JSON output are folds over these.

use crate::invoke::{Cause, Outcome, Report};
use crate::stream::{SequenceNumber, ShardId};
use std::fmt::Debug;
use std::sync::Arc;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A line that a function printed, or that the platform prints around an invocation (`START`, `END`, `REPORT`).
    Log {
        /// The function.
        function: Arc<str>,
        /// Its environment, from 1.
        environment: u32,
        /// The invocation that was running, if one was.
        request_id: Option<Arc<str>>,
        /// The line, without its end.
        line: String,
    },
    /// An invocation ended.
    Invoked {
        /// The function.
        function: Arc<str>,
        /// The invocation.
        request_id: Arc<str>,
        /// Who asked.
        cause: Cause,
        /// How it ended.
        ending: Ending,
        /// What it took.
        report: Report,
    },
    /// How a shard of a mapping stands; told after each step that changed it.
    Shard(ShardStanding),
    /// A batch is sent again as a whole or from a record on.
    Retried {
        /// The mapping.
        mapping: Arc<str>,
        /// The shard; none for a queue.
        shard: Option<ShardId>,
        /// Records or messages that come again.
        records: usize,
    },
    /// A failed batch was cut in two.
    Bisected {
        /// The mapping.
        mapping: Arc<str>,
        /// The shard.
        shard: ShardId,
        /// Records of the first and of the second part.
        parts: (usize, usize),
    },
    /// Records were given up.
    Discarded {
        /// The mapping; the function's name for asynchronous invocations.
        mapping: Arc<str>,
        /// The shard; none for asynchronous invocations.
        shard: Option<ShardId>,
        /// How many.
        records: usize,
        /// `RetryAttemptsExhausted` and the like.
        condition: &'static str,
        /// Where the document about it went; none if there is no destination.
        destination: Option<String>,
    },
    /// A fault was done on purpose.
    Fault {
        /// What was done to whom, in a sentence fragment.
        what: String,
    },
    /// Something outside failed, and will be tried again.
    Trouble {
        /// What was tried, of which source.
        place: String,
        /// What went wrong.
        error: String,
    },
}

/// How an invocation ended, as reports count it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It answered, and all of the batch is done.
    Success,
    /// It answered that a part of the batch failed.
    Partial {
        /// Records that are not done.
        failed: usize,
    },
    /// It failed.
    Error {
        /// `errorType: errorMessage`.
        text: String,
    },
    /// It was not run.
    Throttled,
    /// It could not be asked, or the answer was lost.
    Unreachable {
        /// Why.
        text: String,
    },
}

impl Ending {
    /// How an outcome counts where a batch cannot be done in part.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Answered(_) => Self::Success,
            Outcome::Failed(error) => {
                Self::Error { text: format!("{}: {}", error.error_type, error.message) }
            }
            Outcome::Throttled => Self::Throttled,
            Outcome::Unreachable(text) => Self::Unreachable { text: text.clone() },
        }
    }
}

/// How a shard of a mapping stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardStanding {
    /// The mapping.
    pub mapping: Arc<str>,
    /// The shard.
    pub shard: ShardId,
    /// The last record that is done; none at the beginning.
    pub position: Option<SequenceNumber>,
    /// How far it is behind the present: the age of the first record that is not done, read or not, as far as that is known.
    pub behind_ms: u64,
    /// Records read and not yet done.
    pub waiting: usize,
    /// Batches that a function has right now.
    pub in_flight: usize,
    /// The shard is closed and done to its end.
    pub ended: bool,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Who looks on.
pub trait Observer: Debug + Send + Sync {
    /// Takes note. It is called while others wait: be quick.
    fn see(&self, happening: Happening);
}

/// Nobody looks on.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Observer for Nobody {
    fn see(&self, _: Happening) {}
}
