//! The benchmark: how fast is `streamgauge replay`, how much memory does it take, and is the answer right? And how fast is
//! the event-source simulator ([`lambda`])? And what do the [`functions`] cost, what do [`alerts`], and the whole stack by the
//! meter? And how much does [`streamgauge dev`](dev) take in?
//!
//! It builds the release binaries, writes the events into cargo's target directory, and runs each work with
//! `streamgauge replay` and with a [`plain`] loop over the same file, in interleaved rounds, so that a machine that slows
//! down slows down both. Every answer is compared with the plain loop's. What it prints are medians and ratios within the
//! run: absolute times of two machines, or of two days, say nothing.
//!
//! Goals are printed as met or missed and never fail the run: whoever shares the machine decides over the times.
//! A wrong answer does fail it.

pub(crate) mod alerts;
mod day;
pub(crate) mod dev;
pub(crate) mod events;
pub(crate) mod functions;
pub(crate) mod lambda;
pub(crate) mod measure;
mod metrics;
pub(crate) mod plain;
pub(crate) mod programs;
mod replay;
mod rounds;
mod start;
pub(crate) mod table;
mod works;

use crate::stand_ins;
use anyhow::{Context, bail};
use programs::Programs;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to measure, and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The numbers of events, each a file of its own
    #[arg(long, value_delimiter = ',', default_value = "1000000,5000000", value_parser = clap::value_parser!(u64).range(1..))]
    events: Vec<u64>,
    /// How often each command runs; medians are printed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The numbers of threads of `streamgauge replay`
    #[arg(long, value_delimiter = ',', default_value = "1,2,4", value_parser = clap::value_parser!(u32).range(1..))]
    threads: Vec<u32>,
    /// Only one part
    #[arg(long)]
    only: Option<Part>,
    /// How many hours the day of `--only day` has
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=24))]
    hours: u32,
    /// Where the events and the answers go; the default is `bench` in cargo's target directory
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// The parts of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Works A, B and C
    Works,
    /// 10 metrics against 1,000
    Metrics,
    /// From start to the first output
    Start,
    /// The event-source simulator
    Lambda,
    /// The functions: CPU of a batch, start, size
    Functions,
    /// Alerts: settles with a million groups, and what they add to a batch
    Alerts,
    /// A day of 1,000 events a second through `dev`: memory and file size; only if it is asked for, since it takes minutes and gigabytes
    Day,
    /// `streamgauge dev`: pushes a second, and how long until the page shows them
    Dev,
    /// What the whole stack costs by the meter; only if it is asked for, since it needs the stand-ins
    Costs,
}

/// Runs the benchmark and prints its tables.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let programs = Programs::build()?;
    let directory = options.directory.clone().unwrap_or_else(|| programs.directory.join("bench"));
    fs::create_dir_all(&directory)
        .with_context(|| format!("creating {} failed", directory.display()))?;
    let wanted = |part| options.only.is_none_or(|only| only == part);
    if wanted(Part::Works) {
        for events in &options.events {
            let file = event_file(&programs, &directory, *events)?;
            works::run(&programs, &directory, &file, options, out)?;
        }
    }
    if wanted(Part::Metrics) {
        let smallest = options.events.iter().min().copied().unwrap_or(1);
        let file = event_file(&programs, &directory, smallest)?;
        metrics::run(&programs, &directory, &file, options, out)?;
    }
    if wanted(Part::Start) {
        start::run(&programs, &directory, out)?;
    }
    if wanted(Part::Lambda) {
        lambda::run(&programs, options.rounds, out)?;
    }
    if wanted(Part::Functions) {
        functions::run(&programs, &directory, options.rounds, out)?;
    }
    if wanted(Part::Alerts) {
        alerts::run(&programs, options.rounds, out)?;
    }
    if options.only == Some(Part::Day) {
        day::run(&programs, &directory, options.hours, out)?;
    }
    if wanted(Part::Dev) {
        let smallest = options.events.iter().min().copied().unwrap_or(1);
        let file = event_file(&programs, &directory, smallest)?;
        dev::run(&programs, &directory, &file, options.rounds, out)?;
    }
    if options.only == Some(Part::Costs) && stand_ins::costs()? != ExitCode::SUCCESS {
        bail!("the costs could not be measured; why stands above");
    }
    Ok(())
}

/// A file of events.
#[derive(Debug)]
struct EventFile {
    path: PathBuf,
    events: u64,
}

/// Writes the file with so many events. An old one is not trusted: the generator may have changed.
fn event_file(programs: &Programs, directory: &Path, events: u64) -> anyhow::Result<EventFile> {
    let path = directory.join(format!("events-{events}.ndjson"));
    programs.write_events(events, &path)?;
    Ok(EventFile { path, events })
}
