//! From an offset in a scalar's text back to the byte in the file.
//!
//! `count: 'data.x == ''a'''` holds the text `data.x == 'a'`. The expression's compiler says that something is wrong
//! at byte 10 of the text; the user must see the caret under the byte of the file. Both are walked side by side.

use super::tree::{Node, Scalar, Style};
use crate::source::{Place, SourceFile};
use std::ops::Range;

/// The place in the file of a range of the scalar's text.
pub(crate) fn place_in(
    node: &Node,
    scalar: &Scalar,
    range: &Range<usize>,
    sources: &[SourceFile],
) -> Place {
    let raw = node.place.text(sources);
    let start = raw_offset(raw, scalar, range.start);
    let end = raw_offset(raw, scalar, range.end.max(range.start)).max(start);
    Place { start: node.place.start + start, end: node.place.start + end, ..node.place }
}

/// How many bytes of the raw text stand before the character at `offset` of the decoded text.
fn raw_offset(raw: &str, scalar: &Scalar, offset: usize) -> usize {
    let mut walk = Walk {
        raw,
        at: usize::from(matches!(scalar.style, Style::SingleQuoted | Style::DoubleQuoted)),
    };
    for (index, character) in scalar.text.char_indices() {
        walk.skip_to(character, scalar.style);
        if index >= offset {
            break;
        }
        walk.pass(character, scalar.style);
    }
    walk.at.min(raw.len())
}

struct Walk<'r> {
    raw: &'r str,
    at: usize,
}

impl Walk<'_> {
    fn rest(&self) -> &str {
        self.raw.get(self.at..).unwrap_or_default()
    }

    /// Skips what has no counterpart in the text: indentation, and the escaped line break of a double-quoted scalar.
    fn skip_to(&mut self, character: char, style: Style) {
        loop {
            let rest = self.rest();
            let escaped_break = style == Style::DoubleQuoted
                && (rest.starts_with("\\\n") || rest.starts_with("\\\r"));
            match rest.chars().next() {
                Some('\\') if escaped_break => self.at += 2,
                Some(next) if next.is_whitespace() && !character.is_whitespace() => {
                    self.at += next.len_utf8();
                }
                _ => return,
            }
        }
    }

    /// Passes the raw form of one character of the text.
    fn pass(&mut self, character: char, style: Style) {
        let rest = self.rest();
        let Some(next) = rest.chars().next() else { return };
        self.at += match (style, next) {
            (Style::DoubleQuoted, '\\') => escape_length(rest),
            (Style::SingleQuoted, '\'') => 2,
            _ if next == character => next.len_utf8(),
            // A folded line: one space or break in the text, a break with indentation in the file.
            _ if character.is_whitespace() && next.is_whitespace() => {
                rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len()
            }
            _ if character.is_whitespace() => 0,
            _ => next.len_utf8(),
        };
    }
}

/// The bytes of an escape sequence.
fn escape_length(rest: &str) -> usize {
    match rest.chars().nth(1) {
        Some('x') => 4,
        Some('u') => 6,
        Some('U') => 10,
        Some(other) => 1 + other.len_utf8(),
        None => 1,
    }
    .min(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Findings;
    use crate::yaml::parse::parse;
    use crate::yaml::tree::Content;

    /// Looks for `needle` in the decoded value of the key `k` and says what stands at its place in the file.
    fn check(yaml: &str, needle: &str, expect: &str) {
        let sources = [SourceFile { name: "a".to_owned(), text: yaml.to_owned() }];
        let document = parse(&sources, 0, &mut Findings::default());
        let Content::Mapping(entries) = document.root.content else { panic!("no map: {yaml}") };
        let node = &entries[0].value;
        let Content::Scalar(scalar) = &node.content else { panic!("no scalar: {yaml}") };
        let start = scalar.text.find(needle).unwrap();
        let place = place_in(node, scalar, &(start..start + needle.len()), &sources);
        assert_eq!(place.text(&sources), expect, "{yaml}");
    }

    #[test]
    fn plain_scalars() {
        check("k: a == b", "==", "==");
        check("k: a ==\n  b", "b", "b");
        check("k: a\n\n  == b", "==", "==");
    }

    #[test]
    fn quoted_scalars() {
        check("k: 'it''s x'", "x", "x");
        check("k: 'it''s x'", "'", "''");
        check(r#"k: "a\tb \u00e9 x""#, "x", "x");
        check(r#"k: "a\tb \u00e9 x""#, "é", "\\u00e9");
        check("k: \"a\\\n   b x\"", "x", "x");
        check("k: \"é ü\"", "ü", "ü");
    }

    #[test]
    fn block_scalars() {
        check("k: >-\n  a ==\n  b\n", "b", "b");
        check("k: |\n  a ==\n    b\n", "b", "b");
        check("k: |\n  a\n\n  c\n", "c", "c");
    }
}
