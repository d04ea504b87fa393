//! Event source mappings: SAM's events of type `Kinesis` and `SQS`, and `AWS::Lambda::EventSourceMapping`. Ranges:
//! <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>.

mod tables;

use super::destination::{self, is_fifo};
use super::evaluate::Evaluator;
use super::fields::Fields;
use super::function::{name_in, seconds, unknown};
use super::problem::{Place, shown};
use super::resource::Resource;
use super::tree::Node;
use crate::arn::Arn;
use crate::stack::{Function, KinesisMapping, SqsMapping};
use crate::stream::Start;
use crate::uuid::uuid;
use jiff::Timestamp;
use md5::{Digest, Md5};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The range of `BatchSize`; of this and the following:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>.
const BATCH: RangeInclusive<i64> = 1..=10_000;
/// The range of `MaximumBatchingWindowInSeconds`.
const WINDOW_SECONDS: RangeInclusive<i64> = 0..=300;
/// The range of `ParallelizationFactor`.
const PARALLEL: RangeInclusive<i64> = 1..=10;
/// The range of `MaximumRetryAttempts`; -1: without end.
const RETRIES: RangeInclusive<i64> = -1..=10_000;
/// The range of `MaximumRecordAgeInSeconds`; -1: as long as the stream keeps records.
const AGE_SECONDS: RangeInclusive<i64> = -1..=604_800;
/// The shortest age beside -1.
const AGE_SECONDS_MIN: i64 = 60;
/// The range of `TumblingWindowInSeconds`.
const TUMBLING_SECONDS: RangeInclusive<i64> = 0..=900;
/// The largest batch of messages without a batching window.
const BATCH_MESSAGES_WITHOUT_WINDOW_MAX: i64 = 10;
/// The range of `MaximumConcurrency`: <https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html>.
const CONCURRENCY: RangeInclusive<i64> = 2..=1_000;
/// Records of a batch where the template does not say.
const BATCH_RECORDS: i64 = 100;
/// Messages of a batch where the template does not say.
const BATCH_MESSAGES: i64 = 10;

/// A mapping; the place is that of its source.
pub(super) enum Mapping {
    Kinesis(KinesisMapping),
    Sqs(SqsMapping, Place),
}

/// An event of type `Kinesis`; none after a problem or if it is switched off.
pub(super) fn kinesis_event<'t>(
    evaluator: &mut Evaluator<'t>,
    (place, node): (Place, &'t Node),
    names: (&Function, &str),
) -> Option<Mapping> {
    let fields = Fields::read(evaluator, "a Kinesis event", place, node, tables::KINESIS_EVENT)?;
    kinesis(evaluator, &fields, "Stream", names).map(Mapping::Kinesis)
}

/// An event of type `SQS`; none after a problem or if it is switched off.
pub(super) fn sqs_event<'t>(
    evaluator: &mut Evaluator<'t>,
    (place, node): (Place, &'t Node),
    names: (&Function, &str),
) -> Option<Mapping> {
    let fields = Fields::read(evaluator, "an SQS event", place, node, tables::SQS_EVENT)?;
    let queue_place = fields.place("Queue");
    sqs(evaluator, &fields, "Queue", names).map(|mapping| Mapping::Sqs(mapping, queue_place))
}

/// A mapping that is a resource of its own; none after a problem or if it is switched off.
pub(super) fn resource<'t>(
    evaluator: &mut Evaluator<'t>,
    resource: &'t Resource,
    functions: &[Function],
) -> Option<Mapping> {
    let what = "an AWS::Lambda::EventSourceMapping";
    let (place, node) = (resource.place, &resource.properties);
    let fields = Fields::read(evaluator, what, place, node, tables::RESOURCE)?;
    let source = fields.required(evaluator, "EventSourceArn")?;
    let named = fields.required(evaluator, "FunctionName")?;
    let Some(function) = functions.iter().find(|function| *function.name == *name_in(&named))
    else {
        unknown(evaluator, fields.place("FunctionName"), &named);
        return None;
    };
    let names = (function, resource.id.as_str());
    let source_place = fields.place("EventSourceArn");
    match Arn::new(&source).service() {
        "kinesis" => {
            fields.refuse(evaluator, &tables::QUEUES_ONLY, "a mapping from a stream");
            kinesis(evaluator, &fields, "EventSourceArn", names).map(Mapping::Kinesis)
        }
        "sqs" => {
            fields.refuse(evaluator, &tables::STREAMS_ONLY, "a mapping from a queue");
            sqs(evaluator, &fields, "EventSourceArn", names)
                .map(|mapping| Mapping::Sqs(mapping, source_place))
        }
        _ => {
            let message = format!("`{}` is neither a stream nor a queue", shown(&source));
            let remedy = "only Kinesis streams and SQS queues are simulated: `!GetAtt Stream.Arn`";
            evaluator.problem(source_place, message, remedy);
            None
        }
    }
}

fn kinesis<'t>(
    evaluator: &mut Evaluator<'t>,
    fields: &Fields<'t>,
    source: &str,
    (function, event): (&Function, &str),
) -> Option<KinesisMapping> {
    let stream = stream(evaluator, fields, source);
    let start = start(evaluator, fields);
    let batch = fields.number(evaluator, "BatchSize", BATCH).unwrap_or(BATCH_RECORDS);
    let window = fields.number(evaluator, "MaximumBatchingWindowInSeconds", WINDOW_SECONDS);
    let parallel = fields.number(evaluator, "ParallelizationFactor", PARALLEL).unwrap_or(1);
    let retries = fields.number(evaluator, "MaximumRetryAttempts", RETRIES);
    let age = record_age(evaluator, fields);
    let bisect = fields.truth(evaluator, "BisectBatchOnFunctionError").unwrap_or_default();
    let report_item_failures = response_types(evaluator, fields);
    let on_failure = destination::read(evaluator, fields);
    refuse_tumbling(evaluator, fields);
    let is_on = is_on(evaluator, fields, (function, event));
    let (stream, start) = (stream?, start?);
    let name: Arc<str> = format!("{}/{event}", function.name).into();
    let mapping = KinesisMapping {
        uuid: mapping_uuid(&name, &stream),
        name,
        function: Arc::clone(&function.name),
        stream,
        start,
        batch_records_max: usize::try_from(batch).ok()?,
        batching_window: seconds(window.unwrap_or_default()),
        parallelization_factor: usize::try_from(parallel).ok()?,
        // -1 is none.
        retry_attempts_max: retries.and_then(|number| u32::try_from(number).ok()),
        record_age_max: age.filter(|number| *number > 0).map(seconds),
        bisect,
        report_item_failures,
        on_failure,
    };
    is_on.then_some(mapping)
}

fn sqs<'t>(
    evaluator: &mut Evaluator<'t>,
    fields: &Fields<'t>,
    source: &str,
    (function, event): (&Function, &str),
) -> Option<SqsMapping> {
    let queue = queue(evaluator, fields, source);
    let batch = fields.number(evaluator, "BatchSize", BATCH).unwrap_or(BATCH_MESSAGES);
    let window =
        fields.number(evaluator, "MaximumBatchingWindowInSeconds", WINDOW_SECONDS).unwrap_or(0);
    if batch > BATCH_MESSAGES_WITHOUT_WINDOW_MAX && window == 0 {
        let message = format!("a batch of {batch} messages needs a batching window");
        let remedy =
            "add `MaximumBatchingWindowInSeconds` of at least 1, or take at most 10 messages";
        evaluator.problem(fields.place("BatchSize"), message, remedy);
    }
    let report_item_failures = response_types(evaluator, fields);
    let scaling = fields.within(evaluator, "ScalingConfig", "a ScalingConfig", tables::SCALING);
    let concurrency =
        scaling.and_then(|scaling| scaling.number(evaluator, "MaximumConcurrency", CONCURRENCY));
    let is_on = is_on(evaluator, fields, (function, event));
    let mapping = SqsMapping {
        name: format!("{}/{event}", function.name).into(),
        function: Arc::clone(&function.name),
        queue: queue?,
        batch_messages_max: usize::try_from(batch).ok()?,
        batching_window: seconds(window),
        concurrency_max: concurrency.and_then(|number| usize::try_from(number).ok()),
        report_item_failures,
    };
    is_on.then_some(mapping)
}

fn stream<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>, source: &str) -> Option<Arn> {
    let arn = Arn::new(&fields.required(evaluator, source)?);
    let place = fields.place(source);
    let resource = arn.as_str().split(':').nth(5).unwrap_or_default();
    if arn.service() != "kinesis" || !resource.starts_with("stream/") {
        let message = format!("`{}` is no ARN of a stream", shown(arn.as_str()));
        evaluator.problem(place, message, "write `!GetAtt Stream.Arn`");
        return None;
    }
    if resource.contains("/consumer/") {
        let message = "consumers with enhanced fan-out are not simulated";
        evaluator.problem(place, message, "name the stream itself: `!GetAtt Stream.Arn`");
        return None;
    }
    Some(arn)
}

fn queue<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>, source: &str) -> Option<Arn> {
    let arn = Arn::new(&fields.required(evaluator, source)?);
    let place = fields.place(source);
    if arn.service() != "sqs" {
        let message = format!("`{}` is no ARN of a queue", shown(arn.as_str()));
        evaluator.problem(place, message, "write `!GetAtt Queue.Arn`");
        return None;
    }
    if is_fifo(&arn) {
        let message = "FIFO queues are not simulated";
        evaluator.problem(place, message, "name a standard queue");
        return None;
    }
    Some(arn)
}

fn start<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>) -> Option<Start> {
    let timestamp = fields.text(evaluator, "StartingPositionTimestamp");
    let position = fields.required(evaluator, "StartingPosition")?;
    match (position.as_str(), timestamp) {
        ("TRIM_HORIZON", None) => Some(Start::TrimHorizon),
        ("LATEST", None) => Some(Start::Latest),
        ("AT_TIMESTAMP", Some(text)) => {
            let moment = moment(&text);
            if moment.is_none() {
                let message = format!("`{}` is no time in seconds since 1970", shown(&text));
                evaluator.problem(
                    fields.place("StartingPositionTimestamp"),
                    message,
                    "write `1767607200`",
                );
            }
            moment.map(Start::AtTimestamp)
        }
        ("AT_TIMESTAMP", None) => {
            let message = "`AT_TIMESTAMP` needs `StartingPositionTimestamp`";
            evaluator.problem(
                fields.place("StartingPosition"),
                message,
                "add it, in seconds since 1970",
            );
            None
        }
        ("TRIM_HORIZON" | "LATEST", Some(_)) => {
            let message = "`StartingPositionTimestamp` goes with `AT_TIMESTAMP` only";
            evaluator.problem(fields.place("StartingPositionTimestamp"), message, "remove it");
            None
        }
        (other, _) => {
            let message = format!("`{}` is no starting position", shown(other));
            let remedy = "write TRIM_HORIZON, LATEST or AT_TIMESTAMP";
            evaluator.problem(fields.place("StartingPosition"), message, remedy);
            None
        }
    }
}

/// Seconds since 1970, with or without a fraction, which is kept to the millisecond.
fn moment(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || fraction.is_empty() {
        return None;
    }
    let milliseconds: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole = whole.parse::<i64>().ok().filter(|whole| *whole >= 0)?;
    let milliseconds = whole.checked_mul(1000)?.checked_add(milliseconds.parse().ok()?)?;
    Timestamp::from_millisecond(milliseconds).ok()
}

/// `MaximumRecordAgeInSeconds`: -1, or 60 to 604,800. The API's model has all numbers from -1, its text does not allow 0 to 59.
fn record_age<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>) -> Option<i64> {
    let name = "MaximumRecordAgeInSeconds";
    let age = fields.number(evaluator, name, AGE_SECONDS)?;
    if (0..AGE_SECONDS_MIN).contains(&age) {
        let message = format!("`{name}` is -1 or from 60 to 604800, and this is `{age}`");
        evaluator.problem(fields.place(name), message, "write -1 for no limit");
        return None;
    }
    Some(age)
}

fn response_types<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>) -> bool {
    let types = fields.texts(evaluator, "FunctionResponseTypes").unwrap_or_default();
    for other in types.iter().filter(|name| *name != "ReportBatchItemFailures") {
        let message = format!("`{}` is no response type", shown(other));
        evaluator.problem(
            fields.place("FunctionResponseTypes"),
            message,
            "write `[ReportBatchItemFailures]`",
        );
    }
    !types.is_empty()
}

fn refuse_tumbling<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>) {
    let name = "TumblingWindowInSeconds";
    if fields.number(evaluator, name, TUMBLING_SECONDS).is_some_and(|number| number > 0) {
        let message = "tumbling windows are not simulated: AWS does not say when a quiet shard's window closes, nor how they go with parallel batches";
        let remedy =
            "keep windows in the function's own store by event time, and remove the property";
        evaluator.problem(fields.place(name), message, remedy);
    }
}

/// Whether a mapping is to be driven.
fn is_on<'t>(
    evaluator: &mut Evaluator<'t>,
    fields: &Fields<'t>,
    (function, event): (&Function, &str),
) -> bool {
    let is_on = fields.truth(evaluator, "Enabled").unwrap_or(true);
    if !is_on {
        let note =
            format!("`{}/{}` is not driven, as it is not enabled", function.name, shown(event));
        evaluator.problems.note(fields.place("Enabled"), note);
    }
    is_on
}

/// The same UUID for the same mapping in each run.
fn mapping_uuid(name: &str, stream: &Arn) -> String {
    let digest = Md5::new().chain_update(name).chain_update("\0").chain_update(stream.as_str());
    uuid(u128::from_be_bytes(digest.finalize().into()))
}
