//! Values as a mail shows them: one line, limited in length, and nothing in them that acts.
//!
//! Group values and event ids come from events, which anybody may have written. Control characters would break lines and
//! headers, and the marks that turn the direction of writing would let a value show as another one; those that only hint at
//! the direction of a letter stay, since Arabic and Hebrew need them.

/// Stands where something was cut off.
const CUT: char = '…';
/// Stands in the place of a character that acts.
const REPLACED: char = '\u{fffd}';

/// A text on one line, of `chars_max` characters at most.
pub(crate) fn line(text: &str, chars_max: usize) -> String {
    cut(text.trim().chars().map(|char| if breaks(char) { ' ' } else { harmless(char) }), chars_max)
}

/// A text on lines of its own, of `chars_max` characters at most.
pub(super) fn lines(text: &str, chars_max: usize) -> String {
    let text = text.trim().replace("\r\n", "\n");
    cut(text.chars().map(|char| if char == '\n' { char } else { line_char(char) }), chars_max)
}

fn line_char(char: char) -> char {
    if breaks(char) { ' ' } else { harmless(char) }
}

/// Whether a character begins a new line or column somewhere.
fn breaks(char: char) -> bool {
    matches!(char, '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn harmless(char: char) -> char {
    let turns_direction = matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if char.is_control() || turns_direction { REPLACED } else { char }
}

fn cut(chars: impl Iterator<Item = char> + Clone, chars_max: usize) -> String {
    if chars.clone().nth(chars_max).is_none() {
        return chars.collect();
    }
    chars.take(chars_max.saturating_sub(1)).chain([CUT]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_breaks_and_turns_no_direction() {
        assert_eq!(line("a\r\nBcc: b\u{2028}c\td", 40), "a  Bcc: b c d");
        assert_eq!(line("gpj\u{202e}exe\u{0}", 40), "gpj\u{fffd}exe\u{fffd}");
        assert_eq!(line("نون\u{200f} 3", 40), "نون\u{200f} 3");
    }

    #[test]
    fn what_is_too_long_shows_that_it_was_cut() {
        assert_eq!(line("جداول", 5), "جداول");
        assert_eq!(line("جداولس", 5), "جداو…");
        assert_eq!(lines("one\r\ntwo\rthree", 9), "one\ntwo …");
    }
}
