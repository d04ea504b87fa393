//! The tree that the parser makes: what was written, with the place of everything.

use std::ops::Range;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression {
    pub(super) kind: Kind,
    /// Its bytes in the source.
    pub(super) span: Range<usize>,
    /// How many levels of operators it holds, itself included.
    pub(super) depth: usize,
}

/// What kind of part it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// `name`, or `.name`, which is never a variable of a macro.
    Name {
        name: String,
        rooted: bool,
    },
    /// `base.key`
    Select {
        base: Box<Expression>,
        key: String,
    },
    /// `base[index]`
    Index(Box<[Expression; 2]>),
    /// `name(arguments)` or `receiver.name(arguments)`
    Call(Box<Call>),
    List(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    Unary(Unary, Box<Expression>),
    Binary(Binary, Box<[Expression; 2]>),
    /// Two or more parts joined by `&&`.
    And(Vec<Expression>),
    /// Two or more parts joined by `||`.
    Or(Vec<Expression>),
    Conditional(Box<[Expression; 3]>),
}

/// A call of a function, method or macro.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) receiver: Option<Expression>,
    pub(super) name: String,
    pub(super) name_span: Range<usize>,
    pub(super) arguments: Vec<Expression>,
}

/// An operator with one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Not,
    Negate,
}

/// An operator with two sides, but for `&&` and `||`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

impl Expression {
    pub(super) fn new(kind: Kind, span: Range<usize>) -> Self {
        let depth = 1 + match &kind {
            Kind::Select { base, .. } => base.depth,
            Kind::Unary(_, inner) => inner.depth,
            Kind::Index(sides) | Kind::Binary(_, sides) => deepest(&**sides),
            Kind::Conditional(parts) => deepest(&**parts),
            Kind::Call(call) => deepest(call.receiver.iter().chain(&call.arguments)),
            Kind::List(parts) | Kind::And(parts) | Kind::Or(parts) => deepest(parts),
            Kind::Map(entries) => deepest(entries.iter().flat_map(|(key, value)| [key, value])),
            _ => 0,
        };
        Self { kind, span, depth }
    }
}

fn deepest<'e>(parts: impl IntoIterator<Item = &'e Expression>) -> usize {
    parts.into_iter().map(|part| part.depth).max().unwrap_or(0)
}
