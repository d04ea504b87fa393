//! Arithmetic. Both sides must be of one kind; integers that overflow are errors, doubles become infinite.

use super::EvalError;
use super::node::Arithmetic;
use super::number::Number;
use super::value::{List, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// `left operator right`
pub(super) fn arithmetic<'a>(
    operator: Arithmetic,
    left: Value<'a>,
    right: Value<'a>,
) -> Result<Value<'a>, EvalError> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) if operator == Arithmetic::Add => {
            Ok(Value::Text(Cow::Owned(left.into_owned() + &right)))
        }
        (Value::Bytes(left), Value::Bytes(right)) if operator == Arithmetic::Add => {
            Ok(Value::Bytes(left.iter().chain(&*right).copied().collect()))
        }
        (Value::List(left), Value::List(right)) if operator == Arithmetic::Add => {
            Ok(join(&left, &right))
        }
        (left, right) => match (left.number(), right.number()) {
            (Some(Number::Int(left)), Some(Number::Int(right))) => {
                ints(operator, left, right).map(Value::Int)
            }
            (Some(Number::Uint(left)), Some(Number::Uint(right))) => {
                uints(operator, left, right).map(Value::Uint)
            }
            (Some(Number::Double(left)), Some(Number::Double(right))) => {
                doubles(operator, left, right).map(Value::Double)
            }
            _ => Err(EvalError::WrongType),
        },
    }
}

/// `-value`
pub(super) fn negate<'a>(value: &Value<'_>) -> Result<Value<'a>, EvalError> {
    match value.number() {
        Some(Number::Int(int)) => int.checked_neg().map(Value::Int).ok_or(EvalError::OutOfRange),
        Some(Number::Double(double)) => Ok(Value::Double(-double)),
        _ => Err(EvalError::WrongType),
    }
}

fn join<'a>(left: &List<'a>, right: &List<'a>) -> Value<'a> {
    let mut values = Vec::new();
    for list in [left, right] {
        match list {
            List::Written(array) => values.extend(super::written::elements(array)),
            List::Built(built) => values.extend(built.iter().cloned()),
        }
    }
    Value::List(List::Built(Arc::from(values)))
}

fn ints(operator: Arithmetic, left: i64, right: i64) -> Result<i64, EvalError> {
    match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Remainder if right == 0 => {
            return Err(EvalError::DivisionByZero);
        }
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    }
    .ok_or(EvalError::OutOfRange)
}

fn uints(operator: Arithmetic, left: u64, right: u64) -> Result<u64, EvalError> {
    match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide => return left.checked_div(right).ok_or(EvalError::DivisionByZero),
        Arithmetic::Remainder => return left.checked_rem(right).ok_or(EvalError::DivisionByZero),
    }
    .ok_or(EvalError::OutOfRange)
}

fn doubles(operator: Arithmetic, left: f64, right: f64) -> Result<f64, EvalError> {
    match operator {
        Arithmetic::Add => Ok(left + right),
        Arithmetic::Subtract => Ok(left - right),
        Arithmetic::Multiply => Ok(left * right),
        Arithmetic::Divide => Ok(left / right),
        Arithmetic::Remainder => Err(EvalError::WrongType),
    }
}
