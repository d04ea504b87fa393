//! Hashes of definitions: the same however the file is formatted, different whenever something decides differently.
//!
//! A definition is written out as tagged, length-prefixed fields, defaults included, and hashed twice with different
//! beginnings to 128 bits. Expressions are written without comments and without the spaces that mean nothing.

use streamgauge_engine::calendar::{Calendar, zone_data_version};
use streamgauge_engine::hash::stable;

/// A definition as it is hashed.
pub(crate) struct Canonical {
    bytes: Vec<u8>,
}

impl Canonical {
    /// An empty definition of this kind; the kind holds a version, to be raised when the way of writing changes.
    pub(crate) fn new(kind: &str) -> Self {
        let mut canonical = Self { bytes: Vec::new() };
        canonical.push(kind.as_bytes());
        canonical
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, tag: &str, text: &str) -> &mut Self {
        self.push(tag.as_bytes());
        self.push(text.as_bytes());
        self
    }

    /// Adds texts, in order.
    pub(crate) fn texts<'t>(
        &mut self,
        tag: &str,
        texts: impl IntoIterator<Item = &'t str>,
    ) -> &mut Self {
        for text in texts {
            self.text(tag, text);
        }
        self.text(tag, "")
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, tag: &str, number: i64) -> &mut Self {
        self.push(tag.as_bytes());
        self.push(&number.to_le_bytes());
        self
    }

    /// Adds a number that may be missing.
    pub(crate) fn maybe_number(&mut self, tag: &str, number: Option<i64>) -> &mut Self {
        match number {
            Some(number) => self.number(tag, number),
            None => self.text(tag, "none"),
        }
    }

    /// Adds a switch.
    pub(crate) fn flag(&mut self, tag: &str, flag: bool) -> &mut Self {
        self.number(tag, i64::from(flag))
    }

    /// Adds an expression.
    pub(crate) fn expression(&mut self, tag: &str, source: &str) -> &mut Self {
        self.text(tag, &squeezed(source))
    }

    /// Adds what decides where days and weeks begin. UTC's days need no zone data.
    pub(crate) fn calendar(&mut self, calendar: &Calendar) -> &mut Self {
        self.text("time_zone", calendar.zone())
            .text("week_starts", calendar.week_starts().as_str());
        if calendar.zone() == "UTC" { self } else { self.text("zone data", &zone_data_version()) }
    }

    /// 32 hex digits.
    pub(crate) fn hash(&self) -> String {
        let mut salted = b"streamgauge, second half".to_vec();
        salted.extend_from_slice(&self.bytes);
        format!("{:016x}{:016x}", stable(&self.bytes), stable(&salted))
    }
}

/// A CEL expression without comments and without the spaces between its tokens, except where two words would run together.
fn squeezed(source: &str) -> String {
    let mut squeezed = String::with_capacity(source.len());
    let mut rest = source;
    let mut gap = false;
    while let Some(character) = rest.chars().next() {
        let length = if character.is_whitespace() {
            gap = true;
            character.len_utf8()
        } else if rest.starts_with("//") {
            gap = true;
            rest.find('\n').unwrap_or(rest.len())
        } else {
            let last = squeezed.chars().next_back();
            if gap && last.is_some_and(|last| run_together(last, character)) {
                squeezed.push(' ');
            }
            gap = false;
            let length = literal_length(rest, last);
            squeezed.push_str(rest.get(..length).unwrap_or(rest));
            length
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    squeezed
}

/// Whether two tokens would be read differently without a space: two words, a prefix and a string, two operators.
fn run_together(last: char, next: char) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
    let is_quote = |letter: char| letter == '"' || letter == '\'';
    let is_operator = |letter: char| "+-*/%<>=!&|".contains(letter);
    (is_word(last) && (is_word(next) || is_quote(next)))
        || (is_quote(last) && is_quote(next))
        || (is_operator(last) && is_operator(next))
}

/// The bytes of the string literal at the beginning, or of the one character there.
fn literal_length(rest: &str, before: Option<char>) -> usize {
    let one = rest.chars().next().map_or(0, char::len_utf8);
    let Some(quote) = rest.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
        return one;
    };
    let raw = matches!(before, Some('r' | 'R'));
    let triple: String = [quote; 3].iter().collect();
    let delimiter =
        if rest.starts_with(&triple) { triple.as_str() } else { rest.get(..1).unwrap_or_default() };
    let mut at = delimiter.len();
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with(delimiter) {
            return at + delimiter.len();
        }
        let mut letters = tail.chars();
        let first = letters.next().map_or(1, char::len_utf8);
        let escaped = if !raw && tail.starts_with('\\') {
            letters.next().map_or(0, char::len_utf8)
        } else {
            0
        };
        at += first + escaped;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: &str, right: &str) {
        assert_eq!(squeezed(left), squeezed(right));
    }

    fn differ(left: &str, right: &str) {
        assert_ne!(squeezed(left), squeezed(right));
    }

    #[test]
    fn spaces_between_tokens_mean_nothing() {
        same("a  ==  \"x\"", "a==\"x\"");
        same("a in [ 1 , 2 ]", "a in [1,2]");
        same("a // why\n && b", "a && b");
        same("x . y", "x . y");
    }

    #[test]
    fn spaces_that_mean_something_stay() {
        differ("a in b", "ain b");
        differ("\"a b\"", "\"ab\"");
        differ("'it\\'s  x'", "'it\\'s x'");
        differ("r'\\' + ' a b'", "r'\\' + ' ab'");
        differ("'''it's  x'''", "'''it's x'''");
        differ("- - a", "--a");
    }

    #[test]
    fn fields_do_not_run_together() {
        let hash =
            |left: &str, right: &str| Canonical::new("t").text("a", left).text("b", right).hash();
        assert_ne!(hash("xy", "z"), hash("x", "yz"));
        assert_eq!(hash("x", "y"), hash("x", "y"));
        assert_eq!(hash("x", "y").len(), 32);
    }
}
