//! What becomes of calls whose keys are used too much: an error, a cancelled transaction, or a smaller batch.

use super::keys::{Access, Touch, table_name};
use crate::answer::Refusal;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is left of a batch without some of its places, and those as unprocessed.
pub fn split(operation: &str, request: &Value, refused: &[Touch]) -> (Value, Value) {
    let (mut kept, mut unprocessed) = (request.clone(), serde_json::Map::new());
    if let Some(tables) = kept.get_mut("RequestItems").and_then(Value::as_object_mut) {
        for (name, of_table) in tables.iter_mut() {
            let here = refused.iter().filter(|touch| *touch.table == *table_name(name));
            let places: BTreeSet<usize> = here.map(|touch| touch.place).collect();
            if !places.is_empty() {
                let mut put_off = of_table.clone();
                retain(operation, &mut put_off, |place| places.contains(&place));
                retain(operation, of_table, |place| !places.contains(&place));
                unprocessed.insert(name.clone(), put_off);
            }
        }
        tables.retain(|_, of_table| list(operation, of_table).is_none_or(|list| !list.is_empty()));
    }
    (kept, unprocessed.into())
}

/// The writes, or the keys, of one table in a batch.
fn list<'a>(operation: &str, of_table: &'a mut Value) -> Option<&'a mut Vec<Value>> {
    let list = if operation == "BatchGetItem" { of_table.get_mut("Keys") } else { Some(of_table) };
    list?.as_array_mut()
}

fn retain(operation: &str, of_table: &mut Value, stays: impl Fn(usize) -> bool) {
    if let Some(list) = list(operation, of_table) {
        let mut place = 0..;
        list.retain(|_| place.next().is_some_and(&stays));
    }
}

/// The error of a key that is used too much.
pub fn refusal(touch: &Touch) -> Refusal {
    let reason = match touch.access {
        Access::Read => "TableReadKeyRangeThroughputExceeded",
        Access::Write => "TableWriteKeyRangeThroughputExceeded",
    };
    let resource = format!("arn:aws:dynamodb:us-east-1:000000000000:table/{}", touch.table);
    let message =
        format!("Throughput exceeds the current capacity of the partition of key {}", touch.key);
    Refusal {
        members: json!({"ThrottlingReasons": [{"reason": reason, "resource": resource}]}),
        ..Refusal::new(400, "ProvisionedThroughputExceededException", message)
    }
}

/// The error of a transaction of so many actions, some of whose keys are used too much.
pub fn cancellation(actions: usize, refused: &[Touch]) -> Refusal {
    let code = |place: usize| {
        let throttled = refused.iter().any(|touch| touch.place == place);
        if throttled {
            json!({"Code": "ProvisionedThroughputExceeded"})
        } else {
            json!({"Code": "None"})
        }
    };
    let reasons: Vec<Value> = (0..actions).map(code).collect();
    Refusal {
        members: json!({"CancellationReasons": reasons}),
        ..Refusal::new(
            400,
            "TransactionCanceledException",
            "Transaction cancelled, a key is used too much",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(place: usize) -> Touch {
        Touch { table: "t".into(), key: "k".into(), access: Access::Write, units: 1, place }
    }

    #[test]
    fn a_batch_is_split_by_places() {
        let refused = [touch(1)];
        let batch = json!({"RequestItems": {"t": [1, 2, 3], "u": [4]}, "x": 5});
        let (kept, unprocessed) = split("BatchWriteItem", &batch, &refused);
        assert_eq!(kept, json!({"RequestItems": {"t": [1, 3], "u": [4]}, "x": 5}));
        assert_eq!(unprocessed, json!({"t": [2]}));
        let gets = json!({"RequestItems": {"t": {"Keys": [1, 2], "ConsistentRead": true}}});
        let (keys, put_off) = split("BatchGetItem", &gets, &refused);
        assert_eq!(keys, json!({"RequestItems": {"t": {"Keys": [1], "ConsistentRead": true}}}));
        assert_eq!(put_off, json!({"t": {"Keys": [2], "ConsistentRead": true}}));
        let (nothing, _) =
            split("BatchWriteItem", &json!({"RequestItems": {"t": [0, 1]}}), &[touch(0), touch(1)]);
        assert_eq!(nothing, json!({"RequestItems": {}}));
    }

    #[test]
    fn refusals_name_their_reason() {
        let refused = refusal(&touch(0));
        assert_eq!(
            refused.members["ThrottlingReasons"][0]["reason"],
            "TableWriteKeyRangeThroughputExceeded"
        );
        let cancelled = cancellation(2, &[touch(1)]);
        assert_eq!(
            cancelled.members["CancellationReasons"],
            json!([{"Code": "None"}, {"Code": "ProvisionedThroughputExceeded"}])
        );
    }
}
