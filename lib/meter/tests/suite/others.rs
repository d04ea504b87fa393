//! `CloudWatch` in CBOR and as a form; SQS in both its protocols.

use super::support::{Frozen, StandIn, call, meter, says, send};
use ciborium::Value as Cbor;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use std::io::Write;
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::Faults;
use streamgauge_meter::limits::Limits;
use streamgauge_meter::unit::Unit;

const PUT: (&str, &str) =
    ("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData");
const RPC: [(&str, &str); 3] = [
    ("smithy-protocol", "rpc-v2-cbor"),
    ("content-type", "application/cbor"),
    ("content-encoding", "gzip"),
];

fn text(text: &str) -> Cbor {
    Cbor::Text(text.to_owned())
}

/// A packed `PutMetricData` of data with these names and values.
fn packed(data: &[(&str, f64)]) -> Vec<u8> {
    let datum = |(name, value): &(&str, f64)| {
        Cbor::Map(vec![(text("MetricName"), text(name)), (text("Value"), Cbor::Float(*value))])
    };
    let data = Cbor::Array(data.iter().map(datum).collect());
    let request = Cbor::Map(vec![(text("Namespace"), text("shop")), (text("MetricData"), data)]);
    let mut body = Vec::new();
    ciborium::into_writer(&request, &mut body).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn metrics_are_counted_once_an_hour() {
    let stand_in = StandIn::start(|_| (200, vec![], vec![])).await;
    let clock = Frozen::new();
    let running = meter(&stand_in, Limits::all(), Faults::default(), &clock).await;
    let body = packed(&[("a", 1.0), ("a", 2.0), ("b", 3.0)]);
    for hour in [0, 0, 1] {
        clock.advance_ms(hour * 3_600_000);
        let got = send(running.address, PUT, &RPC, body.clone()).await.unwrap();
        assert_eq!(got.status, 200);
    }
    assert!(stand_in.seen().iter().all(|seen| *seen.body == *body));
    let calls = running.stop().await;
    let amount = |unit| calls.amount(&Service::CloudWatch, "PutMetricData", unit);
    assert_eq!((amount(Unit::MetricRequests), amount(Unit::Data)), (3, 3 * 3));
    assert_eq!(amount(Unit::MetricHours), 2 + 2); // two metrics in two hours
}

#[tokio::test]
async fn a_number_that_is_none_is_refused_in_cbor() {
    let stand_in = StandIn::start(|_| (200, vec![], vec![])).await;
    let running = meter(&stand_in, Limits::all(), Faults::default(), &Frozen::new()).await;
    let got =
        send(running.address, PUT, &RPC, packed(&[("a", 1.0), ("b", f64::NAN)])).await.unwrap();
    assert_eq!((got.status, got.header("smithy-protocol")), (400, "rpc-v2-cbor"));
    assert_eq!(got.header("x-amzn-query-error"), "InvalidParameterValue;Sender");
    let body: Cbor = ciborium::from_reader(&*got.body).unwrap();
    let members = body.into_map().unwrap();
    assert_eq!(
        members[0].1.as_text(),
        Some("com.amazonaws.cloudwatch#InvalidParameterValueException")
    );
    assert!(members[1].1.as_text().unwrap().starts_with("MetricData.member.2: the value NaN"));
    assert!(stand_in.seen().is_empty());
    let calls = running.stop().await;
    assert_eq!(calls.amount(&Service::CloudWatch, "PutMetricData", Unit::Limited), 1);
    assert_eq!(calls.amount(&Service::CloudWatch, "PutMetricData", Unit::MetricRequests), 0);
}

#[tokio::test]
async fn forms_are_understood() {
    let stand_in = StandIn::start(|_| (200, vec![], b"<ok/>".to_vec())).await;
    let running = meter(&stand_in, Limits::all(), Faults::default(), &Frozen::new()).await;
    let scope = |service: &str| {
        format!("AWS4-HMAC-SHA256 Credential=AK/1/us-east-1/{service}/aws4_request, A=b")
    };
    let form = async |service: &str, body: &'static str| {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", &scope(service)),
        ];
        send(running.address, ("POST", "/"), &headers, body).await.unwrap()
    };
    form("monitoring", "Action=PutMetricData&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Value=1").await;
    let refused = form("monitoring", "Action=PutMetricData&Namespace=AWS/x").await;
    let body = String::from_utf8(refused.body.to_vec()).unwrap();
    assert!(body.contains("<Code>InvalidParameterValue</Code>"), "{body}");
    form("sqs", "Action=SendMessage&QueueUrl=http://h/1/q.fifo&MessageBody=x").await;
    form("iam", "Action=ListRoles").await;
    let calls = running.stop().await;
    assert_eq!(calls.amount(&Service::CloudWatch, "PutMetricData", Unit::Data), 1);
    assert_eq!(calls.amount(&Service::Sqs, "SendMessage", Unit::FifoRequests), 1);
    assert_eq!(calls.amount(&Service::Other("iam".into()), "ListRoles", Unit::Calls), 1);
}

#[tokio::test]
async fn empty_receives_are_billed() {
    let stand_in = StandIn::start(|_| says(&json!({}))).await;
    let running = meter(&stand_in, Limits::none(), Faults::default(), &Frozen::new()).await;
    call(running.address, "AmazonSQS.ReceiveMessage", "", &json!({"QueueUrl": "q"})).await.unwrap();
    let calls = running.stop().await;
    assert_eq!(calls.amount(&Service::Sqs, "ReceiveMessage", Unit::Requests), 1);
    assert_eq!(calls.amount(&Service::Sqs, "ReceiveMessage", Unit::MessagesOut), 0);
}
