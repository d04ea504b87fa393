//! Values of the published cases: to JSON, for what they bind, and against ours, for what they expect.

use super::textproto::{Field, Message};
use serde_json::{Map as JsonMap, Value as Json};
use streamgauge_engine::expression::Value;

/// Why a binding has no JSON.
pub(super) type NoJson = &'static str;

/// The JSON of a bound value.
pub(super) fn json(value: &Message) -> Result<Json, NoJson> {
    let Some((kind, field)) = value.only() else {
        return Err("binds a value that JSON does not have");
    };
    match (kind, field) {
        ("null_value", _) => Ok(Json::Null),
        ("bool_value", Field::Word(word)) => Ok(Json::Bool(word == "true")),
        ("int64_value", Field::Word(word)) => Ok(Json::from(word.parse::<i64>().expect("an int"))),
        ("uint64_value", Field::Word(word)) => Ok(Json::from(word.parse::<u64>().expect("a uint"))),
        ("double_value", Field::Word(word)) => {
            let number = serde_json::Number::from_f64(word.parse().expect("a double"));
            number.map(Json::Number).ok_or("binds a value that JSON does not have")
        }
        ("string_value", Field::Text(bytes)) => {
            Ok(Json::String(String::from_utf8(bytes.clone()).expect("a string is UTF-8")))
        }
        ("list_value", Field::Message(list)) => {
            list.messages("values").map(json).collect::<Result<_, _>>().map(Json::Array)
        }
        ("map_value", Field::Message(map)) => {
            let mut object = JsonMap::new();
            for entry in map.messages("entries") {
                let (key, entry_value) = entry_parts(entry);
                match key.only() {
                    Some(("string_value", Field::Text(_))) => {
                        object.insert(key.text("string_value"), json(entry_value)?);
                    }
                    _ => return Err("binds a map whose keys are no strings"),
                }
            }
            Ok(Json::Object(object))
        }
        ("object_value", _) => Err("binds a protocol buffer message"),
        _ => Err("binds a value that JSON does not have"),
    }
}

fn entry_parts(entry: &Message) -> (&Message, &Message) {
    (
        entry.message("key").expect("an entry has a key"),
        entry.message("value").expect("an entry has a value"),
    )
}

/// Whether our value is the expected one, of the same type; `None` if values of the expected type do not exist here.
pub(super) fn is_expected(ours: &Value<'_>, expected: &Message) -> Option<bool> {
    Some(match expected.only()? {
        ("null_value", _) => matches!(ours, Value::Null),
        ("bool_value", Field::Word(word)) => {
            matches!(ours, Value::Bool(value) if *value == (word == "true"))
        }
        ("int64_value", Field::Word(word)) => {
            matches!(ours, Value::Int(int) if Ok(*int) == word.parse())
        }
        ("uint64_value", Field::Word(word)) => {
            matches!(ours, Value::Uint(uint) if Ok(*uint) == word.parse())
        }
        ("double_value", Field::Word(word)) => is_double(ours, word.parse().expect("a double")),
        ("string_value", Field::Text(bytes)) => {
            matches!(ours, Value::Text(text) if text.as_bytes() == bytes)
        }
        ("bytes_value", Field::Text(bytes)) => {
            matches!(ours, Value::Bytes(found) if **found == **bytes)
        }
        ("list_value", Field::Message(list)) => is_list(ours, list),
        ("map_value", Field::Message(map)) => is_map(ours, map),
        _ => return None,
    })
}

/// The same double, the sign of zero included; any NaN will do for NaN.
fn is_double(ours: &Value<'_>, expected: f64) -> bool {
    let double: f64 = match ours {
        Value::Double(double) => *double,
        Value::Number(written) => written.parse().expect("a JSON number is a double"),
        _ => return false,
    };
    double.to_bits() == expected.to_bits() || (double.is_nan() && expected.is_nan())
}

fn is_list(ours: &Value<'_>, expected: &Message) -> bool {
    let Value::List(list) = ours else { return false };
    let (found, expected): (Vec<_>, Vec<_>) =
        (list.iter().collect(), expected.messages("values").collect());
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| is_expected(found, expected) == Some(true))
}

fn is_map(ours: &Value<'_>, expected: &Message) -> bool {
    let Value::Map(map) = ours else { return false };
    let expected: Vec<_> = expected.messages("entries").map(entry_parts).collect();
    let is_entry = |(key, value): (Value<'_>, Value<'_>)| {
        expected.iter().any(|(expected_key, expected_value)| {
            is_expected(&key, expected_key) == Some(true)
                && is_expected(&value, expected_value) == Some(true)
        })
    };
    map.iter().count() == expected.len() && map.iter().all(is_entry)
}

/// What an expected value is, if such values do not exist here.
pub(super) fn foreign(expected: &Message) -> Option<&'static str> {
    let (kind, field) = expected.only()?;
    match (kind, field) {
        ("object_value", _) => Some("gives a protocol buffer message"),
        ("enum_value", _) => Some("gives an enum"),
        ("type_value", _) => Some("gives a type as a value"),
        ("list_value", Field::Message(list)) => list.messages("values").find_map(foreign),
        ("map_value", Field::Message(map)) => {
            map.messages("entries").map(entry_parts).find_map(|(_, value)| foreign(value))
        }
        _ => None,
    }
}
