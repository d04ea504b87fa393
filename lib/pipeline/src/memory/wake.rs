//! A queue of wake-ups that can lose and repeat them by script.

use super::{MEMORY_CALLS_MAX, lock, step};
use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::wake::{WAKE_DELAY_MS_MAX, Wake, WakeUp, When};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use streamgauge_engine::time::Timestamp;

/// What becomes of a wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It comes once.
    Comes,
    /// It never comes.
    Lost,
    /// It comes twice.
    Repeats,
}

/// Wake-ups in the order in which they are due.
#[derive(Debug)]
pub struct MemoryWake<C> {
    clock: C,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    script: VecDeque<Fate>,
    /// How often each is to come. Two of the same at the same time are one that repeats, so this stays small.
    due: BTreeMap<(Timestamp, WakeUp), u32>,
}

impl<C: Clock> MemoryWake<C> {
    /// An empty queue; its wake-ups are due by this clock.
    pub fn new(clock: C) -> Self {
        Self { clock, queue: Mutex::default() }
    }

    /// Scripts the fate of a coming wake-up, after those scripted before.
    pub fn script(&self, fate: Fate) {
        lock(&self.queue).script.push_back(fate);
    }

    /// Takes out the next wake-up that is due.
    pub fn take(&self) -> Option<WakeUp> {
        let now = self.clock.now();
        let mut queue = lock(&self.queue);
        let mut first = queue.due.first_entry().filter(|first| first.key().0 <= now)?;
        let wake_up = first.key().1;
        *first.get_mut() -= 1;
        if *first.get() == 0 {
            first.remove();
        }
        Some(wake_up)
    }

    /// When the next one is due: a virtual clock can be turned to it.
    pub fn next_at(&self) -> Option<Timestamp> {
        lock(&self.queue).due.first_key_value().map(|((at, _), _)| *at)
    }
}

impl<C: Clock> Wake for MemoryWake<C> {
    async fn wake(&self, wake_up: WakeUp, when: When) -> Result<(), Retryable> {
        step().await;
        let now = self.clock.now();
        let at = match when {
            When::Now => now,
            When::At(at) => at.clamp(now, now.plus(WAKE_DELAY_MS_MAX)),
        };
        let mut queue = lock(&self.queue);
        let times = match queue.script.pop_front().unwrap_or(Fate::Comes) {
            Fate::Comes => 1,
            Fate::Lost => return Ok(()),
            Fate::Repeats => 2,
        };
        if queue.due.len() >= MEMORY_CALLS_MAX {
            return Err(Retryable::new(format!(
                "could not wake: {MEMORY_CALLS_MAX} wake-ups wait already"
            )));
        }
        *queue.due.entry((at, wake_up)).or_default() += times;
        Ok(())
    }
}
