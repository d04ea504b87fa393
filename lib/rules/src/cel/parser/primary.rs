//! Values: literals, names, brackets, and what follows them without an operator (`.`, `[…]`, calls).

use super::super::CelProblem;
use super::super::ast::{Call, Expression, Kind};
use super::super::token::{Symbol, TokenKind};
use super::{CONDITIONAL, Parser};
use std::ops::Range;

/// Words that are no names, but may stand behind a dot.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

impl Parser {
    /// A literal, a name, a function call or something in brackets.
    pub(super) fn primary(&mut self) -> Result<Expression, CelProblem> {
        let kind = match self.peek().clone() {
            TokenKind::Name(name) => return self.name(&name),
            TokenKind::Symbol(Symbol::Dot) => return self.rooted_name(),
            TokenKind::Symbol(Symbol::LeftParenthesis) => {
                let opening = self.advance();
                let mut inner = self.expression(CONDITIONAL)?;
                self.close(Symbol::RightParenthesis, &opening, "parenthesis")?;
                inner.span = opening.start..self.last_span().end;
                return Ok(inner);
            }
            TokenKind::Symbol(Symbol::LeftBracket) => {
                let opening = self.advance();
                let elements = self.list(Symbol::RightBracket, &opening, "list")?;
                return Self::node(Kind::List(elements), opening.start..self.last_span().end);
            }
            TokenKind::Symbol(Symbol::LeftBrace) => return self.map(),
            TokenKind::Int(number) => match i64::try_from(number) {
                Ok(number) => Kind::Int(number),
                Err(_) => return Err(Self::out_of_range(self.span())),
            },
            TokenKind::Uint(number) => Kind::Uint(number),
            TokenKind::Double(number) => Kind::Double(number),
            TokenKind::Text(text) => Kind::Text(text),
            TokenKind::Bytes(bytes) => Kind::Bytes(bytes),
            TokenKind::QuotedName(_) => {
                return Err(CelProblem::new(self.span(), "a quoted name can only follow a `.`"));
            }
            TokenKind::Symbol(_) | TokenKind::End => return Err(self.expected_expression()),
        };
        let span = self.advance();
        Self::node(kind, span)
    }

    /// What to say when a value should stand here.
    fn expected_expression(&self) -> CelProblem {
        let last =
            self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map(|token| &token.kind);
        let message = match last {
            Some(last) => format!("expected an expression after {}", last.describe()),
            None => "expected an expression".to_owned(),
        };
        match (last, self.peek()) {
            (_, TokenKind::End) => CelProblem::new(self.last_span(), message),
            (
                Some(TokenKind::Symbol(Symbol::LeftBracket | Symbol::LeftBrace | Symbol::Comma)),
                TokenKind::Symbol(Symbol::Question),
            ) => CelProblem::new(self.span(), "optional elements (`?x`) are not supported"),
            (_, TokenKind::Symbol(Symbol::Question)) => {
                let problem = CelProblem::new(self.span(), format!("{message}, found `?`"));
                problem.with_hint("there is no `??`; write `has(a) ? a : b`")
            }
            (_, found) => {
                CelProblem::new(self.span(), format!("{message}, found {}", found.describe()))
            }
        }
    }

    fn name(&mut self, name: &str) -> Result<Expression, CelProblem> {
        let kind = match name {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "null" => Kind::Null,
            "in" => return Err(self.expected_expression()),
            _ if RESERVED.contains(&name) => {
                return Err(CelProblem::new(
                    self.span(),
                    format!("`{name}` is a reserved word of CEL"),
                )
                .with_hint("a field of this name can only be read behind a dot"));
            }
            _ => {
                let span = self.advance();
                if self.is(Symbol::LeftParenthesis) {
                    return self.call(None, name.to_owned(), span);
                }
                return Self::node(Kind::Name { name: name.to_owned(), rooted: false }, span);
            }
        };
        let span = self.advance();
        Self::node(kind, span)
    }

    /// `.name`
    fn rooted_name(&mut self) -> Result<Expression, CelProblem> {
        let dot = self.advance();
        let (name, span) = self.field_name()?;
        if self.is(Symbol::LeftParenthesis) {
            return self.call(None, name, span);
        }
        Self::node(Kind::Name { name, rooted: true }, dot.start..span.end)
    }

    /// The name behind a dot.
    fn field_name(&mut self) -> Result<(String, Range<usize>), CelProblem> {
        let name = match self.peek() {
            TokenKind::Name(name) if !matches!(name.as_str(), "true" | "false" | "null" | "in") => {
                name.clone()
            }
            TokenKind::QuotedName(name) => name.clone(),
            TokenKind::Symbol(Symbol::Question) => {
                return Err(CelProblem::new(
                    self.span(),
                    "optional fields (`.?`) are not supported",
                )
                .with_hint("ask with `has(…)`"));
            }
            TokenKind::End => {
                return Err(CelProblem::new(self.last_span(), "expected a field name after `.`"));
            }
            found => {
                let message =
                    format!("expected a field name after `.`, found {}", found.describe());
                return Err(CelProblem::new(self.span(), message)
                    .with_hint("other names stand in brackets: `data[\"order-id\"]`, places in a list too: `data.items[0]`"));
            }
        };
        Ok((name, self.advance()))
    }

    /// What follows a value: fields, indexes, methods.
    pub(super) fn postfix(&mut self, mut value: Expression) -> Result<Expression, CelProblem> {
        loop {
            let start = value.span.start;
            if self.take(Symbol::Dot) {
                let (name, span) = self.field_name()?;
                value = if self.is(Symbol::LeftParenthesis) {
                    self.call(Some(value), name, span)?
                } else {
                    Self::node(Kind::Select { base: Box::new(value), key: name }, start..span.end)?
                };
            } else if self.is(Symbol::LeftBracket) {
                let opening = self.advance();
                if self.is(Symbol::Question) {
                    return Err(CelProblem::new(
                        self.span(),
                        "optional indexes (`[?…]`) are not supported",
                    )
                    .with_hint("ask with `has(…)` or `in`"));
                }
                let index = self.expression(CONDITIONAL)?;
                self.close(Symbol::RightBracket, &opening, "index")?;
                let end = self.last_span().end;
                value = Self::node(Kind::Index(Box::new([value, index])), start..end)?;
            } else if self.is(Symbol::LeftBrace) {
                return Err(Self::message_literal(start..self.span().end));
            } else {
                return Ok(value);
            }
        }
    }

    fn call(
        &mut self,
        receiver: Option<Expression>,
        name: String,
        name_span: Range<usize>,
    ) -> Result<Expression, CelProblem> {
        let opening = self.advance();
        let start = receiver.as_ref().map_or(name_span.start, |receiver| receiver.span.start);
        let arguments = self.list(Symbol::RightParenthesis, &opening, "call")?;
        let span = start..self.last_span().end;
        Self::node(Kind::Call(Box::new(Call { receiver, name, name_span, arguments })), span)
    }

    /// Expressions with commas between them (and one at the end, if you like), up to the closing bracket.
    fn list(
        &mut self,
        closing: Symbol,
        opening: &Range<usize>,
        what: &str,
    ) -> Result<Vec<Expression>, CelProblem> {
        let mut elements = Vec::new();
        while !self.is(closing) && *self.peek() != TokenKind::End {
            elements.push(self.expression(CONDITIONAL)?);
            if !self.take(Symbol::Comma) {
                break;
            }
        }
        self.close(closing, opening, what)?;
        Ok(elements)
    }

    fn map(&mut self) -> Result<Expression, CelProblem> {
        let opening = self.advance();
        let mut entries = Vec::new();
        while !self.is(Symbol::RightBrace) && *self.peek() != TokenKind::End {
            let key = self.expression(CONDITIONAL)?;
            if !self.take(Symbol::Colon) {
                if *self.peek() == TokenKind::End {
                    break;
                }
                let message =
                    format!("expected `:` after the key, found {}", self.peek().describe());
                return Err(
                    CelProblem::new(self.span(), message).with_hint("a map is `{\"key\": value}`")
                );
            }
            entries.push((key, self.expression(CONDITIONAL)?));
            if !self.take(Symbol::Comma) {
                break;
            }
        }
        self.close(Symbol::RightBrace, &opening, "map")?;
        Self::node(Kind::Map(entries), opening.start..self.last_span().end)
    }

    /// Reads the closing bracket; one that never comes is blamed at the opening one.
    fn close(
        &mut self,
        closing: Symbol,
        opening: &Range<usize>,
        what: &str,
    ) -> Result<(), CelProblem> {
        if self.take(closing) {
            return Ok(());
        }
        let closing = closing.as_str();
        if *self.peek() == TokenKind::End {
            let message = format!("the {what} is never closed: expected `{closing}`");
            return Err(CelProblem::new(opening.clone(), message));
        }
        if let TokenKind::Name(_) = self.peek() {
            return Err(self.unexpected_after_value());
        }
        let found = self.peek().describe();
        let (message, hint) = match (what, self.peek()) {
            ("parenthesis", TokenKind::Symbol(Symbol::Comma)) => {
                ("expected `)`, found `,`".to_owned(), Some("a list stands in brackets: `[a, b]`"))
            }
            ("list" | "map" | "call", TokenKind::Symbol(_)) => {
                (format!("expected `,` or `{closing}`, found {found}"), None)
            }
            ("list" | "map" | "call", _) => {
                (format!("expected `,` or `{closing}` before {found}"), None)
            }
            _ => (format!("expected `{closing}`, found {found}"), None),
        };
        let problem = CelProblem::new(self.span(), message);
        Err(hint.map_or(problem.clone(), |hint| problem.with_hint(hint)))
    }
}
