//! Asynchronous invocations of the probe, on a clock that makes minutes short.

use super::{Bench, Folder, Stand, services};
use serde_json::{Value, json};
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::asynchronous::{Asynchronous, EVENT_BYTES_MAX, Refused};
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::embedded::Embedded;
use streamgauge_lambda::happening::{Ending, Happening};
use streamgauge_lambda::interfere::{Interference, Point};
use streamgauge_lambda::invoke::Cause;
use streamgauge_lambda::queue::Queue;
use streamgauge_lambda::runtime::Runtime;
use streamgauge_lambda::services::Services;
use streamgauge_lambda::stack::{Destination, Function};

/// A minute in 12 ms.
const SPEED: u32 = 5_000;

/// Where events go that are given up.
fn failed() -> Arn {
    Arn::queue("eu-west-1", "000000000000", "failed")
}

fn asynchronous(
    stand: &Stand,
    clock: Clock,
    services: &Embedded,
) -> Asynchronous<Runtime, Embedded> {
    let observer = stand.seen.observer();
    let functions = std::slice::from_ref(&stand.function);
    Asynchronous::new(stand.runtime.clone(), services.clone(), clock, observer, functions, 1)
}

/// Sends one event and waits until nothing is to be done: the services, and what happened, each in a word.
async fn sent(stand: &Stand, payload: &str, folder: Option<&Folder>) -> (Embedded, Vec<String>) {
    let clock = Clock::hurried(SPEED);
    let services = services(&clock, folder);
    let asynchronous = asynchronous(stand, clock, &services);
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
    (services, words)
}

/// The documents that came to the queue.
async fn documents(services: &Embedded) -> Vec<Value> {
    let messages = services.queue(&failed()).receive(10, Duration::ZERO).await.unwrap();
    messages.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
}

fn failing(change: impl FnOnce(&mut Function)) -> Stand {
    Bench::new().function(change).start()
}

#[tokio::test]
async fn an_event_that_succeeds_is_run_once() {
    let stand =
        failing(|function| function.asynchronous.on_failure = Some(Destination::Queue(failed())));
    let (services, words) = sent(&stand, r#"{"id":1}"#, None).await;
    assert_eq!(words, ["success 1"]);
    assert_eq!(documents(&services).await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_event_that_fails_twice_succeeds_at_last() {
    let stand = failing(|_| {});
    let (_, words) = sent(&stand, r#"{"id":1,"do":"fail","times":2}"#, None).await;
    assert_eq!(words, ["error 1", "again", "error 2", "again", "success 3"]);
}

#[tokio::test]
async fn an_event_that_fails_three_times_goes_to_the_queue() {
    let stand =
        failing(|function| function.asynchronous.on_failure = Some(Destination::Queue(failed())));
    let (services, words) = sent(&stand, r#"{"id":1,"do":"fail"}"#, None).await;
    assert_eq!(
        words,
        ["error 1", "again", "error 2", "again", "error 3", "RetriesExhausted to failed"]
    );
    let [mut document] = <[Value; 1]>::try_from(documents(&services).await).unwrap();
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
    let (services, words) = sent(&stand, r#"{"id":1,"do":"fail"}"#, None).await;
    assert_eq!(words.len(), 2, "{words:?}");
    let [key] = <[String; 1]>::try_from(services.keys("dead")).unwrap();
    assert!(key.starts_with("aws/lambda/async/probe/20"), "{key}");
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
            function.asynchronous.on_failure = Some(Destination::Queue(failed()));
        })
        .start();
    let (services, words) = sent(&stand, r#"{"id":1}"#, None).await;
    assert!(words.iter().filter(|word| *word == "throttled 1").count() > 3, "{words:?}");
    assert_eq!(words.last().unwrap(), "EventAgeExceeded to failed");
    let document = &documents(&services).await[0];
    assert_eq!(document["requestContext"]["approximateInvokeCount"], 0);
    assert_eq!(document["responseContext"], Value::Null);
}

#[tokio::test]
async fn a_reserved_concurrency_of_zero_gives_up_at_once() {
    let stand = failing(|function| {
        function.concurrency_max = Some(0);
        function.asynchronous.on_failure = Some(Destination::Queue(failed()));
    });
    let (_, words) = sent(&stand, r#"{"id":1}"#, None).await;
    assert_eq!(words, ["ZeroReservedConcurrency to failed"]);
}

#[tokio::test]
async fn a_destination_that_takes_nothing_is_trouble_and_told() {
    let stand = failing(|function| {
        function.asynchronous.retry_attempts_max = 0;
        function.asynchronous.on_failure = Some(Destination::Bucket("..".to_owned()));
    });
    let (_, words) = sent(&stand, r#"{"id":1,"do":"fail"}"#, Some(&stand.folder)).await;
    let expect = ["error 1", "trouble", "trouble", "trouble", "RetriesExhausted to nowhere"];
    assert_eq!(words, expect);
}

#[tokio::test]
async fn events_that_cannot_be_taken_are_refused() {
    let stand = failing(|_| {});
    let clock = Clock::real();
    let services = services(&clock, None);
    let asynchronous = asynchronous(&stand, clock, &services);
    let refused = |function: &str, bytes: usize| {
        asynchronous.send(function, vec![b'1'; bytes].into(), None).unwrap_err()
    };
    assert_eq!(refused("other", 1), Refused::NoFunction("other".to_owned()));
    assert_eq!(refused("probe", EVENT_BYTES_MAX + 1), Refused::TooLarge(EVENT_BYTES_MAX + 1));
    assert_eq!(asynchronous.waiting(), 0);
}
