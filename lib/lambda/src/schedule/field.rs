//! One field of a cron expression: values, ranges, steps and lists of them, as a set of numbers.
//!
//! | written | means |
//! | --- | --- |
//! | `*` | all values |
//! | `5` | one value; months and days of the week have names too, in any case: `JAN`, `sun` |
//! | `8-17` | a range with both ends. It may wrap, as in AWS's own example `20-2` for hours; years may not |
//! | `0/15` | from a value on, each so many; `*/15` and `8-17/2` as well |
//! | `1,5,10-12` | all of these |

use super::error::{Mistake, Part};
use std::collections::BTreeSet;

/// The numbers that a field allows, in order.
pub(super) type Values = BTreeSet<i16>;

/// What may stand in a field.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name in messages.
    pub(super) name: &'static str,
    pub(super) min: i16,
    pub(super) max: i16,
    /// Names of the values, beginning with that of `min`.
    pub(super) names: &'static [&'static str],
    /// Whether AWS lists `/` among the field's characters.
    pub(super) steps: bool,
    /// Whether a range may go past the end and on at the beginning.
    pub(super) wraps: bool,
}

const fn numbers(name: &'static str, min: i16, max: i16) -> Field {
    Field { name, min, max, names: &[], steps: true, wraps: true }
}

/// The fields and their ranges: <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based>.
pub(super) const MINUTES: Field = numbers("minutes", 0, 59);
pub(super) const HOURS: Field = numbers("hours", 0, 23);
pub(super) const DAY_OF_MONTH: Field = numbers("day-of-month", 1, 31);
pub(super) const MONTH: Field = Field {
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    ..numbers("month", 1, 12)
};
pub(super) const DAY_OF_WEEK: Field = Field {
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    steps: false,
    ..numbers("day-of-week", 1, 7)
};
pub(super) const YEAR: Field = Field { wraps: false, ..numbers("year", 1970, 2199) };

impl Field {
    /// All values of a list.
    pub(super) fn list(&self, part: Part<'_>) -> Result<Values, Mistake> {
        let mut values = Values::new();
        for item in part.split(',') {
            values.extend(self.item(item)?);
        }
        Ok(values)
    }

    /// The values of one item of a list.
    pub(super) fn item(&self, part: Part<'_>) -> Result<Vec<i16>, Mistake> {
        let Some((range, step)) = part.split_once('/') else {
            return self.range(part, false);
        };
        if !self.steps {
            return Err(Mistake::new(
                part,
                format!("the field {} takes no `/`", self.name),
                "list the values, as `2,4,6`",
            ));
        }
        let values = self.range(range, true)?;
        Ok(values.into_iter().step_by(self.step(step)?).collect())
    }

    /// A range in its order. With `open`, a single value begins one that goes to the field's end.
    fn range(&self, part: Part<'_>, open: bool) -> Result<Vec<i16>, Mistake> {
        if part.text == "*" {
            return Ok((self.min..=self.max).collect());
        }
        let Some((first, last)) = part.split_once('-') else {
            let value = self.value(part)?;
            return Ok(if open { (value..=self.max).collect() } else { vec![value] });
        };
        let (from, to) = (self.value(first)?, self.value(last)?);
        if from <= to {
            return Ok((from..=to).collect());
        }
        if self.wraps {
            return Ok((from..=self.max).chain(self.min..=to).collect());
        }
        Err(Mistake::new(
            part,
            format!("the range of the field {} ends before it begins", self.name),
            format!("write `{to}-{from}`"),
        ))
    }

    /// One value, as a number or a name.
    pub(super) fn value(&self, part: Part<'_>) -> Result<i16, Mistake> {
        let named = self.names.iter().zip(self.min..);
        let named = named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(part.text));
        if let Some((_, value)) = named {
            return Ok(value);
        }
        let digits = !part.text.is_empty() && part.text.bytes().all(|byte| byte.is_ascii_digit());
        let value = if digits { part.text.parse().ok() } else { None };
        value.filter(|value| (self.min..=self.max).contains(value)).ok_or_else(|| {
            let problem = if part.text.is_empty() {
                format!("a value of the field {} is missing", self.name)
            } else {
                format!("`{}` is no value of the field {}", part.text, self.name)
            };
            Mistake::new(part, problem, self.remedy())
        })
    }

    fn step(&self, part: Part<'_>) -> Result<usize, Mistake> {
        let step = part.text.parse::<usize>().ok();
        let most = usize::try_from(self.max).unwrap_or(usize::MAX);
        step.filter(|step| (1..=most).contains(step)).ok_or_else(|| {
            Mistake::new(
                part,
                format!("`{}` is no step of the field {}", part.text, self.name),
                format!("write a number from 1 to {most}"),
            )
        })
    }

    fn remedy(&self) -> String {
        match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => {
                format!("write {} to {}, or {first} to {last}", self.min, self.max)
            }
            _ => format!("write {} to {}", self.min, self.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &Field, text: &str, expect: &[i16]) {
        let values = field.list(Part::new(text)).unwrap();
        assert_eq!(values.into_iter().collect::<Vec<_>>(), expect, "{text}");
    }

    #[track_caller]
    fn check_mistake(field: &Field, text: &str, expect: &str) {
        let mistake = field.list(Part::new(text)).unwrap_err();
        assert_eq!(
            mistake.of(text).to_string(),
            format!("the schedule `{text}` is wrong {expect}")
        );
    }

    #[test]
    fn values_ranges_steps_and_lists() {
        check(&MINUTES, "0", &[0]);
        check(&MINUTES, "0/15", &[0, 15, 30, 45]);
        check(&MINUTES, "*/20", &[0, 20, 40]);
        check(&MINUTES, "1/20", &[1, 21, 41]);
        check(&MINUTES, "10-20/5", &[10, 15, 20]);
        check(&HOURS, "20-2", &[0, 1, 2, 20, 21, 22, 23]);
        check(&HOURS, "20-2/2", &[0, 2, 20, 22]);
        check(&HOURS, "8-10,9-11,23", &[8, 9, 10, 11, 23]);
        check(&MONTH, "JAN,feb,3", &[1, 2, 3]);
        check(&MONTH, "NOV-FEB", &[1, 2, 11, 12]);
        check(&DAY_OF_WEEK, "MON-FRI", &[2, 3, 4, 5, 6]);
        check(&DAY_OF_WEEK, "FRI-MON", &[1, 2, 6, 7]);
        check(&DAY_OF_WEEK, "1,SAT", &[1, 7]);
        check(&YEAR, "2199", &[2199]);
        check(&YEAR, "2020-2022", &[2020, 2021, 2022]);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        check_mistake(
            &MINUTES,
            "0,60",
            "at character 3: `60` is no value of the field minutes; write 0 to 59",
        );
        check_mistake(
            &MINUTES,
            "0/0",
            "at character 3: `0` is no step of the field minutes; write a number from 1 to 59",
        );
        check_mistake(
            &MINUTES,
            "0/60",
            "at character 3: `60` is no step of the field minutes; write a number from 1 to 59",
        );
        check_mistake(
            &HOURS,
            "1,,2",
            "at character 3: a value of the field hours is missing; write 0 to 23",
        );
        check_mistake(
            &HOURS,
            "1-",
            "at character 3: a value of the field hours is missing; write 0 to 23",
        );
        check_mistake(
            &HOURS,
            "+5",
            "at character 1: `+5` is no value of the field hours; write 0 to 23",
        );
        check_mistake(
            &MONTH,
            "JAN-MAI",
            "at character 5: `MAI` is no value of the field month; write 1 to 12, or JAN to DEC",
        );
        check_mistake(
            &DAY_OF_WEEK,
            "0",
            "at character 1: `0` is no value of the field day-of-week; write 1 to 7, or SUN to SAT",
        );
        check_mistake(
            &DAY_OF_WEEK,
            "2/2",
            "at character 1: the field day-of-week takes no `/`; list the values, as `2,4,6`",
        );
        check_mistake(
            &YEAR,
            "2022-2020",
            "at character 1: the range of the field year ends before it begins; write `2020-2022`",
        );
    }
}
