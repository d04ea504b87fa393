//! A standard SQS queue in this process.
//!
//! A message is delayed, visible, or in flight, and goes between these as on AWS: sending delays it for as long as the
//! message or else the queue says; receiving hides it for the visibility time-out; when that ends it is visible again, unless
//! it was deleted; and when it was received as often as the redrive policy allows and is visible again, the next receive moves
//! it to the dead-letter queue. All time is the simulator's [`Clock`]. [`store`] decides, this module locks and waits.
//!
//! # Where AWS leaves a choice
//!
//! - Order: AWS promises best effort. Here messages come in the order in which they become visible.
//! - A message comes once per visibility time-out. On AWS, a copy can rarely come before, or after its deletion.
//! - Receipt handles: AWS says that deleting with a handle that is not the latest succeeds and might delete nothing; here it
//!   deletes nothing. The latest one deletes even after the message is visible again, as long as nobody received it since.
//!   What is no handle of this queue is an error.
//! - A message in the dead-letter queue keeps its id, its time of sending (and so its age: AWS says that) and its sender; its
//!   receive count begins again, about which AWS is silent.
//! - Numbers of messages are exact, in [`crate::queue::Depth`].
//! - Messages are lost with the process. Above [`MESSAGES_MAX`] messages or [`BYTES_MAX`] bytes sending is refused; AWS has no
//!   such bound. FIFO queues are not imitated.

mod store;

use crate::arn::Arn;
use crate::clock::{Clock, later};
use crate::lock::lock;
use crate::queue::{Depth, Message, MessageAttribute, Queue, QueueError};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;
pub use store::{BYTES_MAX, IN_FLIGHT_MAX, MESSAGE_BYTES_MAX, MESSAGES_MAX};
use store::{Moved, Store, Taken};
use tokio::sync::Notify;

/// The longest delay: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.
pub const DELAY_MAX: Duration = Duration::from_mins(15);

/// How a queue treats its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// `VisibilityTimeout`: up to 12 h. AWS's default is 30 s.
    pub visibility: Duration,
    /// `DelaySeconds`, for messages that say nothing else.
    pub delay: Duration,
    /// `MessageRetentionPeriod`: 60 s to 14 days. AWS's default is 4 days.
    pub retention: Duration,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            visibility: Duration::from_secs(30),
            delay: Duration::ZERO,
            retention: Duration::from_hours(4 * 24),
        }
    }
}

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMessage {
    /// The text.
    pub body: String,
    /// `DelaySeconds`; the queue's own if there is none.
    pub delay: Option<Duration>,
    /// What goes along.
    pub attributes: BTreeMap<String, MessageAttribute>,
}

/// The queue. Clones are the same queue.
#[derive(Clone, Debug)]
pub struct EmbeddedQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    arn: Arn,
    settings: QueueSettings,
    clock: Clock,
    store: Mutex<Store>,
    /// Something may be visible sooner than those who wait believe.
    changed: Notify,
    redrive: OnceLock<(EmbeddedQueue, u32)>,
}

impl EmbeddedQueue {
    /// An empty queue. Ids of messages are drawn from the seed and the queue's name.
    pub fn new(arn: &Arn, settings: QueueSettings, clock: Clock, seed: u64) -> Self {
        Self(Arc::new(Shared {
            arn: arn.clone(),
            settings,
            clock,
            store: Mutex::new(Store::new(arn, settings, seed)),
            changed: Notify::new(),
            redrive: OnceLock::new(),
        }))
    }

    /// Sets the redrive policy: what was received `receives_max` times goes to `dead_letters`. The first call counts.
    #[must_use = "a queue has one redrive policy: a second one is not taken"]
    pub fn redrive_to(&self, dead_letters: &Self, receives_max: u32) -> bool {
        self.0.redrive.set((dead_letters.clone(), receives_max)).is_ok()
    }

    /// Sends a message and returns its id.
    pub fn put(&self, message: NewMessage) -> Result<String, QueueError> {
        let delay = message.delay.unwrap_or(self.0.settings.delay);
        if delay > DELAY_MAX {
            return Err(QueueError::Other(format!(
                "a delay of {} s is too long; {} s is the most",
                delay.as_secs(),
                DELAY_MAX.as_secs()
            )));
        }
        let now = self.0.clock.now();
        let id = self.store().send(message.body, message.attributes, delay, now)?;
        self.0.changed.notify_waiters();
        Ok(id)
    }

    /// What can be received now, without waiting.
    fn take(&self, messages_max: usize, now: Timestamp) -> Taken {
        let receives_max = self.0.redrive.get().map(|(_, receives_max)| *receives_max);
        let mut taken = self.store().receive(messages_max, receives_max, now);
        if let Some((dead_letters, _)) = self.0.redrive.get()
            && !taken.moved.is_empty()
        {
            // The own lock is free by now: two queues may redrive to each other.
            dead_letters.adopt(std::mem::take(&mut taken.moved), now);
        }
        taken
    }

    fn adopt(&self, moved: Vec<Moved>, now: Timestamp) {
        let mut store = self.store();
        for message in moved {
            store.adopt(message, now);
        }
        drop(store);
        self.0.changed.notify_waiters();
    }

    /// The store: nothing that is done under the lock can leave it half done.
    fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.0.store)
    }
}

impl Queue for EmbeddedQueue {
    fn arn(&self) -> &Arn {
        &self.0.arn
    }

    async fn visibility(&self) -> Result<Duration, QueueError> {
        Ok(self.0.settings.visibility)
    }

    async fn receive(
        &self,
        messages_max: usize,
        wait: Duration,
    ) -> Result<Vec<Message>, QueueError> {
        let clock = &self.0.clock;
        let deadline = later(clock.now(), wait);
        loop {
            // Made before looking, so that what is sent in between is not missed.
            let changed = self.0.changed.notified();
            let now = clock.now();
            let taken = self.take(messages_max, now);
            if !taken.messages.is_empty() || now >= deadline {
                return Ok(taken.messages);
            }
            let until = taken.next_visible.map_or(deadline, |next| next.min(deadline));
            tokio::select! {
                () = changed => {}
                () = clock.sleep_until(until) => {}
            }
        }
    }

    async fn delete(&self, receipts: &[String]) -> Result<(), QueueError> {
        let mut store = self.store();
        for receipt in receipts {
            store.delete(receipt)?;
        }
        drop(store);
        // Who waits because too many messages were in flight may go on.
        self.0.changed.notify_waiters();
        Ok(())
    }

    async fn send(&self, body: &str, delay: Duration) -> Result<(), QueueError> {
        let message =
            NewMessage { body: body.to_owned(), delay: Some(delay), ..NewMessage::default() };
        self.put(message).map(drop)
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let now = self.0.clock.now();
        Ok(self.store().depth(now))
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
