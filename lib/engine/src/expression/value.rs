//! What an expression can be worth.
//!
//! Values of the event borrow its text: a string without escapes is a slice, a list or an object is the
//! JSON text itself and is read only as far as somebody looks, a number with a fraction keeps its digits
//! (sums are decimals as written). Only what an expression makes new is owned.

use super::number::{Number, number_text, read_double, read_int, written_number_text};
use super::{EvalError, compare, written};
use crate::field::Raw;
use crate::json;
use std::borrow::Cow;
use std::sync::Arc;

/// The value of an expression.
///
/// `==` is CEL's: numbers compare by value whatever their kind, values of different types are not equal.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer: only from literals (`7u`) and `uint()`.
    Uint(u64),
    /// A double that the expression computed or names.
    Double(f64),
    /// A number of the event that is no int, as written: in computations it is the nearest double.
    Number(&'a str),
    /// A string.
    Text(Cow<'a, str>),
    /// Bytes: only from literals (`b"ab"`) and `bytes()`.
    Bytes(Arc<[u8]>),
    /// A list.
    List(List<'a>),
    /// A map, or an object of the event.
    Map(Map<'a>),
}

/// A list.
#[derive(Clone, Debug)]
pub enum List<'a> {
    /// An array of the event, with its brackets.
    Written(&'a str),
    /// Made by the expression.
    Built(Arc<[Value<'a>]>),
}

/// A map.
#[derive(Clone, Debug)]
pub enum Map<'a> {
    /// An object of the event, with its braces.
    Written(&'a str),
    /// Made by the expression; no two keys are equal.
    Built(Arc<[(Value<'a>, Value<'a>)]>),
}

impl<'a> Value<'a> {
    /// The value of a field; a missing one is an error.
    pub fn from_raw(raw: Raw<'a>) -> Result<Self, EvalError> {
        Ok(match raw {
            Raw::Unreachable | Raw::Absent => return Err(EvalError::Missing),
            Raw::Null => Self::Null,
            Raw::Bool(value) => Self::Bool(value),
            Raw::Number(written) => Self::from_number(written),
            Raw::Text(text) => Self::Text(Cow::Borrowed(text)),
            Raw::Escaped(written) => Self::Text(Cow::Owned(json::unescape(written))),
            Raw::Array(written) => Self::List(List::Written(written)),
            Raw::Object(written) => Self::Map(Map::Written(written)),
        })
    }

    /// The value of a JSON number.
    pub(super) fn from_number(written: &'a str) -> Self {
        read_int(written).map_or(Self::Number(written), Self::Int)
    }

    /// The value as a number.
    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Self::Int(int) => Some(Number::Int(*int)),
            Self::Uint(uint) => Some(Number::Uint(*uint)),
            Self::Double(double) => Some(Number::Double(*double)),
            Self::Number(written) => Some(Number::Double(read_double(written))),
            _ => None,
        }
    }

    /// The same value, borrowing what this one owns.
    pub(super) fn view(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            other => other.clone(),
        }
    }

    /// The text of a scalar as the output prints it: strings as they are, numbers like [`number_text`] and
    /// [`written_number_text`], `true`, `false`. Null, bytes, lists and maps have none.
    pub fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(written) => Some(written_number_text(written)),
            Self::Int(int) => Some(Cow::Owned(int.to_string())),
            Self::Uint(uint) => Some(Cow::Owned(uint.to_string())),
            Self::Double(double) => Some(Cow::Owned(number_text(double))),
            Self::Bool(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
            Self::Null | Self::Bytes(_) | Self::List(_) | Self::Map(_) => None,
        }
    }
}

impl List<'_> {
    /// The elements, in order.
    pub fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        let (written, built) = match self {
            Self::Written(array) => (*array, &[][..]),
            Self::Built(values) => ("", &**values),
        };
        written::elements(written).chain(built.iter().map(Value::view))
    }
}

impl Map<'_> {
    /// The keys and values, in the order in which they stand.
    pub fn iter(&self) -> impl Iterator<Item = (Value<'_>, Value<'_>)> {
        let (written, built) = match self {
            Self::Written(object) => (*object, &[][..]),
            Self::Built(entries) => ("", &**entries),
        };
        let written = written::pairs(written).map(|(key, value)| (Value::Text(key), value));
        written.chain(built.iter().map(|(key, value)| (key.view(), value.view())))
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        compare::equal(self, other)
    }
}

/// The text of a scalar field as the output prints it, borrowed where it stands in the event in that very form.
///
/// Missing fields, null, lists and objects have none.
pub fn raw_text(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    match raw {
        Raw::Number(written) => Some(written_number_text(written)),
        raw => Value::from_raw(raw).ok()?.into_text(),
    }
}
