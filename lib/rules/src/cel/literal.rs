//! The insides of string and bytes literals: quotes, prefixes and escapes.

use super::CelProblem;
use super::token::TokenKind;

/// How a string literal begins: `"`, `'''`, `r"`, `b'`, `br"""`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    raw: bool,
    bytes: bool,
    quote: char,
    triple: bool,
    /// The length of prefix and quotes.
    length: usize,
}

impl Opening {
    /// The opening at the start of `text`, if a string begins there.
    pub(super) fn read(text: &str) -> Option<Self> {
        let prefix: usize = text
            .bytes()
            .take(2)
            .take_while(|byte| matches!(byte, b'r' | b'R' | b'b' | b'B'))
            .count();
        let (letters, rest) = text.split_at_checked(prefix)?;
        let (raw, bytes) = match letters.to_ascii_lowercase().as_str() {
            "" => (false, false),
            "r" => (true, false),
            "b" => (false, true),
            "br" => (true, true),
            _ => return None,
        };
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        let triple = rest.chars().take(3).filter(|&each| each == quote).count() == 3;
        Some(Self { raw, bytes, quote, triple, length: prefix + if triple { 3 } else { 1 } })
    }

    /// Reads the literal that begins at `start` of `source`: the word and its end.
    pub(super) fn literal(
        self,
        source: &str,
        start: usize,
    ) -> Result<(TokenKind, usize), CelProblem> {
        let inside_start = start + self.length;
        let inside = source.get(inside_start..).unwrap_or_default();
        let Some(length) = self.inside_length(inside) else {
            return Err(self.unclosed(source, start));
        };
        let inside = inside.get(..length).unwrap_or_default();
        let end = inside_start + length + if self.triple { 3 } else { 1 };
        let kind = if self.bytes {
            TokenKind::Bytes(
                self.decode(inside, inside_start)?
                    .into_iter()
                    .flat_map(Piece::into_bytes)
                    .collect(),
            )
        } else {
            let pieces = self.decode(inside, inside_start)?;
            TokenKind::Text(pieces.into_iter().map(Piece::into_char).collect())
        };
        Ok((kind, end))
    }

    /// The length of what stands before the closing quotes.
    fn inside_length(self, inside: &str) -> Option<usize> {
        let closing =
            if self.triple { [self.quote; 3].iter().collect() } else { self.quote.to_string() };
        let mut at = 0;
        loop {
            let rest = inside.get(at..)?;
            if rest.starts_with(&closing) {
                return Some(at);
            }
            let next = rest.chars().next()?;
            if !self.triple && next == '\n' {
                return None;
            }
            at += next.len_utf8();
            if next == '\\' && !self.raw {
                at += rest.chars().nth(1)?.len_utf8();
            }
        }
    }

    fn unclosed(self, source: &str, start: usize) -> CelProblem {
        let quotes = self.quote.to_string().repeat(if self.triple { 3 } else { 1 });
        let rest = source.get(start..).unwrap_or_default();
        let end = start + rest.find('\n').unwrap_or(rest.len());
        CelProblem::new(start..end, "the string is never closed")
            .with_hint(format!("it begins with `{quotes}` and must end with `{quotes}`"))
    }

    /// The characters and bytes that the text between the quotes stands for.
    fn decode(self, inside: &str, inside_start: usize) -> Result<Vec<Piece>, CelProblem> {
        let mut pieces = Vec::with_capacity(inside.len());
        let mut at = 0;
        while let Some(rest) = inside.get(at..)
            && let Some(next) = rest.chars().next()
        {
            let (piece, length) = if next == '\\' && !self.raw {
                self.escape(rest).map_err(|(message, length)| {
                    let start = inside_start + at;
                    CelProblem::new(start..start + length, message)
                        .with_hint("write `\\\\` for a backslash, or a raw string: `r\"…\"`")
                })?
            } else {
                (Piece::Char(next), next.len_utf8())
            };
            pieces.push(piece);
            at += length;
        }
        Ok(pieces)
    }

    /// The escape at the start of `text` and its length; or what is wrong with it, and the length that is.
    fn escape(self, text: &str) -> Result<(Piece, usize), (String, usize)> {
        let letter = text.chars().nth(1).unwrap_or('\\');
        let simple = match letter {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' | '?' | '"' | '\'' | '`' => letter,
            'x' | 'X' => return self.numbered(text, 2, 2, 16),
            'u' if !self.bytes => return self.numbered(text, 2, 4, 16),
            'U' if !self.bytes => return self.numbered(text, 2, 8, 16),
            '0'..='3' => return self.numbered(text, 1, 3, 8),
            _ => return Err((format!("there is no escape `\\{letter}`"), 1 + letter.len_utf8())),
        };
        Ok((Piece::Char(simple), 2))
    }

    /// An escape with `digits` digits behind its first `prefix` bytes.
    fn numbered(
        self,
        text: &str,
        prefix: usize,
        digits: usize,
        radix: u32,
    ) -> Result<(Piece, usize), (String, usize)> {
        let length = prefix + digits;
        let written = text
            .get(prefix..length)
            .filter(|written| written.chars().all(|digit| digit.is_digit(radix)));
        let Some(code) = written.and_then(|written| u32::from_str_radix(written, radix).ok())
        else {
            let shown: String = text.chars().take(prefix).collect();
            let kind = if radix == 8 { "octal" } else { "hexadecimal" };
            return Err((format!("the escape `{shown}` needs {digits} {kind} digits"), prefix));
        };
        let piece = if self.bytes {
            u8::try_from(code).ok().map(Piece::Byte)
        } else {
            char::from_u32(code).map(Piece::Char)
        };
        piece
            .map(|piece| (piece, length))
            .ok_or_else(|| ("the escape is no Unicode character".to_owned(), length))
    }
}

/// A character, or in bytes literals also a single byte.
#[derive(Clone, Copy, Debug)]
enum Piece {
    Char(char),
    Byte(u8),
}

impl Piece {
    fn into_char(self) -> char {
        match self {
            Self::Char(char) => char,
            Self::Byte(byte) => char::from(byte),
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Char(char) => char.encode_utf8(&mut [0; 4]).as_bytes().to_vec(),
            Self::Byte(byte) => vec![byte],
        }
    }
}
