//! Services that keep what was sent to them, and have no streams.

use jiff::Timestamp;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::queue::{Depth, Message, Queue, QueueError};
use streamgauge_lambda::services::{PutError, Services};
use streamgauge_lambda::stream::{Iterator, Read, Shard, ShardId, Start, Stream, StreamError};

/// What was sent: where and what.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf(Arc<Mutex<Vec<(String, String)>>>);

impl Shelf {
    pub(super) fn sent(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Box(Arn, Shelf);

impl Services for Shelf {
    type Stream = Box;
    type Queue = Box;

    fn stream(&self, arn: &Arn) -> Box {
        Box(arn.clone(), self.clone())
    }

    fn queue(&self, arn: &Arn) -> Box {
        Box(arn.clone(), self.clone())
    }

    async fn put_object(
        &self,
        bucket: &str,
        key: &str,
        body: bytes::Bytes,
    ) -> Result<(), PutError> {
        let body = String::from_utf8(body.to_vec()).unwrap();
        self.0.lock().unwrap().push((format!("{bucket}/{key}"), body));
        Ok(())
    }
}

impl Queue for Box {
    fn arn(&self) -> &Arn {
        &self.0
    }

    async fn visibility(&self) -> Result<Duration, QueueError> {
        Ok(Duration::ZERO)
    }

    async fn receive(&self, _: usize, _: Duration) -> Result<Vec<Message>, QueueError> {
        Ok(vec![])
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        Ok(Depth::default())
    }

    async fn delete(&self, _: &[String]) -> Result<(), QueueError> {
        Ok(())
    }

    /// A queue named `closed` takes nothing.
    async fn send(&self, body: &str, _: Duration) -> Result<(), QueueError> {
        if self.0.name() == "closed" {
            return Err(QueueError::NotFound("closed".to_owned()));
        }
        self.1.0.lock().unwrap().push((self.0.name().to_owned(), body.to_owned()));
        Ok(())
    }
}

impl Stream for Box {
    fn arn(&self) -> &Arn {
        &self.0
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn created(&self) -> Result<Timestamp, StreamError> {
        Ok(Timestamp::UNIX_EPOCH)
    }

    async fn retention(&self) -> Result<Duration, StreamError> {
        Ok(Duration::ZERO)
    }

    async fn shards(&self) -> Result<Vec<Shard>, StreamError> {
        Ok(vec![])
    }

    async fn open(&self, _: &ShardId, _: &Start) -> Result<Iterator, StreamError> {
        Err(StreamError::NotFound(self.0.to_string()))
    }

    async fn read(&self, _: &Iterator, _: u32) -> Result<Read, StreamError> {
        Err(StreamError::NotFound(self.0.to_string()))
    }
}
