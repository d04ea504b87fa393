//! On-failure destinations: where a document about what is given up goes.

use crate::queue::Queue;
use crate::services::Services;
use crate::stack::Destination;
use bytes::Bytes;
use jiff::Timestamp;
use std::time::Duration;

/// Where a document is: the queue's ARN, or the object in the bucket.
pub(crate) fn place(destination: &Destination, key: &str) -> String {
    match destination {
        Destination::Queue(arn) => arn.to_string(),
        Destination::Bucket(bucket) => format!("s3://{bucket}/{key}"),
    }
}

/// Sends a document to a queue, or puts it into a bucket under a key.
pub(crate) async fn put(
    services: &impl Services,
    destination: &Destination,
    key: &str,
    document: String,
) -> Result<(), String> {
    match destination {
        Destination::Queue(arn) => {
            let sent = services.queue(arn).send(&document, Duration::ZERO).await;
            sent.map_err(|error| error.to_string())
        }
        Destination::Bucket(bucket) => {
            let put = services.put_object(bucket, key, Bytes::from(document)).await;
            put.map_err(|error| error.to_string())
        }
    }
}

/// The key of an object: `aws/lambda/SOURCE/2026/11/22/2026-11-22T10.00.00-UUID`.
pub(crate) fn object_key(source: &str, at: Timestamp, uuid: &str) -> String {
    let at = at.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S");
    format!("aws/lambda/{source}/{at}-{uuid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_as_aws_names_them() {
        let at = "2026-11-22T10:00:00.5Z".parse().unwrap();
        let expect = "aws/lambda/async/settle/2026/11/22/2026-11-22T10.00.00-u";
        assert_eq!(object_key("async/settle", at, "u"), expect);
    }
}
