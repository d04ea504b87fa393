//! The functions: what a batch costs `aggregate`, how long each takes until it asks for work, and how large it is.
//!
//! CPU time is measured in process, on the steps of the function in their order and without a network: see [`mod@take`]. Start and
//! size are those of the release binaries beside a function that does nothing, in interleaved rounds.

pub(super) mod alerted;
mod desk;
mod first_poll;
mod payload;
pub(crate) mod take;

use super::programs::{FUNCTIONS, Programs, build_functions};
use super::rounds::median;
use super::table::{print, print_goal, ratio};
use anyhow::{Context, bail};
use first_poll::first_poll_micros;
use payload::Alerts;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use take::Took;

/// What is measured.
const CASES: [Case; 5] = [
    Case { name: "series: 1", series: 1, ..CASE },
    Case { name: "series: 100", series: 100, ..CASE },
    Case { name: "series: 1,000", series: 1_000, ..CASE },
    Case { name: "series: 10,000", series: 10_000, ..CASE },
    FULL_SHARD,
];
/// 100 orders a second, as many as fill a batch in ten. Before it counts more than an hour of orders comes, so that as many identities
/// are forgotten as come; then as many batches that at least one snapshot comes.
const CASE: Case = Case { name: "", series: 1, gap_ms: 10, warm_up: 400, batches: 1_600 };
/// As many as a shard takes, for an hour after an hour: the case that the goals are for.
const FULL_SHARD: Case = Case {
    name: "series: 1,000, 1,000 a second",
    series: 1_000,
    gap_ms: 1,
    warm_up: 3_600,
    batches: 3_600,
};
const GOAL_BATCH_NANOS: i64 = 1_500_000;
const GOAL_MILLIUNITS: i64 = 40_000;
/// How often each function is started.
const STARTS: usize = 30;
const GOAL_START_TIMES: i64 = 3;
const GOAL_BYTES: i64 = 15_000_000;

/// Orders that come.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    series: u64,
    gap_ms: i64,
    warm_up: u64,
    batches: u64,
}

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
        "\nAggregate, a payload of {} records, deduplicated, CPU ms: medians of {rounds} rounds",
        payload::RECORDS
    )?;
    let mut all: Vec<Vec<Took>> = vec![Vec::new(); CASES.len()];
    for _ in 0..rounds {
        for (case, measured) in CASES.iter().zip(&mut all) {
            measured.push(take(programs, case)?);
        }
    }
    let mut rows = Vec::new();
    let mut goal = (0, 0);
    for (case, measured) in CASES.iter().zip(&all) {
        let each = |figure: fn(&Took) -> i64| median(measured.iter().map(figure).collect());
        let milliseconds = |figure| ratio(each(figure), 1_000_000, 2);
        let whole = |figure| ratio(each(figure), 1_000, 1);
        rows.push(vec![
            case.name.to_owned(),
            milliseconds(|took| took.body_nanos),
            milliseconds(|took| took.read_nanos),
            milliseconds(|took| took.take_nanos),
            milliseconds(|took| took.median_nanos),
            milliseconds(|took| took.mean_nanos),
            whole(|took| took.entry_milliunits),
            whole(|took| took.snapshot_milliunits),
        ]);
        // The last case.
        let milliunits = each(|took| took.entry_milliunits + took.snapshot_milliunits);
        goal = (each(|took| took.median_nanos), milliunits);
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

/// Has a worker take batches without alerts.
fn take(programs: &Programs, case: &Case) -> anyhow::Result<Took> {
    take_with(programs, case, Alerts::None)
}

/// Has a worker take batches.
fn take_with(programs: &Programs, case: &Case, alerts: Alerts) -> anyhow::Result<Took> {
    let mut worker = Command::new(&programs.scripts);
    worker.args(["take", "--series", &case.series.to_string()]);
    worker.args(["--gap-ms", &case.gap_ms.to_string()]);
    worker.args(["--warm-up", &case.warm_up.to_string()]);
    worker.args(["--batches", &case.batches.to_string()]);
    worker.args(["--alerts", alerts.name()]);
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
