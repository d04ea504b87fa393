//! The text behind a JSON string's escapes, and the way back.
//!
//! `caf\u00e9` is `café`. A surrogate that has no partner stands for no character; it becomes U+FFFD, the mark for "something
//! was here", so that two different strings can come out the same but no event is lost for it.

use std::borrow::Cow;

/// A text as it stands between the quotes of a JSON string (RFC 8259). Only what must be escaped is.
pub fn escape(text: &str) -> Cow<'_, str> {
    let Some(first) = text.bytes().position(must_be_escaped) else { return Cow::Borrowed(text) };
    let (plain, rest) = text.split_at(first);
    let mut written = String::with_capacity(text.len());
    written.push_str(plain);
    for character in rest.chars() {
        match character {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            control if control < ' ' => {
                let code = u32::from(control);
                written.push_str("\\u00");
                written.extend(
                    [code / 16, code % 16].iter().filter_map(|&digit| char::from_digit(digit, 16)),
                );
            }
            other => written.push(other),
        }
    }
    Cow::Owned(written)
}

const fn must_be_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// The text of a JSON string with escapes, as written between its quotes.
pub fn unescape(written: &str) -> String {
    let mut text = String::with_capacity(written.len());
    unescape_into(written, &mut text);
    text
}

/// Appends the text of a JSON string with escapes, as written between its quotes.
///
/// What is no escape of RFC 8259 is kept as written; a line that [`Extractor::extract`](super::Extractor::extract) has accepted
/// has none.
pub fn unescape_into(written: &str, text: &mut String) {
    let mut rest = written;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let (character, behind) = decode(escape).unwrap_or(('\\', escape));
        text.push(character);
        rest = behind;
    }
    text.push_str(rest);
}

/// The character of the escape whose backslash stands before `escape`, and what follows it.
fn decode(escape: &str) -> Option<(char, &str)> {
    let mut characters = escape.chars();
    let character = match characters.next()? {
        quoted @ ('"' | '\\' | '/') => quoted,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return decode_unit(characters.as_str()),
        _ => return None,
    };
    Some((character, characters.as_str()))
}

/// The character of a `\u` escape, with the second escape of a surrogate pair.
fn decode_unit(hex: &str) -> Option<(char, &str)> {
    let (unit, rest) = code_unit(hex)?;
    if let Some(character) = char::from_u32(unit) {
        return Some((character, rest));
    }
    let pair = rest
        .strip_prefix("\\u")
        .and_then(code_unit)
        .and_then(|(second, behind)| Some((pair(unit, second)?, behind)));
    Some(pair.unwrap_or((char::REPLACEMENT_CHARACTER, rest)))
}

/// Four hexadecimal digits, and what follows them.
fn code_unit(hex: &str) -> Option<(u32, &str)> {
    let (digits, rest) = hex.split_at_checked(4)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

/// The character of a surrogate pair, if it is one.
fn pair(high: u32, low: u32) -> Option<char> {
    if !(0xd800..0xdc00).contains(&high) || !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, expected: &str) {
        assert_eq!(unescape(written), expected, "{written}");
    }

    #[test]
    fn only_what_must_be_is_escaped() {
        fn check(text: &str, expected: &str) {
            assert_eq!(escape(text), expected);
            assert_eq!(unescape(expected), text);
        }
        check("", "");
        check("caf\u{e9} / \u{7f}\u{2028} 😀", "caf\u{e9} / \u{7f}\u{2028} 😀");
        check("say \"hi\"\\", r#"say \"hi\"\\"#);
        check("\n\r\t\0\u{1f}é", r"\n\r\t\u0000\u001fé");
    }

    #[test]
    fn escapes_become_their_characters() {
        check("", "");
        check("plain", "plain");
        check(r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t");
        check(r"caf\u00e9 \u00E9t\u00e9", "café été");
        check(r"a\u0000b", "a\0b");
        check(r"\\n", "\\n");
        check("مطعم \\u0645", "مطعم م");
    }

    #[test]
    fn surrogates_need_their_partner() {
        check(r"\ud83d\ude00", "😀");
        check(r"\uDBFF\uDFFF", "\u{10ffff}");
        check(r"\ud83d", "\u{fffd}");
        check(r"\ude00", "\u{fffd}");
        check(r"\ud83dx", "\u{fffd}x");
        check(r"\ud83d\n", "\u{fffd}\n");
        check(r"\ude00\ud83d", "\u{fffd}\u{fffd}");
        check(r"\ud83d\ud83d\ude00", "\u{fffd}😀");
        check(r"\ud83d\u0041", "\u{fffd}A");
    }

    #[test]
    fn what_is_no_escape_is_kept() {
        check("\\", "\\");
        check(r"\x", "\\x");
        check(r"\u12", "\\u12");
        check(r"\u+123", "\\u+123");
        check("\\u00é9", "\\u00é9");
    }
}
