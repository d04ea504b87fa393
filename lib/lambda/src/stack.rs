//! What runs: functions, and what invokes them. [`crate::template`] reads it out of a SAM template; a test writes it down.

use crate::arn::Arn;
use crate::stream::Start;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything that a template describes and the simulator drives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stack {
    /// The functions, in the template's order.
    pub functions: Vec<Function>,
    /// Mappings from streams.
    pub kinesis: Vec<KinesisMapping>,
    /// Mappings from queues.
    pub sqs: Vec<SqsMapping>,
    /// Schedules.
    pub schedules: Vec<Schedule>,
    /// Streams that the template makes.
    pub streams: Vec<StreamResource>,
    /// Queues that the template makes.
    pub queues: Vec<QueueResource>,
    /// Buckets that the template makes, by name.
    pub buckets: Vec<String>,
}

/// One function.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: Arc<str>,
    /// Its ARN.
    pub arn: Arn,
    /// `Handler`; custom runtimes hand it to the process as `_HANDLER`.
    pub handler: String,
    /// The executable.
    pub bootstrap: PathBuf,
    /// Memory in MB: 128 to 10,240.
    pub memory_mb: u32,
    /// How long an invocation may take: at most 900 s.
    pub timeout: Duration,
    /// Its own environment variables.
    pub environment: BTreeMap<String, String>,
    /// `ReservedConcurrentExecutions`: how many invocations may run at once.
    pub concurrency_max: Option<u32>,
    /// What becomes of asynchronous invocations that fail.
    pub asynchronous: AsynchronousSettings,
}

/// How asynchronous invocations of a function are retried.
#[derive(Clone, Debug, PartialEq)]
pub struct AsynchronousSettings {
    /// Retries after the first attempt: 0 to 2.
    pub retry_attempts_max: u32,
    /// How long an event may wait: 60 s to 6 h.
    pub event_age_max: Duration,
    /// Where events that failed go.
    pub on_failure: Option<Destination>,
}

impl Default for AsynchronousSettings {
    fn default() -> Self {
        Self { retry_attempts_max: 2, event_age_max: Duration::from_hours(6), on_failure: None }
    }
}

/// Where documents about failures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An SQS queue: metadata only.
    Queue(Arn),
    /// An S3 bucket, by name: metadata and the whole invocation record.
    Bucket(String),
}

/// An event source mapping from a Kinesis stream to a function. Meanings and ranges:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct KinesisMapping {
    /// A name for people: function and event, `Aggregate/Orders`.
    pub name: Arc<str>,
    /// The mapping's UUID.
    pub uuid: String,
    /// The function.
    pub function: Arc<str>,
    /// The stream.
    pub stream: Arn,
    /// Where shards begin that have no checkpoint and no parent: trim horizon, latest or a timestamp.
    pub start: Start,
    /// `BatchSize`: 1 to 10,000.
    pub batch_records_max: usize,
    /// `MaximumBatchingWindowInSeconds`: 0 to 300 s.
    pub batching_window: Duration,
    /// `ParallelizationFactor`: 1 to 10.
    pub parallelization_factor: usize,
    /// `MaximumRetryAttempts`: none is -1, until the records expire.
    pub retry_attempts_max: Option<u32>,
    /// `MaximumRecordAgeInSeconds`: none is -1, until the records expire.
    pub record_age_max: Option<Duration>,
    /// `BisectBatchOnFunctionError`.
    pub bisect: bool,
    /// `FunctionResponseTypes: [ReportBatchItemFailures]`.
    pub report_item_failures: bool,
    /// `DestinationConfig.OnFailure`.
    pub on_failure: Option<Destination>,
}

/// An event source mapping from an SQS queue to a function.
#[derive(Clone, Debug, PartialEq)]
pub struct SqsMapping {
    /// A name for people: function and event, `Settle/WakeUps`.
    pub name: Arc<str>,
    /// The function.
    pub function: Arc<str>,
    /// The queue.
    pub queue: Arn,
    /// `BatchSize`: 1 to 10,000; more than 10 needs a batching window.
    pub batch_messages_max: usize,
    /// `MaximumBatchingWindowInSeconds`: 0 to 300 s.
    pub batching_window: Duration,
    /// `ScalingConfig.MaximumConcurrency`: 2 to 1,000.
    pub concurrency_max: Option<usize>,
    /// `FunctionResponseTypes: [ReportBatchItemFailures]`.
    pub report_item_failures: bool,
}

/// A schedule that invokes a function asynchronously.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// A name for people: function and event, `Settle/Tick`.
    pub name: Arc<str>,
    /// The function.
    pub function: Arc<str>,
    /// `rate(1 minute)`, `cron(0 12 * * ? *)` or `at(2026-01-05T10:00:00)`.
    pub expression: String,
    /// `ScheduleExpressionTimezone`; UTC without one.
    pub time_zone: Option<String>,
    /// `Input`: the event, if not the usual one.
    pub input: Option<String>,
    /// Which service: the usual event differs.
    pub kind: ScheduleKind,
    /// The ARN of the rule or schedule.
    pub arn: Arn,
}

/// Which of AWS's two services keeps a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleKind {
    /// A scheduled rule of `EventBridge` (SAM's `Schedule`).
    Rule,
    /// A schedule of `EventBridge` Scheduler (SAM's `ScheduleV2`).
    Scheduler,
}

/// A stream that a template makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamResource {
    /// Its name.
    pub name: String,
    /// `ShardCount`; an on-demand stream begins with 4.
    pub shards: usize,
    /// `RetentionPeriodHours`.
    pub retention: Duration,
}

/// A queue that a template makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueResource {
    /// Its name.
    pub name: String,
    /// `VisibilityTimeout`.
    pub visibility: Duration,
    /// `DelaySeconds`.
    pub delay: Duration,
    /// `MessageRetentionPeriod`.
    pub retention: Duration,
    /// `RedrivePolicy`: the queue for messages received more than so many times.
    pub redrive: Option<(Arn, u32)>,
}
