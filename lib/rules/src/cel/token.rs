//! The words of the language.

use std::ops::Range;

/// A word at its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Its bytes in the source.
    pub(super) span: Range<usize>,
}

/// What kind of word it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A name; reserved words too, the parser knows where they may stand.
    Name(String),
    /// `` `content-type` ``, only after a dot.
    QuotedName(String),
    /// A whole number without its sign.
    Int(u64),
    /// `7u`
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// An operator or a bracket.
    Symbol(Symbol),
    End,
}

/// Operators and brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    And,
    Or,
    Not,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Question,
    Colon,
    Comma,
    Dot,
    LeftParenthesis,
    RightParenthesis,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
}

impl Symbol {
    /// All symbols, longer ones before their beginnings.
    pub(super) const ALL: [Self; 24] = [
        Self::Equal,
        Self::NotEqual,
        Self::AtMost,
        Self::AtLeast,
        Self::And,
        Self::Or,
        Self::Less,
        Self::Greater,
        Self::Not,
        Self::Plus,
        Self::Minus,
        Self::Star,
        Self::Slash,
        Self::Percent,
        Self::Question,
        Self::Colon,
        Self::Comma,
        Self::Dot,
        Self::LeftParenthesis,
        Self::RightParenthesis,
        Self::LeftBracket,
        Self::RightBracket,
        Self::LeftBrace,
        Self::RightBrace,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::And => "&&",
            Self::Or => "||",
            Self::Not => "!",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Star => "*",
            Self::Slash => "/",
            Self::Percent => "%",
            Self::Question => "?",
            Self::Colon => ":",
            Self::Comma => ",",
            Self::Dot => ".",
            Self::LeftParenthesis => "(",
            Self::RightParenthesis => ")",
            Self::LeftBracket => "[",
            Self::RightBracket => "]",
            Self::LeftBrace => "{",
            Self::RightBrace => "}",
        }
    }
}

impl TokenKind {
    /// The word as messages show it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::QuotedName(_) => "a quoted name".to_owned(),
            Self::Int(_) | Self::Uint(_) | Self::Double(_) => "a number".to_owned(),
            Self::Text(_) => "a string".to_owned(),
            Self::Bytes(_) => "bytes".to_owned(),
            Self::Symbol(symbol) => format!("`{}`", symbol.as_str()),
            Self::End => "the end".to_owned(),
        }
    }

    /// Whether a value can end with this word, so that an operator or a dot may follow.
    pub(super) fn ends_value(&self) -> bool {
        match self {
            Self::Symbol(symbol) => {
                matches!(
                    symbol,
                    Symbol::RightParenthesis | Symbol::RightBracket | Symbol::RightBrace
                )
            }
            Self::End => false,
            _ => true,
        }
    }
}
