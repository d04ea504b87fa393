//! What is read, and what is told of variables that are wrong.

use super::variables::{Role, VARIABLES};
use super::{RulesPlace, Settings, Start};
use std::path::Path;
use streamgauge_engine::time::Timestamp;

/// An environment in which every function starts.
const GOOD: [(&str, &str); 6] = [
    ("STREAMGAUGE_TABLE", "shop"),
    ("STREAMGAUGE_STREAMS", "orders"),
    ("STREAMGAUGE_STREAM", "orders"),
    ("STREAMGAUGE_SETTLE_QUEUE", "https://sqs/settle"),
    ("STREAMGAUGE_DELIVER_QUEUE", "https://sqs/deliver"),
    ("STREAMGAUGE_UPSTREAMS", ""),
];

/// The settings of a function in a good environment with one more variable.
fn read(role: Role, name: &str, value: &str) -> Result<Settings, String> {
    let lookup = |asked: &str| {
        let good = || GOOD.iter().find(|(set, _)| *set == asked).map(|(_, text)| *text);
        let found = if asked == name { Some(value) } else { good() };
        found.map(str::to_owned)
    };
    Settings::read(role, &lookup).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(role: Role, name: &str, value: &str, expect: &str) {
    assert_eq!(
        read(role, name, value).unwrap_err(),
        format!("a setting of `{role}` is wrong: {expect}")
    );
}

#[test]
fn every_function_starts_in_a_good_environment() {
    for role in Role::ALL {
        let settings = read(role, "", "").unwrap();
        assert_eq!(settings.table, "shop");
        assert_eq!(settings.partitions, 1);
    }
}

#[test]
fn what_a_function_does_not_use_is_not_asked_for() {
    let none = |_: &str| None;
    let missing = |role| Settings::read(role, &none).unwrap_err().problems.len();
    assert_eq!(Role::ALL.map(missing), [3, 3, 4, 2, 1]);
    assert!(read(Role::Deliver, "STREAMGAUGE_STREAMS", "not a stream").is_ok());
}

#[test]
fn all_problems_are_told_at_once() {
    let message = Settings::read(Role::Filter, &|_| None).unwrap_err().to_string();
    assert!(message.starts_with("3 settings of `filter` are wrong: "), "{message}");
    assert!(message.contains("`STREAMGAUGE_SETTLE_QUEUE` is not set; set it to"), "{message}");
}

#[test]
fn streams_are_names_or_arns() {
    let arn = "orders, arn:aws:kinesis:eu-west-1:1:stream/more.orders_2,orders,";
    let streams = read(Role::Settle, "STREAMGAUGE_STREAMS", arn).unwrap().streams;
    assert_eq!(streams, ["orders", "more.orders_2"]);
    let remedy = "write the name or the ARN of a Kinesis stream";
    for wrong in ["a b", "arn:aws:sqs:eu-west-1:1:orders", "shop/orders"] {
        let expect = format!("`STREAMGAUGE_STREAM` is `{wrong}`; {remedy}");
        refused(Role::Filter, "STREAMGAUGE_STREAM", wrong, &expect);
    }
}

#[test]
fn partitions_are_1_to_64() {
    let partitions = |text| {
        read(Role::Settle, "STREAMGAUGE_PARTITIONS", text).map(|settings| settings.partitions)
    };
    assert_eq!(partitions("64"), Ok(64));
    for wrong in ["0", "65", "-1", "1.5"] {
        let expect = format!("`STREAMGAUGE_PARTITIONS` is `{wrong}`; write a number from 1 to 64");
        refused(Role::Settle, "STREAMGAUGE_PARTITIONS", wrong, &expect);
    }
}

#[test]
fn the_start_is_the_horizon_or_a_time() {
    let start = |text| read(Role::Settle, "STREAMGAUGE_START", text).map(|settings| settings.start);
    assert_eq!(start(""), Ok(Start::TrimHorizon));
    let time = Start::At(Timestamp::from_millis(1_767_607_200_000));
    assert_eq!(start("1767607200"), Ok(time));
    assert_eq!(start("2026-01-05T10:00:00Z"), Ok(time));
    assert!(start("LATEST").unwrap_err().ends_with("begins with LATEST loses records"));
}

#[test]
fn ages_are_seconds() {
    let age = |text| {
        read(Role::Settle, "STREAMGAUGE_MAX_RECORD_AGE", text)
            .map(|settings| settings.max_record_age)
    };
    assert_eq!(age("86100"), Ok(Some(86_100_000)));
    assert_eq!(age("-1"), Ok(None));
    assert_eq!(age(""), Ok(None));
    for wrong in ["59", "604801", "1h"] {
        let expect = format!(
            "`STREAMGAUGE_MAX_RECORD_AGE` is `{wrong}`; write seconds, 60 to 604800, or -1"
        );
        refused(Role::Settle, "STREAMGAUGE_MAX_RECORD_AGE", wrong, &expect);
    }
}

#[test]
fn rules_are_a_path_or_an_object() {
    let rules =
        |text| read(Role::Announce, "STREAMGAUGE_RULES", text).map(|settings| settings.rules);
    assert_eq!(rules(""), Ok(RulesPlace::Path(Path::new("/opt/rules").to_owned())));
    let object = RulesPlace::Object { bucket: "shop".to_owned(), key: "a/b.yaml".to_owned() };
    assert_eq!(rules("s3://shop/a/b.yaml"), Ok(object));
    refused(
        Role::Announce,
        "STREAMGAUGE_RULES",
        "s3://shop",
        "`STREAMGAUGE_RULES` is `s3://shop`; write s3://BUCKET/KEY",
    );
}

#[test]
fn a_queue_is_a_url() {
    let expect =
        "`STREAMGAUGE_SETTLE_QUEUE` is `settle`; write the queue's URL, which begins with https://";
    refused(Role::Settle, "STREAMGAUGE_SETTLE_QUEUE", "settle", expect);
}

#[test]
fn pagerduty_is_called_over_tls_only_but_on_this_machine() {
    let origin = |text| {
        read(Role::Deliver, "STREAMGAUGE_PAGERDUTY", text).map(|settings| settings.pagerduty)
    };
    assert_eq!(origin("").unwrap(), "https://events.pagerduty.com");
    for right in ["https://events.eu.pagerduty.com", "http://127.0.0.1:8080", "http://localhost"] {
        assert_eq!(origin(right).unwrap(), right);
    }
    assert_eq!(origin("https://pager.example/").unwrap(), "https://pager.example");
    let remedy = "write https://events.pagerduty.com or https://events.eu.pagerduty.com";
    for wrong in ["http://events.pagerduty.com", "events.pagerduty.com", "https://", "https://h/v2"]
    {
        let expect = format!("`STREAMGAUGE_PAGERDUTY` is `{wrong}`; {remedy}");
        refused(Role::Deliver, "STREAMGAUGE_PAGERDUTY", wrong, &expect);
    }
}

#[test]
fn private_webhooks_are_allowed_by_a_word_only() {
    let allowed = |text| {
        read(Role::Deliver, "STREAMGAUGE_PRIVATE_WEBHOOKS", text)
            .map(|settings| settings.private_webhooks)
    };
    assert_eq!([allowed(""), allowed("no"), allowed("yes")], [Ok(false), Ok(false), Ok(true)]);
    let expect = "`STREAMGAUGE_PRIVATE_WEBHOOKS` is `true`; write `yes` or `no`";
    refused(Role::Deliver, "STREAMGAUGE_PRIVATE_WEBHOOKS", "true", expect);
}

#[test]
fn each_variable_has_a_name_of_its_own_and_a_reader() {
    for (place, variable) in VARIABLES.iter().enumerate() {
        assert!(variable.name.starts_with("STREAMGAUGE_"));
        assert!(!variable.roles.is_empty());
        assert!(VARIABLES[place + 1..].iter().all(|other| other.name != variable.name));
    }
}
