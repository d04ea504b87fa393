//! What people are to know of while it runs, beside what alerts decide.

use crate::outbox::Telling;
use std::fmt;
use std::sync::Arc;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A record of a followed file or of standard input is no event. What is pushed is answered instead.
    Rejected {
        /// The file.
        source: Arc<str>,
        /// Where the line begins, in bytes.
        offset: u64,
        /// The code of the reject.
        code: &'static str,
        /// A sentence that names the field and shows the value.
        reason: String,
    },
    /// A record of a stream that is polled is no event.
    RejectedInShard {
        /// The stream and the shard.
        shard: String,
        /// The number of the record there.
        sequence: String,
        /// The code of the reject.
        code: &'static str,
        /// A sentence that names the field and shows the value.
        reason: String,
    },
    /// Something does not work for now, and is tried again.
    Trouble(String),
    /// It works again.
    Over,
    /// How telling a channel goes has changed.
    Telling(Telling),
    /// A followed file is now another one, was emptied, or is not there; or where a stream is read on.
    Followed(String),
    /// Standard input has ended.
    PipeEnded,
    /// Rules that were changed are announced: they come in force as soon as all that came before has been counted by the old ones.
    RulesAnnounced,
    /// Rules that were changed cannot be used, and the old ones go on.
    RulesWrong(String),
}

/// Tells what happens. Clones tell the same.
#[derive(Clone)]
pub struct Teller(Arc<dyn Fn(Happening) + Send + Sync>);

impl Teller {
    /// Tells by this function, which is called by several threads.
    pub fn new(tell: impl Fn(Happening) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, happening: Happening) {
        (self.0)(happening);
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Teller")
    }
}

/// An error with all that it was caused by, as one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
