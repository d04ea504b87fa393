//! Asynchronous invocations of the probe, on a clock that makes minutes short.

use super::services::Shelf;
use super::{Bench, Stand};
use serde_json::{Value, json};
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::asynchronous::{Asynchronous, EVENT_BYTES_MAX, Refused};
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::happening::{Ending, Happening};
use streamgauge_lambda::interfere::{Interference, Point};
use streamgauge_lambda::invoke::Cause;
use streamgauge_lambda::runtime::Runtime;
use streamgauge_lambda::stack::{Destination, Function};

/// A minute in 12 ms.
const SPEED: u32 = 5_000;

fn queue(name: &str) -> Destination {
    Destination::Queue(Arn::queue("eu-west-1", "000000000000", name))
}

fn asynchronous(stand: &Stand, shelf: &Shelf) -> Asynchronous<Runtime, Shelf> {
    let observer = stand.seen.observer();
    let functions = std::slice::from_ref(&stand.function);
    let clock = Clock::hurried(SPEED);
    Asynchronous::new(stand.runtime.clone(), shelf.clone(), clock, observer, functions, 1)
}

/// Sends one event and waits until nothing is to be done: what was sent to destinations, and what happened, each in a word.
async fn sent(stand: &Stand, payload: &str) -> (Vec<(String, String)>, Vec<String>) {
    let shelf = Shelf::default();
    let asynchronous = asynchronous(stand, &shelf);
    asynchronous.send("probe", payload.to_owned().into(), Some("tick".into())).unwrap();
    asynchronous.idle().await;
    let words = stand.seen.pick(|happening| match happening {
        Happening::Invoked { cause: Cause::Asynchronous { schedule, attempt }, ending, .. } => {
            assert_eq!(schedule.as_deref(), Some("tick"));
            Some(match ending {
                Ending::Success => format!("success {attempt}"),
                Ending::Throttled => format!("throttled {attempt}"),
                _ => format!("error {attempt}"),
            })
        }
        Happening::Retried { .. } => Some("again".to_owned()),
        Happening::Discarded { condition, destination, .. } => {
            let place = destination.as_deref().unwrap_or("nowhere");
            Some(format!("{condition} to {}", place.rsplit(':').next().unwrap()))
        }
        Happening::Trouble { .. } => Some("trouble".to_owned()),
        _ => None,
    });
    (shelf.sent(), words)
}

fn failing(change: impl FnOnce(&mut Function)) -> Stand {
    Bench::new().function(change).start()
}

#[tokio::test]
async fn an_event_that_succeeds_is_run_once() {
    let stand = failing(|function| function.asynchronous.on_failure = Some(queue("failed")));
    let (documents, words) = sent(&stand, r#"{"id":1}"#).await;
    assert_eq!(words, ["success 1"]);
    assert_eq!(documents, []);
}

#[tokio::test]
async fn an_event_that_fails_twice_succeeds_at_last() {
    let stand = failing(|_| {});
    let (_, words) = sent(&stand, r#"{"id":1,"do":"fail","times":2}"#).await;
    assert_eq!(words, ["error 1", "again", "error 2", "again", "success 3"]);
}

#[tokio::test]
async fn an_event_that_fails_three_times_goes_to_the_queue() {
    let stand = failing(|function| function.asynchronous.on_failure = Some(queue("failed")));
    let (documents, words) = sent(&stand, r#"{"id":1,"do":"fail"}"#).await;
    assert_eq!(
        words,
        ["error 1", "again", "error 2", "again", "error 3", "RetriesExhausted to failed"]
    );
    let [(place, document)] = documents.as_slice() else { panic!("{documents:?}") };
    assert_eq!(place, "failed");
    let mut document: Value = serde_json::from_str(document).unwrap();
    let last = stand.seen.pick(|happening| match happening {
        Happening::Invoked { request_id, .. } => Some(request_id.to_string()),
        _ => None,
    });
    assert_eq!(document["requestContext"]["requestId"], *last.last().unwrap());
    document["timestamp"].take();
    document["requestContext"]["requestId"].take();
    assert_eq!(
        document,
        json!({
            "version": "1.0",
            "timestamp": null,
            "requestContext": {
                "requestId": null,
                "functionArn": "arn:aws:lambda:eu-west-1:000000000000:function:probe:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": {"id": 1, "do": "fail"},
            "responseContext": {
                "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
            },
            "responsePayload": {
                "errorType": "ProbeFailure",
                "errorMessage": "record 1: it fails, as it was asked",
            },
        })
    );
}

#[tokio::test]
async fn an_event_goes_to_a_bucket_under_awss_name() {
    let stand = failing(|function| {
        function.asynchronous.retry_attempts_max = 0;
        function.asynchronous.on_failure = Some(Destination::Bucket("dead".to_owned()));
    });
    let (documents, words) = sent(&stand, r#"{"id":1,"do":"fail"}"#).await;
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(documents[0].0.starts_with("dead/aws/lambda/async/probe/20"), "{}", documents[0].0);
}

#[tokio::test]
async fn throttles_cost_no_attempt_and_end_with_the_events_age() {
    let bench = Bench::new().interfere(|place| match place.point {
        Point::Asked => Interference::Throttle,
        _ => Interference::None,
    });
    let stand = bench
        .function(|function| {
            function.asynchronous.event_age_max = Duration::from_mins(10);
            function.asynchronous.on_failure = Some(queue("failed"));
        })
        .start();
    let (documents, words) = sent(&stand, r#"{"id":1}"#).await;
    assert!(words.iter().filter(|word| *word == "throttled 1").count() > 3, "{words:?}");
    assert_eq!(words.last().unwrap(), "EventAgeExceeded to failed");
    let document: Value = serde_json::from_str(&documents[0].1).unwrap();
    assert_eq!(document["requestContext"]["approximateInvokeCount"], 0);
    assert_eq!(document["responseContext"], Value::Null);
}

#[tokio::test]
async fn a_reserved_concurrency_of_zero_gives_up_at_once() {
    let stand = failing(|function| {
        function.concurrency_max = Some(0);
        function.asynchronous.on_failure = Some(queue("failed"));
    });
    let (_, words) = sent(&stand, r#"{"id":1}"#).await;
    assert_eq!(words, ["ZeroReservedConcurrency to failed"]);
}

#[tokio::test]
async fn a_destination_that_takes_nothing_is_trouble_and_told() {
    let stand = failing(|function| {
        function.asynchronous.retry_attempts_max = 0;
        function.asynchronous.on_failure = Some(queue("closed"));
    });
    let (_, words) = sent(&stand, r#"{"id":1,"do":"fail"}"#).await;
    let expect = ["error 1", "trouble", "trouble", "trouble", "RetriesExhausted to nowhere"];
    assert_eq!(words, expect);
}

#[tokio::test]
async fn events_that_cannot_be_taken_are_refused() {
    let stand = failing(|_| {});
    let asynchronous = asynchronous(&stand, &Shelf::default());
    let refused = |function: &str, bytes: usize| {
        asynchronous.send(function, vec![b'1'; bytes].into(), None).unwrap_err()
    };
    assert_eq!(refused("other", 1), Refused::NoFunction("other".to_owned()));
    assert_eq!(refused("probe", EVENT_BYTES_MAX + 1), Refused::TooLarge(EVENT_BYTES_MAX + 1));
    assert_eq!(asynchronous.waiting(), 0);
}
