//! Arguments of `send`.

use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  streamgauge send --stream orders events.ndjson
  streamgauge send --stream orders --rate 500 2026-01-*.ndjson.gz
  streamgauge send --stream orders --rules streamgauge.yaml --speed 60 --keep sent.ndjson events.ndjson
  streamgauge send --stream orders --endpoint http://127.0.0.1:5105 --region eu-west-1 -

Events are read as JSON, one per line; gzip and zstd are unpacked. A line is sent as it stands; with --speed, only the value of
its time is written anew, so copies stay copies. The partition key is the hash of the event's identity, so that copies meet in
one shard; the order of each key is kept, whatever has to be sent again. Credentials are those of every AWS tool.

Exit codes:
  0  all was sent, or Ctrl-C came
  1  some lines were left out: the stream does not take records so large
  2  an argument, the rules or the name of the stream is wrong
  3  the outside world failed: a file cannot be read, the stream takes nothing";

/// Arguments of `send`.
#[derive(Args, Debug)]
pub(crate) struct SendArguments {
    /// The Kinesis stream
    #[arg(long, value_name = "STREAM")]
    pub(crate) stream: String,
    /// Send so many events a second, at most [default: as many as the stream takes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,
    /// Send at N times the events' own pace, each with the moment it is sent as its time
    #[arg(long, value_name = "N", conflicts_with = "rate", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) speed: Option<u32>,
    /// Write the lines that were sent to this file, in the order in which they were
    #[arg(long, value_name = "FILE")]
    pub(crate) keep: Option<PathBuf>,
    /// The field of an event whose value is its partition key, such as data.order [default: the hash of its identity]
    #[arg(long, value_name = "FIELD")]
    pub(crate) key: Option<String>,
    /// Rules that say where an event's identity and time stand; can be given several times [default: as in CloudEvents]
    #[arg(long, value_name = "RULES")]
    pub(crate) rules: Vec<PathBuf>,
    /// Where Kinesis is, if not in AWS [default: as `AWS_ENDPOINT_URL` says]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The region [default: `AWS_REGION`, or that of the profile]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Event files: JSON lines, plain, .gz or .zst; `-` is standard input
    #[arg(value_name = "EVENTS", required = true)]
    pub(crate) events: Vec<PathBuf>,
}
