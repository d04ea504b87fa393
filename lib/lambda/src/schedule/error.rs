//! What can be wrong with a schedule, said with the place in its expression and with what to write instead.

use thiserror::Error;

/// Why a schedule cannot be kept.
#[derive(Clone, Debug, Error)]
pub enum ScheduleError {
    /// The expression does not read.
    #[error("the schedule `{expression}` is wrong at character {character}: {problem}; {remedy}")]
    Expression {
        /// The whole expression.
        expression: String,
        /// Where, from 1.
        character: usize,
        /// What is wrong.
        problem: String,
        /// What to write instead.
        remedy: String,
    },
    /// The time zone is not known.
    #[error(
        "the time zone `{name}` is not in the time zone database; name one as `Europe/Berlin` is named"
    )]
    TimeZone {
        /// What was written.
        name: String,
        /// What the database says.
        #[source]
        source: jiff::Error,
    },
    /// Scheduled rules know no time zones.
    #[error(
        "the scheduled rule `{expression}` has the time zone `{name}`, but rules are kept in UTC; use `Type: ScheduleV2`"
    )]
    ZoneOfRule {
        /// The expression.
        expression: String,
        /// What was written.
        name: String,
    },
}

/// A mistake at a place, before the whole expression is put to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The byte at which it begins.
    at: usize,
    problem: String,
    remedy: String,
}

impl Mistake {
    pub(super) fn new(
        part: Part<'_>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { at: part.at, problem: problem.into(), remedy: remedy.into() }
    }

    /// The error that users see.
    pub(super) fn of(self, expression: &str) -> ScheduleError {
        let before = expression.get(..self.at).unwrap_or(expression);
        ScheduleError::Expression {
            expression: expression.to_owned(),
            character: before.chars().count() + 1,
            problem: self.problem,
            remedy: self.remedy,
        }
    }
}

/// A part of an expression that knows where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    at: usize,
}

impl<'a> Part<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What remains between a beginning and an end, if the part has both.
    pub(super) fn between(self, start: &str, end: &str) -> Option<Self> {
        let text = self.text.strip_prefix(start)?.strip_suffix(end)?;
        Some(Self { text, at: self.at + start.len() })
    }

    /// What remains before an end, if the part has it.
    pub(super) fn before(self, end: &str) -> Option<Self> {
        self.text.strip_suffix(end).map(|text| Self { text, at: self.at })
    }

    /// The pieces between separators, empty ones too.
    pub(super) fn split(self, separator: char) -> Vec<Self> {
        let mut at = self.at;
        let pieces = self.text.split(separator).map(|text| {
            let piece = Self { text, at };
            at += text.len() + separator.len_utf8();
            piece
        });
        pieces.collect()
    }

    /// The two sides of the first separator, if there is one.
    pub(super) fn split_once(self, separator: char) -> Option<(Self, Self)> {
        let (left, right) = self.text.split_once(separator)?;
        let at = self.at + left.len() + separator.len_utf8();
        Some((Self { text: left, at: self.at }, Self { text: right, at }))
    }

    /// The pieces between white space.
    pub(super) fn words(self) -> Vec<Self> {
        let mut words = Vec::new();
        let mut at = self.at;
        for piece in self.text.split(char::is_whitespace) {
            if !piece.is_empty() {
                words.push(Self { text: piece, at });
            }
            let next = at - self.at + piece.len();
            let space = self.text.get(next..).and_then(|rest| rest.chars().next());
            at += piece.len() + space.map_or(0, char::len_utf8);
        }
        words
    }

    /// The end of the part: where something is missing.
    pub(super) fn end(self) -> Self {
        Self { text: "", at: self.at + self.text.len() }
    }
}
