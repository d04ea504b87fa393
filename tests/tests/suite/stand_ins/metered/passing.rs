//! With nothing to refuse and nothing to spoil, the meter must not be noticed: the contracts of streams and queues hold through it.

use super::super::benches::{QueuesBench, StreamsBench};
use super::super::check;
use super::Metered;
use super::streams::services;
use streamgauge_lambda::contract::{queue_contract, stream_contract};
use streamgauge_lambda_aws::AwsServices;
use streamgauge_meter::call::Service;
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
