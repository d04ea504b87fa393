//! Deliver: follows the settle log of a partition and sends its points, each once, in order, and its notifications.
//!
//! Points go one way, in the order of the log. Per call, in this order, so that a crash between any two loses and repeats nothing:
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
//!
//! Notifications go a way for each receiver of each channel ([`channels`]): marked and buried alike, one by one, in the order of
//! the log. All ways are gone at the same time, so one that is slow or out of order delays no other.

pub mod lane;

mod channels;
mod failing;
mod letters;
mod queue;
mod register;
mod run;

use crate::control::ControlError;
use crate::port::channels::Channels;
use crate::port::clock::Clock;
use crate::port::log::{Log, LogId, Wanted};
use crate::port::points::Points;
use crate::port::wake::{Function, Wake, WakeUp, When};
use crate::port::{Partition, Retryable, TooLarge};
use crate::settle_entry::{NOTIFICATIONS, POINTS};
use crate::stored::StoredError;
use crate::together::both;
use crate::world::World;
use channels::{AllDelivered, Lanes, Running};
use lane::Lane;
use register::Register;
use run::{Invocation, Run};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use streamgauge_engine::time::{DAY_MS, Millis, SECOND_MS, Timestamp};

pub use channels::lane::{TELL_GIVE_UP_MS, TELL_GIVEN_UP, TELL_UNANSWERED};
pub use channels::{LaneName, LanesIndex};
pub use failing::Failing;
pub use letters::{DeadLetter, DeadLetters, DeadPoint, LetterCode, Undelivered};
pub use register::POINTS_LANE;

/// Moments of several lanes that are as close as this, in milliseconds, are one wake-up.
const WAKES_TOGETHER_MS: Millis = SECOND_MS;

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
    /// The lanes of channels for which something waited.
    pub lanes: Vec<LaneDelivered>,
    /// When this function is to be woken first; absent: nothing is left open, or somebody else looks after it.
    pub wake_at: Option<Timestamp>,
    /// The wake-up could not be sent: the next tick does it.
    pub wake_failed: bool,
}

/// What an invocation has done for the lane of a channel, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneDelivered {
    /// The lane.
    pub name: LaneName,
    /// Calls that were made.
    pub calls: u64,
    /// Notifications that were taken.
    pub told: u64,
    /// Calls that were not taken, or could not be made, and are made again later.
    pub retries: u64,
    /// Calls that were rejected, or can never be made.
    pub rejected: u64,
    /// Calls without an answer.
    pub unknown: u64,
    /// Notifications that went to the dead letters.
    pub dead: u64,
    /// Notifications that had expired before they were sent.
    pub expired: u64,
    /// Notifications that wait.
    pub waiting: u64,
    /// Since when the first of them has, where that is known.
    pub waiting_since: Option<Timestamp>,
    /// Since when no call was taken, if something waits.
    pub failing_since: Option<Timestamp>,
}

/// Why an invocation could not go on. What it had done is done, and the next goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// A store or the other end did not answer.
    #[error("not all could be delivered; the rest waits for the next invocation")]
    Retryable(#[from] Retryable),
    /// Something stored cannot be read.
    #[error("{object} cannot be read; its lane delivers nothing until it can")]
    Stored {
        /// What.
        object: String,
        /// Why.
        source: StoredError,
    },
    /// The rules that say what a channel is cannot be read.
    #[error("the rules that say what a channel is cannot be read; nobody is told until they can")]
    Control(#[from] ControlError),
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

/// The function: its world, where points and notifications go, and what it remembers of partitions.
#[derive(Debug)]
pub struct Deliver<W, P, C> {
    world: W,
    points: P,
    channels: C,
    settings: DeliverSettings,
    remembered: Mutex<BTreeMap<Partition, Remembered>>,
}

/// What an environment remembers of a partition. After an error nothing is known, and it is read again.
#[derive(Debug, Default)]
struct Remembered {
    register: Option<Register<Lane>>,
    lanes: Option<Lanes>,
}

impl<W: World, P: Points, C: Channels> Deliver<W, P, C> {
    /// A function that has not seen any register.
    pub fn new(world: W, points: P, channels: C, settings: DeliverSettings) -> Self {
        Self { world, points, channels, settings, remembered: Mutex::default() }
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
        // All lanes are in it, so it is large.
        Box::pin(self.deliver(Invocation { partition, name: invocation, deadline })).await
    }

    async fn deliver(&self, invocation: Invocation<'_>) -> Result<Delivered, DeliverError> {
        let partition = invocation.partition;
        let known = lock(&self.remembered).remove(&partition).unwrap_or_default();
        let mut run = self.begin(invocation, known.register).await?;
        let others = (&self.world, &self.channels, &self.settings);
        let mut lanes = Running::new(others, invocation, known.lanes, run.channels());
        self.read(partition, &mut run, &mut lanes).await?;
        run.set_channels(lanes.index());
        let (points, (lanes, told)) = both(run.go(), lanes.go()).await;
        let AllDelivered { lanes: told, mut has_written, mut opens_at, mut is_cut, mut error } =
            told;
        let mut remembered = Remembered { register: None, lanes: Some(lanes) };
        let mut delivered = Delivered::default();
        match points {
            Ok(done) => {
                remembered.register = Some(done.register);
                delivered = done.delivered;
                opens_at.extend(done.opens_at.filter(|_| done.has_written));
                has_written |= done.has_written;
                is_cut |= done.is_cut;
            }
            Err(of_points) => error = Some(of_points),
        }
        delivered.lanes = told;
        lock(&self.remembered).insert(partition, remembered);
        let left = (is_cut && has_written).then(|| self.world.clock().now());
        opens_at.extend(left);
        self.wake(partition, opens_at, &mut delivered).await;
        error.map_or(Ok(delivered), Err)
    }

    /// Asks to be woken for each moment that this invocation leaves open: whoever writes a lane wakes for it, and nobody else.
    async fn wake(
        &self,
        partition: Partition,
        mut moments: Vec<Timestamp>,
        delivered: &mut Delivered,
    ) {
        moments.sort_unstable();
        delivered.wake_at = moments.first().copied();
        let mut later = None;
        for at in moments.into_iter().rev() {
            // One that is shortly before another waits for that.
            if later.is_some_and(|later| at.plus(WAKES_TOGETHER_MS) > later) {
                continue;
            }
            later = Some(at);
            let wake_up = WakeUp { function: Function::Deliver, partition };
            let woken = self.world.wake().wake(wake_up, When::At(at)).await;
            delivered.wake_failed |= woken.is_err();
        }
    }

    /// Reads the log once for points and notifications while both are at the same place, as they are unless one is held up; then
    /// on for notifications.
    async fn read(
        &self,
        partition: Partition,
        run: &mut Run<'_, W, P>,
        lanes: &mut Running<'_, W, C>,
    ) -> Result<(), DeliverError> {
        let log = LogId::settle(partition);
        let wanted = Wanted::Only(&[POINTS, NOTIFICATIONS]);
        while let Some(after) = run.reads_after()
            && lanes.reads_after() == Some(after)
        {
            let page = self.world.log().read(&log, after, wanted).await?;
            lanes.take(&page).await;
            if run.take(&page).is_err() {
                // It comes to the same place again, and tells of it.
                break;
            }
        }
        lanes.read().await;
        Ok(())
    }
}

/// A lock cannot be poisoned halfway through a change: nothing panics while it is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
