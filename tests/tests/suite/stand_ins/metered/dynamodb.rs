//! The bill of `DynamoDB` against a hand calculation. Prices, by the million: 0.625 dollars for write units, 0.125 for read units.
//!
//! The rules, from AWS's developer guide ("read and write operations"): a write costs a unit for each begun KB of the larger of
//! the item before and after, deletes and failed conditions too; a read a unit for each begun 4 KB if strong, half of that if
//! eventual, twice if transactional. What AWS leaves open and the meter chose is in `docs/meter.md`.

use super::tables::{COLOUR, INDEX, Item, TABLE, item, key, place, table, table_with_index, text};
use super::{Metered, Row};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, DeleteRequest, Get, KeysAndAttributes, Put, PutRequest, Select,
    TransactGetItem, TransactWriteItem, Update, WriteRequest,
};
use streamgauge_meter::bill::Terms;
use streamgauge_meter::unit::Unit;

/// 0.625 dollars for a million, in pico-dollars.
const WRITE: u128 = 625_000;
/// 0.125 dollars for a million units, in pico-dollars for half a unit.
const HALF_READ: u128 = 125_000 / 2;

fn calls(operation: &str, calls: u64) -> Row<'_> {
    (operation, Unit::Calls, calls, None)
}

fn errors(operation: &str, calls: u64) -> Row<'_> {
    (operation, Unit::Errors, calls, None)
}

fn guessed(operation: &str, calls: u64) -> Row<'_> {
    (operation, Unit::Guessed, calls, None)
}

fn writes(operation: &str, units: u64) -> Row<'_> {
    (operation, Unit::WriteUnits, units, Some(u128::from(units) * WRITE))
}

fn half_reads(operation: &str, halves: u64) -> Row<'_> {
    (operation, Unit::HalfReadUnits, halves, Some(u128::from(halves) * HALF_READ))
}

/// Puts an item; if a condition is given, it fails.
async fn put(client: &Client, item: Item, failing: Option<&str>) {
    let put = client.put_item().table_name(TABLE).set_item(Some(item));
    let put = put.set_condition_expression(failing.map(str::to_owned)).send().await;
    assert_eq!(put.is_err(), failing.is_some(), "{put:?}");
    if let Err(error) = put {
        let error = error.into_service_error();
        assert!(error.is_conditional_check_failed_exception(), "{error:?}");
    }
}

#[tokio::test]
async fn puts_cost_the_larger_of_the_old_and_the_new_item() {
    let metered = Metered::start().await;
    table(&metered.direct).await;
    let client = metered.caller("").await.dynamodb;
    put(&client, item("a", 1_024), None).await; // 1
    put(&client, item("b", 1_025), None).await; // 2
    put(&client, item("a", 3_072), None).await; // 1 KB becomes 3 KB: 3
    put(&client, item("a", 500), None).await; // 3 KB become 0.5 KB: 3
    metered.check_bill(Terms::default(), &[calls("PutItem", 4), writes("PutItem", 1 + 2 + 3 + 3)]);
}

#[tokio::test]
async fn failed_conditions_cost_as_if_they_had_held() {
    let metered = Metered::start().await;
    let direct = table(&metered.direct).await;
    place(direct, item("large", 3_500)).await;
    place(direct, item("small", 100)).await;
    let client = metered.caller("").await.dynamodb;
    put(&client, item("large", 100), Some("attribute_not_exists(id)")).await; // 3.5 KB in the way: 4
    put(&client, item("small", 2_500), Some("attribute_not_exists(id)")).await; // 2.5 KB are larger: 3
    put(&client, item("absent", 1_500), Some("attribute_exists(id)")).await; // nothing there, 1.5 KB: 2
    let update = || {
        let update = client.update_item().table_name(TABLE).update_expression("SET n = :n");
        update.expression_attribute_values(":n", text("1")).condition_expression("v = :n")
    };
    update().set_key(Some(key("large"))).send().await.unwrap_err(); // 4
    update().set_key(Some(key("absent"))).send().await.unwrap_err(); // 1
    let delete = client.delete_item().table_name(TABLE).set_key(Some(key("large")));
    delete.condition_expression("attribute_not_exists(id)").send().await.unwrap_err(); // 4
    metered.check_bill(
        Terms::default(),
        &[
            calls("DeleteItem", 1),
            errors("DeleteItem", 1),
            writes("DeleteItem", 4),
            calls("PutItem", 3),
            errors("PutItem", 3),
            writes("PutItem", 4 + 3 + 2),
            calls("UpdateItem", 2),
            errors("UpdateItem", 2),
            writes("UpdateItem", 4 + 1),
        ],
    );
}

#[tokio::test]
async fn updates_and_deletes_cost_the_larger_of_before_and_after() {
    let metered = Metered::start().await;
    let direct = table(&metered.direct).await;
    place(direct, item("a", 1_900)).await;
    place(direct, item("b", 2_500)).await;
    let client = metered.caller("").await.dynamodb;
    let update = |id: &str, bytes: usize| {
        let update = client.update_item().table_name(TABLE).set_key(Some(key(id)));
        let update = update.update_expression("SET v = :v");
        update.expression_attribute_values(":v", item(id, bytes)["v"].clone())
    };
    update("a", 3_500).send().await.unwrap(); // grows from 1.9 KB to 3.5 KB: 4
    update("a", 1_000).send().await.unwrap(); // shrinks from 3.5 KB: 4
    update("a", 1_000).send().await.unwrap(); // stays at 1,000 bytes: 1
    update("new", 2_048).send().await.unwrap(); // is made, 2 KB: 2
    let delete = |id: &str| client.delete_item().table_name(TABLE).set_key(Some(key(id)));
    delete("b").send().await.unwrap(); // 2.5 KB: 3
    delete("b").send().await.unwrap(); // nothing there: 1
    metered.check_bill(
        Terms::default(),
        &[
            calls("DeleteItem", 2),
            writes("DeleteItem", 3 + 1),
            calls("UpdateItem", 4),
            writes("UpdateItem", 4 + 4 + 1 + 2),
        ],
    );
}

#[tokio::test]
async fn reads_cost_by_begun_4_kb_and_consistency() {
    let metered = Metered::start().await;
    let direct = table(&metered.direct).await;
    place(direct, item("4", 4_096)).await;
    place(direct, item("5", 4_097)).await;
    place(direct, item("8", 8_704)).await;
    let client = metered.caller("").await.dynamodb;
    let get = |id: &str, strong: bool| {
        client.get_item().table_name(TABLE).set_key(Some(key(id))).consistent_read(strong)
    };
    get("4", false).send().await.unwrap(); // 1 half
    get("5", false).send().await.unwrap(); // 2 halves
    get("8", true).send().await.unwrap(); // 8.5 KB are 3 units: 6 halves
    get("none", false).send().await.unwrap(); // 1 half
    get("none", true).send().await.unwrap(); // 2 halves
    // Each of a batch is rounded up by itself, not their sum; the missing one costs the least.
    let keys = ["4", "5", "none"].map(key).to_vec();
    let keys = KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap();
    client.batch_get_item().request_items(TABLE, keys).send().await.unwrap(); // 1 + 2 + 1
    // Twice a strong read: 2 and 4 units.
    let both = ["4", "5"].map(|id| {
        let action = Get::builder().table_name(TABLE).set_key(Some(key(id))).build().unwrap();
        TransactGetItem::builder().get(action).build()
    });
    let both = client.transact_get_items().set_transact_items(Some(both.to_vec()));
    both.send().await.unwrap();
    metered.check_bill(
        Terms::default(),
        &[
            calls("BatchGetItem", 1),
            half_reads("BatchGetItem", 1 + 2 + 1),
            calls("GetItem", 5),
            half_reads("GetItem", 1 + 2 + 6 + 1 + 2),
            calls("TransactGetItems", 1),
            half_reads("TransactGetItems", 4 + 8),
        ],
    );
}

#[tokio::test]
async fn queries_and_scans_round_the_sum() {
    let metered = Metered::start().await;
    let direct = table_with_index(&metered.direct).await;
    for number in 0..10 {
        let mut item = item(&format!("{number}"), 488);
        item.insert(COLOUR.to_owned(), text("green")); // 488 + 6 + 5 bytes
        place(direct, item).await;
    }
    let client = metered.caller("").await.dynamodb;
    let query = || {
        let query = client.query().table_name(TABLE).key_condition_expression("id = :id");
        query.expression_attribute_values(":id", text("7"))
    };
    assert_eq!(query().send().await.unwrap().count(), 1); // 499 bytes: 1 half
    query().consistent_read(true).send().await.unwrap(); // 2 halves
    // 10 keys of (2 + 1) + (6 + 5) = 14 bytes: 1 half. AWS counts what the index holds, and so does this.
    let by_colour = client.query().table_name(TABLE).index_name(INDEX);
    let by_colour = by_colour.key_condition_expression("colour = :c");
    let by_colour = by_colour.expression_attribute_values(":c", text("green"));
    assert_eq!(by_colour.send().await.unwrap().count(), 10);
    // 10 items of 499 bytes are 4,990 bytes: 2 units of 4 KB, not 10.
    assert_eq!(client.scan().table_name(TABLE).send().await.unwrap().count(), 10); // 2 halves
    client.scan().table_name(TABLE).consistent_read(true).send().await.unwrap(); // 4 halves
    metered.check_bill(
        Terms::default(),
        &[
            calls("Query", 3),
            half_reads("Query", 1 + 2 + 1),
            calls("Scan", 2),
            half_reads("Scan", 2 + 4),
        ],
    );
}

/// The answer to a count holds no items, so that the meter depends on what the stand-in reports.
#[tokio::test]
async fn what_cannot_be_known_is_marked_as_a_guess() {
    let metered = Metered::start().await;
    let direct = table(&metered.direct).await;
    place(direct, item("a", 100)).await;
    let client = metered.caller("").await.dynamodb;
    client.scan().table_name(TABLE).select(Select::Count).send().await.unwrap();
    metered.check_bill(
        Terms::default(),
        &[calls("Scan", 1), guessed("Scan", 1), half_reads("Scan", 1)],
    );
}

#[tokio::test]
async fn batches_of_writes_are_the_sum_of_single_ones() {
    let metered = Metered::start().await;
    let direct = table(&metered.direct).await;
    place(direct, item("gone", 3_000)).await;
    let client = metered.caller("").await.dynamodb;
    let puts = (0..5).map(|number| {
        let put = PutRequest::builder().set_item(Some(item(&format!("{number}"), 1_536)));
        WriteRequest::builder().put_request(put.build().unwrap()).build()
    });
    let delete = DeleteRequest::builder().set_key(Some(key("gone"))).build().unwrap();
    let delete = WriteRequest::builder().delete_request(delete).build();
    let all = puts.chain([delete]).collect();
    client.batch_write_item().request_items(TABLE, all).send().await.unwrap();
    metered.check_bill(
        Terms::default(),
        &[calls("BatchWriteItem", 1), writes("BatchWriteItem", 5 * 2 + 3)],
    );
}

fn transact_put(item: Item, condition: Option<&str>) -> TransactWriteItem {
    let put = Put::builder().table_name(TABLE).set_item(Some(item));
    let put = put.set_condition_expression(condition.map(str::to_owned)).build().unwrap();
    TransactWriteItem::builder().put(put).build()
}

#[tokio::test]
async fn transactions_cost_twice() {
    let metered = Metered::start().await;
    let direct = table(&metered.direct).await;
    place(direct, item("grows", 100)).await;
    place(direct, item("goes", 2_500)).await;
    let client = metered.caller("").await.dynamodb;
    let update = Update::builder().table_name(TABLE).set_key(Some(key("grows")));
    let update = update.update_expression("SET v = :v");
    let update = update.expression_attribute_values(":v", item("grows", 1_500)["v"].clone());
    let delete = Delete::builder().table_name(TABLE).set_key(Some(key("goes"))).build().unwrap();
    let transaction = client.transact_write_items().client_request_token("once");
    let transaction = transaction
        .transact_items(transact_put(item("new", 1_536), None)) // 2
        .transact_items(TransactWriteItem::builder().update(update.build().unwrap()).build()) // 2
        .transact_items(TransactWriteItem::builder().delete(delete).build()); // 3
    transaction.send().await.unwrap();
    metered.check_bill(
        Terms::default(),
        &[calls("TransactWriteItems", 1), writes("TransactWriteItems", 2 * (2 + 2 + 3))],
    );
}

/// The answer to a repeated token is the first one, read again: as `ConsumedCapacity` tells, in read units.
#[tokio::test]
async fn a_repeated_transaction_reads() {
    let metered = Metered::start().await;
    table(&metered.direct).await;
    let client = metered.caller("").await.dynamodb;
    for _ in 0..2 {
        let transaction = client.transact_write_items().client_request_token("once");
        transaction.transact_items(transact_put(item("a", 100), None)).send().await.unwrap();
    }
    metered.check_bill(
        Terms::default(),
        &[
            calls("TransactWriteItems", 2),
            writes("TransactWriteItems", 2),
            half_reads("TransactWriteItems", 4),
        ],
    );
}

/// AWS says that a cancelled transaction costs, and not how much: here all its actions, each as a failed condition, twice.
#[tokio::test]
async fn cancelled_transactions_cost_as_if_they_had_been_done() {
    let metered = Metered::start().await;
    let direct = table(&metered.direct).await;
    place(direct, item("there", 2_500)).await;
    let client = metered.caller("").await.dynamodb;
    let check = ConditionCheck::builder().table_name(TABLE).set_key(Some(key("absent")));
    let check = check.condition_expression("attribute_not_exists(id)").build().unwrap();
    let transaction = client
        .transact_write_items()
        .transact_items(transact_put(item("new", 1_536), None)) // 2
        .transact_items(transact_put(item("there", 100), Some("attribute_not_exists(id)"))) // 3
        .transact_items(TransactWriteItem::builder().condition_check(check).build()); // 1
    let error = transaction.send().await.unwrap_err().into_service_error();
    assert!(error.is_transaction_canceled_exception(), "{error:?}");
    metered.check_bill(
        Terms::default(),
        &[
            calls("TransactWriteItems", 1),
            errors("TransactWriteItems", 1),
            writes("TransactWriteItems", 2 * (2 + 3 + 1)),
        ],
    );
}

/// An index of keys costs by what changes in it: nothing, an entry more, one for another, one less.
#[tokio::test]
async fn indexes_are_written_too() {
    let metered = Metered::start().await;
    let direct = table_with_index(&metered.direct).await;
    place(direct, item("plain", 100)).await;
    let client = metered.caller("").await.dynamodb;
    let update = |id: &str, expression: &str| {
        let update = client.update_item().table_name(TABLE).set_key(Some(key(id)));
        update.update_expression(expression)
    };
    let with = |expression: &str, value: &str| {
        update("plain", expression).expression_attribute_values(":v", text(value))
    };
    with("SET v = :v", "y").send().await.unwrap(); // not in the index: 1
    with("SET colour = :v", "green").send().await.unwrap(); // comes into it: 1 + 1
    with("SET v = :v", "z").send().await.unwrap(); // the index holds keys only: 1
    with("SET colour = :v", "red").send().await.unwrap(); // one entry goes, one comes: 1 + 2
    update("plain", "REMOVE colour").send().await.unwrap(); // leaves it: 1 + 1
    metered.check_bill(
        Terms::default(),
        &[calls("UpdateItem", 5), writes("UpdateItem", 1 + (1 + 1) + 1 + (1 + 2) + (1 + 1))],
    );
}

/// Two callers, one bill: each sees what it did itself.
#[tokio::test]
async fn a_bill_is_told_by_caller() {
    let metered = Metered::start().await;
    table(&metered.direct).await;
    let (first, second) =
        (metered.caller("fold-environment-1").await, metered.caller("settle-1").await);
    put(&first.dynamodb, item("a", 2_000), None).await;
    put(&first.dynamodb, item("b", 100), None).await;
    put(&second.dynamodb, item("c", 100), None).await;
    let calls = metered.running.calls();
    let units = |prefix: &str| {
        calls.of_caller(prefix).amount(&super::Service::DynamoDb, "PutItem", Unit::WriteUnits)
    };
    assert_eq!((units("fold-"), units("settle-"), units("")), (2 + 1, 1, 4));
    assert_eq!(metered.running.bill(Terms::default()).total().0, 4 * WRITE);
}
