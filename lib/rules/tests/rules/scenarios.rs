//! Scenario files that are right.

use super::valid::compile_texts;
use streamgauge_engine::output::Status;
use streamgauge_rules::SourceFile;
use streamgauge_rules::scenario::{self, ScenarioFile, Transition};

fn read(text: &str) -> ScenarioFile {
    let outcome =
        scenario::read(&SourceFile { name: "scenarios.yaml".to_owned(), text: text.to_owned() });
    assert_eq!(outcome.problems, []);
    outcome.file.unwrap()
}

/// The lines of one scenario with these events, for rules with this `event`.
fn lines(event: &str, events: &str) -> Vec<String> {
    let rules =
        format!("late: drop\nevent: {event}\nmetrics: {{all: {{count: true, window: 5m}}}}\n");
    let plan = compile_texts(&[&rules]).rules.unwrap().plan;
    let text = format!(
        "rules: r\ndefaults: {{type: order, data: {{country: AE, items: [1, 2]}}}}\nscenarios:\n  - {{name: one, start: 2026-01-05T10:00:00Z, expect: {{}}, events: [{events}]}}\n"
    );
    read(&text).scenarios[0].lines(&plan)
}

#[test]
fn the_example_of_the_format_fits_its_rules() {
    let file = read(include_str!("../good/scenarios.yaml"));
    let rules = compile_texts(&[include_str!("../good/everything.yaml")]).rules.unwrap();
    assert_eq!(file.check(&rules), []);
    assert_eq!(file.rules, ["../streamgauge.yaml"]);
    let scenario = &file.scenarios[0];
    let lines = scenario.lines(&rules.plan);
    assert_eq!(
        lines[0],
        r#"{"data":{"aggregator":"noon","country":"AE"},"id":"a","source":"scenario","type":"order.rejected","time":"2026-01-05T10:00:10Z"}"#
    );
    assert_eq!(lines.len(), 3);
    let point = &scenario.expect.points[0];
    assert_eq!(
        (point.metric.as_str(), point.status, point.window),
        ("order_rejections", Status::Final, scenario.start)
    );
    assert_eq!((point.values[0].0, point.values[0].1.text.as_str()), ("sum", "1"));
    let transition = &scenario.expect.alerts.as_ref().unwrap()[0];
    assert_eq!((transition.transition, transition.sent), (Transition::Firing, true));
    assert_eq!(transition.at, scenario.start.plus(590_000));
}

#[test]
fn defaults_and_numbers() {
    assert_eq!(
        lines(
            "{}",
            "{at: 1s, id: 7, data: {amount: 12.50, country: null, note: 'yes', flag: true}}"
        ),
        [
            r#"{"data":{"country":null,"items":[1,2],"amount":12.50,"note":"yes","flag":true},"id":"7","source":"scenario","type":"order","time":"2026-01-05T10:00:01Z"}"#
        ]
    );
}

#[test]
fn fields_go_where_the_rules_look() {
    let event = "{identity: [tenant, detail.key], id: detail.id, type: detail-type, time: detail.at, time_unit: seconds}";
    assert_eq!(
        lines(event, "{at: 1s500ms, id: a, source: shop, data: {}}"),
        [
            r#"{"data":{"country":"AE","items":[1,2]},"detail":{"id":"a","key":"a","at":1767607201.500},"source":"shop","detail-type":"order"}"#
        ]
    );
}

#[test]
fn what_an_event_says_itself_wins() {
    let found = lines("{time_unit: ms}", "{at: 1s, id: a, time: tomorrow, data: {}}");
    assert!(found[0].contains(r#""time":"tomorrow""#), "{found:?}");
    assert!(lines("{time_unit: ms}", "{at: -1s, id: a}")[0].contains(r#""time":1767607199000"#));
}

#[test]
fn repetitions_have_fresh_ids() {
    let found = lines(
        "{}",
        "{at: 1m, every: 10s, times: 3, id: a}, {at: 0s, id: a-4}, {at: 0s}, {every: 1s, times: 2}",
    );
    let ids: Vec<_> = found
        .iter()
        .map(|line| line.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    assert_eq!(ids, ["a-1", "a-2", "a-3", "a-4", "event-4", "event-5", "event-6"]);
    assert!(found[2].ends_with("10:01:20Z\"}"), "{}", found[2]);
}

#[test]
fn silence_and_no_expectation_differ() {
    let text = "rules: [a, b]\nscenarios:\n  - {name: one, expect: {alerts: []}}\n  - {name: two, until: 1h, expect: {only: true, points: [{metric: m, window: -5m, status: open, rate: 0.5}]}}\n";
    let file = read(text);
    assert_eq!(file.scenarios[0].expect.alerts.as_ref().map(Vec::len), Some(0));
    let two = &file.scenarios[1];
    assert!(two.expect.alerts.is_none() && two.expect.only);
    assert_eq!(two.until, Some(two.start.plus(3_600_000)));
    assert_eq!(two.expect.points[0].window, two.start.minus(300_000));
    assert_eq!(two.start.to_string(), "2026-01-01T00:00:00Z");
}
