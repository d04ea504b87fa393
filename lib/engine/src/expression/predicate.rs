//! The short cut for filters: most of them compare a few fields with constants.
//!
//! `type == "order.created" && data.currency == "AED"` becomes two comparisons of raw text, without values,
//! allocation or decoding. Whatever has no short cut is a [`Predicate::General`] leaf.
//!
//! Logic here has three outcomes: true, false and error. A leaf therefore answers two questions, [`holds`]
//! (is it true?) and [`fails`] (is it false?), and neither is the other's opposite. With them `&&`, `||` and
//! `!` are exact and short-circuit: a conjunction holds if all its parts hold, and fails if any part fails,
//! which is just how CEL absorbs errors.
//!
//! [`holds`]: Predicate::holds
//! [`fails`]: Predicate::fails

use super::compare::compare;
use super::evaluate::Evaluator;
use super::functions::test_text;
use super::node::{Comparison, Node, TextTest};
use super::value::{List, Value};
use crate::field::{FieldId, FieldValues, Raw};
use crate::json;

/// From this many strings on, a list is searched by halving.
const HALVING_MIN: usize = 9;

/// A filter in the form that is fast to decide.
#[derive(Clone, Debug)]
pub(super) enum Predicate {
    /// `true`, `false`
    Always(bool),
    /// `data.vip`
    Flag(FieldId),
    /// `has(data.country)`
    Has(FieldId),
    /// `type == "a"`
    Text(FieldId, Box<str>),
    /// `type in ["a", "b"]`; sorted.
    TextIn(FieldId, Box<[Box<str>]>),
    /// `type.startsWith("order.")` and the like.
    TextTest(FieldId, TextTest, Box<str>),
    /// `data.amount > 10`: any other comparison of a field with a scalar constant.
    Scalar(FieldId, Comparison, Value<'static>),
    /// `!x`
    Not(Box<Self>),
    /// `a && b`
    And(Box<[Self]>),
    /// `a || b`
    Or(Box<[Self]>),
    /// Everything else.
    General(Box<Node>),
}

impl Predicate {
    /// The fast form of a tree.
    pub(super) fn new(node: &Node) -> Self {
        Self::leaf(node).unwrap_or_else(|| match node {
            Node::Not(inner) => Self::Not(Box::new(Self::new(inner))),
            Node::And(nodes) => Self::And(Self::parts(nodes)),
            Node::Or(nodes) => Self::Or(Self::parts(nodes)),
            _ => Self::General(Box::new(node.clone())),
        })
    }

    /// The fast form of a node that looks at one field, or at none.
    fn leaf(node: &Node) -> Option<Self> {
        match node {
            Node::Constant(Value::Bool(value)) => Some(Self::Always(*value)),
            Node::Field(field) => Some(Self::Flag(*field)),
            Node::HasField(field) => Some(Self::Has(*field)),
            Node::Compare(comparison, sides) => match &**sides {
                [Node::Field(field), Node::Constant(constant)] => {
                    Self::comparison(*field, *comparison, constant)
                }
                [Node::Constant(constant), Node::Field(field)] => {
                    Self::comparison(*field, comparison.mirrored(), constant)
                }
                _ => None,
            },
            Node::In(sides) => match &**sides {
                [Node::Field(field), Node::Constant(Value::List(List::Built(values)))] => {
                    texts(values).map(|texts| Self::TextIn(*field, texts))
                }
                _ => None,
            },
            Node::TextTest(test, sides) => match &**sides {
                [Node::Field(field), Node::Constant(Value::Text(part))] => {
                    Some(Self::TextTest(*field, *test, (&**part).into()))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The parts of a conjunction or disjunction, the cheap ones first: without effects, order does not show.
    fn parts(nodes: &[Node]) -> Box<[Self]> {
        let mut parts: Vec<_> = nodes.iter().map(Self::new).collect();
        parts.sort_by_key(Self::cost);
        parts.into()
    }

    fn comparison(
        field: FieldId,
        comparison: Comparison,
        constant: &Value<'static>,
    ) -> Option<Self> {
        match (constant, comparison) {
            (Value::Text(text), Comparison::Equal) => Some(Self::Text(field, (&**text).into())),
            (Value::Text(text), Comparison::NotEqual) => {
                Some(Self::Not(Box::new(Self::Text(field, (&**text).into()))))
            }
            (Value::List(_) | Value::Map(_), _) => None,
            _ => Some(Self::Scalar(field, comparison, constant.clone())),
        }
    }

    /// A rough rank, not a measure.
    fn cost(&self) -> u32 {
        match self {
            Self::Always(_) | Self::Flag(_) | Self::Has(_) | Self::Text(..) => 0,
            Self::TextIn(..) => 1,
            Self::TextTest(..) | Self::Scalar(..) => 2,
            Self::Not(inner) => inner.cost(),
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().map(Self::cost).max().unwrap_or(0) + 1
            }
            Self::General(_) => 100,
        }
    }

    /// Whether it is true; neither if it is false nor if it is an error.
    ///
    /// The most frequent comparisons are decided in the caller's own code, without a call per leaf.
    #[inline]
    pub(super) fn holds(&self, fields: &FieldValues<'_>) -> bool {
        match self {
            Self::Text(field, text) => is_text(fields.get(*field), text),
            Self::TextIn(field, texts) => is_one_of(fields.get(*field), texts),
            _ => self.holds_otherwise(fields),
        }
    }

    fn holds_otherwise(&self, fields: &FieldValues<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(fields)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(fields)),
            Self::Not(inner) => inner.fails(fields),
            Self::Always(value) => *value,
            Self::Flag(field) => fields.get(*field) == Raw::Bool(true),
            Self::Has(field) => is_there(fields.get(*field)),
            Self::Text(..) | Self::TextIn(..) => self.holds(fields),
            Self::TextTest(field, test, part) => {
                text_test(fields.get(*field), *test, part) == Some(true)
            }
            Self::Scalar(field, comparison, constant) => {
                scalar(fields, *field, *comparison, constant) == Some(true)
            }
            Self::General(node) => Evaluator::new(fields).truth(node) == Ok(true),
        }
    }

    /// Whether it is false; neither if it is true nor if it is an error.
    fn fails(&self, fields: &FieldValues<'_>) -> bool {
        match self {
            Self::Text(field, text) => {
                is_there(fields.get(*field)) && !is_text(fields.get(*field), text)
            }
            Self::TextIn(field, texts) => {
                is_there(fields.get(*field)) && !is_one_of(fields.get(*field), texts)
            }
            Self::And(parts) => parts.iter().any(|part| part.fails(fields)),
            Self::Or(parts) => parts.iter().all(|part| part.fails(fields)),
            Self::Not(inner) => inner.holds(fields),
            Self::Always(value) => !*value,
            Self::Flag(field) => fields.get(*field) == Raw::Bool(false),
            Self::Has(field) => fields.get(*field) == Raw::Absent,
            Self::TextTest(field, test, part) => {
                text_test(fields.get(*field), *test, part) == Some(false)
            }
            Self::Scalar(field, comparison, constant) => {
                scalar(fields, *field, *comparison, constant) == Some(false)
            }
            Self::General(node) => Evaluator::new(fields).truth(node) == Ok(false),
        }
    }

    /// The fields that are compared with strings, each once, in the order of their first comparison.
    pub(super) fn compared_fields(&self) -> Vec<FieldId> {
        match self {
            Self::Text(field, _) | Self::TextIn(field, _) => vec![*field],
            Self::And(parts) | Self::Or(parts) => {
                let mut fields = Vec::new();
                for field in parts.iter().flat_map(Self::compared_fields) {
                    if !fields.contains(&field) {
                        fields.push(field);
                    }
                }
                fields
            }
            _ => Vec::new(),
        }
    }

    /// The strings of which the field must be one for the predicate to hold, sorted; `None` if it may be anything.
    pub(super) fn required(&self, field: FieldId) -> Option<Vec<&str>> {
        match self {
            Self::Text(known, text) if *known == field => Some(vec![text]),
            Self::TextIn(known, texts) if *known == field => {
                Some(texts.iter().map(AsRef::as_ref).collect())
            }
            Self::And(parts) => {
                parts.iter().filter_map(|part| part.required(field)).min_by_key(Vec::len)
            }
            Self::Or(parts) => {
                let mut union = Vec::new();
                for part in parts {
                    union.extend(part.required(field)?);
                }
                union.sort_unstable();
                union.dedup();
                Some(union)
            }
            _ => None,
        }
    }
}

/// The strings of a constant list, sorted, if it holds nothing else.
fn texts(values: &[Value<'static>]) -> Option<Box<[Box<str>]>> {
    let mut texts = values
        .iter()
        .map(|value| if let Value::Text(text) = value { Some(Box::from(&**text)) } else { None })
        .collect::<Option<Vec<Box<str>>>>()?;
    texts.sort_unstable();
    texts.dedup();
    Some(texts.into())
}

fn is_there(raw: Raw<'_>) -> bool {
    !matches!(raw, Raw::Unreachable | Raw::Absent)
}

#[inline]
fn is_text(raw: Raw<'_>, text: &str) -> bool {
    match raw {
        Raw::Text(found) => found == text,
        // An escape is longer than what it stands for.
        Raw::Escaped(written) => written.len() > text.len() && json::unescape(written) == text,
        _ => false,
    }
}

fn is_one_of(raw: Raw<'_>, texts: &[Box<str>]) -> bool {
    let search = |found: &str| {
        if texts.len() < HALVING_MIN {
            texts.iter().any(|text| **text == *found)
        } else {
            texts.binary_search_by(|text| (**text).cmp(found)).is_ok()
        }
    };
    match raw {
        Raw::Text(found) => search(found),
        Raw::Escaped(written) => search(&json::unescape(written)),
        _ => false,
    }
}

/// The answer to a question to a string; none if the field is no string.
fn text_test(raw: Raw<'_>, test: TextTest, part: &str) -> Option<bool> {
    match raw {
        Raw::Text(text) => Some(test_text(test, text, part)),
        Raw::Escaped(written) => Some(test_text(test, &json::unescape(written), part)),
        _ => None,
    }
}

fn scalar(
    fields: &FieldValues<'_>,
    field: FieldId,
    comparison: Comparison,
    constant: &Value<'static>,
) -> Option<bool> {
    compare(comparison, &Value::from_raw(fields.get(field)).ok()?, constant).ok()
}
