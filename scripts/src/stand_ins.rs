//! `cargo x stand-ins`: AWS's stand-ins on this machine, without Docker and without an account.
//!
//! Two servers: ministack for SQS, S3, DynamoDB, CloudWatch and the like, and kinesis-local for Kinesis, because ministack
//! loses the records of a shard that is split. [`install`] puts them below cargo's target directory, [`server`] starts and
//! stops them, [`health`] waits until they answer calls of their APIs, [`variables`] says how SDKs find them, and
//! [`session`] runs a command meanwhile.
//!
//! Whatever happens, they end: when the command ends, fails or is interrupted, when a signal comes, and, if this process
//! is killed outright, because the pipe that is their standard input closes. Nothing is stopped that was not started here.

mod health;
mod install;
mod server;
mod session;
mod variables;

use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Command, ExitCode};

/// What to run beside the stand-ins.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    programs: install::Programs,
    /// Install them if they are not, and start nothing
    #[arg(long, conflicts_with = "command")]
    install_only: bool,
    /// Run this with the variables that lead SDKs to the stand-ins, then stop them; without it they stay until standard
    /// input ends or Ctrl-C
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What the tests against the stand-ins need beside them.
#[derive(Debug, clap::Args)]
pub(crate) struct TestOptions {
    #[command(flatten)]
    programs: install::Programs,
    /// Handed to the test binary: a filter, `--nocapture`
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

/// Starts the stand-ins, runs the command or waits, stops them. The exit code is the command's.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let target = crate::target_directory()?;
    let installed = install::install(&target.join("tools"), &options.programs)?;
    if options.install_only {
        return Ok(ExitCode::SUCCESS);
    }
    session::run(&installed, &target.join("stand-ins"), &options.command)
}

/// Selects what the AWS SDK is compiled for, the same in all calls: with other packages it would be compiled again.
const TEST: [&str; 27] = [
    "test",
    "--package",
    "streamgauge-lambda-aws",
    "--package",
    "streamgauge-dynamodb",
    "--package",
    "streamgauge-aws",
    "--package",
    "streamgauge-cloudwatch",
    "--package",
    "streamgauge-aggregate",
    "--package",
    "streamgauge-settle",
    "--package",
    "streamgauge-deliver",
    "--package",
    "streamgauge-filter",
    "--package",
    "streamgauge-announce",
    "--package",
    "streamgauge-kinesis",
    "--package",
    "streamgauge-notify",
    "--package",
    "tests",
    "--features",
    "tests/aws,streamgauge-kinesis/aws",
];

/// Which tests of the suite need the stand-ins; among them, which take long.
const NEED_STAND_INS: &str = "stand_ins";
const TAKE_LONG: [&str; 2] =
    ["stand_ins::end_to_end::a_year", "stand_ins::end_to_end::told::ten_minutes"];
/// Which of them measures what series cost.
const MEASURES: &str = "stand_ins::end_to_end::what_series_cost";

/// Tests the crates that a plain `cargo test` leaves out, then builds the tests against the stand-ins, starts these and
/// runs them: the stand-ins need not idle while it compiles.
pub(crate) fn test(options: &TestOptions) -> anyhow::Result<ExitCode> {
    run_tests(options, &[&["--lib"], &["--test", "suite", "--no-run"]], &[NEED_STAND_INS, "--"])
}

/// Builds and runs the tests that take long: `docs/end-to-end.md`.
pub(crate) fn end_to_end(options: &TestOptions) -> anyhow::Result<ExitCode> {
    run_ignored(options, &TAKE_LONG)
}

/// Measures what the whole stack costs by the meter, for several numbers of series: `docs/performance.md`.
pub(crate) fn costs() -> anyhow::Result<ExitCode> {
    let programs = install::Programs::default();
    run_ignored(&TestOptions { programs, arguments: Vec::new() }, &[MEASURES])
}

fn run_ignored(options: &TestOptions, tests: &[&str]) -> anyhow::Result<ExitCode> {
    // One after another: with many records and readers kinesis-local needs a core for itself.
    let mut selected = vec!["--", "--ignored", "--nocapture", "--test-threads=1"];
    selected.extend(tests);
    run_tests(options, &[&["--test", "suite", "--no-run"]], &selected)
}

/// Runs cargo with some arguments each time, then, with the stand-ins, the tests that are selected.
fn run_tests(
    options: &TestOptions,
    before: &[&[&str]],
    selected: &[&str],
) -> anyhow::Result<ExitCode> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let target = crate::target_directory()?;
    let installed = install::install(&target.join("tools"), &options.programs)?;
    for more in before {
        let status = Command::new(&cargo).args(TEST).args(*more).status();
        if !status.context("starting cargo failed")?.success() {
            note("the tests cannot be run, or fail; cargo's messages stand above")?;
            return Ok(ExitCode::FAILURE);
        }
    }
    let mut command = vec![cargo];
    command.extend(TEST.map(OsString::from));
    command.extend(["--test", "suite"].iter().chain(selected).map(OsString::from));
    command.extend(options.arguments.iter().cloned());
    session::run(&installed, &target.join("stand-ins"), &command)
}

/// Tells the user something, on standard error: standard output is the command's.
fn note(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "stand-ins: {text}")
}
