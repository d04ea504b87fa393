//! Arguments of `dev`.

use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  streamgauge dev --rules streamgauge.yaml
  streamgauge dev --rules streamgauge.yaml --follow /var/log/shop/events.ndjson
  kafka-console-consumer --topic orders | streamgauge dev --rules streamgauge.yaml --stdin --notify
  streamgauge dev --rules streamgauge.yaml --clock events --stdin < january.ndjson
  streamgauge dev --rules streamgauge.yaml --kinesis orders --region eu-west-1
  streamgauge dev --rules streamgauge.yaml --listen 0.0.0.0:8080 --token-file token

Events come by HTTP (POST /events), from a file, on standard input, or from Kinesis streams; the page at http://127.0.0.1:8080/ shows what is
decided. Events are JSON, one per line. What is taken is in the store before it counts, so the process can be killed at any time: the next one
goes on where it was, in a followed file at the very line, in a stream at the very record. Rules are read again when their files change.
Ctrl-C stops cleanly.

Channels are told with --notify; their secrets are those of the environment (env:NAME), mails go over the server of STREAMGAUGE_SMTP_URL,
and PagerDuty is where STREAMGAUGE_PAGERDUTY says (https://events.eu.pagerduty.com for accounts in the EU). A channel that is notified and can
tell nobody is an error.

Exit codes:
  0  it was stopped
  2  the rules or an argument is wrong, a stream is not there, with --notify a channel can tell nobody
  3  the outside world failed: the store cannot be opened or is damaged, the output cannot be written, a stream cannot be read";

/// Arguments of `dev`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DevArguments {
    /// A rules file or a folder of them; can be given several times
    #[arg(long, value_name = "RULES", required = true)]
    pub(crate) rules: Vec<PathBuf>,
    /// The file that everything is kept in; made if it is not there
    #[arg(long, value_name = "FILE", default_value = "streamgauge.store")]
    pub(crate) store: PathBuf,
    /// Take the lines that are appended to this file, also after it was renamed and made anew
    #[arg(long, value_name = "FILE")]
    pub(crate) follow: Option<PathBuf>,
    /// Take the lines of standard input
    #[arg(long)]
    pub(crate) stdin: bool,
    /// Read this Kinesis stream, with its shards followed through resharding; can be given several times
    #[arg(long, value_name = "STREAM")]
    pub(crate) kinesis: Vec<String>,
    /// Where to begin in shards that the store knows nothing of
    #[arg(long, value_enum, default_value_t, value_name = "PLACE", requires = "kinesis")]
    pub(crate) kinesis_from: KinesisFrom,
    /// Where Kinesis is, if not in AWS [default: as `AWS_ENDPOINT_URL` says]
    #[arg(long, value_name = "URL", requires = "kinesis")]
    pub(crate) endpoint: Option<String>,
    /// The region of the streams [default: `AWS_REGION`, or that of the profile]
    #[arg(long, value_name = "REGION", requires = "kinesis")]
    pub(crate) region: Option<String>,
    /// Listen here for events and questions over HTTP; with port 0 on any free one, which standard error tells
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Ask for the token in this file, sent as `Authorization: Bearer TOKEN`; or for that in `STREAMGAUGE_TOKEN`
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// By which clock time passes
    #[arg(long, value_enum, default_value_t, value_name = "CLOCK")]
    pub(crate) clock: DevClock,
    /// Tell the channels of the rules; otherwise alerts are only shown
    #[arg(long)]
    pub(crate) notify: bool,
    /// The form of what is decided
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: DevOutput,
}

/// The clock of `dev`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DevClock {
    /// The machine's: when nothing comes, windows end all the same
    #[default]
    Machine,
    /// The events' own times, to load those of the past
    Events,
}

/// Where reading of a stream begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KinesisFrom {
    /// With the oldest record that the stream still has
    #[default]
    TrimHorizon,
    /// With what arrives from the moment on at which the store is made
    Latest,
}

/// The form of what `dev` decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DevOutput {
    /// For people: what alerts do
    #[default]
    Text,
    /// Points and what alerts do, one JSON object per line
    Json,
}
