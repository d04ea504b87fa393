//! The services in this process under the contracts. Time is paused: what has to pass, passes at once.

use super::*;
use crate::arn::Arn;
use crate::clock::Clock;
use crate::embedded::queue::{EmbeddedQueue, QueueSettings};
use crate::embedded::stream::{EmbeddedStream, StreamOptions};
use crate::stack::QueueResource;
use crate::stream::{SequenceNumber, ShardId};
use std::collections::BTreeMap;
use std::sync::Mutex;

const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "000000000000";

struct Streams;

impl StreamBench for Streams {
    type Stream = EmbeddedStream;

    async fn make(&self, name: &str, shards: usize) -> Done<EmbeddedStream> {
        let arn = Arn::stream(REGION, ACCOUNT, name);
        Ok(EmbeddedStream::new(arn, shards, Clock::real(), StreamOptions::default()))
    }

    fn absent(&self) -> Option<EmbeddedStream> {
        None
    }

    async fn put(
        &self,
        stream: &EmbeddedStream,
        partition_key: &str,
        data: &[u8],
    ) -> Done<(ShardId, SequenceNumber)> {
        stream.put(partition_key, None, data.to_vec()).map_err(|error| error.to_string())
    }

    async fn split(&self, stream: &EmbeddedStream, shard: &ShardId) -> Done<()> {
        stream.split_evenly(shard).map(drop).map_err(|error| error.to_string())
    }

    async fn merge(
        &self,
        stream: &EmbeddedStream,
        shard: &ShardId,
        neighbour: &ShardId,
    ) -> Done<()> {
        stream.merge(shard, neighbour).map(drop).map_err(|error| error.to_string())
    }
}

/// The queues that were made, by name, so that redrive policies find theirs.
#[derive(Default)]
struct Queues(Mutex<BTreeMap<String, EmbeddedQueue>>);

impl QueueBench for Queues {
    type Queue = EmbeddedQueue;

    async fn make(&self, queue: &QueueResource) -> Done<EmbeddedQueue> {
        let QueueResource { visibility, delay, retention, .. } = *queue;
        let arn = Arn::queue(REGION, ACCOUNT, &queue.name);
        let settings = QueueSettings { visibility, delay, retention };
        let made = EmbeddedQueue::new(&arn, settings, Clock::real(), 1);
        let mut queues = self.0.lock().unwrap();
        if let Some((dead_letters, receives_max)) = &queue.redrive {
            assert!(made.redrive_to(&queues[dead_letters.name()], *receives_max));
        }
        queues.insert(queue.name.clone(), made.clone());
        Ok(made)
    }

    fn absent(&self) -> Option<EmbeddedQueue> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn embedded_streams_keep_the_contract() {
    stream_contract(&Streams).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn embedded_queues_keep_the_contract() {
    queue_contract(&Queues::default()).await.unwrap();
}
