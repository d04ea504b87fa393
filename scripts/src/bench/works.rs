//! The works that are measured, as rules files, and what is printed of them.

use super::measure::Usage;
use super::programs::Programs;
use super::rounds::{self, Candidate};
use super::table::{print, print_goal, ratio};
use super::{EventFile, Options, replay};
use anyhow::Context;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

/// A question to the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Work {
    /// Count and sum of the amounts per type, aggregator and 5 minutes.
    A,
    /// Rejected orders among all, per aggregator and 5 minutes.
    B,
    /// Checkouts not completed within 30 minutes, per country and 5 minutes of their start.
    C,
}

/// What all rules files of the benchmark begin with: deduplication is on, and nothing is late.
const HEADER: &str = "version: 1
namespace: Benchmark
out_of_order: 90s
allowed_lateness: 0s
late: correct
deduplicate: 1h
metrics:
";

const METRIC_A: &str = "  amounts:
    sum: data.amount
    dimensions: {type: type, aggregator: data.aggregator}
    window: 5m
";

const METRIC_B: &str = "  rejection_rate:
    ratio:
      part: type == \"order.rejected\"
      whole: type in [\"order.created\", \"order.rejected\"]
    dimensions: {aggregator: data.aggregator}
    window: 5m
";

const METRIC_C: &str = "  abandonment:
    journey:
      start: type == \"checkout.started\"
      finish: type == \"checkout.completed\"
      key: data.order_id
      within: 30m
    dimensions: {country: data.country}
    window: 5m
";

impl Work {
    const ALL: [(Self, &'static str, &'static str); 3] =
        [(Self::A, "a", METRIC_A), (Self::B, "b", METRIC_B), (Self::C, "c", METRIC_C)];
}

/// Largest peak on five million events.
const PEAK_GOAL_BYTES: i64 = 64 * 1_024 * 1_024;

/// Measures the three works on one file of events.
pub(super) fn run(
    programs: &Programs,
    directory: &Path,
    file: &EventFile,
    options: &Options,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    writeln!(
        out,
        "\nWorks on {} events, deduplicated, {} cores: medians of {} rounds",
        file.events,
        cores(),
        options.rounds
    )?;
    let mut candidates = Vec::new();
    let mut works = Vec::new();
    for (work, name, metric) in Work::ALL {
        let rules = write_rules(directory, name, metric)?;
        let plain = directory.join(format!("answer-{name}-plain.txt"));
        candidates.push(Candidate {
            name: "plain loop".to_owned(),
            command: programs.plain(name, &file.path),
            output: plain,
        });
        works.push((work, None));
        for threads in &options.threads {
            let output = directory.join(format!("answer-{name}-{threads}.ndjson"));
            let command = programs.replay(&rules, *threads, &file.path);
            candidates.push(Candidate {
                name: format!("replay, {threads} threads"),
                command,
                output,
            });
            works.push((work, Some(*threads)));
        }
    }
    let usages = rounds::run(&programs.scripts, options.rounds, &candidates, |candidate| {
        check(directory, candidate)
    })?;
    let rows: Vec<Row> = works
        .into_iter()
        .zip(usages)
        .map(|((work, threads), usage)| Row { work, threads, usage })
        .collect();
    print_rows(&rows, file.events, out)?;
    print_goals(&rows, file.events, cores(), out)
}

/// Compares a replay's answer with the plain loop's, which was written before it in the same round.
fn check(directory: &Path, candidate: &Candidate) -> anyhow::Result<()> {
    let name = candidate.output.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    for (work, letter, _) in Work::ALL {
        if name.starts_with(&format!("answer-{letter}-")) && name.ends_with(".ndjson") {
            let plain = read(&directory.join(format!("answer-{letter}-plain.txt")))?;
            replay::check(work, &read(&candidate.output)?, &plain)?;
        }
    }
    Ok(())
}

/// What one command used for one work; without threads it is the plain loop.
struct Row {
    work: Work,
    threads: Option<u32>,
    usage: Usage,
}

fn usage_of(rows: &[Row], work: Work, threads: Option<u32>) -> Option<Usage> {
    rows.iter().find(|row| row.work == work && row.threads == threads).map(|row| row.usage)
}

fn print_rows(rows: &[Row], events: u64, out: &mut impl Write) -> anyhow::Result<()> {
    let header = [
        "work",
        "command",
        "M events/CPU s",
        "M events/s",
        "CPU s",
        "wall s",
        "peak MB",
        "x plain (CPU)",
        "x plain (wall)",
    ];
    let events = i64::try_from(events)?;
    let lines = rows.iter().map(|row| {
        let Usage { wall_micros, cpu_micros, peak_bytes } = row.usage;
        let plain = usage_of(rows, row.work, None).unwrap_or(row.usage);
        vec![
            format!("{:?}", row.work),
            row.threads.map_or_else(
                || "plain loop".to_owned(),
                |threads| format!("replay, threads: {threads}"),
            ),
            ratio(events, cpu_micros, 2),
            ratio(events, wall_micros, 2),
            ratio(cpu_micros, 1_000_000, 2),
            ratio(wall_micros, 1_000_000, 2),
            ratio(peak_bytes, 1_024 * 1_024, 1),
            ratio(plain.cpu_micros, cpu_micros, 2),
            ratio(plain.wall_micros, wall_micros, 2),
        ]
    });
    print(out, &header, &lines.collect::<Vec<_>>())?;
    writeln!(out, "all answers equal the plain loop's")?;
    Ok(())
}

/// The goals for memory and threads, for the worst of the works.
fn print_goals(rows: &[Row], events: u64, cores: u32, out: &mut impl Write) -> anyhow::Result<()> {
    if events >= 5_000_000 {
        let replays = rows.iter().filter(|row| row.threads.is_some());
        let peak = replays.map(|row| row.usage.peak_bytes).max().unwrap_or(0);
        let figure = format!("{} MB", ratio(peak, 1_024 * 1_024, 1));
        let goal = "peak memory on 5 M events at most 64 MB";
        print_goal(out, goal, peak <= PEAK_GOAL_BYTES, &figure)?;
    }
    for (threads, percent) in [(2, 160), (4, 250)] {
        let speedups: Vec<(i64, String)> =
            Work::ALL.iter().filter_map(|(work, _, _)| speedup(rows, *work, threads)).collect();
        let Some(worst) = speedups.iter().map(|(reached, _)| *reached).min() else { continue };
        let figures: Vec<&str> = speedups.iter().map(|(_, text)| text.as_str()).collect();
        let figures = figures.join(", ");
        let goal =
            format!("{threads} threads at least {} times one in wall time", ratio(percent, 100, 1));
        if cores < threads {
            writeln!(out, "goal not judged: {goal} ({figures}; this machine has {cores} cores)")?;
        } else {
            print_goal(out, &goal, worst >= percent, &figures)?;
        }
    }
    Ok(())
}

/// How many percent of one thread's speed so many have, and as text.
fn speedup(rows: &[Row], work: Work, threads: u32) -> Option<(i64, String)> {
    let one = usage_of(rows, work, Some(1))?.wall_micros;
    let many = usage_of(rows, work, Some(threads))?.wall_micros;
    Some((one * 100 / many.max(1), format!("{work:?} {}", ratio(one, many, 2))))
}

/// The cores that this process may use.
fn cores() -> u32 {
    thread::available_parallelism()
        .ok()
        .and_then(|cores| u32::try_from(cores.get()).ok())
        .unwrap_or(1)
}

/// Writes a rules file of the benchmark.
pub(super) fn write_rules(directory: &Path, name: &str, metrics: &str) -> anyhow::Result<PathBuf> {
    let path = directory.join(format!("rules-{name}.yaml"));
    fs::write(&path, format!("{HEADER}{metrics}"))
        .with_context(|| format!("writing {} failed", path.display()))?;
    Ok(path)
}

/// The rules file of work A.
pub(super) fn write_rules_a(directory: &Path) -> anyhow::Result<PathBuf> {
    write_rules(directory, "a", METRIC_A)
}

/// Reads an answer.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {} failed", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(commands: &[(Option<u32>, i64)]) -> Vec<Row> {
        let row = |&(threads, wall_micros): &(Option<u32>, i64)| Row {
            work: Work::A,
            threads,
            usage: Usage { wall_micros, cpu_micros: 2_000_000, peak_bytes: 65 * 1_024 * 1_024 },
        };
        commands.iter().map(row).collect()
    }

    fn goals(rows: &[Row], events: u64) -> String {
        let mut out = Vec::new();
        print_goals(rows, events, 2, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn goals_are_judged() {
        let text = goals(
            &rows(&[(None, 9), (Some(1), 1_000_000), (Some(2), 600_000), (Some(4), 500_000)]),
            5_000_000,
        );
        assert!(
            text.contains("goal MISSED: peak memory on 5 M events at most 64 MB (65.0 MB)"),
            "{text}"
        );
        assert!(
            text.contains("goal met: 2 threads at least 1.6 times one in wall time (A 1.67)"),
            "{text}"
        );
        assert!(
            text.contains("goal not judged: 4 threads at least 2.5 times one in wall time (A 2.00; this machine has 2 cores)"),
            "{text}"
        );
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert_eq!(goals(&rows(&[(None, 9), (Some(1), 9)]), 1_000), "");
    }

    #[test]
    fn rows_are_compared_with_the_plain_loop() {
        let mut out = Vec::new();
        print_rows(&rows(&[(None, 3_000_000), (Some(1), 1_000_000)]), 4_000_000, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let replay = text.lines().nth(2).unwrap();
        assert_eq!(
            replay.split_whitespace().collect::<Vec<_>>().join(" "),
            "A replay, threads: 1 2.00 4.00 2.00 1.00 65.0 1.00 3.00"
        );
    }
}
