//! What was typed: commands, options and their help.

mod dead_letters;
mod dev;
mod explain;
mod lambda;
mod send;
mod silence;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

pub(crate) use dead_letters::{
    DeadLettersArguments, DeadLettersCommand, ListOutput, ReplayLetters, Wanted,
};
#[cfg(feature = "aws")]
pub(crate) use dev::KinesisFrom;
pub(crate) use dev::{DevArguments, DevClock, DevOutput};
pub(crate) use explain::{ExplainArguments, ExplainOutput, Which};
pub(crate) use lambda::{LambdaArguments, LambdaOutput};
pub(crate) use send::SendArguments;
pub(crate) use silence::{
    AddSilence, DeployedArguments, SilenceArguments, SilenceCommand, SilenceOutput, TableArguments,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0  fine
  1  the answer is \"no\": a failed scenario, a difference that was found
  2  the input is wrong: the rules or a scenario file, also when it is missing, the arguments
  3  the outside world failed: an event file cannot be read, the disk is full";

/// Business events in, metrics out: from one rules file, exactly and without a server.
#[derive(Debug, Parser)]
#[command(name = "streamgauge", version, styles = STYLES, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a small working example: rules, scenarios, sample events
    #[command(after_help = "Example:\n  streamgauge init shop")]
    Init(InitArguments),
    /// Show all problems of rules files, each with its place and what to do
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArguments),
    /// Run event files through the rules and print points and what alerts do
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArguments),
    /// Run scenario files: events in, expected points and alerts out, on a virtual clock
    #[command(
        after_help = "Examples:\n  streamgauge test scenarios/*.yaml\n  streamgauge test scenarios/*.yaml --junit target/scenarios.xml"
    )]
    Test(TestArguments),
    /// Show why an alert fired, resolved or was not sent, or what a point is made of
    #[command(after_help = explain::EXAMPLES)]
    Explain(Box<ExplainArguments>),
    /// Run the whole pipeline in this process, on events as they come
    #[command(after_help = dev::EXAMPLES)]
    Dev(DevArguments),
    /// Put events on a Kinesis stream, at a rate or at a multiple of their own pace
    #[command(after_help = send::EXAMPLES)]
    Send(SendArguments),
    /// Look at what could not be counted or delivered, and replay it
    #[command(after_help = dead_letters::EXAMPLES)]
    DeadLetters(DeadLettersArguments),
    /// Add quiet times to a stack, show them, and end them
    #[command(after_help = silence::EXAMPLES)]
    Silence(SilenceArguments),
    /// Mark a deploy: on charts, and beside PagerDuty's incidents
    #[command(after_help = silence::DEPLOYED_EXAMPLES)]
    Deployed(DeployedArguments),
    /// Run a template's Lambda functions on this machine, driven by streams, queues and schedules
    #[command(after_help = lambda::EXAMPLES)]
    Lambda(Box<LambdaArguments>),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  streamgauge completions bash > ~/.local/share/bash-completion/completions/streamgauge"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(
        after_help = "Examples:\n  streamgauge man | man -l -\n  streamgauge man --dir ~/.local/share/man/man1"
    )]
    Man {
        /// Write the pages of all commands into this folder instead
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

const CHECK_EXAMPLES: &str = "\
Examples:
  streamgauge check streamgauge.yaml
  streamgauge check rules/ --output github
  streamgauge check streamgauge.yaml --events sample.ndjson   what each metric would take of real events";

const REPLAY_EXAMPLES: &str = "\
Examples:
  streamgauge replay --rules streamgauge.yaml events.ndjson
  streamgauge replay --rules streamgauge.yaml --output json 2026-01-*.ndjson.gz > points.ndjson
  zcat events.gz | streamgauge replay --rules streamgauge.yaml -
  streamgauge replay --rules streamgauge.yaml --open --report report.html events.ndjson
  streamgauge replay --rules streamgauge.yaml --compare new.yaml events.ndjson

Events are read as JSON, one per line; gzip and zstd are unpacked. The clock is the events' own.
Bad lines are printed as FILE:LINE: CODE: TEXT on standard error and never stop a run. --rejects writes each as one JSON object
per line with input, line, code, detail and payload (payload_base64 if it is not UTF-8; of a line over 10 MiB its first KiB).";

/// Arguments of `init`.
#[derive(Args, Debug)]
pub(crate) struct InitArguments {
    /// The folder to write into; made if it is not there
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    /// Rules files, or folders of them; together they are one set of rules
    #[arg(value_name = "RULES", required = true)]
    pub(crate) rules: Vec<PathBuf>,
    /// Show what each metric takes of these events; can be given several times
    #[arg(long, value_name = "SAMPLE")]
    pub(crate) events: Vec<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: CheckOutput,
}

/// The form of `check`'s answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckOutput {
    /// For people
    #[default]
    Text,
    /// One JSON object per line
    Json,
    /// GitHub workflow commands, which become annotations
    Github,
}

/// Arguments of `replay`.
#[derive(Args, Debug)]
pub(crate) struct ReplayArguments {
    /// A rules file or a folder of them; can be given several times
    #[arg(long, value_name = "RULES", required = true)]
    pub(crate) rules: Vec<PathBuf>,
    /// The form of points and transitions
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: ReplayOutput,
    /// Move the clock on to this moment (RFC 3339) after the last event
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Print windows that are still undecided at the end, too
    #[arg(long)]
    pub(crate) open: bool,
    /// Threads to use; the output is the same for any number [default: the cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Rows per table at most, 0 for all
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Write all bad lines to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Write all of it to this file, too, as a page with charts that a browser shows without a network
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Run these rules, too, and print what differs; exit code 1 if anything does
    #[arg(long, value_name = "OTHER_RULES", conflicts_with = "rejects")]
    pub(crate) compare: Vec<PathBuf>,
    /// Event files: JSON lines, plain, .gz or .zst; `-` is standard input
    #[arg(value_name = "EVENTS", required = true)]
    pub(crate) events: Vec<PathBuf>,
}

/// The form of `replay`'s answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayOutput {
    /// For people: per metric, its series and its latest windows
    #[default]
    Table,
    /// One JSON object per line, a summary last
    Json,
    /// One row each
    Csv,
}

/// Arguments of `test`.
#[derive(Args, Debug)]
pub(crate) struct TestArguments {
    /// Scenario files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Write the results to a file, too, for CI
    #[arg(long, value_name = "FILE", help = "Write the results to this file as JUnit XML, for CI")]
    pub(crate) junit: Option<PathBuf>,
    /// The form of the results
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: TestOutput,
}

/// The form of `test`'s results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestOutput {
    /// For people
    #[default]
    Text,
    /// One JSON object per line, a summary last
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_hold() {
        Arguments::command().debug_assert();
    }
}
