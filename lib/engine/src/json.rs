//! A line of JSON to the fields that the rules read.
//!
//! [`Extractor::extract`] takes one line, checks every byte of it against RFC 8259, and notes where the values of the
//! plan's fields stand. It builds no tree and decodes nothing: `data.amount` of
//!
//! ```text
//! {"type":"order.created","data":{"amount":123.45,"note":"with \"quotes\""}}
//! ```
//!
//! becomes `Raw::Number("123.45")`, a piece of the line itself, and `data.note` is only checked.
//!
//! There are two ways to the same answer, and which one a line takes is never visible:
//!
//! - `scan` reads a line from left to right along a trie of the wanted `paths`. It is the definition of what is accepted,
//!   and the only one to word an error.
//! - `layout` is faster. Producers write their events with the same keys in the same order, so what stands *between* the
//!   values is the same on every line. A layout is that constant text, learnt from an earlier line; a line that has it
//!   byte by byte needs only its values checked. `guess` keeps a few layouts and decides when to learn another.
//!
//! Both stand on `grammar`, which knows the single values, and on `window`, which looks at 32 bytes at a time.

mod escape;
mod grammar;
mod guess;
mod layout;
mod paths;
mod scan;
mod window;

#[cfg(test)]
mod tests;

pub use escape::{escape, unescape, unescape_into};
pub use grammar::DEPTH_MAX;

use crate::field::{FieldTable, FieldValues, Raw};
use crate::reject::RejectCode;
use grammar::{Fault, Source};
use guess::Guess;
use layout::Layout;
use paths::Paths;
use scan::{Problem, Scanner};
use std::ops::Range;

/// Why a line is no event, with a sentence that names place and cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The reason.
    pub code: RejectCode,
    /// What and where, without a final period: `expected a comma or the end of the object at byte 17`.
    ///
    /// Bytes are counted from 1, from the beginning of the line.
    pub detail: String,
}

/// Takes the fields of a plan out of JSON lines.
///
/// It learns the layouts of the lines it sees; that changes how long a line takes and nothing else.
#[derive(Clone, Debug)]
pub struct Extractor {
    paths: Paths,
    scanner: Scanner,
    guess: Guess,
}

impl Extractor {
    /// An extractor for these fields.
    pub fn new(fields: &FieldTable) -> Self {
        let paths = Paths::new(fields);
        Self { scanner: Scanner::new(&paths), paths, guess: Guess::default() }
    }

    /// Checks that `block[line]` is one JSON object and nothing else, and fills in the fields.
    ///
    /// `block` is the text around the line; reading may look past the line's end, inside the block, but no result depends on it.
    /// `values` must have been made for the same fields. All of them are written: nothing of the line before remains, and after an
    /// error all are [`Raw::Unreachable`].
    #[inline]
    pub fn extract<'a>(
        &mut self,
        block: &'a str,
        line: Range<usize>,
        values: &mut FieldValues<'a>,
    ) -> Result<(), JsonError> {
        let source = Source::new(block, &line);
        if self.guess.fill(source, values.as_mut_slice()) {
            return Ok(());
        }
        self.scan_and_learn(source, values)
    }

    /// Like [`Extractor::extract`], without guessing: the definition that guessing must agree with.
    pub fn scan<'a>(
        &mut self,
        block: &'a str,
        line: Range<usize>,
        values: &mut FieldValues<'a>,
    ) -> Result<(), JsonError> {
        let source = Source::new(block, &line);
        let scanned = self.scanner.scan(&self.paths, source, values.as_mut_slice());
        scanned.map_err(|problem| self.fail(source, problem, values))
    }

    #[cold]
    fn scan_and_learn<'a>(
        &mut self,
        source: Source<'a>,
        values: &mut FieldValues<'a>,
    ) -> Result<(), JsonError> {
        let scanned = self.scanner.scan(&self.paths, source, values.as_mut_slice());
        if self.guess.missed()
            && scanned.is_ok()
            && let Some(layout) = Layout::learn(&self.paths, source, values.as_mut_slice())
        {
            self.guess.keep(layout);
        }
        scanned.map_err(|problem| self.fail(source, problem, values))
    }

    /// Words a problem, and leaves nothing of the line behind.
    #[cold]
    fn fail(
        &self,
        source: Source<'_>,
        problem: Problem,
        values: &mut FieldValues<'_>,
    ) -> JsonError {
        values.as_mut_slice().fill(Raw::Unreachable);
        match problem {
            Problem::Fault(Fault::Syntax { at, expected }) => {
                let end = if at >= source.end() { ", where the line ends" } else { "" };
                let detail = format!("expected {expected} at byte {}{end}", source.column(at));
                JsonError { code: RejectCode::InvalidJson, detail }
            }
            Problem::Fault(Fault::TooDeep { at }) => JsonError {
                code: RejectCode::TooDeep,
                detail: format!(
                    "arrays and objects nest deeper than {DEPTH_MAX} levels at byte {}",
                    source.column(at)
                ),
            },
            Problem::NotAnObject { at, found } => JsonError {
                code: RejectCode::NotAnObject,
                detail: format!(
                    "expected an object and found {found} at byte {}",
                    source.column(at)
                ),
            },
            Problem::DuplicateKey { at, node } => JsonError {
                code: RejectCode::DuplicateKey,
                detail: format!(
                    "the key {} stands a second time at byte {}",
                    self.paths.name(node),
                    source.column(at)
                ),
            },
        }
    }
}
