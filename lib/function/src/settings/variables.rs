//! The environment variables of the functions, in the order of `docs/settings.md`.

use std::fmt;
use streamgauge_pipeline::pagerduty_origin;

/// A function of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Batches of the source streams to shard logs.
    Aggregate,
    /// Shard logs to the settle log.
    Settle,
    /// The settle log to `CloudWatch` and to people.
    Deliver,
    /// Streams of others to a source stream.
    Filter,
    /// A deploy to the control log.
    Announce,
}

impl Role {
    /// All of them, in the order of the data.
    pub const ALL: [Self; 5] =
        [Self::Filter, Self::Aggregate, Self::Settle, Self::Deliver, Self::Announce];

    /// Its name: the folder below `functions/`, and the end of its binary's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aggregate => "aggregate",
            Self::Settle => "settle",
            Self::Deliver => "deliver",
            Self::Filter => "filter",
            Self::Announce => "announce",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The functions that read it.
    pub roles: &'static [Role],
    /// What happens without it.
    pub need: Need,
    /// What it means, for people.
    pub meaning: &'static str,
}

/// What happens when a variable is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The function does not start; what to set it to.
    Required(&'static str),
    /// It has this value.
    Default(&'static str),
    /// There is none.
    Optional,
}

use Role::{Aggregate, Announce, Deliver, Filter, Settle};

/// The table of logs and snapshots.
pub const TABLE: Variable = Variable {
    name: "STREAMGAUGE_TABLE",
    roles: &[Aggregate, Settle, Deliver, Filter, Announce],
    need: Need::Required("the name of the stack's table"),
    meaning: "The DynamoDB table that keeps logs and snapshots.",
};

/// The number of settle partitions.
pub const PARTITIONS: Variable = Variable {
    name: "STREAMGAUGE_PARTITIONS",
    roles: &[Aggregate, Settle, Deliver, Filter, Announce],
    need: Need::Default("1"),
    meaning: "How many settle partitions there are, 1 to 64. Fixed when the table is made: another number is refused.",
};

/// The name of the stack.
pub const STACK: Variable = Variable {
    name: "STREAMGAUGE_STACK",
    roles: &[Settle],
    need: Need::Default("streamgauge"),
    meaning: "The name of the stack: the dimension `Stack` of the pipeline's own metrics.",
};

/// The source streams.
pub const STREAMS: Variable = Variable {
    name: "STREAMGAUGE_STREAMS",
    roles: &[Aggregate, Settle],
    need: Need::Required("the names or ARNs of the source streams, with commas between them"),
    meaning: "The source streams, names or ARNs, with commas between them. Their shards take part in the watermark.",
};

/// The streams in front of the filter.
pub const UPSTREAMS: Variable = Variable {
    name: "STREAMGAUGE_UPSTREAMS",
    roles: &[Settle, Filter],
    need: Need::Optional,
    meaning: "The streams that the filter reads, names or ARNs, with commas between them. Their shards take part in the watermark.",
};

/// The stream behind the filter.
pub const STREAM: Variable = Variable {
    name: "STREAMGAUGE_STREAM",
    roles: &[Filter],
    need: Need::Required("the name or ARN of the source stream that the filter puts into"),
    meaning: "The source stream that the filter puts into, name or ARN.",
};

/// Where the mappings begin.
pub const START: Variable = Variable {
    name: "STREAMGAUGE_START",
    roles: &[Aggregate, Settle, Filter],
    need: Need::Default("TRIM_HORIZON"),
    meaning: "Where the mappings begin in a stream: `TRIM_HORIZON`, or a time as seconds since 1970 or as RFC 3339. The proof that a shard is idle reads from there when nothing was read yet.",
};

/// How old records can be.
pub const MAX_RECORD_AGE: Variable = Variable {
    name: "STREAMGAUGE_MAX_RECORD_AGE",
    roles: &[Aggregate, Settle, Filter],
    need: Need::Optional,
    meaning: "The mappings' `MaximumRecordAgeInSeconds`, 60 to 604800: older records count as read. Without it, or with -1, they are as old as the stream keeps them.",
};

/// The queue that wakes settle.
pub const SETTLE_QUEUE: Variable = Variable {
    name: "STREAMGAUGE_SETTLE_QUEUE",
    roles: &[Aggregate, Settle, Filter],
    need: Need::Required("the URL of the queue of wake-ups for settle"),
    meaning: "The URL of the queue of wake-ups for settle.",
};

/// The queue that wakes deliver.
pub const DELIVER_QUEUE: Variable = Variable {
    name: "STREAMGAUGE_DELIVER_QUEUE",
    roles: &[Settle, Deliver],
    need: Need::Required("the URL of the queue of wake-ups for deliver"),
    meaning: "The URL of the queue of wake-ups for deliver.",
};

/// Where the rules are.
pub const RULES: Variable = Variable {
    name: "STREAMGAUGE_RULES",
    roles: &[Aggregate, Settle, Filter, Announce],
    need: Need::Default("/opt/rules"),
    meaning: "Where the rules are: a file, or a folder with `.yaml` files, in the package or a layer. `announce` also reads `s3://BUCKET/KEY`, one file; the others then read the plan in the control log.",
};

/// Where `PagerDuty` is.
pub const PAGERDUTY: Variable = Variable {
    name: pagerduty_origin::VARIABLE,
    roles: &[Deliver],
    need: Need::Default(pagerduty_origin::ORIGIN),
    meaning: "Where PagerDuty is; accounts in the EU have `https://events.eu.pagerduty.com`. Not encrypted on this machine only, for stand-ins. `streamgauge dev --notify` obeys it too.",
};

/// Where webhooks may be.
pub const PRIVATE_WEBHOOKS: Variable = Variable {
    name: "STREAMGAUGE_PRIVATE_WEBHOOKS",
    roles: &[Deliver],
    need: Need::Default("no"),
    meaning: "`yes`: webhooks may be at addresses that are not of the public internet. Whoever may change the rules can then make this function call whatever it can reach.",
};

/// All of them.
pub const VARIABLES: [&Variable; 13] = [
    &TABLE,
    &PARTITIONS,
    &STACK,
    &STREAMS,
    &UPSTREAMS,
    &STREAM,
    &START,
    &MAX_RECORD_AGE,
    &SETTLE_QUEUE,
    &DELIVER_QUEUE,
    &RULES,
    &PAGERDUTY,
    &PRIVATE_WEBHOOKS,
];

/// Variables that Lambda or AWS's SDKs define and that the functions obey, with what they mean here.
pub const OF_AWS: [(&str, &str); 6] = [
    ("AWS_REGION", "The region of all calls; Lambda sets it."),
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
        "The credentials; Lambda sets them. Profiles and instance metadata are not looked at.",
    ),
    (
        "AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB, _KINESIS, _SQS, _S3, _CLOUDWATCH, _SESV2, _SNS, _SECRETS_MANAGER, _SSM",
        "Where services are, instead of AWS: for stand-ins.",
    ),
    (
        "AWS_LAMBDA_LOG_FORMAT",
        "`JSON` for structured lines; Lambda sets it by the function's `LoggingConfig`.",
    ),
    (
        "AWS_LAMBDA_LOG_LEVEL",
        "What is logged: `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE`; Lambda sets it. `RUST_LOG` where that is not set.",
    ),
    (
        "SSL_CERT_FILE",
        "A file of certificates to trust instead of the system's; read at the first call.",
    ),
];
