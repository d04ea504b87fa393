//! The answers of `check`.

use super::{EVENTS, RULES, Sandbox};
use insta::assert_snapshot;

const WRONG: &str = "\
late: sometimes
metrics:
  orders:
    count: type == order.created
    windw: 5m
";

#[test]
fn right_and_wrong_rules() {
    let sandbox = Sandbox::new("check");
    sandbox.file("rules.yaml", RULES).file("wrong.yaml", WRONG);
    assert_snapshot!("check_right", sandbox.run("check rules.yaml"));
    assert_snapshot!("check_wrong", sandbox.run("check wrong.yaml"));
    assert_snapshot!("check_wrong_json", sandbox.run("check wrong.yaml --output json"));
    assert_snapshot!("check_wrong_github", sandbox.run("check wrong.yaml --output github"));
    assert_snapshot!("check_missing", sandbox.run("check mistyped.yaml"));
}

#[test]
fn rules_that_are_not_utf_8() {
    let sandbox = Sandbox::new("check_utf_16");
    let bytes = RULES.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    sandbox.file("rules.yaml", [b"\xff\xfe".as_slice(), &bytes].concat());
    assert_snapshot!("check_utf_16", sandbox.run("check rules.yaml"));
}

#[test]
fn sample_events_show_what_each_metric_takes() {
    let sandbox = Sandbox::new("check_events");
    let never = "  never:\n    count: type == 'order.creatd'\n    window: 1m\n";
    sandbox.file("rules.yaml", format!("{RULES}{never}")).file("events.ndjson", EVENTS);
    assert_snapshot!("check_events", sandbox.run("check rules.yaml --events events.ndjson"));
    assert_snapshot!(
        "check_events_json",
        sandbox.run("check rules.yaml --events events.ndjson --output json")
    );
    assert_snapshot!(
        "check_events_missing",
        sandbox.run("check rules.yaml --events mistyped.ndjson")
    );
}
