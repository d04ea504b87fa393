//! What surrounds the mapping: a stream in trouble, a destination that is deaf at times, a function that does what the plan says,
//! and everybody tells the model.

use super::super::bench::arn;
use super::model::{Expect, Model, Told};
use super::plan::{Deed, Plan};
use crate::arn::Arn;
use crate::clock::Clock;
use crate::embedded::stream::EmbeddedStream;
use crate::faults::Faults;
use crate::happening::{Happening, Observer};
use crate::interfere::{Interfere, Interference, Place, Point};
use crate::invoke::{Cause, Invocation, Invoke, Invoked, Outcome, REQUEST_BYTES_MAX, Report};
use crate::queue::{Depth, Message, Queue, QueueError};
use crate::services::{PutError, Services};
use crate::stream::{Iterator, Read, Shard, ShardId, Start, Stream, StreamError};
use crate::testing::{error, failed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// All that a life of the mapping shares with the others.
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) clock: Clock,
    pub(super) stream: EmbeddedStream,
    pub(super) model: Mutex<Model>,
    pub(super) rng: Mutex<fastrand::Rng>,
    pub(super) faults: Faults,
    pub(super) trouble_until: Mutex<Timestamp>,
    pub(super) deaf_until: Mutex<Timestamp>,
    pub(super) lists: Mutex<u64>,
}

/// The surroundings of one life.
#[derive(Clone)]
pub(super) struct World {
    pub(super) shared: Arc<Shared>,
    pub(super) life: u32,
}

impl fmt::Debug for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("World")
    }
}

impl World {
    pub(super) fn model(&self) -> MutexGuard<'_, Model> {
        self.shared.model.lock().unwrap()
    }

    fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    fn dice(&self, sides: u32) -> u32 {
        self.shared.rng.lock().unwrap().u32(..sides)
    }

    fn stumble(&self) -> Result<(), StreamError> {
        if self.shared.clock.now() >= *self.shared.trouble_until.lock().unwrap() {
            return Ok(());
        }
        match self.dice(6) {
            0 => Err(StreamError::Throttled),
            1 => Err(StreamError::Other("no connection".to_owned())),
            2 => Err(StreamError::ExpiredIterator),
            _ => Ok(()),
        }
    }

    fn is_deaf(&self) -> bool {
        self.shared.clock.now() < *self.shared.deaf_until.lock().unwrap()
    }

    fn told(&self, document: &str) -> bool {
        let value: Value = serde_json::from_str(document).unwrap();
        let text = |field: &Value| field.as_str().unwrap().to_owned();
        let batch = &value["KinesisBatchInfo"];
        let told = Told {
            shard: text(&batch["shardId"]),
            start: text(&batch["startSequenceNumber"]),
            end: text(&batch["endSequenceNumber"]),
            size: usize::try_from(batch["batchSize"].as_u64().unwrap()).unwrap(),
            condition: text(&value["requestContext"]["condition"]),
            invokes: value["requestContext"]["approximateInvokeCount"].as_u64().unwrap(),
            at: value["timestamp"].as_str().unwrap().parse().unwrap(),
            names: value["payload"].as_str().map(|event| self.ids(event.as_bytes()).1),
        };
        let arrives = !self.is_deaf();
        self.model().tell(self.plan(), self.life, &told, arrives);
        arrives
    }

    /// The shard and the records of an event, each of which is compared with what was put.
    fn ids(&self, event: &[u8]) -> (String, Vec<usize>) {
        let value: Value = serde_json::from_slice(event).unwrap();
        let mut ids = vec![];
        let mut last = String::new();
        let mut model = self.model();
        for record in value["Records"].as_array().unwrap() {
            let kinesis = &record["kinesis"];
            let (shard, number) = record["eventID"].as_str().unwrap().split_once(':').unwrap();
            let Some(id) = model.id(shard, number) else {
                model.wrong(format!("{shard}:{number} was never put"));
                continue;
            };
            let data = STANDARD.decode(kinesis["data"].as_str().unwrap()).unwrap();
            let put = &model.puts[id];
            let is_same = kinesis["sequenceNumber"] == number
                && kinesis["partitionKey"] == format!("key {}", put.key)
                && data.len() == put.bytes
                && data.starts_with(format!("{id} ").as_bytes());
            if !is_same || !last.is_empty() && last != shard {
                model.wrong(format!("another record than {id}: {shard}"));
            }
            shard.clone_into(&mut last);
            ids.push(id);
        }
        (last, ids)
    }

    /// What the function answers, and what that means.
    fn act(&self, ids: &[usize]) -> (Outcome, Expect) {
        let Some((deed, place)) = self.model().deed(self.plan(), ids) else {
            let answers =
                ["null", "{}", "", "{\"batchItemFailures\":[]}", "{\"batchItemFailures\":null}"];
            let text = answers[usize::try_from(self.dice(5)).unwrap()];
            return (Outcome::Answered(Bytes::from_static(text.as_bytes())), Expect::Done);
        };
        let is_heard = self.plan().mapping.report_item_failures;
        let heard = |expect| if is_heard { expect } else { Expect::Done };
        match deed {
            Deed::Fail => (failed(), Expect::Failed),
            Deed::FailHandled => {
                let error = crate::invoke::FunctionError { handled: true, ..error() };
                (Outcome::Failed(error), Expect::Failed)
            }
            Deed::Throttle => (Outcome::Throttled, Expect::NotRun),
            Deed::Lose => (Outcome::Unreachable("lost".to_owned()), Expect::NotRun),
            Deed::Report => (self.report(&ids[place..=place]), heard(Expect::From(place))),
            Deed::ReportRest => (self.report(&ids[place..]), heard(Expect::From(place))),
            Deed::Malformed(kind) => (self.malformed(kind, ids[place]), heard(Expect::Failed)),
        }
    }

    fn report(&self, ids: &[usize]) -> Outcome {
        let model = self.model();
        let items = ids
            .iter()
            .rev()
            .map(|id| format!("{{\"itemIdentifier\":\"{}\"}}", model.puts[*id].number));
        let items: Vec<String> = items.collect();
        Outcome::Answered(format!("{{\"batchItemFailures\":[{}]}}", items.join(",")).into())
    }

    fn malformed(&self, kind: usize, id: usize) -> Outcome {
        let number = self.model().puts[id].number.clone();
        let items = [
            "{\"itemIdentifier\":\"\"}".to_owned(),
            "{\"itemIdentifier\":null}".to_owned(),
            format!("{{\"id\":\"{number}\"}}"),
            "{\"itemIdentifier\":\"12\"}".to_owned(),
            format!("{{\"itemIdentifier\":\"{number}\"}},{{\"itemIdentifier\":\"12\"}}"),
        ];
        let text = match items.get(kind) {
            Some(items) => format!("{{\"batchItemFailures\":[{items}]}}"),
            None => ["7", "\"ok\"", "no JSON"][kind - items.len()].to_owned(),
        };
        Outcome::Answered(text.into())
    }
}

/// A batch that is with the function, until it is answered or abandoned.
struct Flight<'a>(&'a World, ShardId, Vec<usize>);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.model().landed(self.0.life, &self.1, &self.2);
    }
}

impl Invoke for World {
    async fn invoke(&self, invocation: Invocation) -> Invoked {
        let clock = &self.shared.clock;
        let (shard, ids) = self.ids(&invocation.payload);
        let Cause::Kinesis(cause) = &invocation.cause else { panic!("no Kinesis cause") };
        let count = {
            let mut model = self.model();
            if invocation.payload.len() > REQUEST_BYTES_MAX
                || *cause.shard != *shard
                || cause.records != ids.len()
                || ids.is_empty()
            {
                model.wrong(format!("{} bytes of {cause:?}", invocation.payload.len()));
            }
            model.ask(self.plan(), self.life, &cause.shard, &ids, clock.now());
            model.asked
        };
        let flight = Flight(self, ShardId::clone(&cause.shard), ids);
        let takes = self.shared.rng.lock().unwrap().u64(0..=self.plan().takes_ms);
        clock.sleep(Duration::from_millis(takes)).await;
        let (outcome, expect) = self.act(&flight.2);
        self.model().answered(self.plan(), self.life, &flight.2, &expect, clock.now());
        Invoked {
            request_id: format!("request-{count}").into(),
            outcome,
            report: Report::default(),
        }
    }
}

impl Observer for World {
    fn see(&self, happening: Happening) {
        let mut model = self.model();
        match happening {
            Happening::Shard(standing) => {
                if let Some(position) = &standing.position {
                    let now = self.shared.clock.now();
                    model.position(self.plan(), self.life, &standing.shard, position, now);
                }
            }
            Happening::Discarded { shard: Some(shard), records, .. } => {
                model.discarded(self.plan(), &shard, records);
            }
            _ => {}
        }
    }
}

impl Interfere for World {
    fn at(&self, place: &Place<'_>) -> Interference {
        let interference = self.shared.faults.at(place);
        if place.point == Point::Done && interference == Interference::Repeat {
            self.model().repeat(self.life, place.shard, place.key);
        }
        interference
    }
}

impl Stream for World {
    fn arn(&self) -> &Arn {
        self.shared.stream.arn()
    }

    fn now(&self) -> Timestamp {
        self.shared.stream.now()
    }

    async fn created(&self) -> Result<Timestamp, StreamError> {
        self.stumble()?;
        self.shared.stream.created().await
    }

    async fn retention(&self) -> Result<Duration, StreamError> {
        self.shared.stream.retention().await
    }

    async fn shards(&self) -> Result<Vec<Shard>, StreamError> {
        *self.shared.lists.lock().unwrap() += 1;
        self.stumble()?;
        self.shared.stream.shards().await
    }

    async fn open(&self, shard: &ShardId, start: &Start) -> Result<Iterator, StreamError> {
        self.stumble()?;
        self.shared.stream.open(shard, start).await
    }

    async fn read(&self, iterator: &Iterator, records_max: u32) -> Result<Read, StreamError> {
        let shard: ShardId = iterator.split(':').next().unwrap().into();
        self.model().read(self.life, &shard, self.now());
        self.stumble()?;
        let is_troubled = self.now() < *self.shared.trouble_until.lock().unwrap();
        if is_troubled && self.dice(3) == 0 {
            // Kinesis may give nothing before the tip, and the same place again.
            let next = Some(iterator.clone());
            return Ok(Read { records: vec![], next, behind_ms: 1, children: vec![] });
        }
        let max = if is_troubled { 1 + self.dice(records_max.min(9)) } else { records_max };
        let mut read = self.shared.stream.read(iterator, max).await?;
        let model = self.model();
        for record in &mut read.records {
            if let Some(id) = model.id(&shard, record.sequence_number.as_str()) {
                record.arrival = model.puts[id].arrival;
            }
        }
        Ok(read)
    }
}

impl Queue for World {
    fn arn(&self) -> &Arn {
        self.shared.stream.arn()
    }

    async fn visibility(&self) -> Result<Duration, QueueError> {
        Ok(Duration::from_secs(30))
    }

    async fn receive(&self, _: usize, _: Duration) -> Result<Vec<Message>, QueueError> {
        Ok(vec![])
    }

    async fn delete(&self, _: &[String]) -> Result<(), QueueError> {
        Ok(())
    }

    async fn send(&self, body: &str, _: Duration) -> Result<(), QueueError> {
        if self.told(body) { Ok(()) } else { Err(QueueError::NotFound(arn().to_string())) }
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        Ok(Depth::default())
    }
}

impl Services for World {
    type Stream = Self;
    type Queue = Self;

    fn stream(&self, _: &Arn) -> Self {
        self.clone()
    }

    fn queue(&self, _: &Arn) -> Self {
        self.clone()
    }

    async fn put_object(&self, bucket: &str, key: &str, body: Bytes) -> Result<(), PutError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        if self.told(std::str::from_utf8(&body).unwrap()) {
            return Ok(());
        }
        Err(PutError { bucket, key, reason: "no such bucket".to_owned() })
    }
}
