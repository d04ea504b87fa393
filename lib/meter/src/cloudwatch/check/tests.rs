//! Each limit, at it and one beyond it.

use super::*;
use crate::call::Protocol;
use serde_json::{Value, json};

const NOW: i64 = 1_000_000_000;

/// The message with which a request is refused; empty if it is taken.
fn message(request: &Value) -> String {
    let request = Neutral::read(Protocol::Json("a"), request.to_string().as_bytes());
    let now = Timestamp::from_second(NOW).unwrap();
    let refusal = refusal(&Unpacked { bytes: 1, request }, now);
    assert!(refusal.as_ref().is_none_or(|refusal| refusal.code == "InvalidParameterValue"));
    refusal.map(|refusal| refusal.message).unwrap_or_default()
}

/// Checks one datum that has these members besides a name and a value.
#[track_caller]
fn check(members: &Value, expect: &str) {
    let mut datum = json!({"MetricName": "m"});
    if members.get("Values").is_none() && members.get("StatisticValues").is_none() {
        datum["Value"] = 1.into();
    }
    for (key, value) in members.as_object().unwrap() {
        datum[key] = value.clone();
    }
    datum.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let message = message(&json!({"Namespace": "n", "MetricData": [datum]}));
    assert!(
        if expect.is_empty() { message.is_empty() } else { message.contains(expect) },
        "{message}"
    );
}

fn dimension(name: &str, value: &str) -> Value {
    json!({"Dimensions": [{"Name": name, "Value": value}]})
}

#[test]
fn a_request_has_1000_data() {
    let data = |number: usize| json!({"Namespace": "n", "MetricData": vec![json!({"MetricName": "m", "Value": 1}); number]});
    assert_eq!(message(&data(1000)), "");
    assert_eq!(message(&data(1001)), "the collection MetricData has 1001 data, at most 1000");
}

#[test]
fn a_request_has_1_mb_unpacked() {
    let check = |bytes: u64| refusal(&Unpacked { bytes, request: None }, Timestamp::UNIX_EPOCH);
    assert_eq!(check(1_000_000), None);
    assert_eq!(check(1_000_001).map(|refusal| refusal.status), Some(413));
}

#[test]
fn a_datum_has_30_dimensions() {
    let dimensions = |number: usize| {
        let each = (0..number).map(|number| json!({"Name": format!("d{number}"), "Value": "v"}));
        json!({"Dimensions": each.collect::<Vec<_>>()})
    };
    check(&dimensions(30), "");
    check(&dimensions(31), "31 dimensions, at most 30");
}

#[test]
fn a_datum_has_150_values_and_a_count_for_each() {
    check(&json!({"Values": vec![1; 150]}), "");
    check(&json!({"Values": vec![1; 151]}), "151 values, at most 150");
    check(&json!({"Values": [1, 2], "Counts": [1, 1]}), "");
    check(&json!({"Values": [1, 2], "Counts": [1]}), "1 counts for 2 values");
}

#[test]
fn values_are_numbers_in_range() {
    check(&json!({"Value": 2_f64.powi(360)}), "");
    check(&json!({"Value": -(2_f64.powi(361))}), "is no number between");
    check(&json!({"Value": "NaN"}), "the value NaN is no number");
    check(&json!({"Values": [1, "Infinity"]}), "the value inf is no number");
    check(
        &json!({"StatisticValues": {"Minimum": 1, "Maximum": 2, "Sum": "-Infinity", "SampleCount": 2}}),
        "the value -inf",
    );
}

#[test]
fn a_datum_has_one_kind_of_value() {
    check(&json!({"Value": null}), "exactly one of");
    check(&json!({"Values": [1], "Value": 1}), "exactly one of");
}

#[test]
fn timestamps_lie_between_two_weeks_ago_and_two_hours_ahead() {
    check(&json!({"Timestamp": NOW - 14 * 86_400}), "");
    check(&json!({"Timestamp": NOW - 14 * 86_400 - 1}), "two weeks old");
    check(&json!({"Timestamp": NOW + 7_200}), "");
    check(&json!({"Timestamp": NOW + 7_201}), "two hours ahead");
    check(&json!({"Timestamp": "soon"}), "the timestamp is no time");
}

#[test]
fn dimensions_are_ascii_of_their_lengths() {
    check(&dimension(&"n".repeat(255), &"v".repeat(1024)), "");
    check(&dimension(&"n".repeat(256), "v"), "dimension's name has 256 characters");
    check(&dimension("n", &"v".repeat(1025)), "dimension's value has 1025 characters");
    check(&dimension("n", "größe"), "dimension's value has characters outside");
    check(&dimension("größe", "v"), "dimension's name has characters outside");
    check(&dimension(":n", "v"), "begins with a colon");
    check(&dimension("n", ""), "dimension's value has 0 characters");
}

#[test]
fn metric_names_have_255_characters() {
    check(&json!({"MetricName": "m".repeat(255)}), "");
    check(&json!({"MetricName": "m".repeat(256)}), "metric name has 256 characters");
    check(&json!({"MetricName": null}), "metric name has 0 characters");
}

#[test]
fn namespaces_are_ones_own() {
    let check = |name: &str, expect: &str| {
        let message = message(&json!({"Namespace": name, "MetricData": []}));
        assert!(
            if expect.is_empty() { message.is_empty() } else { message.contains(expect) },
            "{message}"
        );
    };
    check("Shop/Orders", "");
    check("AWS/Lambda", "belong to AWS");
    check("", "0 characters");
    check(&"n".repeat(256), "256 characters");
    check("a b", "other than letters");
}

#[test]
fn resolutions_are_1_or_60() {
    check(&json!({"StorageResolution": 1}), "");
    check(&json!({"StorageResolution": 60}), "");
    check(&json!({"StorageResolution": 10}), "1 or 60");
}

#[test]
fn the_place_of_the_datum_is_named() {
    let data = json!({"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1}, {"MetricName": "m"}]});
    assert!(message(&data).starts_with("MetricData.member.2: "));
}
