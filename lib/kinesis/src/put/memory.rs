//! A stream in memory, for tests: it takes what is put, or does what it was told to.

use super::record::PutRecord;
use super::{Fate, Outcome, PutRecords};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a call does to a stream in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// The records at these places of the call fail, the others are taken.
    Fail(Vec<usize>),
    /// Nothing is taken: the call is throttled.
    Throttle,
    /// All is taken, and no answer comes.
    LoseAnswer,
    /// Nothing is taken, and no answer comes.
    LoseCall,
    /// Nothing is taken, for good.
    Refuse,
    /// Nothing is taken and the call never ends.
    Hang,
}

/// A stream in memory.
#[derive(Debug, Default)]
pub struct MemoryStream {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    scripts: VecDeque<Option<Script>>,
    calls: Vec<Vec<PutRecord>>,
    records: Vec<PutRecord>,
}

impl MemoryStream {
    /// What the next call without a script does; absent: it takes all.
    pub fn script(&self, script: Option<Script>) {
        self.state().scripts.push_back(script);
    }

    /// The records of each call.
    pub fn calls(&self) -> Vec<Vec<PutRecord>> {
        self.state().calls.clone()
    }

    /// What stands in the stream, in order.
    pub fn records(&self) -> Vec<PutRecord> {
        self.state().records.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes of a call; absent: it never ends.
    fn answer(&self, records: &[PutRecord]) -> Option<Outcome> {
        let state = &mut *self.state();
        state.calls.push(records.to_vec());
        let reason = || "as it was told".to_owned();
        match state.scripts.pop_front().flatten().unwrap_or(Script::Fail(Vec::new())) {
            Script::Fail(places) => {
                let fates = records.iter().enumerate().map(|(place, record)| {
                    if places.contains(&place) {
                        return Fate::Failed { code: "InternalFailure".to_owned() };
                    }
                    state.records.push(record.clone());
                    Fate::Taken
                });
                Some(Outcome::Answered(fates.collect()))
            }
            Script::LoseAnswer => {
                state.records.extend_from_slice(records);
                Some(Outcome::Unknown { reason: reason() })
            }
            Script::LoseCall => Some(Outcome::Unknown { reason: reason() }),
            Script::Throttle => Some(Outcome::Throttled { reason: reason() }),
            Script::Refuse => Some(Outcome::Refused { reason: reason() }),
            Script::Hang => None,
        }
    }
}

impl PutRecords for MemoryStream {
    async fn put(&self, records: &[PutRecord]) -> Outcome {
        match self.answer(records) {
            Some(outcome) => outcome,
            None => std::future::pending().await,
        }
    }
}
