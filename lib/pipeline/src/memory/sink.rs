//! A sink that records its calls and answers by script.

use super::{MEMORY_CALLS_MAX, lock, step};
use crate::port::sink::{Delivery, Sink};
use std::collections::VecDeque;
use std::sync::Mutex;
use streamgauge_engine::time::Millis;

/// How long it asks to wait when it is full, in milliseconds.
const FULL_RETRY_MS: Millis = 60_000;

/// Records what it was asked to deliver.
#[derive(Debug)]
pub struct MemorySink<E> {
    state: Mutex<State<E>>,
}

#[derive(Debug)]
struct State<E> {
    script: VecDeque<(Delivery, bool)>,
    calls: Vec<(E, Delivery)>,
    taken: Vec<E>,
}

impl<E: Clone> MemorySink<E> {
    /// No calls yet; all will be delivered.
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State {
                script: VecDeque::new(),
                calls: Vec::new(),
                taken: Vec::new(),
            }),
        }
    }

    /// Scripts the outcome of a coming call, after those scripted before, and whether the other end takes the entry.
    pub fn script(&self, outcome: Delivery, taken: bool) {
        lock(&self.state).script.push_back((outcome, taken));
    }

    /// All calls with their outcomes.
    pub fn calls(&self) -> Vec<(E, Delivery)> {
        lock(&self.state).calls.clone()
    }

    /// What the other end has: an entry that was delivered twice is in it twice.
    pub fn taken(&self) -> Vec<E> {
        lock(&self.state).taken.clone()
    }
}

impl<E: Clone> Default for MemorySink<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Clone + Send + Sync> Sink for MemorySink<E> {
    type Entry = E;

    async fn deliver(&self, entry: &E) -> Delivery {
        step().await;
        let outcome = {
            let mut state = lock(&self.state);
            if state.calls.len() >= MEMORY_CALLS_MAX {
                return Delivery::Retry { after_ms: FULL_RETRY_MS };
            }
            let (outcome, taken) = state.script.pop_front().unwrap_or((Delivery::Delivered, true));
            if taken {
                state.taken.push(entry.clone());
            }
            state.calls.push((entry.clone(), outcome.clone()));
            outcome
        };
        step().await;
        outcome
    }
}
