//! Several threads decode; the fold goes on in order.
//!
//! Every worker does the same: take the next chunk, decode it, put it where the fold finds it, and fold what is next in
//! order if nobody is folding. So work never waits for a thread of its own, and two threads share it as well as eight.

use super::{Chunk, Fold, ReplayError, Source};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use streamgauge_engine::decode::{Batch, Decoder};
use streamgauge_engine::plan::Plan;

/// How many chunks per worker may be between reading and folding: it bounds memory when the fold is slower.
const CHUNKS_PER_WORKER: u64 = 3;

/// What the workers share.
struct Shared<'r, 'o> {
    reading: Mutex<Reading<'r>>,
    queue: Mutex<Queue>,
    /// Told when the fold has gone on.
    moved: Condvar,
    fold: Mutex<&'r mut Fold<'o>>,
    chunks_ahead_max: u64,
}

struct Reading<'r> {
    source: &'r mut Source,
    next: u64,
    ended: bool,
}

#[derive(Default)]
struct Queue {
    /// Decoded chunks that wait for those before them.
    decoded: BTreeMap<u64, (Chunk, Batch)>,
    /// The number of the chunk that is folded next.
    next: u64,
    /// Buffers to be used again.
    spare: Vec<Chunk>,
    /// The first error, by the number of its chunk: what a single thread would have met.
    error: Option<(u64, ReplayError)>,
}

impl Queue {
    /// Whether the next chunk in order is there to be folded.
    fn is_ready(&self) -> bool {
        let failed = self.error.as_ref().is_some_and(|&(failed, _)| failed <= self.next);
        !failed && self.decoded.contains_key(&self.next)
    }
}

/// Reads and folds what is left of the source on so many threads.
pub(super) fn run(
    plan: &Arc<Plan>,
    threads: usize,
    source: &mut Source,
    fold: &mut Fold<'_>,
) -> Result<(), ReplayError> {
    let shared = Shared {
        reading: Mutex::new(Reading { source, next: 0, ended: false }),
        queue: Mutex::default(),
        moved: Condvar::new(),
        fold: Mutex::new(fold),
        chunks_ahead_max: CHUNKS_PER_WORKER * u64::try_from(threads).unwrap_or(u64::MAX),
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| shared.work(Decoder::new(Arc::clone(plan))));
        }
        shared.work(Decoder::new(Arc::clone(plan)));
    });
    let queue = shared.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    queue.error.map_or(Ok(()), |(_, error)| Err(error))
}

impl Shared<'_, '_> {
    fn work(&self, mut decoder: Decoder) {
        while let Some((number, chunk)) = self.read() {
            let batch = chunk.decode(&mut decoder);
            lock(&self.queue).decoded.insert(number, (chunk, batch));
            self.fold_ready();
        }
        self.fold_ready();
    }

    /// Reads the next chunk; none at the end and after an error.
    fn read(&self) -> Option<(u64, Chunk)> {
        let mut reading = lock(&self.reading);
        let mut queue = lock(&self.queue);
        while queue.error.is_none() && reading.next >= queue.next + self.chunks_ahead_max {
            queue = self.moved.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.error.is_some() || reading.ended {
            return None;
        }
        let mut chunk = queue.spare.pop().unwrap_or_default();
        drop(queue);
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

    /// Folds what is next in order, unless another worker is at it: that one will see this chunk too.
    fn fold_ready(&self) {
        loop {
            let Ok(mut fold) = self.fold.try_lock() else { return };
            while let Some((number, (chunk, batch))) = self.ready() {
                if let Err(error) = fold.take(&chunk, batch) {
                    self.fail(number, ReplayError::Output(error));
                }
                let mut queue = lock(&self.queue);
                queue.next = number + 1;
                queue.spare.push(chunk);
                drop(queue);
                self.moved.notify_all();
            }
            drop(fold);
            // A chunk may have become ready after the last look and before the fold was let go.
            if !lock(&self.queue).is_ready() {
                return;
            }
        }
    }

    fn ready(&self) -> Option<(u64, (Chunk, Batch))> {
        let mut queue = lock(&self.queue);
        let number = queue.next;
        // What comes before an error is still told, as a single thread would.
        let found = if queue.is_ready() { queue.decoded.remove(&number) } else { None };
        found.map(|found| (number, found))
    }

    fn fail(&self, number: u64, error: ReplayError) {
        let mut queue = lock(&self.queue);
        if queue.error.as_ref().is_none_or(|&(failed, _)| number < failed) {
            queue.error = Some((number, error));
        }
        drop(queue);
        self.moved.notify_all();
    }
}

/// A worker that panics ends the run when its scope is left, so a poisoned lock needs no care of its own.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
