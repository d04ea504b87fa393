//! The contract of sinks: an outcome says what the other end has.

use super::{Broken, Kept, ensure, rule, same};
use crate::port::sink::{Delivery, Sink};

/// How the other end can answer badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkFault {
    /// There is no connection: nothing was sent.
    Unreachable,
    /// It is busy or down, and says so.
    Busy,
    /// It will not take this entry.
    Refused,
    /// It takes the entry, and its answer does not come.
    AnswerLost,
}

/// What the suite of sinks needs beside the sink.
pub trait SinkBench {
    /// Makes the next call go wrong; false if this cannot happen at this other end.
    fn arm(&self, fault: SinkFault) -> bool;
    /// How many entries the other end has taken.
    fn taken(&self) -> usize;
}

/// Each outcome, and what the other end has then. The entry is delivered several times, and is one that can be.
pub async fn sink_contract<S: Sink>(
    sink: &S,
    entry: &S::Entry,
    bench: &impl SinkBench,
) -> Result<(), Broken> {
    let call = |taken| async move {
        let before = bench.taken();
        let outcome = sink.deliver(entry).await;
        same(bench.taken() - before, taken).map(|()| outcome)
    };
    let delivered = || async move { same(call(1).await?, Delivery::Delivered) };
    let retried = |fault| async move {
        if bench.arm(fault) {
            let outcome = call(0).await?;
            ensure(matches!(outcome, Delivery::Retry { after_ms } if after_ms > 0), outcome)?;
        }
        delivered().await
    };
    let rejected = async || -> Kept {
        if bench.arm(SinkFault::Refused) {
            let outcome = call(0).await?;
            ensure(
                matches!(&outcome, Delivery::Rejected { reason } if !reason.is_empty()),
                outcome,
            )?;
        }
        delivered().await
    };
    let unknown = async || -> Kept {
        if bench.arm(SinkFault::AnswerLost) {
            same(call(1).await?, Delivery::Unknown)?;
        }
        delivered().await
    };
    rule("what is delivered was taken, once", delivered().await)?;
    rule("what was not sent is retried, and says when", retried(SinkFault::Unreachable).await)?;
    rule("what was not taken yet is retried, and says when", retried(SinkFault::Busy).await)?;
    rule("what is rejected was not taken, and says why", rejected().await)?;
    rule("without an answer nothing is known", unknown().await)
}
