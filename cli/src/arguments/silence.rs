//! Arguments of `silence` and `deployed`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use streamgauge_engine::time::Millis;

pub(super) const EXAMPLES: &str = "\
Examples:
  streamgauge silence add --table shop-Table --alert rejections --match aggregator=noon --for 2h --reason 'noon moves its data centre'
  streamgauge silence add --table shop-Table --match channel=oncall --until 2026-01-05T18:00:00+04:00 --reason drill --author ops
  streamgauge silence list --table shop-Table
  streamgauge silence end --table shop-Table s17

A silence compares with the time at which an alert fires, as its events tell it. What it keeps back and still fires when it is over is
sent then; what was sent before it resolves as ever. It is kept for good, with author and reason. Planned quiet times stand in the rules.

Exit codes:
  0  fine
  2  an argument is wrong: a time that is past, a silence that is not there
  3  the outside world failed: the table";

pub(super) const DEPLOYED_EXAMPLES: &str = "\
Examples:
  streamgauge deployed 1.2.3 --table shop-Table --service checkout --link https://ci.example/77
  streamgauge deployed 1.2.2 --table shop-Table --at 2026-01-05T09:30:00Z --author mira
  streamgauge deployed 1.2.3 --dev http://127.0.0.1:8080 --service checkout

PagerDuty shows it beside the incidents of its services. Of a stack, charts can show the metric `Deployed` of the namespace `StreamGauge`;
`dev` marks it on the charts of its page, and tells PagerDuty if it runs with --notify. What `dev` asks for as its token is read as `dev`
itself reads it. An empty --service, --link or --author is one that is not given; a stack has to know who says so. Said twice it is two
deploys.

Exit codes:
  0  fine
  2  an argument is wrong, also the token; `dev` takes no such deploy
  3  the outside world failed: the table, or `dev` cannot be reached, is busy or does not answer";

/// The table of a stack.
#[derive(Args, Debug)]
pub(crate) struct TableArguments {
    /// The stack's table
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: String,
    /// Where AWS's services are, if not in AWS [default: as `AWS_ENDPOINT_URL` says]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The region [default: `AWS_REGION`, or that of the profile]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

/// Arguments of `silence`.
#[derive(Args, Debug)]
pub(crate) struct SilenceArguments {
    #[command(subcommand)]
    pub(crate) command: SilenceCommand,
}

/// What is to be done with silences.
#[derive(Debug, Subcommand)]
pub(crate) enum SilenceCommand {
    /// Keep back what matches for a time, and print the silence's name
    Add(AddSilence),
    /// Show those that are active or to come
    List {
        #[command(flatten)]
        table: TableArguments,
        /// Also those that are over or were ended
        #[arg(long)]
        all: bool,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t, value_name = "FORM")]
        output: SilenceOutput,
    },
    /// End one before its end
    End {
        #[command(flatten)]
        table: TableArguments,
        /// Who ends it [default: the user's name]
        #[arg(long, value_name = "NAME")]
        author: Option<String>,
        /// Which, as `add` and `list` print it
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Arguments of `silence add`.
#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("what").args(["alert", "matches"]).required(true).multiple(true),
    group = ArgGroup::new("end").args(["lasts", "until"]).required(true)
)]
pub(crate) struct AddSilence {
    #[command(flatten)]
    pub(crate) table: TableArguments,
    /// Of this alert; can be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) alert: Vec<String>,
    /// Where this is so: alert, metric, step, severity, channel, a dimension or a label. Several must all hold; of one name, any
    #[arg(long = "match", value_name = "NAME=VALUE")]
    pub(crate) matches: Vec<String>,
    /// For so long from its beginning: 30m, 2h, 1d
    #[arg(long = "for", value_name = "LENGTH", value_parser = streamgauge_rules::duration::parse)]
    pub(crate) lasts: Option<Millis>,
    /// Until this moment (RFC 3339, with its offset)
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// From this moment on [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Why, for whoever wonders later
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who answers for it [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) author: Option<String>,
}

/// The form of `silence list`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SilenceOutput {
    /// For people
    #[default]
    Table,
    /// One JSON object per line
    Json,
}

/// Whom `deployed` tells.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("target").args(["table", "dev"]).required(true))]
pub(crate) struct DeployTarget {
    /// The table of the stack to tell
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Where AWS's services are, if not in AWS [default: as `AWS_ENDPOINT_URL` says]
    #[arg(long, value_name = "URL", conflicts_with = "dev")]
    endpoint: Option<String>,
    /// The region [default: `AWS_REGION`, or that of the profile]
    #[arg(long, value_name = "REGION", conflicts_with = "dev")]
    region: Option<String>,
    /// The `streamgauge dev` to tell: its address, as it says when it starts
    #[arg(long, value_name = "URL")]
    pub(crate) dev: Option<String>,
    /// Send the token in this file to `dev`; or that in `STREAMGAUGE_TOKEN`
    #[arg(long, value_name = "FILE", conflicts_with = "table")]
    pub(crate) token_file: Option<PathBuf>,
}

impl DeployTarget {
    /// The table of a stack, if one is named.
    pub(crate) fn stack(&self) -> Option<TableArguments> {
        let Self { table, endpoint, region, .. } = self;
        let table = table.clone()?;
        Some(TableArguments { table, endpoint: endpoint.clone(), region: region.clone() })
    }
}

/// Arguments of `deployed`.
#[derive(Args, Debug)]
pub(crate) struct DeployedArguments {
    /// What was deployed, as people name it
    #[arg(value_name = "VERSION")]
    pub(crate) version: String,
    #[command(flatten)]
    pub(crate) target: DeployTarget,
    /// Of which service
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// The address of a page about it
    #[arg(long, value_name = "URL")]
    pub(crate) link: Option<String>,
    /// When (RFC 3339, with its offset) [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Who says so [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) author: Option<String>,
}
