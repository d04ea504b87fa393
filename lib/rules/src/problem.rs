//! What is wrong with a rules file: collected, never thrown, so that one run shows everything.
//!
//! Inside the crate a problem is a `Finding` whose places are byte ranges. At the end [`Findings::into_problems`]
//! sorts them by place, drops repetitions (an anchor that is used five times is wrong once) and turns places into spans.

pub mod code;
pub mod nearest;
pub mod render;

use crate::source::{Place, SourceFile, Span};
use code::Code;

/// Errors that are shown, and warnings; a file with more has one cause that repeats itself.
pub const PROBLEMS_MAX: usize = 500;

/// Whether a plan can be made in spite of the problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The rules cannot be used.
    Error,
    /// The rules can be used; they probably do not do what was meant.
    Warning,
}

impl Severity {
    /// As it is printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem of a rules file or a scenario file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What kind it is: one of [`Code::ALL`].
    pub code: &'static str,
    /// A sentence in lowercase without a final period. It never shows a secret.
    pub message: String,
    /// Where it is.
    pub span: Option<Span>,
    /// Other places that belong to it, each with what is there.
    pub related: Vec<(Span, String)>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A problem while the file is still being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    severity: Severity,
    code: Code,
    message: String,
    place: Option<Place>,
    related: Vec<(Place, String)>,
    hint: Option<String>,
    /// Whether it only follows from another one.
    hidden: bool,
}

impl Finding {
    /// Adds what to do about it.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what to do about it, if that is known.
    pub(crate) fn maybe_hint(&mut self, hint: Option<String>) -> &mut Self {
        self.hint = hint.or_else(|| self.hint.take());
        self
    }

    /// Adds a second place.
    pub(crate) fn related(&mut self, place: Place, label: impl Into<String>) -> &mut Self {
        self.related.push((place, label.into()));
        self
    }
}

/// All problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    errors: usize,
    warnings: usize,
    /// The last one over the limit: it is counted, and not shown.
    beyond: Option<Finding>,
    /// Lines at which a file broke off: what else is wrong there follows from that.
    broken_lines: Vec<Place>,
}

impl Findings {
    /// From now on, errors at this place are not shown: the file broke off there, and that was said.
    pub(crate) fn broken_line(&mut self, line: Place) {
        self.broken_lines.push(line);
    }

    /// Notes an error; what it returns takes hints and further places.
    pub(crate) fn error(
        &mut self,
        code: Code,
        place: Place,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.push(Severity::Error, code, Some(place), message.into())
    }

    /// Notes a warning.
    pub(crate) fn warning(
        &mut self,
        code: Code,
        place: Place,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.push(Severity::Warning, code, Some(place), message.into())
    }

    /// Notes an error that has no place: there is no file.
    pub(crate) fn error_nowhere(&mut self, code: Code, message: impl Into<String>) -> &mut Finding {
        self.push(Severity::Error, code, None, message.into())
    }

    fn push(
        &mut self,
        severity: Severity,
        code: Code,
        place: Option<Place>,
        message: String,
    ) -> &mut Finding {
        let hidden = place.is_some_and(|at| {
            let touches =
                |line: &Place| line.file == at.file && at.start <= line.end && line.start <= at.end;
            self.broken_lines.iter().any(touches)
        });
        let finding =
            Finding { severity, code, message, place, related: Vec::new(), hint: None, hidden };
        let number = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *number += 1;
        if *number > PROBLEMS_MAX {
            return self.beyond.insert(finding);
        }
        self.list.push(finding);
        let last = self.list.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "one was pushed just now")]
        &mut self.list[last]
    }

    /// Whether no plan can be made.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// The problems in the order of their places, each once.
    pub(crate) fn into_problems(mut self, sources: &[SourceFile]) -> Vec<Problem> {
        if let Some(mut last) = self.beyond.take() {
            let number = (self.errors + self.warnings).saturating_sub(self.list.len());
            last.message = format!("{number} more problems are not shown");
            last.code = Code::LimitExceeded;
            last.hidden = false;
            last.hint("mend these first");
            self.list.push(last);
        }
        self.list.sort_by_key(|finding| {
            finding.place.map_or((usize::MAX, 0), |place| (place.file, place.start))
        });
        let mut problems: Vec<Problem> = Vec::new();
        for finding in self.list.into_iter().filter(|finding| !finding.hidden) {
            let problem = Problem {
                severity: finding.severity,
                code: finding.code.as_str(),
                message: finding.message,
                span: finding.place.and_then(|place| Span::new(place, sources)),
                related: finding
                    .related
                    .into_iter()
                    .filter_map(|(place, label)| Some((Span::new(place, sources)?, label)))
                    .collect(),
                hint: finding.hint,
            };
            let repeated = problems.iter().any(|known| {
                known.code == problem.code
                    && known.span == problem.span
                    && known.message == problem.message
            });
            if !repeated {
                problems.push(problem);
            }
        }
        problems
    }
}
