//! `explain` of event files, and as far as it goes without a table. What it finds in one: `stand_ins/explain.rs`.

use super::Sandbox;
use insta::assert_snapshot;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The rules of the example of that name.
fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
    fs::read_to_string(folder.join(name).join("rules.yaml")).unwrap()
}

fn event(kind: &str, id: &str, time: &str, data: &str) -> String {
    format!(
        "{{\"type\":\"{kind}\",\"id\":\"{id}\",\"source\":\"s\",\"time\":\"2026-01-05T{time}Z\",\"data\":{{{data}}}}}\n"
    )
}

fn rejected(id: &str, time: &str, country: &str) -> String {
    let data = format!("\"aggregator\":\"noon\",\"country\":\"{country}\"");
    event("order.rejected", id, time, &data)
}

/// Three rejections in ten minutes, with a copy, one from another country that comes late, and a last sign of life.
fn rejections(test: &str) -> Sandbox {
    let sandbox = Sandbox::new(test);
    let events = [
        rejected("a", "10:00:10", "AE"),
        rejected("b", "10:04:00", "SA"),
        rejected("b", "10:04:00", "SA"),
        rejected("c", "10:09:50", "AE"),
        event("page.viewed", "d", "10:40:00", ""),
        rejected("e", "10:01:00", "AE"),
    ];
    sandbox.file("rules.yaml", example("rejections")).file("events.ndjson", events.concat());
    sandbox
}

const FILES: &str = "explain --rules rules.yaml --events events.ndjson";

#[test]
fn why_an_example_pages_and_stops() {
    let sandbox = rejections("explain_rejections");
    assert_snapshot!("explain_rejections", sandbox.run(FILES));
    let reactive = sandbox.run(&format!("{FILES} --step reactive --group aggregator=noon"));
    let (_, key) = reactive.split_once("  key         ").unwrap();
    let key = key.lines().next().unwrap();
    let by_key = sandbox.run(&format!("explain {key} --rules rules.yaml --events events.ndjson"));
    let (_, shown) = by_key.split_once("----- stdout -----").unwrap();
    assert!(reactive.ends_with(shown), "{by_key}");
    let id =
        format!("explain {key}/trigger/0123456789abcdef --rules rules.yaml --events events.ndjson");
    assert!(sandbox.run(&id).ends_with(shown));
    assert_snapshot!(
        "explain_at",
        sandbox.run(&format!("{FILES} --at 2026-01-05T10:29:50Z --limit 1"))
    );
}

#[test]
fn json_has_one_object_per_transition() {
    let sandbox = rejections("explain_json");
    let answer = sandbox.run(&format!("{FILES} --output json --step reactive"));
    assert_snapshot!("explain_json", answer);
    let lines: Vec<Value> = answer
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["events_named"][1]["line"], 2);
}

/// An abandoned checkout names its start, which lies before the time that is covered.
#[test]
fn a_journey_names_its_starts() {
    let sandbox = Sandbox::new("explain_journey");
    let rules = "\
late: drop
metrics:
  checkouts:
    journey: {start: type == 'start', finish: type == 'end', key: data.order, within: 10m}
    window: 5m
alerts:
  abandoned: {metric: checkouts, when: abandoned over 10m >= 1, severity: error, notify: [desk]}
channels:
  desk: {webhook: {url: https://hooks.example/desk}}
";
    let events = [
        event("start", "a", "10:00:00", "\"order\":\"1\""),
        event("start", "b", "10:01:00", "\"order\":\"2\""),
        event("end", "c", "10:02:00", "\"order\":\"2\""),
        event("page.viewed", "d", "10:11:00", ""),
    ];
    sandbox.file("rules.yaml", rules).file("events.ndjson", events.concat());
    assert_snapshot!("explain_journey", sandbox.run(FILES));
    let window = format!("{FILES} --metric checkouts --window 2026-01-05T10:00:00Z");
    assert_snapshot!(
        "explain_journey_point",
        sandbox.run(&format!("{window} --until 2026-01-05T11:00:00Z"))
    );
}

#[test]
fn what_a_point_is_made_of() {
    let sandbox = rejections("explain_point");
    let window = format!("{FILES} --metric order_rejections --window 2026-01-05T10:00:00Z");
    assert_snapshot!("explain_point", sandbox.run(&window));
    assert_snapshot!(
        "explain_point_json",
        sandbox.run(&format!("{window} --output json --dimension country=SA"))
    );
    // Two series with room for one; and the last window is not decided when the events end.
    let rules = example("rejections");
    let capped = rules.replace("window: 5m", "window: 5m\n    max_series: 1");
    assert_ne!(rules, capped);
    sandbox.file("capped.yaml", capped);
    let narrow = window.replace("rules.yaml", "capped.yaml");
    assert_snapshot!("explain_point_capped", sandbox.run(&narrow));
    sandbox.file("short.ndjson", rejected("a", "10:00:10", "AE"));
    let short = window.replace("events.ndjson", "short.ndjson");
    assert_snapshot!("explain_point_open", sandbox.run(&short));
    // The next one has nothing of that country.
    let open = format!("{FILES} --metric order_rejections --window 2026-01-05T10:05:00Z");
    assert_snapshot!(
        "explain_point_nothing",
        sandbox.run(&format!("{open} --dimension country=SA"))
    );
}

#[test]
fn where_nothing_is_found_it_is_said_what_is_there() {
    let sandbox = rejections("explain_nothing");
    assert_snapshot!(
        "explain_nothing",
        sandbox.run(&format!("{FILES} --group aggregator=talabat"))
    );
    sandbox.file("events.ndjson", rejected("a", "10:00:10", "AE"));
    assert_snapshot!("explain_nothing_at_all", sandbox.run(FILES));
}

#[test]
fn help_and_wrong_arguments() {
    let sandbox = rejections("explain_wrong");
    assert_snapshot!("help_explain", sandbox.run("explain --help"));
    let wrong = [
        "explain --alert rejections",
        "explain --events events.ndjson",
        "explain --table t --events events.ndjson --rules rules.yaml",
        &format!("{FILES} --group noon"),
        &format!("{FILES} --at yesterday"),
        &format!("{FILES} --metric order_rejections"),
        &format!("{FILES} --metric orders --window 2026-01-05T10:00:00Z"),
        &format!("{FILES} --metric order_rejections --window 2026-01-05T10:01:00Z"),
        &format!(
            "{FILES} --metric order_rejections --window 2026-01-05T10:00:00Z --dimension city=x"
        ),
        "explain --rules rules.yaml --events none.ndjson",
    ];
    let answers: Vec<_> = wrong.iter().map(|arguments| sandbox.run(arguments)).collect();
    assert_snapshot!("explain_wrong", answers.join("\n"));
}

/// The command of the other tests is built without the SDK.
#[test]
fn a_program_that_knows_no_table_says_how_to_get_one_that_does() {
    let sandbox = Sandbox::new("explain_not_built");
    assert_snapshot!(
        "explain_not_built",
        sandbox.run("explain --table t rejections/reactive/noon/1/x")
    );
}
