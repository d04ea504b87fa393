//! Arguments of `lambda`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  streamgauge lambda --template template.yaml --check
  streamgauge lambda --template template.yaml --put Orders=orders.ndjson --key data.order --until-drained
  streamgauge lambda --template template.yaml --invoke Settle=event.json
  streamgauge lambda --template template.yaml --endpoint http://127.0.0.1:5102 --output json

Functions, streams and queues are named as in the template: by their logical ids or by their names.
Without --endpoint, streams, queues and buckets are in this process, and end with it.

Exit codes:
  0  fine
  1  records were discarded, or an invocation by --invoke failed
  2  the template, an argument or a file that they name is wrong
  3  the outside world failed";

/// Arguments of `lambda`.
#[derive(Args, Debug)]
pub(crate) struct LambdaArguments {
    /// The template
    #[arg(
        long,
        value_name = "TEMPLATE",
        help = "The SAM or CloudFormation template, YAML or JSON"
    )]
    pub(crate) template: PathBuf,
    /// Show what would run, and run nothing
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) template_values: TemplateArguments,
    #[command(flatten)]
    pub(crate) input: InputArguments,
    #[command(flatten)]
    pub(crate) run: RunArguments,
    /// The form of what is seen
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: LambdaOutput,
}

/// What the template leaves open.
#[derive(Args, Debug)]
#[command(next_help_heading = "Template")]
pub(crate) struct TemplateArguments {
    /// The value of a template's parameter; can be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) parameter: Vec<String>,
    /// A function's executable, if it is not where builds leave it
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) function: Vec<String>,
    /// An environment variable for all functions; wins over the template's
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// A file of such variables, one NAME=VALUE per line
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// The region that the functions are told [default: `AWS_REGION`, else us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The account that the functions are told
    #[arg(long, value_name = "ACCOUNT", default_value = "000000000000")]
    pub(crate) account: String,
}

/// What comes in.
#[derive(Args, Debug)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArguments {
    /// Services to use instead of those in this process: one URL for all, or by service (kinesis, sqs, s3, dynamodb, cloudwatch)
    #[arg(long, value_name = "[SERVICE=]URL")]
    pub(crate) endpoint: Vec<String>,
    /// Make streams, queues and buckets of the template that are not behind the endpoint yet
    #[arg(long)]
    pub(crate) create: bool,
    /// Put a file's lines into a stream: plain, .gz or .zst; `-` is standard input
    #[arg(long, value_name = "STREAM=FILE")]
    pub(crate) put: Vec<String>,
    /// The field of a line whose value is its partition key, such as data.order [default: the line's hash]
    #[arg(long, value_name = "FIELD")]
    pub(crate) key: Option<String>,
    /// Send a file's lines to a queue
    #[arg(long, value_name = "QUEUE=FILE")]
    pub(crate) send: Vec<String>,
    /// Invoke a function, with the event in a file or with {}
    #[arg(long, value_name = "FUNCTION[=EVENT]")]
    pub(crate) invoke: Vec<String>,
    /// Do not wait for the answers of --invoke; failures are tried again twice
    #[arg(long)]
    pub(crate) asynchronous: bool,
    /// Answer the Invoke API here
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Write what buckets in this process get into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) failures: Option<PathBuf>,
}

/// How it runs.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own on the command line"
)]
#[derive(Args, Debug)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunArguments {
    /// Environments per function at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) environments: u32,
    /// Stop an environment's process between invocations
    #[arg(long)]
    pub(crate) freeze: bool,
    /// Let functions take more memory than the template says
    #[arg(long)]
    pub(crate) no_memory_limit: bool,
    /// Let the simulator's time pass so many times as fast
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) speed: u32,
    /// The seed of all that is drawn
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// What is to go wrong on purpose
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Keep positions in this file, so that a later run goes on
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// End when all that was put, sent and invoked is done
    #[arg(long)]
    pub(crate) until_drained: bool,
    /// End after so long, such as 30s or 5m
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) length: Option<String>,
    /// Call the endpoint directly: nothing is counted, refused or made to fail
    #[arg(long)]
    pub(crate) no_meter: bool,
    /// Let pass what AWS would refuse: too large, too fast, too old
    #[arg(long)]
    pub(crate) no_limits: bool,
}

/// The form of what `lambda` shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LambdaOutput {
    /// For people
    #[default]
    Text,
    /// One JSON object per line, the summary last
    Json,
}
