//! Arguments of `dead-letters`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use streamgauge_engine::time::Millis;

pub(super) const EXAMPLES: &str = "\
Examples:
  streamgauge dead-letters list --table shop-Table --bucket shop-deadletters
  streamgauge dead-letters list --table shop-Table --since 7d --code wrong_type --output json
  streamgauge dead-letters show --table shop-Table r5f0c2a9be1d40377
  streamgauge dead-letters replay --table shop-Table --rules streamgauge.yaml --code wrong_type
  streamgauge dead-letters replay --table shop-Table --rules streamgauge.yaml --code wrong_type --execute

What is found: records that are no events (`r...`), records that Lambda has given up and put into the bucket (`g...`), points that
no lane could deliver (`p...`), and notifications that no channel took (`n...`). Nothing is changed without --execute, and nothing is ever deleted.

Exit codes:
  0  fine
  1  some of the letters cannot be replayed, or `show` found none
  2  an argument or the rules are wrong
  3  the outside world failed: the table, the bucket or the stream";

/// Arguments of `dead-letters`.
#[derive(Args, Debug)]
pub(crate) struct DeadLettersArguments {
    #[command(subcommand)]
    pub(crate) command: DeadLettersCommand,
}

/// What is to be done with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// Count them by code, and show the newest
    List {
        #[command(flatten)]
        wanted: Wanted,
        /// How many of the newest are shown
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// The form of the answer; JSON has all of them, one per line, with payloads
        #[arg(long, value_enum, default_value_t, value_name = "FORM")]
        output: ListOutput,
    },
    /// Show one with its payload and its reason
    Show {
        #[command(flatten)]
        wanted: Wanted,
        /// Which, as `list` shows it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Put records on their stream again, and give points back to their lane
    Replay(ReplayLetters),
}

/// Arguments of `dead-letters replay`.
#[derive(Args, Debug)]
pub(crate) struct ReplayLetters {
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// The rules in force: they say which payloads are events now, and what their identity is; needed for records
    #[arg(long, value_name = "RULES")]
    pub(crate) rules: Vec<PathBuf>,
    /// Do it; without this, only what would be done is said
    #[arg(long)]
    pub(crate) execute: bool,
    /// Also what may count twice, or will not count
    #[arg(long)]
    pub(crate) anyway: bool,
    /// Put records on this stream [default: the one that each came from]
    #[arg(long, value_name = "STREAM")]
    pub(crate) to: Option<String>,
    /// Only these, as `list` shows them [default: all that are found]
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

/// Where dead letters are looked for, and which.
#[derive(Args, Debug)]
pub(crate) struct Wanted {
    /// The stack's table
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: String,
    /// The bucket of what Lambda gave up; without it, such records are not looked for
    #[arg(long, value_name = "BUCKET")]
    pub(crate) bucket: Option<String>,
    /// Only of these streams; can be given several times [default: all that the table knows]
    #[arg(long, value_name = "STREAM")]
    pub(crate) stream: Vec<String>,
    /// Only of so long: 30m, 24h, 7d
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = streamgauge_rules::duration::parse)]
    pub(crate) since: Millis,
    /// Only with this code; can be given several times
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Vec<String>,
    /// Where AWS's services are, if not in AWS [default: as `AWS_ENDPOINT_URL` says]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The region [default: `AWS_REGION`, or that of the profile]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

/// The form of `dead-letters list`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListOutput {
    /// For people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}
