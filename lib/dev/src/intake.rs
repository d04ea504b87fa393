//! The queue in front of the shard: what is offered waits here until it is durable, and is answered then.
//!
//! One thread takes out all that has come while the last entry was written, and soon after ([`pause`]), makes one entry of it and answers ([`commit`]);
//! so the more come at once, the fewer writes each costs. The queue is bounded in bytes and in records: who comes when it is full is told to come later, so
//! that nobody waits for a slow disk without knowing. Sources that can wait do: a file that is followed, and a pipe.
//! What is brought and what is answered: [`offer`].

pub(crate) mod commit;
pub mod mark;
mod offer;
mod pause;

use offer::Answer;
pub use offer::{Accepted, Followed, Offered, Pending, Refused, RejectedRecord};
use pause::Pause;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use streamgauge_engine::time::{Millis, SECOND_MS, Timestamp};
use streamgauge_pipeline::port::source::BATCH_RECORDS_MAX;
use tokio::sync::oneshot;

/// How many bytes wait at most; an offer that is larger is taken when nothing else waits.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// How many records wait at most.
const QUEUE_RECORDS_MAX: usize = 200_000;
/// Bytes after which a batch is not filled further: its deltas then fit into an entry as a rule.
const BATCH_BYTES: usize = 4 << 20;
/// When who was turned away should come again, in milliseconds.
const RETRY_AFTER_MS: Millis = SECOND_MS;

/// The queue. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Intake(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something has come, or nothing will any more: for the thread that commits, and nobody else, since it rings with each offer.
    came: Condvar,
    /// Nothing more is taken.
    closed: Condvar,
    /// There is room again.
    has_room: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    records: usize,
    /// A batch was taken out and is not in the log yet.
    is_committing: bool,
    /// How many offers the last batch had, and when it was taken out.
    taken: Option<(usize, Instant)>,
    /// How many batches are in the log.
    appended: u64,
    /// Nothing more is taken, and why.
    closed: Option<Refused>,
}

/// An offer that waits for its answer.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) offered: Offered,
    pub(crate) arrival: Option<Timestamp>,
    answer: oneshot::Sender<Answer>,
}

impl Waiting {
    fn answer(self, answer: Answer) {
        // Who has gone does not hear of it.
        drop(self.answer.send(answer));
    }
}

impl Intake {
    /// Offers records, and waits until all of them are durable.
    pub async fn offer(
        &self,
        offered: Offered,
        arrival: impl FnOnce() -> Option<Timestamp>,
    ) -> Answer {
        self.submit(offered, arrival)?.answered().await
    }

    /// Puts records into the queue, and does not wait. `arrival` says when they come; absent where the events' own times are the clock.
    ///
    /// It is asked when they have their place: so the queue is in the order of arrivals, and an empty one proves that nothing comes any more that
    /// arrived before.
    pub fn submit(
        &self,
        offered: Offered,
        arrival: impl FnOnce() -> Option<Timestamp>,
    ) -> Result<Pending, Refused> {
        let queue = self.lock();
        if !queue.has_room_for(&offered) && queue.closed.is_none() {
            return Err(Refused::Full { retry_after_ms: RETRY_AFTER_MS });
        }
        self.put(queue, offered, arrival())
    }

    /// Puts records into the queue as soon as there is room.
    pub fn submit_patiently(
        &self,
        offered: Offered,
        arrival: impl FnOnce() -> Option<Timestamp>,
    ) -> Result<Pending, Refused> {
        let mut queue = self.lock();
        while !queue.has_room_for(&offered) && queue.closed.is_none() {
            queue = self.0.has_room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        self.put(queue, offered, arrival())
    }

    fn put(
        &self,
        mut queue: MutexGuard<'_, Queue>,
        offered: Offered,
        arrival: Option<Timestamp>,
    ) -> Result<Pending, Refused> {
        if let Some(why) = &queue.closed {
            return Err(why.clone());
        }
        let mut parts = Vec::with_capacity(1);
        let mut before = 0;
        for (bytes, part) in offered.parts() {
            let (answer, answered) = oneshot::channel();
            parts.push(((before, bytes), answered));
            before += part.records.len();
            queue.bytes += part.text.len();
            queue.records += part.records.len();
            queue.waiting.push_back(Waiting { offered: part, arrival, answer });
        }
        // Whoever wakes up wants the lock.
        drop(queue);
        self.0.came.notify_one();
        Ok(Pending { parts })
    }

    /// How many records and bytes wait.
    pub fn waiting(&self) -> (usize, usize) {
        let queue = self.lock();
        (queue.records, queue.bytes)
    }

    /// Nothing more is taken; what waits is still committed.
    pub fn close(&self) {
        self.lock().closed.get_or_insert(Refused::Stopping);
        self.rouse();
    }

    /// Nothing more is taken, and what waits is refused.
    pub(crate) fn fail(&self, reason: &str) {
        let why = Refused::Store { reason: reason.to_owned() };
        let mut queue = self.lock();
        queue.closed = Some(why.clone());
        (queue.bytes, queue.records, queue.is_committing) = (0, 0, false);
        for waiting in queue.waiting.drain(..) {
            waiting.answer(Err(why.clone()));
        }
        drop(queue);
        self.rouse();
    }

    /// Wakes all who wait: nothing more is taken.
    fn rouse(&self) {
        self.0.came.notify_all();
        self.0.closed.notify_all();
        self.0.has_room.notify_all();
    }

    /// Whether anything is not in the log yet.
    pub(crate) fn is_waiting(&self) -> bool {
        let queue = self.lock();
        queue.is_committing || !queue.waiting.is_empty()
    }

    /// Whether it has ended with records refused that a source still has.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.lock().closed, Some(Refused::Store { .. }))
    }

    /// Waits until all that waits is with whoever commits it, and not in the log yet.
    #[cfg(test)]
    pub(crate) fn wait_until_taken_out(&self) {
        let is_taken_out = |queue: &Queue| queue.is_committing && queue.waiting.is_empty();
        let waited = self.0.has_room.wait_while(self.lock(), |queue| !is_taken_out(queue));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// How many batches are in the log.
    pub(crate) fn appended(&self) -> u64 {
        self.lock().appended
    }

    /// Takes out the next batch, and waits for one; absent: none will come.
    pub(crate) fn next(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.lock();
        let pause = Pause::after(&queue, Instant::now());
        while queue.waiting.is_empty() && queue.closed.is_none() {
            queue = self.0.came.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        while let Some(left) = pause.and_then(|pause| pause.left(&queue, Instant::now())) {
            let waited = self.0.came.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let batch = queue.take_batch();
        queue.taken = Some((batch.len(), Instant::now()));
        drop(queue);
        self.0.has_room.notify_all();
        (!batch.is_empty()).then_some(batch)
    }

    /// A batch is in the log, or was given up.
    pub(crate) fn done(&self) {
        let mut queue = self.lock();
        queue.is_committing = false;
        queue.appended += 1;
    }

    /// Waits for some time; true: nothing more is taken meanwhile or since.
    pub(crate) fn is_closed_within(&self, time: Duration) -> bool {
        let queue = self.lock();
        let waited = self.0.closed.wait_timeout_while(queue, time, |queue| queue.closed.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.closed.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn has_room_for(&self, offered: &Offered) -> bool {
        let fits = self.bytes + offered.text.len() <= QUEUE_BYTES_MAX
            && self.records + offered.records.len() <= QUEUE_RECORDS_MAX;
        fits || self.waiting.is_empty()
    }

    /// What makes the next batch: one offer at least.
    fn take_batch(&mut self) -> Vec<Waiting> {
        let (mut batch, mut bytes, mut records) = (Vec::new(), 0, 0);
        while let Some(next) = self.waiting.front() {
            let (more_bytes, more_records) = (next.offered.text.len(), next.offered.records.len());
            let fits =
                bytes + more_bytes <= BATCH_BYTES && records + more_records <= BATCH_RECORDS_MAX;
            if !fits && !batch.is_empty() {
                break;
            }
            (bytes, records) = (bytes + more_bytes, records + more_records);
            batch.extend(self.waiting.pop_front());
        }
        self.bytes -= bytes;
        self.records -= records;
        self.is_committing = !batch.is_empty();
        batch
    }
}
