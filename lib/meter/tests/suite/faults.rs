//! What goes wrong on purpose, as its caller and its stand-in see it; and the watcher between two effects.

use super::support::{Frozen, StandIn, call, meter, says, send};
use serde_json::json;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;
use streamgauge_meter::call::{Call, Service};
use streamgauge_meter::faults::{Fault, Faults, Harm, Selector, When};
use streamgauge_meter::limits::Limits;
use streamgauge_meter::proxy::{Meter, Routes};
use streamgauge_meter::unit::Unit;
use streamgauge_meter::watcher::{Phase, Verdict, Watcher};
use tokio::sync::{Mutex, mpsc, oneshot};

const PUT: &str = "DynamoDB_20120810.PutItem";

/// A fault that strikes the second call only.
fn second(harm: Harm) -> Faults {
    let fault = Fault { selector: Selector::default(), when: When::Only(2), harm, at_most: 1 };
    Faults { seed: 1, faults: vec![fault] }
}

/// Calls three times; gives the status of each (0 if the connection was closed) and what reached the stand-in.
async fn three(harm: Harm, clock: &Frozen) -> (Vec<u16>, usize, u64) {
    let stand_in =
        StandIn::start(|_| says(&json!({"ConsumedCapacity": {"CapacityUnits": 1}}))).await;
    let running = meter(&stand_in, Limits::none(), second(harm), clock).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(call(running.address, PUT, "", &json!({})).await.map_or(0, |got| got.status));
    }
    let calls = running.stop().await;
    assert_eq!(calls.amount(&Service::DynamoDb, "PutItem", Unit::Calls), 3);
    assert_eq!(calls.amount(&Service::DynamoDb, "PutItem", Unit::Faults), 1);
    (statuses, stand_in.seen().len(), calls.amount(&Service::DynamoDb, "PutItem", Unit::WriteUnits))
}

#[tokio::test]
async fn throttling_has_no_effect() {
    assert_eq!(three(Harm::Throttle, &Frozen::new()).await, (vec![200, 400, 200], 2, 2));
}

#[tokio::test]
async fn an_error_of_the_service_has_no_effect() {
    assert_eq!(three(Harm::ServerError, &Frozen::new()).await, (vec![200, 500, 200], 2, 2));
}

#[tokio::test]
async fn a_connection_closed_before_the_effect_has_none() {
    assert_eq!(three(Harm::CloseBefore, &Frozen::new()).await, (vec![200, 0, 200], 2, 2));
}

#[tokio::test]
async fn a_lost_answer_has_its_effect_and_its_price() {
    assert_eq!(three(Harm::LoseAnswer, &Frozen::new()).await, (vec![200, 0, 200], 3, 3));
}

#[tokio::test]
async fn a_delay_goes_by_the_clock() {
    let clock = Frozen::new();
    let delay = Duration::from_secs(7);
    assert_eq!(three(Harm::Delay(delay), &clock).await, (vec![200, 200, 200], 3, 3));
    assert_eq!(clock.slept(), [delay]);
}

/// More than sockets hold. A caller that speaks to its end before it listens would lose an answer that comes before.
#[tokio::test]
async fn a_large_body_is_read_before_it_is_refused() {
    let stand_in = StandIn::start(|_| says(&json!({}))).await;
    let fault = Fault { when: When::Only(1), ..second(Harm::Throttle).faults.remove(0) };
    let faults = Faults { seed: 1, faults: vec![fault] };
    let running = meter(&stand_in, Limits::none(), faults, &Frozen::new()).await;
    let address = running.address;
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let scope = "Credential=AK/1/us-east-1/s3/aws4_request, SignedHeaders=host";
        let head = format!(
            "PUT /bucket/key HTTP/1.1\r\nhost: a\r\nauthorization: AWS4-HMAC-SHA256 {scope}\r\n\
             connection: close\r\ncontent-length: 20000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![b'x'; 20_000_000]).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(stand_in.seen().is_empty());
}

#[tokio::test]
async fn throttling_speaks_the_protocol_of_its_caller() {
    let stand_in = StandIn::start(|_| says(&json!({}))).await;
    let fault = Fault {
        selector: Selector::default(),
        when: When::Every(1),
        harm: Harm::Throttle,
        at_most: 9,
    };
    let faults = Faults { seed: 1, faults: vec![fault] };
    let running = meter(&stand_in, Limits::none(), faults, &Frozen::new()).await;
    let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
    let got = send(running.address, ("POST", path), &[("smithy-protocol", "rpc-v2-cbor")], "")
        .await
        .unwrap();
    assert_eq!((got.status, got.header("x-amzn-query-error")), (400, "Throttling;Sender"));
    assert_eq!(got.header("content-type"), "application/cbor");
    let s3 = ("authorization", "AWS4-HMAC-SHA256 Credential=AK/1/us-east-1/s3/aws4_request, A=b");
    let xml = send(running.address, ("GET", "/bucket/key"), &[s3], "").await.unwrap();
    assert_eq!((xml.status, xml.header("content-type")), (503, "application/xml"));
    let json = call(running.address, "AmazonSQS.SendMessage", "", &json!({})).await.unwrap();
    assert_eq!(json.json()["__type"], "com.amazonaws.sqs#RequestThrottled");
    assert!(stand_in.seen().is_empty());
}

/// Tells each moment, and waits for what to do.
#[derive(Debug)]
struct Asking(Mutex<mpsc::Sender<(String, Phase, oneshot::Sender<Verdict>)>>);

impl Watcher for Asking {
    async fn at(&self, call: &Call, phase: Phase) -> Verdict {
        let (answer, verdict) = oneshot::channel();
        let moment = (format!("{} {}", call.caller, call.operation), phase, answer);
        self.0.lock().await.send(moment).await.unwrap();
        verdict.await.unwrap()
    }
}

#[tokio::test]
async fn the_watcher_stands_between_two_effects() {
    let stand_in = Arc::new(StandIn::start(|_| says(&json!({}))).await);
    let (sender, mut moments) = mpsc::channel(1);
    let watcher = Asking(Mutex::new(sender));
    let routes = Routes::all_to(stand_in.address);
    let running = Meter::start(routes, Limits::none(), Faults::default(), watcher, Frozen::new())
        .await
        .unwrap();
    let address = running.address;
    let calling = || {
        tokio::spawn(
            async move { call(address, PUT, "f/1", &json!({})).await.map(|got| got.status) },
        )
    };

    // Closed before: no effect.
    let first = calling();
    let (who, phase, verdict) = moments.recv().await.unwrap();
    assert_eq!((&*who, phase), ("f/1 PutItem", Phase::Before));
    verdict.send(Verdict::Close).unwrap();
    assert!(first.await.unwrap().is_err());
    assert_eq!(stand_in.seen().len(), 0);

    // Held before the effect and after it, then closed.
    let second = calling();
    let (_, held, go_on) = moments.recv().await.unwrap();
    assert_eq!((held, stand_in.seen().len()), (Phase::Before, 0));
    go_on.send(Verdict::GoOn).unwrap();
    let (_, after, close) = moments.recv().await.unwrap();
    assert_eq!((after, stand_in.seen().len(), second.is_finished()), (Phase::After, 1, false));
    close.send(Verdict::Close).unwrap();
    assert!(second.await.unwrap().is_err());

    // Let go.
    let third = calling();
    for _ in 0..2 {
        moments.recv().await.unwrap().2.send(Verdict::GoOn).unwrap();
    }
    assert_eq!(third.await.unwrap().unwrap(), 200);
    assert_eq!(running.stop().await.amount(&Service::DynamoDb, "PutItem", Unit::Calls), 3);
}
