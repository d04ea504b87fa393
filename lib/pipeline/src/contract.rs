//! The contracts of the ports as suites: what every adapter must keep, in memory, in a file and on AWS.
//!
//! A suite is an async function over any adapter and a *bench*, which does to the adapter's surroundings what the port cannot:
//! it turns the clock, breaks the next write, fills the stream. It ends at the first rule that does not hold, by its name:
//!
//! ```
//! use streamgauge_engine::time::Timestamp;
//! use streamgauge_pipeline::contract::clock_contract;
//! use streamgauge_pipeline::memory::VirtualClock;
//!
//! clock_contract(&VirtualClock::new(Timestamp::EPOCH))?;
//! # Ok::<(), streamgauge_pipeline::contract::Broken>(())
//! ```
//!
//! Stores are empty at the beginning, and the suite is alone with them. It names no runtime: whoever runs it drives it.

mod clock;
mod log;
mod points;
mod sink;
mod snapshots;
mod source;
mod wake;

use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::log::LogId;
use crate::port::source::{ShardKey, StreamId};
use std::fmt::Debug;
use streamgauge_engine::time::{Millis, Timestamp};

pub use clock::clock_contract;
pub use log::log_contract;
pub use points::{PointsBench, PointsFault, points_contract};
pub use sink::{SinkBench, SinkFault, sink_contract};
pub use snapshots::snapshots_contract;
pub use source::{SourceBench, polled_contract, source_contract, stream_contract};
pub use wake::{WakeBench, wake_contract};

/// A rule that an adapter has broken.
#[derive(Debug, thiserror::Error)]
#[error("the adapter breaks the rule \"{rule}\"")]
pub struct Broken {
    /// The rule.
    pub rule: &'static str,
    /// What was seen.
    pub source: Deviation,
}

/// How an adapter deviates from a rule.
#[derive(Debug, thiserror::Error)]
pub enum Deviation {
    /// It did something else.
    #[error("saw {0}")]
    Saw(String),
    /// A call that nothing was to disturb had no answer.
    #[error("a call had no answer")]
    Unanswered(#[from] Retryable),
}

/// How a write of several steps can go wrong. Either way its caller is told [`Retryable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The pieces are written; what makes them visible (a header, a root) never is.
    CrashMidway,
    /// All is written and only the answer is lost.
    AnswerLost,
}

/// What the suites of stores need beside the store. Its clock is the one that the store goes by.
pub trait StoreBench: Clock {
    /// Turns the clock on.
    fn advance(&self, by: Millis);
    /// Breaks the next write.
    fn arm(&self, fault: Fault);
}

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

/// A log of the suite's own.
fn log_id(name: &str) -> LogId {
    let stream = StreamId { name: "contract".into(), created_at: Timestamp::EPOCH };
    LogId::shard(&ShardKey { stream, shard: name.into() })
}

#[cfg(test)]
mod tests;
