//! A stream of the running stack, as settle and aggregate ask it, over the SDK.

use super::{services, unique};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use streamgauge_engine::time::Timestamp;
use streamgauge_kinesis::stream::{KinesisStream, Mapping, Start};
use streamgauge_lambda::stack::{Stack, StreamResource};
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::kinesis::Client;
use streamgauge_lambda_aws::kinesis::primitives::Blob;
use streamgauge_lambda_aws::kinesis::types::ShardIteratorType;
use streamgauge_pipeline::contract::{SourceBench, polled_contract, stream_contract};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{Progress, SequenceNumber, ShardId, Stream};

const FIRST: &str = "shardId-000000000000";
const HOUR_MS: i64 = 3_600_000;
const ALL: Mapping = Mapping { start: Start::TrimHorizon, record_age_max: None };

/// The machine's clock, which is that of the stand-ins.
#[derive(Clone, Copy, Debug)]
struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        Timestamp::from_millis(i64::try_from(now).unwrap())
    }
}

/// A stream with one shard.
struct Bench {
    services: AwsServices,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let (services, name) = (services().await, unique("asked"));
        let retention = Duration::from_hours(24);
        let stream = StreamResource { name: name.clone(), shards: 1, retention };
        let stack = Stack { streams: vec![stream], ..Stack::default() };
        services.create_missing(&stack).await.unwrap();
        Self { services, name }
    }

    fn client(&self) -> Client {
        self.services.kinesis().clone()
    }

    fn stream(&self, mapping: Mapping) -> KinesisStream<MachineClock> {
        KinesisStream::new(self.client(), &self.name, mapping, MachineClock)
    }

    /// What follows a position, as this mapping reads.
    async fn progress(&self, mapping: Mapping, after: Option<&SequenceNumber>) -> Progress {
        self.stream(mapping).progress(&FIRST.into(), after).await.unwrap()
    }

    /// The same of all that follows the mapping's start, which may be some milliseconds ahead: reading cannot begin in the future.
    async fn progress_once_past(&self, mapping: Mapping) -> Progress {
        let shard = FIRST.into();
        for _ in 0..1_000 {
            if let Ok(progress) = self.stream(mapping).progress(&shard, None).await {
                return progress;
            }
        }
        self.progress(mapping, None).await
    }

    async fn oldest_arrival(&self) -> Timestamp {
        let opened = self.client().get_shard_iterator().stream_name(&self.name).shard_id(FIRST);
        let opened = opened.shard_iterator_type(ShardIteratorType::TrimHorizon);
        let iterator = opened.send().await.unwrap().shard_iterator;
        let read = self.client().get_records().set_shard_iterator(iterator).send().await.unwrap();
        let arrival = read.records[0].approximate_arrival_timestamp.unwrap();
        Timestamp::from_millis(arrival.to_millis().unwrap())
    }

    async fn put_some(&self, count: usize) -> SequenceNumber {
        let mut last = None;
        for _ in 0..count {
            last = Some(self.put(&FIRST.into(), b"x").await);
        }
        last.unwrap()
    }
}

impl Clock for Bench {
    fn now(&self) -> Timestamp {
        MachineClock.now()
    }
}

impl SourceBench for Bench {
    async fn open(&self) -> ShardId {
        FIRST.into()
    }

    async fn put(&self, shard: &ShardId, bytes: &[u8]) -> SequenceNumber {
        let put = self.client().put_record().stream_name(&self.name).partition_key("k");
        let put = put.data(Blob::new(bytes)).send().await.unwrap();
        assert_eq!(put.shard_id(), &**shard);
        put.sequence_number().parse().unwrap()
    }

    async fn split(&self, shard: &ShardId) -> Option<[ShardId; 2]> {
        let split = self.client().split_shard().stream_name(&self.name).shard_to_split(&**shard);
        split.new_starting_hash_key((1_u128 << 127).to_string()).send().await.unwrap();
        self.services.until_active(&self.name).await.unwrap();
        Some(["shardId-000000000001".into(), "shardId-000000000002".into()])
    }
}

fn is_empty(progress: Progress) -> bool {
    matches!(progress, Progress::Empty { .. })
}

#[tokio::test]
async fn a_stream_keeps_the_contract() {
    let bench = Bench::new().await;
    stream_contract(&bench.stream(ALL), &bench).await.unwrap();
}

#[tokio::test]
async fn a_stream_can_be_polled() {
    let bench = Bench::new().await;
    polled_contract(&bench.stream(ALL), &bench).await.unwrap();
}

#[tokio::test]
async fn merged_shards_name_both_parents() {
    let bench = Bench::new().await;
    let [one, other] = bench.split(&FIRST.into()).await.unwrap();
    let merge = bench.client().merge_shards().stream_name(&bench.name);
    merge.shard_to_merge(&*one).adjacent_shard_to_merge(&*other).send().await.unwrap();
    bench.services.until_active(&bench.name).await.unwrap();
    let shards = bench.stream(ALL).shards().await.unwrap();
    let open: Vec<_> = shards.iter().filter(|shard| !shard.closed).collect();
    assert_eq!(open.len(), 1, "{shards:?}");
    assert_eq!(open[0].parents, [one, other]);
}

#[tokio::test]
async fn a_stream_that_is_not_there_has_nothing() {
    let bench = Bench { services: services().await, name: unique("absent") };
    let stream = bench.stream(ALL);
    assert_eq!(stream.describe().await.unwrap(), None);
    assert_eq!(stream.shards().await.unwrap(), []);
    assert_eq!(bench.progress(ALL, None).await, Progress::Ended);
}

#[tokio::test]
async fn a_stream_has_its_creation_time_each_time() {
    let bench = Bench::new().await;
    let stream = bench.stream(ALL);
    let id = stream.describe().await.unwrap().unwrap();
    assert_eq!(&*id.name, &*bench.name);
    assert!((0..60_000).contains(&(bench.now().as_millis() - id.created_at.as_millis())), "{id:?}");
    assert_eq!(stream.describe().await.unwrap(), Some(id));
}

#[tokio::test]
async fn records_before_the_start_of_the_mapping_are_nobodys() {
    let bench = Bench::new().await;
    let first = bench.put_some(1).await;
    // By the stream's own clock, which runs apart from the machine's; it may round a moment down by a millisecond.
    let start = bench.oldest_arrival().await.plus(2);
    let later = Mapping { start: Start::At(start), ..ALL };
    assert!(is_empty(bench.progress_once_past(later).await));
    assert_eq!(bench.progress(ALL, None).await, Progress::Waiting);
    bench.put_some(1).await;
    assert_eq!(bench.progress(later, None).await, Progress::Waiting);
    assert_eq!(bench.progress(later, Some(&first)).await, Progress::Waiting);
}

/// More than one read brings, so that it has to go past them.
#[tokio::test]
async fn records_over_the_maximum_age_count_as_read() {
    let bench = Bench::new().await;
    let first = bench.put_some(1).await;
    bench.put_some(24).await;
    let aged = |age| Mapping { record_age_max: Some(age), ..ALL };
    assert!(is_empty(bench.progress(aged(0), None).await));
    assert!(is_empty(bench.progress(aged(0), Some(&first)).await));
    assert_eq!(bench.progress(aged(HOUR_MS), Some(&first)).await, Progress::Waiting);
}

/// No number of this stream, as one whose record is long trimmed.
#[tokio::test]
async fn after_a_position_that_is_not_there_comes_all_that_is_left() {
    let bench = Bench::new().await;
    let gone: SequenceNumber =
        "49590338271490256608559692538361571095921575989136588898".parse().unwrap();
    assert!(is_empty(bench.progress(ALL, Some(&gone)).await));
    bench.put_some(1).await;
    assert_eq!(bench.progress(ALL, Some(&gone)).await, Progress::Waiting);
}
