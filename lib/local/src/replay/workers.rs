//! Several threads decode; each fold goes on in order.
//!
//! Every worker does the same: take the next chunk, decode it, hand it to the aggregate fold, and then carry on each fold
//! that nobody else is at. So work never waits for a thread of its own, two threads share it as well as eight, and the
//! two folds can run at the same time on different chunks.

mod stage;

use super::{Chunk, ReplayError, Settling, Source};
use crate::block::widen;
use stage::Stage;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::decode::{Batch, Decoder};
use streamgauge_engine::delta::Delta;
use streamgauge_engine::plan::Plan;

/// How many chunks per worker may be between reading and settling: it bounds memory when a fold is slower.
const CHUNKS_PER_WORKER: u64 = 4;

/// What the workers share.
struct Shared<'r, 'o> {
    reading: Mutex<Reading<'r>>,
    aggregate: Stage<&'r mut Aggregator, (Chunk, Batch)>,
    settle: Stage<&'r mut Settling<'o>, (Chunk, Delta)>,
    ledger: Mutex<Ledger>,
    /// Told when the ledger has changed.
    changed: Condvar,
    chunks_ahead_max: u64,
}

struct Reading<'r> {
    source: &'r mut Source,
    next: u64,
    ended: bool,
}

/// How far the run is.
#[derive(Default)]
struct Ledger {
    /// Chunks that went through both folds.
    settled: u64,
    /// Buffers to be used again.
    spare: Vec<Chunk>,
    /// The first error, by the number of its chunk: what a single thread would have met.
    error: Option<(u64, ReplayError)>,
    /// A worker panicked: its chunk will never be settled, so nobody may wait for it.
    panicked: bool,
}

impl Ledger {
    /// Whether nothing more is to be read.
    fn has_stopped(&self) -> bool {
        self.error.is_some() || self.panicked
    }
}

/// Reads and folds what is left of the source on so many threads.
pub(super) fn run(
    plan: &Arc<Plan>,
    threads: usize,
    source: &mut Source,
    aggregator: &mut Aggregator,
    settling: &mut Settling<'_>,
) -> Result<(), ReplayError> {
    let shared = Shared {
        reading: Mutex::new(Reading { source, next: 0, ended: false }),
        aggregate: Stage::new(aggregator),
        settle: Stage::new(settling),
        ledger: Mutex::default(),
        changed: Condvar::new(),
        chunks_ahead_max: CHUNKS_PER_WORKER * widen(threads),
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| shared.work(Decoder::new(Arc::clone(plan))));
        }
        shared.work(Decoder::new(Arc::clone(plan)));
    });
    let ledger = shared.ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
    ledger.error.map_or(Ok(()), |(_, error)| Err(error))
}

impl Shared<'_, '_> {
    fn work(&self, mut decoder: Decoder) {
        let _alarm = Alarm(self);
        while let Some((number, chunk)) = self.read() {
            let batch = chunk.decode(&mut decoder);
            self.aggregate.put(number, (chunk, batch));
            self.fold();
        }
    }

    /// Reads the next chunk; none at the end and after an error.
    fn read(&self) -> Option<(u64, Chunk)> {
        let mut reading = lock(&self.reading);
        let mut ledger = lock(&self.ledger);
        while !ledger.has_stopped() && reading.next >= ledger.settled + self.chunks_ahead_max {
            ledger = self.changed.wait(ledger).unwrap_or_else(PoisonError::into_inner);
        }
        if ledger.has_stopped() || reading.ended {
            return None;
        }
        let mut chunk = ledger.spare.pop().unwrap_or_default();
        drop(ledger);
        let number = reading.next;
        match reading.source.next(&mut chunk) {
            Ok(true) => {
                reading.next += 1;
                Some((number, chunk))
            }
            Ok(false) => {
                reading.ended = true;
                None
            }
            Err(error) => {
                reading.ended = true;
                self.fail(number, error.into());
                None
            }
        }
    }

    /// Carries on both folds as far as chunks are there.
    fn fold(&self) {
        self.aggregate.run(|aggregator, number, (chunk, batch)| {
            let delta = aggregator.fold(batch);
            self.settle.put(number, (chunk, delta));
        });
        self.settle.run(|settling, number, (chunk, delta)| {
            // What comes before an error is still told, as a single thread would.
            if lock(&self.ledger).error.as_ref().is_some_and(|&(failed, _)| failed <= number) {
                return;
            }
            if let Err(error) = settling.take(&chunk, delta) {
                self.fail(number, ReplayError::Output(error));
            }
            let mut ledger = lock(&self.ledger);
            ledger.settled = number + 1;
            ledger.spare.push(chunk);
            drop(ledger);
            self.changed.notify_all();
        });
    }

    fn fail(&self, number: u64, error: ReplayError) {
        let mut ledger = lock(&self.ledger);
        if ledger.error.as_ref().is_none_or(|&(failed, _)| number < failed) {
            ledger.error = Some((number, error));
        }
        drop(ledger);
        self.changed.notify_all();
    }
}

/// Wakes the other workers when this one panics.
struct Alarm<'s, 'r, 'o>(&'s Shared<'r, 'o>);

impl Drop for Alarm<'_, '_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.0.ledger).panicked = true;
            self.0.changed.notify_all();
        }
    }
}

/// A worker that panics ends the run when its scope is left, so a poisoned lock needs no care of its own.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
