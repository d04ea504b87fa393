//! Capacity is asked for and taken out again; sizes and hot keys are limited.

use super::support::{Frozen, Said, Seen, StandIn, call, meter, says};
use serde_json::{Value, json};
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::Faults;
use streamgauge_meter::limits::{Limit, Limits};
use streamgauge_meter::unit::Unit;

const PUT: &str = "DynamoDB_20120810.PutItem";
const UPDATE: &str = "DynamoDB_20120810.UpdateItem";
const BATCH: &str = "DynamoDB_20120810.BatchWriteItem";

fn key_limit() -> Limits {
    [Limit::KeyThroughput].into_iter().collect()
}

/// A table whose partition key is `id`; a write costs what its test says.
fn table(seen: &Seen, units: u64) -> Said {
    match seen.operation() {
        "DescribeTable" => {
            says(&json!({"Table": {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}}))
        }
        "BatchWriteItem" => says(&json!({"UnprocessedItems": {}})),
        _ => says(&json!({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": units}})),
    }
}

fn item(id: &str, bytes: usize) -> Value {
    json!({"id": {"S": id}, "x": {"S": "y".repeat(bytes - 1 - 2 - id.len())}})
}

#[tokio::test]
async fn capacity_is_asked_for_and_taken_out_of_the_answer() {
    let body = json!({"Attributes": {"n": {"N": "1"}}, "ConsumedCapacity": {"CapacityUnits": 4.0}});
    let stand_in = StandIn::start(move |_| {
        let (status, mut headers, body) = says(&body);
        headers.push(("x-amz-crc32", "1".to_owned()));
        (status, headers, body)
    })
    .await;
    let running = meter(&stand_in, Limits::none(), Faults::default(), &Frozen::new()).await;
    let got = call(running.address, UPDATE, "f/1", &json!({"TableName": "t"})).await.unwrap();
    assert_eq!(
        stand_in.seen()[0].json(),
        json!({"TableName": "t", "ReturnConsumedCapacity": "TOTAL"})
    );
    assert_eq!(got.json(), json!({"Attributes": {"n": {"N": "1"}}}));
    let mut crc = flate2::Crc::new();
    crc.update(&got.body);
    assert_eq!(got.header("x-amz-crc32"), crc.sum().to_string());
    let calls = running.stop().await;
    assert_eq!(calls.of_caller("f/").amount(&Service::DynamoDb, "UpdateItem", Unit::WriteUnits), 4);
}

#[tokio::test]
async fn who_asks_for_capacity_gets_the_bytes_of_the_stand_in() {
    let text = b"{ \"ConsumedCapacity\": {\"CapacityUnits\": 2.0} }".to_vec();
    let answer = text.clone();
    let stand_in = StandIn::start(move |_| (200, vec![], answer.clone())).await;
    let running = meter(&stand_in, Limits::none(), Faults::default(), &Frozen::new()).await;
    let got =
        call(running.address, PUT, "", &json!({"ReturnConsumedCapacity": "TOTAL"})).await.unwrap();
    assert_eq!(&*got.body, &*text);
}

#[tokio::test]
async fn a_failed_condition_is_charged_by_the_item_in_the_way() {
    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    let failed = json!({"__type": kind, "message": "no", "Item": item("a", 2500)});
    let stand_in = StandIn::start(move |_| (400, vec![], failed.to_string().into_bytes())).await;
    let running = meter(&stand_in, Limits::none(), Faults::default(), &Frozen::new()).await;
    let request = json!({"ConditionExpression": "attribute_not_exists(id)"});
    let got = call(running.address, UPDATE, "", &request).await.unwrap();
    assert_eq!(stand_in.seen()[0].json()["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
    assert_eq!((got.status, got.json()), (400, json!({"__type": kind, "message": "no"})));
    let calls = running.stop().await;
    // 2,500 bytes are 3 units.
    assert_eq!(calls.amount(&Service::DynamoDb, "UpdateItem", Unit::WriteUnits), 3);
    assert_eq!(calls.amount(&Service::DynamoDb, "UpdateItem", Unit::Errors), 1);
}

#[tokio::test]
async fn items_above_400_kb_never_reach_the_stand_in() {
    let stand_in = StandIn::start(|_| says(&json!({}))).await;
    let limits = [Limit::ItemSize].into_iter().collect();
    let running = meter(&stand_in, limits, Faults::default(), &Frozen::new()).await;
    let got =
        call(running.address, PUT, "", &json!({"Item": item("a", 400 * 1024 + 1)})).await.unwrap();
    assert_eq!((got.status, got.header("x-amzn-errortype")), (400, "ValidationException"));
    assert!(stand_in.seen().is_empty());
    let largest = json!({"Item": item("a", 400 * 1024)});
    assert_eq!(call(running.address, PUT, "", &largest).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_hot_key_is_throttled_and_others_are_not() {
    let stand_in = StandIn::start(|seen| table(seen, 400)).await;
    let clock = Frozen::new();
    let running = meter(&stand_in, key_limit(), Faults::default(), &clock).await;
    let put = async |id: &str| {
        let request = json!({"TableName": "t", "Item": item(id, 400 * 1024)});
        call(running.address, PUT, "", &request).await.unwrap()
    };
    assert_eq!((put("a").await.status, put("a").await.status), (200, 200));
    let throttled = put("a").await; // 3 x 400 units are more than 1,000
    assert_eq!(
        (throttled.status, throttled.header("x-amzn-errortype")),
        (400, "ProvisionedThroughputExceededException")
    );
    assert_eq!(
        throttled.json()["ThrottlingReasons"][0]["reason"],
        "TableWriteKeyRangeThroughputExceeded"
    );
    assert_eq!(put("b").await.status, 200);
    clock.advance_ms(200); // 200 units come back
    assert_eq!(put("a").await.status, 200);
    assert_eq!(stand_in.seen_of("DescribeTable").len(), 1);
    assert_eq!(running.stop().await.amount(&Service::DynamoDb, "PutItem", Unit::Limited), 1);
}

#[tokio::test]
async fn an_update_pays_afterwards_what_it_cost() {
    let stand_in = StandIn::start(|seen| table(seen, 2000)).await;
    let clock = Frozen::new();
    let running = meter(&stand_in, key_limit(), Faults::default(), &clock).await;
    let update = async || {
        let request = json!({"TableName": "t", "Key": {"id": {"S": "a"}}});
        call(running.address, UPDATE, "", &request).await.unwrap().status
    };
    assert_eq!((update().await, update().await), (200, 400));
    clock.advance_ms(1000);
    assert_eq!(update().await, 400);
    clock.advance_ms(1);
    assert_eq!(update().await, 200);
}

#[tokio::test]
async fn a_batch_goes_on_without_its_hot_keys() {
    let stand_in = StandIn::start(|seen| table(seen, 1000)).await;
    let running = meter(&stand_in, key_limit(), Faults::default(), &Frozen::new()).await;
    let heat = json!({"TableName": "t", "Key": {"id": {"S": "hot"}}});
    call(running.address, UPDATE, "", &heat).await.unwrap();
    let put = |id: &str| json!({"PutRequest": {"Item": {"id": {"S": id}}}});
    let batch = |ids: &[&str]| json!({"RequestItems": {"t": ids.iter().map(|id| put(id)).collect::<Vec<_>>()}});
    let got = call(running.address, BATCH, "", &batch(&["a", "hot", "b"])).await.unwrap();
    assert_eq!(got.json()["UnprocessedItems"], json!({"t": [put("hot")]}));
    let sent = stand_in.seen_of("BatchWriteItem")[0].json();
    assert_eq!(sent["RequestItems"], json!({"t": [put("a"), put("b")]}));
    let nothing = call(running.address, BATCH, "", &batch(&["hot"])).await.unwrap();
    assert_eq!(nothing.header("x-amzn-errortype"), "ProvisionedThroughputExceededException");
}

#[tokio::test]
async fn a_transaction_with_a_hot_key_is_cancelled_with_its_reason() {
    let stand_in = StandIn::start(|seen| table(seen, 1000)).await;
    let running = meter(&stand_in, key_limit(), Faults::default(), &Frozen::new()).await;
    call(running.address, UPDATE, "", &json!({"TableName": "t", "Key": {"id": {"S": "hot"}}}))
        .await
        .unwrap();
    let delete = |id: &str| json!({"Delete": {"TableName": "t", "Key": {"id": {"S": id}}}});
    let transaction = json!({"TransactItems": [delete("a"), delete("hot")]});
    let got = call(running.address, "DynamoDB_20120810.TransactWriteItems", "", &transaction)
        .await
        .unwrap();
    assert_eq!(got.header("x-amzn-errortype"), "TransactionCanceledException");
    let reasons = json!([{"Code": "None"}, {"Code": "ProvisionedThroughputExceeded"}]);
    assert_eq!(got.json()["CancellationReasons"], reasons);
    assert!(stand_in.seen_of("TransactWriteItems").is_empty());
}
