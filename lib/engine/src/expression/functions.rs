//! The functions: sizes, questions about strings and conversions between types.

use super::EvalError;
use super::node::{Function, TextTest};
use super::number::{Number, double_to_int, double_to_uint, int_to_double, uint_to_double};
use super::value::{List, Map, Value};
use super::written;
use std::borrow::Cow;

/// `function(argument)`
pub(super) fn call(function: Function, argument: Value<'_>) -> Result<Value<'_>, EvalError> {
    match function {
        Function::Size => size(&argument).map(Value::Int),
        Function::Int => int(&argument).map(Value::Int),
        Function::Uint => uint(&argument).map(Value::Uint),
        Function::Double => double(&argument).map(Value::Double),
        Function::Text => text(argument),
        Function::Bytes => match argument {
            Value::Text(text) => Ok(Value::Bytes(text.as_bytes().into())),
            Value::Bytes(bytes) => Ok(Value::Bytes(bytes)),
            _ => Err(EvalError::WrongType),
        },
        Function::Bool => bool(&argument).map(Value::Bool),
    }
}

/// `text.test(part)`
pub(super) fn test(test: TextTest, text: &Value<'_>, part: &Value<'_>) -> Result<bool, EvalError> {
    let (Value::Text(text), Value::Text(part)) = (text, part) else {
        return Err(EvalError::WrongType);
    };
    Ok(test_text(test, text, part))
}

/// `text.test(part)` of strings
#[inline]
pub(super) fn test_text(test: TextTest, text: &str, part: &str) -> bool {
    match test {
        TextTest::StartsWith => text.starts_with(part),
        TextTest::EndsWith => text.ends_with(part),
        TextTest::Contains => memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some(),
    }
}

fn size(value: &Value<'_>) -> Result<i64, EvalError> {
    let size = match value {
        Value::Text(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(List::Written(array)) => written::elements(array).count(),
        Value::List(List::Built(values)) => values.len(),
        Value::Map(Map::Written(object)) => written::pairs(object).count(),
        Value::Map(Map::Built(entries)) => entries.len(),
        _ => return Err(EvalError::WrongType),
    };
    i64::try_from(size).or(Err(EvalError::OutOfRange))
}

fn int(value: &Value<'_>) -> Result<i64, EvalError> {
    match (value, value.number()) {
        (Value::Text(text), _) => text.parse().or(Err(EvalError::Conversion)),
        (_, Some(Number::Int(int))) => Ok(int),
        (_, Some(Number::Uint(uint))) => i64::try_from(uint).or(Err(EvalError::OutOfRange)),
        (_, Some(Number::Double(double))) => double_to_int(double).ok_or(EvalError::OutOfRange),
        _ => Err(EvalError::WrongType),
    }
}

fn uint(value: &Value<'_>) -> Result<u64, EvalError> {
    match (value, value.number()) {
        (Value::Text(text), _) => text.parse().or(Err(EvalError::Conversion)),
        (_, Some(Number::Int(int))) => u64::try_from(int).or(Err(EvalError::OutOfRange)),
        (_, Some(Number::Uint(uint))) => Ok(uint),
        (_, Some(Number::Double(double))) => double_to_uint(double).ok_or(EvalError::OutOfRange),
        _ => Err(EvalError::WrongType),
    }
}

fn double(value: &Value<'_>) -> Result<f64, EvalError> {
    match (value, value.number()) {
        (Value::Text(text), _) => text.parse().or(Err(EvalError::Conversion)),
        (_, Some(Number::Int(int))) => Ok(int_to_double(int)),
        (_, Some(Number::Uint(uint))) => Ok(uint_to_double(uint)),
        (_, Some(Number::Double(double))) => Ok(double),
        _ => Err(EvalError::WrongType),
    }
}

fn text(value: Value<'_>) -> Result<Value<'_>, EvalError> {
    match value {
        Value::Bytes(bytes) => {
            let text = std::str::from_utf8(&bytes).or(Err(EvalError::Conversion))?;
            Ok(Value::Text(Cow::Owned(text.to_owned())))
        }
        value => value.into_text().map(Value::Text).ok_or(EvalError::WrongType),
    }
}

/// The spellings that Go's `strconv.ParseBool` accepts: the language's first implementation set them.
fn bool(value: &Value<'_>) -> Result<bool, EvalError> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::Text(text) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            _ => Err(EvalError::Conversion),
        },
        _ => Err(EvalError::WrongType),
    }
}
