//! Compiled CEL expressions over an event's fields.
//!
//! `streamgauge-rules` parses and checks an expression such as
//!
//! ```text
//! type == "order.created" && data.currency == "AED"
//! ```
//!
//! and hands over a tree of [`Node`]s in which every path is a [`FieldId`] already: evaluation never builds
//! a tree for the event, it looks at the few fields' raw text. The modules, in reading order:
//!
//! 1. `number`: CEL's numbers, how a JSON number becomes one, how they compare and print.
//! 2. `value`: what an expression can be worth; lists and objects of the event stay JSON text.
//! 3. `written`: the reader of that text.
//! 4. `compare`: equality and order across types.
//! 5. `node`: the tree.
//! 6. `evaluate`, `operators` and `functions`: the value of a tree.
//! 7. `predicate`: the short cut. A filter like the one above becomes a few comparisons of raw text that
//!    take nanoseconds and allocate nothing.
//!
//! Errors are values of the language: a missing field or a wrong type makes the expression an [`EvalError`],
//! `&&` and `||` absorb it if their other side decides, and a filter that ends in one does not match.

mod compare;
mod evaluate;
mod functions;
mod node;
mod number;
mod operators;
mod predicate;
#[cfg(test)]
mod tests;
mod value;
mod written;

pub use node::{
    Arithmetic, Comparison, Comprehension, ComprehensionKind, Function, Node, Pattern,
    PatternError, TextTest,
};
pub use number::{number_text, written_number_text};
pub use value::{List, Map, Value, raw_text};

use crate::field::{FieldId, FieldValues};
use evaluate::Evaluator;
use predicate::Predicate;
use std::sync::Arc;

/// How much one evaluation may do: elements looked at, plus 1 for each 64 bytes of text read or joined.
///
/// Only macros nested over long lists of the event come near it; it is about 20 ms of work.
pub const WORK_MAX: u32 = 1_000_000;

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A field, key or index is missing.
    #[error("a field, key or index is missing")]
    Missing,
    /// No operator or function for values of these types.
    #[error("no operator for values of these types")]
    WrongType,
    /// A result does not fit its type: an int that overflows, a conversion out of range.
    #[error("the result is out of range")]
    OutOfRange,
    /// A division or remainder by the integer 0.
    #[error("division by zero")]
    DivisionByZero,
    /// A text that the conversion does not understand: `int("x")`, bytes that are not UTF-8.
    #[error("the text cannot be converted")]
    Conversion,
    /// A key stands twice, in an object of the event or in a map literal.
    #[error("a key stands twice")]
    DuplicateKey,
    /// A value that cannot be the key of a map: only bool, int, uint and string can.
    #[error("the value cannot be a key")]
    InvalidKey,
    /// The evaluation reached [`WORK_MAX`].
    #[error("the expression does too much work for this event")]
    TooMuchWork,
}

/// A compiled expression. Clones share the tree.
#[derive(Clone, Debug)]
pub struct Program {
    compiled: Arc<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    node: Node,
    predicate: Predicate,
}

impl Program {
    /// The program of a checked tree.
    pub fn new(node: Node) -> Self {
        let predicate = Predicate::new(&node);
        Self { compiled: Arc::new(Compiled { node, predicate }) }
    }

    /// The value of the expression for one event.
    pub fn evaluate<'a>(&'a self, fields: &FieldValues<'a>) -> Result<Value<'a>, EvalError> {
        Evaluator::new(fields).value(&self.compiled.node)
    }

    /// Whether the expression is true; an error is no match.
    #[inline]
    pub fn matches(&self, fields: &FieldValues<'_>) -> bool {
        self.compiled.predicate.holds(fields)
    }

    /// The field, if the expression is nothing but a path.
    pub fn path(&self) -> Option<FieldId> {
        match self.compiled.node {
            Node::Field(field) => Some(field),
            _ => None,
        }
    }

    /// A condition that must hold for the expression to be true: the field is one of these strings.
    ///
    /// Of several such fields it is the one with the fewest strings, then the one named first.
    pub fn required(&self) -> Option<(FieldId, Vec<&str>)> {
        let mut best: Option<(FieldId, Vec<&str>)> = None;
        for field in self.compiled.predicate.compared_fields() {
            if let Some(texts) = self.required_for(field)
                && best.as_ref().is_none_or(|(_, known)| texts.len() < known.len())
            {
                best = Some((field, texts));
            }
        }
        best
    }

    /// The strings of which `field` must be one for the expression to be true, sorted; `None` if it may be anything.
    ///
    /// This is what an index of metrics by event type asks. A field's text may have escapes ([`crate::field::Raw::Escaped`]).
    pub fn required_for(&self, field: FieldId) -> Option<Vec<&str>> {
        self.compiled.predicate.required(field)
    }
}
