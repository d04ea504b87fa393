//! The event-source simulator: how many records a second go from an embedded stream through an empty Rust function on two
//! cores, and what limits them.
//!
//! A shard gives at most five reads of 10,000 records a second, on AWS as here: with few shards that is what limits. So each case
//! also runs on a hurried clock, where the CPU does. And the same stream is drained by a function that is no process and answers at
//! once: the difference is the Runtime API and the function's own process.

pub(crate) mod drive;

use super::programs::Programs;
use super::rounds::median;
use super::table::{print, print_goal, ratio};
use anyhow::{Context, bail};
use drive::Driven;
use std::io::Write;
use std::process::Command;

/// The cases: batch size, shards, and how fast the clock runs.
const CASES: [(usize, usize, u32); 6] = [
    (1_000, 1, 1),
    (100, 8, 1),
    (1_000, 8, 1),
    (100, 8, 1_000),
    (1_000, 8, 1_000),
    (10_000, 8, 1_000),
];
const RECORDS: u64 = 400_000;
const GOAL_RECORDS_PER_SECOND: i64 = 20_000;

/// Measures all cases, each with the function and without.
pub(super) fn run(programs: &Programs, rounds: u32, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "\nEvent-source simulator, two cores, {RECORDS} records of {} bytes: medians of {rounds} rounds",
        drive::RECORD_BYTES
    )?;
    let mut rows = Vec::new();
    let mut slowest = i64::MAX;
    for case in CASES {
        let (batch, shards, speed) = case;
        for function in ["none", "empty"] {
            let runs = (0..rounds)
                .map(|_| measure(programs, function, case))
                .collect::<anyhow::Result<Vec<Driven>>>()?;
            let each = |figure: fn(&Driven) -> i64| median(runs.iter().map(figure).collect());
            let wall = each(|driven| driven.wall_micros).max(1);
            let per_second = i64::try_from(RECORDS)? * 1_000_000 / wall;
            if function == "empty" {
                slowest = slowest.min(per_second);
            }
            rows.push(vec![
                format!("batches of {batch}, shards: {shards}, clock x {speed}"),
                function.to_owned(),
                per_second.to_string(),
                each(|driven| driven.invocations).to_string(),
                ratio(each(|driven| driven.simulator_micros) * 100, wall, 0),
                ratio(each(|driven| driven.functions_micros) * 100, wall, 0),
            ]);
        }
    }
    let header =
        ["work", "function", "records/s", "invocations", "simulator CPU %", "function CPU %"];
    print(out, &header, &rows)?;
    print_goal(
        out,
        "at least 20,000 records a second through an empty function on two cores",
        slowest >= GOAL_RECORDS_PER_SECOND,
        &format!("slowest {slowest}"),
    )?;
    Ok(())
}

/// Has a worker drive one case.
fn measure(
    programs: &Programs,
    function: &str,
    (batch, shards, speed): (usize, usize, u32),
) -> anyhow::Result<Driven> {
    let mut worker = Command::new(&programs.scripts);
    worker.args(["drive", "--records", &RECORDS.to_string()]);
    worker.args(["--batch", &batch.to_string(), "--shards", &shards.to_string()]);
    worker.args(["--speed", &speed.to_string()]);
    if function == "empty" {
        worker.arg("--function").arg(&programs.empty_function);
    }
    let ended = worker.output().context("starting the worker failed")?;
    if !ended.status.success() {
        bail!("driving the function failed\n{}", String::from_utf8_lossy(&ended.stderr));
    }
    serde_json::from_slice(&ended.stdout).context("reading the figures failed")
}
