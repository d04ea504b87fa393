//! Timetables: rates, moments, time zones, and properties that hold for all of them.

use super::*;
use proptest::prelude::{ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, proptest};

const START: &str = "2026-11-06T09:41:30.250Z";

fn timetable(expression: &str, zone: Option<&str>, kind: ScheduleKind) -> Timetable {
    Timetable::new(expression, zone, kind, START.parse().unwrap()).unwrap()
}

/// The first moments after another.
#[track_caller]
fn check(expression: &str, zone: &str, after: &str, expect: &[&str]) {
    check_of(&timetable(expression, Some(zone), ScheduleKind::Scheduler), after, expect);
}

#[track_caller]
fn check_of(timetable: &Timetable, after: &str, expect: &[&str]) {
    let mut moment: Timestamp = after.parse().unwrap();
    let mut found = Vec::new();
    while found.len() < expect.len()
        && let Some(next) = timetable.next_after(moment)
    {
        found.push(next.to_string());
        moment = next;
    }
    assert_eq!(found, expect);
}

#[track_caller]
fn check_error(expression: &str, kind: ScheduleKind, expect: &str) {
    let error = Timetable::new(expression, None, kind, START.parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), format!("the schedule `{expression}` is wrong {expect}"));
}

#[test]
fn a_rate_of_scheduler_begins_at_once() {
    let timetable = timetable("rate(5 minutes)", None, ScheduleKind::Scheduler);
    check_of(
        &timetable,
        "2026-11-06T09:41:30.249Z",
        &[START, "2026-11-06T09:46:30.25Z"]
            .map(|text| if text == START { "2026-11-06T09:41:30.25Z" } else { text }),
    );
    check_of(&timetable, "2026-11-06T09:46:30Z", &["2026-11-06T09:46:30.25Z"]);
}

#[test]
fn a_rate_of_a_rule_begins_after_its_period() {
    let timetable = timetable("rate(1 hour)", None, ScheduleKind::Rule);
    check_of(&timetable, START, &["2026-11-06T10:41:30.25Z", "2026-11-06T11:41:30.25Z"]);
    check_of(&timetable, "2020-01-01T00:00:00Z", &["2026-11-06T10:41:30.25Z"]);
}

#[test]
fn a_day_of_a_rate_has_24_hours_where_clocks_go_back_too() {
    check(
        "rate(1 days)",
        "America/New_York",
        "2026-10-31T16:00:00Z",
        &["2026-11-06T09:41:30.25Z", "2026-11-07T09:41:30.25Z"],
    );
}

#[test]
fn spring_forward_skips_as_documented() {
    check(
        "cron(30 2 * * ? *)",
        "America/Los_Angeles",
        "2026-03-07T00:00:00Z",
        &["2026-03-07T10:30:00Z", "2026-03-09T09:30:00Z", "2026-03-10T09:30:00Z"],
    );
}

#[test]
fn fall_back_fires_only_the_first_time_as_documented() {
    check(
        "cron(30 1 * * ? *)",
        "America/Los_Angeles",
        "2026-10-31T00:00:00Z",
        &["2026-10-31T08:30:00Z", "2026-11-01T08:30:00Z", "2026-11-02T09:30:00Z"],
    );
    check(
        "cron(0/30 * * * ? *)",
        "Europe/Berlin",
        "2026-10-25T00:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"],
    );
    // After the first 02:30 was missed, the second one does not fire either.
    check("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-25T00:45:00Z", &["2026-10-26T01:30:00Z"]);
    check("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-25T01:15:00Z", &["2026-10-26T01:30:00Z"]);
}

#[test]
fn zones_with_odd_offsets_and_a_skipped_day() {
    check("cron(0 0 * * ? *)", "Asia/Kathmandu", "2026-11-06T00:00:00Z", &["2026-11-06T18:15:00Z"]);
    check(
        "cron(0 12 * * ? *)",
        "Pacific/Apia",
        "2011-12-29T00:00:00Z",
        &["2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"],
    );
}

#[test]
fn at_fires_once() {
    let text = "at(2022-11-20T13:00:00)";
    check(text, "America/Los_Angeles", "2022-11-20T00:00:00Z", &["2022-11-20T21:00:00Z"]);
    let timetable = timetable(text, None, ScheduleKind::Scheduler);
    assert_eq!(timetable.next_after("2022-11-20T13:00:00Z".parse().unwrap()), None);
    check(
        "at(2026-10-25T02:30:00)",
        "Europe/Berlin",
        "2026-01-01T00:00:00Z",
        &["2026-10-25T00:30:00Z"],
    );
}

#[test]
fn expressions_that_are_none_are_refused() {
    let remedy = "write `rate(5 minutes)`, `cron(0 12 * * ? *)` or, for Scheduler, `at(2026-01-05T10:00:00)`";
    for text in ["", "0 12 * * ? *", "rate(5 minutes", "Cron(0 12 * * ? *)", "every 5 minutes"] {
        check_error(
            text,
            ScheduleKind::Rule,
            &format!("at character 1: this is no schedule expression; {remedy}"),
        );
    }
}

#[test]
fn rates_are_checked() {
    check_error(
        "rate(5 minute)",
        ScheduleKind::Rule,
        "at character 8: the unit of a scheduled rule must agree with its number; write `5 minutes`",
    );
    check_error(
        "rate(1 hours)",
        ScheduleKind::Rule,
        "at character 8: the unit of a scheduled rule must agree with its number; write `1 hour`",
    );
    check_error(
        "rate(0 minutes)",
        ScheduleKind::Scheduler,
        "at character 6: `0` is no number of a rate; write a whole number from 1 to 2147483647",
    );
    check_error(
        "rate(+5 minutes)",
        ScheduleKind::Scheduler,
        "at character 6: `+5` is no number of a rate; write a whole number from 1 to 2147483647",
    );
    check_error(
        "rate(30 seconds)",
        ScheduleKind::Scheduler,
        "at character 9: `seconds` is no unit of a rate; write minutes, hours or days",
    );
    check_error(
        "rate(5minutes)",
        ScheduleKind::Rule,
        "at character 6: a rate is a number and a unit; write `5 minutes`",
    );
}

#[test]
fn moments_are_checked() {
    check_error(
        "at(2026-01-05T10:00)",
        ScheduleKind::Scheduler,
        "at character 4: `2026-01-05T10:00` is no moment; write it as `2026-01-05T10:00:00`",
    );
    check_error(
        "at(2026-02-30T10:00:00)",
        ScheduleKind::Scheduler,
        "at character 4: `2026-02-30T10:00:00` is no moment; write it as `2026-01-05T10:00:00`",
    );
    check_error(
        "at(2026-01-05T10:00:00)",
        ScheduleKind::Rule,
        "at character 1: a scheduled rule has no `at`; use `Type: ScheduleV2`",
    );
    let gone = Timetable::new(
        "at(2026-03-29T02:30:00)",
        Some("Europe/Berlin"),
        ScheduleKind::Scheduler,
        START.parse().unwrap(),
    );
    assert_eq!(
        gone.unwrap_err().to_string(),
        "the schedule `at(2026-03-29T02:30:00)` is wrong at character 4: clocks in Europe/Berlin go forward over \
         `2026-03-29T02:30:00`; choose a time before or after"
    );
}

#[test]
fn the_place_counts_characters_of_the_whole_expression() {
    check_error(
        "cron(0 12 * * MON *)",
        ScheduleKind::Rule,
        "at character 15: the fields day-of-month and day-of-week both have values; write `?` in one of them",
    );
    check_error(
        "cron(0 25 * * ? *)",
        ScheduleKind::Rule,
        "at character 8: `25` is no value of the field hours; write 0 to 23",
    );
    check_error(
        "cron(é 25 * * ? *)",
        ScheduleKind::Rule,
        "at character 6: `é` is no value of the field minutes; write 0 to 59",
    );
}

#[test]
fn time_zones_are_checked() {
    let start = START.parse().unwrap();
    let wrong = |zone, kind| {
        Timetable::new("cron(0 12 * * ? *)", Some(zone), kind, start).unwrap_err().to_string()
    };
    assert_eq!(
        wrong("Europe/Bärlin", ScheduleKind::Scheduler),
        "the time zone `Europe/Bärlin` is not in the time zone database; name one as `Europe/Berlin` is named"
    );
    assert_eq!(
        wrong("Europe/Berlin", ScheduleKind::Rule),
        "the scheduled rule `cron(0 12 * * ? *)` has the time zone `Europe/Berlin`, but rules are kept in UTC; \
         use `Type: ScheduleV2`"
    );
}

fn expressions() -> impl Strategy<Value = String> {
    let minutes = prop::sample::select(vec!["*", "0/7", "13", "5,35", "50-10"]);
    let hours = prop::sample::select(vec!["*", "2", "1-3", "20-2", "0/6"]);
    let days = prop::sample::select(vec![
        ("*", "?"),
        ("L", "?"),
        ("15W", "?"),
        ("?", "SUN"),
        ("?", "1L"),
        ("?", "3#2"),
        ("25-31", "?"),
    ]);
    let months = prop::sample::select(vec!["*", "3,10", "MAR-APR", "NOV"]);
    (minutes, hours, days, months).prop_map(|(minutes, hours, (day, week), months)| {
        format!("cron({minutes} {hours} {day} {months} {week} *)")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    /// Over a day and more around any moment, minute by minute: a moment is found if and only if the wall clock shows a
    /// time that the fields hold, and shows it for the first time. Moments increase.
    #[test]
    fn moments_are_what_the_wall_clock_shows_first(
        expression in expressions(),
        zone in prop::sample::select(vec!["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]),
        around in prop::sample::select(vec!["2026-03-07T20:00:00Z", "2026-03-28T20:00:00Z", "2026-10-03T08:00:00Z",
            "2026-10-24T20:00:00Z", "2026-10-31T20:00:00Z", "2026-04-04T08:00:00Z"]),
        minutes in 0..600_i64,
    ) {
        let timetable = timetable(&expression, Some(zone), ScheduleKind::Scheduler);
        let Moments::Cron(cron) = &timetable.moments else { panic!("no cron") };
        let start = around.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes);
        let mut next = timetable.next_after(start);
        for minute in 1..1_800 {
            let now = start + SignedDuration::from_mins(minute);
            let clock = timetable.zone.to_datetime(now);
            let shown_before = (1..=60).any(|ago| {
                timetable.zone.to_datetime(now - SignedDuration::from_mins(ago)) == clock
            });
            prop_assert_eq!(next == Some(now), cron.holds(clock) && !shown_before, "{} {}", now, clock);
            if let Some(found) = next.filter(|found| *found == now) {
                next = timetable.next_after(found);
                prop_assert!(next.is_none_or(|next| next > found));
            }
        }
    }

    #[test]
    fn rates_step_by_their_period(minutes in 1..100_000_i64, after in 0..10_000_000_i64) {
        let timetable = timetable(&format!("rate({minutes} minutes)"), None, ScheduleKind::Scheduler);
        let start: Timestamp = START.parse().unwrap();
        let moment = start + SignedDuration::from_secs(after);
        let next = timetable.next_after(moment).unwrap();
        let passed = next.duration_since(start).as_secs();
        prop_assert!(next > moment && next.duration_since(moment) <= SignedDuration::from_mins(minutes));
        prop_assert_eq!(passed % (minutes * 60), 0);
        prop_assert_eq!(timetable.next_after(next), Some(next + SignedDuration::from_mins(minutes)));
    }
}
