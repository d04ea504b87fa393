//! One run: lines come in, wait until they are due, are put, and are kept once they are accepted.
//!
//! One task does all of it, call after call, so what is kept stands in the order in which each shard has it. Whoever wants it
//! to end is heard between calls: a call that is out is waited for, so that what was sent is known.

use super::event::{Event, Lines};
use super::keep::Keep;
use super::pace::{Pace, Paced};
use super::sent::Sent;
use crate::exit::Failure;
use crate::progress::Progress;
use crate::reading::{Batch, Text};
use crate::style::{self, printable, tell};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_engine::time::Timestamp;
use streamgauge_kinesis::put::PutRecords;
use streamgauge_kinesis::put::planner::{Limits, NotHeld};
use streamgauge_kinesis::put::putter::Putter;
use streamgauge_local::input::InputError;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long a stream may take nothing of what waits. A shard is split within a minute or two.
const GIVE_UP_AFTER: Duration = Duration::from_mins(5);
/// Whoever waits for longer than this until the next event is due is told so.
const LONG_WAIT: Duration = Duration::from_mins(1);
/// Lines that were left out that are told of.
const SHOWN_MAX: u64 = 20;

/// The lines that come, until there are no more.
pub(super) type Batches = mpsc::Receiver<Result<Batch, InputError>>;

/// A run.
#[derive(Debug)]
pub(super) struct Session<P> {
    lines: Lines,
    paced: Paced,
    /// Events get the moment they are sent as their time.
    stamps: bool,
    putter: Putter<P>,
    keep: Keep,
    progress: Progress,
    started: Instant,
    started_at: Timestamp,
    /// When something was last accepted, or began to wait.
    moved: Instant,
    queue: Queue,
    sent: Sent,
}

/// What has come and is not offered yet.
#[derive(Debug, Default)]
struct Queue {
    input: Arc<str>,
    lines: std::vec::IntoIter<(u64, Text)>,
    /// The next event, with the number of its line and when it is due.
    next: Option<(u64, Event, Duration)>,
    /// No more will come.
    ended: bool,
    /// The stream has no room for the next event.
    full: bool,
}

/// What a run is to do.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) lines: Lines,
    pub(super) pace: Pace,
    pub(super) keep: Keep,
    pub(super) progress: Progress,
    /// Bytes that a record may have.
    pub(super) record_bytes_max: usize,
    /// What time it is when it begins.
    pub(super) started_at: Timestamp,
}

impl<P: PutRecords> Session<P> {
    pub(super) fn new(port: P, plan: Plan) -> Self {
        let defaults = Limits::default();
        let limits = Limits { record_bytes: plan.record_bytes_max, ..defaults };
        let started = Instant::now();
        Self {
            lines: plan.lines,
            paced: Paced::new(plan.pace),
            stamps: matches!(plan.pace, Pace::Speed(_)),
            putter: Putter::new(port, limits),
            keep: plan.keep,
            progress: plan.progress,
            started,
            started_at: plan.started_at,
            moved: started,
            queue: Queue::default(),
            sent: Sent::default(),
        }
    }

    /// Sends all lines, unless it is interrupted or fails. What was sent is known in each case.
    pub(super) async fn run(
        mut self,
        mut batches: Batches,
        interrupted: impl Future<Output = ()>,
    ) -> (Sent, Result<(), Failure>) {
        let result = self.send_all(&mut batches, interrupted).await;
        self.progress.finish();
        let kept = self.keep.finish();
        self.sent.tally = self.putter.tally();
        self.sent.held = self.putter.held();
        self.sent.time = self.started.elapsed();
        (self.sent, result.and(kept))
    }

    async fn send_all(
        &mut self,
        batches: &mut Batches,
        interrupted: impl Future<Output = ()>,
    ) -> Result<(), Failure> {
        let mut interrupted = pin!(interrupted);
        loop {
            self.offer_due(batches)?;
            let call_due = self.putter.due();
            let event_due = self.event_due();
            let wake = [call_due, event_due].into_iter().flatten().min();
            let wants_lines = self.queue.next.is_none() && !self.queue.ended;
            if wake.is_none() && !wants_lines {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = &mut interrupted => {
                    self.sent.interrupted = true;
                    return Ok(());
                }
                () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
                batch = batches.recv(), if wants_lines => self.queue.fill(batch, &mut self.progress)?,
            }
            if self.putter.due().is_some_and(|due| due <= Instant::now()) {
                self.call().await?;
            }
        }
    }

    /// When the next event is due; absent if none is known, or there is no room for it.
    fn event_due(&self) -> Option<Instant> {
        let (_, _, due) = self.queue.next.as_ref().filter(|_| !self.queue.full)?;
        self.started.checked_add(*due)
    }

    /// Offers all events that are due, as far as there is room, without waiting.
    fn offer_due(&mut self, batches: &mut Batches) -> Result<(), Failure> {
        loop {
            let Some((number, event, due)) = self.next(batches)? else { return Ok(()) };
            let now = self.started.elapsed();
            if let Some(wait) = due.checked_sub(now).filter(|wait| !wait.is_zero()) {
                self.tell_of_long_wait(number, wait);
                self.queue.next = Some((number, event, due));
                return Ok(());
            }
            let behind = now.saturating_sub(due);
            let passed_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
            let moment = self.stamps.then(|| self.started_at.plus(passed_ms));
            if self.putter.held() == 0 {
                self.moved = Instant::now();
            }
            match self.putter.offer(self.lines.record(&event, moment)) {
                Ok(()) => self.sent.offered(&event, behind),
                Err(NotHeld::Full(_)) => {
                    self.queue.next = Some((number, event, due));
                    self.queue.full = true;
                    return Ok(());
                }
                Err(NotHeld::TooLarge { record, limit }) => {
                    self.leave_out(number, record.bytes(), limit);
                }
            }
        }
    }

    /// The next event and when it is due, if one has come.
    fn next(&mut self, batches: &mut Batches) -> Result<Option<(u64, Event, Duration)>, Failure> {
        if let Some(next) = self.queue.next.take() {
            return Ok(Some(next));
        }
        loop {
            match self.queue.lines.next() {
                Some((number, Text::Whole(text))) => {
                    let event = self.lines.read(text);
                    let due = self.paced.due(event.happened);
                    return Ok(Some((number, event, due)));
                }
                Some((number, Text::TooLong(length))) => {
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    self.leave_out(number, length, streamgauge_engine::decode::RECORD_BYTES_MAX);
                }
                None => match batches.try_recv() {
                    Ok(batch) => self.queue.fill(Some(batch), &mut self.progress)?,
                    Err(mpsc::error::TryRecvError::Empty) => return Ok(None),
                    Err(mpsc::error::TryRecvError::Disconnected) => {
                        self.queue.ended = true;
                        return Ok(None);
                    }
                },
            }
        }
    }

    async fn call(&mut self) -> Result<(), Failure> {
        let accepted = self.putter.call().await.map_err(|refused| {
            Failure::outside(refused.to_string())
                .hint("check the permission `kinesis:PutRecords`, the credentials and the region")
        })?;
        self.queue.full = false;
        self.keep.write(&accepted)?;
        if !accepted.is_empty() {
            self.moved = Instant::now();
        } else if self.moved.elapsed() >= GIVE_UP_AFTER {
            let minutes = GIVE_UP_AFTER.as_secs() / 60;
            let last = self.putter.last_failure().unwrap_or("no call was answered");
            let told = format!("the stream has taken nothing for {minutes} minutes: {last}");
            return Err(Failure::outside(told).hint(
                "check that its shards have room for what is sent, or send less with --rate",
            ));
        }
        Ok(())
    }

    /// A line that the stream would not take.
    fn leave_out(&mut self, number: u64, bytes: usize, limit: usize) {
        self.sent.left_out += 1;
        if self.sent.left_out > SHOWN_MAX {
            return;
        }
        let (input, code) = (printable(&self.queue.input), style::warning("too_large"));
        self.progress.aside(|| {
            tell(format_args!(
                "{input}:{number}: {code}: {bytes} bytes with the key; the stream takes {limit}"
            ));
        });
    }

    /// A long wait looks like a fault, and may be one: of a time that is wrong.
    fn tell_of_long_wait(&self, number: u64, wait: Duration) {
        if wait < LONG_WAIT {
            return;
        }
        let (input, note) = (printable(&self.queue.input), style::hint("note"));
        let seconds = wait.as_secs();
        self.progress.aside(|| {
            tell(format_args!("{note}: the next event, {input}:{number}, is due in {seconds} s"));
        });
    }
}

impl Queue {
    /// A batch has come, or the end.
    fn fill(
        &mut self,
        batch: Option<Result<Batch, InputError>>,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let Some(batch) = batch else {
            self.ended = true;
            return Ok(());
        };
        let batch = batch?;
        self.input = batch.input;
        self.lines = batch.lines.into_iter();
        progress.set(batch.bytes_read);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
