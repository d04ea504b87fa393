//! Reads lists and objects of the event from their JSON text, one element at a time.
//!
//! The extractor has checked the text, so the reader only has to find where values end. It does not recurse:
//! what is nested inside an element is skipped by counting brackets, and becomes a value of its own when
//! somebody looks at it. On text that is not JSON it ends early; it never panics.

use super::EvalError;
use super::value::{List, Map, Value};
use crate::json;
use std::borrow::Cow;

/// The elements of an array, in order.
pub(super) fn elements(array: &str) -> impl Iterator<Item = Value<'_>> {
    let mut rest = array.trim_start().strip_prefix('[').unwrap_or_default();
    std::iter::from_fn(move || {
        let (value, tail) = read_value(skip_separators(rest))?;
        rest = tail;
        Some(value)
    })
}

/// The entries of an object, in order: the keys as written between their quotes.
fn entries(object: &str) -> impl Iterator<Item = (&str, Value<'_>)> {
    let mut rest = object.trim_start().strip_prefix('{').unwrap_or_default();
    std::iter::from_fn(move || {
        let (key, tail) = read_string(skip_separators(rest))?;
        let (value, tail) = read_value(tail.trim_start().strip_prefix(':')?.trim_start())?;
        rest = tail;
        Some((key, value))
    })
}

/// The keys and values of an object, in order.
pub(super) fn pairs(object: &str) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
    entries(object).map(|(key, value)| (decode(key), value))
}

/// The value at a key, if it is there; a key that stands twice is an error.
pub(super) fn lookup<'a>(object: &'a str, key: &str) -> Result<Option<Value<'a>>, EvalError> {
    let mut found = None;
    for (written, value) in entries(object) {
        let same =
            if written.contains('\\') { json::unescape(written) == key } else { written == key };
        if same && found.replace(value).is_some() {
            return Err(EvalError::DuplicateKey);
        }
    }
    Ok(found)
}

/// The text after white space and a comma.
fn skip_separators(rest: &str) -> &str {
    rest.trim_start_matches([' ', '\t', '\r', '\n', ','])
}

/// A string as it stands between its quotes.
fn decode(written: &str) -> Cow<'_, str> {
    if written.contains('\\') {
        Cow::Owned(json::unescape(written))
    } else {
        Cow::Borrowed(written)
    }
}

/// The value at the start of `text`, and what comes after it.
fn read_value(text: &str) -> Option<(Value<'_>, &str)> {
    match text.as_bytes().first()? {
        b'"' => read_string(text).map(|(written, rest)| (Value::Text(decode(written)), rest)),
        b'[' => {
            read_container(text).map(|(written, rest)| (Value::List(List::Written(written)), rest))
        }
        b'{' => {
            read_container(text).map(|(written, rest)| (Value::Map(Map::Written(written)), rest))
        }
        b't' => text.strip_prefix("true").map(|rest| (Value::Bool(true), rest)),
        b'f' => text.strip_prefix("false").map(|rest| (Value::Bool(false), rest)),
        b'n' => text.strip_prefix("null").map(|rest| (Value::Null, rest)),
        b'-' | b'0'..=b'9' => {
            let end = text
                .bytes()
                .position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
            let (written, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
            Some((Value::from_number(written), rest))
        }
        _ => None,
    }
}

/// The string at the start of `text`, as written between its quotes, and what comes after it.
fn read_string(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let (written, rest) = inside.split_at_checked(string_end(inside.as_bytes())?)?;
    Some((written, rest.strip_prefix('"')?))
}

/// The place of the quote that ends a string, counted from behind its first quote.
fn string_end(inside: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', inside.get(at..)?)?;
        if inside.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// The array or object at the start of `text`, and what comes after it.
fn read_container(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => at += 1 + string_end(bytes.get(at + 1..)?)?,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return text.split_at_checked(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::EvalError;
    use super::super::value::Value;
    use super::{elements, lookup, pairs};

    #[test]
    fn elements_come_in_order() {
        let read: Vec<_> =
            elements(r#" [1 , 1.50, "a,]\"b", [1,[2]] ,{"k":"}"}, true,false,null ] "#).collect();
        assert_eq!(read.len(), 8);
        assert!(matches!(read[0], Value::Int(1)));
        assert!(matches!(read[1], Value::Number("1.50")));
        assert_eq!(read[6], Value::Bool(false));
        assert_eq!(elements("[]").count(), 0);
        assert_eq!(elements(" [ ] ").count(), 0);
    }

    #[test]
    fn keys_are_found_among_nested_objects() {
        let object = r#"{ "a" : {"b":1}, "b":2, "c" : [ {"b":3} ] }"#;
        assert_eq!(lookup(object, "b"), Ok(Some(Value::Int(2))));
        assert_eq!(lookup(object, "d"), Ok(None));
        assert_eq!(
            pairs(object).map(|(key, _)| key.into_owned()).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error() {
        assert_eq!(lookup(r#"{"a":1,"b":2,"a":3}"#, "a"), Err(EvalError::DuplicateKey));
        assert_eq!(lookup(r#"{"a":1,"b":2,"a":3}"#, "b"), Ok(Some(Value::Int(2))));
    }

    #[test]
    fn text_that_is_cut_off_ends_the_list() {
        for text in ["[1,", "[\"a", "[\"a\\", "[[1", "[{\"a\":", "[nul", "]", "", "[}"] {
            assert!(elements(text).count() <= 1, "{text}");
        }
    }
}
