//! Lambda's Invoke API, as SDKs and the AWS CLI call it.

use super::{Bench, Seen, Stand, http, services};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::sync::Arc;
use streamgauge_lambda::asynchronous::Asynchronous;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::embedded::Embedded;
use streamgauge_lambda::happening::{Happening, Observer};
use streamgauge_lambda::interfere::{Interference, Point};
use streamgauge_lambda::invoke::{Cause, REQUEST_BYTES_MAX};
use streamgauge_lambda::invoke_api::tails::Tails;
use streamgauge_lambda::invoke_api::{Behind, InvokeApi, serve};
use streamgauge_lambda::runtime::Runtime;

struct Served {
    api: InvokeApi,
    asynchronous: Asynchronous<Runtime, Embedded>,
    seen: Arc<Seen>,
    _stand: Stand,
}

/// Serves the API for the probe. The runtime's observer is the one that keeps the tails.
async fn served(bench: Bench) -> Served {
    let seen = Arc::new(Seen::default());
    let tails = Tails::before(seen.observer());
    let observer: Arc<dyn Observer> = Arc::new(tails.clone());
    let functions = [bench.function.clone()];
    let runtime = Runtime::new(
        &functions,
        bench.settings.clone(),
        Arc::clone(&observer),
        Arc::clone(&bench.interfere),
    )
    .unwrap();
    let clock = Clock::real();
    let asynchronous = Asynchronous::new(
        runtime.clone(),
        services(&clock, None),
        clock,
        Arc::clone(&observer),
        &functions,
        1,
    );
    let behind = Behind { invoke: runtime, asynchronous: asynchronous.clone(), observer, tails };
    let api = serve(0, &functions, behind).await.unwrap();
    Served { api, asynchronous, seen, _stand: bench.start() }
}

impl Served {
    /// The status, the head in lower case, and the body.
    async fn post(&self, function: &str, headers: &str, body: &[u8]) -> (u16, String, String) {
        let request = format!("POST /2015-03-31/functions/{function}/invocations");
        http(&self.api.address().to_string(), &request, headers, body).await.unwrap()
    }
}

/// What a request is refused with: the status, the type in the header, and the message's beginning.
#[track_caller]
fn check(answer: &(u16, String, String), status: u16, error_type: &str, message: &str) {
    let (found, head, body) = answer;
    assert_eq!(*found, status, "{body}");
    assert!(head.contains(&format!("x-amzn-errortype: {error_type}")), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    let told = body.get("Message").or(body.get("message")).unwrap().as_str().unwrap();
    assert!(told.starts_with(message), "{told}");
}

#[tokio::test]
async fn a_caller_who_waits_gets_the_answer() {
    let served = served(Bench::new()).await;
    let (status, head, body) = served.post("probe", "", br#"{"id":7}"#).await;
    assert_eq!(status, 200);
    assert!(head.contains("x-amz-executed-version: $LATEST"), "{head}");
    assert!(!head.contains("x-amz-function-error"), "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["id"], "7");
    assert!(head.contains(&format!("x-amzn-requestid: {}", body["request"].as_str().unwrap())));
    let causes = served.seen.pick(|happening| match happening {
        Happening::Invoked { cause, .. } => Some(cause.clone()),
        _ => None,
    });
    assert_eq!(causes, [Cause::Direct]);
}

#[tokio::test]
async fn an_error_is_an_answer_with_a_header() {
    let served = served(Bench::new()).await;
    let (status, head, body) = served.post("probe", "", br#"{"id":7,"do":"fail"}"#).await;
    assert_eq!(status, 200);
    assert!(head.contains("x-amz-function-error: Unhandled"), "{head}");
    let expect =
        r#"{"errorType":"ProbeFailure","errorMessage":"record 7: it fails, as it was asked"}"#;
    assert_eq!(body, expect);
}

#[tokio::test]
async fn a_caller_may_have_the_end_of_the_log() {
    let served = served(Bench::new()).await;
    let print = br#"{"id":7,"do":"print","text":"hello"}"#;
    let (_, head, _) = served.post("probe", "X-Amz-Log-Type: Tail\r\n", print).await;
    let tail = head.lines().find_map(|line| line.strip_prefix("x-amz-log-result: ")).unwrap();
    let tail = String::from_utf8(STANDARD.decode(tail).unwrap()).unwrap();
    let words: Vec<&str> = tail.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(words, ["START", "hello", "END", "REPORT"]);
    let (_, other, _) = served.post("probe", "", print).await;
    assert!(!other.contains("x-amz-log-result"), "{other}");
}

#[tokio::test]
async fn a_caller_who_does_not_wait_is_told_so_and_the_function_runs() {
    let served = served(Bench::new()).await;
    let event = "X-Amz-Invocation-Type: Event\r\n";
    let (status, _, body) = served.post("probe", event, br#"{"id":7}"#).await;
    assert_eq!((status, body.as_str()), (202, ""));
    served.asynchronous.idle().await;
    let invoked = served.seen.pick(|happening| match happening {
        Happening::Invoked { cause, .. } => Some(cause.clone()),
        _ => None,
    });
    assert_eq!(invoked, [Cause::Asynchronous { schedule: None, attempt: 1 }]);
}

#[tokio::test]
async fn a_dry_run_runs_nothing() {
    let served = served(Bench::new()).await;
    let (status, ..) = served.post("probe", "X-Amz-Invocation-Type: DryRun\r\n", b"{}").await;
    assert_eq!(status, 204);
    assert_eq!(served.seen.log(), []);
}

#[tokio::test]
async fn what_cannot_be_done_is_told_in_awss_words() {
    let served = served(Bench::new()).await;
    let told = async |function: &str, headers: &str, body: &[u8], expect: (u16, &str, &str)| {
        let answer = served.post(function, headers, body).await;
        check(&answer, expect.0, expect.1, expect.2);
    };
    let none = (404, "ResourceNotFoundException", "Function not found: other");
    told("other", "", b"{}", none).await;
    let no_json = (400, "InvalidRequestContentException", "Could not parse request body into json");
    told("probe", "", b"{oops", no_json).await;
    let large = vec![b'1'; REQUEST_BYTES_MAX + 1];
    let too_large = |message| (413, "RequestTooLargeException", message);
    let waiting = "Request must be smaller than 6291456 bytes for the InvokeFunction operation";
    told("probe", "", &large, too_large(waiting)).await;
    let event = "X-Amz-Invocation-Type: Event\r\n";
    told("probe", event, &large, too_large("Request must be smaller than 1048576 bytes")).await;
    let no_kind = (400, "InvalidParameterValueException", "Unknown invocation type `Often`");
    told("probe", "X-Amz-Invocation-Type: Often\r\n", b"{}", no_kind).await;
}

#[tokio::test]
async fn a_throttle_is_429() {
    let bench = Bench::new().function(|function| function.concurrency_max = Some(1));
    let served = served(bench.interfere(|place| match place.point {
        Point::Asked => Interference::Throttle,
        _ => Interference::None,
    }))
    .await;
    let answer = served.post("probe", "", b"{}").await;
    check(&answer, 429, "TooManyRequestsException", "Rate Exceeded.");
    let reason = r#""Reason":"ReservedFunctionConcurrentInvocationLimitExceeded""#;
    assert!(answer.2.contains(reason), "{}", answer.2);
}

#[tokio::test]
async fn the_largest_event_is_taken() {
    let served = served(Bench::new()).await;
    let filler = "x".repeat(REQUEST_BYTES_MAX - r#"{"id":7,"x":""}"#.len());
    let event = format!(r#"{{"id":7,"x":"{filler}"}}"#);
    let (status, head, _) = served.post("probe", "", event.as_bytes()).await;
    assert_eq!((status, head.contains("x-amz-function-error")), (200, false));
}
