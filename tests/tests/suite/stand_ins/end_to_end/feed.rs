//! What is sent: real orders, and between them what producers do wrong.
//!
//! | every so many orders | is sent besides | and is |
//! | --- | --- | --- |
//! | 20 | a copy of an order that was sent 10 before | a duplicate |
//! | 35 | something that no rule wants | filtered |
//! | 50 | an order whose amount is a text | a reject |
//! | 170 | a line that ends in the middle | a reject |

use crate::suite::shared_data;
use std::fs;
use std::path::{Path, PathBuf};
use streamgauge_engine::hash;

/// The log of orders that is sent.
const LOG: &str = "online_retail_orders.ndjson.zst";

/// What stands in orders that are rejected, and in no others.
pub(super) const WRONG_VALUE: &str = r#""amount_minor":"GBP""#;

/// Which of the orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// Those of the busiest month.
    November,
    /// Those of a year and nine days.
    Year,
    /// Others, at the rate of one full shard.
    Costs,
}

impl Span {
    /// How many times as fast as it was: a month in three quarters of a minute, the year in nine minutes.
    pub(super) fn speed(self) -> u32 {
        match self {
            Self::November => 58_000,
            Self::Year => 60_000,
            Self::Costs => 1,
        }
    }

    /// How long after its end a window is decided at the latest, in milliseconds: a journey's `within`, and `allowed_lateness`.
    pub(super) fn decided_after_ms(self) -> i64 {
        match self {
            Self::November | Self::Year => 15_000,
            // There are no journeys, and nothing comes late.
            Self::Costs => 0,
        }
    }

    fn takes(self, line: &str) -> bool {
        self == Self::Year || line.contains(r#""time":"2011-11-"#)
    }
}

/// Lines to send. None where the orders are not there.
pub(super) fn lines(span: Span) -> Option<Vec<String>> {
    let orders = shared_data::lines(&shared_data::folder()?.join(LOG));
    let orders = orders.into_iter().map(|line| String::from_utf8(line).unwrap());
    let orders: Vec<_> = orders.filter(|line| span.takes(line)).collect();
    let mut lines = Vec::new();
    for (number, order) in orders.iter().enumerate() {
        lines.push(order.clone());
        if number % 20 == 19 {
            lines.push(orders[number - 10].clone());
        }
        if number % 35 == 34 {
            lines.push(other(order, "page.viewed"));
        }
        if number % 50 == 49 {
            let wrong = format!("{WRONG_VALUE},\"was\":");
            let wrong = order.replacen(r#""amount_minor":"#, &wrong, 1);
            lines.push(other(&wrong, "order.placed"));
        }
        if number % 170 == 169 {
            lines.push(format!("{}\n", order.split_once(r#","data""#).unwrap().0));
        }
    }
    Some(lines)
}

/// The same under another identity and type.
fn other(order: &str, kind: &str) -> String {
    let mut event: serde_json::Value = serde_json::from_str(order).unwrap();
    event["id"] = format!("{}-{kind}", event["id"].as_str().unwrap()).into();
    event["type"] = kind.into();
    format!("{event}\n")
}

/// How lines are told apart for [`split`]: copies of one event are alike.
fn identity(line: &str) -> u64 {
    let event: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let id = event.and_then(|event| event["id"].as_str().map(str::to_owned));
    hash::stable(id.as_deref().unwrap_or(line).as_bytes())
}

/// Spreads lines over two streams; all copies of an event go to the same one.
pub(super) fn split(lines: Vec<String>) -> [Vec<String>; 2] {
    let (one, other) = lines.into_iter().partition(|line| identity(line).is_multiple_of(2));
    [one, other]
}

/// Writes lines to a file.
pub(super) fn write(folder: &Path, name: &str, lines: &[String]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, lines.concat()).unwrap();
    path
}

/// Puts the lines that were sent to two streams into one file, in the order of their times. What has no time stays behind the
/// line before it.
pub(super) fn merge(folder: &Path, name: &str, sent: &[PathBuf]) -> PathBuf {
    let mut timed = Vec::new();
    for path in sent {
        let mut last = String::new();
        for line in fs::read_to_string(path).unwrap().lines() {
            let event: Option<serde_json::Value> = serde_json::from_str(line).ok();
            if let Some(time) = event.as_ref().and_then(|event| event["time"].as_str()) {
                time.clone_into(&mut last);
            }
            timed.push((last.clone(), format!("{line}\n")));
        }
    }
    timed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let lines: Vec<_> = timed.into_iter().map(|(_, line)| line).collect();
    write(folder, name, &lines)
}
