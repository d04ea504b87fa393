//! The services of the bench: embedded ones, whose records can be dressed up, and which remember what they told.

use super::bench::{ACCOUNT, REGION};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::embedded::queue::EmbeddedQueue;
use streamgauge_lambda::embedded::stream::EmbeddedStream;
use streamgauge_lambda::embedded::{Embedded, EmbeddedSettings};
use streamgauge_lambda::queue::Queue;
use streamgauge_lambda::services::{PutError, Services};
use streamgauge_lambda::stack::Stack;
use streamgauge_lambda::stream::{
    Iterator, Read, Record, Shard, ShardId, Start, Stream, StreamError,
};
use tokio::sync::Notify;

/// Changes a record as it is read, by its id.
type Dress = Box<dyn Fn(usize, &mut Record) + Send + Sync>;

/// The services: embedded ones, whose records can be dressed up, and which remember what they told.
#[derive(Clone)]
pub(super) struct World {
    pub(super) embedded: Embedded,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    dress: Mutex<Option<Dress>>,
    told: Mutex<Vec<Record>>,
    reads: AtomicUsize,
    read: Notify,
}

/// A stream of [`World`].
#[derive(Clone)]
pub(super) struct Watched(EmbeddedStream, Arc<Shared>);

impl World {
    pub(super) fn new(stack: &Stack, clock: &Clock) -> Self {
        let settings = EmbeddedSettings {
            clock: clock.clone(),
            seed: 1,
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
            folder: None,
        };
        Self { embedded: Embedded::new(stack, settings), shared: Arc::default() }
    }

    /// Changes records as they are read, by their ids.
    pub(super) fn dress(&self, dress: impl Fn(usize, &mut Record) + Send + Sync + 'static) {
        *self.shared.dress.lock().unwrap() = Some(Box::new(dress));
    }

    /// The stream `orders` itself.
    pub(super) fn orders(&self) -> EmbeddedStream {
        self.embedded.stream(&Arn::stream(REGION, ACCOUNT, "orders"))
    }

    pub(super) fn named(&self, queue: &str) -> EmbeddedQueue {
        self.embedded.queue(&Arn::queue(REGION, ACCOUNT, queue))
    }

    /// Puts records with these words as their ids into a shard, by its number among those that are open.
    pub(super) fn put(&self, shard: usize, ids: &str) {
        for id in ids.split_whitespace() {
            self.put_text(shard, &format!("{{\"id\":{id}}}"));
        }
    }

    /// Puts one record; the streams of these tests divide the hash keys evenly.
    pub(super) fn put_text(&self, shard: usize, data: &str) {
        let stream = self.orders();
        let open = u128::try_from(stream.open_shards().len()).unwrap();
        let hash = u128::try_from(shard).unwrap() * (u128::MAX / open) + 1;
        stream.put("key", Some(hash), data.to_owned()).unwrap();
    }

    /// The record with an id, as the stream told of it.
    pub(super) fn told(&self, wanted: usize) -> Record {
        let told = self.shared.told.lock().unwrap();
        told.iter().find(|record| id(&record.data) == wanted).cloned().unwrap()
    }

    pub(super) fn reads(&self) -> usize {
        self.shared.reads.load(Ordering::Relaxed)
    }

    /// Waits until the stream was read so often.
    pub(super) async fn read(&self, times: usize) {
        loop {
            let mut read = std::pin::pin!(self.shared.read.notified());
            read.as_mut().enable();
            if self.reads() >= times {
                return;
            }
            read.await;
        }
    }

    /// The bodies of all messages that can be received.
    pub(super) async fn bodies(&self, queue: &str) -> Vec<String> {
        let messages = self.named(queue).receive(10, Duration::ZERO).await.unwrap();
        messages.into_iter().map(|message| message.body).collect()
    }
}

impl Services for World {
    type Stream = Watched;
    type Queue = EmbeddedQueue;

    fn stream(&self, arn: &Arn) -> Watched {
        Watched(self.embedded.stream(arn), Arc::clone(&self.shared))
    }

    fn queue(&self, arn: &Arn) -> EmbeddedQueue {
        self.embedded.queue(arn)
    }

    async fn put_object(
        &self,
        bucket: &str,
        key: &str,
        body: bytes::Bytes,
    ) -> Result<(), PutError> {
        self.embedded.put_object(bucket, key, body).await
    }
}

impl Stream for Watched {
    fn arn(&self) -> &Arn {
        self.0.arn()
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn created(&self) -> Result<Timestamp, StreamError> {
        self.0.created().await
    }

    async fn retention(&self) -> Result<Duration, StreamError> {
        self.0.retention().await
    }

    async fn shards(&self) -> Result<Vec<Shard>, StreamError> {
        self.0.shards().await
    }

    async fn open(&self, shard: &ShardId, start: &Start) -> Result<Iterator, StreamError> {
        self.0.open(shard, start).await
    }

    async fn read(&self, iterator: &Iterator, records_max: u32) -> Result<Read, StreamError> {
        let mut read = self.0.read(iterator, records_max).await?;
        if let Some(dress) = &*self.1.dress.lock().unwrap() {
            for record in &mut read.records {
                dress(id(&record.data), record);
            }
        }
        self.1.told.lock().unwrap().extend(read.records.iter().cloned());
        self.1.reads.fetch_add(1, Ordering::Relaxed);
        self.1.read.notify_waiters();
        Ok(read)
    }
}

/// The id in what a producer wrote.
pub(super) fn id(data: &[u8]) -> usize {
    let data: Value = serde_json::from_slice(data).unwrap();
    data["id"].as_u64().unwrap().try_into().unwrap()
}
