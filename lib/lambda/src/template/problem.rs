//! What is wrong with a template: collected, never thrown, so that one run shows everything.

use std::collections::BTreeSet;
use std::ops::Range;
use thiserror::Error;

/// Problems that are kept, and notes; a template with more has one cause that repeats itself.
pub const PROBLEMS_MAX: usize = 200;

/// A range of bytes in the template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The first byte.
    pub(super) start: usize,
    /// The byte after the last.
    pub(super) end: usize,
}

/// A place as people name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The line of the character after the last.
    pub end_line: usize,
    /// The column of the character after the last.
    pub end_column: usize,
    /// The first byte of the text.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Position {
    /// The bytes in the text.
    pub fn bytes(&self) -> Range<usize> {
        self.start..self.end
    }

    fn new(text: &str, place: Place) -> Self {
        let start = boundary(text, place.start);
        let end = boundary(text, place.end).max(start);
        let (line, column) = line_and_column(text, start);
        let (end_line, end_column) = line_and_column(text, end);
        Self { line, column, end_line, end_column, start, end }
    }
}

fn boundary(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// One problem: the template cannot be run as it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}:{}: {message}; {remedy}", position.line, position.column)]
pub struct Problem {
    /// Where it is.
    pub position: Position,
    /// A sentence in lowercase without a final period.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// Something that is done otherwise than the reader of the template may think, and no problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it is.
    pub position: Position,
    /// A sentence in lowercase without a final period.
    pub text: String,
}

/// All problems and notes found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<(Place, String, String)>,
    notes: Vec<(Place, String)>,
    beyond: usize,
}

impl Problems {
    /// Takes a problem.
    pub(super) fn add(
        &mut self,
        place: Place,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if self.found.len() < PROBLEMS_MAX {
            self.found.push((place, message.into(), remedy.into()));
        } else {
            self.beyond += 1;
        }
    }

    /// Takes a note.
    pub(super) fn note(&mut self, place: Place, text: impl Into<String>) {
        if self.notes.len() < PROBLEMS_MAX {
            self.notes.push((place, text.into()));
        }
    }

    /// Whether no more are kept: what else is wrong is only counted.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= PROBLEMS_MAX
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The problems in the order of their places, each once.
    pub(super) fn problems(mut self, text: &str) -> Vec<Problem> {
        if self.beyond > 0 {
            let place = Place { start: text.len(), end: text.len() };
            let message = format!("{} more problems are not shown", self.beyond);
            self.found.push((place, message, "mend the others first".to_owned()));
        }
        self.found.sort_by_key(|(place, ..)| place.start);
        let mut seen = BTreeSet::new();
        self.found.retain(|problem| seen.insert(problem.clone()));
        let problems = self.found.into_iter().map(|(place, message, remedy)| Problem {
            position: Position::new(text, place),
            message,
            remedy,
        });
        problems.collect()
    }

    /// The notes in the order of their places, each once.
    pub(super) fn notes(mut self, text: &str) -> Vec<Note> {
        self.notes.sort();
        self.notes.dedup();
        let notes = self.notes.into_iter();
        notes
            .map(|(place, text_of)| Note { position: Position::new(text, place), text: text_of })
            .collect()
    }
}

/// Text as it may stand in a message: short, on one line and without control characters.
pub(super) fn shown(text: &str) -> String {
    const SHOWN_CHARACTERS_MAX: usize = 80;
    let mut shown: String = text
        .chars()
        .take(SHOWN_CHARACTERS_MAX)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if text.chars().nth(SHOWN_CHARACTERS_MAX).is_some() {
        shown.push('\u{2026}');
    }
    shown
}

/// What to do about a name that is not known: the nearest one, else all of them if they are few, else `otherwise`.
pub(super) fn did_you_mean<'n>(
    name: &str,
    known: impl IntoIterator<Item = &'n str>,
    otherwise: &str,
) -> String {
    const LISTED_MAX: usize = 12;
    const COMPARED_BYTES_MAX: usize = 64;
    let known: Vec<&str> = known.into_iter().collect();
    let lowered = name.to_lowercase();
    // A third of the letters may be wrong.
    let distance_max = (lowered.chars().count() / 3).max(1);
    let near = known
        .iter()
        .filter(|_| name.len() <= COMPARED_BYTES_MAX)
        .map(|candidate| (strsim::osa_distance(&lowered, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= distance_max && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance);
    match near {
        Some((_, candidate)) => format!("did you mean `{}`?", shown(candidate)),
        None if known.is_empty() || known.len() > LISTED_MAX => otherwise.to_owned(),
        None => {
            let names = known.iter().map(|known| format!("`{}`", shown(known))).collect::<Vec<_>>();
            format!("known here: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let text = "a: \u{e9}\nbc: d\n";
        let position = |start: usize, end: usize| {
            let Position { line, column, end_line, end_column, .. } =
                Position::new(text, Place { start, end });
            (line, column, end_line, end_column)
        };
        assert_eq!(position(0, 1), (1, 1, 1, 2));
        assert_eq!(position(3, 5), (1, 4, 1, 5));
        assert_eq!(position(4, 4), (1, 4, 1, 4));
        assert_eq!(position(10, 99), (2, 5, 3, 1));
    }

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let check = |name: &str, known: &[&str], expect: &str| {
            assert_eq!(did_you_mean(name, known.iter().copied(), "remove it"), expect);
        };
        check("BatchSizes", &["BatchSize", "Stream"], "did you mean `BatchSize`?");
        check("zebra", &["Stream", "Queue"], "known here: `Stream`, `Queue`");
        check("zebra", &[], "remove it");
    }

    #[test]
    fn the_same_problem_is_told_once_and_too_many_are_counted() {
        let mut problems = Problems::default();
        problems.add(Place::default(), "a", "b");
        problems.add(Place::default(), "a", "b");
        for number in 0..PROBLEMS_MAX {
            problems.add(Place::default(), number.to_string(), "c");
        }
        let problems = problems.problems("");
        assert_eq!(problems.len(), PROBLEMS_MAX);
        assert_eq!(problems.last().unwrap().message, "2 more problems are not shown");
    }
}
