//! `streamgauge dev`: how many events a second it acknowledges when each is on the disk, and how long it takes until a page shows one.
//!
//! Workers of their own start it on two cores, on loopback and an empty store, push from the others, check that it has counted what
//! it acknowledged, and end it. Beside it stands what the disk takes to write and sync a little: no acknowledgement comes sooner.

mod bodies;
mod client;
mod disk;
pub(crate) mod push;
mod served;
pub(crate) mod watch;

use super::EventFile;
use super::programs::Programs;
use super::rounds::median;
use super::table::{print, print_goal, ratio};
use anyhow::{Context, bail};
use push::Pushed;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use tokio::runtime::{Builder, Runtime};
use watch::Watched;

/// Clients, and events of a request.
const CASES: [(i64, i64); 5] = [(1, 500), (8, 500), (1, 1), (8, 1), (64, 1)];
/// For how long each is pushed.
const SECONDS: i64 = 8;
/// How many are waited for, and how many others come each second meanwhile.
const WATCHES: [(i64, i64); 2] = [(60, 0), (200, 20_000)];
/// How often a write is synced.
const SYNCS_PER_WRITE: i64 = 2;
/// What the disk writes at a time.
const SYNC_BYTES: usize = 16 << 10;
const GOAL_EVENTS: i64 = 100_000;
const GOAL_REQUESTS: i64 = 10_000;
const GOAL_MICROS: i64 = 1_000_000;
/// Threads of who pushes.
const THREADS: usize = 2;

/// What is printed of each case.
const HEADER: [&str; 14] = [
    "work",
    "batch",
    "events/s",
    "requests/s",
    "ms p50",
    "ms p99",
    "requests/write",
    "events/write",
    "CPU us/event",
    "ms to end",
    "peak MB",
    "file MB",
    "sync ms p50",
    "sync ms p99",
];

/// The shop, with an alert that hears each order that is rejected; and what is watched, for each event a window that grows and an alert.
const RULES: &str = r#"version: 1
namespace: Benchmark
out_of_order: 0s
allowed_lateness: 1m
late: correct
deduplicate: 1h
metrics:
  amounts:
    sum: data.amount
    dimensions: {type: type, aggregator: data.aggregator}
    window: 1m
  rejection_rate:
    ratio:
      part: type == "order.rejected"
      whole: type in ["order.created", "order.rejected"]
    dimensions: {aggregator: data.aggregator}
    window: 1m
  rejections:
    count: type == "order.rejected"
    dimensions: {aggregator: data.aggregator}
    window: 1m
  abandonment:
    journey:
      start: type == "checkout.started"
      finish: type == "checkout.completed"
      key: data.order_id
      within: 30m
    dimensions: {country: data.country}
    window: 5m
  probes:
    count: type == "probe"
    dimensions: {probe: data.probe}
    window: 1h
    emit: live
    max_series: 10000
alerts:
  probed: {metric: probes, when: sum over 1m >= 1, severity: info, notify: [hook]}
  rejected: {metric: rejections, when: sum over 10m >= 3, severity: critical, notify: [hook]}
channels:
  hook: {webhook: {url: "http://127.0.0.1:9/"}}
"#;

/// Measures pushes and messages.
pub(super) fn run(
    programs: &Programs,
    directory: &Path,
    file: &EventFile,
    rounds: u32,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    pushes(programs, directory, file, rounds, out)?;
    watches(programs, directory, file, rounds, out)
}

fn pushes(
    programs: &Programs,
    directory: &Path,
    file: &EventFile,
    rounds: u32,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    writeln!(
        out,
        "\nPushes to `streamgauge dev` on two cores, {SECONDS} s each: medians of {rounds} rounds"
    )?;
    let mut all: Vec<Vec<Pushed>> = CASES.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((clients, batch), measured) in CASES.iter().zip(&mut all) {
            let options = [("--clients", *clients), ("--batch", *batch), ("--seconds", SECONDS)];
            measured.push(measure(programs, directory, file, ("push", &options))?);
        }
    }
    let mut rows = Vec::new();
    let (mut fastest_events, mut fastest_requests, mut allowed) = (0, 0, 0);
    for ((clients, batch), measured) in CASES.iter().zip(&all) {
        let each = |figure: fn(&Pushed) -> i64| median(measured.iter().map(figure).collect());
        let (events, requests) = (each(Pushed::events_a_second), each(Pushed::requests_a_second));
        if *batch > 1 {
            fastest_events = fastest_events.max(events);
        } else if requests > fastest_requests {
            let write_micros = SYNCS_PER_WRITE * each(|pushed| pushed.disk_half_micros).max(1);
            (fastest_requests, allowed) = (requests, clients * 1_000_000 / write_micros);
        }
        rows.push(row((*clients, *batch), each));
    }
    print(out, &HEADER, &rows)?;
    goals(fastest_events, (fastest_requests, allowed), out)
}

/// A row of figures, of which `each` makes one of all rounds.
fn row((clients, batch): (i64, i64), each: impl Fn(fn(&Pushed) -> i64) -> i64) -> Vec<String> {
    let milliseconds = |figure| ratio(each(figure), 1_000, 2);
    let megabytes = |figure| ratio(each(figure), 1_000_000, 0);
    let per_write = |figure| ratio(each(figure), each(|pushed| pushed.used.writes), 1);
    vec![
        format!("clients: {clients}"),
        batch.to_string(),
        each(Pushed::events_a_second).to_string(),
        each(Pushed::requests_a_second).to_string(),
        milliseconds(|pushed| pushed.half_micros),
        milliseconds(|pushed| pushed.most_micros),
        per_write(|pushed| pushed.requests),
        per_write(|pushed| pushed.events),
        ratio(each(|pushed| pushed.used.cpu_micros * 1_000 / pushed.events.max(1)), 1_000, 1),
        milliseconds(|pushed| pushed.used.end_micros),
        megabytes(|pushed| pushed.used.peak_bytes),
        megabytes(|pushed| pushed.used.file_bytes),
        milliseconds(|pushed| pushed.disk_half_micros),
        milliseconds(|pushed| pushed.disk_most_micros),
    ]
}

/// With all clients in each write, and no others, the disk allows no more requests than that.
fn goals(events: i64, (requests, allowed): (i64, i64), out: &mut impl Write) -> anyhow::Result<()> {
    let batches = "at least 100,000 events a second in batches of 500";
    print_goal(out, batches, events >= GOAL_EVENTS, &events.to_string())?;
    let singles = "at least 10,000 requests of an event each a second";
    let share = requests * 100 / allowed.max(1);
    let figure = format!("{requests}; syncs of the disk alone allow {allowed}, {share} % of it");
    print_goal(out, singles, requests >= GOAL_REQUESTS, &figure)?;
    Ok(())
}

fn watches(
    programs: &Programs,
    directory: &Path,
    file: &EventFile,
    rounds: u32,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    writeln!(
        out,
        "\nFrom a push to its message on the live stream, ms: medians of {rounds} rounds"
    )?;
    let mut rows = Vec::new();
    let mut slowest = 0;
    for (count, load) in WATCHES {
        let mut measured = Vec::<Watched>::new();
        for _ in 0..rounds {
            let options = [("--count", count), ("--load", load)];
            measured.push(measure(programs, directory, file, ("watch", &options))?);
        }
        let each = |figure: fn(&Watched) -> i64| median(measured.iter().map(figure).collect());
        let figures = [
            each(|watched| watched.point_half),
            each(|watched| watched.point_most),
            each(|watched| watched.alert_half),
            each(|watched| watched.alert_most),
        ];
        slowest = figures.into_iter().max().unwrap_or(0).max(slowest);
        let mut row = vec![format!("{load} others a second"), count.to_string()];
        row.extend(figures.map(|micros| ratio(micros, 1_000, 0)));
        rows.push(row);
    }
    let header = ["work", "events", "point p50", "point p99", "alert p50", "alert p99"];
    print(out, &header, &rows)?;
    let figure = format!("slowest {} ms", ratio(slowest, 1_000, 0));
    print_goal(out, "99 in 100 within a second", slowest < GOAL_MICROS, &figure)?;
    Ok(())
}

/// What a worker has measured with these options.
fn measure<T: DeserializeOwned>(
    programs: &Programs,
    directory: &Path,
    file: &EventFile,
    (name, options): (&str, &[(&str, i64)]),
) -> anyhow::Result<T> {
    let mut worker = Command::new(&programs.scripts);
    worker.arg(name).arg("--server").arg(&programs.streamgauge);
    worker.arg("--events").arg(&file.path).arg("--directory").arg(directory);
    for (option, value) in options {
        worker.arg(option).arg(value.to_string());
    }
    let ended = worker.output().context("starting the worker failed")?;
    if !ended.status.success() {
        bail!("measuring dev failed\n{}", String::from_utf8_lossy(&ended.stderr));
    }
    serde_json::from_slice(&ended.stdout).context("reading the figures failed")
}

/// What runs those who push.
fn runtime() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(THREADS).enable_all().build().context("starting threads failed")
}

/// Of some figures the one that half of them do not exceed, and the one that 99 in 100 do not.
fn half_and_most(mut figures: Vec<i64>) -> [i64; 2] {
    figures.sort_unstable();
    let last = figures.len().saturating_sub(1);
    [50, 99].map(|percent| figures.get(last * percent / 100).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_most_are_of_all_figures() {
        assert_eq!(half_and_most((0..=100).rev().collect()), [50, 99]);
        assert_eq!(half_and_most(vec![7]), [7, 7]);
        assert_eq!(half_and_most(vec![]), [0, 0]);
    }
}
