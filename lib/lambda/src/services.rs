//! The services around the functions: where streams, queues and buckets are found by name.

use crate::arn::Arn;
use crate::queue::Queue;
use crate::stream::Stream;
use bytes::Bytes;
use std::future::Future;
use thiserror::Error;

/// An object could not be put.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the object `{key}` could not be put into the bucket `{bucket}`: {reason}")]
pub struct PutError {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// What went wrong.
    pub reason: String,
}

/// One set of services: all in this process, or all behind an endpoint.
pub trait Services: Clone + Send + Sync + 'static {
    /// Its streams.
    type Stream: Stream;
    /// Its queues.
    type Queue: Queue;

    /// The stream of that name; whether it exists shows when it is used.
    fn stream(&self, arn: &Arn) -> Self::Stream;

    /// The queue of that name; whether it exists shows when it is used.
    fn queue(&self, arn: &Arn) -> Self::Queue;

    /// Puts an object into a bucket.
    fn put_object(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
    ) -> impl Future<Output = Result<(), PutError>> + Send;
}
