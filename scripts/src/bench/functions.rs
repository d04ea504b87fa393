//! The functions: what a batch costs `aggregate`, how long each takes until it asks for work, and how large it is.
//!
//! CPU time is measured in process, on the steps of the function in their order and without a network: see [`mod@take`]. Start and
//! size are those of the release binaries beside a function that does nothing, in interleaved rounds.

mod desk;
mod first_poll;
mod payload;
pub(crate) mod take;

use super::programs::{FUNCTIONS, Programs, build_functions};
use super::rounds::median;
use super::table::{print, print_goal, ratio};
use anyhow::{Context, bail};
use first_poll::first_poll_micros;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use take::Took;

/// Series of the cases.
const SERIES: [u64; 4] = [1, 100, 1_000, 10_000];
/// Batches before it counts: more than an hour of orders, so that as many identities are forgotten as come.
const WARM_UP: u64 = 400;
/// Batches of a case: at least one snapshot comes.
const BATCHES: u64 = 1_600;
/// The case that the goals are for.
const GOAL_SERIES: u64 = 1_000;
const GOAL_BATCH_NANOS: i64 = 1_500_000;
const GOAL_MILLIUNITS: i64 = 40_000;
/// How often each function is started.
const STARTS: usize = 30;
const GOAL_START_TIMES: i64 = 3;
const GOAL_BYTES: i64 = 15_000_000;

/// Measures batches, starts and sizes.
pub(super) fn run(
    programs: &Programs,
    directory: &Path,
    rounds: u32,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    batches(programs, rounds, out)?;
    starts(programs, directory, out)
}

/// What a batch of 1,000 records costs.
fn batches(programs: &Programs, rounds: u32, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "\nAggregate, a payload of {} records, deduplicated, CPU ms: medians of {rounds} rounds of {BATCHES} batches",
        payload::RECORDS
    )?;
    let mut all: Vec<Vec<Took>> = vec![Vec::new(); SERIES.len()];
    for _ in 0..rounds {
        for (series, measured) in SERIES.iter().zip(&mut all) {
            measured.push(take(programs, *series)?);
        }
    }
    let mut rows = Vec::new();
    let mut goal = (0, 0);
    for (series, measured) in SERIES.iter().zip(&all) {
        let each = |figure: fn(&Took) -> i64| median(measured.iter().map(figure).collect());
        let milliseconds = |figure| ratio(each(figure), 1_000_000, 2);
        let whole = |figure| ratio(each(figure), 1_000, 1);
        rows.push(vec![
            format!("series: {series}"),
            milliseconds(|took| took.body_nanos),
            milliseconds(|took| took.read_nanos),
            milliseconds(|took| took.take_nanos),
            milliseconds(|took| took.median_nanos),
            milliseconds(|took| took.mean_nanos),
            whole(|took| took.entry_milliunits),
            whole(|took| took.snapshot_milliunits),
        ]);
        if *series == GOAL_SERIES {
            let milliunits = each(|took| took.entry_milliunits + took.snapshot_milliunits);
            goal = (each(|took| took.median_nanos), milliunits);
        }
    }
    let header =
        ["work", "body", "payload", "entry", "together", "mean", "units: entry", "snapshots"];
    print(out, &header, &rows)?;
    let (nanos, units) = goal;
    let cpu = format!("{} ms", ratio(nanos, 1_000_000, 2));
    let cpu_goal = "a payload of 1,000 records and series at most 1.5 ms of CPU";
    print_goal(out, cpu_goal, nanos <= GOAL_BATCH_NANOS, &cpu)?;
    let units_goal = "its entry and its share of snapshots at most 40 write units";
    let units_used = ratio(units, 1_000, 1);
    print_goal(out, units_goal, units <= GOAL_MILLIUNITS, &units_used)?;
    Ok(())
}

/// Has a worker take batches.
fn take(programs: &Programs, series: u64) -> anyhow::Result<Took> {
    let mut worker = Command::new(&programs.scripts);
    worker.args(["take", "--series", &series.to_string()]);
    worker.args(["--warm-up", &WARM_UP.to_string(), "--batches", &BATCHES.to_string()]);
    let ended = worker.output().context("starting the worker failed")?;
    if !ended.status.success() {
        bail!("taking batches failed\n{}", String::from_utf8_lossy(&ended.stderr));
    }
    serde_json::from_slice(&ended.stdout).context("reading the figures failed")
}

/// A function that is started.
struct Started {
    name: &'static str,
    binary: PathBuf,
    micros: Vec<i64>,
}

/// How long each function takes to its first poll, and how large it is.
fn starts(programs: &Programs, directory: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let rules = directory.join("rules-function");
    fs::create_dir_all(&rules).context("creating a folder for rules failed")?;
    fs::write(rules.join("rules.yaml"), payload::RULES).context("writing the rules failed")?;
    let mut functions = vec![("hello world", programs.empty_function.clone())];
    functions.extend(FUNCTIONS.into_iter().zip(build_functions()?));
    let started = |(name, binary)| Started { name, binary, micros: Vec::new() };
    let mut functions: Vec<Started> = functions.into_iter().map(started).collect();
    // The first round brings the programs into memory.
    for round in 0..=STARTS {
        for function in &mut functions {
            let micros = first_poll_micros(&function.binary, &rules)?;
            if round > 0 {
                function.micros.push(micros);
            }
        }
    }
    writeln!(out, "\nFrom the start of a process to its first poll: {STARTS} starts of each")?;
    print_starts(&functions, out)
}

/// The goal looks at the minimum: what else runs on the machine only adds to it.
fn print_starts(functions: &[Started], out: &mut impl Write) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let (mut hello, mut slowest, mut largest) = (1, 0, 0);
    for (place, function) in functions.iter().enumerate() {
        let bytes = fs::metadata(&function.binary).context("looking at a binary failed")?.len();
        let bytes = i64::try_from(bytes)?;
        let median = median(function.micros.clone());
        let minimum = function.micros.iter().min().copied().unwrap_or(0);
        if place == 0 {
            hello = minimum;
        } else {
            slowest = slowest.max(minimum);
            largest = largest.max(bytes);
        }
        rows.push(vec![
            function.name.to_owned(),
            ratio(minimum, 1_000, 2),
            ratio(median, 1_000, 2),
            ratio(minimum, hello, 2),
            ratio(bytes, 1_000_000, 2),
        ]);
    }
    print(out, &["function", "minimum ms", "median ms", "x hello world", "MB"], &rows)?;
    let start = format!("slowest {}", ratio(slowest, hello, 2));
    let start_goal = "each function starts in at most 3 times the time of hello world";
    print_goal(out, start_goal, slowest <= GOAL_START_TIMES * hello, &start)?;
    let size = format!("largest {} MB", ratio(largest, 1_000_000, 2));
    print_goal(out, "each function at most 15 MB", largest <= GOAL_BYTES, &size)?;
    Ok(())
}
