//! Tokens to a tree: a Pratt parser, that is, a loop over binding strengths.
//!
//! From the weakest: `? :`, `||`, `&&`, relations and `in`, `+ -`, `* / %`, the unary `! -`, and then `.`,
//! `[…]` and calls. The first mistake ends the parsing; it is blamed where a reader would look for it, so an
//! unclosed list at its opening bracket. Words of other languages (`and`, `not`) are told and read as meant.

mod primary;

use super::ast::{Binary, Expression, Kind, Unary};
use super::lexer::{self, Words};
use super::token::{Symbol, Token, TokenKind};
use super::{CelProblem, EXPRESSION_DEPTH_MAX};
use std::ops::Range;

/// How strongly operators bind.
const CONDITIONAL: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const RELATION: u8 = 4;
const ADDITION: u8 = 5;
const MULTIPLICATION: u8 = 6;
const UNARY: u8 = 7;

/// The tree of an expression.
pub(super) fn parse(source: &str) -> Result<Expression, Vec<CelProblem>> {
    let Words { tokens, problems, complete } = lexer::words(source);
    if tokens.len() == 1 && complete {
        return Err(vec![CelProblem::new(0..source.len(), "the expression is empty")]);
    }
    let mut parser = Parser { tokens, at: 0, nesting: 0, problems };
    // What the parser would say about words that end early is no help.
    if complete {
        match parser.whole() {
            Ok(expression) if parser.problems.is_empty() => return Ok(expression),
            Ok(_) => {}
            Err(problem) => parser.problems.push(problem),
        }
    }
    Err(parser.problems)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// How many calls of [`Parser::expression`] are open.
    nesting: usize,
    problems: Vec<CelProblem>,
}

/// An operator between two sides.
#[derive(Clone, Copy)]
enum Infix {
    Conditional,
    Or,
    And,
    Binary(Binary),
}

impl Infix {
    const fn strength(self) -> u8 {
        match self {
            Self::Conditional => CONDITIONAL,
            Self::Or => OR,
            Self::And => AND,
            Self::Binary(Binary::Add | Binary::Subtract) => ADDITION,
            Self::Binary(Binary::Multiply | Binary::Divide | Binary::Remainder) => MULTIPLICATION,
            Self::Binary(_) => RELATION,
        }
    }
}

impl Parser {
    fn peek(&self) -> &TokenKind {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &TokenKind {
        self.tokens.get(self.at + ahead).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn is(&self, symbol: Symbol) -> bool {
        *self.peek() == TokenKind::Symbol(symbol)
    }

    fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0..0, |token| token.span.clone())
    }

    /// The place of the token that was read last.
    fn last_span(&self) -> Range<usize> {
        self.at
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map_or(0..0, |token| token.span.clone())
    }

    /// Reads one token and tells its place.
    fn advance(&mut self) -> Range<usize> {
        let span = self.span();
        self.at += 1;
        span
    }

    fn take(&mut self, symbol: Symbol) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    fn node(kind: Kind, span: Range<usize>) -> Result<Expression, CelProblem> {
        let expression = Expression::new(kind, span);
        if expression.depth > EXPRESSION_DEPTH_MAX {
            Err(Self::too_deep(expression.span))
        } else {
            Ok(expression)
        }
    }

    fn too_deep(span: Range<usize>) -> CelProblem {
        CelProblem::new(
            span,
            format!("the expression nests deeper than {EXPRESSION_DEPTH_MAX} levels"),
        )
    }

    fn whole(&mut self) -> Result<Expression, CelProblem> {
        let expression = self.expression(CONDITIONAL)?;
        if *self.peek() == TokenKind::End {
            Ok(expression)
        } else {
            Err(self.unexpected_after_value())
        }
    }

    /// An expression whose operators all bind at least as strongly as `minimum`.
    fn expression(&mut self, minimum: u8) -> Result<Expression, CelProblem> {
        if self.nesting == EXPRESSION_DEPTH_MAX {
            return Err(Self::too_deep(self.span()));
        }
        self.nesting += 1;
        let mut left = self.prefix()?;
        while let Some(infix) = self.infix()
            && infix.strength() >= minimum
        {
            left = self.continued(left, infix)?;
        }
        self.nesting -= 1;
        Ok(left)
    }

    /// The operator that comes next, if there is one.
    fn infix(&mut self) -> Option<Infix> {
        Some(match self.peek() {
            TokenKind::Symbol(Symbol::Question) => Infix::Conditional,
            TokenKind::Symbol(Symbol::Or) => Infix::Or,
            TokenKind::Symbol(Symbol::And) => Infix::And,
            TokenKind::Symbol(Symbol::Equal) => Infix::Binary(Binary::Equal),
            TokenKind::Symbol(Symbol::NotEqual) => Infix::Binary(Binary::NotEqual),
            TokenKind::Symbol(Symbol::Less) => Infix::Binary(Binary::Less),
            TokenKind::Symbol(Symbol::AtMost) => Infix::Binary(Binary::AtMost),
            TokenKind::Symbol(Symbol::Greater) => Infix::Binary(Binary::Greater),
            TokenKind::Symbol(Symbol::AtLeast) => Infix::Binary(Binary::AtLeast),
            TokenKind::Symbol(Symbol::Plus) => Infix::Binary(Binary::Add),
            TokenKind::Symbol(Symbol::Minus) => Infix::Binary(Binary::Subtract),
            TokenKind::Symbol(Symbol::Star) => Infix::Binary(Binary::Multiply),
            TokenKind::Symbol(Symbol::Slash) => Infix::Binary(Binary::Divide),
            TokenKind::Symbol(Symbol::Percent) => Infix::Binary(Binary::Remainder),
            TokenKind::Name(name) => match name.as_str() {
                "in" => Infix::Binary(Binary::In),
                "and" | "AND" => self.slip("`and` is no operator", Symbol::And, Infix::And),
                "or" | "OR" => self.slip("`or` is no operator", Symbol::Or, Infix::Or),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Tells a word of another language, makes it the symbol that was meant, and goes on with it.
    fn slip(&mut self, message: &str, meant: Symbol, infix: Infix) -> Infix {
        let hint = format!("write `{}`", meant.as_str());
        self.problems.push(CelProblem::new(self.span(), message).with_hint(hint));
        if let Some(token) = self.tokens.get_mut(self.at) {
            token.kind = TokenKind::Symbol(meant);
        }
        infix
    }

    /// The expression that goes on with an operator behind its left side.
    fn continued(&mut self, left: Expression, infix: Infix) -> Result<Expression, CelProblem> {
        self.advance();
        let start = left.span.start;
        match infix {
            Infix::Conditional => {
                let question = self.last_span();
                let yes = self.expression(CONDITIONAL)?;
                if !self.take(Symbol::Colon) {
                    return Err(if *self.peek() == TokenKind::End {
                        CelProblem::new(question, "the condition has no `:`")
                            .with_hint("write `x ? y : z`")
                    } else {
                        self.unexpected_after_value()
                    });
                }
                let no = self.expression(CONDITIONAL)?;
                let end = no.span.end;
                Self::node(Kind::Conditional(Box::new([left, yes, no])), start..end)
            }
            Infix::Or => self.chain(left, Symbol::Or, OR, Kind::Or),
            Infix::And => self.chain(left, Symbol::And, AND, Kind::And),
            Infix::Binary(operator) => {
                let right = self.expression(infix.strength() + 1)?;
                let end = right.span.end;
                Self::node(Kind::Binary(operator, Box::new([left, right])), start..end)
            }
        }
    }

    /// `a && b && c`: one level, however long.
    fn chain(
        &mut self,
        left: Expression,
        symbol: Symbol,
        strength: u8,
        kind: impl Fn(Vec<Expression>) -> Kind,
    ) -> Result<Expression, CelProblem> {
        let start = left.span.start;
        let mut parts = vec![left, self.expression(strength + 1)?];
        // `infix` also turns a slip (`and`) into its symbol.
        while self.infix().is_some() && self.take(symbol) {
            parts.push(self.expression(strength + 1)?);
        }
        let end = self.last_span().end;
        Self::node(kind(parts), start..end)
    }

    /// What comes before any operator with two sides: `!x`, `-x`, or a value.
    fn prefix(&mut self) -> Result<Expression, CelProblem> {
        let start = self.span().start;
        if let TokenKind::Name(name) = self.peek()
            && matches!(name.as_str(), "not" | "NOT")
            && self.starts_value(1)
        {
            self.slip("`not` is no operator", Symbol::Not, Infix::And);
        }
        let operator = match self.peek() {
            TokenKind::Symbol(Symbol::Not) => Unary::Not,
            TokenKind::Symbol(Symbol::Minus) => {
                if let Some(literal) = self.negative_literal()? {
                    return self.postfix(literal);
                }
                Unary::Negate
            }
            _ => {
                let value = self.primary()?;
                return self.postfix(value);
            }
        };
        self.advance();
        let inner = self.expression(UNARY)?;
        let end = inner.span.end;
        Self::node(Kind::Unary(operator, Box::new(inner)), start..end)
    }

    /// A number behind a minus is one literal: -9223372036854775808 has no positive counterpart.
    fn negative_literal(&mut self) -> Result<Option<Expression>, CelProblem> {
        let kind = match *self.peek_at(1) {
            TokenKind::Int(number) => 0_i64.checked_sub_unsigned(number).map(Kind::Int),
            TokenKind::Double(number) => Some(Kind::Double(-number)),
            _ => return Ok(None),
        };
        let start = self.advance().start;
        let span = start..self.advance().end;
        match kind {
            Some(kind) => Self::node(kind, span).map(Some),
            None => Err(Self::out_of_range(span)),
        }
    }

    fn out_of_range(span: Range<usize>) -> CelProblem {
        CelProblem::new(span, "the number does not fit an int (64 bits)")
            .with_hint("with a fraction (`.0`) it is a double")
    }

    /// Whether the token `ahead` of the current one begins a value.
    fn starts_value(&self, ahead: usize) -> bool {
        match self.peek_at(ahead) {
            TokenKind::Name(name) => !matches!(name.as_str(), "in" | "and" | "or"),
            TokenKind::Symbol(symbol) => matches!(symbol, Symbol::LeftParenthesis | Symbol::Not),
            TokenKind::End => false,
            _ => true,
        }
    }

    /// What to say when a value is complete and something else follows than an operator.
    fn unexpected_after_value(&self) -> CelProblem {
        let span = self.span();
        match self.peek() {
            TokenKind::Name(name) => {
                let problem =
                    CelProblem::new(span, format!("expected an operator before `{name}`"));
                match name.as_str() {
                    "not" | "NOT" => problem.with_hint("write `!(x in y)` for `x not in y`"),
                    "is" | "IS" => problem.with_hint(
                        "compare with `==`; `has(data.x)` tells whether a field is there",
                    ),
                    "contains" | "startsWith" | "endsWith" | "matches" => {
                        problem.with_hint(format!("it is a method: `x.{name}(y)`"))
                    }
                    "like" | "LIKE" => {
                        problem.with_hint("use `startsWith`, `endsWith`, `contains` or `matches`")
                    }
                    "IN" => problem.with_hint("write `in`"),
                    _ => problem,
                }
            }
            TokenKind::Symbol(Symbol::RightParenthesis) => {
                CelProblem::new(span, "this `)` closes nothing")
            }
            TokenKind::Symbol(Symbol::RightBracket) => {
                CelProblem::new(span, "this `]` closes nothing")
            }
            TokenKind::Symbol(Symbol::RightBrace) => {
                CelProblem::new(span, "this `}` closes nothing")
            }
            TokenKind::Symbol(Symbol::LeftBrace) => Self::message_literal(span),
            kind => {
                CelProblem::new(span, format!("expected an operator before {}", kind.describe()))
            }
        }
    }

    fn message_literal(span: Range<usize>) -> CelProblem {
        CelProblem::new(span, "messages (`Name{field: value}`) are not supported")
            .with_hint("a map is `{\"key\": value}`")
    }
}
