//! Helper: streams, and records of an exact size.

use super::Clients;
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::connect::{Credentials, Settings};
use streamgauge_lambda_aws::kinesis::Client;
use streamgauge_lambda_aws::kinesis::primitives::Blob;
use streamgauge_lambda_aws::kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};

/// The stream of each test.
pub(super) const STREAM: &str = "stream";
/// The first shard of a stream.
pub(super) const FIRST: &str = "shardId-000000000000";

/// The services of an account, past the meter or through it.
pub(super) async fn services(account: &str, endpoint: Option<String>) -> AwsServices {
    let mut settings = Settings {
        region: Some(super::REGION.to_owned()),
        credentials: Some(Credentials {
            access_key_id: account.to_owned(),
            secret_access_key: "stand-ins".to_owned(),
        }),
        ..Settings::default()
    };
    settings.endpoints.default = endpoint;
    AwsServices::connect(&settings).await.unwrap()
}

/// Makes the stream, past the meter.
pub(super) async fn stream(direct: &Clients, account: &str, shards: i32) {
    direct.kinesis.create_stream().stream_name(STREAM).shard_count(shards).send().await.unwrap();
    services(account, None).await.until_active(STREAM).await.unwrap();
}

/// A record of so many bytes, one of them its partition key.
pub(super) fn record(bytes: usize) -> PutRecordsRequestEntry {
    let record = PutRecordsRequestEntry::builder().partition_key("k");
    record.data(Blob::new(vec![b'x'; bytes - 1])).build().unwrap()
}

/// An iterator on the first shard, from its beginning.
pub(super) async fn iterator(client: &Client) -> String {
    let iterator = client.get_shard_iterator().stream_name(STREAM).shard_id(FIRST);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon);
    iterator.send().await.unwrap().shard_iterator.unwrap()
}
