//! Families as text. The two formats differ in little:
//!
//! | | Prometheus 0.0.4 | `OpenMetrics` 1.0 |
//! | --- | --- | --- |
//! | a counter is called | `a_total` | `a`, its series `a_total` |
//! | a type that is not known | `untyped` | `unknown` |
//! | before the series | `HELP`, `TYPE` | `TYPE`, `UNIT`, `HELP` |
//! | quotes in `HELP` | as they are | escaped |
//! | the end | nothing | `# EOF` |

use super::Format;
use super::family::{Family, Sample, Type};
use std::borrow::Cow;

/// All families in a format.
pub(super) fn render(families: &[Family], format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    for family in families {
        match format {
            Format::Prometheus => prometheus(family, &mut out),
            Format::OpenMetrics => open_metrics(family, &mut out),
        }
        for sample in &family.samples {
            push_sample(family, sample, &mut out);
        }
    }
    if format == Format::OpenMetrics {
        push_line(&["# EOF"], &mut out);
    }
    out
}

fn prometheus(family: &Family, out: &mut Vec<u8>) {
    let (kind, suffix) = match family.kind {
        Type::Counter => ("counter", "_total"),
        Type::Gauge => ("gauge", ""),
        Type::Summary => ("summary", ""),
        Type::Unknown => ("untyped", ""),
    };
    let help = escape(&family.help, &['\\', '\n']);
    push_line(&["# HELP ", &family.name, suffix, " ", &help], out);
    push_line(&["# TYPE ", &family.name, suffix, " ", kind], out);
}

fn open_metrics(family: &Family, out: &mut Vec<u8>) {
    let kind = match family.kind {
        Type::Counter => "counter",
        Type::Gauge => "gauge",
        Type::Summary => "summary",
        Type::Unknown => "unknown",
    };
    push_line(&["# TYPE ", &family.name, " ", kind], out);
    if let Some(unit) = &family.unit {
        push_line(&["# UNIT ", &family.name, " ", unit], out);
    }
    let help = escape(&family.help, &QUOTED);
    push_line(&["# HELP ", &family.name, " ", &help], out);
}

fn push_sample(family: &Family, sample: &Sample, out: &mut Vec<u8>) {
    out.extend_from_slice(family.name.as_bytes());
    out.extend_from_slice(sample.suffix.as_bytes());
    for (place, (name, value)) in sample.labels.iter().enumerate() {
        out.push(if place == 0 { b'{' } else { b',' });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
        out.extend_from_slice(escape(value, &QUOTED).as_bytes());
        out.push(b'"');
    }
    if !sample.labels.is_empty() {
        out.push(b'}');
    }
    out.push(b' ');
    sample.value.push(out);
    out.push(b'\n');
}

/// What is escaped between quotes.
const QUOTED: [char; 3] = ['\\', '\n', '"'];

/// The text with a backslash before these letters; the end of a line becomes `\n`.
fn escape<'t>(text: &'t str, letters: &[char]) -> Cow<'t, str> {
    if !text.contains(letters) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if letters.contains(&letter) {
            escaped.push('\\');
        }
        escaped.push(if letter == '\n' { 'n' } else { letter });
    }
    Cow::Owned(escaped)
}

fn push_line(parts: &[&str], out: &mut Vec<u8>) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'\n');
}
