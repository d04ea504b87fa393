//! The schemas accept what the reader accepts: a validator of the few keywords that they use.

use super::{rules, scenarios};
use crate::problem::Findings;
use crate::reference::Object;
use crate::reference::tables::{FILE, SCENARIO_FILE};
use crate::source::SourceFile;
use crate::yaml::parse::parse;
use crate::yaml::tree::{Content, Node, Style};
use serde_json::{Value, json};

/// A YAML node as an editor sees it.
fn value(node: &Node) -> Value {
    match &node.content {
        Content::Scalar(scalar) if scalar.is_null() => Value::Null,
        Content::Scalar(scalar) => match scalar.as_boolean() {
            Some(truth) => json!(truth),
            None if scalar.style == Style::Plain => {
                serde_json::from_str(&scalar.text).unwrap_or_else(|_no_number| json!(scalar.text))
            }
            None => json!(scalar.text),
        },
        Content::Sequence(items) => items.iter().map(value).collect(),
        Content::Mapping(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect()
        }
        Content::Broken => panic!("the file is broken"),
    }
}

fn document(text: &str) -> Value {
    let sources = [SourceFile { name: "a".to_owned(), text: text.to_owned() }];
    value(&parse(&sources, 0, &mut Findings::default()).root)
}

/// What is wrong with `value` by `schema`.
fn violations(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else { return };
    let mut say = |what: String| found.push(format!("{path}: {what}"));
    for (keyword, argument) in schema {
        match keyword.as_str() {
            "type" => {
                let types = argument.as_array().cloned().unwrap_or_else(|| vec![argument.clone()]);
                if !types.iter().any(|name| has_type(value, name.as_str().unwrap())) {
                    say(format!("{value} is not of type {argument}"));
                }
            }
            "enum" if !argument.as_array().unwrap().contains(value) => {
                say(format!("{value} is not in {argument}"));
            }
            "minimum" if value.as_f64() < argument.as_f64() => {
                say(format!("{value} is below {argument}"));
            }
            "maximum" if value.as_f64() > argument.as_f64() => {
                say(format!("{value} is above {argument}"));
            }
            "required" => {
                for name in argument.as_array().unwrap() {
                    if value.get(name.as_str().unwrap()).is_none() {
                        say(format!("{name} is missing"));
                    }
                }
            }
            "anyOf" => {
                let fits = |option: &Value| {
                    let mut problems = Vec::new();
                    violations(root, option, value, path, &mut problems);
                    problems.is_empty()
                };
                if !argument.as_array().unwrap().iter().any(fits) {
                    say(format!("{value} fits nothing in {argument}"));
                }
            }
            _ => {}
        }
    }
    inner_violations(root, schema, value, path, found);
}

fn inner_violations(
    root: &Value,
    schema: &serde_json::Map<String, Value>,
    value: &Value,
    path: &str,
    found: &mut Vec<String>,
) {
    for option in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        violations(root, option, value, path, found);
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = reference.trim_start_matches('#').replace("%20", " ");
        let target = root.pointer(&pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"));
        violations(root, target, value, path, found);
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = schema.get("items") {
            violations(root, items, item, &format!("{path}[{index}]"), found);
        }
    }
    for (name, item) in value.as_object().into_iter().flatten() {
        let inner = format!("{path}.{name}");
        let is_extension = schema.contains_key("patternProperties") && name.starts_with("x-");
        match (
            schema.get("properties").and_then(|known| known.get(name)),
            schema.get("additionalProperties"),
        ) {
            (Some(known), _) => violations(root, known, item, &inner, found),
            (None, Some(Value::Bool(false))) if !is_extension => {
                found.push(format!("{inner} is not known"));
            }
            (None, Some(further)) => violations(root, further, item, &inner, found),
            (None, None) => {}
        }
    }
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        other => panic!("unknown type {other}"),
    }
}

fn problems(schema: &str, text: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let mut found = Vec::new();
    violations(&schema, &schema, &document(text), "", &mut found);
    found
}

#[test]
fn what_is_right_is_accepted() {
    assert_eq!(problems(&rules(), include_str!("../../../tests/good/everything.yaml")), [""; 0]);
    assert_eq!(problems(&scenarios(), include_str!("../../../tests/good/scenarios.yaml")), [""; 0]);
    assert_eq!(problems(&rules(), FILE.example), [""; 0]);
    assert_eq!(problems(&scenarios(), SCENARIO_FILE.example), [""; 0]);
    assert_eq!(
        problems(&rules(), "deduplicate: off\nx-any: [1]\nversion: 1\nweek_starts: mon\n"),
        [""; 0]
    );
    assert_eq!(
        problems(&rules(), "metrics: {a: {count: true, window: 5m, max_series: 5}}"),
        [""; 0]
    );
}

#[test]
fn what_is_wrong_is_refused() {
    for wrong in [
        "metricks: {}",
        "late: never",
        "metrics: {a: {count: true}}",
        "metrics: {a: {count: true, window: 5m, windw: 5m}}",
        "metrics: {a: {count: true, window: 5m, max_series: 0}}",
        "routes: {match: {}}",
        "channels: {a: {pagerduty: {}}}",
        "deduplicate: true",
    ] {
        assert_ne!(problems(&rules(), wrong), [""; 0], "{wrong}");
    }
}

/// The keys of each object in a schema are those that the reader knows.
fn check_keys(schema: &str, root: &'static Object) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    for object in root.reachable() {
        let place =
            if object.name == root.name { &schema } else { &schema["definitions"][object.name] };
        let mut keys: Vec<&str> =
            place["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut known: Vec<&str> = object.keys.iter().map(|key| key.name).collect();
        keys.sort_unstable();
        known.sort_unstable();
        assert_eq!(keys, known, "{}", object.name);
    }
}

#[test]
fn the_keys_are_those_of_the_reader() {
    check_keys(&rules(), &FILE);
    check_keys(&scenarios(), &SCENARIO_FILE);
}
