//! Each way of being charged, with its calculation.

use super::super::asked::read;
use super::*;
use serde_json::json;

/// Asks, settles, and looks at the units and at what the caller gets.
#[track_caller]
fn check(
    operation: &str,
    request: &Value,
    (status, answer): (u16, &Value),
    charges: &[Charge],
    seen: Option<Value>,
) {
    let asked = read(operation, request.to_string().as_bytes()).unwrap();
    let settled = settle(&asked, status, answer.to_string().as_bytes());
    assert_eq!(settled, Settled { changed: seen, charges: charges.to_vec() });
}

/// An item of this many bytes.
fn item(bytes: usize) -> Value {
    json!({"id": {"S": "x".repeat(bytes - 2)}})
}

const NOT_MET: &str = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
const CANCELLED: &str = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";

#[test]
fn writes_are_believed_to_the_stand_in() {
    let answer = json!({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 4.0}});
    check("PutItem", &json!({}), (200, &answer), &[(Unit::WriteUnits, 4)], Some(json!({})));
}

#[test]
fn who_asked_for_the_capacity_gets_it() {
    let answer = json!({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 4}});
    check(
        "PutItem",
        &json!({"ReturnConsumedCapacity": "TOTAL"}),
        (200, &answer),
        &[(Unit::WriteUnits, 4)],
        None,
    );
}

#[test]
fn capacity_of_several_tables_is_summed() {
    let answer = json!({"ConsumedCapacity": [{"CapacityUnits": 10.0}, {"CapacityUnits": 2.0}]});
    check("BatchWriteItem", &json!({}), (200, &answer), &[(Unit::WriteUnits, 12)], Some(json!({})));
}

#[test]
fn without_a_report_a_write_costs_what_its_request_says() {
    let guess = |units| [(Unit::WriteUnits, units), (Unit::Guessed, 1)];
    check("PutItem", &json!({"Item": item(1025)}), (200, &json!({})), &guess(2), None);
    check("UpdateItem", &json!({}), (200, &json!({})), &guess(1), None);
    let batch = json!({"RequestItems": {"t": [{"PutRequest": {"Item": item(1500)}}, {"DeleteRequest": {"Key": {}}}]}});
    check("BatchWriteItem", &batch, (200, &json!({})), &guess(2 + 1), None);
    let transaction =
        json!({"TransactItems": [{"Put": {"Item": item(1500)}}, {"Delete": {"Key": {}}}]});
    check(
        "TransactWriteItems",
        &transaction,
        (200, &json!({"ConsumedCapacity": []})),
        &guess(2 * 2 + 2),
        Some(json!({})),
    );
}

#[test]
fn a_repeated_transaction_reads() {
    let answer = json!({"ConsumedCapacity": [{"CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]});
    check(
        "TransactWriteItems",
        &json!({}),
        (200, &answer),
        &[(Unit::HalfReadUnits, 4)],
        Some(json!({})),
    );
}

#[test]
fn a_get_costs_its_item_whatever_the_stand_in_says() {
    // 8.5 KB are 3 blocks of 4 KB: 3 units strong, 1.5 eventually.
    let answer = json!({"Item": item(8704), "ConsumedCapacity": {"CapacityUnits": 1.0}});
    let seen = Some(json!({"Item": item(8704)}));
    let strong = json!({"ConsistentRead": true});
    check("GetItem", &strong, (200, &answer), &[(Unit::HalfReadUnits, 6)], seen.clone());
    check("GetItem", &json!({}), (200, &answer), &[(Unit::HalfReadUnits, 3)], seen);
}

#[test]
fn a_get_of_nothing_costs_the_least() {
    check("GetItem", &json!({}), (200, &json!({})), &[(Unit::HalfReadUnits, 1)], None);
}

#[test]
fn a_query_is_summed_and_then_rounded() {
    // 10 items of 500 bytes are 5,000 bytes, 2 blocks of 4 KB: 1 unit eventually, not 10 times 0.5.
    let items: Vec<Value> = (0..10).map(|_| item(500)).collect();
    let answer = json!({"Items": items, "Count": 10, "ScannedCount": 10, "ConsumedCapacity": {"CapacityUnits": 0.5}});
    let seen = json!({"Items": items, "Count": 10, "ScannedCount": 10});
    check("Query", &json!({}), (200, &answer), &[(Unit::HalfReadUnits, 2)], Some(seen));
}

#[test]
fn what_a_filter_hides_is_a_guess() {
    let answer = json!({"Items": [], "Count": 0, "ScannedCount": 9, "ConsumedCapacity": {"CapacityUnits": 1.5}});
    let seen = json!({"Items": [], "Count": 0, "ScannedCount": 9});
    let guess = [(Unit::HalfReadUnits, 3), (Unit::Guessed, 1)];
    check("Scan", &json!({}), (200, &answer), &guess, Some(seen));
}

#[test]
fn what_a_projection_hides_is_a_guess() {
    let answer = json!({"Item": item(5000), "ConsumedCapacity": {"CapacityUnits": 0.5}});
    let guess = [(Unit::HalfReadUnits, 2), (Unit::Guessed, 1)];
    check(
        "GetItem",
        &json!({"ProjectionExpression": "id"}),
        (200, &answer),
        &guess,
        Some(json!({"Item": item(5000)})),
    );
}

#[test]
fn a_batch_is_rounded_item_by_item() {
    // Eventually: 1 half for 500 bytes, 2 for 4,097, 1 for the key without an item; the one put off costs nothing yet.
    let request = json!({"RequestItems": {"t": {"Keys": [1, 2, 3, 4]}}});
    let answer = json!({
        "Responses": {"t": [item(500), item(4097)]},
        "UnprocessedKeys": {"t": {"Keys": [4]}},
    });
    check("BatchGetItem", &request, (200, &answer), &[(Unit::HalfReadUnits, 1 + 2 + 1)], None);
    let strong = json!({"RequestItems": {"t": {"ConsistentRead": true, "Keys": [1, 2, 3, 4]}}});
    check("BatchGetItem", &strong, (200, &answer), &[(Unit::HalfReadUnits, 2 * (1 + 2 + 1))], None);
}

#[test]
fn transactional_reads_cost_two_units_each() {
    let request = json!({"TransactItems": [{"Get": {}}, {"Get": {}}]});
    let answer = json!({"Responses": [{"Item": item(5000)}, {}]});
    // 5,000 bytes are 2 blocks of 2 units, nothing is 1 block: 6 units, 12 halves.
    check(
        "TransactGetItems",
        &request,
        (200, &answer),
        &[(Unit::HalfReadUnits, 2 * (2 * 2 + 2))],
        None,
    );
}

#[test]
fn statements_are_reads_or_writes() {
    let answer = json!({"ConsumedCapacity": {"CapacityUnits": 1.5}});
    let check = |statement: &str, charge: Charge| {
        check(
            "ExecuteStatement",
            &json!({"Statement": statement}),
            (200, &answer),
            &[charge],
            Some(json!({})),
        );
    };
    check(" select * from t", (Unit::HalfReadUnits, 3));
    check("INSERT INTO t", (Unit::WriteUnits, 2));
}

#[test]
fn a_failed_condition_costs_the_larger_item() {
    let failed = json!({"__type": NOT_MET, "Item": item(3000)});
    let seen = Some(json!({"__type": NOT_MET}));
    let update = json!({"ConditionExpression": "a"});
    check("UpdateItem", &update, (400, &failed), &[(Unit::WriteUnits, 3)], seen.clone());
    let put = json!({"ConditionExpression": "a", "Item": item(4000)});
    check("PutItem", &put, (400, &failed), &[(Unit::WriteUnits, 4)], seen);
}

#[test]
fn a_failed_condition_without_an_item_costs_one() {
    let failed = json!({"__type": NOT_MET});
    check(
        "DeleteItem",
        &json!({"ConditionExpression": "a"}),
        (400, &failed),
        &[(Unit::WriteUnits, 1)],
        None,
    );
}

#[test]
fn who_asked_for_the_item_in_the_way_gets_it() {
    let asks =
        json!({"ConditionExpression": "a", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"});
    let failed = json!({"__type": NOT_MET, "Item": item(10)});
    check("UpdateItem", &asks, (400, &failed), &[(Unit::WriteUnits, 1)], None);
}

#[test]
fn a_cancelled_transaction_costs_all_its_actions_twice() {
    let request = json!({"TransactItems": [
        {"Put": {"Item": item(2000)}},
        {"Update": {"ConditionExpression": "a"}},
        {"Update": {"ConditionExpression": "b", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
    ]});
    let reason = |item: Value| json!({"Code": "ConditionalCheckFailed", "Item": item});
    let answer = json!({"__type": CANCELLED, "CancellationReasons": [{"Code": "None"}, reason(item(3000)), reason(item(10))]});
    let seen = json!({"__type": CANCELLED, "CancellationReasons": [
        {"Code": "None"}, {"Code": "ConditionalCheckFailed"}, reason(item(10)),
    ]});
    check(
        "TransactWriteItems",
        &request,
        (400, &answer),
        &[(Unit::WriteUnits, 2 * (2 + 3 + 1))],
        Some(seen),
    );
}

#[test]
fn other_errors_cost_nothing() {
    check("PutItem", &json!({}), (400, &json!({"__type": "ValidationException"})), &[], None);
}

#[test]
fn an_answer_that_is_no_json_is_unread() {
    let asked = read("PutItem", b"{}").unwrap();
    assert_eq!(settle(&asked, 200, b"<html>").charges, [(Unit::Unread, 1)]);
}

#[test]
fn halves_are_rounded_up() {
    let check =
        |text: &str, expect: u64| assert_eq!(halves(&serde_json::from_str(text).unwrap()), expect);
    check("0.5", 1);
    check("1", 2);
    check("1.0", 2);
    check("2.25", 5);
    check("2.75", 6);
}
