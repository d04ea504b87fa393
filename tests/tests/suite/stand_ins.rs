//! The adapters over the AWS SDK, against AWS's stand-ins, which `cargo x aws-tests` starts: kinesis-local for streams, ministack
//! for queues and buckets. Without them these tests fail, since a test that skips itself proves nothing.
//!
//! Every test makes streams and queues of its own names, so that all can run at once, and again on stand-ins that stay.

mod benches;
mod built;
mod channels;
mod create;
mod dead_letters;
mod dynamodb;
mod end_to_end;
mod explain;
mod metered;
mod notify;
mod polled;
mod said;
mod send;
mod session;
mod stream;

use benches::{QueuesBench, StreamsBench};
use std::env;
use std::time::{SystemTime, UNIX_EPOCH};
use streamgauge_lambda::contract::{Broken, queue_contract, stream_contract};
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::connect::Settings;

/// What leads to the stand-ins, and to nothing else: tests put and delete.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KINESIS"];

/// The services of the stand-ins.
async fn services() -> AwsServices {
    for name in ENDPOINTS {
        let endpoint = env::var(name).unwrap_or_default();
        assert!(
            endpoint.starts_with("http://127.0.0.1:"),
            "{name} leads to no stand-in (`{endpoint}`); run these tests with `cargo x aws-tests`"
        );
    }
    AwsServices::connect(&Settings::default()).await.unwrap()
}

/// A name that nobody else has used.
fn unique(name: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{name}-{}-{now}", std::process::id())
}

/// Says which rule was broken and how.
#[track_caller]
fn check(kept: Result<(), Broken>) {
    if let Err(Broken { rule, source }) = kept {
        panic!("broken: {rule}: {source:?}");
    }
}

#[tokio::test]
async fn kinesis_streams_keep_the_contract() {
    check(stream_contract(&StreamsBench::new(services().await)).await);
}

#[tokio::test]
async fn sqs_queues_keep_the_contract() {
    check(queue_contract(&QueuesBench::new(services().await)).await);
}
