//! Helper: everything around a mapping. A stream that can be made to fail, a function that is a closure, a queue and a bucket
//! that remember.

use crate::arn::Arn;
use crate::clock::Clock;
use crate::embedded::stream::{EmbeddedStream, PutRecord, StreamOptions};
use crate::interfere::{Harmless, Interfere};
use crate::invoke::{Invocation, Invoke, Invoked, KinesisCause, Outcome, Report};
use crate::kinesis::{Checkpoints, KinesisPoller, Surroundings};
use crate::queue::{Depth, Message, Queue, QueueError};
use crate::services::{PutError, Services};
use crate::stack::KinesisMapping;
use crate::stream::{Iterator, Read, Shard, ShardId, Start, Stream, StreamError};
use crate::testing::Watcher;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Something that threads share.
pub(super) type Sharing<T> = Arc<Mutex<T>>;

pub(super) fn arn() -> Arn {
    Arn::stream("eu-west-1", "000000000000", "orders")
}

/// A mapping with AWS's defaults from the oldest record on.
pub(super) fn mapping() -> KinesisMapping {
    KinesisMapping {
        name: "Aggregate/Orders".into(),
        uuid: "f89f8514-cdd9-4602-9e1f-01a5b77d449b".to_owned(),
        function: "Aggregate".into(),
        stream: arn(),
        start: Start::TrimHorizon,
        batch_records_max: 100,
        batching_window: Duration::ZERO,
        parallelization_factor: 1,
        retry_attempts_max: None,
        record_age_max: None,
        bisect: false,
        report_item_failures: false,
        on_failure: None,
    }
}

/// A batch, as the function got it.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) shard: ShardId,
    pub(super) attempt: u32,
    /// Keys and data in order.
    pub(super) records: Vec<(String, String)>,
    pub(super) first: String,
    pub(super) cause: KinesisCause,
}

impl Batch {
    pub(super) fn data(&self) -> Vec<&str> {
        self.records.iter().map(|(_, data)| data.as_str()).collect()
    }

    pub(super) fn has(&self, wanted: &str) -> bool {
        self.records.iter().any(|(_, data)| data == wanted)
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<EventRecord>,
}

#[derive(Deserialize)]
struct EventRecord {
    kinesis: EventKinesis,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventKinesis {
    partition_key: String,
    sequence_number: String,
    data: String,
}

fn batch(invocation: &Invocation) -> Batch {
    use base64::Engine;
    let crate::invoke::Cause::Kinesis(cause) = &invocation.cause else {
        panic!("no Kinesis cause")
    };
    let event: Event = serde_json::from_slice(&invocation.payload).unwrap();
    let decode = |data: &str| base64::engine::general_purpose::STANDARD.decode(data).unwrap();
    let records = event.records.iter().map(|record| {
        let data = String::from_utf8(decode(&record.kinesis.data)).unwrap();
        (record.kinesis.partition_key.clone(), data)
    });
    assert_eq!(cause.records, event.records.len());
    assert_eq!(cause.first.as_str(), event.records[0].kinesis.sequence_number);
    Batch {
        shard: Arc::clone(&cause.shard),
        attempt: cause.attempt,
        records: records.collect(),
        first: cause.first.to_string(),
        cause: cause.clone(),
    }
}

/// A function: a closure that is asked with each batch, and what it saw.
#[derive(Clone)]
pub(super) struct Function {
    act: Arc<dyn Fn(&Batch) -> Outcome + Send + Sync>,
    /// How long it takes.
    takes: Duration,
    /// Batches that succeeded, in order.
    pub(super) done: Sharing<Vec<Batch>>,
    /// All batches, in order.
    pub(super) asked: Sharing<Vec<Batch>>,
    pub(super) came: Arc<Notify>,
}

impl Function {
    pub(super) fn new(act: impl Fn(&Batch) -> Outcome + Send + Sync + 'static) -> Self {
        Self {
            act: Arc::new(act),
            takes: Duration::ZERO,
            done: Sharing::default(),
            asked: Sharing::default(),
            came: Arc::default(),
        }
    }

    pub(super) fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    /// The data of all records of batches that succeeded, in order.
    pub(super) fn data(&self) -> Vec<String> {
        let done = self.done.lock().unwrap();
        done.iter().flat_map(|batch| batch.data()).map(str::to_owned).collect()
    }

    /// What happened, as `attempt: data data`.
    pub(super) fn words(&self) -> Vec<String> {
        let word = |batch: &Batch| format!("{}: {}", batch.attempt, batch.data().join(" "));
        self.asked.lock().unwrap().iter().map(word).collect()
    }
}

impl Invoke for Function {
    async fn invoke(&self, invocation: Invocation) -> Invoked {
        let batch = batch(&invocation);
        let count = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(batch.clone());
            asked.len()
        };
        self.came.notify_one();
        tokio::time::sleep(self.takes).await;
        let outcome = (self.act)(&batch);
        if matches!(outcome, Outcome::Answered(_)) {
            self.done.lock().unwrap().push(batch);
        }
        Invoked {
            request_id: format!("request-{count}").into(),
            outcome,
            report: Report::default(),
        }
    }
}

/// The stream, which answers errors first if it was told to, and remembers when it was read.
#[derive(Clone)]
pub(super) struct TestStream {
    pub(super) inner: EmbeddedStream,
    pub(super) errors: Sharing<VecDeque<StreamError>>,
    pub(super) reads: Sharing<Vec<(Timestamp, ShardId)>>,
    pub(super) starts: Sharing<Vec<Start>>,
    /// How many times a closed shard looks like an open one at its tip, before it tells its end.
    pub(super) lingering: Sharing<u32>,
}

impl Stream for TestStream {
    fn arn(&self) -> &Arn {
        self.inner.arn()
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn created(&self) -> Result<Timestamp, StreamError> {
        self.inner.created().await
    }

    async fn retention(&self) -> Result<Duration, StreamError> {
        self.inner.retention().await
    }

    async fn shards(&self) -> Result<Vec<Shard>, StreamError> {
        self.inner.shards().await
    }

    async fn open(&self, shard: &ShardId, start: &Start) -> Result<Iterator, StreamError> {
        self.starts.lock().unwrap().push(start.clone());
        self.inner.open(shard, start).await
    }

    async fn read(&self, iterator: &Iterator, records_max: u32) -> Result<Read, StreamError> {
        let shard = iterator.split(':').next().unwrap().into();
        self.reads.lock().unwrap().push((self.now(), shard));
        let error = self.errors.lock().unwrap().pop_front();
        if let Some(error) = error {
            return Err(error);
        }
        let read = self.inner.read(iterator, records_max).await?;
        let mut lingering = self.lingering.lock().unwrap();
        if read.next.is_none() && *lingering > 0 {
            *lingering -= 1;
            let next = Some(iterator.clone());
            return Ok(Read { records: vec![], next, behind_ms: 0, children: vec![] });
        }
        Ok(read)
    }
}

/// One stream, one queue and one bucket.
#[derive(Clone)]
pub(super) struct TestServices {
    pub(super) stream: TestStream,
    pub(super) sent: Sharing<Vec<String>>,
    pub(super) objects: Sharing<BTreeMap<String, String>>,
    /// How many times sending fails yet.
    pub(super) failures: Sharing<u32>,
}

impl TestServices {
    fn fails(&self) -> bool {
        let mut failures = self.failures.lock().unwrap();
        *failures = failures.saturating_sub(1);
        *failures > 0
    }
}

impl Services for TestServices {
    type Stream = TestStream;
    type Queue = TestQueue;

    fn stream(&self, _: &Arn) -> TestStream {
        self.stream.clone()
    }

    fn queue(&self, arn: &Arn) -> TestQueue {
        TestQueue { arn: arn.clone(), services: self.clone() }
    }

    async fn put_object(&self, bucket: &str, key: &str, body: Bytes) -> Result<(), PutError> {
        if self.fails() {
            let (bucket, key) = (bucket.to_owned(), key.to_owned());
            return Err(PutError { bucket, key, reason: "no such bucket".to_owned() });
        }
        let body = String::from_utf8(body.to_vec()).unwrap();
        self.objects.lock().unwrap().insert(key.to_owned(), body);
        Ok(())
    }
}

#[derive(Clone)]
pub(super) struct TestQueue {
    arn: Arn,
    services: TestServices,
}

impl Queue for TestQueue {
    fn arn(&self) -> &Arn {
        &self.arn
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
        if self.services.fails() {
            return Err(QueueError::NotFound(self.arn.to_string()));
        }
        self.services.sent.lock().unwrap().push(body.to_owned());
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        Ok(Depth::default())
    }
}

/// Everything around a mapping.
pub(super) struct Bench {
    pub(super) clock: Clock,
    pub(super) services: TestServices,
    pub(super) stream: EmbeddedStream,
    pub(super) watcher: Arc<Watcher>,
    pub(super) checkpoints: Checkpoints,
    pub(super) interfere: Arc<dyn Interfere>,
}

impl Bench {
    pub(super) fn new(shards: usize) -> Self {
        Self::keeping(shards, Duration::from_hours(24))
    }

    pub(super) fn keeping(shards: usize, retention: Duration) -> Self {
        Self::on(Clock::real(), shards, retention)
    }

    pub(super) fn on(clock: Clock, shards: usize, retention: Duration) -> Self {
        let options = StreamOptions { retention, ..StreamOptions::default() };
        let stream = EmbeddedStream::new(arn(), shards, clock.clone(), options);
        let test_stream = TestStream {
            inner: stream.clone(),
            errors: Sharing::default(),
            reads: Sharing::default(),
            starts: Sharing::default(),
            lingering: Sharing::default(),
        };
        let services = TestServices {
            stream: test_stream,
            sent: Sharing::default(),
            objects: Sharing::default(),
            failures: Sharing::default(),
        };
        Self {
            clock,
            services,
            stream,
            watcher: Arc::default(),
            checkpoints: Checkpoints::in_memory(),
            interfere: Arc::new(Harmless),
        }
    }

    pub(super) fn start(&self, mapping: KinesisMapping, function: &Function) -> KinesisPoller {
        let around = Surroundings {
            services: self.services.clone(),
            invoke: function.clone(),
            interfere: Arc::clone(&self.interfere),
            observer: self.watcher.observer(),
            clock: self.clock.clone(),
            region: "eu-west-1".into(),
            account: "000000000000".into(),
        };
        KinesisPoller::start(mapping, around, self.checkpoints.clone()).unwrap()
    }

    /// Puts records with these data, all with one key.
    pub(super) fn put(&self, words: &str) {
        for data in words.split_whitespace() {
            self.stream.put("key", None, data.to_owned()).unwrap();
        }
    }

    /// Puts the records of a range with 101 keys, each with its number as data.
    pub(super) fn put_numbers(&self, numbers: std::ops::Range<usize>) {
        let record = |number: usize| PutRecord {
            partition_key: format!("key {}", number % 101).into(),
            explicit_hash_key: None,
            data: number.to_string().into(),
        };
        self.stream.put_many(numbers.map(record)).unwrap();
    }

    /// Runs a mapping until it is drained, and stops it.
    pub(super) async fn run(&self, mapping: KinesisMapping, function: &Function) {
        let poller = self.start(mapping, function);
        poller.drained().await;
        assert!(poller.stop(Duration::from_mins(1)).await.unwrap());
    }
}

/// Each number of a range came once, and those of a key in order.
#[track_caller]
pub(super) fn check_numbers(function: &Function, numbers: std::ops::Range<usize>) {
    let data: Vec<usize> = function.data().iter().map(|data| data.parse().unwrap()).collect();
    let mut last = BTreeMap::new();
    for &number in &data {
        let before = last.insert(number % 101, number);
        assert!(before.is_none_or(|before| before < number), "{number} came after {before:?}");
    }
    let mut sorted = data;
    sorted.sort_unstable();
    assert!(sorted.iter().copied().eq(numbers), "{} records came", sorted.len());
}
