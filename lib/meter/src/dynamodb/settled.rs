//! What an answer costs, and the answer as the caller asked for it.
//!
//! Writes are believed to the stand-in, which knows the items before and after and the indexes. Reads are counted here: the
//! items of the answer by AWS's formula, since stand-ins report constants. Where the answer does not hold what was read (a
//! projection, a filter, `Select: COUNT`), the larger of both numbers counts, and the call as a guess.
//!
//! A failed condition costs the write units of the larger of the item in the way and the item that was to be put, at least
//! one. AWS says so of single writes; of a transaction that was cancelled it says only that it costs, so every action of it
//! is charged the same way, twice.

use super::asked::Asked;
use super::item::bytes_of;
use super::{Consistency, write_units};
use crate::unit::{Charge, Unit};
use serde_json::{Number, Value};

/// An answer that has been read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// The body that the caller gets, if something was taken out.
    pub changed: Option<Value>,
    /// The units.
    pub charges: Vec<Charge>,
}

impl Settled {
    /// The amount of a unit.
    pub fn amount(&self, unit: Unit) -> u64 {
        self.charges.iter().filter(|(of, _)| *of == unit).map(|(_, amount)| amount).sum()
    }
}

/// Settles a call. `body` is the stand-in's answer; one that is no JSON costs nothing that is known.
pub fn settle(asked: &Asked, status: u16, body: &[u8]) -> Settled {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Settled { changed: None, charges: vec![(Unit::Unread, 1)] };
    };
    if status >= 300 { failure(asked, answer) } else { success(asked, answer) }
}

fn success(asked: &Asked, mut answer: Value) -> Settled {
    let reported = halves_reported(answer.get("ConsumedCapacity"));
    let mut charges = match &*asked.operation {
        "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems" => {
            writes(asked, &answer, reported)
        }
        "ExecuteStatement" | "BatchExecuteStatement" | "ExecuteTransaction" => {
            statements(asked, reported)
        }
        _ => reads(asked, &answer, reported),
    };
    charges.retain(|(_, amount)| *amount > 0);
    let taken = asked.capacity_added
        && answer.as_object_mut().is_some_and(|answer| answer.remove("ConsumedCapacity").is_some());
    Settled { changed: taken.then_some(answer), charges }
}

/// The halves of units that the stand-in reports, over all tables; none if it reports nothing.
fn halves_reported(capacity: Option<&Value>) -> Option<u64> {
    let halves =
        |of_table: &Value| of_table.get("CapacityUnits").and_then(Value::as_number).map(halves);
    match capacity? {
        Value::Array(tables) if tables.is_empty() => None,
        Value::Array(tables) => tables.iter().map(halves).sum(),
        one => halves(one),
    }
}

/// A number of units in halves, rounded up. JSON's numbers are read as text, so that no rounding comes in.
fn halves(units: &Number) -> u64 {
    let units = units.to_string();
    let (whole, fraction) = units.split_once('.').unwrap_or((&units, ""));
    let fraction = fraction.trim_end_matches('0');
    let half = match fraction {
        "" => 0,
        "5" => 1,
        larger if larger >= "5" => 2,
        _ => 1,
    };
    whole.parse::<u64>().unwrap_or(0) * 2 + half
}

fn writes(asked: &Asked, answer: &Value, reported: Option<u64>) -> Vec<Charge> {
    // A transaction that is repeated under its token writes nothing and reads; AWS reports it so.
    let read = sum_of(answer.get("ConsumedCapacity"), "ReadCapacityUnits");
    if read > 0 {
        return vec![(Unit::HalfReadUnits, read)];
    }
    match reported {
        Some(halves) => vec![(Unit::WriteUnits, halves.div_ceil(2))],
        None => vec![(Unit::WriteUnits, least_units(asked)), (Unit::Guessed, 1)],
    }
}

fn sum_of(capacity: Option<&Value>, member: &str) -> u64 {
    let tables = match capacity {
        Some(Value::Array(tables)) => tables.iter().collect(),
        Some(one) => vec![one],
        None => vec![],
    };
    tables.into_iter().filter_map(|table| table.get(member)?.as_number()).map(halves).sum()
}

/// The write units that a request costs at least, by what it says itself.
fn least_units(asked: &Asked) -> u64 {
    let put = |item: Option<&Value>| write_units(bytes_of(item));
    match &*asked.operation {
        "BatchWriteItem" => {
            let tables =
                asked.request.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
            let all = tables.filter_map(|(_, writes)| writes.as_array()).flatten();
            all.map(|write| put(write.get("PutRequest").and_then(|request| request.get("Item"))))
                .sum()
        }
        "TransactWriteItems" => actions(asked).map(|action| 2 * put(action.get("Item"))).sum(),
        _ => put(asked.request.get("Item")),
    }
}

/// The actions of a transaction, without their kind.
fn actions(asked: &Asked) -> impl Iterator<Item = &Value> {
    let items = asked.request.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_object()?.values().next())
}

/// Statements of `PartiQL` are believed to the stand-in: which of them read is told by their first word.
fn statements(asked: &Asked, reported: Option<u64>) -> Vec<Charge> {
    let first = match &*asked.operation {
        "ExecuteStatement" => asked.request.get("Statement"),
        "ExecuteTransaction" => asked.request.pointer("/TransactStatements/0/Statement"),
        _ => asked.request.pointer("/Statements/0/Statement"),
    };
    let first = first.and_then(Value::as_str).unwrap_or_default().trim_start();
    let reads = first.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"));
    let Some(halves) = reported else { return vec![(Unit::Guessed, 1)] };
    if reads {
        vec![(Unit::HalfReadUnits, halves)]
    } else {
        vec![(Unit::WriteUnits, halves.div_ceil(2))]
    }
}

fn reads(asked: &Asked, answer: &Value, reported: Option<u64>) -> Vec<Charge> {
    let request = &asked.request;
    let is_consistent =
        |of: &Value| of.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
    let is_cut = |of: &Value| {
        of.get("ProjectionExpression").is_some() || of.get("AttributesToGet").is_some()
    };
    let (own, exact) = match &*asked.operation {
        "GetItem" => {
            let halves =
                Consistency::of(is_consistent(request)).halves(bytes_of(answer.get("Item")));
            (halves, !is_cut(request))
        }
        "Query" | "Scan" => {
            let items = answer.get("Items").and_then(Value::as_array).into_iter().flatten();
            let bytes = items.map(|item| bytes_of(Some(item))).sum();
            let whole = !is_cut(request)
                && request.get("Select").is_none_or(|select| select != "COUNT")
                && answer.get("ScannedCount") == answer.get("Count");
            (Consistency::of(is_consistent(request)).halves(bytes), whole)
        }
        "TransactGetItems" => {
            let items = answer.get("Responses").and_then(Value::as_array).into_iter().flatten();
            let each =
                items.map(|item| Consistency::Transactional.halves(bytes_of(item.get("Item"))));
            (each.sum(), !actions(asked).any(is_cut))
        }
        _ => {
            let tables =
                request.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
            let each = tables.map(|(table, keys)| {
                let consistency = Consistency::of(is_consistent(keys));
                (batch_halves(table, keys, answer, consistency), !is_cut(keys))
            });
            each.fold((0, true), |(sum, exact), (halves, whole)| (sum + halves, exact && whole))
        }
    };
    if exact {
        vec![(Unit::HalfReadUnits, own)]
    } else {
        vec![(Unit::HalfReadUnits, own.max(reported.unwrap_or(0))), (Unit::Guessed, 1)]
    }
}

/// Each item of a batch is rounded by itself; a key without an item costs the least.
fn batch_halves(table: &str, keys: &Value, answer: &Value, consistency: Consistency) -> u64 {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let found = list(answer.get("Responses").and_then(|tables| tables.get(table)));
    let put_off = answer.get("UnprocessedKeys").and_then(|tables| tables.get(table)?.get("Keys"));
    let missing = list(keys.get("Keys")).len().saturating_sub(found.len() + list(put_off).len());
    let sizes =
        found.iter().map(|item| bytes_of(Some(item))).chain(std::iter::repeat_n(0, missing));
    sizes.map(|bytes| consistency.halves(bytes)).sum()
}

fn failure(asked: &Asked, mut answer: Value) -> Settled {
    let name = answer.get("__type").and_then(Value::as_str).unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default();
    let (units, taken) = match (name, &*asked.operation) {
        ("ConditionalCheckFailedException", _) => {
            let old = bytes_of(answer.get("Item"));
            let units = write_units(old.max(bytes_of(asked.request.get("Item"))));
            (units, asked.old_added.first() == Some(&true) && take_item(&mut answer))
        }
        ("TransactionCanceledException", "TransactWriteItems") => {
            let old = |place: usize| {
                let reason = answer.get("CancellationReasons")?.get(place)?;
                reason.get("Item")
            };
            let each = actions(asked).enumerate();
            let units = each.map(|(place, action)| {
                2 * write_units(bytes_of(old(place)).max(bytes_of(action.get("Item"))))
            });
            (units.sum(), take_items(asked, &mut answer))
        }
        _ => (0, false),
    };
    let charges = if units > 0 { vec![(Unit::WriteUnits, units)] } else { vec![] };
    Settled { changed: taken.then_some(answer), charges }
}

fn take_item(answer: &mut Value) -> bool {
    answer.as_object_mut().is_some_and(|answer| answer.remove("Item").is_some())
}

/// Takes the items out of the reasons of those actions that did not ask for them.
fn take_items(asked: &Asked, answer: &mut Value) -> bool {
    let reasons =
        answer.get_mut("CancellationReasons").and_then(Value::as_array_mut).into_iter().flatten();
    let added = reasons.zip(&asked.old_added).filter(|(_, added)| **added);
    added.fold(false, |taken, (reason, _)| take_item(reason) || taken)
}

#[cfg(test)]
mod tests;
