//! Lines and what is sent of them.

use super::*;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_767_607_200_250);

/// Lines by rules with this `event` section.
fn lines(event: &str, key: Option<&str>) -> Lines {
    let text = format!("event: {{{event}}}\n{CLOUD_EVENTS}\n");
    let source = SourceFile { name: "rules.yaml".to_owned(), text };
    let outcome = streamgauge_rules::compile(&[source], &|_| None);
    let plan = outcome.rules.unwrap_or_else(|| panic!("{:?}", outcome.problems)).plan;
    Lines::new(Some(Arc::new(plan)), key).unwrap()
}

fn text(record: &PutRecord) -> &str {
    std::str::from_utf8(record.data()).unwrap()
}

/// Sends a line now: its text.
#[track_caller]
fn check(event: &str, line: &str, expect: &str) {
    let mut lines = lines(event, None);
    let read = lines.read(Bytes::copy_from_slice(line.as_bytes()));
    assert_eq!(text(&lines.record(&read, Some(NOW))), expect);
    assert_eq!(text(&lines.record(&read, None)), line);
}

#[test]
fn only_the_value_of_the_time_is_written_anew() {
    check(
        "",
        r#"{ "id":"1","source":"s" ,"type":"t","data":{"time":"2020-01-01T00:00:00Z"},"time" : "2020-01-01T00:00:00.5+04:00","x":"2020" }"#,
        r#"{ "id":"1","source":"s" ,"type":"t","data":{"time":"2020-01-01T00:00:00Z"},"time" : "2026-01-05T10:00:00.250Z","x":"2020" }"#,
    );
    check(
        "",
        r#"{"id":"1","source":"s","type":"t","time":"2020-01-01T00:00:00\u002B04:00"}"#,
        r#"{"id":"1","source":"s","type":"t","time":"2026-01-05T10:00:00.250Z"}"#,
    );
}

#[test]
fn times_keep_their_field_and_unit() {
    check(
        "time: data.at, time_unit: s",
        r#"{"id":"1","type":"t","data":{"at":1577836800}}"#,
        r#"{"id":"1","type":"t","data":{"at":1767607200.250}}"#,
    );
    check(
        "time: at, time_unit: ms",
        r#"{"id":"1","type":"t","at":1.5e12,"time":1}"#,
        r#"{"id":"1","type":"t","at":1767607200250,"time":1}"#,
    );
}

#[test]
fn what_is_no_event_is_sent_as_it_is() {
    for line in [
        "no json",
        r#"{"id":"1","source":"s","time":"2020-01-01T00:00:00Z"}"#,
        r#"{"id":"1","source":"s","type":"t","time":"yesterday"}"#,
        r#"{"id":"1","source":"s","type":"t","time":1577836800}"#,
    ] {
        check("", line, line);
    }
}

/// The partition key of a line, and whether the field was missing.
#[track_caller]
fn check_key(event: &str, key: Option<&str>, line: &str, expect: (&str, bool)) {
    let mut lines = lines(event, key);
    let read = lines.read(Bytes::copy_from_slice(line.as_bytes()));
    assert_eq!((lines.record(&read, None).partition_key(), read.lacks_key), expect);
}

fn key_of(event: &str, line: &str) -> String {
    let mut lines = lines(event, None);
    let read = lines.read(Bytes::copy_from_slice(line.as_bytes()));
    lines.record(&read, None).partition_key().to_owned()
}

#[test]
fn copies_have_one_key_whatever_else_stands_in_them() {
    let one = r#"{"id":"1","source":"s","type":"t","time":"2020-01-01T00:00:00Z"}"#;
    let copy = r#"{"type":"u","time":"2021-01-01T00:00:00Z","source":"s","id":"1","n":1}"#;
    let other = r#"{"id":"2","source":"s","type":"t","time":"2020-01-01T00:00:00Z"}"#;
    assert_eq!(key_of("", one), key_of("", copy));
    assert_ne!(key_of("", one), key_of("", other));
    let by_order = "identity: [data.order]";
    let of = |id: u8, order: u8| {
        format!(
            r#"{{"id":"{id}","type":"t","time":"2020-01-01T00:00:00Z","data":{{"order":"{order}"}}}}"#
        )
    };
    assert_eq!(key_of(by_order, &of(1, 7)), key_of(by_order, &of(2, 7)));
    assert_ne!(key_of(by_order, &of(1, 7)), key_of(by_order, &of(1, 8)));
}

#[test]
fn a_field_can_be_the_key() {
    let order = Some("data.order");
    check_key("", order, r#"{"data":{"order":"A \u00e9"}}"#, ("A \u{e9}", false));
    check_key("", order, r#"{"data":{"order":17.50}}"#, ("17.50", false));
    check_key("", order, r#"{"data":{"order":true}}"#, ("true", false));
    let missing = r#"{"id":"1","source":"s","type":"t","time":"2020-01-01T00:00:00Z","data":{}}"#;
    check_key("", order, missing, (&key_of("", missing), true));
    let long = format!(r#"{{"data":{{"order":"{}"}}}}"#, "x".repeat(257));
    check_key("", order, &long, (&format!("{:016x}", hash::stable(long.as_bytes())), true));
    check_key("", order, "no json", (&format!("{:016x}", hash::stable(b"no json")), true));
}

#[test]
fn a_field_has_names() {
    for key in ["", "data.", ".order", "a..b"] {
        assert!(Lines::new(None, Some(key)).is_err(), "{key}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_sent_as_they_are(text in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut lines = lines("", Some("a"));
        let event = lines.read(Bytes::from(text.clone()));
        let record = lines.record(&event, Some(NOW));
        prop_assert_eq!(record.data(), text);
    }
}
