//! Mappings from streams and queues.

use super::{check, function, right};
use crate::arn::Arn;
use crate::stack::{Destination, KinesisMapping, SqsMapping};
use crate::stream::Start;
use std::time::Duration;

const SOURCES: &str = "  Orders: {Type: AWS::Kinesis::Stream}\n  Wake: {Type: AWS::SQS::Queue}\n  Lost: {Type: AWS::S3::Bucket}\n";

/// A template with one Kinesis event; line 8 has its properties, from column 49 on.
fn kinesis(properties: &str) -> String {
    let event = "      Events: {E: {Type: Kinesis, Properties: {";
    function(&format!("{event}Stream: !GetAtt Orders.Arn, {properties}}}}}}}\n{SOURCES}"))
}

fn sqs(properties: &str) -> String {
    let event = "      Events: {E: {Type: SQS, Properties: {";
    function(&format!("{event}Queue: !GetAtt Wake.Arn{properties}}}}}}}\n{SOURCES}"))
}

/// The problems of a Kinesis event that has a starting position; they are all in line 8.
#[track_caller]
fn check_kinesis(properties: &str, expect: &str) {
    check(&kinesis(&format!("StartingPosition: LATEST, {properties}")), &[expect]);
}

#[track_caller]
fn check_sqs(properties: &str, expect: &str) {
    check(&sqs(&format!(", {properties}")), &[expect]);
}

#[test]
fn a_mapping_from_a_stream_has_aws_defaults() {
    let mapping = right(&kinesis("StartingPosition: TRIM_HORIZON")).stack.kinesis.remove(0);
    let expect = KinesisMapping {
        name: "Count/E".into(),
        uuid: mapping.uuid.clone(),
        function: "Count".into(),
        stream: Arn::stream("us-east-1", "000000000000", "Orders"),
        start: Start::TrimHorizon,
        batch_records_max: 100,
        batching_window: Duration::ZERO,
        parallelization_factor: 1,
        retry_attempts_max: None,
        record_age_max: None,
        bisect: false,
        report_item_failures: false,
        on_failure: None,
    };
    assert_eq!(mapping, expect);
    assert_eq!(mapping.uuid.len(), 36);
    let again = right(&kinesis("StartingPosition: LATEST")).stack.kinesis.remove(0);
    assert_eq!((again.start, again.uuid), (Start::Latest, mapping.uuid));
}

#[test]
fn all_settings_of_a_mapping_from_a_stream_are_read() {
    let text = kinesis(
        "StartingPosition: AT_TIMESTAMP, StartingPositionTimestamp: 1767607200.25, BatchSize: 10000, MaximumBatchingWindowInSeconds: 300, ParallelizationFactor: 10, MaximumRetryAttempts: 0, MaximumRecordAgeInSeconds: 60, BisectBatchOnFunctionError: true, FunctionResponseTypes: [ReportBatchItemFailures], DestinationConfig: {OnFailure: {Destination: !GetAtt Lost.Arn}}, Enabled: true, Tags: {a: b}, KmsKeyArn: !ImportValue x, MetricsConfig: {}, TumblingWindowInSeconds: 0",
    );
    let mapping = right(&text).stack.kinesis.remove(0);
    let moment = "2026-01-05T10:00:00.25Z".parse().unwrap();
    assert_eq!(mapping.start, Start::AtTimestamp(moment));
    assert_eq!((mapping.batch_records_max, mapping.parallelization_factor), (10_000, 10));
    assert_eq!(mapping.batching_window, Duration::from_mins(5));
    assert_eq!(
        (mapping.retry_attempts_max, mapping.record_age_max),
        (Some(0), Some(Duration::from_mins(1)))
    );
    assert!(mapping.bisect && mapping.report_item_failures);
    assert_eq!(mapping.on_failure, Some(Destination::Bucket("lost".to_owned())));
}

#[test]
fn minus_one_is_no_limit() {
    let text = kinesis(
        "StartingPosition: LATEST, MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1",
    );
    let mapping = right(&text).stack.kinesis.remove(0);
    assert_eq!((mapping.retry_attempts_max, mapping.record_age_max), (None, None));
}

#[test]
fn numbers_of_a_mapping_have_ranges() {
    check_kinesis(
        "BatchSize: 0",
        "8:113: `BatchSize` is a whole number from 1 to 10000, and this is `0`; AWS takes no other",
    );
    check_kinesis(
        "BatchSize: 10001",
        "8:113: `BatchSize` is a whole number from 1 to 10000, and this is `10001`; AWS takes no other",
    );
    check_kinesis(
        "MaximumBatchingWindowInSeconds: 301",
        "8:134: `MaximumBatchingWindowInSeconds` is a whole number from 0 to 300, and this is `301`; AWS takes no other",
    );
    check_kinesis(
        "ParallelizationFactor: 11",
        "8:125: `ParallelizationFactor` is a whole number from 1 to 10, and this is `11`; AWS takes no other",
    );
    check_kinesis(
        "MaximumRetryAttempts: -2",
        "8:124: `MaximumRetryAttempts` is a whole number from -1 to 10000, and this is `-2`; AWS takes no other",
    );
    check_kinesis(
        "MaximumRecordAgeInSeconds: 59",
        "8:129: `MaximumRecordAgeInSeconds` is -1 or from 60 to 604800, and this is `59`; write -1 for no limit",
    );
    check_kinesis(
        "MaximumRecordAgeInSeconds: 604801",
        "8:129: `MaximumRecordAgeInSeconds` is a whole number from -1 to 604800, and this is `604801`; AWS takes no other",
    );
    check_kinesis(
        "BisectBatchOnFunctionError: 1",
        "8:130: `BisectBatchOnFunctionError` is `true` or `false`, and this is `1`; write `true` or `false`",
    );
    check_kinesis(
        "FunctionResponseTypes: [ReportItems]",
        "8:125: `ReportItems` is no response type; write `[ReportBatchItemFailures]`",
    );
}

#[test]
fn what_is_not_simulated_is_refused() {
    check_kinesis(
        "TumblingWindowInSeconds: 60",
        "8:127: tumbling windows are not simulated: AWS does not say when a quiet shard's window closes, nor how they go with parallel batches; keep windows in the function's own store by event time, and remove the property",
    );
    check_kinesis(
        "FilterCriteria: {Filters: []}",
        "8:102: `FilterCriteria` are not simulated; filter in the function, or put them behind a condition",
    );
    check_kinesis(
        "BatchSizes: 7",
        "8:102: a Kinesis event has no property `BatchSizes`; did you mean `BatchSize`?",
    );
    check_kinesis(
        "DestinationConfig: {OnFailure: {Destination: 'arn:aws:sns:us-east-1:000000000000:t'}}",
        "8:147: destinations in sns are not simulated; name the ARN of an SQS queue or of an S3 bucket",
    );
    check_kinesis(
        "DestinationConfig: {OnFailure: {Destination: 'arn:aws:sqs:us-east-1:000000000000:t.fifo'}}",
        "8:147: a FIFO queue is no destination for failures; name a standard queue",
    );
    check_kinesis(
        "DestinationConfig: {OnFailure: {Destination: queue}}",
        "8:147: `queue` is no ARN of a destination; name the ARN of an SQS queue or of an S3 bucket: `!GetAtt Queue.Arn`",
    );
    check_kinesis(
        "DestinationConfig: {OnFailure: {Type: SQS}}",
        "8:122: a destination has no `Destination`; add `Destination`",
    );
    let consumer = kinesis("StartingPosition: LATEST")
        .replace("!GetAtt Orders.Arn", "arn:aws:kinesis:us-east-1:0:stream/a/consumer/b:1");
    check(
        &consumer,
        &[
            "8:56: consumers with enhanced fan-out are not simulated; name the stream itself: `!GetAtt Stream.Arn`",
        ],
    );
    check(
        &kinesis("StartingPosition: LATEST").replace("!GetAtt Orders.Arn", "!Ref Orders"),
        &["8:56: `Orders` is no ARN of a stream; write `!GetAtt Stream.Arn`"],
    );
}

#[test]
fn a_starting_position_is_one_of_three() {
    check(
        &kinesis(""),
        &["8:16: a Kinesis event has no `StartingPosition`; add `StartingPosition`"],
    );
    check(
        &kinesis("StartingPosition: NEWEST"),
        &["8:94: `NEWEST` is no starting position; write TRIM_HORIZON, LATEST or AT_TIMESTAMP"],
    );
    check(
        &kinesis("StartingPosition: AT_TIMESTAMP"),
        &["8:94: `AT_TIMESTAMP` needs `StartingPositionTimestamp`; add it, in seconds since 1970"],
    );
    check_kinesis(
        "StartingPositionTimestamp: 1",
        "8:129: `StartingPositionTimestamp` goes with `AT_TIMESTAMP` only; remove it",
    );
    check(
        &kinesis("StartingPosition: AT_TIMESTAMP, StartingPositionTimestamp: now"),
        &["8:135: `now` is no time in seconds since 1970; write `1767607200`"],
    );
}

#[test]
fn all_settings_of_a_mapping_from_a_queue_are_read() {
    let mapping = right(&sqs("")).stack.sqs.remove(0);
    let usual = SqsMapping {
        name: "Count/E".into(),
        function: "Count".into(),
        queue: Arn::queue("us-east-1", "000000000000", "Wake"),
        batch_messages_max: 10,
        batching_window: Duration::ZERO,
        concurrency_max: None,
        report_item_failures: false,
    };
    assert_eq!(mapping, usual);
    let text = sqs(
        ", BatchSize: 11, MaximumBatchingWindowInSeconds: 1, ScalingConfig: {MaximumConcurrency: 2}, FunctionResponseTypes: [ReportBatchItemFailures]",
    );
    let expect = SqsMapping {
        batch_messages_max: 11,
        batching_window: Duration::from_secs(1),
        concurrency_max: Some(2),
        report_item_failures: true,
        ..usual
    };
    assert_eq!(right(&text).stack.sqs, [expect]);
}

#[test]
fn what_aws_refuses_of_queues_is_refused() {
    check_sqs(
        "BatchSize: 11",
        "8:80: a batch of 11 messages needs a batching window; add `MaximumBatchingWindowInSeconds` of at least 1, or take at most 10 messages",
    );
    check_sqs(
        "ScalingConfig: {MaximumConcurrency: 1}",
        "8:105: `MaximumConcurrency` is a whole number from 2 to 1000, and this is `1`; AWS takes no other",
    );
    check_sqs(
        "ProvisionedPollerConfig: {}",
        "8:69: `ProvisionedPollerConfig` is not simulated; remove it, or put it behind a condition",
    );
    check_sqs(
        "FilterCriteria: {}",
        "8:69: `FilterCriteria` are not simulated; filter in the function, or put them behind a condition",
    );
    check_sqs(
        "StartingPosition: LATEST",
        "8:69: an SQS event has no property `StartingPosition`; known here: `BatchSize`, `Enabled`, `FilterCriteria`, `FunctionResponseTypes`, `KmsKeyArn`, `MaximumBatchingWindowInSeconds`, `MetricsConfig`, `ProvisionedPollerConfig`, `Queue`, `ScalingConfig`, `Tags`",
    );
    check(
        &sqs("").replace("Queue}", "Queue, Properties: {FifoQueue: true}}"),
        &["8:51: FIFO queues are not simulated; name a standard queue"],
    );
    check(
        &sqs("").replace("Runtime: provided.al2023", "Runtime: provided.al2023\n      Timeout: 31"),
        &[
            "9:51: the queue `Wake` hides messages for 30 s, and the function `Count` may run for 31 s; make `VisibilityTimeout` at least the function's `Timeout`; AWS advises six times",
        ],
    );
}

#[test]
fn a_mapping_that_is_not_enabled_is_noted() {
    let template = right(&kinesis("StartingPosition: LATEST, Enabled: false"));
    assert!(template.stack.kinesis.is_empty());
    assert_eq!(template.notes[0].text, "`Count/E` is not driven, as it is not enabled");
}

/// A template with a mapping that is a resource of its own.
fn resource(properties: &str) -> String {
    function(SOURCES)
        + &format!(
            "  Map: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{{properties}}}}}\n"
        )
}

#[test]
fn mappings_that_are_resources_are_read_alike() {
    let text = resource(
        "FunctionName: !Ref Count, EventSourceArn: !GetAtt Orders.Arn, StartingPosition: LATEST, BatchSize: 7",
    );
    let mapping = right(&text).stack.kinesis.remove(0);
    assert_eq!((&*mapping.name, mapping.batch_records_max), ("Count/Map", 7));
    let second =
        resource("FunctionName: !GetAtt Count.Arn, EventSourceArn: !GetAtt Wake.Arn, BatchSize: 7");
    let queue = right(&second).stack.sqs.remove(0);
    assert_eq!((&*queue.name, queue.batch_messages_max), ("Count/Map", 7));
}

#[test]
fn mappings_that_are_resources_have_the_properties_of_their_source() {
    check(
        &resource(
            "FunctionName: !Ref Count, EventSourceArn: !GetAtt Wake.Arn, StartingPosition: LATEST",
        ),
        &["11:121: a mapping from a queue has no property `StartingPosition`; remove it"],
    );
    check(
        &resource(
            "FunctionName: !Ref Count, EventSourceArn: !GetAtt Orders.Arn, StartingPosition: LATEST, ScalingConfig: {MaximumConcurrency: 2}",
        ),
        &["11:149: a mapping from a stream has no property `ScalingConfig`; remove it"],
    );
    check(
        &resource("FunctionName: other, EventSourceArn: !GetAtt Wake.Arn"),
        &["11:75: the function `other` is not one of this template; name a function with `!Ref`"],
    );
    check(
        &resource(
            "FunctionName: !Ref Count, EventSourceArn: 'arn:aws:dynamodb:us-east-1:0:table/t/stream/s'",
        ),
        &[
            "11:103: `arn:aws:dynamodb:us-east-1:0:table/t/stream/s` is neither a stream nor a queue; only Kinesis streams and SQS queues are simulated: `!GetAtt Stream.Arn`",
        ],
    );
    check(
        &resource("FunctionName: !Ref Count, EventSourceArn: !GetAtt Wake.Arn, Topics: [a]"),
        &[
            "11:121: only Kinesis streams and SQS queues are simulated; remove the mapping, or put it behind a condition",
        ],
    );
}
