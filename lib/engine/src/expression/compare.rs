//! Equality and order across types.
//!
//! Equality never fails: values of different types are simply not equal, numbers are compared by value.
//! Order exists among numbers, strings (by code point), bytes and bools; everything else is an error.

use super::EvalError;
use super::node::Comparison;
use super::value::{List, Map, Value};
use super::written;
use crate::json;
use std::borrow::Cow;
use std::cmp::Ordering;

/// How deep two values are compared. Nothing is deeper: the extractor refuses such events, the compiler such expressions.
const DEPTH_MAX: u32 = json::DEPTH_MAX;

/// Whether two values are equal.
pub(super) fn equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    equal_within(left, right, DEPTH_MAX)
}

/// The result of a comparison operator.
pub(super) fn compare(
    comparison: Comparison,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Result<bool, EvalError> {
    match comparison {
        Comparison::Equal => Ok(equal(left, right)),
        Comparison::NotEqual => Ok(!equal(left, right)),
        Comparison::Less => Ok(order(left, right)?.is_some_and(Ordering::is_lt)),
        Comparison::AtMost => Ok(order(left, right)?.is_some_and(Ordering::is_le)),
        Comparison::Greater => Ok(order(left, right)?.is_some_and(Ordering::is_gt)),
        Comparison::AtLeast => Ok(order(left, right)?.is_some_and(Ordering::is_ge)),
    }
}

/// The order of two values; `None` beside NaN.
fn order(left: &Value<'_>, right: &Value<'_>) -> Result<Option<Ordering>, EvalError> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Ok(Some(left.cmp(right))),
        (Value::Bool(left), Value::Bool(right)) => Ok(Some(left.cmp(right))),
        (Value::Bytes(left), Value::Bytes(right)) => Ok(Some(left.cmp(right))),
        _ => match (left.number(), right.number()) {
            (Some(left), Some(right)) => Ok(left.order(right)),
            _ => Err(EvalError::WrongType),
        },
    }
}

fn equal_within(left: &Value<'_>, right: &Value<'_>, depth: u32) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::List(left), Value::List(right)) => depth > 0 && equal_lists(left, right, depth - 1),
        (Value::Map(left), Value::Map(right)) => depth > 0 && equal_maps(left, right, depth - 1),
        _ => match (left.number(), right.number()) {
            (Some(left), Some(right)) => left.order(right) == Some(Ordering::Equal),
            _ => false,
        },
    }
}

fn equal_lists(left: &List<'_>, right: &List<'_>, depth: u32) -> bool {
    let (mut left, mut right) = (left.iter(), right.iter());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if equal_within(&one, &other, depth) => {}
            _ => return false,
        }
    }
}

/// Maps are compared sorted by key, so that two long objects take `n log n` and not `n²`.
fn equal_maps(left: &Map<'_>, right: &Map<'_>, depth: u32) -> bool {
    let (left, right) = (sorted(left), sorted(right));
    left.len() == right.len()
        && left.iter().zip(&right).all(|((left_key, left_value), (right_key, right_value))| {
            left_key == right_key && equal_within(left_value, right_value, depth)
        })
}

/// The key of a map in a form that is the same for equal keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'v> {
    Bool(bool),
    Number(i128),
    Text(Cow<'v, str>),
}

/// The key that a value is; `None` for a double that no int equals, an error for what can be no key at all.
pub(super) fn key<'v>(value: &'v Value<'_>) -> Result<Option<Key<'v>>, EvalError> {
    match value {
        Value::Bool(value) => Ok(Some(Key::Bool(*value))),
        Value::Text(text) => Ok(Some(Key::Text(Cow::Borrowed(text)))),
        value => value
            .number()
            .map(|number| number.exact().map(Key::Number))
            .ok_or(EvalError::InvalidKey),
    }
}

fn sorted<'v>(map: &'v Map<'_>) -> Vec<(Key<'v>, Value<'v>)> {
    let mut entries: Vec<_> = match map {
        Map::Written(object) => {
            written::pairs(object).map(|(key, value)| (Key::Text(key), value)).collect()
        }
        Map::Built(entries) => {
            let key = |value| key(value).ok().flatten().unwrap_or(Key::Bool(false));
            entries.iter().map(|(name, value)| (key(name), value.clone())).collect()
        }
    };
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    entries
}
