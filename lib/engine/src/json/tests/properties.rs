//! Generated lines: guessing agrees with scanning, and scanning with `serde_json`.

use super::{Trial, table};
use crate::field::{FieldTable, Raw};
use crate::json::unescape;
use crate::reject::RejectCode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

const PATHS: [&[&str]; 7] = [
    &["id"],
    &["data"],
    &["data", "country"],
    &["data", "deep", "id"],
    &["data", "deep", "amount"],
    &["caf\u{e9}"],
    &["x"],
];
const KEYS: [&str; 10] = [
    "id",
    "data",
    "country",
    "deep",
    "amount",
    "caf\u{e9}",
    "x",
    "a \"quoted\" key",
    "",
    "much longer than one window of 32 bytes",
];

fn fields() -> FieldTable {
    table(&PATHS)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-100_000_000_i64..100_000_000).prop_map(|hundredths| serde_json::from_str(&format!(
            "{}.{:02}",
            hundredths / 100,
            hundredths.abs() % 100
        ))
        .unwrap()),
        "[ -~]{0,50}".prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec((select(&KEYS[..]), value), 0..6).prop_map(|members| {
        Value::Object(
            members
                .into_iter()
                .map(|(key, member)| (key.to_owned(), member))
                .collect::<Map<_, _>>(),
        )
    })
}

fn event() -> impl Strategy<Value = Value> {
    let value = scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::from), object(inner)]
    });
    object(value)
}

/// Writes a value with `space` wherever space is allowed, and with every character of strings escaped if `escape`.
fn print(value: &Value, space: &str, escape: bool, line: &mut String) {
    match value {
        Value::Array(items) => {
            line.push('[');
            for (index, item) in items.iter().enumerate() {
                line.push_str(if index > 0 { "," } else { "" });
                line.push_str(space);
                print(item, space, escape, line);
                line.push_str(space);
            }
            line.push_str(if items.is_empty() { space } else { "" });
            line.push(']');
        }
        Value::Object(members) => {
            line.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                line.push_str(if index > 0 { "," } else { "" });
                line.push_str(space);
                print(&Value::from(key.as_str()), space, escape, line);
                line.push_str(space);
                line.push(':');
                line.push_str(space);
                print(member, space, escape, line);
                line.push_str(space);
            }
            line.push_str(if members.is_empty() { space } else { "" });
            line.push('}');
        }
        Value::String(text) if escape => {
            let units: Vec<String> =
                text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            line.push('"');
            line.push_str(&units.concat());
            line.push('"');
        }
        scalar => line.push_str(&scalar.to_string()),
    }
}

fn line() -> impl Strategy<Value = String> {
    let space = prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\t\r\n ")];
    (event(), space, prop::bool::weighted(0.1)).prop_map(|(event, space, escape)| {
        let mut line = String::new();
        print(&event, space, escape, &mut line);
        line
    })
}

/// A change of a line's bytes: at a place, over a length, to other bytes.
fn mutation() -> impl Strategy<Value = (Index, usize, String)> {
    let text = prop_oneof![
        select(
            &[
                "", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "E", "+", " ",
                "\n", "\u{0}", "\u{7f}", "\u{e9}"
            ][..]
        )
        .prop_map(str::to_owned),
        select(
            &[
                "\\u00e9",
                "\\ud800",
                "\\u12",
                "1.5e-7",
                "true",
                "null",
                "nul",
                "\"x\"",
                "{\"id\":1}",
                "[]",
                "{}",
                "\"id\":1,",
                ",\"x\":[1]"
            ][..]
        )
        .prop_map(str::to_owned),
    ];
    (any::<Index>(), 0..3_usize, text)
}

fn mutate(line: &str, (place, length, text): &(Index, usize, String)) -> Option<String> {
    let mut bytes = line.as_bytes().to_vec();
    let start = place.index(bytes.len() + 1);
    let end = bytes.len().min(start + length);
    bytes.splice(start..end, text.bytes());
    String::from_utf8(bytes).ok()
}

/// Asserts that a line is accepted exactly if `serde_json` accepts it, and that the values are the same.
fn check_against_serde(trial: &mut Trial, line: &str) {
    let found = trial.run(line);
    let accepted = serde_json::from_str::<IgnoredAny>(line).is_ok();
    match &found {
        Ok(_) => assert!(accepted, "accepted, and serde_json does not: {line}"),
        Err(error) if error.code == RejectCode::InvalidJson => {
            assert!(!accepted, "{}, and serde_json accepts: {line}", error.detail);
        }
        Err(error) if error.code == RejectCode::DuplicateKey => return,
        Err(_) => assert!(!line.trim_start().starts_with('{')),
    }
    // Value is narrower than JSON: it takes neither lone surrogates nor numbers beyond f64.
    let (Ok(values), Ok(whole)) = (found, serde_json::from_str::<Value>(line)) else { return };
    for (path, value) in PATHS.iter().zip(values) {
        assert_same(value, path, &whole, line);
    }
}

fn assert_same(found: Raw<'_>, path: &[&str], whole: &Value, line: &str) {
    let (last, parents) = path.split_last().unwrap();
    let parent =
        parents.iter().try_fold(whole, |value, key| value.get(key)).and_then(Value::as_object);
    let expected = parent.map(|object| object.get(*last));
    let decoded = match found {
        Raw::Unreachable => return assert_eq!(expected, None, "{path:?} of {line}"),
        Raw::Absent => return assert_eq!(expected, Some(None), "{path:?} of {line}"),
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::from(value),
        Raw::Text(text) => Value::from(text),
        Raw::Escaped(text) => Value::from(unescape(text)),
        Raw::Number(text) | Raw::Array(text) | Raw::Object(text) => {
            serde_json::from_str(text).unwrap()
        }
    };
    assert_eq!(expected, Some(Some(&decoded)), "{path:?} of {line}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn lines_mean_what_serde_json_says(lines in vec(line(), 1..6)) {
        let mut trial = Trial::new(fields());
        for line in &lines {
            check_against_serde(&mut trial, line);
        }
    }

    #[test]
    fn damaged_lines_are_judged_as_by_serde_json(line in line(), mutations in vec(vec(mutation(), 1..3), 1..20)) {
        let mut trial = Trial::new(fields());
        check_against_serde(&mut trial, &line);
        for several in &mutations {
            let damaged = several.iter().try_fold(line.clone(), |line, mutation| mutate(&line, mutation));
            if let Some(damaged) = damaged {
                check_against_serde(&mut trial, &damaged);
            }
        }
    }

    #[test]
    fn escapes_of_any_text_are_undone(text in any::<String>()) {
        let mut written = String::new();
        print(&Value::from(text.as_str()), "", true, &mut written);
        prop_assert_eq!(unescape(written.trim_matches('"')), text.as_str());
        let short = serde_json::to_string(&text).unwrap();
        let inner = short.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
        prop_assert_eq!(unescape(inner), text);
    }
}
