//! Letters as tables for people, and as JSON with all that they hold.

use super::letter::{Held, HeldPoint, Letter};
use crate::style;
use crate::table::{self, Align};
use crate::words::{counted, widen};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::notification::Action;
use streamgauge_engine::output::{SumValues, Values};
use streamgauge_engine::time::Timestamp;

/// How many ids stand in a line.
const IDS_MAX: usize = 3;

/// How many there are by code and origin, and the newest ones.
pub(super) fn text(letters: &[Letter], limit: usize) -> String {
    if letters.is_empty() {
        return "no dead letter was found\n".to_owned();
    }
    let mut text = counts(letters);
    let shown = letters.len().min(limit);
    if shown > 0 {
        let of_all = counted(widen(letters.len()), "letter");
        let heading = style::bold(format!("The newest {shown} of {of_all}"));
        style::push(&mut text, format_args!("\n{heading}\n"));
        text.push_str(&newest(letters.get(..shown).unwrap_or_default()));
    }
    text
}

fn counts(letters: &[Letter]) -> String {
    let mut groups: BTreeMap<(&str, &str), (u64, Timestamp)> = BTreeMap::new();
    for letter in letters {
        let of_code = (letter.code.as_str(), letter.origin.as_str());
        let (count, newest) = groups.entry(of_code).or_insert((0, letter.at));
        *count += 1;
        *newest = letter.at.max(*newest);
    }
    let columns = [
        ("code", Align::Left),
        ("from", Align::Left),
        ("letters", Align::Right),
        ("newest", Align::Left),
    ];
    let rows = groups.into_iter().map(|((code, origin), (count, newest))| {
        vec![code.to_owned(), origin.to_owned(), count.to_string(), newest.to_rfc3339()]
    });
    table::lines(&named(columns), rows.collect(), 0)
}

fn newest(letters: &[Letter]) -> String {
    let columns = ["id", "at", "code", "from", "reason"].map(|name| (name, Align::Left));
    let rows = letters.iter().map(|letter| {
        let Letter { id, code, origin, at, detail, .. } = letter;
        vec![id.clone(), at.to_rfc3339(), code.clone(), origin.clone(), detail.clone()]
    });
    table::lines(&named(columns), rows.collect(), 0)
}

fn named<const N: usize>(columns: [(&str, Align); N]) -> Vec<(String, Align)> {
    columns.into_iter().map(|(name, align)| (name.to_owned(), align)).collect()
}

/// All letters, one JSON object per line.
pub(super) fn json(letters: &[Letter]) -> String {
    let mut lines = String::new();
    for letter in letters {
        style::push(&mut lines, format_args!("{}\n", object(letter)));
    }
    lines
}

/// A letter with all that it holds, for people: its JSON, indented.
pub(super) fn whole(letter: &Letter) -> String {
    let text = serde_json::to_string_pretty(&object(letter)).unwrap_or_default();
    text + "\n"
}

/// A few of the ids.
pub(super) fn some(ids: &[String]) -> String {
    let shown = ids.iter().take(IDS_MAX).cloned().collect::<Vec<_>>().join(", ");
    if ids.len() > IDS_MAX { format!("{shown}, \u{2026}") } else { shown }
}

fn object(letter: &Letter) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    put("id", letter.id.as_str().into());
    put("code", letter.code.as_str().into());
    put("from", letter.origin.as_str().into());
    put("at", letter.at.to_rfc3339().into());
    put("reason", letter.detail.as_str().into());
    match &letter.held {
        Held::Record(held) => {
            put("shard", (*held.shard).into());
            put("sequence_number", held.record.sequence.as_str().into());
            put("sub_sequence_number", held.record.sub_sequence.into());
            put("arrived", held.arrival.map(Timestamp::to_rfc3339).into());
            match std::str::from_utf8(&held.payload) {
                Ok(text) => put("payload", text.into()),
                Err(_) => put("payload_base64", BASE64_STANDARD.encode(&held.payload).into()),
            }
        }
        Held::Point(HeldPoint { partition, dead, .. }) => {
            let (metric, point) = (&dead.metric, &dead.point);
            let names = metric.dimensions.iter().cloned();
            let dimensions = names.zip(point.series.values().map(Value::from));
            put("partition", partition.number().into());
            put("namespace", metric.namespace.as_str().into());
            put("metric", metric.name.as_str().into());
            put("dimensions", Value::Object(dimensions.collect()));
            put("window_start", point.window_start.to_rfc3339().into());
            put("window_end", point.window_end.to_rfc3339().into());
            put("values", values(&point.values));
        }
        Held::Notification(partition, told) => {
            put("partition", partition.number().into());
            put("channel", told.channel.as_str().into());
            put("action", action(told.action).into());
            put("severity", told.severity.as_str().into());
            put("time", told.at.to_rfc3339().into());
            put("summary", told.summary.as_str().into());
            put("description", told.description.as_deref().into());
            put("key", told.key.as_str().into());
            put("notification", told.id.as_str().into());
            put("plan", told.plan.as_str().into());
        }
        Held::Lost => {}
    }
    Value::Object(object)
}

/// What a notification does to its incident.
fn action(action: Action) -> &'static str {
    match action {
        Action::Trigger => "trigger",
        Action::Repeat => "repeat",
        Action::Resolve => "resolve",
        Action::Change => "change",
    }
}

/// The values of a point. Decimals are texts, as exact as they are.
fn values(values: &Values) -> Value {
    match values {
        Values::Count(count) => json!({"count": count}),
        Values::Unique(count) => json!({"unique": count}),
        Values::Ratio { part, whole } => json!({"part": part, "whole": whole}),
        Values::Sum(values) => sums(values),
        Values::Distribution(values) => sums(&values.exact),
        Values::Journey(values) => json!({
            "started": values.started, "finished": values.finished, "abandoned": values.abandoned, "time": sums(&values.time.exact)
        }),
    }
}

fn sums(values: &SumValues) -> Value {
    let shown = |value: Option<Decimal>| value.map(|value| value.to_string());
    let SumValues { sum, count, min, max } = values;
    json!({"sum": sum.to_string(), "count": count, "min": shown(*min), "max": shown(*max)})
}
