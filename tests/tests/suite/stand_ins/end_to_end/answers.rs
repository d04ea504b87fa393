//! What should stand in `CloudWatch`: the points of `streamgauge replay` on what was sent, as statistics.
//!
//! A point and its corrections are one entry here, since `CloudWatch` adds them up.

use super::super::built::binary;
use super::rejected::{self, Rejected};
use super::stack;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use streamgauge_engine::time::Timestamp;

/// One metric, series and window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) metric: String,
    /// `country=France`
    pub(super) series: String,
    /// In seconds since 1970.
    pub(super) start: i64,
}

/// What `CloudWatch` has of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Statistics {
    pub(super) sum: f64,
    /// Without it, how many puts there were is not told.
    pub(super) samples: Option<f64>,
    /// The smallest and the largest value, if they are told.
    pub(super) ends: Option<(f64, f64)>,
}

/// All statistics.
pub(super) type Table = BTreeMap<Cell, Statistics>;

/// What a replay said.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) table: Table,
    /// The counters by name, such as `received`.
    pub(super) counters: BTreeMap<String, u64>,
    pub(super) rejected: Rejected,
    /// When the first and the last event happened.
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// When the last window of `table` is over.
    pub(super) over: Timestamp,
}

/// How long after now a replay looks, in milliseconds: every window is over then.
const LOOK_AHEAD_MS: i64 = 600_000;

/// The lengths of the windows, in seconds.
pub(super) fn window_seconds(metric: &str) -> i32 {
    match metric {
        "revenue" | "order_value" => 30,
        "customers" | "amounts" => 60,
        _ => 10,
    }
}

/// Replays what was sent.
pub(super) fn replay(rules: &Path, sent: &Path) -> Answers {
    let rejects = sent.with_extension("rejects.ndjson");
    let until = Timestamp::from_millis(stack::now().as_millis() + LOOK_AHEAD_MS);
    let mut command = stack::command(binary("streamgauge"));
    command.arg("replay").arg("--rules").arg(rules);
    command
        .args(["--output", "json", "--until", &until.to_string()])
        .arg("--rejects")
        .arg(&rejects)
        .arg(sent);
    let output = stack::output(command);
    let mut lines: Vec<serde_json::Value> =
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    let moment = |name: &str| Timestamp::parse_rfc3339(summary[name].as_str().unwrap()).unwrap();
    let (first, last) = (moment("first_event"), moment("last_event"));
    let counter = |name: &str| (name.to_owned(), summary[name].as_u64().unwrap());
    let counters =
        ["received", "counted", "filtered", "duplicate", "late", "rejected"].map(counter);
    let mut table = Table::new();
    for point in &lines {
        add_point(&mut table, point);
    }
    let table = within(table, first, last);
    let ends = table.keys().map(|cell| cell.start + i64::from(window_seconds(&cell.metric)));
    let over = Timestamp::from_millis(ends.max().unwrap() * 1_000);
    let rejected = rejected::written(&rejects);
    Answers { table, counters: BTreeMap::from(counters), rejected, first, last, over }
}

/// The cells whose windows have to do with these events: zeros go on as long as somebody looks.
pub(super) fn within(mut table: Table, first: Timestamp, last: Timestamp) -> Table {
    table.retain(|cell, _| {
        let end = cell.start + i64::from(window_seconds(&cell.metric));
        end * 1_000 > first.as_millis() && cell.start * 1_000 <= last.as_millis()
    });
    table
}

/// Adds a point as deliver puts it: `lib/cloudwatch/src/data.rs` has the table.
fn add_point(table: &mut Table, point: &serde_json::Value) {
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let metric = point["metric"].as_str().unwrap();
    let mut put = |suffix: &str, statistics: Statistics| {
        let dimensions = point["dimensions"].as_object().unwrap().iter();
        let dimensions = dimensions.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let start = Timestamp::parse_rfc3339(point["window_start"].as_str().unwrap()).unwrap();
        let metric = format!("{metric}{suffix}");
        let cell = Cell { metric, series: series(dimensions), start: start.as_millis() / 1_000 };
        table.entry(cell).and_modify(|before| before.add(&statistics)).or_insert(statistics);
    };
    match metric {
        "orders" | "cancellations" => put("", Statistics::one(number(&point["sum"]))),
        "orders_live" => {
            put("", Statistics { samples: None, ends: None, sum: number(&point["sum"]) });
        }
        "customers" => put("", Statistics::one(number(&point["unique"]))),
        "revenue" | "amounts" => put("", Statistics::set(&point["sum"], &point["count"])),
        "order_value" => put("", Statistics::set(&point["sum"], &point["count"]).between(point)),
        "cancelled_share" if number(&point["count"]) > 0.0 => {
            put("", Statistics::set(&point["sum"], &point["count"]));
        }
        "reorders" => {
            for name in ["started", "finished", "abandoned"] {
                put(&format!(".{name}"), Statistics::one(number(&point[name])));
            }
            put("", Statistics::set(&point["abandoned"], &point["started"]));
            let time = &point["time"];
            if time["count"].as_u64().is_some_and(|finished| finished > 0) {
                let sum = number(&time["average"]) * number(&time["count"]);
                put(".time", Statistics::set(&sum.into(), &time["count"]).between(time));
            }
        }
        _ => {}
    }
}

/// `country=France,region=South`
pub(super) fn series<'d>(dimensions: impl Iterator<Item = (&'d str, &'d str)>) -> String {
    let mut pairs: Vec<_> = dimensions.map(|(name, value)| format!("{name}={value}")).collect();
    pairs.sort();
    pairs.join(",")
}

impl Statistics {
    /// One value.
    fn one(value: f64) -> Self {
        Self { sum: value, samples: Some(1.0), ends: Some((value, value)) }
    }

    /// A statistic set.
    fn set(sum: &serde_json::Value, samples: &serde_json::Value) -> Self {
        Self { sum: sum.as_f64().unwrap(), samples: samples.as_f64(), ends: None }
    }

    /// With the ends of a distribution.
    fn between(self, point: &serde_json::Value) -> Self {
        Self { ends: point["min"].as_f64().zip(point["max"].as_f64()), ..self }
    }

    fn add(&mut self, other: &Self) {
        self.sum += other.sum;
        self.samples = self.samples.zip(other.samples).map(|(one, other)| one + other);
        let ends = self.ends.zip(other.ends);
        self.ends = ends.map(|((low, high), (least, most))| (low.min(least), high.max(most)));
    }

    /// Whether `CloudWatch` has this: sums of whole numbers and samples to the last one, averages as far as they are written, the
    /// ends of a distribution within its 1 %.
    fn is_met_by(&self, found: &Self) -> bool {
        let near = |one: f64, other: f64, part: f64| {
            (one - other).abs() <= part * one.abs().max(other.abs())
        };
        near(self.sum, found.sum, 1e-9)
            && self.samples.is_none_or(|samples| found.samples == Some(samples))
            && self.ends.is_none_or(|(least, most)| {
                found.ends.is_some_and(|ends| near(least, ends.0, 0.01) && near(most, ends.1, 0.01))
            })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = Timestamp::from_millis(self.start * 1_000);
        write!(formatter, "{}{{{}}} {start}", self.metric, self.series)
    }
}

/// Where what was found is not what should be, a line each.
pub(super) fn differences(expect: &Table, found: &Table) -> Vec<String> {
    let missing = expect.iter().filter_map(|(cell, expect)| match found.get(cell) {
        None => Some(format!("{cell}: missing {expect:?}")),
        Some(found) if !expect.is_met_by(found) => {
            Some(format!("{cell}: {expect:?}, found {found:?}"))
        }
        Some(_) => None,
    });
    let more = found.iter().filter(|(cell, _)| !expect.contains_key(cell));
    missing.chain(more.map(|(cell, more)| format!("{cell}: found {more:?}"))).collect()
}
