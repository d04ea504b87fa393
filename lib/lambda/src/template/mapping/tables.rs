//! What becomes of each property of a mapping.

use crate::template::fields::Table;
use crate::template::fields::Use::{self, Harmless, Read, Refused};

const FILTER: Use = Refused(
    "`FilterCriteria` are not simulated",
    "filter in the function, or put them behind a condition",
);
const POLLERS: Use = Refused(
    "`ProvisionedPollerConfig` is not simulated",
    "remove it, or put it behind a condition",
);
const NO_SOURCE: Use = Refused(
    "only Kinesis streams and SQS queues are simulated",
    "remove the mapping, or put it behind a condition",
);

/// Of SAM's event `Kinesis`:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-kinesis.html>.
pub(super) const KINESIS_EVENT: &Table = &[
    ("BatchSize", Read),
    ("BisectBatchOnFunctionError", Read),
    ("DestinationConfig", Read),
    ("Enabled", Read),
    ("FilterCriteria", FILTER),
    ("FunctionResponseTypes", Read),
    ("KmsKeyArn", Harmless),
    ("MaximumBatchingWindowInSeconds", Read),
    ("MaximumRecordAgeInSeconds", Read),
    ("MaximumRetryAttempts", Read),
    ("MetricsConfig", Harmless),
    ("ParallelizationFactor", Read),
    ("StartingPosition", Read),
    ("StartingPositionTimestamp", Read),
    ("Stream", Read),
    ("Tags", Harmless),
    ("TumblingWindowInSeconds", Read),
];

/// Of SAM's event `SQS`:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-sqs.html>.
pub(super) const SQS_EVENT: &Table = &[
    ("BatchSize", Read),
    ("Enabled", Read),
    ("FilterCriteria", FILTER),
    ("FunctionResponseTypes", Read),
    ("KmsKeyArn", Harmless),
    ("MaximumBatchingWindowInSeconds", Read),
    ("MetricsConfig", Harmless),
    ("ProvisionedPollerConfig", POLLERS),
    ("Queue", Read),
    ("ScalingConfig", Read),
    ("Tags", Harmless),
];

/// Of `ScalingConfig`.
pub(super) const SCALING: &Table = &[("MaximumConcurrency", Read)];

/// Of `AWS::Lambda::EventSourceMapping`, whatever it maps from:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html>.
pub(super) const RESOURCE: &Table = &[
    ("AmazonManagedKafkaEventSourceConfig", NO_SOURCE),
    ("BatchSize", Read),
    ("BisectBatchOnFunctionError", Read),
    ("DestinationConfig", Read),
    ("DocumentDBEventSourceConfig", NO_SOURCE),
    ("Enabled", Read),
    ("EventSourceArn", Read),
    ("FilterCriteria", FILTER),
    ("FunctionName", Read),
    ("FunctionResponseTypes", Read),
    ("KmsKeyArn", Harmless),
    ("LoggingConfig", NO_SOURCE),
    ("MaximumBatchingWindowInSeconds", Read),
    ("MaximumRecordAgeInSeconds", Read),
    ("MaximumRetryAttempts", Read),
    ("MetricsConfig", Harmless),
    ("ParallelizationFactor", Read),
    ("ProvisionedPollerConfig", POLLERS),
    ("Queues", NO_SOURCE),
    ("ScalingConfig", Read),
    ("SelfManagedEventSource", NO_SOURCE),
    ("SelfManagedKafkaEventSourceConfig", NO_SOURCE),
    ("SourceAccessConfigurations", NO_SOURCE),
    ("StartingPosition", Read),
    ("StartingPositionTimestamp", Read),
    ("Tags", Harmless),
    ("Topics", NO_SOURCE),
    ("TumblingWindowInSeconds", Read),
];

/// Properties that only mappings from streams have.
pub(super) const STREAMS_ONLY: [&str; 8] = [
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
    "StartingPositionTimestamp",
    "TumblingWindowInSeconds",
];

/// Properties that only mappings from queues have, of those that are simulated.
pub(super) const QUEUES_ONLY: [&str; 1] = ["ScalingConfig"];
