//! Operators: which types they take, and what they give.

use super::CelProblem;
use super::ast::{Binary, Expression, Kind, Unary};
use super::compiler::{Compiler, Typed};
use super::types::Type;
use std::ops::Range;
use streamgauge_engine::expression::{Arithmetic, Comparison, Node};

impl Compiler<'_> {
    /// `!x` or `-x`
    pub(super) fn unary(&mut self, operator: Unary, inner: &Expression) -> Typed {
        let Typed { node, kind } = self.expression(inner);
        match (operator, &kind) {
            (Unary::Not, Type::Bool | Type::Dynamic) => {
                Typed::new(Node::Not(Box::new(node)), Type::Bool)
            }
            (Unary::Negate, Type::Int | Type::Double | Type::Dynamic) => {
                Typed::new(Node::Negate(Box::new(node)), kind)
            }
            (Unary::Not, _) => {
                let message = format!("`!` needs a bool, this is {}", kind.describe());
                let problem = CelProblem::new(inner.span.clone(), message);
                self.broken(
                    problem.with_hint(
                        "`!` binds strongly: write `!(a == b)`, `!(a in b)` or `!has(a)`",
                    ),
                )
            }
            (Unary::Negate, _) => {
                let message = format!("`-` needs an int or a double, this is {}", kind.describe());
                self.broken(CelProblem::new(inner.span.clone(), message))
            }
        }
    }

    /// `left operator right`
    pub(super) fn binary(
        &mut self,
        operator: Binary,
        sides: &[Expression; 2],
        span: &Range<usize>,
    ) -> Typed {
        let [left, right] = sides;
        let (left_typed, right_typed) = (self.expression(left), self.expression(right));
        let kinds = (&left_typed.kind, &right_typed.kind);
        let verdict = match operator {
            Binary::Equal | Binary::NotEqual => equality(operator, kinds, sides),
            Binary::Less | Binary::AtMost | Binary::Greater | Binary::AtLeast => {
                order(operator, kinds)
            }
            Binary::In => membership(kinds),
            _ => arithmetic(operator, kinds),
        };
        let kind = match verdict {
            Ok(kind) => kind,
            Err((message, hint)) => {
                let problem = CelProblem::new(span.clone(), message);
                return self.broken(match hint {
                    Some(hint) => problem.with_hint(hint),
                    None => problem,
                });
            }
        };
        self.warn_of_comparison(operator, sides);
        let nodes = Box::new([left_typed.node, right_typed.node]);
        Typed::new(
            match operator {
                Binary::Equal => Node::Compare(Comparison::Equal, nodes),
                Binary::NotEqual => Node::Compare(Comparison::NotEqual, nodes),
                Binary::Less => Node::Compare(Comparison::Less, nodes),
                Binary::AtMost => Node::Compare(Comparison::AtMost, nodes),
                Binary::Greater => Node::Compare(Comparison::Greater, nodes),
                Binary::AtLeast => Node::Compare(Comparison::AtLeast, nodes),
                Binary::In => Node::In(nodes),
                Binary::Add => Node::Arithmetic(Arithmetic::Add, nodes),
                Binary::Subtract => Node::Arithmetic(Arithmetic::Subtract, nodes),
                Binary::Multiply => Node::Arithmetic(Arithmetic::Multiply, nodes),
                Binary::Divide => Node::Arithmetic(Arithmetic::Divide, nodes),
                Binary::Remainder => Node::Arithmetic(Arithmetic::Remainder, nodes),
            },
            kind,
        )
    }
}

/// The type of the result, or a message and a hint.
type Verdict = Result<Type, (String, Option<String>)>;
/// The types of the left and the right side.
type Kinds<'k> = (&'k Type, &'k Type);

fn equality(operator: Binary, (left, right): Kinds<'_>, sides: &[Expression; 2]) -> Verdict {
    if left.can_equal(right) {
        return Ok(Type::Bool);
    }
    let message = format!("{} and {} are never equal", left.describe(), right.describe());
    let [left_side, right_side] = sides;
    let hint = match (&left_side.kind, &right_side.kind) {
        (_, Kind::Null) | (Kind::Null, _) => {
            let not = if operator == Binary::Equal { "!" } else { "" };
            Some(format!("`{not}has(…)` tells whether a field is there"))
        }
        (_, Kind::Int(number)) if *left == Type::Text => {
            Some(format!("strings stand in quotes: `\"{number}\"`"))
        }
        _ if matches!(left, Type::List(_)) != matches!(right, Type::List(_)) => {
            Some("whether it is one of several is asked with `in`".to_owned())
        }
        _ => None,
    };
    Err((message, hint))
}

fn order(operator: Binary, (left, right): Kinds<'_>) -> Verdict {
    if left.is_ordered() && right.is_ordered() && left.can_equal(right) {
        return Ok(Type::Bool);
    }
    Err((
        format!(
            "`{}` cannot compare {} with {}",
            operator.as_str(),
            left.describe(),
            right.describe()
        ),
        None,
    ))
}

fn membership((item, container): Kinds<'_>) -> Verdict {
    let element = match container {
        Type::Dynamic => return Ok(Type::Bool),
        Type::List(element) => &**element,
        Type::Map(key, _) => &**key,
        Type::Text => {
            let message = "`in` looks into a list or a map, this is a string".to_owned();
            return Err((
                message,
                Some("a part of a string is found with `contains`: `x.contains(y)`".to_owned()),
            ));
        }
        other => {
            return Err((
                format!("`in` looks into a list or a map, this is {}", other.describe()),
                None,
            ));
        }
    };
    if item.can_equal(element) {
        return Ok(Type::Bool);
    }
    let kind = container.describe();
    let message = format!(
        "{} is never in {kind} of which each element is {}",
        item.describe(),
        element.describe()
    );
    Err((message, None))
}

fn arithmetic(operator: Binary, (left, right): Kinds<'_>) -> Verdict {
    let fits = |kind: &Type| match kind {
        Type::Dynamic | Type::Int | Type::Uint => true,
        Type::Double => operator != Binary::Remainder,
        Type::Text | Type::Bytes | Type::List(_) => operator == Binary::Add,
        Type::Null | Type::Bool | Type::Map(..) => false,
    };
    if fits(left) && fits(right) {
        match (left, right) {
            (Type::Dynamic, Type::List(_)) | (Type::List(_), Type::Dynamic) => {
                return Ok(Type::List(Box::new(Type::Dynamic)));
            }
            (Type::List(left), Type::List(right)) => {
                return Ok(Type::List(Box::new((**left).clone().join(right))));
            }
            (Type::Dynamic, kind) | (kind, Type::Dynamic) => return Ok(kind.clone()),
            (left, right) if left == right => return Ok(left.clone()),
            _ => {}
        }
    }
    let message = format!(
        "there is no `{}` of {} and {}",
        operator.as_str(),
        left.describe(),
        right.describe()
    );
    let hint = match (left, right) {
        (Type::Double, Type::Double) => Some("`%` takes ints; `int(…)` converts".to_owned()),
        (left, right) if left.is_number() && right.is_number() => {
            Some("both sides must be of one type: `double(…)` and `int(…)` convert, and `2.0` is a double".to_owned())
        }
        (Type::Text, other) | (other, Type::Text) if operator == Binary::Add && other.is_number() => {
            Some("`string(…)` converts a number".to_owned())
        }
        _ => None,
    };
    Err((message, hint))
}
