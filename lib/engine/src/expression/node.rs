//! The tree of a checked expression. `streamgauge-rules` builds it and [`super::Program`] runs it.

use super::value::Value;
use crate::field::FieldId;
use regex_lite::{Regex, RegexBuilder};

/// The largest compiled pattern, in bytes of memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// How deep the groups of a pattern may nest.
const PATTERN_DEPTH_MAX: u32 = 50;

/// One operation of an expression.
#[derive(Clone, Debug)]
pub enum Node {
    /// A literal, or a list or map of literals.
    Constant(Value<'static>),
    /// The value of a field of the event.
    Field(FieldId),
    /// The variable of an enclosing comprehension, counted from the outermost.
    Local(usize),
    /// `has(data.country)` for a path of the event.
    HasField(FieldId),
    /// `has(base.key)` for any other base.
    Has(Box<Self>, Box<str>),
    /// `base.key`
    Select(Box<Self>, Box<str>),
    /// `base[index]`
    Index(Box<[Self; 2]>),
    /// `!x`
    Not(Box<Self>),
    /// `-x`
    Negate(Box<Self>),
    /// `a && b && …`
    And(Vec<Self>),
    /// `a || b || …`
    Or(Vec<Self>),
    /// `condition ? yes : no`
    Conditional(Box<[Self; 3]>),
    /// `a < b` and the like.
    Compare(Comparison, Box<[Self; 2]>),
    /// `item in container`
    In(Box<[Self; 2]>),
    /// `a + b` and the like.
    Arithmetic(Arithmetic, Box<[Self; 2]>),
    /// A function of one value.
    Call(Function, Box<Self>),
    /// A question to a string about another one: `a.startsWith(b)`.
    TextTest(TextTest, Box<[Self; 2]>),
    /// `text.matches("pattern")`
    Matches(Box<Self>, Pattern),
    /// `[a, b]`
    List(Vec<Self>),
    /// `{a: b}`
    Map(Vec<(Self, Self)>),
    /// `list.exists(x, test)` and the like.
    Comprehension(Box<Comprehension>),
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// The comparison that says the same with its sides exchanged.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
            Self::Equal | Self::NotEqual => self,
        }
    }
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`, also of strings, bytes and lists.
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `size(x)`: code points, bytes, elements or entries.
    Size,
    /// `int(x)`
    Int,
    /// `uint(x)`
    Uint,
    /// `double(x)`
    Double,
    /// `string(x)`
    Text,
    /// `bytes(x)`
    Bytes,
    /// `bool(x)`
    Bool,
}

/// A question to a string about another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// `startsWith`
    StartsWith,
    /// `endsWith`
    EndsWith,
    /// `contains`
    Contains,
}

/// A macro over the elements of a list or the keys of a map.
#[derive(Clone, Debug)]
pub struct Comprehension {
    /// The list or map.
    pub range: Node,
    /// What is asked of each element.
    pub kind: ComprehensionKind,
}

/// What a comprehension asks of each element. The element is the innermost [`Node::Local`].
#[derive(Clone, Debug)]
pub enum ComprehensionKind {
    /// `all`: true unless the test is false for some element; like `&&` it absorbs errors.
    All(Node),
    /// `exists`: true if the test is true for some element; like `||` it absorbs errors.
    Exists(Node),
    /// `exists_one`: true if the test is true for exactly one element.
    ExistsOne(Node),
    /// `filter` and `map`: a list of the elements that pass the test, transformed.
    Collect {
        /// What an element must pass.
        filter: Option<Node>,
        /// What becomes of it.
        transform: Option<Node>,
    },
}

/// A regular expression, compiled once.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
}

/// Why a pattern is no regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl Pattern {
    /// Compiles a pattern in RE2's syntax without Unicode classes; matching takes linear time.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES_MAX)
            .nest_limit(PATTERN_DEPTH_MAX)
            .build()
            .map(|regex| Self { regex })
            .map_err(|error| PatternError(error.to_string()))
    }

    /// Whether some part of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}
