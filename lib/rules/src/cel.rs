//! Expressions in CEL, the Common Expression Language: text to a checked [`Program`].
//!
//! ```
//! use streamgauge_engine::field::FieldTable;
//! use streamgauge_rules::cel::{self, Declarations, Expected};
//!
//! let declarations = Declarations { strings: vec![vec!["type".to_owned()]], ..Declarations::default() };
//! let mut fields = FieldTable::default();
//! let program = cel::compile(r#"type == "order.created" && data.amount > 10"#, &mut fields, &declarations);
//! assert!(program.is_ok());
//! assert_eq!(fields.len(), 2); // type and data.amount: nothing else of the event is read
//!
//! let problems = cel::compile_as(r#"data.name.startWith("a")"#, &mut fields, &declarations, Expected::Bool);
//! assert_eq!(problems.unwrap_err()[0].hint.as_deref(), Some("did you mean `startsWith`?"));
//! ```
//!
//! The steps are the modules, in order: `token` and `literal` (what words there are), `lexer` (text to
//! tokens), `ast` and `parser` (tokens to a tree), `types` (what is known before any event comes), `compiler`
//! with `names`, `operators` and `calls` (the tree, checked, to the engine's nodes), `unknown` and `suggest` (did you mean),
//! and `slips` (what compiles and was surely not meant).
//!
//! The compiler checks while it translates: the fields of [`Declarations::strings`] are strings, literals
//! and functions have their types, everything else of the event is dynamic. What is not supported is a
//! problem that says so. `docs/cel.md` lists what is supported and how the published cases fare.

mod ast;
mod calls;
mod compiler;
mod lexer;
mod literal;
mod names;
mod operators;
mod parser;
mod slips;
mod suggest;
#[cfg(test)]
mod tests;
mod token;
mod types;
mod unknown;

use std::ops::Range;
use streamgauge_engine::expression::Program;
use streamgauge_engine::field::FieldTable;

/// The longest expression, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 65_536;
/// How deep an expression may nest; each operator of a chain counts, but a chain of `&&` or `||` counts once.
pub const EXPRESSION_DEPTH_MAX: usize = 100;

/// What is known about the event's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declarations {
    /// The paths that are strings: the type and the fields of the identity.
    pub strings: Vec<Vec<String>>,
    /// The paths of the standard fields, the type first. Without them nothing is warned of.
    pub standard: Vec<Vec<String>>,
}

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What the engine evaluates.
    pub program: Program,
    /// What was probably not meant, in the order of the places.
    pub warnings: Vec<CelProblem>,
}

/// What the value of an expression must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A filter: true or false.
    Bool,
    /// What a sum adds up.
    Number,
    /// Any value.
    Any,
}

/// Something wrong with an expression, at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CelProblem {
    /// Where, in bytes of the source; never empty unless the source is.
    pub span: Range<usize>,
    /// What, without a final period.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl CelProblem {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Compiles an expression whose value may be anything, and interns the paths that it reads.
pub fn compile(
    source: &str,
    fields: &mut FieldTable,
    declarations: &Declarations,
) -> Result<Program, Vec<CelProblem>> {
    compile_as(source, fields, declarations, Expected::Any).map(|compiled| compiled.program)
}

/// Compiles an expression with a value of the expected type, and interns the paths that it reads.
///
/// On failure all problems are told in the order of their places; only a mistake in the grammar hides
/// the mistakes in the meaning.
pub fn compile_as(
    source: &str,
    fields: &mut FieldTable,
    declarations: &Declarations,
    expected: Expected,
) -> Result<Compiled, Vec<CelProblem>> {
    if source.len() > EXPRESSION_BYTES_MAX {
        let message = format!(
            "the expression has {} bytes; the limit is {EXPRESSION_BYTES_MAX}",
            source.len()
        );
        return Err(vec![CelProblem::new(0..source.len(), message)]);
    }
    let result = parser::parse(source).and_then(|expression| {
        compiler::Compiler::new(fields, declarations).compile(&expression, expected)
    });
    let in_order = |mut problems: Vec<CelProblem>| {
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        problems.dedup();
        problems
    };
    match result {
        Ok((node, warnings)) => {
            Ok(Compiled { program: Program::new(node), warnings: in_order(warnings) })
        }
        Err(problems) => Err(in_order(problems)),
    }
}
