//! The conditions of `when` and `resolve`.
//!
//! ```text
//! sum over 10m >= 3          an aggregate over a sliding time
//! rate over window > 0.25    an aggregate of the metric's own final point
//! open > 100                 journeys that are open at this moment
//! absent for 15m             no event at all
//! ```

use super::Reader;
use crate::duration;
use crate::problem::code::Code;
use crate::problem::nearest;
use crate::yaml::tree::{Node, shown};
use std::ops::Range;
use streamgauge_engine::alert::{Aggregate, Comparison, Condition, Over};
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::time::{DAY_MS, Millis};

/// The longest sliding time: what it covers is held in memory.
pub(crate) const OVER_MAX: Millis = 31 * DAY_MS;

/// What every hint about a condition shows.
const EXAMPLES: &str =
    "write `sum over 10m >= 3`, `rate over window > 0.25`, `open > 100` or `absent for 15m`";

/// The aggregates by name; percentiles aside.
pub(crate) const AGGREGATES: [(&str, Aggregate); 11] = [
    ("sum", Aggregate::Sum),
    ("count", Aggregate::Count),
    ("avg", Aggregate::Average),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
    ("unique", Aggregate::Unique),
    ("rate", Aggregate::Rate),
    ("abandoned", Aggregate::Abandoned),
    ("started", Aggregate::Started),
    ("finished", Aggregate::Finished),
    ("open", Aggregate::Open),
];

/// A condition and where its parts stand in its text.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub(crate) condition: Condition,
    /// The aggregate, or `absent`.
    pub(crate) subject: Range<usize>,
    /// The length of time, if there is one.
    pub(crate) length: Range<usize>,
    /// The threshold, if there is one.
    pub(crate) threshold: Range<usize>,
}

/// What is wrong with a condition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    range: Range<usize>,
    message: String,
    hint: String,
}

impl Reader<'_> {
    /// A condition; what is wrong is reported at its place in the text.
    pub(crate) fn condition(&mut self, node: &Node) -> Option<Parsed> {
        let scalar = self.scalar(node, "a condition such as `sum over 10m >= 3`")?;
        match parse(&scalar.text) {
            Ok(parsed) => Some(parsed),
            Err(mistake) => {
                let place = self.part(node, mistake.range);
                self.findings
                    .error(Code::InvalidCondition, place, mistake.message)
                    .hint(mistake.hint);
                None
            }
        }
    }
}

pub(crate) fn parse(text: &str) -> Result<Parsed, Mistake> {
    let mut words = Words { text, places: split(text), next: 0 };
    let (subject, subject_range) = words.take("an aggregate such as `sum`, or `absent`")?;
    if subject == "absent" {
        words.keyword("for", "`absent` goes with `for`")?;
        let (length, range) = words.duration()?;
        words.end()?;
        let condition = Condition::Absent { length };
        return Ok(Parsed { condition, subject: subject_range, length: range, threshold: 0..0 });
    }
    let aggregate = aggregate(subject, &subject_range)?;
    let mut length_range = 0..0;
    let over = if aggregate == Aggregate::Open {
        if words.peek() == Some("over") {
            let message = "`open` is what is open at this moment; it has no `over`".to_owned();
            return Err(words.mistake(message, "write `open > 100`".to_owned()));
        }
        Over::Moment
    } else {
        words.keyword("over", "an aggregate goes with `over`")?;
        if words.peek() == Some("window") {
            length_range = words.take("`window`")?.1;
            Over::Window
        } else {
            let (length, range) = words.duration()?;
            length_range = range;
            Over::Sliding(length)
        }
    };
    let comparison = words.comparison()?;
    let (threshold, threshold_range) = words.number()?;
    words.end()?;
    let condition = Condition::Threshold { aggregate, over, comparison, threshold };
    Ok(Parsed {
        condition,
        subject: subject_range,
        length: length_range,
        threshold: threshold_range,
    })
}

/// `p50` to `p99.9`, or one of the others.
fn aggregate(word: &str, range: &Range<usize>) -> Result<Aggregate, Mistake> {
    if let Some((_, aggregate)) = AGGREGATES.iter().find(|(name, _)| *name == word) {
        return Ok(*aggregate);
    }
    if let Some(percent) =
        word.strip_prefix('p').filter(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
    {
        let (whole, tenth) = percent.split_once('.').unwrap_or((percent, "0"));
        let tenths = match (whole.parse::<u32>(), tenth.parse::<u32>()) {
            (Ok(whole), Ok(tenth)) if tenth <= 9 && whole <= 100 => whole * 10 + tenth,
            _ => 0,
        };
        if (500..=999).contains(&tenths) {
            return Ok(Aggregate::Percentile(tenths));
        }
        let message = format!("`{}` is not a percentile from `p50` to `p99.9`", shown(word));
        return Err(Mistake {
            range: range.clone(),
            message,
            hint: "write `p50`, `p99` or `p99.9`".to_owned(),
        });
    }
    let mut names: Vec<&str> = AGGREGATES.iter().map(|(name, _)| *name).collect();
    names.extend(["p99", "absent"]);
    let hint = match word {
        "average" | "mean" => "did you mean `avg`?".to_owned(),
        _ => match nearest::nearest(word, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", nearest::list(&names)),
        },
    };
    Err(Mistake {
        range: range.clone(),
        message: format!("`{}` is not an aggregate", shown(word)),
        hint,
    })
}

/// The words of a condition, with their places.
struct Words<'t> {
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
    fn peek(&self) -> Option<&'t str> {
        self.places.get(self.next).and_then(|range| self.text.get(range.clone()))
    }

    /// The next word's place, or the end of the text.
    fn place(&self) -> Range<usize> {
        self.places.get(self.next).cloned().unwrap_or(self.text.len()..self.text.len())
    }

    fn mistake(&self, message: String, hint: String) -> Mistake {
        Mistake { range: self.place(), message, hint }
    }

    fn take(&mut self, expected: &str) -> Result<(&'t str, Range<usize>), Mistake> {
        let Some(word) = self.peek() else {
            return Err(self.mistake(format!("expected {expected} here"), EXAMPLES.to_owned()));
        };
        let range = self.place();
        self.next += 1;
        Ok((word, range))
    }

    fn keyword(&mut self, keyword: &str, message: &str) -> Result<(), Mistake> {
        if self.peek() == Some(keyword) {
            self.next += 1;
            return Ok(());
        }
        Err(self.mistake(message.to_owned(), EXAMPLES.to_owned()))
    }

    fn duration(&mut self) -> Result<(Millis, Range<usize>), Mistake> {
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

    fn comparison(&mut self) -> Result<Comparison, Mistake> {
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

    fn number(&mut self) -> Result<(Decimal, Range<usize>), Mistake> {
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

    fn end(&self) -> Result<(), Mistake> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        text: &str,
        aggregate: Aggregate,
        over: Over,
        comparison: Comparison,
        billionths: i128,
    ) {
        let threshold = Decimal::from_billionths(billionths);
        let expect = Condition::Threshold { aggregate, over, comparison, threshold };
        assert_eq!(parse(text).map(|parsed| parsed.condition).unwrap(), expect, "{text}");
    }

    /// What is wrong, and the part of the text that the caret points at.
    fn fails(text: &str, at: &str, message: &str) {
        let mistake = parse(text).unwrap_err();
        assert!(mistake.message.contains(message), "{text}: {}", mistake.message);
        assert_eq!(text.get(mistake.range.clone()), Some(at), "{text}");
    }

    #[test]
    fn the_four_forms() {
        check(
            "sum over 10m >= 3",
            Aggregate::Sum,
            Over::Sliding(600_000),
            Comparison::AtLeast,
            3_000_000_000,
        );
        check(
            "rate over window > 0.25",
            Aggregate::Rate,
            Over::Window,
            Comparison::Above,
            250_000_000,
        );
        check("open > 100", Aggregate::Open, Over::Moment, Comparison::Above, 100_000_000_000);
        assert_eq!(
            parse("absent for 15m").unwrap().condition,
            Condition::Absent { length: 900_000 }
        );
    }

    #[test]
    fn spaces_and_signs() {
        check(
            "sum over 10m>=3",
            Aggregate::Sum,
            Over::Sliding(600_000),
            Comparison::AtLeast,
            3_000_000_000,
        );
        check(
            "  avg  over\n1h <  -1.5 ",
            Aggregate::Average,
            Over::Sliding(3_600_000),
            Comparison::Below,
            -1_500_000_000,
        );
        check(
            "p99.9 over 1m != 0",
            Aggregate::Percentile(999),
            Over::Sliding(60_000),
            Comparison::NotEqual,
            0,
        );
        check(
            "p50 over 1m == 1",
            Aggregate::Percentile(500),
            Over::Sliding(60_000),
            Comparison::Equal,
            1_000_000_000,
        );
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        fails("", "", "expected an aggregate");
        fails("summ over 10m >= 3", "summ", "not an aggregate");
        fails("sum >= 3", ">=", "goes with `over`");
        fails("sum over 10 >= 3", "10", "without a unit");
        fails("sum over 0s >= 3", "0s", "not allowed");
        fails("sum over 40d >= 3", "40d", "the limit");
        fails("sum over 10m = 3", "=", "not a comparison");
        fails("sum over 10m => 3", "=>", "wrong way round");
        fails("sum over 10m 3", "3", "expected a comparison");
        fails("sum over 10m >=", "", "expected a number");
        fails("sum over 10m >= x", "x", "not a number");
        fails("sum over 10m >= 5%", "5%", "percent sign");
        fails("sum over 10m >= 3 for 5m", "for 5m", "complete before");
        fails("open over 5m > 3", "over", "no `over`");
        fails("absent 15m", "15m", "goes with `for`");
        fails("p10 over 1m > 3", "p10", "percentile");
        fails("p99.95 over 1m > 3", "p99.95", "percentile");
    }

    #[test]
    fn names_are_those_that_are_read() {
        for name in ["sum", "open", "p50", "p99.9"] {
            assert_eq!(aggregate(name, &(0..0)).unwrap().to_string(), name);
        }
    }
}
