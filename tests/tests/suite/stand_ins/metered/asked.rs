//! What settle is told when asking a stream goes wrong, and what opening a shard costs.

use super::streams::{FIRST, STREAM, stream};
use super::{Metered, fault};
use streamgauge_engine::time::Timestamp;
use streamgauge_kinesis::stream::{KinesisStream, Mapping, Start};
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::{Harm, When};
use streamgauge_meter::limits::Limits;
use streamgauge_meter::unit::Unit;
use streamgauge_pipeline::memory::VirtualClock;
use streamgauge_pipeline::port::source::{Polled, Progress, Stream};

const NOW: Timestamp = Timestamp::from_millis(1_767_607_200_000);

/// Asks an empty shard through a meter that harms its reads: the answer, and how many reads there were.
async fn check(harm: Option<Harm>, expect: Result<Progress, &str>) {
    let faults = harm.map(|harm| fault(Service::Kinesis, "GetRecords", When::Every(1), harm));
    let metered = Metered::with(Limits::none(), faults.into_iter().collect()).await;
    stream(&metered.direct, &metered.account, 1).await;
    let client = metered.retrying("").await.kinesis;
    let mapping = Mapping { start: Start::TrimHorizon, record_age_max: None };
    let asked = KinesisStream::new(client, STREAM, mapping, VirtualClock::new(NOW));
    let progress = asked.progress(&FIRST.into(), None).await;
    assert_eq!(
        progress.as_ref().map_err(ToString::to_string),
        expect.as_ref().map_err(|text| (*text).to_owned())
    );
    assert_eq!(metered.amount(&Service::Kinesis, "GetRecords", Unit::Calls), 1);
}

#[tokio::test]
async fn an_empty_shard_is_empty_as_of_the_question() {
    check(None, Ok(Progress::Empty { asked_at: NOW })).await;
}

/// A retry would take another of the shard's five reads a second.
#[tokio::test]
async fn a_throttled_read_proves_nothing_and_is_not_repeated() {
    check(Some(Harm::Throttle), Ok(Progress::Waiting)).await;
}

#[tokio::test]
async fn an_outage_is_told() {
    let told = "could not read the shard shardId-000000000000 of the stream `stream`; the call may have taken effect and can be repeated";
    check(Some(Harm::ServerError), Err(told)).await;
    check(Some(Harm::LoseAnswer), Err(told)).await;
}

/// Whoever polls a shard from a moment on asks for it once.
#[tokio::test]
async fn a_shard_is_opened_at_a_moment_by_one_call() {
    let metered = Metered::with(Limits::none(), Vec::new()).await;
    stream(&metered.direct, &metered.account, 1).await;
    let client = metered.retrying("").await.kinesis;
    let mapping = Mapping { start: Start::At(NOW), record_age_max: None };
    let polled = KinesisStream::new(client, STREAM, mapping, VirtualClock::new(NOW));
    let place = polled.open(&FIRST.into(), None).await.unwrap().unwrap();
    assert!(polled.read(&FIRST.into(), place).await.unwrap().is_at_tip);
    assert_eq!(metered.amount(&Service::Kinesis, "GetShardIterator", Unit::Calls), 1);
}
