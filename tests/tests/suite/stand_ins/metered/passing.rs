//! With nothing to refuse and nothing to spoil, the meter must not be noticed: the contracts of streams and queues hold through it.

use super::super::benches::{QueuesBench, StreamsBench};
use super::super::check;
use super::streams::services;
use super::{Metered, fault};
use aws_sdk_cloudwatch::error::ProvideErrorMetadata;
use std::path::Path;
use streamgauge_lambda::contract::{queue_contract, stream_contract};
use streamgauge_lambda::stack::Stack;
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::s3::primitives::ByteStream;
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::{Harm, When};
use streamgauge_meter::limits::Limits;
use streamgauge_meter::unit::Unit;

async fn through(metered: &Metered) -> AwsServices {
    services("000000000000", Some(metered.running.endpoint())).await
}

#[tokio::test]
async fn streams_keep_the_contract_through_the_meter() {
    let metered = Metered::start().await;
    check(stream_contract(&StreamsBench::new(through(&metered).await)).await);
    assert!(metered.amount(&Service::Kinesis, "GetRecords", Unit::RecordsOut) > 0);
}

#[tokio::test]
async fn queues_keep_the_contract_through_the_meter() {
    let metered = Metered::start().await;
    check(queue_contract(&QueuesBench::new(through(&metered).await)).await);
    assert!(metered.amount(&Service::Sqs, "ReceiveMessage", Unit::MessagesOut) > 0);
}

/// The size of a large object: more than any buffer in between holds.
const LARGE: usize = 5_000_000;

/// A large body that is read as it is sent, its checksum behind it, as the SDK sends what it does not hold.
async fn large(metered: &Metered) -> ByteStream {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("large-{}", metered.account));
    std::fs::write(&path, vec![b'x'; LARGE]).unwrap();
    let file = tokio::fs::File::open(&path).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    ByteStream::read_from().file(file).build().await.unwrap()
}

async fn bucket(metered: &Metered) {
    let stack = Stack { buckets: vec![metered.account.clone()], ..Stack::default() };
    services(&metered.account, None).await.create_missing(&stack).await.unwrap();
}

#[tokio::test]
async fn large_objects_pass() {
    let metered = Metered::start().await;
    bucket(&metered).await;
    let s3 = metered.caller("").await.s3;
    let put = s3.put_object().bucket(&metered.account).key("large");
    put.body(large(&metered).await).send().await.unwrap();
    let got = s3.get_object().bucket(&metered.account).key("large").send().await.unwrap();
    assert!(got.body.collect().await.unwrap().to_vec() == vec![b'x'; LARGE]);
    assert_eq!(metered.amount(&Service::S3, "Put", Unit::PutRequests), 1);
}

/// A refusal comes before the body was read, and is seen all the same.
#[tokio::test]
async fn a_large_object_is_refused_with_a_typed_error() {
    let throttled = fault(Service::S3, "Put", When::Only(1), Harm::Throttle);
    let metered = Metered::with(Limits::none(), vec![throttled]).await;
    bucket(&metered).await;
    let s3 = metered.caller("").await.s3;
    let put = s3.put_object().bucket(&metered.account).key("large");
    let error = put.body(large(&metered).await).send().await.unwrap_err();
    assert_eq!(error.code(), Some("SlowDown"), "{error:?}");
}
