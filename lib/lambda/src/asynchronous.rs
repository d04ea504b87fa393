//! Asynchronous invocations: the caller does not wait, and the platform tries again for it.
//!
//! What AWS documents (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>) is done here on the
//! simulator's clock: an event whose function failed is tried twice more, after one minute and after two; one that found no
//! place is tried again after one second, then twice as long each time up to five minutes, which costs no attempt; one that
//! has become too old, or has failed each time, is given up and goes to the on-failure destination. A function with a
//! reserved concurrency of 0 gives its events up at once.
//!
//! [`decide`] is the rule, purely; [`document`] what a destination gets; [`Asynchronous`] drives them.
//!
//! Where AWS is silent: an event is given up at the moment at which it is too old, not when it would be tried next. On AWS all
//! attempts at an event have one request id; here each has its own, and the document names the last one's.

mod document;

use crate::backoff::doubled;
use crate::clock::{Clock, later};
use crate::destination;
use crate::happening::{Ending, Happening, Observer};
use crate::invoke::{Cause, Invocation, Invoke, Invoked, Outcome};
use crate::lock::lock;
use crate::runtime::ids::Ids;
use crate::services::Services;
use crate::stack::{AsynchronousSettings, Destination, Function};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The largest event of an asynchronous invocation, in bytes: 1 MB,
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// Events that wait or run at once. AWS names no number.
pub const EVENTS_MAX: usize = 10_000;
/// Bytes of all of them at once.
pub const EVENTS_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// The wait after the first failed attempt; after the second one it is twice as long.
const RETRY_WAIT: Duration = Duration::from_mins(1);
/// The wait after the first throttle, doubled with each further one.
const THROTTLE_WAIT: Duration = Duration::from_secs(1);
/// The longest wait after a throttle.
const THROTTLE_WAIT_MAX: Duration = Duration::from_mins(5);
/// How often a destination is tried.
const DELIVERIES_MAX: u32 = 3;
/// The wait between two tries of a destination.
const DELIVERY_WAIT: Duration = Duration::from_secs(1);

/// Why an event was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// There is no such function.
    #[error("there is no function `{0}`")]
    NoFunction(String),
    /// The event is too large.
    #[error("the event has {0} bytes; asynchronous invocations take at most {EVENT_BYTES_MAX}")]
    TooLarge(usize),
    /// Too many wait already.
    #[error(
        "{EVENTS_MAX} asynchronous events wait already, or {EVENTS_BYTES_MAX} bytes of them; let the functions catch up"
    )]
    Full,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    accepted: Timestamp,
    /// How often the function ran.
    attempts: u32,
    /// How often it found no place since it last ran.
    throttles: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Succeeded,
    Failed,
    Throttled,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing.
    Done,
    /// Try again at this moment.
    Again(Timestamp),
    /// Give up at this moment, for this reason.
    GiveUp(Timestamp, &'static str),
}

/// What becomes of an event after an attempt, with which `standing` already counts.
fn decide(
    settings: &AsynchronousSettings,
    standing: &Standing,
    attempt: Attempt,
    now: Timestamp,
) -> Next {
    let wait = match attempt {
        Attempt::Succeeded => return Next::Done,
        Attempt::Failed if standing.attempts > settings.retry_attempts_max => {
            return Next::GiveUp(now, "RetriesExhausted");
        }
        Attempt::Failed => RETRY_WAIT * standing.attempts,
        Attempt::Throttled => doubled(THROTTLE_WAIT, THROTTLE_WAIT_MAX, standing.throttles),
    };
    let again = later(now, wait);
    let too_old = later(standing.accepted, settings.event_age_max);
    if again < too_old {
        Next::Again(again)
    } else {
        Next::GiveUp(too_old.max(now), "EventAgeExceeded")
    }
}

/// Takes events and invokes functions with them. Clones are the same; when the last one is dropped, what waits is dropped.
#[derive(Clone, Debug)]
pub struct Asynchronous<I, S> {
    driver: Driver<I, S>,
    events: Arc<Mutex<JoinSet<()>>>,
}

/// What each event needs.
#[derive(Clone, Debug)]
struct Driver<I, S> {
    invoke: I,
    services: S,
    clock: Clock,
    observer: Arc<dyn Observer>,
    functions: Arc<BTreeMap<Arc<str>, Function>>,
    ids: Arc<Mutex<Ids>>,
    waiting: watch::Sender<Waiting>,
}

/// What waits or runs.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    events: usize,
    bytes: usize,
}

/// An event on its way.
#[derive(Clone, Debug)]
struct Event {
    function: Function,
    payload: Bytes,
    schedule: Option<Arc<str>>,
    standing: Standing,
}

impl<I: Invoke, S: Services> Asynchronous<I, S> {
    /// Gets ready. `seed` makes the names of objects in buckets.
    pub fn new(
        invoke: I,
        services: S,
        clock: Clock,
        observer: Arc<dyn Observer>,
        functions: &[Function],
        seed: u64,
    ) -> Self {
        let functions =
            functions.iter().map(|function| (Arc::clone(&function.name), function.clone()));
        let driver = Driver {
            invoke,
            services,
            clock,
            observer,
            functions: Arc::new(functions.collect()),
            ids: Arc::new(Mutex::new(Ids::new(seed))),
            waiting: watch::Sender::new(Waiting::default()),
        };
        Self { driver, events: Arc::default() }
    }

    /// Takes an event, which is JSON, for a function: from a caller who does not wait, or from a schedule. What becomes of it
    /// is told to the observer.
    pub fn send(
        &self,
        function: &str,
        payload: Bytes,
        schedule: Option<Arc<str>>,
    ) -> Result<(), Refused> {
        let Some(known) = self.driver.functions.get(function) else {
            return Err(Refused::NoFunction(function.to_owned()));
        };
        if payload.len() > EVENT_BYTES_MAX {
            return Err(Refused::TooLarge(payload.len()));
        }
        let mut events = lock(&self.events);
        while events.try_join_next().is_some() {}
        let (bytes, held) = (payload.len(), *self.driver.waiting.borrow());
        if held.events >= EVENTS_MAX || held.bytes + bytes > EVENTS_BYTES_MAX {
            return Err(Refused::Full);
        }
        let standing = Standing { accepted: self.driver.clock.now(), attempts: 0, throttles: 0 };
        let event = Event { function: known.clone(), payload, schedule, standing };
        self.driver.waiting.send_modify(|waiting| {
            waiting.events += 1;
            waiting.bytes += bytes;
        });
        let driver = self.driver.clone();
        events.spawn(async move {
            driver.drive(event).await;
            driver.waiting.send_modify(|waiting| {
                waiting.events -= 1;
                waiting.bytes -= bytes;
            });
        });
        Ok(())
    }

    /// How many events wait or run.
    pub fn waiting(&self) -> usize {
        self.driver.waiting.borrow().events
    }

    /// Waits until no event waits or runs.
    pub async fn idle(&self) {
        let mut waiting = self.driver.waiting.subscribe();
        // It fails only when the sender is gone, and the sender is ours.
        drop(waiting.wait_for(|waiting| waiting.events == 0).await);
    }
}

impl<I: Invoke, S: Services> Driver<I, S> {
    /// Tries an event until it is done or given up.
    async fn drive(&self, mut event: Event) {
        if event.function.concurrency_max == Some(0) {
            return self.give_up(&event, "ZeroReservedConcurrency", None).await;
        }
        let mut last = None;
        loop {
            let invoked = self.attempt(&event).await;
            let attempt = match &invoked.outcome {
                Outcome::Answered(_) => Attempt::Succeeded,
                Outcome::Failed(_) => Attempt::Failed,
                Outcome::Throttled | Outcome::Unreachable(_) => Attempt::Throttled,
            };
            match attempt {
                Attempt::Throttled => event.standing.throttles += 1,
                Attempt::Succeeded | Attempt::Failed => {
                    event.standing.attempts += 1;
                    event.standing.throttles = 0;
                    last = Some(invoked);
                }
            }
            let now = self.clock.now();
            match decide(&event.function.asynchronous, &event.standing, attempt, now) {
                Next::Done => return,
                Next::Again(moment) => self.clock.sleep_until(moment).await,
                Next::GiveUp(moment, condition) => {
                    self.clock.sleep_until(moment).await;
                    return self.give_up(&event, condition, last.as_ref()).await;
                }
            }
            self.observer.see(Happening::Retried {
                mapping: Arc::clone(&event.function.name),
                shard: None,
                records: 1,
            });
        }
    }

    async fn attempt(&self, event: &Event) -> Invoked {
        let cause = Cause::Asynchronous {
            schedule: event.schedule.clone(),
            attempt: event.standing.attempts + 1,
        };
        let invocation = Invocation {
            function: Arc::clone(&event.function.name),
            payload: event.payload.clone(),
            cause: cause.clone(),
        };
        let invoked = self.invoke.invoke(invocation).await;
        self.observer.see(Happening::Invoked {
            function: Arc::clone(&event.function.name),
            request_id: Arc::clone(&invoked.request_id),
            cause,
            ending: Ending::of(&invoked.outcome),
            report: invoked.report.clone(),
        });
        invoked
    }

    /// Sends an event that is given up to its destination, and tells.
    async fn give_up(&self, event: &Event, condition: &'static str, last: Option<&Invoked>) {
        let destination = match &event.function.asynchronous.on_failure {
            Some(destination) => self.deliver(event, condition, last, destination).await,
            None => None,
        };
        self.observer.see(Happening::Discarded {
            mapping: Arc::clone(&event.function.name),
            shard: None,
            records: 1,
            condition,
            destination,
        });
    }

    /// Puts the document where it belongs, and answers where that is; none if it could not be put.
    async fn deliver(
        &self,
        event: &Event,
        condition: &str,
        last: Option<&Invoked>,
        destination: &Destination,
    ) -> Option<String> {
        let now = self.clock.now();
        let id = lock(&self.ids).uuid();
        let document = document::document(event, condition, last, &id, now);
        let key = destination::object_key(&format!("async/{}", event.function.name), now, &id);
        let place = destination::place(destination, &key);
        for tried in 1..=DELIVERIES_MAX {
            match destination::put(&self.services, destination, &key, document.clone()).await {
                Ok(()) => return Some(place),
                Err(error) => {
                    let place = format!("the on-failure destination {place}");
                    self.observer.see(Happening::Trouble { place, error });
                }
            }
            if tried < DELIVERIES_MAX {
                self.clock.sleep(DELIVERY_WAIT).await;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
