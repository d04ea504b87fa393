//! The documents about records that are given up, byte for byte.

use super::bench::{Bench, UUID};
use super::stand::Stand;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;
use streamgauge_lambda::happening::Happening;
use streamgauge_lambda::stack::Destination;

const FAIL_3: &str = r#"{"3":{"do":"fail"}}"#;

/// Records arrive at 250 ms after a full second, some seconds ago.
fn bench() -> Bench {
    Bench::new(1).dress(|id, record| {
        let second = record.arrival.as_second() - 60 + i64::try_from(id).unwrap();
        record.arrival = Timestamp::from_millisecond(second * 1000 + 250).unwrap();
    })
}

/// The document about records from one id to another, as AWS writes it, without the payload and its end.
fn written(
    stand: &Stand,
    request: &str,
    (condition, invoked): (&str, usize),
    response: &str,
    timestamp: &str,
    (from, to): (usize, usize),
) -> String {
    let [first, last] = [from, to].map(|id| stand.world.told(id));
    [
        r#"{"requestContext":{"requestId":""#,
        request,
        r#"","functionArn":"arn:aws:lambda:eu-west-1:000000000000:function:probe","condition":""#,
        condition,
        r#"","approximateInvokeCount":"#,
        &invoked.to_string(),
        "}",
        response,
        r#","version":"1.0","timestamp":""#,
        timestamp,
        r#"","KinesisBatchInfo":{"shardId":"shardId-000000000000","startSequenceNumber":""#,
        first.sequence_number.as_str(),
        r#"","endSequenceNumber":""#,
        last.sequence_number.as_str(),
        r#"","approximateArrivalOfFirstRecord":""#,
        &first.arrival.strftime("%Y-%m-%dT%H:%M:%S.250Z").to_string(),
        r#"","approximateArrivalOfLastRecord":""#,
        &last.arrival.strftime("%Y-%m-%dT%H:%M:%S.250Z").to_string(),
        r#"","batchSize":"#,
        &(to - from + 1).to_string(),
        r#","streamArn":"arn:aws:kinesis:eu-west-1:000000000000:stream/orders"}"#,
    ]
    .concat()
}

const UNHANDLED: &str = r#","responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"}"#;
const NO_ERROR: &str =
    r#","responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":null}"#;

/// The request ids of all invocations.
fn requests(stand: &Stand) -> Vec<String> {
    stand.watch.pick(|_, happening| match happening {
        Happening::Invoked { request_id, .. } => Some(request_id.to_string()),
        _ => None,
    })
}

/// The one document in the queue, and its time.
async fn told(stand: &Stand) -> (String, String) {
    let [document] = <[String; 1]>::try_from(stand.lost().await).unwrap();
    let timestamp = timestamp(&document);
    (document, timestamp)
}

fn timestamp(document: &str) -> String {
    let document: Value = serde_json::from_str(document).unwrap();
    let timestamp = document["timestamp"].as_str().unwrap().to_owned();
    assert!(timestamp.parse::<Timestamp>().is_ok() && timestamp.ends_with('Z'), "{timestamp}");
    timestamp
}

#[tokio::test]
async fn a_queue_gets_the_metadata_of_the_one_bad_record() {
    let bench = bench().doing(FAIL_3).retries(Some(2)).bisecting().telling_queue();
    let stand = bench.check("1 2 3 4", &["1 2 3 4", "1 2", "3 4", "3", "3", "3", "4"]).await;
    let (document, timestamp) = told(&stand).await;
    let exhausted = ("RetryAttemptsExhausted", 3);
    let last = &requests(&stand)[5];
    let expect = written(&stand, last, exhausted, UNHANDLED, &timestamp, (3, 3));
    assert_eq!(document, format!("{expect}}}"));
}

#[tokio::test]
async fn a_queue_gets_one_document_about_a_whole_batch() {
    let bench = bench().doing(FAIL_3).retries(Some(1)).telling_queue();
    let stand = bench.check("1 2 3 4", &["1 2 3 4", "1 2 3 4"]).await;
    let (document, timestamp) = told(&stand).await;
    let exhausted = ("RetryAttemptsExhausted", 2);
    let expect = written(&stand, &requests(&stand)[1], exhausted, UNHANDLED, &timestamp, (1, 4));
    assert_eq!(document, format!("{expect}}}"));
}

#[tokio::test]
async fn records_that_the_function_returned_have_no_function_error() {
    let bench = bench().doing(FAIL_3).reporting("first").retries(Some(1)).telling_queue();
    let stand = bench.check("1 2 3 4", &["1 2 3 4", "3 4"]).await;
    let (document, timestamp) = told(&stand).await;
    let exhausted = ("RetryAttemptsExhausted", 2);
    let expect = written(&stand, &requests(&stand)[1], exhausted, NO_ERROR, &timestamp, (3, 4));
    assert_eq!(document, format!("{expect}}}"));
}

#[tokio::test]
async fn records_that_were_too_old_have_no_response() {
    let bench = bench().telling_queue();
    let bench = bench.mapping(|mapping| mapping.record_age_max = Some(Duration::from_mins(30)));
    let bench = bench.dress(|id, record| {
        let hours = if id < 3 { 2 } else { 0 };
        let second = record.arrival.as_second() - hours * 3600;
        record.arrival = Timestamp::from_millisecond(second * 1000 + 250).unwrap();
    });
    let stand = bench.check("1 2 3", &["3"]).await;
    let (document, timestamp) = told(&stand).await;
    let parsed: Value = serde_json::from_str(&document).unwrap();
    let request = parsed["requestContext"]["requestId"].as_str().unwrap();
    let expect = written(&stand, request, ("RecordAgeExceeded", 1), "", &timestamp, (1, 2));
    assert_eq!(document, format!("{expect}}}"));
}

#[tokio::test]
async fn a_bucket_gets_the_metadata_and_the_whole_event() {
    let bench = bench().doing(FAIL_3).retries(Some(1));
    let bench = bench.mapping(|mapping| {
        mapping.on_failure = Some(Destination::Bucket("lost".to_owned()));
    });
    let stand = bench.check("3 4", &["3 4", "3 4"]).await;
    let [key] = <[String; 1]>::try_from(stand.world.embedded.keys("lost")).unwrap();
    let object = stand.world.embedded.object("lost", &key).unwrap();
    let document = String::from_utf8(object.to_vec()).unwrap();
    let timestamp = timestamp(&document);
    let exhausted = ("RetryAttemptsExhausted", 2);
    let expect = written(&stand, &requests(&stand)[1], exhausted, UNHANDLED, &timestamp, (3, 4));
    let payload = serde_json::to_string(&stand.events()[1]).unwrap();
    assert_eq!(document, format!("{expect},\"payload\":{payload}}}"));
    check_key(&key, timestamp.parse().unwrap());
}

/// `aws/lambda/<UUID>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>`.
#[track_caller]
fn check_key(key: &str, at: Timestamp) {
    let at = at.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S");
    let expect = format!("aws/lambda/{UUID}/shardId-000000000000/{at}-");
    let id = key.strip_prefix(&expect).unwrap_or_else(|| panic!("{key}: {expect}"));
    let parts: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
    assert!(id.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit()), "{id}");
}

#[tokio::test]
async fn without_a_destination_records_are_given_up_and_the_shard_goes_on() {
    let bench = bench().doing(FAIL_3).retries(Some(0));
    let bench = bench.mapping(|mapping| mapping.batch_records_max = 1);
    let stand = bench.check("3 4", &["3", "4"]).await;
    let lost = stand.watch.pick(|_, happening| match happening {
        Happening::Discarded { destination, .. } => Some(destination.clone()),
        _ => None,
    });
    assert_eq!(lost, [None]);
}
