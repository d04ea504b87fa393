//! The smallest pieces of text: strings, numbers and times.

use std::fmt::Display;
use std::io::Write;
use streamgauge_engine::json;

/// Appends `text` as a JSON string with its quotes.
pub fn push_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(json::escape(text).as_bytes());
    out.push(b'"');
}

/// Appends one field of a CSV row, in quotes if it needs them.
pub(super) fn push_csv(field: &[u8], out: &mut Vec<u8>) {
    if !field.iter().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for &byte in field {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Appends what `value` displays. Writing to a `Vec` cannot fail.
pub(super) fn push_display(value: impl Display, out: &mut Vec<u8>) {
    let written = write!(out, "{value}");
    debug_assert!(written.is_ok(), "a Vec takes all that is written to it");
}
