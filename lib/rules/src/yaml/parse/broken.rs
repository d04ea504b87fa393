//! Where a text is no YAML, in words for people who write rules: the parser thinks in terms of the grammar.

use super::{Builder, DEPTH_MAX};
use crate::problem::code::Code;
use crate::source::{Place, SourceFile, line_at, line_start};
use crate::yaml::misread;
use crate::yaml::tree::shown;
use granit_parser::{ErrorKind, ScanError};

impl Builder<'_> {
    /// Reports the error that the parser ends with.
    pub(super) fn syntax_error(&mut self, sources: &[SourceFile], error: &ScanError) {
        let text = sources.get(self.file).map_or("", |source| source.text.as_str());
        let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
        // What is wrong at the end of the file began before its last line break.
        let at = if at == text.len() { text.trim_end().len() } else { at };
        let end = text
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .map_or(at, |next| at + next.len_utf8());
        let place = Place { file: self.file, start: at, end };
        if let Some(quoted) = misread::in_broken_line(text, at) {
            self.findings
                .error(Code::MisreadExpression, place, "YAML misreads this expression")
                .hint(format!("put it in quotes: {quoted}"));
        } else {
            let (code, message, hint) = explained(error, line_at(text, at));
            self.findings.error(code, place, message).maybe_hint(hint);
        }
        let start = line_start(text, at);
        let line = Place { file: self.file, start, end: start + line_at(text, at).len() };
        self.findings.broken_line(line);
    }
}

/// The code, the message and the hint for an error in this line.
fn explained(error: &ScanError, line: &str) -> (Code, String, Option<String>) {
    let in_braces = line.contains('{') || line.contains('[');
    let braces =
        "within `{…}` and `[…]`, text that holds `,`, `[`, `]`, `{` or `}` must stand in quotes";
    let quotes = "if this is text or an expression, put all of it in single quotes";
    let indentation = "keys of one map begin in the same column";
    let (message, hint) = match error.kind() {
        ErrorKind::RecursionLimitExceeded => {
            let message = format!("maps and lists are nested more than {DEPTH_MAX} deep");
            return (Code::LimitExceeded, message, None);
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation if !in_braces => {
            ("the indentation fits none of the lines above".to_owned(), indentation)
        }
        ErrorKind::MappingValueNotAllowed => {
            ("`: ` begins a value here, and there is one already".to_owned(), quotes)
        }
        ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabNotAllowed => ("a tab cannot indent a line".to_owned(), "use spaces"),
        ErrorKind::ExpectedFlowMappingSeparator => ("expected `,` or `}` here".to_owned(), braces),
        ErrorKind::ExpectedFlowSequenceSeparator => ("expected `,` or `]` here".to_owned(), braces),
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            ("there is more text after the closing quote".to_owned(), quotes)
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            (format!("`{open}` is never closed"), if *open == '{' { "add `}`" } else { "add `]`" })
        }
        ErrorKind::UnclosedQuotedScalar => {
            ("the quote is never closed".to_owned(), "add the closing quote")
        }
        _ => (shown(&error.info()), if in_braces { braces } else { quotes }),
    };
    (Code::InvalidYaml, message, Some(hint.to_owned()))
}
