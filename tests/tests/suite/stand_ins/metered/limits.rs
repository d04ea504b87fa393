//! AWS's limits that the stand-ins do not know, as a user of the SDK meets them: typed errors, and which records of a batch failed.

use super::streams::{FIRST, STREAM, iterator, record, services, stream};
use super::tables::{TABLE, item, key, place, table};
use super::{Clients, Metered};
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatch::operation::put_metric_data::PutMetricDataError;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::builders::MetricDatumBuilder;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, PutRequest, TransactWriteItem, WriteRequest};
use streamgauge_lambda_aws::kinesis::operation::get_records::GetRecordsError;
use streamgauge_lambda_aws::kinesis::primitives::Blob;
use streamgauge_lambda_aws::kinesis::types::PutRecordsRequestEntry;
use streamgauge_meter::call::Service;
use streamgauge_meter::limits::Limits;
use streamgauge_meter::unit::Unit;

async fn limited() -> Metered {
    Metered::with(Limits::all(), vec![]).await
}

async fn put_metrics(
    clients: &Clients,
    namespace: &str,
    data: Vec<MetricDatum>,
) -> Result<(), PutMetricDataError> {
    let put = clients.cloudwatch.put_metric_data().namespace(namespace);
    let put = put.set_metric_data(Some(data)).send().await;
    put.map(drop).map_err(SdkError::into_service_error)
}

/// Puts one datum under the limits; answers what is wrong with it, if the SDK knows the error as AWS's.
async fn refused(datum: impl FnOnce(MetricDatumBuilder) -> MetricDatumBuilder) -> String {
    let metered = limited().await;
    let datum = datum(MetricDatum::builder().metric_name("orders")).build();
    let error = put_metrics(&metered.caller("").await, "shop", vec![datum]).await.unwrap_err();
    assert!(error.is_invalid_parameter_value_exception(), "{error:?}");
    assert_eq!(metered.amount(&Service::CloudWatch, "PutMetricData", Unit::Limited), 1);
    assert_eq!(metered.amount(&Service::CloudWatch, "PutMetricData", Unit::MetricRequests), 0);
    error.message().unwrap().to_owned()
}

fn dimension(number: usize) -> Dimension {
    Dimension::builder().name(format!("d{number}")).value("v").build()
}

#[tokio::test]
async fn a_datum_has_30_dimensions_at_most() {
    let message =
        refused(|datum| datum.value(1.0).set_dimensions(Some((0..31).map(dimension).collect())));
    assert_eq!(message.await, "MetricData.member.1: 31 dimensions, at most 30");
}

#[tokio::test]
async fn a_datum_has_150_values_at_most() {
    let message = refused(|datum| datum.set_values(Some(vec![1.0; 151])));
    assert_eq!(message.await, "MetricData.member.1: 151 values, at most 150");
}

#[tokio::test]
async fn values_are_finite() {
    let message = refused(|datum| datum.value(f64::NAN)).await;
    assert!(message.starts_with("MetricData.member.1: the value NaN is no number"), "{message}");
}

#[tokio::test]
async fn timestamps_are_two_weeks_old_at_most() {
    let now = jiff::Timestamp::now().as_second();
    let old = DateTime::from_secs(now - 14 * 86_400 - 60);
    let message = refused(|datum| datum.value(1.0).timestamp(old)).await;
    assert_eq!(message, "MetricData.member.1: the timestamp is more than two weeks old");
}

#[tokio::test]
async fn timestamps_are_two_hours_ahead_at_most() {
    let now = jiff::Timestamp::now().as_second();
    let late = DateTime::from_secs(now + 2 * 3_600 + 60);
    let message = refused(|datum| datum.value(1.0).timestamp(late)).await;
    assert_eq!(message, "MetricData.member.1: the timestamp is more than two hours ahead");
}

/// All at their limits, and one above.
#[tokio::test]
async fn a_request_has_1000_data_at_most() {
    let metered = limited().await;
    let clients = metered.caller("").await;
    let datum = MetricDatum::builder().metric_name("orders").value(1.0).build();
    put_metrics(&clients, "shop", vec![datum.clone(); 1_000]).await.unwrap();
    let error = put_metrics(&clients, "shop", vec![datum; 1_001]).await.unwrap_err();
    assert!(error.is_invalid_parameter_value_exception(), "{error:?}");
    assert_eq!(metered.amount(&Service::CloudWatch, "PutMetricData", Unit::Data), 1_000);
}

#[tokio::test]
async fn what_is_at_its_limits_goes_through() {
    let metered = limited().await;
    let now = jiff::Timestamp::now().as_second();
    let datum = MetricDatum::builder().metric_name("m".repeat(255));
    let datum = datum.set_dimensions(Some((0..30).map(dimension).collect()));
    let datum = datum.set_values(Some((0..150).map(f64::from).collect()));
    let datum = datum.timestamp(DateTime::from_secs(now - 14 * 86_400 + 60)).build();
    put_metrics(&metered.caller("").await, "shop", vec![datum]).await.unwrap();
    assert_eq!(metered.amount(&Service::CloudWatch, "PutMetricData", Unit::Data), 1);
}

#[tokio::test]
async fn a_namespace_does_not_belong_to_aws() {
    let metered = limited().await;
    let datum = MetricDatum::builder().metric_name("orders").value(1.0).build();
    let error = put_metrics(&metered.caller("").await, "AWS/Shop", vec![datum]).await;
    assert!(error.unwrap_err().is_invalid_parameter_value_exception());
}

/// 700 data with 25 dimensions of 60 characters are more than 1 MB, although they are packed to less.
#[tokio::test]
async fn a_request_has_1_mb_at_most() {
    let metered = limited().await;
    let dimensions: Vec<Dimension> = (0..25)
        .map(|number| Dimension::builder().name(format!("d{number}")).value("v".repeat(60)).build())
        .collect();
    let datum = MetricDatum::builder().metric_name("orders").value(1.0);
    let datum = datum.set_dimensions(Some(dimensions)).build();
    let error = put_metrics(&metered.caller("").await, "shop", vec![datum; 700]).await.unwrap_err();
    assert_eq!(error.code(), Some("RequestEntityTooLarge"), "{error:?}");
}

/// The places of the records that failed.
fn failed(
    put: &streamgauge_lambda_aws::kinesis::operation::put_records::PutRecordsOutput,
) -> Vec<usize> {
    let records = put.records().iter().enumerate();
    let failed: Vec<usize> = records
        .filter(|(_, record)| record.error_code() == Some("ProvisionedThroughputExceededException"))
        .map(|(place, _)| place)
        .collect();
    assert_eq!(put.failed_record_count(), i32::try_from(failed.len()).ok());
    failed
}

#[tokio::test]
async fn a_shard_takes_1000_records_a_second() {
    let metered = limited().await;
    stream(&metered.direct, &metered.account, 1).await;
    let kinesis = metered.caller("").await.kinesis;
    let put = |records: usize| {
        kinesis.put_records().stream_name(STREAM).set_records(Some(vec![record(10); records]))
    };
    assert_eq!(failed(&put(500).send().await.unwrap()), [0; 0]);
    assert_eq!(failed(&put(490).send().await.unwrap()), [0; 0]);
    // 10 are left: the first 10 of 20 go in, the others fail one by one, in a successful answer.
    let partly = put(20).send().await.unwrap();
    assert_eq!(failed(&partly), (10..20).collect::<Vec<_>>());
    assert!(
        partly.records()[9].sequence_number().is_some()
            && partly.records()[10].sequence_number().is_none()
    );
    // A single record is refused as such.
    let single = kinesis.put_record().stream_name(STREAM).partition_key("k").data(Blob::new("x"));
    let error = single.send().await.unwrap_err().into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception(), "{error:?}");
    // A tenth of a second is 100 records.
    metered.clock.advance_ms(100);
    assert_eq!(failed(&put(101).send().await.unwrap()), [100]);
    assert_eq!(
        metered.amount(&Service::Kinesis, "PutRecords", Unit::RecordsIn),
        500 + 490 + 10 + 100
    );
    assert_eq!(metered.amount(&Service::Kinesis, "PutRecords", Unit::Limited), 10 + 1);
}

/// Who splits a shard has twice the room, whether the meter was told of the split or finds out by where records went.
#[tokio::test]
async fn children_of_a_split_have_room_of_their_own() {
    for is_told in [true, false] {
        let metered = limited().await;
        stream(&metered.direct, &metered.account, 1).await;
        let clients = metered.caller("").await;
        let put = |records: usize, hash_key: u128| {
            let record = PutRecordsRequestEntry::builder().partition_key("k").data(Blob::new("x"));
            let record = record.explicit_hash_key(hash_key.to_string()).build().unwrap();
            let put = clients.kinesis.put_records().stream_name(STREAM);
            put.set_records(Some(vec![record; records])).send()
        };
        assert_eq!(failed(&put(1, 0).await.unwrap()), [0; 0]);
        let way = if is_told { &clients } else { &metered.direct };
        let split = way.kinesis.split_shard().stream_name(STREAM).shard_to_split(FIRST);
        split.new_starting_hash_key((1_u128 << 127).to_string()).send().await.unwrap();
        services(&metered.account, None).await.until_active(STREAM).await.unwrap();
        // A second later nothing is left of the parent's room, and the children are seen.
        metered.clock.advance_ms(1_000);
        assert_eq!(failed(&put(1, 0).await.unwrap()), [0; 0]);
        metered.clock.advance_ms(1_000);
        for hash_key in [0, u128::MAX] {
            assert_eq!(failed(&put(500, hash_key).await.unwrap()), [0; 0]);
            assert_eq!(failed(&put(500, hash_key).await.unwrap()), [0; 0]);
            assert_eq!(failed(&put(2, hash_key).await.unwrap()), [0, 1]);
        }
    }
}

#[tokio::test]
async fn a_shard_takes_1_mib_a_second() {
    let metered = limited().await;
    stream(&metered.direct, &metered.account, 1).await;
    let kinesis = metered.caller("").await.kinesis;
    let half = record(512 * 1_024);
    let put = kinesis.put_records().stream_name(STREAM);
    let put = put.records(half.clone()).records(half).records(record(1)).send().await.unwrap();
    assert_eq!(failed(&put), [2]);
}

#[tokio::test]
async fn a_request_has_500_records_at_most() {
    let metered = limited().await;
    stream(&metered.direct, &metered.account, 1).await;
    let kinesis = metered.caller("").await.kinesis;
    let put = kinesis.put_records().stream_name(STREAM).set_records(Some(vec![record(10); 501]));
    let error = put.send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
}

#[tokio::test]
async fn a_shard_is_read_5_times_a_second() {
    let metered = limited().await;
    stream(&metered.direct, &metered.account, 1).await;
    let kinesis = metered.caller("").await.kinesis;
    let mut next = iterator(&kinesis).await;
    for _ in 0..5 {
        let read = kinesis.get_records().shard_iterator(&next).send().await.unwrap();
        next = read.next_shard_iterator.unwrap();
    }
    let read = || kinesis.get_records().shard_iterator(&next).send();
    let error = read().await.unwrap_err().into_service_error();
    assert!(
        matches!(error, GetRecordsError::ProvisionedThroughputExceededException(_)),
        "{error:?}"
    );
    metered.clock.advance_ms(200);
    read().await.unwrap();
    assert_eq!(metered.amount(&Service::Kinesis, "GetRecords", Unit::Limited), 1);
}

#[tokio::test]
async fn an_item_has_400_kb_at_most() {
    let metered = limited().await;
    table(&metered.direct).await;
    let client = metered.caller("").await.dynamodb;
    let put = |bytes: usize| client.put_item().table_name(TABLE).set_item(Some(item("a", bytes)));
    put(400 * 1_024).send().await.unwrap();
    let error = put(400 * 1_024 + 1).send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
    assert_eq!(error.message(), Some("Item size has exceeded the maximum allowed size"));
    assert_eq!(metered.amount(&Service::DynamoDb, "PutItem", Unit::WriteUnits), 400);
}

/// 1,000 write units a second: two items of 400 KB, the third is let wait.
#[tokio::test]
async fn a_key_takes_1000_write_units_a_second() {
    let metered = limited().await;
    table(&metered.direct).await;
    let client = metered.caller("").await.dynamodb;
    let put = |id: &str, kb: usize| {
        client.put_item().table_name(TABLE).set_item(Some(item(id, kb * 1_024)))
    };
    put("hot", 400).send().await.unwrap();
    put("hot", 400).send().await.unwrap();
    let error = put("hot", 201).send().await.unwrap_err().into_service_error();
    let PutItemError::ProvisionedThroughputExceededException(throttled) = error else {
        panic!("{error:?}")
    };
    let reasons: Vec<&str> =
        throttled.throttling_reasons().iter().filter_map(|reason| reason.reason()).collect();
    assert_eq!(reasons, ["TableWriteKeyRangeThroughputExceeded"]);
    put("cold", 201).send().await.unwrap();
    metered.clock.advance_ms(1);
    put("hot", 201).send().await.unwrap();
}

#[tokio::test]
async fn a_batch_keeps_back_what_a_hot_key_has_no_room_for() {
    let metered = limited().await;
    table(&metered.direct).await;
    let client = metered.caller("").await.dynamodb;
    let hot = |kb: usize| {
        client.put_item().table_name(TABLE).set_item(Some(item("hot", kb * 1_024))).send()
    };
    hot(400).await.unwrap();
    hot(400).await.unwrap();
    hot(200).await.unwrap();
    let write = |id: &str| {
        let put = PutRequest::builder().set_item(Some(item(id, 100))).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let batch = vec![write("cold"), write("hot")];
    let done = client.batch_write_item().request_items(TABLE, batch).send().await.unwrap();
    assert_eq!(done.unprocessed_items().unwrap()[TABLE], [write("hot")]);
    assert_eq!(metered.amount(&Service::DynamoDb, "BatchWriteItem", Unit::WriteUnits), 1);
    let put = Put::builder().table_name(TABLE).set_item(Some(item("hot", 100))).build().unwrap();
    let transaction = client.transact_write_items();
    let transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
    let error = transaction.send().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("{error:?}")
    };
    assert_eq!(cancelled.cancellation_reasons()[0].code(), Some("ProvisionedThroughputExceeded"));
}

#[tokio::test]
async fn a_key_gives_3000_read_units_a_second() {
    let metered = limited().await;
    let direct = table(&metered.direct).await;
    place(direct, item("hot", 400 * 1_024)).await;
    let client = metered.caller("").await.dynamodb;
    let get = || {
        let get = client.get_item().table_name(TABLE).set_key(Some(key("hot")));
        get.consistent_read(true).send()
    };
    // 100 units each: they are known only afterwards, so the last one is let in as long as one unit is there.
    for _ in 0..30 {
        get().await.unwrap();
    }
    let error = get().await.unwrap_err().into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception(), "{error:?}");
}
