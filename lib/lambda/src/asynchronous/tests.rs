//! The rule, and the times at which a function is asked.

use super::*;
use crate::embedded::{Embedded, EmbeddedSettings};
use crate::happening::Nobody;
use crate::invoke::Report;
use crate::runtime::tests::function;
use crate::stack::Stack;
use crate::testing::{done, failed};
use std::collections::VecDeque;

const AGE: Duration = Duration::from_mins(10);

/// What is next after an attempt at 100 s of an event that was accepted at 0 s and may be retried twice: the action and
/// its moment in seconds.
fn check(attempts: u32, throttles: u32, attempt: Attempt, expect: &str) {
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    let settings = AsynchronousSettings { event_age_max: AGE, ..Default::default() };
    let standing = Standing { accepted: at(0), attempts, throttles };
    let next = match decide(&settings, &standing, attempt, at(100)) {
        Next::Done => "done".to_owned(),
        Next::Again(moment) => format!("again at {}", moment.as_second()),
        Next::GiveUp(moment, why) => format!("{why} at {}", moment.as_second()),
    };
    assert_eq!(next, expect);
}

#[test]
fn failures_wait_one_and_two_minutes_and_then_are_given_up() {
    check(1, 0, Attempt::Succeeded, "done");
    check(1, 0, Attempt::Failed, "again at 160");
    check(2, 0, Attempt::Failed, "again at 220");
    check(3, 0, Attempt::Failed, "RetriesExhausted at 100");
}

#[test]
fn throttles_double_up_to_five_minutes_and_cost_no_attempt() {
    check(0, 1, Attempt::Throttled, "again at 101");
    check(0, 2, Attempt::Throttled, "again at 102");
    check(0, 5, Attempt::Throttled, "again at 116");
    check(0, 9, Attempt::Throttled, "again at 356");
    check(0, 10, Attempt::Throttled, "again at 400");
    check(9, u32::MAX, Attempt::Throttled, "again at 400");
}

#[test]
fn an_event_that_would_be_too_old_is_given_up_when_it_is() {
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    let settings = AsynchronousSettings { event_age_max: AGE, ..Default::default() };
    let standing = Standing { accepted: at(0), attempts: 1, throttles: 0 };
    let decided = |now| decide(&settings, &standing, Attempt::Failed, at(now));
    assert_eq!(decided(539), Next::Again(at(599)));
    assert_eq!(decided(540), Next::GiveUp(at(600), "EventAgeExceeded"));
    assert_eq!(decided(700), Next::GiveUp(at(700), "EventAgeExceeded"));
}

/// A function with answers that are known before, which remembers when it was asked, and at which attempt.
#[derive(Clone, Debug)]
struct Script {
    clock: Clock,
    start: Timestamp,
    outcomes: Arc<Mutex<VecDeque<Outcome>>>,
    asked: Arc<Mutex<Vec<(i64, u32)>>>,
}

impl Invoke for Script {
    async fn invoke(&self, invocation: Invocation) -> Invoked {
        let Cause::Asynchronous { attempt, .. } = invocation.cause else { panic!("another cause") };
        let second = self.clock.now().duration_since(self.start).as_secs();
        self.asked.lock().unwrap().push((second, attempt));
        let outcome = self.outcomes.lock().unwrap().pop_front().unwrap();
        Invoked { request_id: "r".into(), outcome, report: Report::default() }
    }
}

/// A function that answers so, and who sends events to it.
fn scripted(
    outcomes: impl IntoIterator<Item = Outcome>,
) -> (Script, Asynchronous<Script, Embedded>) {
    let clock = Clock::real();
    let outcomes = Arc::new(Mutex::new(outcomes.into_iter().collect()));
    let script =
        Script { start: clock.now(), clock: clock.clone(), outcomes, asked: Arc::default() };
    let settings = EmbeddedSettings {
        clock: clock.clone(),
        seed: 1,
        region: "eu-west-1".to_owned(),
        account: "000000000000".to_owned(),
        folder: None,
    };
    let services = Embedded::new(&Stack::default(), settings);
    let (invoke, functions) = (script.clone(), [function("settle")]);
    (script, Asynchronous::new(invoke, services, clock, Arc::new(Nobody), &functions, 1))
}

/// Sends an event to a function that answers so: the seconds at which it is asked, and the attempts.
async fn asked(outcomes: impl IntoIterator<Item = Outcome>) -> Vec<(i64, u32)> {
    let (script, asynchronous) = scripted(outcomes);
    asynchronous.send("settle", Bytes::from_static(b"{}"), None).unwrap();
    asynchronous.idle().await;
    let asked = script.asked.lock().unwrap();
    asked.clone()
}

/// Sends so many events of one size, of which none is done, and then one more, and again when all are done.
async fn check_full(events: usize, bytes: usize) {
    let (_, asynchronous) = scripted(vec![done(); events + 1]);
    let payload = Bytes::from(vec![b'1'; bytes]);
    let send = || asynchronous.send("settle", payload.clone(), None);
    for _ in 0..events {
        assert_eq!(send(), Ok(()));
    }
    assert_eq!(send(), Err(Refused::Full));
    assert_eq!(asynchronous.waiting(), events);
    asynchronous.idle().await;
    assert_eq!(send(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn only_so_many_events_wait_and_so_many_bytes_of_them() {
    check_full(EVENTS_MAX, 1).await;
    check_full(EVENTS_BYTES_MAX / EVENT_BYTES_MAX, EVENT_BYTES_MAX).await;
}

#[tokio::test(start_paused = true)]
async fn what_did_not_run_waits_anew_after_each_run_and_costs_no_attempt() {
    let lost = || Outcome::Unreachable("lost".to_owned());
    let outcomes = [
        Outcome::Throttled,
        lost(),
        Outcome::Throttled,
        failed(),
        Outcome::Throttled,
        lost(),
        done(),
    ];
    let expect = [(0, 1), (1, 1), (3, 1), (7, 1), (67, 2), (68, 2), (70, 2)];
    assert_eq!(asked(outcomes).await, expect);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_after_one_minute_and_after_two() {
    assert_eq!(asked([failed(), failed(), failed()]).await, [(0, 1), (60, 2), (180, 3)]);
}
