//! The benches of the contracts: what they need beside the ports, by calls of the SDK.

use super::unique;
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::contract::{Done, QueueBench, StreamBench};
use streamgauge_lambda::queue::Queue;
use streamgauge_lambda::services::Services;
use streamgauge_lambda::stack::{QueueResource, Stack, StreamResource};
use streamgauge_lambda::stream::{SequenceNumber, ShardId, Stream};
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::kinesis::primitives::Blob;
use streamgauge_lambda_aws::queue::AwsQueue;
use streamgauge_lambda_aws::stream::AwsStream;

/// The account of the stand-ins.
const ACCOUNT: &str = "000000000000";

/// Streams of kinesis-local.
pub(super) struct StreamsBench {
    services: AwsServices,
    /// In all names, so that no other run has the same.
    mark: String,
}

impl StreamsBench {
    pub(super) fn new(services: AwsServices) -> Self {
        Self { services, mark: unique("contract") }
    }

    fn arn(&self, name: &str) -> Arn {
        Arn::stream(self.services.region(), ACCOUNT, &format!("{}-{name}", self.mark))
    }

    async fn active(&self, stream: &AwsStream) -> Done<()> {
        let active = self.services.until_active(stream.arn().name()).await;
        active.map_err(|error| error.to_string())
    }
}

impl StreamBench for StreamsBench {
    type Stream = AwsStream;

    async fn make(&self, name: &str, shards: usize) -> Done<AwsStream> {
        let arn = self.arn(name);
        let retention = Duration::from_hours(24);
        let stream = StreamResource { name: arn.name().to_owned(), shards, retention };
        let stack = Stack { streams: vec![stream], ..Stack::default() };
        self.services.create_missing(&stack).await.map_err(|error| error.to_string())?;
        Ok(self.services.stream(&arn))
    }

    fn absent(&self) -> Option<AwsStream> {
        Some(self.services.stream(&self.arn("absent")))
    }

    async fn put(
        &self,
        stream: &AwsStream,
        partition_key: &str,
        data: &[u8],
    ) -> Done<(ShardId, SequenceNumber)> {
        let put = self.services.kinesis().put_record().stream_name(stream.arn().name());
        let put = put.partition_key(partition_key).data(Blob::new(data)).send().await;
        let put = put.map_err(|error| format!("{error:?}"))?;
        Ok((put.shard_id().into(), SequenceNumber::new(put.sequence_number())))
    }

    async fn split(&self, stream: &AwsStream, shard: &ShardId) -> Done<()> {
        let split = self.services.kinesis().split_shard().stream_name(stream.arn().name());
        let split =
            split.shard_to_split(&**shard).new_starting_hash_key((1_u128 << 127).to_string());
        split.send().await.map_err(|error| format!("{error:?}"))?;
        self.active(stream).await
    }

    async fn merge(&self, stream: &AwsStream, shard: &ShardId, neighbour: &ShardId) -> Done<()> {
        let merge = self.services.kinesis().merge_shards().stream_name(stream.arn().name());
        let merge = merge.shard_to_merge(&**shard).adjacent_shard_to_merge(&**neighbour);
        merge.send().await.map_err(|error| format!("{error:?}"))?;
        self.active(stream).await
    }
}

/// Queues of ministack.
pub(super) struct QueuesBench {
    services: AwsServices,
    /// In all names, so that no other run has the same.
    mark: String,
}

impl QueuesBench {
    pub(super) fn new(services: AwsServices) -> Self {
        Self { services, mark: unique("contract") }
    }

    fn queue(&self, name: &str) -> AwsQueue {
        let name = format!("{}-{name}", self.mark);
        self.services.queue(&Arn::queue(self.services.region(), ACCOUNT, &name))
    }
}

impl QueueBench for QueuesBench {
    type Queue = AwsQueue;

    async fn make(&self, queue: &QueueResource) -> Done<AwsQueue> {
        let made = self.queue(&queue.name);
        let queue = QueueResource { name: made.arn().name().to_owned(), ..queue.clone() };
        let stack = Stack { queues: vec![queue], ..Stack::default() };
        self.services.create_missing(&stack).await.map_err(|error| error.to_string())?;
        Ok(made)
    }

    fn absent(&self) -> Option<AwsQueue> {
        Some(self.queue("absent"))
    }
}
