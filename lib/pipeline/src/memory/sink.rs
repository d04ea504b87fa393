//! A sink that records its calls and answers by script.

use super::{MEMORY_CALLS_MAX, lock, step};
use crate::port::sink::{Delivery, Sink};
use std::collections::VecDeque;
use std::sync::Mutex;

/// Records what it was asked to deliver.
#[derive(Debug)]
pub struct MemorySink<E> {
    state: Mutex<State<E>>,
}

#[derive(Debug)]
struct State<E> {
    script: VecDeque<(Delivery, bool)>,
    calls: Vec<(E, Delivery, bool)>,
}

impl<E> Default for MemorySink<E> {
    fn default() -> Self {
        Self { state: Mutex::new(State { script: VecDeque::new(), calls: Vec::new() }) }
    }
}

impl<E: Clone> MemorySink<E> {
    /// Scripts the outcome of a coming call, after those scripted before, and whether the other end takes the entry.
    /// Without a script it does and says so.
    pub fn script(&self, outcome: Delivery, taken: bool) {
        lock(&self.state).script.push_back((outcome, taken));
    }

    /// All calls so far: the entry, the outcome, and whether the other end has taken it.
    pub fn calls(&self) -> Vec<(E, Delivery, bool)> {
        lock(&self.state).calls.clone()
    }
}

impl<E: Clone + Send + Sync> Sink for MemorySink<E> {
    type Entry = E;

    async fn deliver(&self, entry: &E) -> Delivery {
        step().await;
        let outcome = {
            let mut state = lock(&self.state);
            if state.calls.len() >= MEMORY_CALLS_MAX {
                return Delivery::Rejected {
                    reason: format!("{MEMORY_CALLS_MAX} calls are recorded"),
                };
            }
            let (outcome, taken) = state.script.pop_front().unwrap_or((Delivery::Delivered, true));
            state.calls.push((entry.clone(), outcome.clone(), taken));
            outcome
        };
        step().await;
        outcome
    }
}
