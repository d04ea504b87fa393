//! The contracts of the ports as suites: what every adapter must keep, in this process and behind an endpoint.
//!
//! A suite is an async function over a *bench*, which does what the port cannot: it makes streams and queues, puts records,
//! splits a shard. It ends at the first rule that does not hold, by its name. Streams and queues are made for it and it is
//! alone with them. Nothing in it sleeps: where time has to pass, it waits in a receive for what is to come.
//!
//! An adapter's test is one line: `stream_contract(&bench).await.unwrap()`.

mod queue;
mod stream;

use crate::queue::QueueError;
use crate::stream::StreamError;
use std::fmt::Debug;
use thiserror::Error;

pub use queue::{QueueBench, queue_contract};
pub use stream::{StreamBench, stream_contract};

/// A rule that an adapter has broken.
#[derive(Debug, Error)]
#[error("the adapter breaks the rule \"{rule}\"")]
pub struct Broken {
    /// The rule.
    pub rule: &'static str,
    /// What was seen.
    pub source: Deviation,
}

/// How an adapter deviates from a rule.
#[derive(Debug, Error)]
pub enum Deviation {
    /// It did something else.
    #[error("saw {0}")]
    Saw(String),
    /// A stream gave no answer.
    #[error("a call of the stream failed")]
    Stream(#[from] StreamError),
    /// A queue gave no answer.
    #[error("a call of the queue failed")]
    Queue(#[from] QueueError),
    /// What the bench was asked for did not work.
    #[error("the bench failed: {0}")]
    Bench(String),
}

/// What a bench's deed came to; a failure in words.
pub type Done<T> = Result<T, String>;

/// What a test of a rule found.
type Kept = Result<(), Deviation>;

/// Gives the rule its name.
fn rule(rule: &'static str, kept: Kept) -> Result<(), Broken> {
    kept.map_err(|source| Broken { rule, source })
}

/// Something that must be so.
fn ensure(holds: bool, seen: impl Debug) -> Kept {
    if holds { Ok(()) } else { Err(Deviation::Saw(format!("{seen:?}"))) }
}

/// Two things that must be the same.
#[expect(clippy::needless_pass_by_value, reason = "both are most often made for this call")]
fn same<T: PartialEq + Debug>(seen: T, expected: T) -> Kept {
    if seen == expected {
        Ok(())
    } else {
        Err(Deviation::Saw(format!("{seen:?}, not {expected:?}")))
    }
}

#[cfg(test)]
mod tests;
