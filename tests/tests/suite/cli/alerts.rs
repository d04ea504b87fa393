//! Alerts in the answers of `replay` and `test`.

use super::Sandbox;
use insta::assert_snapshot;

/// A ladder by aggregator, a ratio with `for`, a journey, the metric's own window, and silence; Talabat's pages are silenced.
const RULES: &str = r"
late: correct
allowed_lateness: 2m
metrics:
  rejections:
    count: type == 'order.rejected'
    dimensions: {aggregator: data.aggregator, country: data.country}
    window: 5m
  abandonment:
    journey:
      start: type == 'checkout.started'
      finish: type == 'order.created'
      key: data.order
      within: 10m
    window: 5m
alerts:
  rejected:
    metric: rejections
    by: [aggregator]
    steps:
      reactive: {when: sum over 10m >= 3, severity: critical, notify: [oncall]}
      proactive: {when: sum over 20m >= 3, severity: warning, notify: [desk]}
    resolve: sum over 20m < 1
  steadily:
    metric: rejections
    by: []
    when: sum over 10m >= 2
    for: 2m
    severity: error
    notify: [desk]
  abandoned:
    metric: abandonment
    when: abandoned over 10m >= 1
    severity: error
    notify: [desk]
  windowed:
    metric: rejections
    by: [country]
    when: sum over window >= 2
    severity: info
    notify: [desk]
  silent:
    metric: rejections
    by: [aggregator]
    when: absent for 30m
    severity: warning
    notify: [desk]
channels:
  oncall: {webhook: {url: https://hooks.example/oncall}}
  desk: {webhook: {url: https://hooks.example/desk}}
silences:
  - match: {channel: oncall, aggregator: talabat}
    from: 2026-01-05T10:00:00Z
    until: 2026-01-05T14:00:00Z
    author: ops@example.com
    reason: they move their data centre
";

fn rejected(id: &str, time: &str, aggregator: &str) -> String {
    format!(
        "{{\"type\":\"order.rejected\",\"id\":\"{id}\",\"source\":\"s\",\"time\":\"2026-01-05T{time}Z\",\
         \"data\":{{\"aggregator\":\"{aggregator}\",\"country\":\"AE\"}}}}\n"
    )
}

fn events() -> String {
    let noon = [("a", "10:00:10"), ("b", "10:04:00"), ("c", "10:09:50")];
    let talabat = [("d", "10:10:00"), ("e", "10:18:00"), ("f", "10:25:00"), ("g", "10:26:30")];
    let mut text = String::from(
        "{\"type\":\"checkout.started\",\"id\":\"s\",\"source\":\"s\",\"time\":\"2026-01-05T10:00:00Z\",\"data\":{\"order\":\"o\"}}\n",
    );
    text.extend(noon.map(|(id, time)| rejected(id, time, "noon")));
    text.extend(talabat.map(|(id, time)| rejected(id, time, "talabat")));
    text
}

fn sandbox(test: &str) -> Sandbox {
    let sandbox = Sandbox::new(test);
    sandbox.file("rules.yaml", RULES).file("events.ndjson", events());
    sandbox
}

const UNTIL: &str = "--until 2026-01-05T11:00:00Z";

#[test]
fn forms() {
    let sandbox = sandbox("alerts_forms");
    let run = |output: &str| {
        sandbox.run(&format!("replay --rules rules.yaml --output {output} {UNTIL} events.ndjson"))
    };
    assert_snapshot!("alerts_json", run("json"));
    assert_snapshot!("alerts_csv", run("csv"));
    assert_snapshot!("alerts_table", run("table"));
    assert_snapshot!("alerts_table_cut", run("table --limit 3"));
}

#[test]
fn a_run_without_any_says_so() {
    let sandbox = sandbox("alerts_none");
    sandbox.file("few.ndjson", rejected("a", "10:00:10", "noon"));
    assert_snapshot!("alerts_none", sandbox.run("replay --rules rules.yaml few.ndjson"));
}

const SCENARIOS: &str = "\
rules: rules.yaml
scenarios:
  - name: three rejections in ten minutes page once
    start: 2026-01-05T10:00:00Z
    defaults: {type: order.rejected, data: {country: AE}}
    events:
      - {at: 10s, id: a, data: {aggregator: noon}}
      - {at: 4m, id: b, data: {aggregator: noon}}
      - {at: 9m50s, id: c, data: {aggregator: noon}}
    expect:
      alerts:
        - {at: 5m, alert: windowed, group: {country: AE}, transition: firing}
        - {at: 6m, alert: steadily, transition: firing, value: 2}
        - {at: 9m50s, alert: rejected, step: reactive, group: {aggregator: noon}, transition: firing}
";

#[test]
fn scenarios_expect_what_is_sent_and_may_name_the_rest() {
    let sandbox = sandbox("alerts_scenarios");
    sandbox.file("right.yaml", SCENARIOS);
    let recorded = "        - {at: 4m, alert: steadily, transition: pending, sent: false}\n";
    let named = SCENARIOS.replace("        - {at: 5m", &format!("{recorded}        - {{at: 5m"));
    assert_ne!(named, SCENARIOS);
    sandbox.file("named.yaml", named);
    let quiet = "    events:\n      - {at: 10s, id: a, data: {aggregator: noon}}\n    expect: {alerts: []}\n";
    let head = SCENARIOS.split("    events:").next().unwrap();
    sandbox.file("quiet.yaml", format!("{head}{quiet}"));
    assert_snapshot!("alerts_right", sandbox.run("test right.yaml named.yaml quiet.yaml"));
}

#[test]
fn scenarios_show_both_sides_of_what_is_wrong() {
    let sandbox = sandbox("alerts_wrong");
    let first = "        - {at: 6m, alert: steadily, transition: firing, value: 2}\n";
    let second = SCENARIOS.split(first).nth(1).unwrap();
    let file = |name: &str, text: String| {
        assert_ne!(text, SCENARIOS);
        sandbox.file(name, text);
    };
    file(
        "values.yaml",
        SCENARIOS.replace("6m, alert", "7m, alert").replace("value: 2", "value: 3"),
    );
    file(
        "missing.yaml",
        SCENARIOS.replace("reactive", "proactive").replace("firing}", "resolved}"),
    );
    file("unexpected.yaml", SCENARIOS.replace(second, ""));
    file("order.yaml", SCENARIOS.replace(&format!("{first}{second}"), &format!("{second}{first}")));
    file(
        "silence.yaml",
        SCENARIOS.split("      alerts:").next().unwrap().to_owned() + "      alerts: []\n",
    );
    let files = "values.yaml missing.yaml unexpected.yaml order.yaml silence.yaml";
    assert_snapshot!("alerts_failing", sandbox.run(&format!("test {files} --junit junit.xml")));
    assert_snapshot!("alerts_failing_junit", sandbox.read("junit.xml"));
    assert_snapshot!("alerts_failing_json", sandbox.run(&format!("test {files} --output json")));
}

#[test]
fn comparing_shows_which_come_earlier_later_or_only_once() {
    let sandbox = sandbox("alerts_compare");
    // A lower threshold comes earlier, a shorter silence too; without its silence the page goes out; one alert is gone, one is new.
    let other = RULES
        .replace("reactive: {when: sum over 10m >= 3", "reactive: {when: sum over 10m >= 2")
        .replace("absent for 30m", "absent for 32m")
        .replace("aggregator: talabat}", "aggregator: careem}")
        .replace("  windowed:", "  by_country:");
    sandbox.file("other.yaml", other);
    let compare = format!("replay --rules rules.yaml --compare other.yaml {UNTIL} events.ndjson");
    assert_snapshot!("alerts_compare", sandbox.run(&compare));
    assert_snapshot!("alerts_compare_json", sandbox.run(&format!("{compare} --output json")));
    let same = format!("replay --rules rules.yaml --compare rules.yaml {UNTIL} events.ndjson");
    assert_snapshot!("alerts_compare_same", sandbox.run(&same));
}

/// The examples of the documentation: their rules are right, and their scenarios say what they do.
#[test]
fn the_examples_of_the_documentation_do_what_they_say() {
    let examples = crate::suite::source::root().join("docs/examples");
    let sandbox = Sandbox::new("alerts_examples");
    let readme = std::fs::read_to_string(examples.join("README.md")).unwrap();
    let mut folders = 0;
    for entry in std::fs::read_dir(&examples).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        folders += 1;
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(readme.contains(&format!("({name}/rules.yaml)")), "{name}");
        for (command, file) in [("check", "rules.yaml"), ("test", "scenarios.yaml")] {
            let answer = sandbox.run(&format!("{command} {}", folder.join(file).display()));
            assert!(answer.contains("\nexit: 0\n") && !answer.contains("warning"), "{answer}");
        }
    }
    assert_eq!(folders, 4);
}

/// An early step is told before its moment has come, and yet stands in its place.
#[test]
fn an_early_step_stands_at_its_time() {
    let sandbox = sandbox("alerts_early");
    let rules = RULES.replace("notify: [oncall]}", "notify: [oncall], early: true}");
    assert_ne!(rules, RULES);
    sandbox.file("early.yaml", rules);
    let run = |file: &str| {
        let answer =
            sandbox.run(&format!("replay --rules {file} --output json {UNTIL} events.ndjson"));
        let is_alert = |line: &&str| line.starts_with("{\"kind\":\"alert\"");
        // An episode that is begun early may be named by that time, so it is left out.
        let lines = answer.lines().filter(is_alert).map(|line| line.split(",\"episode\"").next());
        lines.map(|found| found.unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (late, early) = (run("rules.yaml"), run("early.yaml"));
    let as_late = |found: &String| found.replace("condition cannot fail", "condition holds");
    assert_ne!(early, late);
    assert_eq!(early.iter().map(as_late).collect::<Vec<_>>(), late);
}
