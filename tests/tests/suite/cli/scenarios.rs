//! The answers of `test`.

use super::{RULES, Sandbox};
use insta::assert_snapshot;

const SCENARIOS: &str = "\
rules: rules.yaml
scenarios:
  - name: two orders
    start: 2026-01-05T10:00:00Z
    until: 10m
    events:
      - {at: 10s, type: order.created, id: a, data: {aggregator: noon, amount: 10}}
      - {at: 20s, type: order.created, id: b, data: {aggregator: noon, amount: 2.5}}
    expect:
      points:
        - {metric: orders, dimensions: {aggregator: noon}, window: 0s, sum: 2}
        - {metric: revenue, window: 0s, sum: 12.5}
";

fn sandbox(test: &str) -> Sandbox {
    let sandbox = Sandbox::new(test);
    sandbox.file("rules.yaml", RULES).file("right.yaml", SCENARIOS);
    sandbox.file(
        "failing.yaml",
        SCENARIOS
            .replace("sum: 2}", "sum: 3, count: 2}")
            .replace("{metric: revenue, window: 0s", "{metric: revenue, window: 5m"),
    );
    sandbox
}

#[test]
fn passing_and_failing() {
    let sandbox = sandbox("scenarios");
    assert_snapshot!("test_right", sandbox.run("test right.yaml"));
    assert_snapshot!(
        "test_failing",
        sandbox.run("test right.yaml failing.yaml --junit out/junit.xml")
    );
    assert_snapshot!("test_failing_junit", sandbox.read("out/junit.xml"));
    assert_snapshot!(
        "test_failing_json",
        sandbox.run("test right.yaml failing.yaml --output json")
    );
}

#[test]
fn results_never_overwrite_a_scenario_file() {
    let sandbox = sandbox("scenarios_overwrite");
    let run = sandbox.run("test --junit failing.yaml right.yaml");
    assert_snapshot!("test_onto_scenarios", run);
    assert!(sandbox.read("failing.yaml").starts_with("rules:"));
    sandbox.file("other.txt", SCENARIOS);
    assert_snapshot!("test_onto_itself", sandbox.run("test --junit other.txt other.txt"));
    assert_eq!(sandbox.read("other.txt"), SCENARIOS);
}

#[test]
fn only_names_all_points() {
    let sandbox = sandbox("scenarios_only");
    sandbox.file(
        "only.yaml",
        SCENARIOS
            .replace("    expect:\n", "    expect:\n      only: true\n")
            .replace("        - {metric: revenue, window: 0s, sum: 12.5}\n", ""),
    );
    assert_snapshot!("test_only", sandbox.run("test only.yaml"));
}

#[test]
fn a_rejected_event_fails_the_scenario() {
    let sandbox = sandbox("scenarios_reject");
    let bad = "{at: 30s, type: order.created, id: c, time: yesterday}\n      - {at: 40s, id: d}";
    sandbox.file(
        "rejected.yaml",
        SCENARIOS.replace("    expect:", &format!("      - {bad}\n    expect:")),
    );
    assert_snapshot!("test_rejected", sandbox.run("test rejected.yaml --junit junit.xml"));
    assert_snapshot!("test_rejected_junit", sandbox.read("junit.xml"));
    assert_snapshot!("test_rejected_json", sandbox.run("test rejected.yaml --output json"));
}

#[test]
fn files_with_mistakes_do_not_pass() {
    let sandbox = sandbox("scenarios_wrong");
    sandbox.file("wrong.yaml", SCENARIOS.replace("start:", "strat:"));
    sandbox.file("no_rules.yaml", SCENARIOS.replace("rules.yaml", "mistyped.yaml"));
    sandbox
        .file("bad_rules.yaml", SCENARIOS.replace("rules.yaml", "bad.yaml"))
        .file("bad.yaml", "late: sometimes\n");
    assert_snapshot!("test_wrong", sandbox.run("test wrong.yaml right.yaml"));
    assert_snapshot!("test_missing", sandbox.run("test mistyped.yaml"));
    assert_snapshot!("test_no_rules", sandbox.run("test no_rules.yaml"));
    assert_snapshot!("test_bad_rules", sandbox.run("test bad_rules.yaml"));
}
