//! Which partition keys a request touches, for the limit of 1,000 write units and 3,000 read units per second and key.
//!
//! AWS limits partitions; a key always lies in one, and a hot key gets one for itself, so the key is the smallest thing
//! that AWS surely throttles. What a request costs is known before for puts, by their item, and else only after: such a
//! call is let in when one unit is there, and pays the rest afterwards, which the next call feels.

use super::item::bytes_of;
use super::write_units;
use crate::bucket::Buckets;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Write units per second and partition key.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>
pub const WRITE_UNITS_PER_SECOND: u32 = 1_000;
/// Read units per second and partition key, same page.
pub const READ_UNITS_PER_SECOND: u32 = 3_000;
/// The most tables whose partition key is remembered.
pub const TABLES_MAX: usize = 10_000;

/// What a request does with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Reads it; paid in halves of read units.
    Read,
    /// Writes it; paid in write units.
    Write,
}

/// A touch of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The table, by name.
    pub table: Box<str>,
    /// The value of the partition key, as JSON.
    pub key: Box<str>,
    /// Read or written.
    pub access: Access,
    /// What it costs at least.
    pub units: u64,
    /// Where it stands in the request: its place in its table's list, or among the actions.
    pub place: usize,
}

/// The name of a table, of which an ARN may be given.
pub(super) fn table_name(table: &str) -> &str {
    table.rsplit("table/").next().unwrap_or(table)
}

/// The tables of a request.
pub fn tables(request: &Value) -> BTreeSet<Box<str>> {
    let of_actions = request.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
    let of_actions = of_actions
        .filter_map(|action| action.as_object()?.values().next()?.get("TableName")?.as_str());
    let of_batches = request.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
    let of_batches = of_batches.map(|(table, _)| table.as_str());
    let own = request.get("TableName").and_then(Value::as_str);
    own.into_iter()
        .chain(of_actions)
        .chain(of_batches)
        .map(|table| table_name(table).into())
        .collect()
}

/// The touches of a request. `hash` gives the name of a table's partition key; tables it does not know are left out.
pub fn touches(
    operation: &str,
    request: &Value,
    hash: impl Fn(&str) -> Option<Box<str>>,
) -> Vec<Touch> {
    let touch = |table: &str, attributes: Option<&Value>, access, units, place| {
        let table = table_name(table);
        let key = attributes?.get(&*hash(table)?)?.to_string().into();
        Some(Touch { table: table.into(), key, access, units, place })
    };
    let own = request.get("TableName").and_then(Value::as_str).unwrap_or_default();
    let list = |name: &str| request.get(name).and_then(Value::as_array).into_iter().flatten();
    let batches = || request.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
    let touches: Vec<Option<Touch>> = match operation {
        "GetItem" => vec![touch(own, request.get("Key"), Access::Read, 1, 0)],
        "PutItem" => {
            let item = request.get("Item");
            vec![touch(own, item, Access::Write, write_units(bytes_of(item)), 0)]
        }
        "UpdateItem" | "DeleteItem" => vec![touch(own, request.get("Key"), Access::Write, 1, 0)],
        "Query" if request.get("IndexName").is_none() => {
            let attributes = hash(table_name(own)).and_then(|name| queried(request, &name));
            vec![touch(own, attributes.as_ref(), Access::Read, 1, 0)]
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let access = if operation == "TransactGetItems" { Access::Read } else { Access::Write };
            let actions = list("TransactItems").enumerate();
            let touch = |(place, action): (usize, &Value)| {
                let action = action.as_object()?.values().next()?;
                let item = action.get("Item");
                let units =
                    if access == Access::Read { 4 } else { 2 * write_units(bytes_of(item)) };
                touch(
                    action.get("TableName")?.as_str()?,
                    item.or(action.get("Key")),
                    access,
                    units,
                    place,
                )
            };
            actions.map(touch).collect()
        }
        "BatchWriteItem" => batches()
            .flat_map(|(table, writes)| {
                let writes = writes.as_array().into_iter().flatten().enumerate();
                writes.map(|(place, write)| {
                    let item = write.get("PutRequest").and_then(|put| put.get("Item"));
                    let attributes = item.or_else(|| write.get("DeleteRequest")?.get("Key"));
                    touch(table, attributes, Access::Write, write_units(bytes_of(item)), place)
                })
            })
            .collect(),
        "BatchGetItem" => batches()
            .flat_map(|(table, keys)| {
                let keys =
                    keys.get("Keys").and_then(Value::as_array).into_iter().flatten().enumerate();
                keys.map(|(place, key)| touch(table, Some(key), Access::Read, 1, place))
            })
            .collect(),
        _ => vec![],
    };
    touches.into_iter().flatten().collect()
}

/// The partition key of a query, as an item: `#p = :v` in its key condition.
fn queried(request: &Value, name: &str) -> Option<Value> {
    let names = request.get("ExpressionAttributeNames");
    let condition = request.get("KeyConditionExpression")?.as_str()?.replace('=', " = ");
    let words: Vec<&str> = condition
        .split(|letter: char| letter.is_whitespace() || "()".contains(letter))
        .filter(|word| !word.is_empty())
        .collect();
    let value = words.windows(3).find_map(|three| match three {
        [left, "=", right] => {
            let resolved = names.and_then(|names| names.get(*left)?.as_str()).unwrap_or(left);
            (resolved == name).then_some(*right)
        }
        _ => None,
    })?;
    let value = request.get("ExpressionAttributeValues")?.get(value)?;
    Some(json!({name: value}))
}

/// A key in an account.
type Key = (Box<str>, Box<str>, Box<str>);

/// The buckets of all keys, and the names of the partition keys.
#[derive(Debug)]
pub struct Keys {
    /// The name of the partition key by account and table.
    hashes: BTreeMap<(Box<str>, Box<str>), Box<str>>,
    reads: Buckets<Key>,
    writes: Buckets<Key>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            hashes: BTreeMap::new(),
            reads: Buckets::new(2 * READ_UNITS_PER_SECOND),
            writes: Buckets::new(WRITE_UNITS_PER_SECOND),
        }
    }
}

impl Keys {
    /// Whether a table has been looked at.
    pub fn knows(&self, account: &str, table: &str) -> bool {
        self.hashes.contains_key(&(account.into(), table.into()))
    }

    /// Remembers a table by the answer to `DescribeTable`; one that does not say its key stays unlimited.
    pub fn learn(&mut self, account: &str, table: &str, description: &Value) {
        let schema =
            description.pointer("/Table/KeySchema").and_then(Value::as_array).into_iter().flatten();
        let mut hash = schema.filter(|part| part.get("KeyType").is_some_and(|kind| kind == "HASH"));
        let hash = hash.find_map(|part| part.get("AttributeName")?.as_str());
        if self.hashes.len() >= TABLES_MAX {
            self.hashes.clear();
        }
        if let Some(hash) = hash {
            self.hashes.insert((account.into(), table.into()), hash.into());
        }
    }

    /// Forgets a table, when it is made or deleted.
    pub fn forget(&mut self, account: &str, table: &str) {
        self.hashes.remove(&(account.into(), table_name(table).into()));
    }

    /// The touches of a request.
    pub fn touches(&self, account: &str, operation: &str, request: &Value) -> Vec<Touch> {
        touches(operation, request, |table| {
            self.hashes.get(&(account.into(), table.into())).cloned()
        })
    }

    /// Takes the units of a touch if they are there.
    pub fn take(&mut self, account: &str, touch: &Touch, now: Timestamp) -> bool {
        self.bucket(account, touch, now).take(touch.units, now)
    }

    /// Charges what a touch cost beyond what was taken.
    pub fn owe(&mut self, account: &str, touch: &Touch, units: u64, now: Timestamp) {
        self.bucket(account, touch, now).owe(units, now);
    }

    fn bucket(
        &mut self,
        account: &str,
        touch: &Touch,
        now: Timestamp,
    ) -> &mut crate::bucket::Bucket {
        let key = (account.into(), touch.table.clone(), touch.key.clone());
        match touch.access {
            Access::Read => self.reads.at(&key, now),
            Access::Write => self.writes.at(&key, now),
        }
    }
}

#[cfg(test)]
mod tests;
