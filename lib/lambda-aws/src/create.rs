//! Makes what a stack names and an account does not have: streams with their shards, queues with their attributes, buckets.
//!
//! What is there stays as it is, whatever the stack says of it. Queues are made before the first one is told where its dead
//! letters go, since that queue has to exist; streams are waited for until they are active.

use crate::error::{reason, stream_error};
use crate::{AwsServices, kinesis, s3, sqs};
use kinesis::types::{StreamDescriptionSummary, StreamStatus};
use s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use sqs::types::QueueAttributeName;
use std::fmt;
use std::time::Duration;
use streamgauge_lambda::stack::{QueueResource, Stack, StreamResource};
use streamgauge_lambda::stream::StreamError;
use thiserror::Error;
use tokio::time::{Instant, sleep};

/// How long a stream may take to become active.
const ACTIVE_TIME_MAX: Duration = Duration::from_mins(5);
/// The pause between two looks at a stream: AWS allows 20 of them a second for a whole account
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html>).
const ACTIVE_PAUSE: Duration = Duration::from_millis(200);
/// How long a new stream keeps its records.
const RETENTION_DEFAULT: Duration = Duration::from_hours(24);
/// The region whose buckets are made without naming it:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>.
const REGION_UNNAMED: &str = "us-east-1";

/// Something that a stack names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// A stream, by name.
    Stream(String),
    /// A queue, by name.
    Queue(String),
    /// A bucket, by name.
    Bucket(String),
}

impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(name) => write!(formatter, "stream `{name}`"),
            Self::Queue(name) => write!(formatter, "queue `{name}`"),
            Self::Bucket(name) => write!(formatter, "bucket `{name}`"),
        }
    }
}

/// Something could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the {resource} could not be created: {reason}")]
pub struct CreateError {
    /// What.
    pub resource: Resource,
    /// Why not.
    pub reason: String,
}

impl AwsServices {
    /// Makes what is missing, and tells what that was. All streams of the stack are active then.
    pub async fn create_missing(&self, stack: &Stack) -> Result<Vec<Resource>, CreateError> {
        let mut created = Vec::new();
        for stream in &stack.streams {
            let resource = Resource::Stream(stream.name.clone());
            created.extend(attempt(resource, self.create_stream(stream).await)?);
        }
        for queue in &stack.queues {
            let resource = Resource::Queue(queue.name.clone());
            created.extend(attempt(resource, self.create_queue(queue).await)?);
        }
        for bucket in &stack.buckets {
            let resource = Resource::Bucket(bucket.clone());
            created.extend(attempt(resource, self.create_bucket(bucket).await)?);
        }
        for queue in &stack.queues {
            let resource = Resource::Queue(queue.name.clone());
            if created.contains(&resource) {
                attempt(resource, self.redrive(queue).await)?;
            }
        }
        for stream in &stack.streams {
            let resource = Resource::Stream(stream.name.clone());
            let is_new = created.contains(&resource);
            attempt(resource, self.settle_stream(stream, is_new).await)?;
        }
        Ok(created)
    }

    /// Whether a stream was made.
    async fn create_stream(&self, stream: &StreamResource) -> Result<bool, String> {
        let described = self.kinesis.describe_stream_summary().stream_name(&stream.name).send();
        match described.await.map_err(kinesis::Error::from) {
            Ok(_) => return Ok(false),
            Err(kinesis::Error::ResourceNotFoundException(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
        let shards = i32::try_from(stream.shards)
            .map_err(|error| format!("{} shards: {error}", stream.shards))?;
        let create = self.kinesis.create_stream().stream_name(&stream.name).shard_count(shards);
        create.send().await.map(|_| true).map_err(|error| reason(&error))
    }

    /// Waits until a stream is active, and gives a new one its retention.
    async fn settle_stream(&self, stream: &StreamResource, is_new: bool) -> Result<bool, String> {
        self.until_active(&stream.name).await.map_err(|error| error.to_string())?;
        if is_new && stream.retention > RETENTION_DEFAULT {
            let hours = i32::try_from(stream.retention.as_secs() / 3_600)
                .map_err(|error| format!("its retention is too long: {error}"))?;
            let increase = self.kinesis.increase_stream_retention_period();
            let increase = increase.stream_name(&stream.name).retention_period_hours(hours);
            increase.send().await.map_err(|error| reason(&error))?;
            self.until_active(&stream.name).await.map_err(|error| error.to_string())?;
        }
        Ok(is_new)
    }

    /// Waits until a stream is active, after it was created or changed: nothing else can be changed before.
    pub async fn until_active(&self, stream: &str) -> Result<(), StreamError> {
        let deadline = Instant::now() + ACTIVE_TIME_MAX;
        loop {
            let described = self.kinesis.describe_stream_summary().stream_name(stream).send().await;
            let described = described.map_err(|error| stream_error(stream, &error))?;
            let summary = described.stream_description_summary();
            let status = summary.map(StreamDescriptionSummary::stream_status);
            if status == Some(&StreamStatus::Active) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let seconds = ACTIVE_TIME_MAX.as_secs();
                let why = format!("it is not active after {seconds} s: {status:?}");
                return Err(StreamError::Other(why));
            }
            sleep(ACTIVE_PAUSE).await;
        }
    }

    /// Whether a queue was made.
    async fn create_queue(&self, queue: &QueueResource) -> Result<bool, String> {
        match self.queue_url(&queue.name).await {
            Ok(_) => return Ok(false),
            Err(sqs::Error::QueueDoesNotExist(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
        let seconds = |time: Duration| time.as_secs().to_string();
        let create = self.sqs.create_queue().queue_name(&queue.name);
        let create = create
            .attributes(QueueAttributeName::VisibilityTimeout, seconds(queue.visibility))
            .attributes(QueueAttributeName::DelaySeconds, seconds(queue.delay))
            .attributes(QueueAttributeName::MessageRetentionPeriod, seconds(queue.retention));
        create.send().await.map(|_| true).map_err(|error| reason(&error))
    }

    /// Tells a queue where its dead letters go. Which ARN that queue has, the service says: the stack's account is made up.
    async fn redrive(&self, queue: &QueueResource) -> Result<bool, String> {
        let Some((target, receives_max)) = &queue.redrive else { return Ok(false) };
        let url = |name| async move {
            self.queue_url(name).await.map_err(|error| format!("the queue `{name}`: {error}"))
        };
        let asked = self.sqs.get_queue_attributes().queue_url(url(target.name()).await?);
        let got = asked.attribute_names(QueueAttributeName::QueueArn).send().await;
        let got = got.map_err(|error| reason(&error))?;
        let arn = got.attributes().and_then(|all| all.get(&QueueAttributeName::QueueArn));
        let arn = arn.ok_or_else(|| format!("the queue `{}` has no ARN", target.name()))?;
        let policy = redrive_policy(arn, *receives_max);
        let set = self.sqs.set_queue_attributes().queue_url(url(&queue.name).await?);
        let set = set.attributes(QueueAttributeName::RedrivePolicy, policy);
        set.send().await.map(|_| true).map_err(|error| reason(&error))
    }

    async fn queue_url(&self, name: &str) -> Result<String, sqs::Error> {
        let got = self.sqs.get_queue_url().queue_name(name).send().await?;
        Ok(got.queue_url.unwrap_or_default())
    }

    /// Whether a bucket was made.
    async fn create_bucket(&self, name: &str) -> Result<bool, String> {
        match self.s3.head_bucket().bucket(name).send().await.map_err(s3::Error::from) {
            Ok(_) => return Ok(false),
            Err(s3::Error::NotFound(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
        let mut create = self.s3.create_bucket().bucket(name);
        if self.region() != REGION_UNNAMED {
            let region = BucketLocationConstraint::from(self.region());
            let place = CreateBucketConfiguration::builder().location_constraint(region).build();
            create = create.create_bucket_configuration(place);
        }
        create.send().await.map(|_| true).map_err(|error| reason(&error))
    }
}

/// The resource, if it was made, or why not.
fn attempt(
    resource: Resource,
    made: Result<bool, String>,
) -> Result<Option<Resource>, CreateError> {
    match made {
        Ok(made) => Ok(made.then_some(resource)),
        Err(reason) => Err(CreateError { resource, reason }),
    }
}

/// `RedrivePolicy`, JSON in a string. ARNs have nothing to escape.
fn redrive_policy(target: &str, receives_max: u32) -> String {
    format!(r#"{{"deadLetterTargetArn":"{target}","maxReceiveCount":"{receives_max}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_what_could_not_be_made() {
        let error = attempt(Resource::Queue("late".to_owned()), Err("no".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "the queue `late` could not be created: no");
    }

    #[test]
    fn only_what_was_made_is_told() {
        let bucket = || Resource::Bucket("failures".to_owned());
        assert_eq!(attempt(bucket(), Ok(true)), Ok(Some(bucket())));
        assert_eq!(attempt(bucket(), Ok(false)), Ok(None));
    }

    #[test]
    fn the_redrive_policy_is_json_in_a_string() {
        assert_eq!(
            redrive_policy("arn:aws:sqs:eu-west-1:000000000000:dead", 3),
            r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":"3"}"#
        );
    }
}
