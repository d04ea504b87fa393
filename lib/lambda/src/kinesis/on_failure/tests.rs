//! The documents against AWS's example and recorded answers.

use super::super::batch::LastAnswer;
use super::*;
use crate::stream::SequenceNumber;
use bytes::Bytes;

/// The loss behind the example of the developer guide.
fn loss(condition: Condition) -> Loss {
    let time = |text: &str| -> Timestamp { text.parse().unwrap() };
    Loss {
        discard: Discard {
            lane: 0,
            condition,
            first: SequenceNumber::new("49601189658422359378836298521827638475320189012309704722"),
            last: SequenceNumber::new("49601189658422359378836298522902373528957594348623495186"),
            first_arrival: time("2019-11-14T00:38:04.835Z"),
            last_arrival: time("2019-11-14T00:38:05.580Z"),
            records: 500,
            attempts: 1,
            last_answer: (condition == Condition::RetryAttemptsExhausted).then(|| LastAnswer {
                request_id: "c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5".into(),
                function_error: Some("Unhandled"),
            }),
            payload: None,
        },
        shard: "shardId-000000000001".into(),
        function: Arn::function("us-east-2", "123456789012", "myfunction"),
        stream: Arn::stream("us-east-2", "123456789012", "mystream"),
        mapping_uuid: "f89f8514-cdd9-4602-9e1f-01a5b77d449b".to_owned(),
        at: time("2019-11-14T00:38:06.021Z"),
    }
}

const BATCH: &str = r#""KinesisBatchInfo":{"shardId":"shardId-000000000001","startSequenceNumber":"49601189658422359378836298521827638475320189012309704722","endSequenceNumber":"49601189658422359378836298522902373528957594348623495186","approximateArrivalOfFirstRecord":"2019-11-14T00:38:04.835Z","approximateArrivalOfLastRecord":"2019-11-14T00:38:05.580Z","batchSize":500,"streamArn":"arn:aws:kinesis:us-east-2:123456789012:stream/mystream"}"#;

#[test]
fn a_document_is_that_of_the_guide() {
    let expect = format!(
        r#"{{"requestContext":{{"requestId":"c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5","functionArn":"arn:aws:lambda:us-east-2:123456789012:function:myfunction","condition":"RetryAttemptsExhausted","approximateInvokeCount":1}},"responseContext":{{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"}},"version":"1.0","timestamp":"2019-11-14T00:38:06.021Z",{BATCH}}}"#
    );
    assert_eq!(loss(Condition::RetryAttemptsExhausted).document(), expect);
}

#[test]
fn reported_failures_have_no_function_error() {
    let mut loss = loss(Condition::RetryAttemptsExhausted);
    loss.discard.last_answer.as_mut().unwrap().function_error = None;
    assert!(loss.document().contains(r#""executedVersion":"$LATEST","functionError":null}"#));
}

#[test]
fn records_that_are_too_old_have_no_answer() {
    let document = loss(Condition::RecordAgeExceeded).document();
    assert!(document.contains(
        r#""condition":"RecordAgeExceeded","approximateInvokeCount":1},"version":"1.0""#
    ));
}

#[test]
fn the_event_is_an_escaped_string_at_the_end() {
    let mut loss = loss(Condition::RetryAttemptsExhausted);
    loss.discard.payload = Some(Bytes::from_static(b"{\"Records\":[]}"));
    assert!(loss.document().ends_with(r#"/mystream"},"payload":"{\"Records\":[]}"}"#));
}

#[test]
fn keys_are_those_of_the_guide_and_the_same_each_time() {
    let key = loss(Condition::RetryAttemptsExhausted).key();
    let (place, uuid) = key.split_at(key.len() - 36);
    assert_eq!(
        place,
        "aws/lambda/f89f8514-cdd9-4602-9e1f-01a5b77d449b/shardId-000000000001/2019/11/14/2019-11-14T00.38.06-"
    );
    assert_eq!(uuid.as_bytes()[14], b'4', "a UUID of version 4");
    assert_eq!(key, loss(Condition::RetryAttemptsExhausted).key());
    assert_ne!(key, loss(Condition::RecordAgeExceeded).key());
}

#[test]
fn times_on_the_second_have_no_fraction() {
    assert_eq!(instant("2019-11-14T00:13:19Z".parse().unwrap()), "2019-11-14T00:13:19Z");
    assert_eq!(instant("2019-11-14T00:13:19.1Z".parse().unwrap()), "2019-11-14T00:13:19.100Z");
}
