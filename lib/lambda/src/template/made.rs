//! Streams, queues and buckets that the template makes.

use super::evaluate::Evaluator;
use super::fields::Use::{Harmless, Read};
use super::fields::{Fields, Table};
use super::function::seconds;
use super::problem::shown;
use super::resource::Resource;
use crate::arn::Arn;
use crate::stack::{QueueResource, StreamResource};
use std::time::Duration;

/// Shards of an on-demand stream at its beginning:
/// <https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html>.
pub const ON_DEMAND_SHARDS: usize = 4;
/// Shards of a stream whose template says neither mode nor number. AWS does not say what it makes of that.
const SHARDS: i64 = 1;
/// The most shards of one stream here; AWS's quota is larger in some regions.
const SHARDS_MAX: i64 = 10_000;
/// How long a stream keeps records where the template does not say, in hours.
const RETENTION_HOURS: i64 = 24;

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kinesis-stream.html>
const STREAM: &Table = &[
    ("DesiredShardLevelMetrics", Harmless),
    ("MaxRecordSizeInKiB", Harmless),
    ("Name", Read),
    ("RetentionPeriodHours", Read),
    ("ShardCount", Read),
    ("StreamEncryption", Harmless),
    ("StreamModeDetails", Read),
    ("Tags", Harmless),
    ("WarmThroughputMiBps", Harmless),
];

const MODE: &Table = &[("StreamMode", Read)];

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html>
const QUEUE: &Table = &[
    ("ContentBasedDeduplication", Harmless),
    ("DeduplicationScope", Harmless),
    ("DelaySeconds", Read),
    ("FifoQueue", Read),
    ("FifoThroughputLimit", Harmless),
    ("KmsDataKeyReusePeriodSeconds", Harmless),
    ("KmsMasterKeyId", Harmless),
    ("MaximumMessageSize", Harmless),
    ("MessageRetentionPeriod", Read),
    ("QueueName", Read),
    ("ReceiveMessageWaitTimeSeconds", Harmless),
    ("RedriveAllowPolicy", Harmless),
    ("RedrivePolicy", Read),
    ("SqsManagedSseEnabled", Harmless),
    ("Tags", Harmless),
    ("VisibilityTimeout", Read),
];

const REDRIVE: &Table = &[("deadLetterTargetArn", Read), ("maxReceiveCount", Read)];

/// Reads a stream; none after a problem.
pub(super) fn stream<'t>(
    evaluator: &mut Evaluator<'t>,
    resource: &'t Resource,
) -> Option<StreamResource> {
    let what = "an AWS::Kinesis::Stream";
    let fields = Fields::read(evaluator, what, resource.place, &resource.properties, STREAM)?;
    let name = evaluator.name_of(resource.place, &resource.id)?;
    let hours = fields.number(evaluator, "RetentionPeriodHours", 24..=8_760);
    let count = fields.number(evaluator, "ShardCount", 1..=SHARDS_MAX);
    let mode = fields
        .within(evaluator, "StreamModeDetails", "StreamModeDetails", MODE)
        .and_then(|fields| fields.text(evaluator, "StreamMode"));
    let shards = match mode.as_deref() {
        Some("ON_DEMAND") => {
            if count.is_some() {
                let message = "an on-demand stream has no `ShardCount`";
                evaluator.problem(fields.place("ShardCount"), message, "remove it");
            }
            ON_DEMAND_SHARDS
        }
        Some("PROVISIONED") | None => usize::try_from(count.unwrap_or(SHARDS)).ok()?,
        Some(other) => {
            let message = format!("`{}` is no mode of a stream", shown(other));
            evaluator.problem(
                fields.place("StreamModeDetails"),
                message,
                "write ON_DEMAND or PROVISIONED",
            );
            return None;
        }
    };
    let hours = u64::try_from(hours.unwrap_or(RETENTION_HOURS)).unwrap_or_default();
    Some(StreamResource { name, shards, retention: Duration::from_hours(hours) })
}

/// Reads a queue; none after a problem, or for a FIFO queue, which is not made.
pub(super) fn queue<'t>(
    evaluator: &mut Evaluator<'t>,
    resource: &'t Resource,
) -> Option<QueueResource> {
    let what = "an AWS::SQS::Queue";
    let fields = Fields::read(evaluator, what, resource.place, &resource.properties, QUEUE)?;
    let name = evaluator.name_of(resource.place, &resource.id)?;
    let visibility = fields.number(evaluator, "VisibilityTimeout", 0..=43_200).unwrap_or(30);
    let delay = fields.number(evaluator, "DelaySeconds", 0..=900).unwrap_or(0);
    let retention =
        fields.number(evaluator, "MessageRetentionPeriod", 60..=1_209_600).unwrap_or(345_600);
    let redrive = redrive(evaluator, &fields);
    if fields.truth(evaluator, "FifoQueue") == Some(true) {
        let note = format!("the FIFO queue `{}` is not made in this process", shown(&name));
        evaluator.problems.note(fields.place("FifoQueue"), note);
        return None;
    }
    Some(QueueResource {
        name,
        visibility: seconds(visibility),
        delay: seconds(delay),
        retention: seconds(retention),
        redrive,
    })
}

fn redrive<'t>(evaluator: &mut Evaluator<'t>, fields: &Fields<'t>) -> Option<(Arn, u32)> {
    let fields = fields.within(evaluator, "RedrivePolicy", "a RedrivePolicy", REDRIVE)?;
    let target = fields.required(evaluator, "deadLetterTargetArn");
    let count = fields.required(evaluator, "maxReceiveCount");
    let count = count.and_then(|_| fields.number(evaluator, "maxReceiveCount", 1..=1_000));
    Some((Arn::new(&target?), u32::try_from(count?).ok()?))
}
