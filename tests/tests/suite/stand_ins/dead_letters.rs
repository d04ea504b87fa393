//! `streamgauge dead-letters` as a user runs it, on what aggregate, settle and deliver have left in a table, a bucket and a stream.

use super::send::{Folder, standing, told};
use super::{built, services, unique};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_dynamodb::{PARTITION_KEY, SORT_KEY};
use streamgauge_engine::time::{MINUTE_MS, Timestamp};
use streamgauge_function::clients::Clients;
use streamgauge_function::rules::DeployedRules;
use streamgauge_function::settings::{Settings, variables::Role};
use streamgauge_function::world::AwsWorld;
use streamgauge_kinesis::put::record::PutRecord;
use streamgauge_lambda::stack::{Stack, StreamResource};
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::kinesis::primitives::Blob;
use streamgauge_lambda_aws::kinesis::types::ShardIteratorType;
use streamgauge_pipeline::aggregate::{self, Aggregate};
use streamgauge_pipeline::deliver::{Deliver, DeliverSettings};
use streamgauge_pipeline::memory::{MemoryChannels, MemoryPoints};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::points::{Packed, Points, Queued, Receipt};
use streamgauge_pipeline::port::sink::Delivery;
use streamgauge_pipeline::port::source::{Batch, Record};
use streamgauge_pipeline::port::{Partition, Retryable};
use streamgauge_pipeline::settle::Settle;
use streamgauge_pipeline::system_clock::SystemClock;

/// What is deployed, and what mends it.
const RULES: &str =
    "late: drop\nmetrics: {orders: {sum: data.amount, where: type == 'order', window: 1m}}\n";
const MENDED: &str = "late: drop\nmetrics: {orders: {count: type == 'order', window: 1m}}\n";

/// A stack whose functions run in this process, one after another.
pub(super) struct Bench {
    services: AwsServices,
    pub(super) folder: Folder,
    settings: Settings,
    stream: String,
    pub(super) table: String,
    bucket: String,
}

/// Points that others look at too.
struct Shared(Arc<MemoryPoints<SystemClock>>);

impl Points for Shared {
    type Call = <MemoryPoints<SystemClock> as Points>::Call;

    fn pack(&self, points: &[Queued<'_>], receipt: &Receipt, now: Timestamp) -> Packed<Self::Call> {
        self.0.pack(points, receipt, now)
    }

    async fn put(&self, call: &Self::Call) -> Delivery {
        self.0.put(call).await
    }

    async fn was_taken(&self, receipt: &Receipt) -> Result<bool, Retryable> {
        self.0.was_taken(receipt).await
    }
}

/// An order that happens now.
fn order(id: &str, amount: &str) -> String {
    let now = SystemClock.now();
    format!(
        r#"{{"id":"{id}","source":"shop","type":"order","time":"{now}","data":{{"amount":{amount}}}}}"#
    )
}

impl Bench {
    async fn new(test: &str) -> Self {
        Self::with_rules(test, RULES).await
    }

    /// A stack that is deployed with these rules.
    pub(super) async fn with_rules(test: &str, rules: &str) -> Self {
        // Before anything is connected: nothing would hold its connections while the programs are built.
        built::binary("streamgauge");
        let services = services().await;
        let [stream, table, bucket] = ["letters", "letters", "letters"].map(unique);
        let resource =
            StreamResource { name: stream.clone(), shards: 1, retention: Duration::from_hours(24) };
        let buckets = vec![bucket.clone()];
        let stack = Stack { streams: vec![resource], buckets, ..Stack::default() };
        services.create_missing(&stack).await.unwrap();
        create_table(&table).await;
        let queue = services.sqs().create_queue().queue_name(&table).send().await.unwrap();
        let queue = queue.queue_url.unwrap();
        let folder = Folder::new(test, &[]);
        let path = folder.write("rules.yaml", rules);
        folder.write("mended.yaml", MENDED);
        let settings = Settings::read(Role::Settle, &|name| match name {
            "STREAMGAUGE_TABLE" => Some(table.clone()),
            "STREAMGAUGE_PARTITIONS" => Some("1".to_owned()),
            "STREAMGAUGE_STACK" => Some("letters".to_owned()),
            "STREAMGAUGE_STREAMS" => {
                Some(format!("arn:aws:kinesis:eu-west-1:000000000000:stream/{stream}"))
            }
            "STREAMGAUGE_SETTLE_QUEUE" | "STREAMGAUGE_DELIVER_QUEUE" => Some(queue.clone()),
            "STREAMGAUGE_RULES" => Some(path.display().to_string()),
            _ => None,
        });
        let settings = settings.unwrap_or_else(|error| panic!("{error}"));
        Self { services, folder, settings, stream, table, bucket }
    }

    pub(super) fn world(&self) -> AwsWorld {
        let rules = DeployedRules::load(&self.settings.rules, &|_| None).unwrap();
        AwsWorld::new(&Clients::of_process(), &self.settings, rules)
    }

    pub(super) async fn put(&self, payload: &str) {
        let record = PutRecord::new("any", payload.as_bytes().to_vec()).unwrap();
        let put = self.services.kinesis().put_record().stream_name(&self.stream);
        let put = put.partition_key(record.partition_key()).data(Blob::new(record.data()));
        put.send().await.unwrap();
    }

    /// So many records of the stream, as Lambda would bring them.
    async fn batch(&self, records: usize) -> Batch {
        let client = self.services.kinesis();
        let listed = client.list_shards().stream_name(&self.stream).send().await.unwrap();
        let shard = listed.shards()[0].shard_id().to_owned();
        let open = client.get_shard_iterator().stream_name(&self.stream).shard_id(&shard);
        let open = open.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap();
        let mut next = open.shard_iterator;
        let mut batch = Batch { shard: shard.into(), text: Vec::new(), records: Vec::new() };
        while batch.records.len() < records {
            let read = client.get_records().set_shard_iterator(next).send().await.unwrap();
            for record in read.records() {
                let start = batch.text.len();
                batch.text.extend_from_slice(record.data().as_ref());
                let arrival = record.approximate_arrival_timestamp().unwrap().to_millis().unwrap();
                batch.records.push(Record {
                    sequence: record.sequence_number().parse().unwrap(),
                    sub_sequence: 0,
                    arrival: Some(Timestamp::from_millis(arrival)),
                    bytes: start..batch.text.len(),
                });
            }
            next = read.next_shard_iterator;
        }
        batch
    }

    pub(super) async fn aggregate(&self, records: usize) {
        let mut function = Aggregate::new(self.world(), aggregate::Settings::default());
        let taken = Box::pin(function.take(&self.stream, self.batch(records).await)).await.unwrap();
        assert_eq!(taken.failed_from, None, "{:?}", taken.problem);
        assert_eq!(taken.entries, 1, "{taken:?}");
    }

    pub(super) async fn settle(&self) {
        let mut settle = Settle::new(self.world(), "letters", 1);
        let deadline = SystemClock.now().plus(MINUTE_MS);
        Box::pin(settle.run(Partition::default(), deadline)).await.unwrap();
    }

    async fn deliver(&self, points: &Arc<MemoryPoints<SystemClock>>, invocation: &str) {
        let points = Shared(Arc::clone(points));
        let channels = MemoryChannels::none();
        let deliver = Deliver::new(self.world(), points, channels, DeliverSettings::default());
        let deadline = SystemClock.now().plus(MINUTE_MS);
        Box::pin(deliver.run(Partition::default(), invocation, deadline)).await.unwrap();
    }

    /// Lambda gives up an event and puts it into the bucket.
    async fn give_up(&self, payload: &str) {
        use base64::Engine;
        let number = "49590338271490256608559692538361571095921575989136588898";
        let arn = format!("arn:aws:kinesis:eu-west-1:000000000000:stream/{}", self.stream);
        let now = SystemClock.now();
        let event = serde_json::json!({"Records": [{
            "kinesis": {
                "sequenceNumber": number,
                "data": base64::prelude::BASE64_STANDARD.encode(payload),
                "approximateArrivalTimestamp": now.as_millis() / 1_000,
            },
            "eventID": format!("shardId-000000000000:{number}"),
            "eventSourceARN": arn,
        }]});
        let document = serde_json::json!({
            "requestContext": {"condition": "RecordAgeExceeded", "approximateInvokeCount": 1},
            "timestamp": now.to_rfc3339(),
            "KinesisBatchInfo": {"streamArn": arn},
            "payload": event.to_string(),
        });
        let put = self.services.s3().put_object().bucket(&self.bucket).key("aws/lambda/a/b");
        put.body(document.to_string().into_bytes().into()).send().await.unwrap();
    }

    /// Runs the command; what it prints.
    fn letters(&self, command: &str, more: &str, code: i32) -> String {
        let Self { table, bucket, .. } = self;
        let typed = format!("dead-letters {command} --table {table} --bucket {bucket} {more}");
        let output = self.folder.run(&typed);
        told(&output, code);
        String::from_utf8(output.stdout).unwrap()
    }

    /// The codes of all letters with their names.
    fn codes(&self) -> Vec<(String, String)> {
        let text = self.letters("list", "--output json", 0);
        let objects = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let shown = |value: &Value| value.as_str().unwrap().to_owned();
        let mut codes: Vec<_> =
            objects.map(|object| (shown(&object["code"]), shown(&object["id"]))).collect();
        codes.sort();
        codes
    }
}

/// A table as the template makes it.
async fn create_table(name: &str) {
    let client = Clients::of_process().dynamodb();
    let mut create = client.create_table().table_name(name);
    for (key, kind) in [(PARTITION_KEY, KeyType::Hash), (SORT_KEY, KeyType::Range)] {
        let attribute = AttributeDefinition::builder().attribute_name(key);
        let element = KeySchemaElement::builder().attribute_name(key).key_type(kind);
        create = create.key_schema(element.build().unwrap()).attribute_definitions(
            attribute.attribute_type(ScalarAttributeType::S).build().unwrap(),
        );
    }
    create.billing_mode(BillingMode::PayPerRequest).send().await.unwrap();
}

#[tokio::test]
async fn records_are_put_again_under_mended_rules() {
    let bench = Bench::new("letters_records").await;
    let (good, bad, lost) = (order("good", "12"), order("bad", "\"many\""), order("lost", "1"));
    bench.put(&good).await;
    bench.put(&bad).await;
    bench.aggregate(2).await;
    // The first one only learns the plan; the second asks for the shards.
    bench.settle().await;
    bench.settle().await;
    bench.give_up(&lost).await;
    let codes = bench.codes();
    let named: Vec<_> = codes.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(named, ["record_age_exceeded", "wrong_type"]);
    let shown = bench.letters("show", &codes[1].1, 0);
    assert!(shown.contains("many") && shown.contains("wrong_type"), "{shown}");
    bench.letters("show", "r0", 1);

    let same = bench.letters("replay", "--rules rules.yaml", 1);
    assert!(same.contains("1 left: it would be rejected again"), "{same}");
    let dry = bench.letters("replay", "--rules mended.yaml", 0);
    assert!(
        dry.starts_with(&format!("2 records would be put on the stream `{}`", bench.stream)),
        "{dry}"
    );
    let client = bench.services.kinesis();
    assert_eq!(standing(client, &bench.stream).await.into_values().flatten().count(), 2);
    bench.letters("replay", "--rules mended.yaml --execute", 0);
    let stands: Vec<_> = standing(client, &bench.stream).await.into_values().flatten().collect();
    assert_eq!(stands.len(), 4);
    assert_eq!(stands.iter().filter(|line| **line == bad).count(), 2);
    assert_eq!(stands.iter().filter(|line| **line == lost).count(), 1);
}

#[tokio::test]
async fn points_are_given_back_once() {
    let bench = Bench::new("letters_points").await;
    bench.put(&order("a", "12")).await;
    bench.aggregate(1).await;
    bench.settle().await;
    let refusing = Arc::new(MemoryPoints::new(SystemClock, 100));
    // The stack's name is a value of a dimension of all self-metrics.
    refusing.refuse("letters");
    bench.deliver(&refusing, "one").await;
    assert_eq!(refusing.totals().len(), 0);
    let codes = bench.codes();
    assert!(codes.len() > 5 && codes.iter().all(|(code, _)| code == "refused"), "{codes:?}");

    bench.letters("replay", "--execute", 0);
    let again = bench.letters("replay", "--execute", 1);
    assert!(again.contains("left: it was given back before"), "{again}");
    bench.settle().await;
    let taking = Arc::new(MemoryPoints::new(SystemClock, 100));
    bench.deliver(&taking, "two").await;
    let received = taking.totals().into_iter().filter(|((_, metric, ..), _)| metric == "Received");
    let records: i128 = received.map(|(_, total)| total.sum.billionths()).sum();
    assert_eq!(records, 1_000_000_000, "one record was received, and is told once");
}

#[tokio::test]
async fn a_table_that_is_not_there_is_a_wrong_argument() {
    services().await;
    let folder = Folder::new("no_letters", &[]);
    let name = unique("absent");
    let text = told(&folder.run(&format!("dead-letters list --table {name}")), 2);
    assert!(text.starts_with(&format!("error: there is no table `{name}`")), "{text}");
}
