//! The mapping with a real queue, a function from a script, and paused time.

use super::*;
use crate::arn::Arn;
use crate::clock::Clock;
use crate::embedded::queue::{EmbeddedQueue, NewMessage, QueueSettings};
use crate::happening::{Ending, Happening};
use crate::interfere::{Harmless, Interfere, Interference, Place, Point};
use crate::invoke::{Invocation, Invoke, Invoked, Outcome, Report};
use crate::queue::{Depth, Message, Queue, QueueError};
use crate::testing::{Watcher, Wrong, done, failed};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

mod adversary;
mod failures;
mod flow;

/// What a function was asked.
#[derive(Clone, Debug)]
struct Call {
    at: Timestamp,
    bytes: usize,
    bodies: Vec<String>,
    /// The receive counts.
    counts: Vec<String>,
    ids: Vec<String>,
}

type Answer = dyn Fn(usize, &Call) -> Outcome + Send + Sync;

/// A function that takes some time and then answers as a script says: the number of the call, from 0, and the call.
#[derive(Clone)]
struct Script {
    answer: Arc<Answer>,
    takes: Duration,
    clock: Clock,
    calls: Arc<Mutex<Vec<Call>>>,
    running: Arc<AtomicUsize>,
    running_max: Arc<AtomicUsize>,
    told: mpsc::UnboundedSender<()>,
}

impl Invoke for Script {
    async fn invoke(&self, invocation: Invocation) -> Invoked {
        let event: Value = serde_json::from_slice(&invocation.payload).unwrap();
        let records = event["Records"].as_array().unwrap();
        let texts = |field: &dyn Fn(&Value) -> &Value| {
            records.iter().map(|record| field(record).as_str().unwrap().to_owned()).collect()
        };
        let call = Call {
            at: self.clock.now(),
            bytes: invocation.payload.len(),
            bodies: texts(&|record| &record["body"]),
            counts: texts(&|record| &record["attributes"]["ApproximateReceiveCount"]),
            ids: texts(&|record| &record["messageId"]),
        };
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(call.clone());
            calls.len() - 1
        };
        self.told.send(()).unwrap_or_default();
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.running_max.fetch_max(running, Ordering::Relaxed);
        self.clock.sleep(self.takes).await;
        self.running.fetch_sub(1, Ordering::Relaxed);
        Invoked {
            request_id: format!("request-{number}").into(),
            outcome: (self.answer)(number, &call),
            report: Report::default(),
        }
    }
}

/// All that a test looks at.
struct Bench {
    clock: Clock,
    queue: EmbeddedQueue,
    script: Script,
    watcher: Arc<Watcher>,
    told: mpsc::UnboundedReceiver<()>,
}

impl Bench {
    /// A queue that hides messages for 30 s, and a function.
    fn new(answer: impl Fn(usize, &Call) -> Outcome + Send + Sync + 'static) -> Self {
        let clock = Clock::real();
        let arn = Arn::queue("eu-west-1", "000000000000", "wake");
        let queue = EmbeddedQueue::new(&arn, QueueSettings::default(), clock.clone(), 1);
        let (sender, told) = mpsc::unbounded_channel();
        let script = Script {
            answer: Arc::new(answer),
            takes: Duration::ZERO,
            clock: clock.clone(),
            calls: Arc::default(),
            running: Arc::default(),
            running_max: Arc::default(),
            told: sender,
        };
        Self { clock, queue, script, watcher: Arc::default(), told }
    }

    fn taking(mut self, seconds: u64) -> Self {
        self.script.takes = Duration::from_secs(seconds);
        self
    }

    fn send(&self, bodies: impl IntoIterator<Item = impl ToString>) {
        for body in bodies {
            let body = body.to_string();
            self.queue.put(NewMessage { body, ..NewMessage::default() }).unwrap();
        }
    }

    fn start(&self, mapping: SqsMapping) -> SqsPoller<EmbeddedQueue> {
        self.start_with(mapping, self.queue.clone(), Harmless)
    }

    fn start_with<Q: Queue>(
        &self,
        mapping: SqsMapping,
        queue: Q,
        interfere: impl Interfere + 'static,
    ) -> SqsPoller<Q> {
        let source = SqsSource {
            mapping,
            queue,
            invoke: self.script.clone(),
            interfere: Arc::new(interfere),
            observer: self.watcher.observer(),
            clock: self.clock.clone(),
        };
        SqsPoller::start(source).unwrap()
    }

    /// Runs until the queue is empty, and gives the calls.
    async fn run(&self, mapping: SqsMapping) -> Vec<Call> {
        let poller = self.start(mapping);
        poller.drained().await;
        poller.stop().await;
        self.calls()
    }

    fn calls(&self) -> Vec<Call> {
        self.script.calls.lock().unwrap().clone()
    }

    /// How often things happened, as short texts.
    fn notes(&self) -> Vec<String> {
        let short = |happening: &Happening| match happening {
            Happening::Invoked { ending: Ending::Success, .. } => "success".to_owned(),
            Happening::Invoked { ending: Ending::Partial { failed }, .. } => {
                format!("{failed} failed")
            }
            Happening::Invoked { ending: Ending::Error { text }, .. } => text.clone(),
            Happening::Invoked { ending, .. } => format!("{ending:?}"),
            Happening::Retried { mapping, shard: None, records } => {
                format!("{mapping} retries {records}")
            }
            Happening::Trouble { place, error } => format!("{place}: {error}"),
            Happening::Fault { what } => format!("fault: {what}"),
            other => format!("{other:?}"),
        };
        self.watcher.all().iter().map(short).collect()
    }
}

/// Batches of so many messages, gathered for so many seconds.
fn mapping(batch_messages_max: usize, window: u64) -> SqsMapping {
    SqsMapping {
        name: "Settle/WakeUps".into(),
        function: "settle".into(),
        queue: Arn::queue("eu-west-1", "000000000000", "wake"),
        batch_messages_max,
        batching_window: Duration::from_secs(window),
        concurrency_max: None,
        report_item_failures: false,
    }
}

fn reporting(batch_messages_max: usize) -> SqsMapping {
    SqsMapping { report_item_failures: true, ..mapping(batch_messages_max, 0) }
}

/// The bodies of all calls, in order.
fn bodies(calls: &[Call]) -> Vec<&str> {
    let mut bodies: Vec<&str> =
        calls.iter().flat_map(|call| call.bodies.iter().map(String::as_str)).collect();
    bodies.sort_unstable();
    bodies
}

#[track_caller]
fn check_mapping(mapping: &SqsMapping, expect: &str) {
    let error = check(mapping).unwrap_err().to_string();
    assert_eq!(error, format!("the event source mapping Settle/WakeUps {expect}"));
}

#[test]
fn mappings_are_checked() {
    check_mapping(&mapping(0, 0), "has BatchSize 0; write 1 to 10000");
    check_mapping(&mapping(10_001, 1), "has BatchSize 10001; write 1 to 10000");
    check_mapping(&mapping(1, 301), "has MaximumBatchingWindowInSeconds 301; write 0 to 300");
    check_mapping(
        &mapping(11, 0),
        "has BatchSize 11 and no batching window; set MaximumBatchingWindowInSeconds to 1 or more, or BatchSize to 10",
    );
    let limited = |max| SqsMapping { concurrency_max: Some(max), ..mapping(10, 0) };
    check_mapping(&limited(1), "has MaximumConcurrency 1; write 2 to 1000");
    check_mapping(&limited(1_001), "has MaximumConcurrency 1001; write 2 to 1000");
    for right in [mapping(10_000, 1), mapping(1, 300), limited(2), limited(1_000)] {
        assert_eq!(check(&right), Ok(()));
    }
}

#[test]
fn a_function_must_end_before_its_messages_are_seen_again() {
    let check = |timeout, visibility| {
        let seconds = Duration::from_secs;
        check_visibility(&mapping(1, 0), seconds(timeout), seconds(visibility))
    };
    assert_eq!(check(30, 30), Ok(()));
    let error = check(31, 30).unwrap_err().to_string();
    assert!(error.contains("may take 31 s, but the queue hides messages for 30 s only"), "{error}");
}
