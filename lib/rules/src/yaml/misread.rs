//! Expressions that YAML takes for something else.
//!
//! `count: !has(data.x)` is a tag to YAML, `where: "AE" == data.country` a quoted text with rubbish after it,
//! `count: a ? b : c` a map in the wrong place, `type == "a #1"` ends at the comment. All have one remedy, quotes, and
//! the user deserves to see the line as it must be. Whether something is an expression is not guessed: it must compile.

use crate::cel::{self, Declarations};
use crate::source::line_at;
use streamgauge_engine::field::FieldTable;

/// The line around `at`, with its value in quotes, if the value is an expression but no YAML.
pub(crate) fn in_broken_line(text: &str, at: usize) -> Option<String> {
    let line = line_at(text, at);
    // The key is what stands before one of the first colons; in `{a: {b: …}}` it is the last that fits.
    let mut from = 0;
    while let Some(colon) = line.get(from..)?.find(": ") {
        let value_start = from + colon + 2;
        if let Some(quoted) = in_line(line, value_start) {
            return Some(quoted);
        }
        from = value_start;
    }
    None
}

/// The line with the longest expression that begins at byte `start` of it in quotes.
///
/// Nothing is returned if YAML would read that expression as it stands.
pub(crate) fn in_line(line: &str, start: usize) -> Option<String> {
    let rest = line.get(start..)?;
    let start = start + (rest.len() - rest.trim_start().len());
    let mut end = line.trim_end().len();
    loop {
        let value = line.get(start..end)?.trim_end();
        if value.is_empty() {
            return None;
        }
        if is_misread(value) && is_expression(value) {
            let before = line.get(..start)?.trim_start();
            let after = line.get(start + value.len()..)?.trim_end();
            return Some(format!("{before}{}{after}", quote(value)));
        }
        // A closing bracket or a comma at the end may belong to the map or list around the expression.
        let last = line
            .get(start..end)?
            .trim_end()
            .char_indices()
            .rev()
            .find(|(_, character)| ",}]".contains(*character));
        end = start + last?.0;
    }
}

/// Whether YAML would not read this text as it stands.
fn is_misread(value: &str) -> bool {
    value.starts_with(['!', '"', '[', '{', '\'', '&', '*', '%', '@', '`', '|', '>'])
        || value.contains(": ")
        || value.contains(" #")
        || value.contains([',', '[', ']', '{', '}'])
}

/// Whether it is CEL that reads at least one field; `"text"` alone is fine as it is.
pub(crate) fn is_expression(value: &str) -> bool {
    let mut fields = FieldTable::default();
    cel::compile(value, &mut fields, &Declarations::default()).is_ok() && !fields.is_empty()
}

/// The text between single quotes.
pub(crate) fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
