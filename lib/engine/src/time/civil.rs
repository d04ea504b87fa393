//! Dates to day numbers and back, in the Gregorian calendar.
//!
//! Howard Hinnant's algorithms (<https://howardhinnant.github.io/date_algorithms.html>): the year begins
//! in March, so that the leap day is its last day, and 400 years are one era of 146,097 days.

const ERA_DAYS: i64 = 146_097;
const ERA_YEARS: i64 = 400;
/// Days from 0000-03-01, where the first era begins, to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// The day number of a date, from 1970-01-01. The date must exist; [`days_in_month`] tells.
pub(crate) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(ERA_YEARS);
    let year_of_era = year.rem_euclid(ERA_YEARS);
    let month_from_march = (month + 9) % 12;
    // 153 days are the five months March to July, and again August to December.
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - EPOCH_DAYS
}

/// The year, month and day of a day number from 1970-01-01.
pub(crate) const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(EPOCH_DAYS);
    let era = days.div_euclid(ERA_DAYS);
    let day_of_era = days.rem_euclid(ERA_DAYS);
    // Take out the leap days, then every year has 365.
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * ERA_YEARS + year_of_era;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

/// How many days a month has; 0 for a month that does not exist.
pub(crate) const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(date: (i64, i64, i64), days: i64) {
        assert_eq!(days_from_civil(date.0, date.1, date.2), days, "{date:?}");
        assert_eq!(civil_from_days(days), date, "{days}");
    }

    #[test]
    fn dates_by_hand() {
        check((1970, 1, 1), 0);
        check((1969, 12, 31), -1);
        check((1970, 3, 1), 59);
        check((1972, 2, 29), 789);
        check((2000, 2, 29), 11_016);
        check((2026, 1, 5), 20_458);
        check((2200, 1, 1), 84_006);
        check((0, 3, 1), -719_468);
        check((-1, 12, 31), -719_529);
    }

    #[test]
    fn every_day_of_a_thousand_years_follows_the_one_before() {
        let mut expect = (1600, 1, 1);
        for days in days_from_civil(1600, 1, 1)..days_from_civil(2600, 1, 1) {
            check(expect, days);
            let (year, month, day) = expect;
            expect = if day < days_in_month(year, month) {
                (year, month, day + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
        }
    }

    #[test]
    fn no_day_number_is_too_large() {
        assert!(civil_from_days(i64::MAX / 86_400_000).0 > 200_000_000);
        assert!(civil_from_days(i64::MIN / 86_400_000).0 < -200_000_000);
    }
}
