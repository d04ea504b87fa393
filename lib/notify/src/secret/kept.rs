//! Secrets that were read are kept for some minutes: an environment that sends often does not ask a store each time, and one
//! that was changed is used soon.
//!
//! A value that the other end does not take may have been changed meanwhile. [`Kept::doubt`] says so, and it is read again
//! before its time. A store that does not answer silences no channel: the value that it gave last is used on.

use super::{Reference, Secret, SecretError, Secrets};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use streamgauge_engine::time::{MINUTE_MS, Millis, Timestamp};
use streamgauge_pipeline::port::clock::Clock;
use tracing::warn;

/// How long a value is used before it is read again, in milliseconds.
pub const KEPT_MS_MAX: Millis = 5 * MINUTE_MS;

/// Secrets of a store, kept for [`KEPT_MS_MAX`].
#[derive(Debug)]
pub struct Kept<S, C> {
    store: S,
    clock: C,
    values: Mutex<BTreeMap<Reference, Value>>,
}

#[derive(Clone, Debug)]
struct Value {
    secret: Secret,
    read_at: Timestamp,
    is_doubted: bool,
}

impl Value {
    /// A clock that was set back must not make it last.
    fn is_fresh(&self, now: Timestamp) -> bool {
        !self.is_doubted && (self.read_at..self.read_at.plus(KEPT_MS_MAX)).contains(&now)
    }
}

/// A secret, and whether the store was asked for it just now.
#[derive(Clone, Debug)]
pub struct Found {
    /// The value.
    pub secret: Secret,
    /// It was read before, and may have been changed since.
    pub is_kept: bool,
}

impl<S: Secrets, C: Clock> Kept<S, C> {
    /// Of this store nothing was read yet.
    pub fn new(store: S, clock: C) -> Self {
        Self { store, clock, values: Mutex::default() }
    }

    /// The value that a reference names.
    pub async fn find(&self, reference: &Reference) -> Result<Found, SecretError> {
        let now = self.clock.now();
        let kept = self.lock().get(reference).cloned();
        if let Some(value) = kept.as_ref().filter(|value| value.is_fresh(now)) {
            return Ok(Found { secret: value.secret.clone(), is_kept: true });
        }
        match (self.store.resolve(reference).await, kept) {
            (Ok(secret), _) => {
                let value = Value { secret: secret.clone(), read_at: now, is_doubted: false };
                self.lock().insert(reference.clone(), value);
                Ok(Found { secret, is_kept: false })
            }
            (Err(SecretError::Retryable { source, .. }), Some(value)) => {
                warn!(%reference, error = %source, "a secret could not be read again; the old value is used");
                Ok(Found { secret: value.secret, is_kept: true })
            }
            (Err(error), _) => {
                self.lock().remove(reference);
                Err(error)
            }
        }
    }

    /// Whoever got this value was refused: it is read again when it is needed next.
    pub fn doubt(&self, reference: &Reference) {
        if let Some(value) = self.lock().get_mut(reference) {
            value.is_doubted = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Reference, Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use streamgauge_engine::time::SECOND_MS;
    use streamgauge_pipeline::memory::{VirtualClock, block_on};
    use streamgauge_pipeline::port::Retryable;

    /// What a store says of any reference.
    #[derive(Clone, Debug, Default)]
    struct Store(Arc<Mutex<(Answer, usize)>>);

    #[derive(Clone, Copy, Debug, Default)]
    enum Answer {
        Value(&'static str),
        #[default]
        Absent,
        Down,
    }

    impl Store {
        fn set(&self, answer: Answer) {
            self.0.lock().unwrap().0 = answer;
        }

        fn asked(&self) -> usize {
            self.0.lock().unwrap().1
        }
    }

    impl Secrets for Store {
        async fn resolve(&self, reference: &Reference) -> Result<Secret, SecretError> {
            let mut state = self.0.lock().unwrap();
            state.1 += 1;
            let reference = reference.clone();
            match state.0 {
                Answer::Value(value) => Ok(Secret::new(value)),
                Answer::Absent => Err(SecretError::Absent { reference }),
                Answer::Down => {
                    let source = Retryable::new("the store is down");
                    Err(SecretError::Retryable { reference, source })
                }
            }
        }
    }

    struct Bench {
        store: Store,
        clock: VirtualClock,
        kept: Kept<Store, VirtualClock>,
    }

    impl Bench {
        fn new() -> Self {
            let (store, clock) =
                (Store::default(), VirtualClock::new(Timestamp::from_millis(1_767_607_200_000)));
            let kept = Kept::new(store.clone(), clock.clone());
            Self { store, clock, kept }
        }

        fn reference() -> Reference {
            Reference::SecretsManager("shop/pagerduty".to_owned())
        }

        /// The value that is found, and how often the store was asked so far.
        #[track_caller]
        fn check(&self, expect: Option<&str>, asked: usize) {
            let found = block_on(self.kept.find(&Self::reference())).ok();
            assert_eq!(found.as_ref().map(|found| found.secret.reveal()), expect);
            assert_eq!(self.store.asked(), asked);
        }
    }

    #[test]
    fn a_store_is_asked_every_few_minutes() {
        let bench = Bench::new();
        bench.store.set(Answer::Value("old"));
        bench.check(Some("old"), 1);
        bench.store.set(Answer::Value("new"));
        bench.clock.advance(KEPT_MS_MAX - SECOND_MS);
        bench.check(Some("old"), 1);
        bench.clock.advance(SECOND_MS);
        bench.check(Some("new"), 2);
    }

    #[test]
    fn a_value_that_was_refused_is_read_again() {
        let bench = Bench::new();
        bench.store.set(Answer::Value("old"));
        bench.check(Some("old"), 1);
        bench.store.set(Answer::Value("new"));
        bench.kept.doubt(&Bench::reference());
        bench.check(Some("new"), 2);
        bench.check(Some("new"), 2);
    }

    #[test]
    fn a_store_that_is_down_silences_nobody() {
        let bench = Bench::new();
        bench.store.set(Answer::Down);
        bench.check(None, 1);
        bench.store.set(Answer::Value("old"));
        bench.check(Some("old"), 2);
        bench.store.set(Answer::Down);
        bench.clock.advance(KEPT_MS_MAX);
        bench.check(Some("old"), 3);
        bench.store.set(Answer::Value("new"));
        bench.check(Some("new"), 4);
    }

    #[test]
    fn what_was_taken_out_of_the_store_is_not_used_on() {
        let bench = Bench::new();
        bench.store.set(Answer::Value("old"));
        bench.check(Some("old"), 1);
        bench.store.set(Answer::Absent);
        bench.clock.advance(KEPT_MS_MAX);
        bench.check(None, 2);
        bench.store.set(Answer::Down);
        bench.check(None, 3);
    }

    #[test]
    fn nothing_prints_what_is_kept() {
        let bench = Bench::new();
        bench.store.set(Answer::Value("hunter2"));
        bench.check(Some("hunter2"), 1);
        assert!(!format!("{:?}", bench.kept.values).contains("hunter2"));
    }
}
