//! From start to first output: what a short command costs before it does anything.

use super::programs::Programs;
use super::rounds::median;
use super::table::{print_goal, ratio};
use super::works::write_rules_a;
use crate::time::{MINUTE_MS, START_MS, rfc3339};
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const RUNS: u32 = 30;
const GOAL_MICROS: i64 = 10_000;

/// Measures `streamgauge replay` on a file of ten lines.
pub(super) fn run(
    programs: &Programs,
    directory: &Path,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    writeln!(out, "\nFrom start to first output, ten events: median of {RUNS} runs")?;
    let rules = write_rules_a(directory)?;
    let events = directory.join("events-ten.ndjson");
    fs::write(&events, ten_events()?)
        .with_context(|| format!("writing {} failed", events.display()))?;
    let command = programs.replay(&rules, 1, &events);
    // The first run brings the program into memory.
    first_output_micros(&command)?;
    let times =
        (0..RUNS).map(|_| first_output_micros(&command)).collect::<anyhow::Result<Vec<i64>>>()?;
    let median = median(times);
    let figure = format!("{} ms", ratio(median, 1_000, 2));
    print_goal(
        out,
        "start to first output of replay at most 10 ms",
        median <= GOAL_MICROS,
        &figure,
    )?;
    Ok(())
}

/// Ten events, a minute apart: one window is decided, so that the first output is a point.
fn ten_events() -> anyhow::Result<String> {
    let mut lines = String::new();
    for place in 0..10 {
        let time = rfc3339(START_MS + place * MINUTE_MS)?;
        writeln!(
            lines,
            r#"{{"specversion":"1.0","id":"{place}","source":"checkout","type":"order.created","time":"{time}","data":{{"order_id":"o-{place}","aggregator":"aggregator-01","country":"AE","amount":12.5,"currency":"AED"}}}}"#
        )?;
    }
    Ok(lines)
}

/// The time until the first byte stands on the command's standard output.
fn first_output_micros(command: &[OsString]) -> anyhow::Result<i64> {
    let (program, arguments) = command.split_first().context("no command is given")?;
    let mut start_command = Command::new(program);
    start_command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = Instant::now();
    let mut child =
        start_command.spawn().with_context(|| format!("starting {} failed", program.display()))?;
    let mut output = child.stdout.take().context("the command has no standard output")?;
    let mut first = [0];
    let read = output.read(&mut first).context("reading the output failed")?;
    let elapsed = start.elapsed();
    output.read_to_end(&mut Vec::new()).context("reading the output failed")?;
    drop(output);
    let ended = child.wait_with_output().context("waiting for the command failed")?;
    if !ended.status.success() || read == 0 {
        bail!(
            "{} ended with {}:\n{}",
            program.display(),
            ended.status,
            String::from_utf8_lossy(&ended.stderr)
        );
    }
    Ok(i64::try_from(elapsed.as_micros())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_ten_events_of_json() {
        let text = ten_events().unwrap();
        assert_eq!(text.lines().count(), 10);
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    }

    #[test]
    fn the_first_byte_is_waited_for() {
        assert!(first_output_micros(&["echo".into(), "x".into()]).unwrap() > 0);
    }

    #[test]
    fn no_output_is_an_error() {
        assert!(first_output_micros(&["true".into()]).is_err());
    }
}
