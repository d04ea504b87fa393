//! Arguments of `explain`.

use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  streamgauge explain --table shop-Table rejections/reactive/noon/1767607790000/bbab6ec6b702b04053516d6d9753ae39
  streamgauge explain --table shop-Table --alert rejections --group aggregator=noon --from 2026-01-05T10:00:00Z
  streamgauge explain --rules streamgauge.yaml --events events.ndjson --alert rejections --step reactive
  streamgauge explain --rules streamgauge.yaml --events events.ndjson --metric orders --window 2026-01-05T10:00:00Z

KEY is what a page, a mail or a webhook shows: the key of an incident (PagerDuty's dedup_key) or the id of a notification. From a
table, what was decided is shown as it was recorded, and folded again from what is kept of its events. From files it is computed.

Exit codes:
  0  fine
  1  nothing was found, or folding again gives something else
  2  an argument or the rules are wrong
  3  the outside world failed: the table, or an event file";

/// Arguments of `explain`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("source").args(["table", "events"]).required(true))]
pub(crate) struct ExplainArguments {
    /// The key of an incident or the id of a notification, as it was sent
    #[arg(value_name = "KEY", conflicts_with = "metric")]
    pub(crate) key: Option<String>,
    /// The stack's table: explain what its logs hold
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["rules", "until"])]
    pub(crate) table: Option<String>,
    /// An event file: explain what it comes to under --rules; can be given several times, `-` is standard input
    #[arg(long, value_name = "FILE", requires = "rules")]
    pub(crate) events: Vec<PathBuf>,
    /// A rules file or a folder of them, for --events; can be given several times
    #[arg(long, value_name = "RULES")]
    pub(crate) rules: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Move the clock on to this moment (RFC 3339) after the last event
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Do not fold again what the logs hold
    #[arg(long, requires = "table")]
    pub(crate) no_recompute: bool,
    /// Transitions or points at most, the newest; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: ExplainOutput,
    /// Where AWS's services are, if not in AWS [default: as `AWS_ENDPOINT_URL` says]
    #[arg(long, value_name = "URL", requires = "table")]
    pub(crate) endpoint: Option<String>,
    /// The region [default: `AWS_REGION`, or that of the profile]
    #[arg(long, value_name = "REGION", requires = "table")]
    pub(crate) region: Option<String>,
}

/// What is to be explained.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Which {
    /// Only transitions of this alert
    #[arg(long, value_name = "NAME", conflicts_with = "metric")]
    pub(crate) alert: Option<String>,
    /// Only of this step
    #[arg(long, value_name = "STEP", conflicts_with = "metric")]
    pub(crate) step: Option<String>,
    /// Only of groups with this value; can be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "metric")]
    pub(crate) group: Vec<(String, String)>,
    /// Only transitions at this very time (RFC 3339)
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "to", "metric"])]
    pub(crate) at: Option<String>,
    /// Only transitions at this time or later
    #[arg(long, value_name = "TIME", conflicts_with = "metric")]
    pub(crate) from: Option<String>,
    /// Only transitions at this time or earlier
    #[arg(long, value_name = "TIME", conflicts_with = "metric")]
    pub(crate) to: Option<String>,
    /// Points of this metric, instead of transitions
    #[arg(long, value_name = "METRIC", requires = "window")]
    pub(crate) metric: Option<String>,
    /// The points of the window that begins then (RFC 3339)
    #[arg(long, value_name = "START", requires = "metric")]
    pub(crate) window: Option<String>,
    /// Only points of series with this value; can be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, requires = "metric")]
    pub(crate) dimension: Vec<(String, String)>,
}

/// The form of `explain`'s answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainOutput {
    /// For people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

/// A name and a value.
fn pair(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("write it as NAME=VALUE, for instance aggregator=noon")?;
    Ok((name.to_owned(), value.to_owned()))
}
