//! Keys are found in each operation, and their buckets are taken and owed.

use super::*;
use jiff::SignedDuration;

fn hash(table: &str) -> Option<Box<str>> {
    (table == "t").then(|| "id".into())
}

/// The touches as (key, access, units, place).
#[track_caller]
fn check(operation: &str, request: &Value, expect: &[(&str, Access, u64, usize)]) {
    let found = touches(operation, request, hash);
    let found: Vec<_> =
        found.iter().map(|touch| (&*touch.key, touch.access, touch.units, touch.place)).collect();
    assert_eq!(found, expect);
}

const A: &str = r#"{"S":"a"}"#;
const B: &str = r#"{"S":"b"}"#;

fn key(id: &str) -> Value {
    json!({"id": {"S": id}})
}

fn touch(access: Access, units: u64, place: usize) -> Touch {
    Touch { table: "t".into(), key: A.into(), access, units, place }
}

#[test]
fn single_operations_touch_one_key() {
    check("GetItem", &json!({"TableName": "t", "Key": key("a")}), &[(A, Access::Read, 1, 0)]);
    check("UpdateItem", &json!({"TableName": "t", "Key": key("a")}), &[(A, Access::Write, 1, 0)]);
    let arn = json!({"TableName": "arn:aws:dynamodb:us-east-1:1:table/t", "Key": key("a")});
    check("DeleteItem", &arn, &[(A, Access::Write, 1, 0)]);
}

#[test]
fn a_put_costs_its_size() {
    let item = json!({"id": {"S": "a"}, "x": {"S": "y".repeat(1024)}});
    check("PutItem", &json!({"TableName": "t", "Item": item}), &[(A, Access::Write, 2, 0)]);
}

#[test]
fn unknown_tables_are_not_limited() {
    check("GetItem", &json!({"TableName": "u", "Key": key("a")}), &[]);
}

#[test]
fn a_query_names_its_key_directly_or_by_alias() {
    let values = json!({":v": {"S": "a"}, ":w": {"S": "b"}});
    let direct = json!({"TableName": "t", "KeyConditionExpression": "id=:v AND begins_with(sk, :w)",
        "ExpressionAttributeValues": values});
    check("Query", &direct, &[(A, Access::Read, 1, 0)]);
    let alias = json!({"TableName": "t", "KeyConditionExpression": "(#s = :v) AND (#i = :w)",
        "ExpressionAttributeNames": {"#i": "id", "#s": "sk"}, "ExpressionAttributeValues": values});
    check("Query", &alias, &[(B, Access::Read, 1, 0)]);
    let index = json!({"TableName": "t", "IndexName": "i", "KeyConditionExpression": "id = :v",
        "ExpressionAttributeValues": values});
    check("Query", &index, &[]);
}

#[test]
fn transactions_and_batches_touch_many() {
    let transaction = json!({"TransactItems": [
        {"Put": {"TableName": "t", "Item": key("a")}}, {"ConditionCheck": {"TableName": "t", "Key": key("b")}},
    ]});
    check(
        "TransactWriteItems",
        &transaction,
        &[(A, Access::Write, 2, 0), (B, Access::Write, 2, 1)],
    );
    let reads = json!({"TransactItems": [{"Get": {"TableName": "t", "Key": key("a")}}]});
    check("TransactGetItems", &reads, &[(A, Access::Read, 4, 0)]);
    let batch = json!({"RequestItems": {"t": [
        {"DeleteRequest": {"Key": key("a")}}, {"PutRequest": {"Item": key("b")}},
    ]}});
    check("BatchWriteItem", &batch, &[(A, Access::Write, 1, 0), (B, Access::Write, 1, 1)]);
    let gets = json!({"RequestItems": {"t": {"Keys": [key("b")]}}});
    check("BatchGetItem", &gets, &[(B, Access::Read, 1, 0)]);
    assert_eq!(tables(&gets), BTreeSet::from(["t".into()]));
    assert_eq!(tables(&transaction), BTreeSet::from(["t".into()]));
}

#[test]
fn a_table_is_learned_and_forgotten() {
    let mut keys = Keys::default();
    let description = json!({"Table": {"KeySchema": [
        {"AttributeName": "sk", "KeyType": "RANGE"}, {"AttributeName": "id", "KeyType": "HASH"},
    ]}});
    keys.learn("1", "t", &description);
    assert!(keys.knows("1", "t") && !keys.knows("2", "t"));
    assert_eq!(keys.touches("1", "GetItem", &json!({"TableName": "t", "Key": key("a")})).len(), 1);
    keys.forget("1", "t");
    assert!(!keys.knows("1", "t"));
    keys.learn("1", "u", &json!({"__type": "ResourceNotFoundException"}));
    assert!(!keys.knows("1", "u"));
}

#[test]
fn a_key_has_1000_writes_and_3000_reads_a_second() {
    let (mut keys, now) = (Keys::default(), Timestamp::UNIX_EPOCH);
    assert!((0..1000).all(|_| keys.take("1", &touch(Access::Write, 1, 0), now)));
    assert!(!keys.take("1", &touch(Access::Write, 1, 0), now));
    assert!((0..3000).all(|_| keys.take("1", &touch(Access::Read, 2, 0), now)));
    assert!(!keys.take("1", &touch(Access::Read, 1, 0), now));
    assert!(keys.take("2", &touch(Access::Write, 1, 0), now));
}

#[test]
fn what_a_call_cost_more_is_felt_by_the_next() {
    let (mut keys, now) = (Keys::default(), Timestamp::UNIX_EPOCH);
    assert!(keys.take("1", &touch(Access::Write, 1, 0), now));
    keys.owe("1", &touch(Access::Write, 1, 0), 1999, now);
    assert!(!keys.take("1", &touch(Access::Write, 1, 0), now + SignedDuration::from_secs(1)));
    assert!(keys.take("1", &touch(Access::Write, 1, 0), now + SignedDuration::from_millis(1001)));
}
