//! Adapters that keep everything in memory: for tests, and for simulations that break things on purpose.
//!
//! They are deterministic: no clock but the one they are given, no randomness, no threads, no hash order. What can go wrong is
//! scripted ([`Fault`], [`Fate`]), and before and after each effect stands an await, so that a driver can interleave two callers
//! or drop one midway. Each holds no more than its limit, and says so in a typed outcome.

mod channels;
mod clock;
mod log;
mod points;
mod sink;
mod snapshots;
mod source;
mod wake;
mod world;

use crate::contract::Fault;
use crate::port::Retryable;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

pub use channels::{MemoryChannel, MemoryChannels, MemoryEnd, MemoryIncident, MemoryTold};
pub use clock::VirtualClock;
pub use log::MemoryLog;
pub use points::{MemoryCall, MemoryPoints, SumKey, Total};
pub use sink::MemorySink;
pub use snapshots::MemorySnapshots;
pub use source::MemorySource;
pub use wake::{Fate, MemoryWake};
pub use world::{MemoryPorts, MemoryWorld};

/// How many calls the memory sink records and how many wake-ups wait in the memory queue.
pub const MEMORY_CALLS_MAX: usize = 1 << 20;
/// How often [`block_on`] polls.
const POLLS_MAX: u32 = 1 << 28;

/// Runs a future that waits for nothing outside of this process, as those of the memory adapters.
///
/// ```
/// use streamgauge_pipeline::memory::block_on;
///
/// assert_eq!(block_on(async { 6 * 7 }), 42);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut polls = 0;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        polls += 1;
        assert!(
            polls < POLLS_MAX,
            "the future waits for something that nobody in this process will do"
        );
    }
}

/// Lets others go first, once: what happens before is done when what happens after can still be lost.
async fn step() {
    let mut stepped = false;
    poll_fn(|context| {
        if stepped {
            return Poll::Ready(());
        }
        stepped = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A lock cannot be poisoned halfway through a change: nothing panics while it is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The outcome of a write that does not fit.
fn full(bytes_max: usize) -> Retryable {
    Retryable::new(format!("found no room in {bytes_max} bytes of memory"))
}

/// The faults of the writes to come, one per write, the first first.
type Faults = Mutex<VecDeque<Fault>>;

/// A write that has its effect at once, or goes wrong as the next fault says.
async fn write<T>(
    faults: &Faults,
    what: &str,
    effect: impl FnOnce() -> Result<T, Retryable>,
) -> Result<T, Retryable> {
    let fault = lock(faults).pop_front();
    step().await;
    if fault == Some(Fault::CrashMidway) {
        return Err(Retryable::new(format!("crashed before it could {what}")));
    }
    let outcome = effect()?;
    step().await;
    match fault {
        Some(_) => Err(Retryable::new(format!("lost the answer when it tried to {what}"))),
        None => Ok(outcome),
    }
}

#[cfg(test)]
mod tests;
