//! What a run stands on: an account with a table and streams, what was sent, and what came of it.

use super::super::built::binary;
use super::super::dynamodb;
use super::super::metered::{account, config};
use super::answers::{self, Answers};
use super::feed::{self, Span};
use super::read_back;
use super::rejected::{self, Rejected};
use super::stack::{self, Course, Setting, Stack};
use crate::suite::source::{read, root};
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use streamgauge_dynamodb::PARTITION_KEY;
use streamgauge_engine::time::Timestamp;
use streamgauge_lambda::stack::{Stack as Wanted, StreamResource};
use streamgauge_lambda_aws::connect::{Credentials, Settings};
use streamgauge_lambda_aws::{AwsServices, kinesis};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::LogId;

/// The stream that aggregate reads, and the table, as the template names them.
pub(super) const SOURCE: &str = "SourceStream";
const TABLE: &str = "Table";
/// The namespaces of the rules and of the pipeline itself.
const NAMESPACE: &str = "EndToEnd";
const SELF_NAMESPACE: &str = "StreamGauge";
/// How many invocations of deliver may see nothing more to do while something is missing: two run at a time at most, and each may
/// have looked before the last points were there.
const LOOKS_MAX: usize = 5;
/// More cells are not read back: for each series that is asked for, the stand-in goes through all that it has.
const CELLS_READ_MAX: usize = 5_000;

/// A run under way.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) setting: Setting,
    pub(super) services: AwsServices,
    cloudwatch: aws_sdk_cloudwatch::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    begun: Timestamp,
    span: Span,
}

impl Scene {
    /// An account of its own, with the table.
    pub(super) async fn new(name: &str, span: Span) -> Self {
        // Before anything is connected: nothing would hold its connections while the programs are built.
        binary("streamgauge");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("end_to_end").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        let account = account();
        let sdk = config(&account, "", None, RetryConfig::standard()).await;
        let secret_access_key = "stand-ins".to_owned();
        let credentials = Credentials { access_key_id: account.clone(), secret_access_key };
        let settings = Settings { credentials: Some(credentials), ..Settings::default() };
        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
        dynamodb::create(&dynamodb, TABLE).await;
        let template = feed::write(&folder, "template.yaml", &[template(&account)]);
        let setting = Setting {
            folder,
            account,
            template,
            rules: root().join("tests/rules/end_to_end.yaml").canonicalize().unwrap(),
            parameters: Vec::new(),
            variables: Vec::new(),
            faults: None,
        };
        Self {
            setting,
            services: AwsServices::connect(&settings).await.unwrap(),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&sdk),
            dynamodb,
            begun: stack::now(),
            span,
        }
    }

    /// Lets events overtake each other by so much, instead of what the rules say.
    pub(super) fn out_of_order(&mut self, length: &str) {
        let rules = fs::read_to_string(&self.setting.rules).unwrap();
        let (before, value) = rules.split_once("out_of_order: ").unwrap();
        let (_, after) = value.split_once('\n').unwrap();
        let changed = format!("{before}out_of_order: {length}\n{after}");
        self.setting.rules = feed::write(&self.setting.folder, "rules.yaml", &[changed]);
    }

    /// Makes a stream.
    pub(super) async fn stream(&self, name: &str, shards: usize) {
        let retention = Duration::from_hours(24);
        let stream = StreamResource { name: name.to_owned(), shards, retention };
        let wanted = Wanted { streams: vec![stream], ..Wanted::default() };
        self.services.create_missing(&wanted).await.unwrap();
    }

    /// The source stream's shards that take records, by where they begin: id, first and last key.
    async fn open_shards(&self) -> Vec<(String, u128, u128)> {
        let listed =
            self.services.kinesis().list_shards().stream_name(SOURCE).send().await.unwrap();
        let is_open = |shard: &&kinesis::types::Shard| {
            let range = shard.sequence_number_range();
            range.is_none_or(|range| range.ending_sequence_number().is_none())
        };
        let mut open: Vec<_> = listed
            .shards()
            .iter()
            .filter(is_open)
            .map(|shard| {
                let range = shard.hash_key_range().unwrap();
                let number = |text: &str| text.parse::<u128>().unwrap();
                let (first, last) = (range.starting_hash_key(), range.ending_hash_key());
                (shard.shard_id().to_owned(), number(first), number(last))
            })
            .collect();
        open.sort_by_key(|shard| shard.1);
        open
    }

    /// Splits an open shard of the source stream: its second part begins so far behind its beginning, of so many parts.
    pub(super) async fn split(&self, number: usize, at: impl Fn(u128, u128) -> u128) {
        let (shard, first, last) = self.open_shards().await.swap_remove(number);
        let split = self.services.kinesis().split_shard().stream_name(SOURCE);
        let split = split.shard_to_split(shard).new_starting_hash_key(at(first, last).to_string());
        split.send().await.unwrap();
        self.services.until_active(SOURCE).await.unwrap();
    }

    /// Merges an open shard of the source stream with the next one.
    pub(super) async fn merge(&self, number: usize) {
        let shards = self.open_shards().await;
        let merge = self.services.kinesis().merge_shards().stream_name(SOURCE);
        let merge = merge.shard_to_merge(&shards[number].0);
        merge.adjacent_shard_to_merge(&shards[number + 1].0).send().await.unwrap();
        self.services.until_active(SOURCE).await.unwrap();
    }

    /// Sends lines to streams, all at once, and waits until they are sent: what was sent to each.
    pub(super) fn send(&self, part: &str, lines: &[(&str, &[String])]) -> Vec<PathBuf> {
        let begun = lines.iter().map(|(stream, lines)| {
            let path = format!("{part}-{stream}.ndjson");
            let path = feed::write(&self.setting.folder, &path, lines);
            stack::send(&self.setting, stream, self.span.speed(), &path)
        });
        let begun: Vec<_> = begun.collect();
        let wait = |(mut child, kept): (std::process::Child, PathBuf)| {
            assert!(child.wait().unwrap().success(), "sending {} fails", kept.display());
            kept
        };
        begun.into_iter().map(wait).collect()
    }

    /// Waits until `CloudWatch` has what a replay of all that was sent says, stops the stack, and looks once more.
    pub(super) async fn judge(&self, mut stack: Stack, sent: &[PathBuf]) -> Judged {
        let kept = feed::merge(&self.setting.folder, "sent.ndjson", sent);
        let answers = answers::replay(&self.setting.rules, &kept);
        stack.until_decided(answers.over.plus(self.span.decided_after_ms()));
        let mut differences = Vec::new();
        for _ in 0..LOOKS_MAX {
            stack.until_delivered();
            differences = self.differences(&answers).await;
            if differences.is_empty() {
                break;
            }
        }
        let (summary, course) = stack.stop();
        if differences.is_empty() {
            differences = self.differences(&answers).await;
        }
        tell(&summary, &answers, self.begun);
        let told = differences.iter().take(30).cloned().collect::<Vec<_>>().join("\n");
        assert!(differences.is_empty(), "{} are wrong:\n{told}", differences.len());
        let mappings = summary["mappings"].as_array().unwrap().iter();
        for mapping in
            mappings.filter(|mapping| mapping["mapping"].as_str().unwrap().ends_with("Mapping"))
        {
            assert_eq!(mapping["discarded"], 0, "{mapping}");
        }
        // Also of what was not read back.
        let cells = u64::try_from(answers.table.len()).unwrap();
        assert!(amount(&summary, "PutMetricData", "data") >= cells);
        assert_eq!(self.dead_letters().await, 0);
        assert_eq!(course.failures, Vec::<String>::new());
        let own =
            read_back::table(&self.cloudwatch, SELF_NAMESPACE, self.begun, stack::now()).await;
        let counters = answers
            .counters
            .keys()
            .map(|name| (name.clone(), read_back::total(&own, name)))
            .collect();
        let rejected = rejected::kept(&self.dynamodb, TABLE, &self.services, SOURCE).await;
        Judged { summary, course, counters, rejected, answers }
    }

    async fn differences(&self, answers: &Answers) -> Vec<String> {
        if answers.table.len() > CELLS_READ_MAX {
            return Vec::new();
        }
        let &Answers { first, last, .. } = answers;
        let found = read_back::table(&self.cloudwatch, NAMESPACE, first, last).await;
        answers::differences(&answers.table, &answers::within(found, first, last))
    }

    /// Where points come to.
    pub(super) fn cloudwatch(&self) -> &aws_sdk_cloudwatch::Client {
        &self.cloudwatch
    }

    /// How many entries there are of what could not be delivered.
    pub(super) async fn dead_letters(&self) -> i32 {
        let log = LogId::dead_letters(Partition::default()).as_str().to_owned();
        let query = self.dynamodb.query().table_name(TABLE).select(Select::Count);
        let query = query.key_condition_expression("#p = :p");
        let query = query.expression_attribute_names("#p", PARTITION_KEY);
        let query = query.expression_attribute_values(":p", AttributeValue::S(log));
        query.send().await.unwrap().count()
    }
}

/// The template, with a name for its bucket: accounts share the names of buckets.
fn template(account: &str) -> String {
    let template = read("template.yaml");
    let bucket = template.find("\n  DeadLetters:\n").unwrap();
    let (before, bucket) = template.split_at(bucket);
    let properties = format!("Properties:\n      BucketName: dead-letters-{account}\n");
    format!("{before}{}", bucket.replacen("Properties:\n", &properties, 1))
}

/// What came of a run whose points are right.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) summary: serde_json::Value,
    pub(super) course: Course,
    /// What the pipeline's own metrics add up to, by counter.
    pub(super) counters: Vec<(String, f64)>,
    /// What the shards' logs keep as rejected.
    pub(super) rejected: Rejected,
    pub(super) answers: Answers,
}

impl Judged {
    /// What the meter saw of an operation, or of all.
    pub(super) fn amount(&self, operation: &str, unit: &str) -> u64 {
        amount(&self.summary, operation, unit)
    }

    /// How often a function was invoked.
    pub(super) fn invocations(&self, name: &str) -> u64 {
        let mut functions = self.summary["functions"].as_array().into_iter().flatten();
        let found = functions.find(|function| function["function"] == name);
        found.and_then(|function| function["invocations"].as_u64()).unwrap_or_default()
    }
}

fn amount(summary: &serde_json::Value, operation: &str, unit: &str) -> u64 {
    let rows = summary["bill"]["rows"].as_array().into_iter().flatten();
    let rows = rows.filter(|row| {
        row["unit"] == unit && (operation.is_empty() || row["operation"] == operation)
    });
    rows.filter_map(|row| row["amount"].as_u64()).sum()
}

/// Prints what the run took.
fn tell(summary: &serde_json::Value, answers: &Answers, begun: Timestamp) {
    let amount = |operation: &str, unit: &str| amount(summary, operation, unit);
    let seconds = (stack::now().as_millis() - begun.as_millis()) / 1_000;
    let mut text = format!(
        "{} records, {} cells, {seconds} s; {} write units, {} half read units, {} calls of PutMetricData\n",
        answers.counters["received"],
        answers.table.len(),
        amount("", "write units"),
        amount("", "half read units"),
        amount("PutMetricData", "calls"),
    );
    let functions = summary["functions"].as_array().into_iter().flatten().map(|function| {
        let (name, count, errors) =
            (&function["function"], &function["invocations"], &function["errors"]);
        format!("  {name}: {count} invocations, {errors} errors\n")
    });
    text.extend(functions);
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}
