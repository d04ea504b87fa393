//! Quiet times on the clocks of zones that are set and of one that never is; what silences match.

use super::*;
use crate::alert::Severity;
use crate::calendar::Calendar;
use crate::notify::rules::{Attribute, Match};
use proptest::prelude::*;

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// A window such as `02:30-04:00`, on the days of the week whose numbers these are.
fn window(zone: &str, weekdays: &[usize], hours: &str) -> Maintenance {
    let minutes = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap();
        hour.parse::<u32>().unwrap() * 60 + minute.parse::<u32>().unwrap()
    };
    let (from, to) = hours.split_once('-').unwrap();
    Maintenance {
        matches: Match::default(),
        weekdays: std::array::from_fn(|day| weekdays.contains(&day)),
        from_minutes: minutes(from),
        to_minutes: minutes(to),
        calendar: Calendar::new(zone, Weekday::Monday).unwrap(),
        reason: None,
    }
}

const EVERY_DAY: &[usize] = &[0, 1, 2, 3, 4, 5, 6];

/// The quiet times of a window on the two days from `from` on, as local times, found minute by minute.
#[track_caller]
fn check(window: &Maintenance, from: &str, expect: &[&str]) {
    let from = time(from);
    let minute = |number: i64| from.plus(number * 60_000);
    let mut found = Vec::new();
    let mut begins = None;
    for number in 0..=2 * 24 * 60 {
        let now = minute(number);
        let until = window.until(now);
        match (begins, until) {
            (None, Some(until)) => begins = Some((now, until)),
            (Some((began, until)), None) => {
                assert_eq!(until, now, "its end was known when it began");
                found.push(format!("{began} to {now}").replace(":00Z", "Z"));
                begins = None;
            }
            (Some((_, known)), Some(until)) => assert_eq!(known, until),
            (None, None) => {}
        }
    }
    assert_eq!(found, expect);
}

#[test]
fn where_clocks_are_never_set_a_window_is_always_the_same() {
    let dubai = window("Asia/Dubai", &[4], "02:00-04:00");
    // 2026-01-09 is a Friday; 02:00 in Dubai is 22:00 on Thursday in UTC.
    check(&dubai, "2026-01-08T00:00:00Z", &["2026-01-08T22:00Z to 2026-01-09T00:00Z"]);
    check(&dubai, "2026-01-10T00:00:00Z", &[]);
    check(&dubai, "2026-07-02T00:00:00Z", &["2026-07-02T22:00Z to 2026-07-03T00:00Z"]);
}

#[test]
fn windows_over_midnight_belong_to_the_day_on_which_they_begin() {
    let night = window("UTC", &[4], "22:00-02:00");
    check(&night, "2026-01-09T00:00:00Z", &["2026-01-09T22:00Z to 2026-01-10T02:00Z"]);
    check(&night, "2026-01-10T03:00:00Z", &[]);
    let day = window("UTC", &[4], "00:00-24:00");
    check(&day, "2026-01-08T12:00:00Z", &["2026-01-09T00:00Z to 2026-01-10T00:00Z"]);
}

#[test]
fn in_march_berlin_skips_an_hour() {
    let in_berlin = |hours| window("Europe/Berlin", &[6], hours);
    // On Sunday 2026-03-29 at 02:00 (01:00 in UTC) it is 03:00.
    let day = "2026-03-28T12:00:00Z";
    check(&in_berlin("01:00-04:00"), day, &["2026-03-29T00:00Z to 2026-03-29T02:00Z"]);
    check(&in_berlin("02:30-04:00"), day, &["2026-03-29T01:00Z to 2026-03-29T02:00Z"]);
    check(&in_berlin("01:00-02:30"), day, &["2026-03-29T00:00Z to 2026-03-29T01:00Z"]);
    check(&in_berlin("02:10-02:50"), day, &[]);
    check(&in_berlin("22:00-02:00"), day, &["2026-03-29T20:00Z to 2026-03-30T00:00Z"]);
}

#[test]
fn in_october_berlin_repeats_an_hour() {
    let in_berlin = |hours| window("Europe/Berlin", &[6], hours);
    // On Sunday 2026-10-25 at 03:00 (01:00 in UTC) it is 02:00 again.
    let day = "2026-10-24T12:00:00Z";
    check(&in_berlin("01:00-04:00"), day, &["2026-10-24T23:00Z to 2026-10-25T03:00Z"]);
    check(&in_berlin("02:30-04:00"), day, &["2026-10-25T00:30Z to 2026-10-25T03:00Z"]);
    check(&in_berlin("01:00-02:30"), day, &["2026-10-24T23:00Z to 2026-10-25T01:30Z"]);
    check(&in_berlin("02:10-02:50"), day, &["2026-10-25T00:10Z to 2026-10-25T01:50Z"]);
}

#[test]
fn a_week_of_every_day() {
    let nightly = window("Europe/Berlin", EVERY_DAY, "23:30-00:30");
    let expect =
        ["2026-07-01T21:30Z to 2026-07-01T22:30Z", "2026-07-02T21:30Z to 2026-07-02T22:30Z"];
    check(&nightly, "2026-07-01T12:00:00Z", &expect);
}

fn facts(channel: &str) -> Facts<'_> {
    Facts {
        alert: Some("rejections"),
        metric: Some("orders"),
        step: None,
        severity: Severity::Critical,
        channel: Some(channel),
        named: vec![("partner", "noon"), ("team", "payments"), ("partner", "label")],
    }
}

/// Whether a quiet time of these conditions holds, each `name=value|value`.
#[track_caller]
fn matches(conditions: &[&str], expect: bool) {
    let condition = |text: &&str| {
        let (name, values) = text.split_once('=').unwrap();
        let attribute = match name {
            "alert" => Attribute::Alert,
            "metric" => Attribute::Metric,
            "step" => Attribute::Step,
            "severity" => Attribute::Severity,
            "channel" => Attribute::Channel,
            other => Attribute::Named(other.to_owned()),
        };
        (attribute, values.split('|').map(str::to_owned).collect())
    };
    let silence = Silence {
        matches: Match { conditions: conditions.iter().map(condition).collect() },
        from: time("2026-01-05T10:00:00Z"),
        until: time("2026-01-05T14:00:00Z"),
        author: String::new(),
        reason: String::new(),
    };
    let notifying = Notifying { silences: vec![silence.clone()], ..Notifying::default() };
    let at = time("2026-01-05T10:00:00Z");
    let planned = quiet(&notifying, &[], &facts("oncall"), at);
    assert_eq!(planned.is_some(), expect, "{conditions:?}");
    assert_eq!(quiet(&Notifying::default(), &[silence], &facts("oncall"), at), planned);
}

#[test]
fn a_silence_matches_if_all_conditions_hold() {
    matches(&[], true);
    matches(&["alert=rejections"], true);
    matches(&["alert=others|rejections"], true);
    matches(&["alert=others"], false);
    matches(&["metric=orders", "severity=critical", "channel=oncall"], true);
    matches(&["metric=orders", "severity=error"], false);
    matches(&["channel=mail"], false);
    // An unnamed step is none.
    matches(&["step="], false);
    matches(&["partner=noon", "team=payments"], true);
    // A dimension goes before a label of the same name.
    matches(&["partner=label"], false);
    matches(&["country=AE"], false);
}

#[test]
fn the_first_moment_is_quiet_and_the_last_is_not() {
    let at = |text: &str| {
        let silence = Silence {
            matches: Match::default(),
            from: time("2026-01-05T10:00:00Z"),
            until: time("2026-01-05T14:00:00Z"),
            author: String::new(),
            reason: String::new(),
        };
        quiet(&Notifying::default(), &[silence], &facts("x"), time(text)).map(|quiet| quiet.why)
    };
    assert_eq!(at("2026-01-05T09:59:59.999Z"), None);
    assert_eq!(at("2026-01-05T10:00:00Z"), Some(Why::Silenced));
    assert_eq!(at("2026-01-05T13:59:59.999Z"), Some(Why::Silenced));
    assert_eq!(at("2026-01-05T14:00:00Z"), None);
}

/// The day and the minute that the clocks of a zone show.
fn shown(zone: &str, at: Timestamp) -> (i64, i64) {
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap();
    let offset = zone.to_offset(jiff::Timestamp::from_millisecond(at.as_millis()).unwrap());
    let minutes = (at.as_millis() / 1_000 + i64::from(offset.seconds())).div_euclid(60);
    (minutes.div_euclid(24 * 60), minutes.rem_euclid(24 * 60))
}

const ZONES: [&str; 7] = [
    "UTC",
    "Asia/Dubai",
    "Europe/Berlin",
    "Asia/Beirut",
    "America/St_Johns",
    "Pacific/Apia",
    "Australia/Lord_Howe",
];

proptest! {
    #[test]
    fn it_is_quiet_whenever_clocks_show_a_time_of_the_window(
        zone in 0..ZONES.len(),
        // From 1990 to 2030, or around a day on which some of these zones set their clocks.
        at in prop_oneof![631_152_000..1_893_456_000_i64, 1_162_080_000..1_162_180_000_i64, 1_774_730_000..1_774_840_000_i64],
        weekdays in any::<[bool; 7]>(),
        from in 0..1_440_u32,
        to in 1..=1_440_u32,
    ) {
        prop_assume!(from != to);
        let calendar = Calendar::new(ZONES[zone], Weekday::Monday).unwrap();
        let window = Maintenance {
            weekdays, calendar, from_minutes: from, to_minutes: to,
            matches: Match::default(), reason: None,
        };
        let at = Timestamp::from_millis(at * 1_000);
        let (day, minute) = shown(ZONES[zone], at);
        let begins = |one_day| {
            let weekday = Weekday::of_day(one_day);
            Weekday::ALL.iter().zip(weekdays).any(|(one, begins)| *one == weekday && begins)
        };
        let (from, to) = (i64::from(from), i64::from(to));
        let is_shown = if from < to {
            begins(day) && (from..to).contains(&minute)
        } else {
            (begins(day) && minute >= from) || (begins(day - 1) && minute < to)
        };
        let until = window.until(at);
        prop_assert!(!is_shown || until.is_some());
        prop_assert!(until.is_none_or(|until| until > at));
    }
}
