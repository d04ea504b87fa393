//! A line of JSON to the fields that the rules read.

use crate::field::{FieldTable, FieldValues};
use crate::reject::RejectCode;
use std::ops::Range;

/// Why a line is no event, with a sentence that names place and cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The reason.
    pub code: RejectCode,
    /// What and where, without a final period: `expected a comma or the end of the object at byte 17`.
    pub detail: String,
}

/// Takes the fields of a plan out of JSON lines.
#[derive(Clone, Debug)]
pub struct Extractor {}

impl Extractor {
    /// An extractor for these fields.
    pub fn new(_fields: &FieldTable) -> Self {
        Self {}
    }

    /// Checks that `block[line]` is one JSON object and nothing else, and fills in the fields.
    ///
    /// `block` is the text around the line; reading may look past the line's end, inside the block, but no result depends on it.
    pub fn extract<'a>(
        &mut self,
        _block: &'a str,
        _line: Range<usize>,
        _values: &mut FieldValues<'a>,
    ) -> Result<(), JsonError> {
        Ok(())
    }
}

/// The text of a JSON string with escapes, as written between its quotes.
pub fn unescape(written: &str) -> String {
    written.to_owned()
}
