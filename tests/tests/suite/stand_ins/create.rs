//! What a stack names is made where it is missing, once; objects come to lie in its buckets.

use super::{services, unique};
use std::env;
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::queue::{Queue, QueueError};
use streamgauge_lambda::services::Services;
use streamgauge_lambda::stack::{QueueResource, Stack, StreamResource};
use streamgauge_lambda::stream::{Stream, StreamError};
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::connect::{Credentials, Endpoints, Settings};
use streamgauge_lambda_aws::create::Resource;

/// Two days.
const RETENTION: Duration = Duration::from_hours(48);
/// No default of a queue's.
const VISIBILITY: Duration = Duration::from_secs(77);

/// One of each, and a queue whose dead letters go to the other.
fn stack() -> Stack {
    let queue = |name: &str| QueueResource {
        name: unique(name),
        visibility: VISIBILITY,
        delay: Duration::ZERO,
        retention: Duration::from_hours(24),
        redrive: None,
    };
    let dead = queue("dead");
    let to_dead = (Arn::queue("eu-west-1", "000000000000", &dead.name), 3);
    Stack {
        streams: vec![StreamResource { name: unique("stream"), shards: 3, retention: RETENTION }],
        queues: vec![QueueResource { redrive: Some(to_dead), ..queue("queue") }, dead],
        buckets: vec![unique("bucket")],
        ..Stack::default()
    }
}

#[tokio::test]
async fn what_is_missing_is_created_once() {
    let (services, stack) = (services().await, stack());
    let [queue, dead] = stack.queues.as_slice() else { panic!("two queues") };
    assert_eq!(
        services.create_missing(&stack).await.unwrap(),
        [
            Resource::Stream(stack.streams[0].name.clone()),
            Resource::Queue(queue.name.clone()),
            Resource::Queue(dead.name.clone()),
            Resource::Bucket(stack.buckets[0].clone()),
        ]
    );
    assert_eq!(services.create_missing(&stack).await.unwrap(), []);
}

#[tokio::test]
async fn streams_and_queues_have_what_the_stack_says() {
    let (services, stack) = (services().await, stack());
    services.create_missing(&stack).await.unwrap();
    let (region, account) = (services.region(), "000000000000");
    let stream = services.stream(&Arn::stream(region, account, &stack.streams[0].name));
    assert_eq!(stream.shards().await.unwrap().len(), 3);
    assert_eq!(stream.retention().await.unwrap(), RETENTION);
    let queue = services.queue(&Arn::queue(region, account, &stack.queues[0].name));
    assert_eq!(queue.visibility().await.unwrap(), VISIBILITY);
}

#[tokio::test]
async fn an_object_is_put_into_a_bucket() {
    let (services, stack) = (services().await, stack());
    let bucket = &stack.buckets[0];
    services.create_missing(&stack).await.unwrap();
    let key = "aws/lambda/uuid/shardId-000000000000/2026/01/05/document";
    services.put_object(bucket, key, "{\"version\": \"1.0\"}".into()).await.unwrap();
    let got = services.s3().get_object().bucket(bucket).key(key).send().await.unwrap();
    let body = got.body.collect().await.unwrap().into_bytes();
    assert_eq!(body, "{\"version\": \"1.0\"}");
}

/// Both stand-ins keep accounts and regions apart.
#[tokio::test]
async fn what_is_given_goes_before_the_environment() {
    let stack = stack();
    let settings = Settings {
        endpoints: Endpoints {
            default: env::var("AWS_ENDPOINT_URL").ok(),
            kinesis: env::var("AWS_ENDPOINT_URL_KINESIS").ok(),
            ..Endpoints::default()
        },
        region: Some("us-east-1".to_owned()),
        credentials: Some(Credentials {
            access_key_id: "111111111111".to_owned(),
            secret_access_key: "stand-ins".to_owned(),
        }),
    };
    let (by_environment, elsewhere) =
        (services().await, AwsServices::connect(&settings).await.unwrap());
    assert_eq!((by_environment.region(), elsewhere.region()), ("eu-west-1", "us-east-1"));
    assert_eq!(elsewhere.create_missing(&stack).await.unwrap().len(), 4);
    let queue = Arn::queue("us-east-1", "111111111111", &stack.queues[0].name);
    assert_eq!(elsewhere.queue(&queue).visibility().await.unwrap(), VISIBILITY);
    let no_queue = by_environment.queue(&queue).visibility().await.unwrap_err();
    assert_eq!(no_queue, QueueError::NotFound(stack.queues[0].name.clone()));
    let stream = Arn::stream("us-east-1", "111111111111", &stack.streams[0].name);
    assert_eq!(elsewhere.stream(&stream).shards().await.unwrap().len(), 3);
    let no_stream = by_environment.stream(&stream).shards().await.unwrap_err();
    assert_eq!(no_stream, StreamError::NotFound(stack.streams[0].name.clone()));
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_named() {
    let error = services().await.put_object("no-such-bucket", "key", "".into()).await.unwrap_err();
    assert_eq!((error.bucket.as_str(), error.key.as_str()), ("no-such-bucket", "key"));
    assert!(error.reason.contains("NoSuchBucket"), "{error}");
}
