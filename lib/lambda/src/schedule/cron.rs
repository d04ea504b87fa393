//! A cron expression of AWS, and the next minute of a calendar that it holds.
//!
//! This is about wall clocks only; [`super::Timetable`] brings in time zones.

use super::days::Days;
use super::error::{Mistake, Part};
use super::field::{HOURS, MINUTES, MONTH, Values, YEAR};
use jiff::civil::{Date, DateTime};

/// What stands between the parentheses of `cron(...)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: Values,
    hours: Values,
    days: Days,
    months: Values,
    years: Values,
}

const REMEDY: &str = "write minutes, hours, day-of-month, month, day-of-week and year";

impl Cron {
    /// Reads the fields. Scheduler documents the year as optional, scheduled rules as required.
    pub(super) fn parse(part: Part<'_>, year_optional: bool) -> Result<Self, Mistake> {
        let words = part.words();
        let few = || {
            let problem = format!("there are {} fields of six", words.len());
            Mistake::new(part.end(), problem, REMEDY)
        };
        let [minutes, hours, of_month, month, of_week, rest @ ..] = words.as_slice() else {
            return Err(few());
        };
        let year = match rest {
            [] if year_optional => Part::new("*"),
            [] => return Err(few()),
            [year] => *year,
            [_, more, ..] => {
                return Err(Mistake::new(*more, "there are more than six fields", REMEDY));
            }
        };
        Ok(Self {
            minutes: MINUTES.list(*minutes)?,
            hours: HOURS.list(*hours)?,
            days: Days::parse(*of_month, *of_week)?,
            months: MONTH.list(*month)?,
            years: YEAR.list(year)?,
        })
    }

    /// The first minute at or after the one of `from` that the expression holds.
    pub(super) fn next_from(&self, from: DateTime) -> Option<DateTime> {
        let start = from.date();
        for year in self.years.range(start.year()..) {
            for month in &self.months {
                let Some(first) = date(*year, *month, 1) else { continue };
                if first.last_of_month() < start {
                    continue;
                }
                for day in first.max(start).day()..=first.days_in_month() {
                    let found = date(*year, *month, day).and_then(|date| {
                        let held = self.days.hold(date);
                        let clock =
                            if date == start { (from.hour(), from.minute()) } else { (0, 0) };
                        if held { self.next_of_day(date, clock) } else { None }
                    });
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
        None
    }

    /// The first minute of a day at or after a time.
    fn next_of_day(&self, date: Date, (from_hour, from_minute): (i8, i8)) -> Option<DateTime> {
        self.hours.range(i16::from(from_hour)..).find_map(|hour| {
            let least = if *hour == i16::from(from_hour) { i16::from(from_minute) } else { 0 };
            let minute = i8::try_from(*self.minutes.range(least..).next()?).ok()?;
            Some(date.at(i8::try_from(*hour).ok()?, minute, 0, 0))
        })
    }

    /// Whether the expression holds a minute.
    #[cfg(test)]
    pub(super) fn holds(&self, at: DateTime) -> bool {
        self.minutes.contains(&i16::from(at.minute()))
            && self.hours.contains(&i16::from(at.hour()))
            && self.days.hold(at.date())
            && self.months.contains(&i16::from(at.month()))
            && self.years.contains(&at.year())
    }
}

fn date(year: i16, month: i16, day: i8) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(text: &str) -> Cron {
        Cron::parse(Part::new(text), false).unwrap()
    }

    /// The first minutes at or after a moment.
    #[track_caller]
    fn check(text: &str, from: &str, expect: &[&str]) {
        let cron = cron(text);
        let mut from: DateTime = from.parse().unwrap();
        let mut found = Vec::new();
        for _ in expect {
            let next = cron.next_from(from).unwrap();
            found.push(next.strftime("%a %F %R").to_string());
            from = next.saturating_add(jiff::Span::new().minutes(1));
        }
        assert_eq!(found, expect, "{text}");
    }

    #[track_caller]
    fn check_never(text: &str, from: &str) {
        assert_eq!(cron(text).next_from(from.parse().unwrap()), None, "{text}");
    }

    /// The examples of AWS's guides.
    #[test]
    fn published_examples() {
        let from = "2026-11-06T17:58"; // a Friday
        check("0 10 * * ? *", from, &["Sat 2026-11-07 10:00", "Sun 2026-11-08 10:00"]);
        check("15 12 * * ? *", from, &["Sat 2026-11-07 12:15", "Sun 2026-11-08 12:15"]);
        check("0 18 ? * MON-FRI *", from, &["Fri 2026-11-06 18:00", "Mon 2026-11-09 18:00"]);
        check("0 8 1 * ? *", from, &["Tue 2026-12-01 08:00", "Fri 2027-01-01 08:00"]);
        check("0/15 * * * ? *", from, &["Fri 2026-11-06 18:00", "Fri 2026-11-06 18:15"]);
        check(
            "0/10 * ? * MON-FRI *",
            "2026-11-06T23:50",
            &["Fri 2026-11-06 23:50", "Mon 2026-11-09 00:00"],
        );
        check(
            "0/5 8-17 ? * MON-FRI *",
            "2026-11-06T17:55",
            &["Fri 2026-11-06 17:55", "Mon 2026-11-09 08:00"],
        );
        check(
            "0/30 20-2 ? * MON-FRI *",
            "2026-11-06T23:30",
            &[
                "Fri 2026-11-06 23:30",
                "Mon 2026-11-09 00:00",
                "Mon 2026-11-09 00:30",
                "Mon 2026-11-09 01:00",
                "Mon 2026-11-09 01:30",
                "Mon 2026-11-09 02:00",
                "Mon 2026-11-09 02:30",
                "Mon 2026-11-09 20:00",
            ],
        );
        check("0 12 * * ? *", from, &["Sat 2026-11-07 12:00"]);
        check("5,35 14 * * ? *", from, &["Sat 2026-11-07 14:05", "Sat 2026-11-07 14:35"]);
        check(
            "15 10 ? * 6L 2019-2022",
            "2022-11-01T00:00",
            &["Fri 2022-11-25 10:15", "Fri 2022-12-30 10:15"],
        );
        check_never("15 10 ? * 6L 2019-2022", "2022-12-30T10:16");
        check("30 8 * * ? *", from, &["Sat 2026-11-07 08:30"]);
        check("1/10 5 * * ? *", from, &["Sat 2026-11-07 05:01", "Sat 2026-11-07 05:11"]);
        check("0 0 ? * 3#2 *", from, &["Tue 2026-11-10 00:00", "Tue 2026-12-08 00:00"]);
    }

    #[test]
    fn the_minute_itself_counts_and_seconds_do_not() {
        check("58 17 * * ? *", "2026-11-06T17:58:59", &["Fri 2026-11-06 17:58"]);
        check("57 17 * * ? *", "2026-11-06T17:58", &["Sat 2026-11-07 17:57"]);
    }

    #[test]
    fn years_and_leap_days() {
        check(
            "0 0 29 2 ? *",
            "2026-11-06T00:00",
            &["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"],
        );
        check(
            "0 0 1 1 ? 2030/2",
            "2026-11-06T00:00",
            &["Tue 2030-01-01 00:00", "Thu 2032-01-01 00:00"],
        );
        check_never("0 0 30 2 ? *", "2026-11-06T00:00");
        check_never("0 0 ? 2 2#5 2026", "2026-01-01T00:00");
        check_never("0 0 1 1 ? 1999", "2026-11-06T00:00");
        check_never("* * * * ? *", "2200-01-01T00:00");
    }

    #[test]
    fn the_fields_are_counted() {
        let wrong = |text: &str, optional: bool| {
            Cron::parse(Part::new(text), optional).unwrap_err().of(text).to_string()
        };
        assert_eq!(
            wrong("0 12 * * ?", false),
            "the schedule `0 12 * * ?` is wrong at character 11: there are 5 fields of six; \
             write minutes, hours, day-of-month, month, day-of-week and year"
        );
        assert!(
            wrong("0 0  12 * * ? *", true).contains("at character 15: there are more than six")
        );
        assert!(wrong("", true).contains("at character 1: there are 0 fields of six"));
        assert_eq!(
            Cron::parse(Part::new("0 12 * * ?"), true).unwrap(),
            Cron::parse(Part::new(" 0\t12  * * ? * "), false).unwrap()
        );
    }

    /// Minute by minute over a year, the search finds what the fields hold, and nothing else.
    #[test]
    fn the_search_agrees_with_a_walk_over_a_year() {
        for text in [
            "0/7 3-22/5 * * ? *",
            "13 20-2 ? FEB,NOV MON-WED *",
            "59 23 L * ? *",
            "0 0 15W,LW * ? *",
            "30 6 ? * 5L 2027-2028",
            "30 6 ? 1/3 SUN#4 2026/1",
            "0,59 0,23 1,28-31 * ? *",
        ] {
            let cron = cron(text);
            let start: DateTime = "2026-11-06T09:41".parse().unwrap();
            let mut next = cron.next_from(start);
            let mut ticks = 0;
            for at in start.series(jiff::Span::new().minutes(1)).take(366 * 24 * 60) {
                assert_eq!(next == Some(at), cron.holds(at), "{text} at {at}");
                if next == Some(at) {
                    ticks += 1;
                    next = cron.next_from(at.saturating_add(jiff::Span::new().minutes(1)));
                    assert!(next.is_none_or(|next| next > at), "{text}");
                }
            }
            assert!(ticks > 3, "{text} has only {ticks} ticks");
        }
    }
}
