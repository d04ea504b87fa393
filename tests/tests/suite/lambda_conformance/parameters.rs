//! What a template may say of a mapping from a stream: AWS's defaults and ranges, and what is refused.

use std::time::Duration;
use streamgauge_lambda::stack::KinesisMapping;
use streamgauge_lambda::stream::Start;
use streamgauge_lambda::template::{Settings, read};

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}
  Probe:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: build/
      Runtime: provided.al2023
      Events:
        Orders:
          Type: Kinesis
          Properties: {Stream: !GetAtt Orders.Arn, PROPERTIES}
";

/// The mapping with these properties, or all problems.
fn mapping(properties: &str) -> Result<KinesisMapping, String> {
    let text = TEMPLATE.replace("PROPERTIES", properties);
    match read(&text, &Settings::default(), &|path| path.ends_with("bootstrap")) {
        Ok(mut template) => Ok(template.stack.kinesis.remove(0)),
        Err(problems) => {
            let problems = problems.iter().map(ToString::to_string);
            Err(problems.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// Asserts that a property is refused, and why.
#[track_caller]
fn refused(property: &str, expect: &str) {
    let problem = mapping(&format!("StartingPosition: LATEST, {property}")).unwrap_err();
    assert!(problem.contains(expect), "{problem}");
}

fn accepted(property: &str) -> KinesisMapping {
    mapping(&format!("StartingPosition: LATEST, {property}")).unwrap()
}

#[test]
fn defaults_are_those_of_aws() {
    let mapping = mapping("StartingPosition: TRIM_HORIZON").unwrap();
    assert_eq!(mapping.start, Start::TrimHorizon);
    assert_eq!(mapping.batch_records_max, 100);
    assert_eq!(mapping.batching_window, Duration::ZERO);
    assert_eq!(mapping.parallelization_factor, 1);
    assert_eq!(mapping.retry_attempts_max, None);
    assert_eq!(mapping.record_age_max, None);
    assert!(!mapping.bisect && !mapping.report_item_failures);
    assert_eq!(mapping.on_failure, None);
}

#[test]
fn the_ends_of_each_range_are_taken() {
    let low = accepted(
        "BatchSize: 1, MaximumBatchingWindowInSeconds: 0, ParallelizationFactor: 1, MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1",
    );
    assert_eq!((low.retry_attempts_max, low.record_age_max), (None, None));
    let high = accepted(
        "BatchSize: 10000, MaximumBatchingWindowInSeconds: 300, ParallelizationFactor: 10, MaximumRetryAttempts: 10000, MaximumRecordAgeInSeconds: 604800",
    );
    assert_eq!(high.batch_records_max, 10_000);
    assert_eq!(high.batching_window, Duration::from_mins(5));
    assert_eq!(high.parallelization_factor, 10);
    assert_eq!(high.retry_attempts_max, Some(10_000));
    assert_eq!(high.record_age_max, Some(Duration::from_hours(7 * 24)));
}

#[test]
fn what_is_out_of_range_is_refused() {
    for property in [
        "BatchSize: 0",
        "BatchSize: 10001",
        "MaximumBatchingWindowInSeconds: 301",
        "ParallelizationFactor: 0",
        "ParallelizationFactor: 11",
        "MaximumRetryAttempts: -2",
        "MaximumRetryAttempts: 10001",
        "MaximumRecordAgeInSeconds: -2",
        "MaximumRecordAgeInSeconds: 604801",
    ] {
        let name = property.split(':').next().unwrap();
        refused(property, &format!("`{name}`"));
    }
}

#[test]
fn starting_positions_are_those_of_aws() {
    let moment = "StartingPosition: AT_TIMESTAMP, StartingPositionTimestamp: 1767607200";
    let start = Start::AtTimestamp("2026-01-05T10:00:00Z".parse().unwrap());
    assert_eq!(mapping(moment).unwrap().start, start);
    assert_eq!(mapping("StartingPosition: LATEST").unwrap().start, Start::Latest);
    let other = mapping("StartingPosition: AT_SEQUENCE_NUMBER").unwrap_err();
    assert!(other.contains("`AT_SEQUENCE_NUMBER` is no starting position"), "{other}");
    assert!(mapping("BatchSize: 1").unwrap_err().contains("StartingPosition"));
}

#[test]
fn tumbling_windows_are_refused_with_a_reason_and_a_remedy() {
    refused("TumblingWindowInSeconds: 60", "tumbling windows are not simulated: AWS does not say");
    refused("TumblingWindowInSeconds: 60", "keep windows in the function's own store");
    assert_eq!(accepted("TumblingWindowInSeconds: 0").batch_records_max, 100);
}

#[test]
fn filters_are_refused() {
    refused("FilterCriteria: {Filters: [{Pattern: '{}'}]}", "FilterCriteria");
}
