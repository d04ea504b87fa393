//! What a request is asked in addition: its consumed capacity, and of conditional writes the item that was in the way.
//!
//! A request that the caller wrote so that it already asks for these goes on unchanged, byte by byte, and so do requests
//! of operations that cost nothing.

use super::item::{ITEM_BYTES_MAX, bytes_of};
use crate::answer::Refusal;
use serde_json::{Map, Value};

/// The operations whose answers carry `ConsumedCapacity` on demand.
const WITH_CAPACITY: [&str; 13] = [
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "ExecuteStatement",
    "ExecuteTransaction",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
];
const CAPACITY: &str = "ReturnConsumedCapacity";
const OLD_ITEM: &str = "ReturnValuesOnConditionCheckFailure";

/// A request that has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The operation.
    pub operation: Box<str>,
    /// The request as the caller wrote it.
    pub request: Value,
    /// What is sent instead, if anything was added.
    pub changed: Option<Value>,
    /// Whether the caller did not ask for the capacity.
    pub capacity_added: bool,
    /// Of a single write: whether the caller did not ask for the old item. Of a transaction the same for each action.
    pub old_added: Vec<bool>,
}

/// Whether the meter knows what the answer to an operation costs.
pub fn has_cost(operation: &str) -> bool {
    WITH_CAPACITY.contains(&operation)
}

/// Reads a request; none if its body is no JSON object or the operation costs nothing.
pub fn read(operation: &str, body: &[u8]) -> Option<Asked> {
    let request: Value = has_cost(operation).then(|| serde_json::from_slice(body).ok())??;
    request.is_object().then(|| ask(operation, request))
}

/// Adds what the meter wants to know.
pub fn ask(operation: &str, request: Value) -> Asked {
    let mut sent = request.clone();
    let capacity_added = request.get(CAPACITY).is_none_or(|asked| asked == "NONE");
    if let Some(sent) = sent.as_object_mut().filter(|_| capacity_added) {
        sent.insert(CAPACITY.to_owned(), "TOTAL".into());
    }
    let old_added: Vec<bool> = match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => {
            vec![sent.as_object_mut().is_some_and(ask_for_old)]
        }
        "TransactWriteItems" => {
            let actions =
                sent.get_mut("TransactItems").and_then(Value::as_array_mut).into_iter().flatten();
            actions.map(|action| action_of(action).is_some_and(ask_for_old)).collect()
        }
        _ => vec![],
    };
    let changed = capacity_added || old_added.contains(&true);
    Asked {
        operation: operation.into(),
        request,
        changed: changed.then_some(sent),
        capacity_added,
        old_added,
    }
}

/// The one action inside of `{"Put": {...}}`.
fn action_of(action: &mut Value) -> Option<&mut Map<String, Value>> {
    action.as_object_mut()?.values_mut().next()?.as_object_mut()
}

/// Asks a write with a condition for the item that was in the way; says whether that was added.
fn ask_for_old(write: &mut Map<String, Value>) -> bool {
    let asked = write.get(OLD_ITEM).is_some_and(|asked| asked == "ALL_OLD");
    let adds = write.contains_key("ConditionExpression") && !asked;
    if adds {
        write.insert(OLD_ITEM.to_owned(), "ALL_OLD".into());
    }
    adds
}

/// The items that a request writes whole.
pub fn whole_items<'a>(operation: &str, request: &'a Value) -> Vec<&'a Value> {
    match operation {
        "PutItem" => request.get("Item").into_iter().collect(),
        "BatchWriteItem" => {
            let tables =
                request.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
            let writes = tables.filter_map(|(_, writes)| writes.as_array()).flatten();
            writes.filter_map(|write| write.get("PutRequest")?.get("Item")).collect()
        }
        "TransactWriteItems" => {
            let actions =
                request.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
            actions.filter_map(|action| action.get("Put")?.get("Item")).collect()
        }
        _ => vec![],
    }
}

/// The refusal of an item that is too large.
pub fn too_large(asked: &Asked) -> Option<Refusal> {
    let items = whole_items(&asked.operation, &asked.request);
    let largest = items.into_iter().map(|item| bytes_of(Some(item))).max()?;
    (largest > ITEM_BYTES_MAX).then(|| {
        Refusal::new(400, "ValidationException", "Item size has exceeded the maximum allowed size")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(operation: &str, request: &Value, changed: Option<Value>) {
        let asked = read(operation, request.to_string().as_bytes()).unwrap();
        assert_eq!((&asked.request, asked.changed), (request, changed));
    }

    #[test]
    fn capacity_is_asked_for() {
        check(
            "GetItem",
            &json!({"Key": {}}),
            Some(json!({"Key": {}, "ReturnConsumedCapacity": "TOTAL"})),
        );
        let none = json!({"ReturnConsumedCapacity": "NONE"});
        check("Query", &none, Some(json!({"ReturnConsumedCapacity": "TOTAL"})));
    }

    #[test]
    fn who_asks_already_is_left_alone() {
        check("PutItem", &json!({"ReturnConsumedCapacity": "TOTAL"}), None);
        check("PutItem", &json!({"ReturnConsumedCapacity": "INDEXES"}), None);
    }

    #[test]
    fn conditional_writes_are_asked_for_the_item_in_the_way() {
        let request = json!({"ConditionExpression": "a", "ReturnConsumedCapacity": "TOTAL"});
        let mut changed = request.clone();
        changed["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
        check("UpdateItem", &request, Some(changed.clone()));
        check("UpdateItem", &changed, None);
    }

    #[test]
    fn each_action_of_a_transaction_is_asked() {
        let request = json!({"ReturnConsumedCapacity": "TOTAL", "TransactItems": [
            {"Put": {"Item": {}}}, {"Update": {"ConditionExpression": "a"}},
        ]});
        let asked = read("TransactWriteItems", request.to_string().as_bytes()).unwrap();
        assert_eq!(asked.old_added, [false, true]);
        let action = &asked.changed.unwrap()["TransactItems"][1]["Update"];
        assert_eq!(action["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
    }

    #[test]
    fn operations_without_cost_and_broken_bodies_are_not_read() {
        assert_eq!(read("DescribeTable", b"{}"), None);
        assert_eq!(read("GetItem", b"{"), None);
        assert_eq!(read("GetItem", b"[]"), None);
    }

    /// An item of `1 + value` bytes.
    fn put(value: usize) -> Asked {
        let request = json!({"Item": {"a": {"S": "x".repeat(value)}}});
        read("PutItem", request.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_item_of_400_kb_is_the_largest() {
        assert_eq!(too_large(&put(400 * 1024 - 1)), None);
        assert_eq!(too_large(&put(400 * 1024)).unwrap().name, "ValidationException");
    }

    #[test]
    fn items_of_batches_and_transactions_are_found() {
        let batch = json!({"RequestItems": {"t": [{"PutRequest": {"Item": {"a": 1}}}, {"DeleteRequest": {"Key": {}}}]}});
        assert_eq!(whole_items("BatchWriteItem", &batch), [&json!({"a": 1})]);
        let transaction =
            json!({"TransactItems": [{"Put": {"Item": {"b": 1}}}, {"Delete": {"Key": {}}}]});
        assert_eq!(whole_items("TransactWriteItems", &transaction), [&json!({"b": 1})]);
    }
}
