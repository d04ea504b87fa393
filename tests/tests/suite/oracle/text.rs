//! Rules as YAML and lines as JSON: what the engine is given.

use super::model::{Condition, Data, Event, Field, Kind, Late, Line, Metric, Rules, TYPES, Value};
use super::render::metric_name;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use std::fmt::Write;

/// The rules file.
pub(super) fn yaml(rules: &Rules) -> String {
    let mut text = "version: 1\nnamespace: Test/Oracle\n".to_owned();
    let identity = if rules.identity_has_source { "[source, id]" } else { "id" };
    let late = if rules.late == Late::Correct { "correct" } else { "drop" };
    let deduplicate = rules.deduplicate_ms.map_or_else(|| "off".to_owned(), duration);
    writeln!(text, "event: {{identity: {identity}}}").unwrap();
    writeln!(text, "out_of_order: {}", duration(rules.out_of_order_ms)).unwrap();
    writeln!(text, "allowed_lateness: {}", duration(rules.allowed_lateness_ms)).unwrap();
    writeln!(text, "late: {late}\ndeduplicate: {deduplicate}").unwrap();
    writeln!(text, "time_zone: {}\nweek_starts: {}", rules.time_zone, rules.week_starts.name())
        .unwrap();
    writeln!(text, "metrics:").unwrap();
    for (place, metric) in rules.metrics.iter().enumerate() {
        writeln!(text, "  {}:", metric_name(place)).unwrap();
        push_metric(metric, &mut text);
    }
    text
}

fn push_metric(metric: &Metric, text: &mut String) {
    match &metric.kind {
        Kind::Count(condition) => writeln!(text, "    count: {}", quoted(condition)),
        Kind::Sum(field) => writeln!(text, "    sum: {}", path(*field)),
        Kind::Distribution(field) => writeln!(text, "    distribution: {}", path(*field)),
        Kind::Unique(field) => writeln!(text, "    unique: {}", path(*field)),
        Kind::Ratio { part, whole } => {
            writeln!(
                text,
                "    ratio:\n      part: {}\n      whole: {}",
                quoted(part),
                quoted(whole)
            )
        }
        Kind::Journey { start, finish, key, within_ms } => writeln!(
            text,
            "    journey:\n      start: {}\n      finish: {}\n      key: {}\n      within: {}",
            quoted(start),
            quoted(finish),
            path(*key),
            duration(*within_ms)
        ),
    }
    .unwrap();
    if let Some(filter) = &metric.filter {
        writeln!(text, "    where: {}", quoted(filter)).unwrap();
    }
    if !metric.dimensions.is_empty() {
        let dimensions: Vec<String> = metric
            .dimensions
            .iter()
            .map(|&field| format!("{}: {}", field.name(), path(field)))
            .collect();
        writeln!(text, "    dimensions: {{{}}}", dimensions.join(", ")).unwrap();
    }
    writeln!(text, "    window: {}", duration(metric.window_ms)).unwrap();
    if metric.zero {
        writeln!(text, "    zero: publish").unwrap();
    }
    if metric.live {
        writeln!(text, "    emit: live").unwrap();
    }
    if let Some(max_series) = metric.max_series {
        writeln!(text, "    max_series: {max_series}").unwrap();
    }
}

fn path(field: Field) -> String {
    format!("data.{}", field.name())
}

fn quoted(condition: &Condition) -> String {
    format!("'{}'", expression(condition))
}

fn expression(condition: &Condition) -> String {
    match condition {
        Condition::True => "true".to_owned(),
        Condition::TypeIs(kind) => format!("type == \"{}\"", TYPES[*kind]),
        Condition::TypeIn(kinds) => {
            let names: Vec<String> =
                kinds.iter().map(|&kind| format!("\"{}\"", TYPES[kind])).collect();
            format!("type in [{}]", names.join(", "))
        }
        Condition::TextIs(field, text) => format!("{} == \"{text}\"", path(*field)),
        Condition::AmountOver(limit) => format!("data.amount > {limit}"),
        Condition::Has(field) => format!("has({})", path(*field)),
        Condition::Not(inner) => format!("!({})", expression(inner)),
        Condition::And(left, right) => format!("({}) && ({})", expression(left), expression(right)),
        Condition::Or(left, right) => format!("({}) || ({})", expression(left), expression(right)),
    }
}

/// A length of time as rules write it, largest unit first.
fn duration(length_ms: i64) -> String {
    if length_ms == 0 {
        return "0s".to_owned();
    }
    let mut rest = length_ms;
    let mut text = String::new();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    {
        if rest >= size {
            write!(text, "{}{unit}", rest / size).unwrap();
            rest %= size;
        }
    }
    text
}

/// The bytes of a line, with its end.
pub(super) fn line(line: &Line) -> Vec<u8> {
    let mut bytes = match line {
        Line::Empty => Vec::new(),
        Line::Broken(bytes) => bytes.to_vec(),
        Line::Event(event, shape) => event_text(event, *shape).into_bytes(),
    };
    bytes.push(b'\n');
    bytes
}

/// How many shapes [`event_text`] knows.
pub(super) const SHAPES: usize = 5;

/// An event as JSON, in one of several shapes that mean the same.
fn event_text(event: &Event, shape: usize) -> String {
    let source = event.source.as_ref().map(|source| format!(r#""source":"{source}""#));
    let id = Some(format!(r#""id":"{}""#, event.id));
    let kind = Some(format!(r#""type":"{}""#, TYPES[event.kind]));
    let time = Some(format!(r#""time":"{}""#, time_text(event.time_ms, shape)));
    let data = data_text(&event.data, shape);
    let other = |text: &str| Some(text.to_owned());
    let members = match shape {
        0 => vec![other(r#""specversion":"1.0""#), id, source, kind, time, data],
        // Unknown members, with the names of known ones inside.
        1 => vec![
            data,
            other(r#""extra":{"id":1,"data":{"country":"XX"},"list":[{"time":[]},"}]\""]}"#),
            time,
            kind,
            source,
            id,
        ],
        2 => {
            vec![kind, time, id, other(r#""note":"\u00e9\\""#), source, data, other(r#""z":null"#)]
        }
        // Known names with escapes in them.
        3 => vec![id.map(|id| id.replace("\"id\"", r#""\u0069d""#)), source, time, data, kind],
        _ => vec![source, id, time, kind, other(r#""data2":{"country":"YY"}"#), data],
    };
    let members: Vec<String> = members.into_iter().flatten().collect();
    match shape {
        4 => format!("\t{{ {} }} ", members.join(" , ").replace("\":", "\" : ")),
        _ => format!("{{{}}}", members.join(",")),
    }
}

/// The time, in one of several forms of RFC 3339.
fn time_text(time_ms: i64, shape: usize) -> String {
    let time = Timestamp::from_millisecond(time_ms).unwrap();
    match shape {
        // Finer than a millisecond is cut.
        1 => time.strftime("%Y-%m-%dT%H:%M:%S.%3f999Z").to_string(),
        2 => {
            let zone = TimeZone::fixed(Offset::from_seconds(19_800).unwrap());
            time.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S.%3f+05:30").to_string()
        }
        3 if time_ms % 1000 == 0 => time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        _ => super::calendar::time_text(time_ms),
    }
}

fn data_text(data: &Data, shape: usize) -> Option<String> {
    let values = match data {
        Data::Missing => return None,
        Data::Text => return Some(r#""data":"text""#.to_owned()),
        Data::Object(values) => values,
    };
    let mut members: Vec<String> = Field::ALL
        .into_iter()
        .zip(values)
        .filter_map(|(field, value)| Some(format!("\"{}\":{}", field.name(), value_text(value)?)))
        .collect();
    if shape % 2 == 1 {
        members.reverse();
    }
    if shape == 2 {
        members.insert(0, r#""items":[1,{"amount":2}]"#.to_owned());
    }
    Some(format!("\"data\":{{{}}}", members.join(",")))
}

fn value_text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Missing => return None,
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Text(text) => serde_json::to_string(text).unwrap(),
        Value::Number(text) => text.clone(),
        Value::List => r#"["AE"]"#.to_owned(),
        Value::Object => r#"{"amount":1}"#.to_owned(),
    })
}
