//! The plain loop: the works by hand, as one would write them for one question and one file.
//!
//! It borrows strings from the line, and knows the layout, the field names, the two places of the amounts and that no
//! event comes too late. It keeps every id and every window for ever. `streamgauge replay` may be no slower for knowing
//! none of that, and has to give the same answers.

use super::events::amount;
use super::works::Work;
use crate::time::MINUTE_MS;
use anyhow::Context;
use jiff::Timestamp;
use rapidhash::{RapidHashMap, RapidHashSet};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

/// Which work, on which file.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The work
    work: Work,
    /// The events
    file: PathBuf,
}

const WINDOW_MS: i64 = 5 * MINUTE_MS;
const WITHIN_MS: i64 = 30 * MINUTE_MS;

#[derive(Debug, Deserialize)]
struct Event<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    time: &'a str,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Debug, Deserialize)]
struct Data<'a> {
    order_id: &'a str,
    aggregator: &'a str,
    country: &'a str,
    amount: f64,
}

/// Reads the file and prints the answer, one line per window and series.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let name = options.file.display();
    let file = File::open(&options.file).with_context(|| format!("opening {name} failed"))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut totals = Totals::default();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).with_context(|| format!("reading {name} failed"))? > 0
    {
        totals
            .add(options.work, &line)
            .with_context(|| format!("an event in {name} could not be read"))?;
        line.clear();
    }
    totals.print(options.work, out).context("writing to standard output failed")
}

/// All that is counted.
#[derive(Debug, Default)]
struct Totals {
    seen: RapidHashSet<u64>,
    /// By window and series: sum in cents and count, part and whole, or started and finished.
    windows: BTreeMap<i64, RapidHashMap<String, (i64, i64)>>,
    /// The start of each open checkout, with its country.
    started: RapidHashMap<String, (i64, String)>,
    /// Completions that overtook their start.
    early: RapidHashMap<String, i64>,
    last_ms: i64,
    series: String,
}

impl Totals {
    fn add(&mut self, work: Work, line: &[u8]) -> anyhow::Result<()> {
        let event: Event<'_> = serde_json::from_slice(line)?;
        let time_ms = event.time.parse::<Timestamp>()?.as_millisecond();
        self.last_ms = self.last_ms.max(time_ms);
        if !self.seen.insert(rapidhash::v3::rapidhash_v3(event.id.as_bytes())) {
            return Ok(());
        }
        let created = i64::from(event.kind == "order.created");
        let rejected = i64::from(event.kind == "order.rejected");
        self.series.clear();
        match work {
            Work::A => {
                self.series.extend([event.data.aggregator, " ", event.kind]);
                self.count(time_ms, cents(event.data.amount), 1);
            }
            Work::B if created + rejected > 0 => {
                self.series.push_str(event.data.aggregator);
                self.count(time_ms, rejected, 1);
            }
            Work::C if event.kind == "checkout.started" => self.start(&event, time_ms),
            Work::C if event.kind == "checkout.completed" => self.finish(&event, time_ms),
            Work::B | Work::C => {}
        }
        Ok(())
    }

    fn count(&mut self, time_ms: i64, first: i64, second: i64) {
        let window = self.windows.entry(time_ms - time_ms.rem_euclid(WINDOW_MS)).or_default();
        if let Some(total) = window.get_mut(&self.series) {
            total.0 += first;
            total.1 += second;
        } else {
            window.insert(self.series.clone(), (first, second));
        }
    }

    fn start(&mut self, event: &Event<'_>, time_ms: i64) {
        let finished = self
            .early
            .remove(event.data.order_id)
            .is_some_and(|finish_ms| in_time(time_ms, finish_ms));
        if !finished {
            self.started
                .insert(event.data.order_id.to_owned(), (time_ms, event.data.country.to_owned()));
        }
        self.series.push_str(event.data.country);
        self.count(time_ms, 1, i64::from(finished));
    }

    fn finish(&mut self, event: &Event<'_>, time_ms: i64) {
        let Some((start_ms, country)) = self.started.remove(event.data.order_id) else {
            self.early.insert(event.data.order_id.to_owned(), time_ms);
            return;
        };
        if in_time(start_ms, time_ms) {
            self.series.push_str(&country);
            self.count(start_ms, 0, 1);
        }
    }

    /// Prints the windows that the last event's time has decided.
    fn print(&self, work: Work, out: &mut impl Write) -> anyhow::Result<()> {
        let decided_after_ms = if work == Work::C { WINDOW_MS + WITHIN_MS } else { WINDOW_MS };
        for (start_ms, series) in &self.windows {
            if start_ms + decided_after_ms > self.last_ms {
                continue;
            }
            let start = Timestamp::from_millisecond(*start_ms)?;
            for (name, (first, second)) in series {
                match work {
                    Work::A => writeln!(out, "{start} {name} {} {second}", amount(*first))?,
                    Work::B => writeln!(out, "{start} {name} {first} {second}")?,
                    Work::C => writeln!(out, "{start} {name} {first} {second} {}", first - second)?,
                }
            }
        }
        Ok(())
    }
}

const fn in_time(start_ms: i64, finish_ms: i64) -> bool {
    start_ms <= finish_ms && finish_ms <= start_ms + WITHIN_MS
}

/// The amount in cents, which its two places make exact.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "amounts are below 200, to two places"
)]
fn cents(amount: f64) -> i64 {
    (amount * 100.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events as (id, type, minute and rest of the time, order), and the lines of the answer.
    #[track_caller]
    fn check(work: Work, events: &[(&str, &str, &str, &str)], expect: &[&str]) {
        let mut totals = Totals::default();
        for (id, kind, time, order) in events {
            let line = format!(
                r#"{{"id":"{id}","type":"{kind}","time":"2026-01-05T{time}Z","data":{{"order_id":"{order}","aggregator":"a","country":"AE","amount":12.05}}}}"#
            );
            totals.add(work, line.as_bytes()).unwrap();
        }
        let mut out = Vec::new();
        totals.print(work, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), expect);
    }

    #[test]
    fn sums_count_each_id_once_and_leave_out_open_windows() {
        let events = [
            ("1", "order.created", "10:00:00", "x"),
            ("1", "order.created", "10:00:00", "x"),
            ("2", "order.created", "10:04:59.999", "y"),
            ("3", "order.created", "10:05:00", "z"),
        ];
        check(Work::A, &events, &["2026-01-05T10:00:00Z a order.created 24.1 2"]);
    }

    #[test]
    fn ratios_count_part_and_whole() {
        let events = [
            ("1", "order.created", "10:00:00", "x"),
            ("2", "order.rejected", "10:00:01", "y"),
            ("3", "checkout.started", "10:05:00", "z"),
        ];
        check(Work::B, &events, &["2026-01-05T10:00:00Z a 1 2"]);
    }

    #[test]
    fn journeys_end_at_the_limit() {
        let events = [
            ("1", "checkout.started", "10:00:00", "exact"),
            ("2", "checkout.started", "10:00:00", "over"),
            ("3", "checkout.completed", "10:00:09", "overtaken"),
            ("4", "checkout.started", "10:00:08", "overtaken"),
            ("5", "checkout.completed", "10:30:00", "exact"),
            ("6", "checkout.completed", "10:30:00.001", "over"),
            ("7", "checkout.started", "10:35:00", "open"),
        ];
        check(Work::C, &events, &["2026-01-05T10:00:00Z AE 3 2 1"]);
    }
}
