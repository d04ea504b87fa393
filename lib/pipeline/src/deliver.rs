//! Deliver: follows the settle log of a partition and sends its points, each once, in order.
//!
//! Per call, in this order, so that a crash between any two loses and repeats nothing:
//!
//! 1. The points that wait are read, and packed as full as one call goes, across entries.
//! 2. The lane's register is marked *sending* by compare-and-swap; the same write says that the call before is done. Who loses
//!    the swap sends nothing.
//! 3. The call is made, once.
//! 4. Points that can never be sent are named in the register, then appended to the dead letters, then passed: what is a dead
//!    letter was not sent and will not be, and a crash in between can only repeat the letter, which readers drop.
//!
//! If nobody knows whether a call was taken, the place where points go is asked for its receipt, five minutes later
//! ([`crate::port::points`]). What is to be done when is decided in [`lane`], by the register and the time alone.

pub mod lane;

mod letters;
mod queue;
mod register;
mod run;

use crate::port::channels::Channels;
use crate::port::points::Points;
use crate::port::{Partition, Retryable, TooLarge};
use crate::stored::StoredError;
use crate::world::World;
use register::Register;
use run::Invocation;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use streamgauge_engine::time::{DAY_MS, Millis, SECOND_MS, Timestamp};

pub use letters::{DeadLetter, DeadLetters, LetterCode};
pub use register::POINTS_LANE;

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliverSettings {
    /// The time-out of one call of the [`Points`], in milliseconds: each has ended by then.
    pub call_ms: Millis,
    /// The time-out of one call to a channel, in milliseconds: the longest of all kinds of them.
    pub channel_call_ms: Millis,
    /// How much earlier than its deadline an invocation must have ended its calls, in milliseconds: for its last writes, and
    /// for clocks that differ.
    pub margin_ms: Millis,
    /// How long dead letters are kept, in milliseconds.
    pub dead_letters_kept_ms: Millis,
}

impl Default for DeliverSettings {
    fn default() -> Self {
        Self {
            call_ms: 10 * SECOND_MS,
            channel_call_ms: 30 * SECOND_MS,
            margin_ms: 3 * SECOND_MS,
            dead_letters_kept_ms: 90 * DAY_MS,
        }
    }
}

/// What an invocation has done for a partition, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Calls that were made.
    pub calls: u64,
    /// Points that were taken, also those of a call before, of which that was found out now.
    pub points: u64,
    /// Calls that were not taken and are made again later.
    pub retries: u64,
    /// Calls that were rejected.
    pub rejected: u64,
    /// Calls without an answer.
    pub unknown: u64,
    /// Points that went to the dead letters.
    pub dead: u64,
    /// Settle entries that had expired before they were read: their points are lost.
    pub expired: u64,
    /// Settle entries that are not delivered to their end; at least so many, where only a part of the log was looked at.
    pub behind: u64,
    /// The clock of the first of these.
    pub behind_since: Option<Timestamp>,
    /// How long that one has waited, in milliseconds: how far the lane is behind. 0: nothing waits.
    pub behind_ms: Millis,
    /// When this function is to be woken again; absent: nothing is left open, or somebody else looks after it.
    pub wake_at: Option<Timestamp>,
    /// The wake-up could not be sent: the next tick does it.
    pub wake_failed: bool,
}

/// Why an invocation could not go on. What it had done is done, and the next goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// A store or the other end did not answer.
    #[error("the points could not be delivered further; they wait for the next invocation")]
    Retryable(#[from] Retryable),
    /// Something stored cannot be read.
    #[error("{object} cannot be read; no points are delivered until it can")]
    Stored {
        /// What.
        object: String,
        /// Why.
        source: StoredError,
    },
    /// A dead letter or a register that no store takes.
    #[error("the lane cannot be written")]
    TooLarge(#[from] TooLarge),
    /// An adapter broke its contract: it would send nothing for ever.
    #[error(
        "{packed} of {offered} points were packed; the adapter must take at least one and no more than there are"
    )]
    Packed {
        /// How many the adapter said.
        packed: usize,
        /// How many it was offered.
        offered: usize,
    },
}

/// The function: its world, where points go, and the registers that it has seen.
#[derive(Debug)]
pub struct Deliver<W, P, C> {
    world: W,
    points: P,
    channels: C,
    settings: DeliverSettings,
    registers: Mutex<BTreeMap<Partition, Register>>,
}

impl<W: World, P: Points, C: Channels> Deliver<W, P, C> {
    /// A function that has not seen any register.
    pub fn new(world: W, points: P, channels: C, settings: DeliverSettings) -> Self {
        Self { world, points, channels, settings, registers: Mutex::default() }
    }

    /// Sends what waits in a partition, until nothing does or the deadline is near.
    ///
    /// `invocation` is this invocation's name, of which there is no second; at `deadline` it has ended in any case. Runs of
    /// several partitions can go on at the same time: then a channel of one that is slow delays no other.
    pub async fn run(
        &self,
        partition: Partition,
        invocation: &str,
        deadline: Timestamp,
    ) -> Result<Delivered, DeliverError> {
        // What is not put back is read again: after an error nothing is known of the register.
        let run = self.begin(Invocation { partition, name: invocation, deadline }).await?;
        let (register, delivered) = run.go().await?;
        lock(&self.registers).insert(partition, register);
        Ok(delivered)
    }
}

/// A lock cannot be poisoned halfway through a change: nothing panics while it is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
