//! One line of a plan of faults: a kind and `key=value` words, each of which is taken once.

use super::TIMES_MAX;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest wait that a fault may cause.
const WAIT_MAX: Duration = Duration::from_hours(24);
/// A billion: chances are in parts of it.
pub const BILLION: u64 = 1_000_000_000;

/// A line, of which words are taken until none is left.
#[derive(Clone, Debug)]
pub struct FaultLine<'a> {
    kind: &'a str,
    words: BTreeMap<&'a str, &'a str>,
}

impl<'a> FaultLine<'a> {
    /// The faults of a text, each with the number of its line; empty lines and comments, from `#` on, are none.
    pub fn all(text: &'a str) -> impl Iterator<Item = (usize, Result<Self, String>)> {
        let lines = text.lines().zip(1..);
        let lines =
            lines.map(|(line, number)| (number, line.split('#').next().unwrap_or_default()));
        lines
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| (number, Self::read(line)))
    }

    fn read(line: &'a str) -> Result<Self, String> {
        let mut parts = line.split_whitespace();
        let kind = parts.next().unwrap_or_default();
        let mut words = BTreeMap::new();
        for part in parts {
            let (key, value) = part.split_once('=').ok_or_else(|| {
                format!("`{part}` is no `key=value`; a fault is a kind and such words")
            })?;
            if words.insert(key, value).is_some() {
                return Err(format!("`{key}` stands twice"));
            }
        }
        Ok(Self { kind, words })
    }

    /// The first word.
    pub fn kind(&self) -> &'a str {
        self.kind
    }

    /// Takes a word.
    pub fn text(&mut self, key: &str) -> Option<&'a str> {
        self.words.remove(key)
    }

    /// Takes a whole number from `min` to [`TIMES_MAX`].
    pub fn number(&mut self, key: &str, min: u64) -> Result<Option<u64>, String> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (min..=TIMES_MAX).contains(number));
        let wrong = || format!("`{key}={text}` is no whole number from {min} to {TIMES_MAX}");
        number.map(Some).ok_or_else(wrong)
    }

    /// Takes a probability above 0, in parts of a [`BILLION`]: digits with at most nine places, so that no float decides.
    pub fn chance(&mut self, key: &str) -> Result<Option<u64>, String> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let wrong = || format!("`{key}={text}` is no number above 0 and up to 1, such as 0.05");
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| {
            !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole) || !digits(places) {
            return Err(wrong());
        }
        let parsed = format!("{whole}{places:0<9}").parse().ok();
        let chance = parsed.filter(|chance| (1..=BILLION).contains(chance));
        chance.map(Some).ok_or_else(wrong)
    }

    /// Takes a length of time that must be there: `250ms`, `30s`, `5m`.
    pub fn wait(&mut self, key: &str) -> Result<Duration, String> {
        let kind = self.kind;
        let needed = || format!("`{kind}` needs `{key}=`, such as {key}=30s");
        let text = self.text(key).ok_or_else(needed)?;
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
        let length_ms = units.into_iter().find_map(|(unit, unit_ms): (&str, u64)| {
            let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
            count.checked_mul(unit_ms)
        });
        match length_ms.map(Duration::from_millis) {
            Some(length) if length <= WAIT_MAX => Ok(length),
            Some(_) => Err(format!("`{key}={text}` is more than 24h")),
            None => Err(format!("`{key}={text}` is no length of time; write 250ms, 30s or 5m")),
        }
    }

    /// Ends the line: a word that nobody has taken is a problem. `known` are the words that every fault of this family has.
    pub fn end(self, known: &str) -> Result<(), String> {
        match self.words.keys().next() {
            None => Ok(()),
            Some(key) => Err(format!("`{}` has no `{key}`; every fault has {known}", self.kind)),
        }
    }
}
