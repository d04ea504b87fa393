//! The conditions of `when` and `resolve`.
//!
//! ```text
//! sum over 10m >= 3          an aggregate over a sliding time
//! rate over window > 0.25    an aggregate of the metric's own final point
//! open > 100                 journeys that are open at this moment
//! absent for 15m             no event at all
//! ```

mod words;

use super::Reader;
use crate::problem::code::Code;
use crate::problem::nearest;
use crate::yaml::tree::{Node, shown};
use std::ops::Range;
use streamgauge_engine::alert::{Aggregate, Condition, Over};
use streamgauge_engine::time::{DAY_MS, Millis};
use words::Words;

/// The longest sliding time: what it covers is held in memory.
pub(crate) const OVER_MAX: Millis = 31 * DAY_MS;

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
    let mut words = Words::of(text);
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

#[cfg(test)]
mod tests {
    use super::*;
    use streamgauge_engine::alert::Comparison;
    use streamgauge_engine::decimal::Decimal;

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
