//! Faults on purpose, as a user of the SDK meets them: what it retries by itself, and what then comes of it.

use super::streams::{STREAM, iterator, record, stream};
use super::tables::{TABLE, item, key, table};
use super::{Metered, fault};
use aws_sdk_cloudwatch::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use streamgauge_lambda_aws::kinesis::primitives::Blob;
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::{Harm, MILLION, When};
use streamgauge_meter::limits::Limits;
use streamgauge_meter::unit::Unit;

/// A meter whose first `PutItem` is harmed, and a table.
async fn harmed(harm: Harm) -> Metered {
    let faults = vec![fault(Service::DynamoDb, "PutItem", When::Only(1), harm)];
    let metered = Metered::with(Limits::none(), faults).await;
    table(&metered.direct).await;
    metered
}

/// Puts an item that must not be there.
async fn claim(client: &Client) -> Result<(), SdkError<PutItemError>> {
    let put = client.put_item().table_name(TABLE).set_item(Some(item("a", 100)));
    put.condition_expression("attribute_not_exists(id)").send().await.map(drop)
}

async fn is_there(metered: &Metered) -> bool {
    let get = metered.direct.dynamodb.get_item().table_name(TABLE).set_key(Some(key("a")));
    get.send().await.unwrap().item.is_some()
}

/// Calls, faults and write units of `PutItem`.
fn counted(metered: &Metered) -> [u64; 3] {
    [Unit::Calls, Unit::Faults, Unit::WriteUnits]
        .map(|unit| metered.amount(&Service::DynamoDb, "PutItem", unit))
}

#[tokio::test]
async fn throttling_is_a_typed_error() {
    let metered = harmed(Harm::Throttle).await;
    let error = claim(&metered.caller("").await.dynamodb).await.unwrap_err().into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception(), "{error:?}");
    assert!(!is_there(&metered).await);
}

#[tokio::test]
async fn throttling_is_retried_by_the_sdk() {
    let metered = harmed(Harm::Throttle).await;
    claim(&metered.retrying("").await.dynamodb).await.unwrap();
    assert_eq!(counted(&metered), [2, 1, 1]);
}

#[tokio::test]
async fn errors_of_the_server_are_retried_by_the_sdk() {
    let metered = harmed(Harm::ServerError).await;
    claim(&metered.retrying("").await.dynamodb).await.unwrap();
    assert_eq!(counted(&metered), [2, 1, 1]);
}

#[tokio::test]
async fn an_error_of_the_server_is_typed() {
    let metered = harmed(Harm::ServerError).await;
    let error = claim(&metered.caller("").await.dynamodb).await.unwrap_err().into_service_error();
    assert!(error.is_internal_server_error(), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_is_closed_before_the_effect_is_none() {
    let metered = harmed(Harm::CloseBefore).await;
    let error = claim(&metered.caller("").await.dynamodb).await.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(_)), "{error:?}");
    assert!(!is_there(&metered).await);
    claim(&metered.retrying("").await.dynamodb).await.unwrap();
}

#[tokio::test]
async fn a_closed_connection_is_retried_by_the_sdk() {
    let metered = harmed(Harm::CloseBefore).await;
    claim(&metered.retrying("").await.dynamodb).await.unwrap();
    assert_eq!(counted(&metered), [2, 1, 1]);
}

/// Who sees the same as before cannot know that this time the effect happened.
#[tokio::test]
async fn a_lost_answer_looks_like_a_closed_connection() {
    let metered = harmed(Harm::LoseAnswer).await;
    let error = claim(&metered.caller("").await.dynamodb).await.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(_)), "{error:?}");
    assert!(is_there(&metered).await);
}

/// The SDK retries by itself, and its second attempt fails on what its first one did: a function that takes the failed condition
/// for somebody else's claim is wrong. Both are billed.
#[tokio::test]
async fn after_a_lost_answer_the_sdk_meets_its_own_write() {
    let metered = harmed(Harm::LoseAnswer).await;
    let error = claim(&metered.retrying("").await.dynamodb).await.unwrap_err();
    let error = error.into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");
    assert!(is_there(&metered).await);
    assert_eq!(counted(&metered), [2, 1, 2]);
}

/// `ADD` has no condition that could stop the second attempt: the count is one too high, and the SDK says all went well.
#[tokio::test]
async fn after_a_lost_answer_a_counter_counts_twice() {
    let lost = fault(Service::DynamoDb, "UpdateItem", When::Only(1), Harm::LoseAnswer);
    let metered = Metered::with(Limits::none(), vec![lost]).await;
    table(&metered.direct).await;
    let client = metered.retrying("").await.dynamodb;
    let one = aws_sdk_dynamodb::types::AttributeValue::N("1".to_owned());
    let add = client.update_item().table_name(TABLE).set_key(Some(key("a")));
    let add = add.update_expression("ADD n :one").expression_attribute_values(":one", one);
    add.send().await.unwrap();
    let get = metered.direct.dynamodb.get_item().table_name(TABLE).set_key(Some(key("a")));
    let got = get.send().await.unwrap().item.unwrap();
    assert_eq!(got["n"].as_n().unwrap(), "2");
}

/// A lost answer to `PutRecord` writes the record twice, with two sequence numbers.
#[tokio::test]
async fn after_a_lost_answer_a_record_is_there_twice() {
    let lost = fault(Service::Kinesis, "PutRecord", When::Only(1), Harm::LoseAnswer);
    let metered = Metered::with(Limits::none(), vec![lost]).await;
    stream(&metered.direct, &metered.account, 1).await;
    let kinesis = metered.retrying("").await.kinesis;
    let put = kinesis.put_record().stream_name(STREAM).partition_key("k").data(Blob::new("x"));
    put.send().await.unwrap();
    let iterator = iterator(&kinesis).await;
    let read = kinesis.get_records().shard_iterator(iterator).send().await.unwrap();
    let [first, second] = read.records() else { panic!("{read:?}") };
    assert_eq!(first.data(), second.data());
    assert_ne!(first.sequence_number(), second.sequence_number());
}

/// The SDK takes an answer with failed records for a success: who does not look at each record loses some.
#[tokio::test]
async fn records_of_a_batch_fail_one_by_one_and_the_sdk_does_not_retry_them() {
    let chance = Harm::FailRecords(u32::try_from(MILLION / 2).unwrap());
    let faults = vec![fault(Service::Kinesis, "PutRecords", When::Only(1), chance)];
    let metered = Metered::with(Limits::none(), faults).await;
    stream(&metered.direct, &metered.account, 1).await;
    let kinesis = metered.retrying("").await.kinesis;
    let records: Vec<_> = (0..100).map(|number| record(10 + number)).collect();
    let put = kinesis.put_records().stream_name(STREAM).set_records(Some(records));
    let put = put.send().await.unwrap();
    let expected: Vec<usize> =
        (0..100).filter(|place| put.records()[*place].error_code().is_none()).collect();
    let failed = 100 - expected.len();
    assert!((30..70).contains(&failed), "{failed}");
    assert_eq!(put.failed_record_count(), i32::try_from(failed).ok());
    let read = kinesis.get_records().shard_iterator(iterator(&kinesis).await).send().await.unwrap();
    let arrived: Vec<usize> =
        read.records().iter().map(|record| record.data().as_ref().len() + 1 - 10).collect();
    assert_eq!(arrived, expected);
    assert_eq!(metered.amount(&Service::Kinesis, "PutRecords", Unit::Calls), 1);
    assert_eq!(
        metered.amount(&Service::Kinesis, "PutRecords", Unit::Faults),
        u64::try_from(failed).unwrap()
    );
}

/// What each service says when it throttles or fails is known to its SDK as something to retry.
#[tokio::test]
async fn every_sdk_knows_its_service_s_faults() {
    let throttled = |service, operation| fault(service, operation, When::Only(1), Harm::Throttle);
    let failing = |service, operation| fault(service, operation, When::Only(2), Harm::ServerError);
    let calls = [
        (Service::CloudWatch, "ListMetrics"),
        (Service::Kinesis, "ListStreams"),
        (Service::S3, "List"),
        (Service::Sqs, "ListQueues"),
    ];
    let faults = calls.clone().into_iter().flat_map(|(service, operation)| {
        [throttled(service.clone(), operation), failing(service, operation)]
    });
    let metered = Metered::with(Limits::none(), faults.collect()).await;
    let clients = metered.retrying("").await;
    clients.cloudwatch.list_metrics().send().await.unwrap();
    clients.kinesis.list_streams().send().await.unwrap();
    clients.s3.list_buckets().send().await.unwrap();
    clients.sqs.list_queues().send().await.unwrap();
    for (service, operation) in calls {
        assert_eq!(metered.amount(&service, operation, Unit::Calls), 3, "{service}");
    }
}

#[tokio::test]
async fn the_codes_of_throttling_are_aws_s() {
    let throttled = |service, operation| fault(service, operation, When::Every(1), Harm::Throttle);
    let faults = vec![
        throttled(Service::CloudWatch, "ListMetrics"),
        throttled(Service::S3, "List"),
        throttled(Service::Sqs, "ListQueues"),
    ];
    let metered = Metered::with(Limits::none(), faults).await;
    let clients = metered.caller("").await;
    let of_metrics = clients.cloudwatch.list_metrics().send().await.unwrap_err();
    let of_buckets = clients.s3.list_buckets().send().await.unwrap_err();
    let of_queues = clients.sqs.list_queues().send().await.unwrap_err();
    assert_eq!(
        [of_metrics.code(), of_buckets.code(), of_queues.code()],
        [Some("Throttling"), Some("SlowDown"), Some("RequestThrottled")]
    );
}
