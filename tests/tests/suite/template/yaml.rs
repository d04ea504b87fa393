//! A template as a JSON value: what the simulator's reader does not keep can be looked at too. All scalars are texts.

use granit_parser::{Event, Parser, Tag};
use serde_json::{Map, Value};

/// A map or list that is still open, with the function whose tag stands before it.
struct Open {
    function: Option<String>,
    value: Value,
    key: Option<String>,
}

/// Reads a text that is known to be YAML without anchors.
pub(super) fn parse(text: &str) -> Value {
    let mut stack: Vec<Open> = Vec::new();
    let mut root = Value::Null;
    for event in Parser::new_from_str(text) {
        let done = match event.unwrap().0 {
            Event::Scalar(scalar, _, _, tag) => {
                called(function(tag.as_deref()), Value::String(scalar.into_owned()))
            }
            Event::SequenceStart(_, _, tag) => {
                let function = function(tag.as_deref());
                stack.push(Open { function, value: Value::Array(Vec::new()), key: None });
                continue;
            }
            Event::MappingStart(_, _, tag) => {
                let function = function(tag.as_deref());
                stack.push(Open { function, value: Value::Object(Map::new()), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = stack.pop().unwrap();
                called(open.function, open.value)
            }
            Event::Alias(_) => panic!("CloudFormation knows no aliases"),
            _ => continue,
        };
        match stack.last_mut() {
            None => root = done,
            Some(open) => match (&mut open.value, open.key.take()) {
                (Value::Array(members), _) => members.push(done),
                (Value::Object(entries), Some(key)) => {
                    assert!(entries.insert(key, done).is_none(), "a key stands twice");
                }
                (_, _) => open.key = done.as_str().map(str::to_owned),
            },
        }
    }
    root
}

fn function(tag: Option<&Tag>) -> Option<String> {
    let (handle, suffix) = tag.filter(|tag| tag.core_suffix().is_none())?.original_parts();
    let written = format!("{handle}{suffix}");
    let name = written.trim_start_matches('!');
    Some(if name == "Ref" { name.to_owned() } else { format!("Fn::{name}") })
}

fn called(function: Option<String>, value: Value) -> Value {
    match function {
        None => value,
        Some(function) => Value::Object(Map::from_iter([(function, value)])),
    }
}
