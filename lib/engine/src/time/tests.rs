//! Times by hand, and against jiff.

use super::*;
use proptest::prelude::*;

fn check(text: &str, expect: i64) {
    assert_eq!(Timestamp::parse_rfc3339(text), Ok(Timestamp::from_millis(expect)), "{text}");
}

fn refused(text: &str, expect: TimeError) {
    assert_eq!(Timestamp::parse_rfc3339(text), Err(expect), "{text:?}");
}

#[test]
fn every_form_of_rfc3339_is_read() {
    check("1970-01-01T00:00:00Z", 0);
    check("2026-01-05T10:00:00Z", 1_767_607_200_000);
    check("2026-01-05t10:00:00z", 1_767_607_200_000);
    check("2026-01-05 10:00:00Z", 1_767_607_200_000);
    check("2026-01-05T14:00:00+04:00", 1_767_607_200_000);
    check("2026-01-05T04:30:00-05:30", 1_767_607_200_000);
    check("2026-01-05T10:00:00-00:00", 1_767_607_200_000);
    check("2026-01-05T10:00:00+00:00", 1_767_607_200_000);
    check("2026-01-06T09:59:00+23:59", 1_767_607_200_000);
    check("2024-02-29T00:00:00Z", 1_709_164_800_000);
    check("2199-12-31T23:59:59.999Z", LIMIT_MS - 1);
    check("1969-12-31T20:00:00-04:00", 0);
}

#[test]
fn fractions_are_cut_to_milliseconds() {
    check("1970-01-01T00:00:00.1Z", 100);
    check("1970-01-01T00:00:00.12Z", 120);
    check("1970-01-01T00:00:00.123Z", 123);
    check("1970-01-01T00:00:00.1239Z", 123);
    check("1970-01-01T00:00:00.0009Z", 0);
    check("1970-01-01T00:00:00.999999999999999999999999999999Z", 999);
    check("1970-01-01T04:00:00.5+04:00", 500);
    check("2199-12-31T23:59:59.9999999Z", LIMIT_MS - 1);
}

#[test]
fn what_does_not_exist_is_invalid() {
    for text in [
        "",
        "2026",
        "2026-01-05",
        "2026-01-05T10:00",
        "2026-01-05T10:00Z",
        "2026-01-05T10:00:00",
        "2026-00-05T10:00:00Z",
        "2026-13-05T10:00:00Z",
        "2026-01-00T10:00:00Z",
        "2026-01-32T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2100-02-29T10:00:00Z",
        "2026-04-31T10:00:00Z",
        "2026-01-05T24:00:00Z",
        "2026-01-05T10:60:00Z",
        "2026-01-05T10:00:61Z",
        "2026-01-05T10:00:99Z",
        "2026-01-05T10:00:00+24:00",
        "2026-01-05T10:00:00+04:60",
        "2026-01-05T10:00:00+0400",
        "2026-01-05T10:00:00+04",
        "2026-01-05T10:00:00.Z",
        "2026-01-05T10:00:00.",
        "2026-01-05T10:00:00,5Z",
        "2026-01-05T10:00:00.5",
        "2026-01-05T10:00:00ZZ",
        "2026-01-05T10:00:00 Z",
        " 2026-01-05T10:00:00Z",
        "2026-01-05T10:00:00Z ",
        "2026-1-5T10:00:00Z",
        "+2026-01-05T10:00:00Z",
        "2026/01/05T10:00:00Z",
        "2026-01-05_10:00:00Z",
        "20260105T100000Z",
        "2026-01-05T10:00:6Z",
        "202٦-01-05T10:00:00Z",
        "2026-02-30T10:00:60Z",
        "2026-01-05T10:00:60",
        "1767607200",
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0:00Z",
    ] {
        refused(text, TimeError::Invalid);
    }
}

#[test]
fn years_outside_of_the_range_are_told_apart() {
    refused("1969-12-31T23:59:59.999Z", TimeError::OutOfRange);
    refused("1970-01-01T00:00:00+00:01", TimeError::OutOfRange);
    refused("2200-01-01T00:00:00Z", TimeError::OutOfRange);
    refused("2199-12-31T23:59:59-00:01", TimeError::OutOfRange);
    refused("0001-01-01T00:00:00Z", TimeError::OutOfRange);
    refused("0000-01-01T00:00:00Z", TimeError::OutOfRange);
    refused("9999-12-31T23:59:59Z", TimeError::OutOfRange);
}

#[test]
fn leap_seconds_are_told_apart() {
    refused("2016-12-31T23:59:60Z", TimeError::LeapSecond);
    refused("2016-12-31T23:59:60.5Z", TimeError::LeapSecond);
    refused("2017-01-01T03:59:60+04:00", TimeError::LeapSecond);
}

#[test]
fn epoch_numbers_are_read_exactly() {
    fn check(text: &str, seconds: bool, expect: Result<i64, TimeError>) {
        assert_eq!(
            Timestamp::from_epoch_text(text, seconds).map(Timestamp::as_millis),
            expect,
            "{text}"
        );
    }
    check("1767607200", true, Ok(1_767_607_200_000));
    check("1767607200.123", true, Ok(1_767_607_200_123));
    check("1767607200.1239999", true, Ok(1_767_607_200_123));
    check("1.7676072e9", true, Ok(1_767_607_200_000));
    check("17676072000000e-4", true, Ok(1_767_607_200_000));
    check("1767607200123", false, Ok(1_767_607_200_123));
    check("1767607200123.9", false, Ok(1_767_607_200_123));
    check("1.767607200123e12", false, Ok(1_767_607_200_123));
    check("0.0005", true, Ok(0));
    check("-0", true, Ok(0));
    check("-0.0e5", false, Ok(0));
    check("-0.0001", true, Err(TimeError::OutOfRange));
    check("-1", false, Err(TimeError::OutOfRange));
    check("7258118399.9999", true, Ok(LIMIT_MS - 1));
    check("7258118400", true, Err(TimeError::OutOfRange));
    check("1767607200123", true, Err(TimeError::OutOfRange));
    check("1e400", true, Err(TimeError::OutOfRange));
    check("9223372036854775808", false, Err(TimeError::OutOfRange));
    check("", true, Err(TimeError::Invalid));
    check("01", true, Err(TimeError::Invalid));
    check("+1", true, Err(TimeError::Invalid));
    check("12a", true, Err(TimeError::Invalid));
    check("999999999999999", true, Err(TimeError::OutOfRange));
    check("2026-01-05T10:00:00Z", true, Err(TimeError::Invalid));
}

#[test]
fn every_moment_prints() {
    fn check(milliseconds: i64, expect: &str) {
        assert_eq!(Timestamp::from_millis(milliseconds).to_rfc3339(), expect);
    }
    check(0, "1970-01-01T00:00:00Z");
    check(1_767_607_200_000, "2026-01-05T10:00:00Z");
    check(1_767_607_200_007, "2026-01-05T10:00:00.007Z");
    check(-1, "1969-12-31T23:59:59.999Z");
    check(-3 * DAY_MS, "1969-12-29T00:00:00Z");
    check(civil::days_from_civil(0, 1, 1) * DAY_MS, "0000-01-01T00:00:00Z");
    check(civil::days_from_civil(-44, 3, 15) * DAY_MS, "-0044-03-15T00:00:00Z");
    check(civil::days_from_civil(12_026, 1, 5) * DAY_MS, "12026-01-05T00:00:00Z");
    check(i64::MAX, "292278994-08-17T07:12:55.807Z");
    check(i64::MIN, "-292275055-05-16T16:47:04.192Z");
}

#[test]
fn a_parser_forgets_minutes_that_do_not_exist() {
    let mut parser = TimeParser::new();
    let hour = parser.parse("2026-01-05T10:00:00Z");
    assert_eq!(parser.parse("2026-02-30T10:00:00Z"), Err(TimeError::Invalid));
    assert_eq!(parser.parse("2026-02-30T10:00:00Z"), Err(TimeError::Invalid));
    assert_eq!(parser.parse("2026-01-05T10:00:00Z"), hour);
    assert_eq!(parser.parse("2026-01-05T10:00:60Z"), Err(TimeError::LeapSecond));
    assert_eq!(parser.parse("2026-01-05T14:00:00+04:00"), hour);
}

proptest! {
    #[test]
    fn parsing_and_printing_agree_with_jiff(milliseconds in 0..LIMIT_MS, whole in any::<bool>()) {
        let milliseconds = if whole { milliseconds / 1000 * 1000 } else { milliseconds };
        let time = Timestamp::from_millis(milliseconds);
        let text = jiff::Timestamp::from_millisecond(milliseconds).unwrap().to_string();
        prop_assert_eq!(Timestamp::parse_rfc3339(&text), Ok(time));
        let printed: jiff::Timestamp = time.to_string().parse().unwrap();
        prop_assert_eq!(printed.as_millisecond(), milliseconds);
    }

    #[test]
    fn offsets_agree_with_jiff(milliseconds in 0..LIMIT_MS, offset_minutes in -1439_i32..=1439) {
        let offset = jiff::tz::Offset::from_seconds(offset_minutes * 60).unwrap();
        let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap();
        let text = time.display_with_offset(offset).to_string();
        prop_assert_eq!(Timestamp::parse_rfc3339(&text), Ok(Timestamp::from_millis(milliseconds)), "{}", text);
    }

    /// Nearly right texts: jiff and we refuse the same ones (jiff takes leap seconds for :59).
    #[test]
    fn dates_agree_with_jiff(year in 1969_u32..2202, month in 0_u32..14, day in 0_u32..33, hour in 0_u32..25, second in 0_u32..60) {
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:59:{second:02}Z");
        let expect = match text.parse::<jiff::Timestamp>() {
            Err(_) => Err(TimeError::Invalid),
            Ok(time) => Timestamp::checked(time.as_millisecond()),
        };
        prop_assert_eq!(Timestamp::parse_rfc3339(&text), expect);
    }

    /// What a parser read before never matters.
    #[test]
    fn a_parser_has_no_memory_that_shows(minutes in prop::collection::vec((0_i64..4, 0_i64..60_000), 1..20)) {
        let mut parser = TimeParser::new();
        for (minute, within) in minutes {
            let time = Timestamp::from_millis(1_767_607_200_000 + minute * 60_000 + within);
            prop_assert_eq!(parser.parse(&time.to_string()), Ok(time));
        }
    }

    #[test]
    fn epoch_seconds_and_milliseconds_agree(milliseconds in 0..LIMIT_MS) {
        let expect = Ok(Timestamp::from_millis(milliseconds));
        let seconds = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        prop_assert_eq!(Timestamp::from_epoch_text(&seconds, true), expect);
        prop_assert_eq!(Timestamp::from_epoch_text(&milliseconds.to_string(), false), expect);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9TtZz:. +-]{0,30}") {
        prop_assert!(Timestamp::parse_rfc3339(&text).is_err() || text.len() >= 20);
    }
}
