//! The forms of `replay`'s answer.

use super::{EVENTS, RULES, Sandbox};
use insta::assert_snapshot;

fn sandbox(test: &str) -> Sandbox {
    let sandbox = Sandbox::new(test);
    sandbox.file("rules.yaml", RULES).file("events.ndjson", EVENTS);
    sandbox
}

#[test]
fn forms() {
    let sandbox = sandbox("replay_forms");
    assert_snapshot!("replay_table", sandbox.run("replay --rules rules.yaml events.ndjson"));
    assert_snapshot!(
        "replay_json",
        sandbox.run("replay --rules rules.yaml --output json events.ndjson")
    );
    assert_snapshot!(
        "replay_csv",
        sandbox.run("replay --rules rules.yaml --output csv events.ndjson")
    );
    assert_snapshot!(
        "replay_open",
        sandbox.run("replay --rules rules.yaml --output json --open events.ndjson")
    );
    assert_snapshot!(
        "replay_open_table",
        sandbox.run("replay --rules rules.yaml --open events.ndjson")
    );
    let until =
        "replay --rules rules.yaml --output json --until 2026-01-05T12:00:00Z events.ndjson";
    assert_snapshot!("replay_until", sandbox.run(until));
}

#[test]
fn an_end_before_the_last_event_is_told() {
    let sandbox = sandbox("replay_until_early");
    let until = |time: &str| {
        format!("replay --rules rules.yaml --output json --until {time} events.ndjson")
    };
    assert_snapshot!("replay_until_early", sandbox.run(&until("2026-01-05T10:05:00Z")));
    assert_snapshot!("replay_until_2300", sandbox.run(&until("2300-01-01T00:00:00Z")));
}

#[test]
fn long_tables_are_cut_and_say_so() {
    let sandbox = sandbox("replay_long");
    let events = (0..3000).map(|number| {
        let (minute, aggregator) = (number % 60, number % 7);
        let hour = 10 + number / 600;
        format!(
            "{{\"type\":\"order.created\",\"id\":\"{number}\",\"source\":\"s\",\"time\":\"2026-01-05T{hour}:{minute:02}:00Z\",\
             \"data\":{{\"aggregator\":\"a{aggregator}\",\"amount\":{}.25}}}}\n",
            number % 11
        )
    });
    sandbox.file("many.ndjson", events.collect::<String>());
    let rules = "late: correct\nout_of_order: 2h\nmetrics:\n  orders:\n    count: type == 'order.created'\n    dimensions: {aggregator: data.aggregator}\n    window: 1m\n  revenue:\n    sum: data.amount\n    window: 1m\n";
    sandbox.file("rules.yaml", rules);
    assert_snapshot!("replay_long", sandbox.run("replay --rules rules.yaml --limit 5 many.ndjson"));
    let all = sandbox.run("replay --rules rules.yaml --limit 0 many.ndjson");
    assert!(!all.contains("not shown") && all.lines().count() > 1000, "{all}");
}

#[test]
fn rules_with_problems_end_a_run_before_it_begins() {
    let sandbox = sandbox("replay_rules");
    sandbox.file("bad.yaml", RULES.replace("count:", "cuont:"));
    assert_snapshot!("replay_bad_rules", sandbox.run("replay --rules bad.yaml events.ndjson"));
    assert_snapshot!(
        "replay_missing_rules",
        sandbox.run("replay --rules mistyped.yaml events.ndjson")
    );
}

#[test]
fn a_correction_that_is_the_same_is_no_difference() {
    let sandbox = sandbox("compare_corrections");
    // Another `out_of_order` moves the places of corrections, not what they say.
    sandbox.file("slower.yaml", format!("out_of_order: 40s\n{RULES}"));
    assert_snapshot!(
        "compare_corrections",
        sandbox.run("replay --rules rules.yaml --compare slower.yaml events.ndjson")
    );
}

#[cfg(unix)]
#[test]
fn what_can_be_read_once_is_not_compared() {
    let sandbox = sandbox("compare_pipe");
    let command = "replay --rules rules.yaml --compare rules.yaml /dev/stdin";
    assert_snapshot!("compare_pipe", sandbox.run_with(command, EVENTS.as_bytes()));
}

#[test]
fn comparing_rules() {
    let sandbox = sandbox("compare");
    sandbox.file(
        "larger.yaml",
        RULES.replace("where: type == 'order.created'", "where: data.amount > 1"),
    );
    assert_snapshot!(
        "compare_changed",
        sandbox.run("replay --rules rules.yaml --compare larger.yaml events.ndjson")
    );
    let other =
        RULES.replace("window: 5m", "window: 10m").replace(" || type == 'order.changed'", "");
    sandbox.file("other.yaml", other);
    assert_snapshot!(
        "compare_same",
        sandbox.run("replay --rules rules.yaml --compare rules.yaml events.ndjson")
    );
    assert_snapshot!(
        "compare",
        sandbox.run("replay --rules rules.yaml --compare other.yaml events.ndjson")
    );
    assert_snapshot!(
        "compare_json",
        sandbox.run("replay --rules rules.yaml --compare other.yaml --output json events.ndjson")
    );
    assert_snapshot!(
        "compare_csv",
        sandbox.run("replay --rules rules.yaml --compare other.yaml --output csv events.ndjson")
    );
    assert_snapshot!(
        "compare_stdin",
        sandbox.run("replay --rules rules.yaml --compare other.yaml -")
    );
}
