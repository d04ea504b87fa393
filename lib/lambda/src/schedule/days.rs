//! The days of a cron expression: those of the month or those of the week, never both.
//!
//! | written | means |
//! | --- | --- |
//! | `L` as day of the month | the month's last day |
//! | `15W` | the weekday, Monday to Friday, nearest to the 15th, within the month |
//! | `LW` | the month's last weekday. AWS names both letters and not their pair; Quartz, whose dialect this is, has it |
//! | `L` as day of the week | Saturday, the week's last day |
//! | `6L`, `FRIL` | the month's last Friday |
//! | `3#2`, `TUE#2` | the month's second Tuesday; in a month without a fifth one, `3#5` is no day |
//!
//! A month without a 31st has no `31W`. `L` and `W` may stand in lists (`1,15,L`); about these, AWS is silent. `#` may not.

use super::error::{Mistake, Part};
use super::field::{DAY_OF_MONTH, DAY_OF_WEEK, Values};
use jiff::civil::{Date, Weekday};

/// How often a day of the week can come in a month.
const WEEKS_MAX: i8 = 5;

/// Which days are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Days {
    /// By their place in the month; the day of the week is `?`.
    OfMonth(DaysOfMonth),
    /// By their place in the week; the day of the month is `?`.
    OfWeek(DaysOfWeek),
}

/// Days by their place in the month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DaysOfMonth {
    days: Values,
    last: bool,
    last_weekday: bool,
    /// Days whose nearest weekdays are meant.
    near: Values,
}

/// Days by their place in the week. Sunday is 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DaysOfWeek {
    days: Values,
    /// Those that are the last of their kind in the month.
    last: Values,
    /// A day, and which one of the month.
    nth: Option<(i16, i8)>,
}

impl Days {
    /// Reads both fields.
    pub(super) fn parse(of_month: Part<'_>, of_week: Part<'_>) -> Result<Self, Mistake> {
        match (of_month.text, of_week.text) {
            ("?", "?") => Err(Mistake::new(
                of_month,
                "the fields day-of-month and day-of-week are both `?`, so no day is meant",
                "write `*` in one of them",
            )),
            ("?", _) => DaysOfWeek::parse(of_week).map(Self::OfWeek),
            (_, "?") => DaysOfMonth::parse(of_month).map(Self::OfMonth),
            _ => Err(Mistake::new(
                of_week,
                "the fields day-of-month and day-of-week both have values",
                "write `?` in one of them",
            )),
        }
    }

    /// Whether a day is meant.
    pub(super) fn hold(&self, date: Date) -> bool {
        match self {
            Self::OfMonth(days) => days.hold(date),
            Self::OfWeek(days) => days.hold(date),
        }
    }
}

impl DaysOfMonth {
    fn parse(part: Part<'_>) -> Result<Self, Mistake> {
        let mut found = Self::default();
        for item in part.split(',') {
            match item.text {
                "L" => found.last = true,
                "LW" | "WL" => found.last_weekday = true,
                text if text.starts_with("L-") => {
                    return Err(Mistake::new(
                        item,
                        "days before the last one are not in AWS's dialect",
                        "write `L`, or a day",
                    ));
                }
                _ => match item.before("W") {
                    Some(day) => {
                        found.near.insert(DAY_OF_MONTH.value(day)?);
                    }
                    None => found.days.extend(DAY_OF_MONTH.item(item)?),
                },
            }
        }
        Ok(found)
    }

    fn hold(&self, date: Date) -> bool {
        let last = date.last_of_month();
        self.days.contains(&i16::from(date.day()))
            || (self.last && date == last)
            || (self.last_weekday && date == nearest_weekday(last))
            || self.near.iter().any(|day| {
                let day = i8::try_from(*day).ok();
                let near = day.and_then(|day| Date::new(date.year(), date.month(), day).ok());
                near.is_some_and(|near| date == nearest_weekday(near))
            })
    }
}

impl DaysOfWeek {
    fn parse(part: Part<'_>) -> Result<Self, Mistake> {
        let mut found = Self::default();
        let items = part.split(',');
        let alone = items.len() == 1;
        for item in items {
            if let Some((day, number)) = item.split_once('#') {
                if !alone {
                    return Err(Mistake::new(
                        item,
                        "a day of the week with `#` stands in a list",
                        "make a schedule of its own for it",
                    ));
                }
                found.nth = Some((DAY_OF_WEEK.value(day)?, nth(number)?));
            } else if item.text == "L" {
                found.days.insert(DAY_OF_WEEK.max);
            } else if let Some(day) = item.before("L") {
                found.last.insert(DAY_OF_WEEK.value(day)?);
            } else {
                found.days.extend(DAY_OF_WEEK.item(item)?);
            }
        }
        Ok(found)
    }

    fn hold(&self, date: Date) -> bool {
        let day = i16::from(date.weekday().to_sunday_one_offset());
        let place = (date.day() - 1) / 7 + 1;
        self.days.contains(&day)
            || (self.last.contains(&day) && date.day() + 7 > date.days_in_month())
            || self.nth == Some((day, place))
    }
}

fn nth(part: Part<'_>) -> Result<i8, Mistake> {
    let number = part.text.parse().ok().filter(|number| (1..=WEEKS_MAX).contains(number));
    number.ok_or_else(|| {
        Mistake::new(
            part,
            format!("`{}` is no number of a week", part.text),
            format!("write 1 to {WEEKS_MAX}, as in `3#2`"),
        )
    })
}

/// The day from Monday to Friday that is nearest to a day and in its month.
fn nearest_weekday(date: Date) -> Date {
    let away = match date.weekday() {
        Weekday::Saturday if date.day() == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if date.day() == date.days_in_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    date.saturating_add(jiff::Span::new().days(away))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The days of a month that are meant.
    #[track_caller]
    fn check(of_month: &str, of_week: &str, (year, month): (i16, i8), expect: &[i8]) {
        let days = Days::parse(Part::new(of_month), Part::new(of_week)).unwrap();
        let first = Date::new(year, month, 1).unwrap();
        let found = first.series(jiff::Span::new().days(1));
        let found = found.take_while(|date| date.month() == month).filter(|date| days.hold(*date));
        let found: Vec<i8> = found.map(Date::day).collect();
        assert_eq!(found, expect, "{of_month} {of_week}");
    }

    #[track_caller]
    fn check_mistake(of_month: &str, of_week: &str, expect: &str) {
        let mistake = Days::parse(Part::new(of_month), Part::new(of_week)).unwrap_err();
        let text = mistake.of(of_month).to_string();
        assert!(text.contains(expect), "{text}");
    }

    // November 2026 begins on a Sunday and has 30 days; August 2026 begins on a Saturday; May 2026 ends on a Sunday.

    #[test]
    fn days_of_the_month() {
        check("1,15-17", "?", (2026, 11), &[1, 15, 16, 17]);
        check("28/1", "?", (2026, 2), &[28]);
        check("L", "?", (2026, 2), &[28]);
        check("L", "?", (2028, 2), &[29]);
        check("1,L", "?", (2026, 11), &[1, 30]);
    }

    #[test]
    fn the_nearest_weekday_stays_in_the_month() {
        check("3W", "?", (2026, 11), &[3]);
        check("7W", "?", (2026, 11), &[6]);
        check("8W", "?", (2026, 11), &[9]);
        check("1W", "?", (2026, 11), &[2]);
        check("1W", "?", (2026, 8), &[3]);
        check("31W", "?", (2026, 5), &[29]);
        check("31W", "?", (2026, 11), &[]);
        check("LW", "?", (2026, 5), &[29]);
        check("LW", "?", (2026, 11), &[30]);
        check("1W,15W", "?", (2026, 11), &[2, 16]);
    }

    #[test]
    fn days_of_the_week() {
        check("?", "SUN", (2026, 11), &[1, 8, 15, 22, 29]);
        check("?", "L", (2026, 11), &[7, 14, 21, 28]);
        check("?", "6L", (2026, 11), &[27]);
        check("?", "FRIL", (2026, 11), &[27]);
        check("?", "2L", (2026, 11), &[30]);
        check("?", "3#2", (2026, 11), &[10]);
        check("?", "TUE#2", (2026, 11), &[10]);
        check("?", "1#5", (2026, 11), &[29]);
        check("?", "3#5", (2026, 11), &[]);
    }

    #[test]
    fn one_of_the_fields_is_a_question_mark() {
        check_mistake("?", "?", "are both `?`");
        check_mistake("*", "*", "both have values; write `?` in one of them");
        check_mistake("1", "MON", "both have values");
    }

    #[test]
    fn what_is_not_in_the_dialect_is_refused() {
        check_mistake("?", "3#1,6#3", "stands in a list; make a schedule of its own for it");
        check_mistake("?", "3#6", "`6` is no number of a week; write 1 to 5");
        check_mistake("?", "3#", "`` is no number of a week");
        check_mistake("L-3", "?", "not in AWS's dialect; write `L`, or a day");
        check_mistake("32W", "?", "`32` is no value of the field day-of-month");
        check_mistake("1-5W", "?", "`1-5` is no value of the field day-of-month");
        check_mistake("*,?", "?", "`?` is no value of the field day-of-month");
    }
}
