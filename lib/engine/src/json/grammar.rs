//! The single values of RFC 8259, byte by byte: strings, numbers, literals, and whole arrays and objects to be stepped over.
//!
//! Positions are byte positions in the block. A reader gets the position of a value's first byte and answers with the position
//! behind its last, or with a [`Fault`] that says what should have stood where.

use super::window::plain_end;
use crate::field::Raw;
use std::ops::Range;

/// How deep arrays and objects may nest; the event itself is the first level.
///
/// Far beyond any business event, and as many levels as a `u128` has bits.
pub const DEPTH_MAX: u32 = u128::BITS;

/// What makes a line unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Something else than `expected` stands at `at`.
    Syntax { at: usize, expected: &'static str },
    /// The bracket at `at` opens one level too many.
    TooDeep { at: usize },
}

/// A line inside its block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    block: &'a str,
    /// The block up to the line's end: what is not in it is not part of the line.
    line: &'a [u8],
    start: usize,
}

impl<'a> Source<'a> {
    /// A range that is not in the block becomes a line that ends where it begins, or that ends with the block.
    #[inline]
    pub(super) fn new(block: &'a str, line: &Range<usize>) -> Self {
        let bytes = block.as_bytes();
        let up_to_end = bytes.get(..line.end).unwrap_or(bytes);
        Self { block, line: up_to_end, start: line.start.min(up_to_end.len()) }
    }

    /// Where the line begins.
    #[inline]
    pub(super) fn start(self) -> usize {
        self.start
    }

    /// Where the line ends.
    #[inline]
    pub(super) fn end(self) -> usize {
        self.line.len()
    }

    /// The line's byte at `at`.
    #[inline]
    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.line.get(at).copied()
    }

    /// The line's bytes from `from` up to `to`.
    #[inline]
    pub(super) fn bytes(self, from: usize, to: usize) -> &'a [u8] {
        self.line.get(from..to).unwrap_or_default()
    }

    /// The whole block: for looking past the line's end.
    #[inline]
    pub(super) fn block(self) -> &'a str {
        self.block
    }

    /// The text from `from` up to `to`. Both stand next to an ASCII byte of JSON's syntax, so no character is cut.
    #[inline]
    pub(super) fn text(self, from: usize, to: usize) -> &'a str {
        self.block.get(from..to).unwrap_or_default()
    }

    /// The byte number that messages show, from 1.
    pub(super) fn column(self, at: usize) -> usize {
        at.saturating_sub(self.start) + 1
    }
}

/// The first position from `at` on that is no JSON whitespace.
#[inline]
pub(super) fn behind_space(source: Source<'_>, mut at: usize) -> usize {
    while matches!(source.byte(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The value at `at`, and the position behind it. `depth` counts the arrays and objects around it.
#[inline]
pub(super) fn value(source: Source<'_>, at: usize, depth: u32) -> Result<(Raw<'_>, usize), Fault> {
    match source.byte(at) {
        Some(b'"') => {
            let (end, escaped) = string(source, at + 1)?;
            let text = source.text(at + 1, end - 1);
            Ok((if escaped { Raw::Escaped(text) } else { Raw::Text(text) }, end))
        }
        Some(b'-' | b'0'..=b'9') => {
            let end = number(source, at)?;
            Ok((Raw::Number(source.text(at, end)), end))
        }
        Some(b'{') => {
            let end = container(source, at, depth)?;
            Ok((Raw::Object(source.text(at, end)), end))
        }
        Some(b'[') => {
            let end = container(source, at, depth)?;
            Ok((Raw::Array(source.text(at, end)), end))
        }
        _ => literal(source, at),
    }
}

fn literal(source: Source<'_>, at: usize) -> Result<(Raw<'_>, usize), Fault> {
    if source.bytes(at, at + 4) == b"true" {
        return Ok((Raw::Bool(true), at + 4));
    }
    if source.bytes(at, at + 5) == b"false" {
        return Ok((Raw::Bool(false), at + 5));
    }
    if source.bytes(at, at + 4) == b"null" {
        return Ok((Raw::Null, at + 4));
    }
    Err(Fault::Syntax { at, expected: "a value" })
}

/// The position behind the closing quote of the string whose first character is at `at`, and whether it has escapes.
#[inline]
pub(super) fn string(source: Source<'_>, at: usize) -> Result<(usize, bool), Fault> {
    let end = plain_end(source.block().as_bytes(), at);
    if source.byte(end) == Some(b'"') { Ok((end + 1, false)) } else { escaped_string(source, end) }
}

/// The rest of a string from its first special byte on.
#[cold]
fn escaped_string(source: Source<'_>, mut at: usize) -> Result<(usize, bool), Fault> {
    loop {
        match source.byte(at) {
            Some(b'"') => return Ok((at + 1, true)),
            Some(b'\\') => at = plain_end(source.block().as_bytes(), escape(source, at + 1)?),
            Some(_) => {
                return Err(Fault::Syntax {
                    at,
                    expected: "an escape instead of a control character",
                });
            }
            None => {
                return Err(Fault::Syntax {
                    at: source.end(),
                    expected: "the closing quote of a string",
                });
            }
        }
    }
}

/// The position behind the escape whose backslash stands just before `at`.
fn escape(source: Source<'_>, at: usize) -> Result<usize, Fault> {
    match source.byte(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => match (at + 1..at + 5)
            .find(|&at| !source.byte(at).is_some_and(|byte| byte.is_ascii_hexdigit()))
        {
            None => Ok(at + 5),
            Some(at) => Err(Fault::Syntax { at, expected: "a hexadecimal digit" }),
        },
        _ => Err(Fault::Syntax {
            at,
            expected: "one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u",
        }),
    }
}

/// The position behind the number that begins at `at`.
pub(super) fn number(source: Source<'_>, mut at: usize) -> Result<usize, Fault> {
    if source.byte(at) == Some(b'-') {
        at += 1;
    }
    at = if source.byte(at) == Some(b'0') { at + 1 } else { behind_digits(source, at)? };
    if source.byte(at) == Some(b'.') {
        at = behind_digits(source, at + 1)?;
    }
    if matches!(source.byte(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(source.byte(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = behind_digits(source, at)?;
    }
    Ok(at)
}

/// The position behind one or more digits.
#[inline]
fn behind_digits(source: Source<'_>, first: usize) -> Result<usize, Fault> {
    let mut at = first;
    while source.byte(at).is_some_and(|byte| byte.is_ascii_digit()) {
        at += 1;
    }
    if at == first { Err(Fault::Syntax { at, expected: "a digit" }) } else { Ok(at) }
}

/// The position behind the array or object that begins at `at`. It needs no stack but one bit per level: set for an object.
fn container(source: Source<'_>, mut at: usize, depth: u32) -> Result<usize, Fault> {
    let mut objects: u128 = 0;
    let mut level = depth;
    loop {
        // A value begins at `at`.
        match source.byte(at) {
            Some(bracket @ (b'{' | b'[')) => {
                if level >= DEPTH_MAX {
                    return Err(Fault::TooDeep { at });
                }
                let object = bracket == b'{';
                level += 1;
                objects = objects << 1 | u128::from(object);
                at = behind_space(source, at + 1);
                if source.byte(at) != Some(if object { b'}' } else { b']' }) {
                    if object {
                        at = key(source, at, "a key in quotes or the end of the object")?.1;
                    }
                    continue;
                }
            }
            _ => at = value_without_levels(source, at)?,
        }
        // A value has ended, or its closing bracket is next.
        loop {
            at = behind_space(source, at);
            match (objects & 1 == 1, source.byte(at)) {
                (true, Some(b'}')) | (false, Some(b']')) => {
                    at += 1;
                    level -= 1;
                    objects >>= 1;
                    if level == depth {
                        return Ok(at);
                    }
                }
                (true, Some(b',')) => {
                    at = key(source, behind_space(source, at + 1), "a key in quotes")?.1;
                    break;
                }
                (false, Some(b',')) => {
                    at = behind_space(source, at + 1);
                    break;
                }
                (true, _) => {
                    return Err(Fault::Syntax { at, expected: "a comma or the end of the object" });
                }
                (false, _) => {
                    return Err(Fault::Syntax { at, expected: "a comma or the end of the array" });
                }
            }
        }
    }
}

/// The position behind a string, number or literal.
fn value_without_levels(source: Source<'_>, at: usize) -> Result<usize, Fault> {
    match source.byte(at) {
        Some(b'"') => string(source, at + 1).map(|(end, _)| end),
        Some(b'-' | b'0'..=b'9') => number(source, at),
        _ => literal(source, at).map(|(_, end)| end),
    }
}

/// A key between its quotes, as written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) written: &'a str,
    pub(super) escaped: bool,
}

/// The key at `at`, and the position of its value, which need not be there.
#[inline]
pub(super) fn key<'a>(
    source: Source<'a>,
    at: usize,
    expected: &'static str,
) -> Result<(Key<'a>, usize), Fault> {
    if source.byte(at) != Some(b'"') {
        return Err(Fault::Syntax { at, expected });
    }
    let (end, escaped) = string(source, at + 1)?;
    let colon = behind_space(source, end);
    if source.byte(colon) != Some(b':') {
        return Err(Fault::Syntax { at: colon, expected: "a colon" });
    }
    Ok((Key { written: source.text(at + 1, end - 1), escaped }, behind_space(source, colon + 1)))
}
