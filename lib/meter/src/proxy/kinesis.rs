//! The plan of a Kinesis call: the room of shards for puts, the rate of reads, and what is learned of shards and iterators.

use super::Proxy;
use super::exchange::Held;
use super::plan::{Forward, Plan, Settle};
use crate::answer::{Answer, Refusal};
use crate::call::Protocol;
use crate::clock::Clock;
use crate::kinesis::puts::{
    Fates, THROUGHPUT, is_failed, kept, merge, no_room, records, too_large,
};
use crate::kinesis::reads::{charges, refusal};
use crate::kinesis::shards::open_shards;
use crate::kinesis::{put_charges, record_bytes, stream_name};
use crate::limits::Limit;
use crate::unit::{Charge, Unit, count};
use crate::watcher::Watcher;
use bytes::Bytes;
use serde_json::{Value, json};

/// The most pages of `ListShards` that are read of one stream.
const SHARD_PAGES_MAX: usize = 100;

/// What is to be done with an answer.
#[derive(Debug)]
pub(super) enum AfterKinesis {
    /// Records were put.
    Put(Put),
    /// An iterator was asked for.
    Iterator { stream: Box<str>, shard: Box<str> },
    /// Records were read with this iterator.
    Read { iterator: Box<str> },
    /// The shards of this stream may have changed.
    Changed { stream: Box<str> },
}

/// A put that went on.
#[derive(Debug)]
pub(super) struct Put {
    stream: Box<str>,
    /// The size of each record of the caller's request, and the shard where it is expected.
    records: Vec<(u64, Option<Box<str>>)>,
    /// Which of them the meter kept back.
    fates: Fates,
}

impl<W: Watcher, C: Clock> Proxy<W, C> {
    pub(super) async fn plan_kinesis(&self, held: &Held) -> Plan {
        let request: Value = serde_json::from_slice(&held.body).unwrap_or(Value::Null);
        let operation = &*held.call.operation;
        let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
        let stream = stream_name(&request);
        match (operation, stream) {
            ("PutRecords" | "PutRecord", Some(stream)) => {
                self.plan_put(held, &request, stream).await
            }
            ("GetRecords", _) => self.plan_read(held, text("ShardIterator")),
            ("GetShardIterator", Some(stream)) => {
                self.learn_shards(held, &stream).await;
                let after = AfterKinesis::Iterator { stream, shard: text("ShardId").into() };
                Plan::unchanged(held, Settle::Kinesis(after))
            }
            (
                "CreateStream" | "DeleteStream" | "MergeShards" | "SplitShard" | "UpdateShardCount"
                | "UpdateStreamMode",
                Some(stream),
            ) => Plan::unchanged(held, Settle::Kinesis(AfterKinesis::Changed { stream })),
            ("PutRecords" | "PutRecord", None) => Plan::unread(held),
            _ => Plan::unchanged(held, Settle::Nothing),
        }
    }

    async fn plan_put(&self, held: &Held, request: &Value, stream: Box<str>) -> Plan {
        let operation = &*held.call.operation;
        let records = records(operation, request);
        if self.limits.keep(Limit::PutSizes)
            && let Some(refusal) = too_large(&records)
        {
            return Plan::Refuse(refusal);
        }
        self.learn_shards(held, &stream).await;
        let put = self.take_room(held, &stream, &records);
        let failed = put.fates.iter().flatten().count();
        let faults = (0..put.fates.len()).filter(|place| is_struck(held, *place)).count();
        let limited = count(failed - faults);
        let charges = vec![(Unit::Limited, limited), (Unit::Faults, count(faults))];
        if failed == 0 {
            return Plan::unchanged(held, Settle::Kinesis(AfterKinesis::Put(put)));
        }
        if operation == "PutRecord" {
            let message = put.fates.into_iter().flatten().next().unwrap_or_default();
            return Plan::Refuse(Refusal::new(400, THROUGHPUT, message));
        }
        if failed == put.fates.len() {
            let Protocol::Json(content_type) = held.call.protocol else {
                return Plan::unchanged(held, Settle::Nothing);
            };
            return Plan::Answer(
                Answer::json(content_type, &merge(&json!({}), &put.fates)),
                charges,
            );
        }
        let body = Bytes::from(kept(request, &put.fates).to_string());
        Plan::Forward(Box::new(Forward {
            body,
            settle: Settle::Kinesis(AfterKinesis::Put(put)),
            charges,
        }))
    }

    /// Decides the fate of each record, in order.
    fn take_room(&self, held: &Held, stream: &str, records: &[&Value]) -> Put {
        let now = self.clock.now();
        let account = &held.call.account;
        let limited = self.limits.keep(Limit::ShardWrites);
        let mut state = self.state();
        let (mut known, mut fates) = (Vec::new(), Fates::new());
        for (place, record) in records.iter().enumerate() {
            let (bytes, shard) =
                (record_bytes(record), state.shards.of_record(account, stream, record));
            let has_room = |id: &str| {
                let key = (account.clone(), stream.into(), id.into());
                state.room.take(&key, bytes, now)
            };
            let name = shard.as_deref().unwrap_or("(unknown)");
            let fails = is_struck(held, place) || limited && !shard.as_deref().is_none_or(has_room);
            fates.push(fails.then(|| no_room(stream, name)));
            known.push((bytes, shard));
        }
        Put { stream: stream.into(), records: known, fates }
    }

    /// Asks the stand-in for the open shards of a stream, if they are unknown.
    async fn learn_shards(&self, held: &Held, stream: &str) {
        let account = &held.call.account;
        if self.state().shards.knows(account, stream) {
            return;
        }
        let (mut open, mut request) = (Vec::new(), json!({"StreamName": stream}));
        for _ in 0..SHARD_PAGES_MAX {
            let Some(answer) = self.ask(&held.call, &held.head, "ListShards", &request).await
            else {
                return;
            };
            open.extend(open_shards(&answer));
            match answer.get("NextToken").filter(|token| token.is_string()) {
                Some(token) => request = json!({"NextToken": token}),
                None => break,
            }
        }
        let mut state = self.state();
        state.tally.shards(account, stream, open.len());
        state.shards.learn(account, stream, open);
    }

    fn plan_read(&self, held: &Held, iterator: &str) -> Plan {
        if self.limits.keep(Limit::ShardReads) {
            let now = self.clock.now();
            let mut state = self.state();
            if let Some(shard) = state.reads.shard(&held.call.account, iterator).cloned()
                && !state.reads.take(&shard, now)
            {
                return Plan::Refuse(refusal(&shard));
            }
        }
        Plan::unchanged(held, Settle::Kinesis(AfterKinesis::Read { iterator: iterator.into() }))
    }

    pub(super) fn settle_kinesis(
        &self,
        held: &Held,
        after: AfterKinesis,
        answer: &mut Answer,
    ) -> Vec<Charge> {
        let account = &held.call.account;
        let read = || serde_json::from_slice::<Value>(&answer.body).ok();
        let Some(body) = answer.status.is_success().then(read) else { return vec![] };
        match (after, body) {
            (AfterKinesis::Changed { stream }, _) => {
                self.state().shards.forget(account, &stream);
                vec![]
            }
            (_, None) => vec![(Unit::Unread, 1)],
            (AfterKinesis::Iterator { stream, shard }, Some(body)) => {
                if let Some(iterator) = body.get("ShardIterator").and_then(Value::as_str) {
                    self.state().reads.learn(account, iterator, (account.clone(), stream, shard));
                }
                vec![]
            }
            (AfterKinesis::Read { iterator }, Some(body)) => {
                self.settle_read(held, &iterator, &body)
            }
            (AfterKinesis::Put(put), Some(body)) => self.settle_put(held, &put, &body, answer),
        }
    }

    fn settle_read(&self, held: &Held, iterator: &str, body: &Value) -> Vec<Charge> {
        let account = &held.call.account;
        let charges = charges(body);
        let now = self.clock.now();
        let mut state = self.state();
        if let Some(shard) = state.reads.shard(account, iterator).cloned() {
            let bytes = charges
                .iter()
                .find(|(unit, _)| *unit == Unit::BytesOut)
                .map_or(0, |(_, bytes)| *bytes);
            state.reads.owe(&shard, bytes, now);
            if let Some(next) = body.get("NextShardIterator").and_then(Value::as_str) {
                state.reads.learn(account, next, shard);
            }
        }
        charges
    }

    fn settle_put(&self, held: &Held, put: &Put, body: &Value, answer: &mut Answer) -> Vec<Charge> {
        let is_batch = &*held.call.operation == "PutRecords";
        let whole = if is_batch { merge(body, &put.fates) } else { json!({"Records": [body]}) };
        if put.fates.iter().any(Option::is_some) {
            answer.replace_body(whole.to_string().into_bytes());
        }
        let results = whole.get("Records").and_then(Value::as_array).into_iter().flatten();
        let done: Vec<_> =
            results.zip(&put.records).filter(|(result, _)| !is_failed(result)).collect();
        let elsewhere = done.iter().any(|(result, (_, expected))| {
            let shard = result.get("ShardId").and_then(Value::as_str);
            shard.is_some() && shard != expected.as_deref()
        });
        if elsewhere {
            self.state().shards.forget(&held.call.account, &put.stream);
        }
        put_charges(done.iter().map(|(_, (bytes, _))| *bytes))
    }
}

/// Whether a fault fails the record at this place.
fn is_struck(held: &Held, place: usize) -> bool {
    &*held.call.operation == "PutRecords"
        && held.strikes.iter().any(|strike| strike.fails_record(place))
}
