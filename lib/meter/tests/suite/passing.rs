//! What the proxy has nothing to say about passes as it is; who called what is counted.

use super::support::{Frozen, StandIn, call, meter, says, send};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_meter::call::Service;
use streamgauge_meter::clock::RealClock;
use streamgauge_meter::faults::Faults;
use streamgauge_meter::limits::Limits;
use streamgauge_meter::proxy::{BODY_BYTES_MAX, Meter, Routes};
use streamgauge_meter::unit::Unit;
use streamgauge_meter::watcher::Unwatched;
use tokio::net::TcpStream;
use tokio::sync::Notify;

const S3: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/s3/aws4_request, SignedHeaders=host",
);

#[tokio::test]
async fn a_request_and_its_answer_pass_byte_by_byte() {
    let answer = (
        201,
        vec![
            ("x-thing", "1".to_owned()),
            ("connection", "x-hop".to_owned()),
            ("x-hop", "1".to_owned()),
        ],
        b"{ \"a\" :1 }".to_vec(),
    );
    let stand_in = StandIn::start(move |_| answer.clone()).await;
    let running = meter(&stand_in, Limits::all(), Faults::default(), &Frozen::new()).await;
    let headers = [
        ("x-amz-target", "DynamoDB_20120810.DescribeTable"),
        ("x-mine", "2"),
        ("te", "trailers"),
        ("host", "here"),
    ];
    let got = send(running.address, ("POST", "/p?q=1"), &headers, "{ \"TableName\":\n\"t\" }")
        .await
        .unwrap();
    assert_eq!(
        (got.status, &*got.body, got.header("x-thing"), got.header("x-hop")),
        (201, &b"{ \"a\" :1 }"[..], "1", "")
    );
    let seen = &stand_in.seen()[0];
    assert_eq!(
        (&*seen.method, &*seen.path, &*seen.body),
        ("POST", "/p?q=1", &b"{ \"TableName\":\n\"t\" }"[..])
    );
    assert_eq!(
        (seen.headers["x-mine"].as_bytes(), seen.headers["host"].as_bytes()),
        (&b"2"[..], &b"here"[..])
    );
    assert!(!seen.headers.contains_key("te"));
}

#[tokio::test]
async fn s3_is_counted_by_class_and_passes_large_bodies() {
    let stand_in = StandIn::start(|seen| (200, vec![], seen.body.to_vec())).await;
    let running = meter(&stand_in, Limits::all(), Faults::default(), &Frozen::new()).await;
    let large = vec![7; BODY_BYTES_MAX + 1];
    let got = send(running.address, ("PUT", "/bucket/key"), &[S3], large.clone()).await.unwrap();
    assert!(got.body == large);
    send(running.address, ("GET", "/bucket/key"), &[S3], "").await.unwrap();
    send(running.address, ("DELETE", "/bucket/key"), &[S3], "").await.unwrap();
    let calls = running.stop().await;
    assert_eq!(calls.amount(&Service::S3, "Put", Unit::PutRequests), 1);
    assert_eq!(calls.amount(&Service::S3, "Get", Unit::GetRequests), 1);
    assert_eq!(calls.amount(&Service::S3, "Delete", Unit::Calls), 1);
    assert_eq!(calls.amount(&Service::S3, "Delete", Unit::GetRequests), 0);
}

#[tokio::test]
async fn a_body_that_cannot_be_held_is_refused() {
    let stand_in = StandIn::start(|_| says(&json!({}))).await;
    let running = meter(&stand_in, Limits::none(), Faults::default(), &Frozen::new()).await;
    let headers = [("x-amz-target", "DynamoDB_20120810.PutItem")];
    let body = vec![b' '; 2 * BODY_BYTES_MAX];
    let got = send(running.address, ("POST", "/"), &headers, body).await.unwrap();
    assert_eq!(got.status, 413);
    assert!(stand_in.seen().is_empty());
    assert_eq!(running.stop().await.amount(&Service::DynamoDb, "PutItem", Unit::Limited), 1);
}

#[tokio::test]
async fn services_have_their_own_stand_ins() {
    let (kinesis, rest) =
        (StandIn::start(|_| says(&json!({}))).await, StandIn::start(|_| says(&json!({}))).await);
    let by_service = BTreeMap::from([(Service::Kinesis, kinesis.address)]);
    let routes = Routes { by_service, rest: rest.address };
    let meter = Meter::start(routes, Limits::none(), Faults::default(), Unwatched, RealClock);
    let running = meter.await.unwrap();
    call(running.address, "Kinesis_20131202.ListStreams", "", &json!({})).await.unwrap();
    call(running.address, "AmazonSQS.ListQueues", "", &json!({})).await.unwrap();
    assert_eq!((kinesis.seen_of("ListStreams").len(), rest.seen_of("ListQueues").len()), (1, 1));
    assert_eq!((kinesis.seen().len(), rest.seen().len()), (1, 1));
}

#[tokio::test]
async fn calls_are_counted_by_caller() {
    let stand_in = StandIn::start(|_| says(&json!({"MessageId": "1"}))).await;
    let running = meter(&stand_in, Limits::none(), Faults::default(), &Frozen::new()).await;
    for caller in ["aggregate/1", "aggregate/2", "settle/1"] {
        let message = json!({"QueueUrl": "q", "MessageBody": "x".repeat(65 * 1024)});
        call(running.address, "AmazonSQS.SendMessage", caller, &message).await.unwrap();
    }
    let calls = running.calls();
    assert_eq!(
        calls.callers().into_iter().collect::<Vec<_>>(),
        ["aggregate/1", "aggregate/2", "settle/1"]
    );
    // 65 KB are 2 requests.
    assert_eq!(calls.amount(&Service::Sqs, "SendMessage", Unit::Requests), 3 * 2);
    let aggregate = calls.of_caller("aggregate/");
    assert_eq!(aggregate.amount(&Service::Sqs, "SendMessage", Unit::Requests), 2 * 2);
    let bill = running.bill(streamgauge_meter::bill::Terms::default());
    assert_eq!(bill.total().to_string(), "0.0000024"); // 6 requests at 0.40 dollars a million
}

#[tokio::test]
async fn a_stand_in_that_is_not_there_is_named() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let meter =
        Meter::start(Routes::all_to(gone), Limits::none(), Faults::default(), Unwatched, RealClock);
    let running = meter.await.unwrap();
    let got = call(running.address, "DynamoDB_20120810.GetItem", "", &json!({})).await.unwrap();
    assert_eq!((got.status, got.header("x-amzn-errortype")), (503, "ServiceUnavailable"));
    let message = got.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with(&format!("the stand-in of dynamodb at {gone} does not answer: ")),
        "{message}"
    );
    assert_eq!(running.stop().await.amount(&Service::DynamoDb, "GetItem", Unit::Errors), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_caller_goes_is_done_and_counted() {
    let (began, release) = (Arc::new(Notify::new()), Arc::new(std::sync::Barrier::new(2)));
    let (tell, wait) = (Arc::clone(&began), Arc::clone(&release));
    let stand_in = StandIn::start(move |_| {
        tell.notify_one();
        wait.wait();
        says(&json!({"ConsumedCapacity": {"CapacityUnits": 3}}))
    })
    .await;
    let running = meter(&stand_in, Limits::none(), Faults::default(), &Frozen::new()).await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let request = b"POST / HTTP/1.1\r\nhost: a\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: 2\r\n\r\n{}";
    stream.writable().await.unwrap();
    assert_eq!(stream.try_write(request).unwrap(), request.len());
    began.notified().await;
    drop(stream);
    tokio::task::spawn_blocking(move || release.wait()).await.unwrap();
    assert_eq!(running.stop().await.amount(&Service::DynamoDb, "PutItem", Unit::WriteUnits), 3);
}

#[tokio::test]
async fn what_cannot_be_read_passes_and_says_so() {
    let stand_in = StandIn::start(|_| says(&json!({}))).await;
    let running = meter(&stand_in, Limits::all(), Faults::default(), &Frozen::new()).await;
    for target in ["DynamoDB_20120810.PutItem", "Kinesis_20131202.PutRecords"] {
        let got =
            send(running.address, ("POST", "/"), &[("x-amz-target", target)], "{").await.unwrap();
        assert_eq!(got.status, 200);
    }
    assert!(stand_in.seen().iter().all(|seen| &*seen.body == b"{"));
    let calls = running.stop().await;
    assert_eq!(calls.amount(&Service::DynamoDb, "PutItem", Unit::Unread), 1);
    assert_eq!(calls.amount(&Service::Kinesis, "PutRecords", Unit::Unread), 1);
}
