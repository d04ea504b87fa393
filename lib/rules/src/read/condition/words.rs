//! The words that conditions are made of.

use super::{Mistake, OVER_MAX};
use crate::duration;
use crate::yaml::tree::shown;
use std::ops::Range;
use streamgauge_engine::alert::Comparison;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::time::Millis;

/// What every hint about a condition shows.
const EXAMPLES: &str =
    "write `sum over 10m >= 3`, `rate over window > 0.25`, `open > 100` or `absent for 15m`";

/// The words of a condition, with their places.
pub(super) struct Words<'t> {
    text: &'t str,
    places: Vec<Range<usize>>,
    next: usize,
}

/// Words are separated by spaces, and by the change between letters and comparison signs: `sum over 10m>=3`.
fn split(text: &str) -> Vec<Range<usize>> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Space,
        Sign,
        Other,
    }
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut last = Class::Space;
    for (index, character) in text.char_indices() {
        let class = match character {
            _ if character.is_whitespace() => Class::Space,
            '<' | '>' | '=' | '!' => Class::Sign,
            _ => Class::Other,
        };
        let end = index + character.len_utf8();
        match words.last_mut() {
            Some(word) if class == last && class != Class::Space => word.end = end,
            _ if class != Class::Space => words.push(index..end),
            _ => {}
        }
        last = class;
    }
    words
}

impl<'t> Words<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, places: split(text), next: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'t str> {
        self.places.get(self.next).and_then(|range| self.text.get(range.clone()))
    }

    /// The next word's place, or the end of the text.
    fn place(&self) -> Range<usize> {
        self.places.get(self.next).cloned().unwrap_or(self.text.len()..self.text.len())
    }

    pub(super) fn mistake(&self, message: String, hint: String) -> Mistake {
        Mistake { range: self.place(), message, hint }
    }

    pub(super) fn take(&mut self, expected: &str) -> Result<(&'t str, Range<usize>), Mistake> {
        let Some(word) = self.peek() else {
            return Err(self.mistake(format!("expected {expected} here"), EXAMPLES.to_owned()));
        };
        let range = self.place();
        self.next += 1;
        Ok((word, range))
    }

    pub(super) fn keyword(&mut self, keyword: &str, message: &str) -> Result<(), Mistake> {
        if self.peek() == Some(keyword) {
            self.next += 1;
            return Ok(());
        }
        Err(self.mistake(message.to_owned(), EXAMPLES.to_owned()))
    }

    pub(super) fn duration(&mut self) -> Result<(Millis, Range<usize>), Mistake> {
        let (word, range) = self.take("a length of time such as `10m`")?;
        let mistake = |message: String, hint: &str| Mistake {
            range: range.clone(),
            message,
            hint: hint.to_owned(),
        };
        let length = duration::parse(word)
            .map_err(|message| mistake(message, "write `30s`, `10m` or `1h30m`"))?;
        if length == 0 {
            return Err(mistake(
                "a length of `0s` is not allowed here".to_owned(),
                "write `1m` or more",
            ));
        }
        if length > OVER_MAX {
            let message = format!(
                "{} is more than {}, which is the limit",
                duration::show(length),
                duration::show(OVER_MAX)
            );
            return Err(mistake(message, "look at less time"));
        }
        Ok((length, range))
    }

    pub(super) fn comparison(&mut self) -> Result<Comparison, Mistake> {
        const HINT: &str = "write one of `>=`, `>`, `<=`, `<`, `==`, `!=`";
        let comparison = match self.peek() {
            Some(">=") => Comparison::AtLeast,
            Some(">") => Comparison::Above,
            Some("<=") => Comparison::AtMost,
            Some("<") => Comparison::Below,
            Some("==") => Comparison::Equal,
            Some("!=") => Comparison::NotEqual,
            Some("=") => {
                return Err(
                    self.mistake("`=` is not a comparison".to_owned(), "write `==`".to_owned())
                );
            }
            Some("=>" | "=<") => {
                return Err(
                    self.mistake("the signs stand the wrong way round".to_owned(), HINT.to_owned())
                );
            }
            _ => return Err(self.mistake("expected a comparison here".to_owned(), HINT.to_owned())),
        };
        self.next += 1;
        Ok(comparison)
    }

    pub(super) fn number(&mut self) -> Result<(Decimal, Range<usize>), Mistake> {
        let (word, range) = self.take("a number to compare with")?;
        let mistake =
            |message: String, hint: String| Mistake { range: range.clone(), message, hint };
        if let Some(percent) = word.strip_suffix('%') {
            let share = percent
                .parse::<f64>()
                .map_or("0.25".to_owned(), |percent| (percent / 100.0).to_string());
            return Err(mistake(
                "a percent sign is not understood here".to_owned(),
                format!("write a share: `{share}`"),
            ));
        }
        match Decimal::parse(word) {
            Ok(number) => Ok((number, range)),
            Err(_no_number) => Err(mistake(
                format!("`{}` is not a number below 10^18", shown(word)),
                "write `3`, `0.25` or `-1.5`".to_owned(),
            )),
        }
    }

    pub(super) fn end(&self) -> Result<(), Mistake> {
        if self.next < self.places.len() {
            let range = self.place().start..self.text.trim_end().len();
            return Err(Mistake {
                range,
                message: "the condition is complete before this".to_owned(),
                hint: "a condition is one comparison; use a second alert or step for another, and `for:` beside `when:` for a time".to_owned(),
            });
        }
        Ok(())
    }
}
