//! Compiled CEL expressions over an event's fields.

use crate::field::{FieldId, FieldValues};

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// A string.
    Text(std::borrow::Cow<'a, str>),
}

/// Why an expression has no value: a missing field, a wrong type, an overflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// A field, key or index is missing.
    Missing,
    /// No operator for these types.
    WrongType,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Program {}

impl Program {
    /// The value of the expression for one event.
    pub fn evaluate<'a>(&'a self, _fields: &FieldValues<'a>) -> Result<Value<'a>, EvalError> {
        Ok(Value::Null)
    }

    /// Whether the expression is true; an error is no match.
    pub fn matches(&self, _fields: &FieldValues<'_>) -> bool {
        false
    }

    /// The field, if the expression is nothing but a path.
    pub fn path(&self) -> Option<FieldId> {
        None
    }

    /// A condition that must hold for the expression to be true: the field is one of these strings.
    pub fn required(&self) -> Option<(FieldId, Vec<&str>)> {
        None
    }
}
