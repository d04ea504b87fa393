//! The simulator's ports over the AWS SDK: streams, queues and buckets behind AWS's endpoints, be they AWS's own, those of
//! stand-ins (`docs/stand-ins.md`), or a proxy that meters either.
//!
//! A crate of its own because the SDK is large: whoever runs the simulator with everything in one process never compiles it.
//!
//! * [`connect`]: where the services are, and as whom they are called; from the environment, or given.
//! * [`stream`], [`queue`]: the adapters. They keep the contracts of `streamgauge_lambda::contract`.
//! * [`create`]: makes the streams, queues and buckets of a stack that are not there yet.
//!
//! All of it is in real time: AWS's queues and streams go by no clock of ours, so a hurried simulation cannot use them.

pub mod connect;
pub mod create;
mod error;
pub mod queue;
pub mod stream;

pub use crate::error::reason;
use crate::queue::AwsQueue;
use crate::stream::AwsStream;
use bytes::Bytes;
use std::sync::Arc;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::services::{PutError, Services};

/// The SDKs behind the ports, for what the ports do not have: putting records, splitting a shard.
pub use {aws_sdk_kinesis as kinesis, aws_sdk_s3 as s3, aws_sdk_sqs as sqs};

/// The services of one account in one region. Cheap to clone: clones share connections.
#[derive(Clone, Debug)]
pub struct AwsServices {
    kinesis: kinesis::Client,
    sqs: sqs::Client,
    s3: s3::Client,
    region: Arc<str>,
}

impl AwsServices {
    /// The client of Kinesis. It does not retry: whoever reads a shard paces itself, and shows that it was throttled.
    pub fn kinesis(&self) -> &kinesis::Client {
        &self.kinesis
    }

    /// The client of SQS.
    pub fn sqs(&self) -> &sqs::Client {
        &self.sqs
    }

    /// The client of S3. It names buckets in the path, since stand-ins have no host names for them.
    pub fn s3(&self) -> &s3::Client {
        &self.s3
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl Services for AwsServices {
    type Stream = AwsStream;
    type Queue = AwsQueue;

    fn stream(&self, arn: &Arn) -> AwsStream {
        AwsStream::new(self.kinesis.clone(), arn)
    }

    fn queue(&self, arn: &Arn) -> AwsQueue {
        AwsQueue::new(self.sqs.clone(), arn)
    }

    async fn put_object(&self, bucket: &str, key: &str, body: Bytes) -> Result<(), PutError> {
        let put = self.s3.put_object().bucket(bucket).key(key).body(body.into());
        put.send().await.map(drop).map_err(|error| PutError {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            reason: reason(&error),
        })
    }
}
