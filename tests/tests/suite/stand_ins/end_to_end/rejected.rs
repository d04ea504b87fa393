//! What was rejected: kept with its payload in the logs of the shards, and by a replay in a file. Both have to be the same records
//! for the same reasons.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use streamgauge_dynamodb::{DynamoLog, Table};
use streamgauge_kinesis::stream::{KinesisStream, Mapping, Start};
use streamgauge_lambda_aws::AwsServices;
use streamgauge_pipeline::port::log::{Log, LogId, Version, Wanted};
use streamgauge_pipeline::port::source::{ShardKey, Stream};
use streamgauge_pipeline::shard_entry::{REJECTS, read_rejects};
use streamgauge_pipeline::system_clock::SystemClock;

/// How often each record was rejected for a reason: code and payload.
pub(super) type Rejected = BTreeMap<(String, String), usize>;

/// What the logs of a stream's shards have kept.
pub(super) async fn kept(
    dynamodb: &aws_sdk_dynamodb::Client,
    table: &str,
    services: &AwsServices,
    stream: &str,
) -> Rejected {
    let all = Mapping { start: Start::TrimHorizon, record_age_max: None };
    let stream = KinesisStream::new(services.kinesis().clone(), stream, all, SystemClock);
    let id = stream.describe().await.unwrap().unwrap();
    let log = DynamoLog::new(Arc::new(Table::new(dynamodb, table, "reader", SystemClock)));
    let mut rejected = Rejected::new();
    for shard in stream.shards().await.unwrap() {
        let log_id = LogId::shard(&ShardKey { stream: id.clone(), shard: shard.id });
        let mut after = Version(0);
        loop {
            let logged = log.read(&log_id, after, Wanted::Only(&[REJECTS])).await.unwrap();
            let Some(last) = logged.last() else { break };
            after = last.version;
            let chunks = logged.iter().filter_map(|logged| logged.entry.chunks().get(&REJECTS));
            for reject in chunks.flat_map(|chunk| read_rejects(chunk).unwrap()) {
                let payload = String::from_utf8(reject.payload).unwrap();
                *rejected.entry((reject.code.as_str().to_owned(), payload)).or_default() += 1;
            }
        }
    }
    rejected
}

/// What `streamgauge replay --rejects` wrote.
pub(super) fn written(path: &Path) -> Rejected {
    let mut rejected = Rejected::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let reject: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| reject[name].as_str().unwrap().to_owned();
        *rejected.entry((text("code"), text("payload"))).or_default() += 1;
    }
    rejected
}
