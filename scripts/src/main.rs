//! `cargo x <task>`: what people run beside the product.
//!
//! * `generate-events` writes the sample events of a food-delivery shop (`events/orders.ndjson`).
//! * `bench` measures `streamgauge replay` against a plain loop over the same file, and what else is to be fast.
//! * `package` builds the functions as zips for Lambda and lists their sizes.
//! * `template` checks `template.yaml` with AWS's and others' own programs.
//! * `page-tests` opens the page in a browser, `screenshots` writes the pictures of it.
//! * `prometheus-tests` runs the tests that need a Prometheus server.
//! * `stand-ins` starts AWS's stand-ins, for a command or until they are stopped; `aws-tests` runs the tests against them,
//!   `end-to-end` those that take long.
//!
//! The other tasks are the benchmark's workers. They are commands of their own because CPU time and peak memory
//! belong to a process: the benchmark starts them from the release build and looks at what the kernel says of each.

mod arrivals;
mod bench;
mod installed;
mod package;
mod page;
mod prometheus;
mod random;
mod shop;
mod stand_ins;
mod template;
mod time;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::env;
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Tasks of this project.
#[derive(Debug, Parser)]
#[command(name = "cargo x", bin_name = "cargo x")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write the sample events of a food-delivery shop to standard output, the same bytes for the same options
    GenerateEvents(shop::Options),
    /// Measure `streamgauge replay` against a plain loop over the same events, and what else is to be fast
    Bench(bench::Options),
    /// Build the functions as zips for Lambda, for both processors
    Package(package::Options),
    /// Check template.yaml with cfn-lint, sam and checkov
    Template(template::Options),
    /// Run the tests of the page of `dev` and of reports, in a browser
    PageTests,
    /// Write the pictures of the page in docs/images
    Screenshots,
    /// Run the tests of `GET /metrics` that need Prometheus: its server and promtool
    PrometheusTests,
    /// Start AWS's stand-ins (ministack, kinesis-local) and run a command against them
    StandIns(stand_ins::Options),
    /// Run the tests that need AWS's stand-ins
    AwsTests(stand_ins::TestOptions),
    /// Send a year of orders through the whole stack on AWS's stand-ins, three times, and outlast an outage of PagerDuty
    EndToEnd(stand_ins::TestOptions),
    /// Write the benchmark's events to a file
    #[command(hide = true)]
    BenchEvents(bench::events::Options),
    /// Compute one work with the plain loop
    #[command(hide = true)]
    Plain(bench::plain::Options),
    /// Drain a stream through a function with the event-source simulator
    #[command(hide = true)]
    Drive(bench::lambda::drive::Options),
    /// Take batches as the function aggregate does, without a network
    #[command(hide = true)]
    Take(bench::functions::take::Options),
    /// Settle alerts with many groups, without a log
    #[command(hide = true)]
    Settle(bench::alerts::crowd::Options),
    /// Push events to `streamgauge dev` as fast as it acknowledges them
    #[command(hide = true)]
    Push(bench::dev::push::Options),
    /// Wait on the live stream of `streamgauge dev` for events that are pushed
    #[command(hide = true)]
    Watch(bench::dev::watch::Options),
    /// Run one command and print what it used
    #[command(hide = true)]
    Measure(bench::measure::Options),
}

fn main() -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    match Cli::parse().task {
        Task::GenerateEvents(options) => {
            shop::write(&options, &mut out).context("writing the events failed")?;
        }
        Task::Bench(options) => bench::run(&options, &mut out)?,
        Task::Package(options) => package::package(&options, &mut out)?,
        Task::Template(options) => return template::run(&options),
        Task::PageTests => return page::test(),
        Task::Screenshots => return page::screenshots(),
        Task::PrometheusTests => return prometheus::test(),
        Task::StandIns(options) => return stand_ins::run(&options),
        Task::AwsTests(options) => return stand_ins::test(&options),
        Task::EndToEnd(options) => return stand_ins::end_to_end(&options),
        Task::BenchEvents(options) => bench::events::run(&options)?,
        Task::Plain(options) => bench::plain::run(&options, &mut out)?,
        Task::Drive(options) => bench::lambda::drive::run(&options, &mut out)?,
        Task::Take(options) => bench::functions::take::run(&options, &mut out)?,
        Task::Settle(options) => bench::alerts::crowd::run(&options, &mut out)?,
        Task::Push(options) => bench::dev::push::run(&options, &mut out)?,
        Task::Watch(options) => bench::dev::watch::run(&options, &mut out)?,
        Task::Measure(options) => bench::measure::run(&options, &mut out)?,
    }
    out.flush().context("writing to standard output failed")?;
    Ok(ExitCode::SUCCESS)
}

/// Cargo's target directory: this program is in its `debug` or `release`.
pub(crate) fn target_directory() -> anyhow::Result<PathBuf> {
    let program = env::current_exe().context("finding this program failed")?;
    let target = program.ancestors().nth(2).context("this program is in no target directory")?;
    Ok(target.to_owned())
}

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// Runs a command in the root of the repository; the exit code says whether it did what it should.
pub(crate) fn ended(command: &mut Command) -> anyhow::Result<ExitCode> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let status = command.current_dir(root).status();
    let program = command.get_program().display().to_string();
    let status = status.with_context(|| format!("starting `{program}` failed"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
