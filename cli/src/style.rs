//! Colours and the way to standard error.
//!
//! Text carries its colours as escape sequences, and the stream takes them out where they are not wanted: in a pipe,
//! under `NO_COLOR`, on a dumb terminal. So what is printed means the same without colours.

use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io::Write;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// A heading.
pub(crate) fn bold(text: impl Display) -> impl Display {
    Styled(BOLD, text)
}

/// What matters less.
pub(crate) fn dim(text: impl Display) -> impl Display {
    Styled(DIM, text)
}

/// What has failed.
pub(crate) fn error(text: impl Display) -> impl Display {
    Styled(ERROR, text)
}

/// What has worked.
pub(crate) fn good(text: impl Display) -> impl Display {
    Styled(GOOD, text)
}

/// What to do.
pub(crate) fn hint(text: impl Display) -> impl Display {
    Styled(HINT, text)
}

/// What may be wrong.
pub(crate) fn warning(text: impl Display) -> impl Display {
    Styled(WARNING, text)
}

struct Styled<T>(Style, T);

impl<T: Display> Display for Styled<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}{}", self.0.render(), self.1, self.0.render_reset())
    }
}

/// Appends what `value` displays. A `String` takes all that is written to it.
pub(crate) fn push(text: &mut String, value: impl Display) {
    let written = fmt::Write::write_fmt(text, format_args!("{value}"));
    debug_assert!(written.is_ok(), "a String takes all that is written to it");
}

/// Prints one line on standard error.
pub(crate) fn tell(line: impl Display) {
    // Where standard error is gone, nobody is left to be told.
    drop(writeln!(anstream::stderr().lock(), "{line}"));
}

/// Whether standard error shows colours.
pub(crate) fn colours_on_stderr() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Whether standard output shows colours.
pub(crate) fn colours_on_stdout() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// Text of somebody else, safe for a terminal: control characters are shown as escapes and do nothing.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_nothing() {
        assert_eq!(printable("caf\u{e9} \u{645}"), "caf\u{e9} \u{645}");
        assert_eq!(printable("\u{1b}[31mred\0\n"), "\\u{1b}[31mred\\u{0}\\n");
    }
}
