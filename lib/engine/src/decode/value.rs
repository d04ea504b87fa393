//! The values of expressions as metrics want them: exact numbers, texts, dimension values.

use super::Rejection;
use crate::decimal::{Decimal, DecimalError};
use crate::expression::{Program, Value, raw_text};
use crate::field::{FieldValues, Raw};
use crate::hash;
use crate::plan::{Dimension, TimeUnit};
use crate::reject::RejectCode;
use crate::series::{MISSING, push_value};
use std::borrow::Cow;

/// How much of a value a message shows, in characters.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// The number of a sum or distribution, exactly as it is written; `None` if it is missing.
#[inline]
pub(super) fn number(
    program: &Program,
    values: &FieldValues<'_>,
) -> Result<Option<Decimal>, Rejection> {
    let parsed = match program.path().map(|field| values.get(field)) {
        Some(Raw::Number(text)) => Decimal::parse(text).map_err(|error| (error, text.to_owned())),
        Some(Raw::Absent | Raw::Unreachable | Raw::Null) => return Ok(None),
        Some(raw) => {
            return Err((
                RejectCode::WrongType,
                format!("the value must be a number, not {}", describe(raw)),
            ));
        }
        None => match program.evaluate(values) {
            Err(_) | Ok(Value::Null) => return Ok(None),
            Ok(value) => computed(value)?,
        },
    };
    parsed.map(Some).map_err(|(error, text)| match error {
        DecimalError::OutOfRange => (
            RejectCode::NumberOutOfRange,
            format!("the value {} is 10^18 or more in size", quote(&text)),
        ),
        DecimalError::Invalid => {
            (RejectCode::WrongType, format!("the value {} is no number", quote(&text)))
        }
    })
}

fn computed(value: Value<'_>) -> Result<Result<Decimal, (DecimalError, String)>, Rejection> {
    let text = match value {
        // As it is written: its text for the output would go through a double.
        Value::Number(written) => written.to_owned(),
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => {
            value.into_text().unwrap_or_default().into_owned()
        }
        other => {
            let text = format!("the value must be a number, not {}", describe_value(&other));
            return Err((RejectCode::WrongType, text));
        }
    };
    Ok(Decimal::parse(&text).map_err(|error| (error, text)))
}

/// The value of an expression as a text.
enum Scalar<'a> {
    Missing,
    Text(Cow<'a, str>),
    /// A list, a map or bytes: what it is.
    Composite(String),
}

#[inline]
fn scalar<'a>(program: &'a Program, values: &FieldValues<'a>) -> Scalar<'a> {
    if let Some(field) = program.path() {
        return match values.get(field) {
            Raw::Text(text) => Scalar::Text(Cow::Borrowed(text)),
            Raw::Absent | Raw::Unreachable | Raw::Null => Scalar::Missing,
            raw => raw_text(raw).map_or_else(|| Scalar::Composite(describe(raw)), Scalar::Text),
        };
    }
    match program.evaluate(values) {
        Err(_) | Ok(Value::Null) => Scalar::Missing,
        Ok(value) => {
            let name = describe_value(&value);
            value.into_text().map_or_else(|| Scalar::Composite(name.to_owned()), Scalar::Text)
        }
    }
}

/// The stable hash of a value's text: a journey's key, a member of a unique; `None` if it is missing.
#[inline]
pub(super) fn text_hash(
    program: &Program,
    values: &FieldValues<'_>,
) -> Result<Option<u64>, Rejection> {
    match scalar(program, values) {
        Scalar::Missing => Ok(None),
        Scalar::Text(text) => Ok(Some(hash::stable(text.as_bytes()))),
        Scalar::Composite(what) => Err((
            RejectCode::WrongType,
            format!("the value must be a string, a number or a bool, not {what}"),
        )),
    }
}

/// Appends the value of one dimension to a packed series key.
#[inline]
pub(super) fn push_dimension(
    packed: &mut Vec<u8>,
    dimension: &Dimension,
    values: &FieldValues<'_>,
) -> Result<(), Rejection> {
    match scalar(&dimension.value, values) {
        Scalar::Text(text) if !text.is_empty() => push_value(packed, &text),
        Scalar::Text(_) | Scalar::Missing => push_value(packed, MISSING),
        Scalar::Composite(what) => {
            let text = format!(
                "dimension `{}` must be a string, a number or a bool, not {what}",
                dimension.name
            );
            return Err((RejectCode::WrongType, text));
        }
    }
    Ok(())
}

/// What a computed value is.
const fn describe_value(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Number(_) => "a number",
        Value::Text(_) => "a string",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    }
}

/// The reject of a field that must hold a text: the code if it is missing, else `wrong_type`.
pub(super) fn no_text(missing: RejectCode, name: &str, raw: Raw<'_>) -> Rejection {
    match raw {
        Raw::Absent | Raw::Unreachable => (missing, format!("`{name}` is missing")),
        Raw::Null => (missing, format!("`{name}` is null")),
        Raw::Text("") => (missing, format!("`{name}` is empty")),
        raw => (RejectCode::WrongType, format!("`{name}` must be a string, not {}", describe(raw))),
    }
}

/// The reject of a time that does not have the type that `time_unit` speaks of.
pub(super) fn no_time(unit: TimeUnit, name: &str, raw: Raw<'_>) -> Rejection {
    let is = match (unit, raw) {
        (_, Raw::Absent | Raw::Unreachable) => {
            return (RejectCode::MissingTime, format!("`{name}` is missing"));
        }
        (_, Raw::Null) => return (RejectCode::MissingTime, format!("`{name}` is null")),
        (TimeUnit::Rfc3339, Raw::Number(_)) => {
            "must be an RFC 3339 string unless the rules set `time_unit`, not"
        }
        (TimeUnit::Rfc3339, _) => "must be an RFC 3339 string, not",
        (TimeUnit::Seconds | TimeUnit::Milliseconds, Raw::Text(_) | Raw::Escaped(_)) => {
            "must be a number as long as the rules set `time_unit`, not"
        }
        (TimeUnit::Seconds | TimeUnit::Milliseconds, _) => "must be a number, not",
    };
    (RejectCode::InvalidTime, format!("`{name}` {is} {}", describe(raw)))
}

/// What a value is, with the value: `the number 12`.
pub(super) fn describe(raw: Raw<'_>) -> String {
    match raw {
        Raw::Absent | Raw::Unreachable => "nothing".to_owned(),
        Raw::Null => "null".to_owned(),
        Raw::Bool(value) => value.to_string(),
        Raw::Number(text) => format!("the number {}", shorten(text)),
        Raw::Text(text) | Raw::Escaped(text) => format!("the string {}", quote(text)),
        Raw::Array(_) => "an array".to_owned(),
        Raw::Object(_) => "an object".to_owned(),
    }
}

/// A value in double quotes, cut to a length that fits a message.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", shorten(text))
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_CHARACTERS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
