//! Cuts a body by its brackets and quotes, without asking what is between them.
//!
//! What is cut out is balanced and holds no comma of what is around it; whether it is JSON, the decoder says. So one event that
//! is broken inside is one reject, and a body is refused only where nobody could say where an event ends. Nesting costs one
//! byte a level, of which a body has no more than its own bytes; no function calls itself.

use super::Refusal;
use memchr::memchr2;
use std::ops::Range;

/// The first position from `at` on that is no JSON white space.
pub(super) fn behind_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The object that begins at `at`, behind which nothing follows.
pub(super) fn object(text: &[u8], at: usize) -> Result<Range<usize>, Refusal> {
    if text.get(at) != Some(&b'{') {
        return Err(expected("an object", at));
    }
    only_value(text, at)
}

/// The value that begins at `at`, behind which nothing follows.
pub(super) fn only_value(text: &[u8], at: usize) -> Result<Range<usize>, Refusal> {
    let end = value(text, at, &mut Vec::new())?;
    nothing_follows(text, end)?;
    Ok(at..end)
}

/// The elements of the array that begins at `at`, behind which nothing follows; more than `limit` are refused.
pub(super) fn array(text: &[u8], at: usize, limit: usize) -> Result<Vec<Range<usize>>, Refusal> {
    if text.get(at) != Some(&b'[') {
        return Err(expected("an array of events", at));
    }
    let mut elements = Vec::new();
    let mut open = Vec::new();
    let mut at = behind_space(text, at + 1);
    if text.get(at) == Some(&b']') {
        nothing_follows(text, at + 1)?;
        return Ok(elements);
    }
    loop {
        if elements.len() == limit {
            return Err(Refusal::TooMany { limit });
        }
        let end = value(text, at, &mut open)?;
        elements.push(at..end);
        at = behind_space(text, end);
        match text.get(at) {
            Some(b',') => at = behind_space(text, at + 1),
            Some(b']') => break,
            _ => return Err(expected("a comma or the end of the array", at)),
        }
    }
    nothing_follows(text, at + 1)?;
    Ok(elements)
}

/// The position behind the value at `at`. `open` is memory for its brackets, empty before and after.
fn value(text: &[u8], at: usize, open: &mut Vec<u8>) -> Result<usize, Refusal> {
    match text.get(at) {
        Some(b'"') => string(text, at + 1),
        Some(b'{' | b'[') => brackets(text, at, open),
        _ => {
            let letters = text.iter().skip(at).take_while(|letter| is_plain(**letter)).count();
            if letters == 0 { Err(expected("a value", at)) } else { Ok(at + letters) }
        }
    }
}

/// The letters of numbers and literals.
const fn is_plain(letter: u8) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'-' | b'.')
}

/// The position behind the bracket that closes the one at `at`.
fn brackets(text: &[u8], mut at: usize, open: &mut Vec<u8>) -> Result<usize, Refusal> {
    loop {
        match text.get(at) {
            Some(b'{') => open.push(b'}'),
            Some(b'[') => open.push(b']'),
            Some(closing @ (b'}' | b']')) => {
                if open.pop() != Some(*closing) {
                    return Err(expected("the other bracket", at));
                }
                if open.is_empty() {
                    return Ok(at + 1);
                }
            }
            Some(b'"') => {
                at = string(text, at + 1)?;
                continue;
            }
            Some(_) => {}
            None => return Err(expected("a closing bracket", at)),
        }
        at += 1;
    }
}

/// The position behind the closing quote of the string whose text begins at `at`.
fn string(text: &[u8], mut at: usize) -> Result<usize, Refusal> {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let found = memchr2(b'"', b'\\', rest);
        let Some(found) = found else { return Err(expected("a closing quote", text.len())) };
        at += found;
        if text.get(at) == Some(&b'"') {
            return Ok(at + 1);
        }
        at += 2;
    }
}

fn nothing_follows(text: &[u8], at: usize) -> Result<(), Refusal> {
    let rest = behind_space(text, at);
    if rest == text.len() { Ok(()) } else { Err(expected("the end of the body", rest)) }
}

fn expected(expected: &'static str, at: usize) -> Refusal {
    Refusal::Syntax { expected, at: at + 1 }
}
