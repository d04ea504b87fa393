//! What becomes of each property of a function.

use crate::template::fields::Table;
use crate::template::fields::Use::{Harmless, Noted, Read, Refused};

const LAYERS: &str = "layers and extensions are not loaded";
const DEAD_LETTERS: &str = "asynchronous events that fail are not sent there; `EventInvokeConfig` with a destination is simulated";
const PROVISIONED: &str = "environments are started when they are needed";
const FILES: &str = "the file system is this machine's";
const NO_SUCH: &str = "it is not simulated, and changes how invocations run";
const REMOVE: &str = "remove it, or put it behind a condition";

/// Of `AWS::Serverless::Function`:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>.
pub(super) const SERVERLESS: &Table = &[
    ("Architectures", Read),
    ("AssumeRolePolicyDocument", Harmless),
    ("AutoPublishAlias", Harmless),
    ("AutoPublishAliasAllProperties", Harmless),
    ("AutoPublishCodeSha256", Harmless),
    (
        "CapacityProviderConfig",
        Refused(
            "`CapacityProviderConfig` is not simulated: an environment takes one invocation at a time",
            REMOVE,
        ),
    ),
    ("CodeSigningConfigArn", Harmless),
    ("CodeUri", Read),
    ("DeadLetterQueue", Noted(DEAD_LETTERS)),
    ("DeploymentPreference", Harmless),
    ("Description", Harmless),
    ("DurableConfig", Refused("durable functions are not simulated", REMOVE)),
    ("Environment", Read),
    ("EphemeralStorage", Harmless),
    ("EventInvokeConfig", Read),
    ("Events", Read),
    ("FileSystemConfigs", Noted(FILES)),
    ("FunctionName", Read),
    ("FunctionScalingConfig", Noted(NO_SUCH)),
    ("FunctionUrlConfig", Noted("there is no function URL; --listen answers the Invoke API")),
    ("Handler", Read),
    ("ImageConfig", Harmless),
    ("ImageUri", Harmless),
    (
        "InlineCode",
        Refused("there is no inline code for executables", "remove it, and give the executable"),
    ),
    ("KmsKeyArn", Harmless),
    ("Layers", Noted(LAYERS)),
    ("LoggingConfig", Harmless),
    ("MemorySize", Read),
    ("PackageType", Read),
    ("PermissionsBoundary", Harmless),
    ("Policies", Harmless),
    ("PropagateTags", Harmless),
    ("ProvisionedConcurrencyConfig", Noted(PROVISIONED)),
    ("PublishToLatestPublished", Harmless),
    ("RecursiveLoop", Harmless),
    ("ReservedConcurrentExecutions", Read),
    ("Role", Harmless),
    ("RolePath", Harmless),
    ("Runtime", Read),
    ("RuntimeManagementConfig", Harmless),
    ("SnapStart", Noted("there are no snapshots; each environment starts anew")),
    ("SourceKMSKeyArn", Harmless),
    ("Tags", Harmless),
    ("TenancyConfig", Refused("isolation by tenants is not simulated", REMOVE)),
    ("Timeout", Read),
    ("Tracing", Harmless),
    ("VersionDeletionPolicy", Harmless),
    ("VersionDescription", Harmless),
    ("VpcConfig", Harmless),
];

/// Of `AWS::Lambda::Function`:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html>.
pub(super) const PLAIN: &Table = &[
    ("Architectures", Read),
    (
        "CapacityProviderConfig",
        Refused(
            "`CapacityProviderConfig` is not simulated: an environment takes one invocation at a time",
            REMOVE,
        ),
    ),
    ("Code", Read),
    ("CodeSigningConfigArn", Harmless),
    ("DeadLetterConfig", Noted(DEAD_LETTERS)),
    ("Description", Harmless),
    ("DurableConfig", Refused("durable functions are not simulated", REMOVE)),
    ("Environment", Read),
    ("EphemeralStorage", Harmless),
    ("FileSystemConfigs", Noted(FILES)),
    ("FunctionName", Read),
    ("FunctionScalingConfig", Noted(NO_SUCH)),
    ("Handler", Read),
    ("ImageConfig", Harmless),
    ("KmsKeyArn", Harmless),
    ("Layers", Noted(LAYERS)),
    ("LoggingConfig", Harmless),
    ("MemorySize", Read),
    ("PackageType", Read),
    ("PublishToLatestPublished", Harmless),
    ("RecursiveLoop", Harmless),
    ("ReservedConcurrentExecutions", Read),
    ("Role", Harmless),
    ("Runtime", Read),
    ("RuntimeManagementConfig", Harmless),
    ("SnapStart", Noted("there are no snapshots; each environment starts anew")),
    ("Tags", Harmless),
    ("TenancyConfig", Refused("isolation by tenants is not simulated", REMOVE)),
    ("Timeout", Read),
    ("TracingConfig", Harmless),
    ("VpcConfig", Harmless),
];

/// Of `Environment`.
pub(super) const ENVIRONMENT: &Table = &[("Variables", Read)];

/// Of `EventInvokeConfig`.
pub(super) const INVOKE_CONFIG: &Table = &[
    ("DestinationConfig", Read),
    ("MaximumEventAgeInSeconds", Read),
    ("MaximumRetryAttempts", Read),
];

/// Of `AWS::Lambda::EventInvokeConfig`.
pub(super) const INVOKE_RESOURCE: &Table = &[
    ("DestinationConfig", Read),
    ("FunctionName", Read),
    ("MaximumEventAgeInSeconds", Read),
    ("MaximumRetryAttempts", Read),
    ("Qualifier", Harmless),
];
