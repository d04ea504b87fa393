//! Text to tokens.
//!
//! Slips that have one obvious meaning (`=`, `===`, `&`, `<>`) are told and then read as what was meant, so
//! that one run shows them all; a broken string or number ends the reading.

use super::CelProblem;
use super::literal::Opening;
use super::token::{Symbol, Token, TokenKind};

/// The words of an expression.
pub(super) struct Words {
    /// The last one is [`TokenKind::End`].
    pub(super) tokens: Vec<Token>,
    pub(super) problems: Vec<CelProblem>,
    /// Whether they were read to the end.
    pub(super) complete: bool,
}

/// Reads the words of an expression.
pub(super) fn words(source: &str) -> Words {
    let mut lexer = Lexer { source, at: 0, tokens: Vec::new(), problems: Vec::new() };
    let mut complete = true;
    while lexer.skip_blank() {
        if let Err(problem) = lexer.next() {
            lexer.problems.push(problem);
            complete = false;
            break;
        }
    }
    lexer.tokens.push(Token { kind: TokenKind::End, span: source.len()..source.len() });
    Words { tokens: lexer.tokens, problems: lexer.problems, complete }
}

/// Slips: what was written, what was meant, and what to say.
const SLIPS: [(&str, Symbol, &str); 7] = [
    ("===", Symbol::Equal, "`===` is no operator"),
    ("!==", Symbol::NotEqual, "`!==` is no operator"),
    ("<>", Symbol::NotEqual, "`<>` is no operator"),
    ("=<", Symbol::AtMost, "`=<` is no operator"),
    ("=>", Symbol::AtLeast, "`=>` is no operator"),
    ("&", Symbol::And, "a single `&` is no operator"),
    ("|", Symbol::Or, "a single `|` is no operator"),
];

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    tokens: Vec<Token>,
    problems: Vec<CelProblem>,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// Skips white space and comments; false at the end.
    fn skip_blank(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let text = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
            self.at += rest.len() - text.len();
            if !text.starts_with("//") {
                return !text.is_empty();
            }
            self.at += text.find('\n').unwrap_or(text.len());
        }
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        self.tokens.push(Token { kind, span: self.at..self.at + length });
        self.at += length;
    }

    fn next(&mut self) -> Result<(), CelProblem> {
        let rest = self.rest();
        if let Some(opening) = Opening::read(rest) {
            let (kind, end) = opening.literal(self.source, self.at)?;
            self.push(kind, end - self.at);
            return Ok(());
        }
        let mut characters = rest.chars();
        let first = characters.next().unwrap_or_default();
        let second = characters.next().unwrap_or_default();
        let after_value = self.tokens.last().is_some_and(|token| token.kind.ends_value());
        if first.is_ascii_alphabetic() || first == '_' {
            let length = rest
                .find(|next: char| !next.is_ascii_alphanumeric() && next != '_')
                .unwrap_or(rest.len());
            let name = rest.get(..length).unwrap_or_default().to_owned();
            self.push(TokenKind::Name(name), length);
            Ok(())
        } else if first.is_ascii_digit()
            || (first == '.' && second.is_ascii_digit() && !after_value)
        {
            self.number(rest)
        } else if first == '`' {
            self.quoted_name(rest)
        } else {
            self.symbol(rest, first)
        }
    }

    fn quoted_name(&mut self, rest: &str) -> Result<(), CelProblem> {
        let inside = rest.get(1..).unwrap_or_default();
        match inside.find('`') {
            Some(length) if length > 0 => {
                let name = inside.get(..length).unwrap_or_default().to_owned();
                self.push(TokenKind::QuotedName(name), length + 2);
                Ok(())
            }
            Some(_) => Err(CelProblem::new(self.at..self.at + 2, "the quoted name is empty")),
            None => {
                Err(CelProblem::new(self.at..self.source.len(), "the quoted name is never closed")
                    .with_hint("it begins with a backquote and must end with one"))
            }
        }
    }

    fn symbol(&mut self, rest: &str, first: char) -> Result<(), CelProblem> {
        let slip = SLIPS.iter().find(|(written, meant, _)| {
            rest.starts_with(written) && (written.len() > 1 || !rest.starts_with(meant.as_str()))
        });
        let (symbol, length) = if let Some((written, meant, message)) = slip {
            self.slip(written.len(), message, *meant);
            (*meant, written.len())
        } else if let Some(symbol) =
            Symbol::ALL.into_iter().find(|symbol| rest.starts_with(symbol.as_str()))
        {
            (symbol, symbol.as_str().len())
        } else if first == '=' {
            self.slip(1, "`=` is no comparison", Symbol::Equal);
            (Symbol::Equal, 1)
        } else {
            let problem = CelProblem::new(
                self.at..self.at + first.len_utf8(),
                format!("`{first}` is unexpected"),
            );
            return Err(match first {
                '“' | '”' | '„' | '‘' | '’' => {
                    problem.with_hint("strings stand in straight quotes: `\"` or `'`")
                }
                '$' if rest.starts_with("$.") => {
                    problem.with_hint("leave out `$.`: a path begins with the name of a field")
                }
                '$' => {
                    problem.with_hint("`${NAME}` is replaced in `namespace` and `channels` only")
                }
                _ => problem,
            });
        };
        self.push(TokenKind::Symbol(symbol), length);
        Ok(())
    }

    fn slip(&mut self, length: usize, message: &str, meant: Symbol) {
        let problem = CelProblem::new(self.at..self.at + length, message);
        self.problems.push(problem.with_hint(format!("write `{}`", meant.as_str())));
    }

    fn number(&mut self, rest: &str) -> Result<(), CelProblem> {
        let length = number_length(rest);
        let written = rest.get(..length).unwrap_or_default();
        let tail = rest.get(length..).unwrap_or_default();
        if tail.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_') {
            let more = tail
                .find(|next: char| !next.is_ascii_alphanumeric() && next != '_')
                .unwrap_or(tail.len());
            let word = rest.get(..length + more).unwrap_or_default();
            return Err(CelProblem::new(
                self.at..self.at + length + more,
                format!("`{word}` is no number"),
            )
            .with_hint("numbers have no unit here, and names do not begin with a digit"));
        }
        let kind = read_number(written).ok_or_else(|| {
            CelProblem::new(self.at..self.at + length, format!("`{written}` is out of range"))
        })?;
        self.push(kind, length);
        Ok(())
    }
}

/// The length of the number at the start of `text`, with its exponent and its `u`.
fn number_length(text: &str) -> usize {
    let digits = |from: usize, hexadecimal: bool| {
        let rest = text.get(from..).unwrap_or_default();
        rest.bytes()
            .take_while(
                |byte| if hexadecimal { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() },
            )
            .count()
    };
    let at = |place: usize| text.as_bytes().get(place).map_or(0, u8::to_ascii_lowercase);
    let mut length;
    let mut whole = true;
    if text.starts_with("0x") || text.starts_with("0X") {
        length = 2 + digits(2, true);
    } else {
        length = digits(0, false);
        let fraction = digits(length + 1, false);
        if at(length) == b'.' && fraction > 0 {
            length += 1 + fraction;
            whole = false;
        }
        if at(length) == b'e' {
            let sign = usize::from(matches!(at(length + 1), b'+' | b'-'));
            let exponent = digits(length + 1 + sign, false);
            if exponent > 0 {
                length += 1 + sign + exponent;
                whole = false;
            }
        }
    }
    if whole && at(length) == b'u' { length + 1 } else { length }
}

/// The number, unless it is out of range.
fn read_number(written: &str) -> Option<TokenKind> {
    let (digits, unsigned) = match written.strip_suffix(['u', 'U']) {
        Some(digits) => (digits, true),
        None => (written, false),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    if hexadecimal.is_none() && !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.parse().ok().map(TokenKind::Double);
    }
    let number = match hexadecimal {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16).ok()?,
        None => digits.parse().ok()?,
    };
    if unsigned {
        return Some(TokenKind::Uint(number));
    }
    // 2^63 itself is in range behind a minus; the parser knows.
    (number <= 1 << 63).then_some(TokenKind::Int(number))
}
