//! The plan of a `DynamoDB` call: sizes, throughput of keys, and what is asked in addition.

use super::Proxy;
use super::exchange::Held;
use super::plan::{Forward, Plan, Settle};
use crate::answer::Answer;
use crate::clock::Clock;
use crate::dynamodb::asked::{Asked, ask, has_cost, read, too_large};
use crate::dynamodb::keys::{Access, Touch, tables};
use crate::dynamodb::refused::{cancellation, refusal, split};
use crate::dynamodb::settled::settle;
use crate::limits::Limit;
use crate::unit::{Charge, Unit, count};
use crate::watcher::Watcher;
use bytes::Bytes;
use serde_json::{Value, json};

/// What is to be done with an answer.
#[derive(Debug)]
pub(super) struct AfterDynamoDb {
    asked: Asked,
    /// The key that pays what the call cost beyond its estimate, if the call touched just one.
    payer: Option<Touch>,
    /// What a limit kept back of a batch; null if nothing.
    unprocessed: Value,
}

impl<W: Watcher, C: Clock> Proxy<W, C> {
    pub(super) async fn plan_dynamodb(&self, held: &Held) -> Plan {
        let Some(asked) = read(&held.call.operation, &held.body) else {
            return self.plan_control(held);
        };
        if self.limits.keep(Limit::ItemSize)
            && let Some(refusal) = too_large(&asked)
        {
            return Plan::Refuse(refusal);
        }
        if !self.limits.keep(Limit::KeyThroughput) {
            return forward(held, asked, None, Value::Null, 0);
        }
        for table in tables(&asked.request) {
            self.learn_table(held, &table).await;
        }
        let (touches, refused) = self.take(held, &asked);
        let Some(first) = refused.first() else {
            let payer = if let [one] = &*touches { Some(one.clone()) } else { None };
            return forward(held, asked, payer, Value::Null, 0);
        };
        match &*asked.operation {
            "TransactWriteItems" | "TransactGetItems" => {
                let actions = asked.request.get("TransactItems").and_then(Value::as_array);
                Plan::Refuse(cancellation(actions.map_or(0, Vec::len), &refused))
            }
            "BatchWriteItem" | "BatchGetItem" => {
                let (kept, unprocessed) = split(&asked.operation, &asked.request, &refused);
                let is_empty = kept
                    .get("RequestItems")
                    .and_then(Value::as_object)
                    .is_none_or(serde_json::Map::is_empty);
                if is_empty {
                    return Plan::Refuse(refusal(first));
                }
                forward(held, ask(&asked.operation, kept), None, unprocessed, count(refused.len()))
            }
            _ => Plan::Refuse(refusal(first)),
        }
    }

    /// A call that costs nothing; one that makes or deletes a table makes its key unknown.
    fn plan_control(&self, held: &Held) -> Plan {
        if has_cost(&held.call.operation) {
            return Plan::unread(held);
        }
        if matches!(&*held.call.operation, "CreateTable" | "DeleteTable")
            && let Ok(request) = serde_json::from_slice::<Value>(&held.body)
            && let Some(table) = request.get("TableName").and_then(Value::as_str)
        {
            self.state().keys.forget(&held.call.account, table);
        }
        Plan::unchanged(held, Settle::Nothing)
    }

    async fn learn_table(&self, held: &Held, table: &str) {
        let account = &held.call.account;
        if self.state().keys.knows(account, table) {
            return;
        }
        let request = json!({"TableName": table});
        if let Some(description) = self.ask(&held.call, &held.head, "DescribeTable", &request).await
        {
            self.state().keys.learn(account, table, &description);
        }
    }

    /// Takes the units of all touches; gives all, and those that found none.
    fn take(&self, held: &Held, asked: &Asked) -> (Vec<Touch>, Vec<Touch>) {
        let now = self.clock.now();
        let mut state = self.state();
        let account = &held.call.account;
        let touches = state.keys.touches(account, &asked.operation, &asked.request);
        let refused =
            touches.iter().filter(|touch| !state.keys.take(account, touch, now)).cloned().collect();
        (touches, refused)
    }

    pub(super) fn settle_dynamodb(
        &self,
        held: &Held,
        after: &AfterDynamoDb,
        answer: &mut Answer,
    ) -> Vec<Charge> {
        let mut settled = settle(&after.asked, answer.status.as_u16(), &answer.body);
        if let Some(payer) = &after.payer {
            let unit =
                if payer.access == Access::Read { Unit::HalfReadUnits } else { Unit::WriteUnits };
            let more = settled.amount(unit).saturating_sub(payer.units);
            self.state().keys.owe(&held.call.account, payer, more, self.clock.now());
        }
        if !after.unprocessed.is_null() && answer.status.is_success() {
            let whole =
                settled.changed.take().or_else(|| serde_json::from_slice(&answer.body).ok());
            settled.changed = whole.map(|whole| with_unprocessed(after, whole));
        }
        if let Some(changed) = settled.changed {
            answer.replace_body(changed.to_string().into_bytes());
        }
        settled.charges
    }
}

fn forward(
    held: &Held,
    asked: Asked,
    payer: Option<Touch>,
    unprocessed: Value,
    limited: u64,
) -> Plan {
    let body = match &asked.changed {
        Some(changed) => Bytes::from(changed.to_string()),
        None if unprocessed.is_null() => held.body.clone(),
        None => Bytes::from(asked.request.to_string()),
    };
    let settle = Settle::DynamoDb(AfterDynamoDb { asked, payer, unprocessed });
    Plan::Forward(Box::new(Forward { body, settle, charges: vec![(Unit::Limited, limited)] }))
}

/// Adds what was kept back to what the stand-in did not do.
fn with_unprocessed(after: &AfterDynamoDb, mut answer: Value) -> Value {
    let name = if &*after.asked.operation == "BatchGetItem" {
        "UnprocessedKeys"
    } else {
        "UnprocessedItems"
    };
    let Some(members) = answer.as_object_mut() else { return answer };
    let all = members.entry(name).or_insert_with(|| json!({}));
    let kept_back = after.unprocessed.as_object().into_iter().flatten();
    if let Some(all) = all.as_object_mut() {
        for (table, items) in kept_back {
            append(all.entry(table).or_insert(Value::Null), items);
        }
    }
    answer
}

/// Joins two lists of writes, or of keys.
fn append(place: &mut Value, items: &Value) {
    match (place, items) {
        (Value::Array(place), Value::Array(items)) => place.extend(items.iter().cloned()),
        (Value::Object(place), Value::Object(items)) => {
            if let (Some(place), Some(items)) = (place.get_mut("Keys"), items.get("Keys")) {
                append(place, items);
            }
        }
        (place, items) => *place = items.clone(),
    }
}
