//! Rules that are right: what they mean, and what changes their hashes.

use streamgauge_engine::alert::{Condition, Over, Severity};
use streamgauge_engine::calendar::Window;
use streamgauge_engine::notify::rules::Attribute;
use streamgauge_engine::plan::{LatePolicy, TimeUnit};
use streamgauge_rules::rules::{ChannelKind, SecretReference, WebhookFormat, WebhookUrl};
use streamgauge_rules::{Outcome, Rules, SourceFile, compile, render};

/// Compiles texts as files `0.yaml`, `1.yaml` and so on; the environment has `STAGE`.
pub(crate) fn compile_texts(texts: &[&str]) -> Outcome {
    let files: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| SourceFile { name: format!("{index}.yaml"), text: (*text).to_owned() })
        .collect();
    compile(&files, &|name| (name == "STAGE").then(|| "test".to_owned()))
}

/// The rules of texts without a single problem.
fn rules(texts: &[&str]) -> Rules {
    let outcome = compile_texts(texts);
    assert_eq!(render::for_people(&outcome.problems, &outcome.sources, false), "");
    outcome.rules.unwrap()
}

/// The rules with `late: drop`, a count metric `orders` and these further lines.
fn with(lines: &str) -> Rules {
    rules(&[&format!(
        "late: drop\nmetrics:\n  orders: {{count: type == 'order.created', dimensions: {{country: data.country}}, window: 5m}}\n{lines}"
    )])
}

fn window(text: &str) -> Window {
    rules(&[&format!("late: drop\nmetrics: {{a: {{count: true, window: {text}}}}}")]).plan.metrics
        [0]
    .window
}

#[test]
fn the_example_of_the_format_compiles_without_a_word() {
    let rules = rules(&[include_str!("../good/everything.yaml")]);
    let plan = &rules.plan;
    assert_eq!(plan.metrics.len(), 7);
    assert_eq!((plan.namespace.as_str(), plan.timing.late), ("Shop/Orders", LatePolicy::Correct));
    let rejections = &plan.alerts[0];
    assert_eq!(rejections.by, [0]);
    assert_eq!(rejections.steps[0].name.as_deref(), Some("reactive"));
    assert_eq!(rejections.steps[0].severity, Severity::Critical);
    let abandonment = &plan.alerts[1];
    assert_eq!((abandonment.min_volume, abandonment.steps[0].hold), (Some(30), 600_000));
    assert_eq!(plan.alerts[2].steps[0].when, Condition::Absent { length: 900_000 });
    assert_eq!(rules.channels.len(), 4);
    let notifying = &rules.plan.notifying;
    assert_eq!(
        notifying.routes[0].matches.conditions[1],
        (Attribute::Named("aggregator".to_owned()), vec!["noon".to_owned()])
    );
    assert_eq!(notifying.maintenance[0].from_minutes, 120);
    assert_eq!(notifying.maintenance[0].weekdays, [false, false, false, false, true, false, false]);
    assert_eq!(notifying.gathering.list_at_most, 20);
}

#[test]
fn defaults() {
    let rules = with("");
    let timing = rules.plan.timing;
    assert_eq!((timing.out_of_order, timing.allowed_lateness), (30_000, 120_000));
    assert_eq!(
        (timing.deduplicate, timing.max_ahead, timing.hold),
        (Some(3_600_000), 600_000, 3_600_000)
    );
    assert_eq!(rules.plan.calendar.zone(), "UTC");
    assert_eq!(rules.plan.namespace, "StreamGauge");
    let metric = &rules.plan.metrics[0];
    assert_eq!((metric.live, metric.zero, metric.max_series), (false, false, 1_000));
    let event = &rules.plan.event;
    let names: Vec<_> = event.identity.iter().map(|field| rules.plan.fields.name(*field)).collect();
    assert_eq!(
        (names, event.time_unit),
        (vec!["source".to_owned(), "id".to_owned()], TimeUnit::Rfc3339)
    );
}

#[test]
fn windows() {
    assert_eq!(window("1s"), Window::Fixed(1_000));
    assert_eq!(window("23h"), Window::Fixed(82_800_000));
    assert_eq!(window("24h"), Window::Days(1));
    assert_eq!(window("6d"), Window::Days(6));
    assert_eq!(window("7d"), Window::Weeks(1));
    assert_eq!(window("336h"), Window::Weeks(2));
}

#[test]
fn deduplication_can_be_switched_off() {
    for off in ["off", "false", "Off", "'off'"] {
        assert_eq!(
            with(&format!("deduplicate: {off}\nallowed_lateness: 2h\n")).plan.timing.deduplicate,
            None,
            "{off}"
        );
    }
}

#[test]
fn true_may_stand_in_quotes() {
    let hash = |count: &str| {
        rules(&[&format!("late: drop\nmetrics: {{a: {{count: {count}, window: 5m}}}}")]).plan.hash
    };
    assert_eq!(hash("true"), hash("'true'"));
}

#[test]
fn files_are_put_together() {
    let first = "late: drop\nversion: 1\nmetrics: {a: {count: true, window: 5m}}\nroutes: []\n";
    let second = "version: 1\nmetrics:\n  b: {count: true, window: 5m}\nalerts:\n";
    let third = "alerts: {c: {metric: b, when: sum over 5m > 3, notify: d}}\nchannels: {d: {sms: {to: '+971500000000'}}}\n";
    let rules = rules(&[first, second, third]);
    let names: Vec<_> = rules.plan.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(rules.plan.alerts[0].metric, 1);
}

#[test]
fn names_in_two_files_are_shown_in_both() {
    let text = "late: drop\nmetrics: {a: {count: true, window: 5m}}\n";
    let outcome = compile_texts(&[text, text]);
    assert!(outcome.rules.is_none());
    let found: Vec<_> = outcome
        .problems
        .iter()
        .map(|problem| {
            (
                problem.code,
                problem.span.as_ref().unwrap().file.as_str(),
                problem.related[0].0.file.as_str(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [("duplicate-name", "1.yaml", "0.yaml"), ("duplicate-name", "1.yaml", "0.yaml")]
    );
    let shown = render::for_people(&outcome.problems, &outcome.sources, false);
    assert!(shown.contains("--> 1.yaml:2:11") && shown.contains("::: 0.yaml:2:11"), "{shown}");
}

#[test]
fn a_broken_file_hides_no_other_and_blames_no_name() {
    let broken = "metrics: {a: {count: true, window: 5m}}\nchannels: [";
    let other = "late: drop\nalerts: {b: {metric: later, when: sum over 5m > 3, notify: [x]}}\nnamespace: AWS/x\n";
    let codes: Vec<_> =
        compile_texts(&[broken, other]).problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["invalid-yaml", "invalid-name"]);
}

#[test]
fn anchors_merge_keys_and_extensions() {
    let rules = rules(&[
        "late: drop\nx-base: &base {window: 5m, dimensions: {country: data.country}}\nmetrics:\n  a: {<<: *base, count: true}\n  b: {<<: [*base, {unit: Count}], count: true, window: 1m}\n",
    ]);
    let metrics = &rules.plan.metrics;
    assert_eq!(
        (metrics[0].window, metrics[1].window),
        (Window::Fixed(300_000), Window::Fixed(60_000))
    );
    assert_eq!((metrics[1].unit.as_deref(), metrics[1].dimensions.len()), (Some("Count"), 1));
}

#[test]
fn variables_are_replaced_in_namespace_and_channels() {
    let rules = with(
        "namespace: Shop/${STAGE}/${REGION:eu}\nchannels: {h: {webhook: {url: 'https://${STAGE}.example/', secret: 'env:${STAGE}'}}}\n",
    );
    assert_eq!(rules.plan.namespace, "Shop/test/eu");
    let kind = ChannelKind::Webhook {
        url: WebhookUrl::Written("https://test.example/".to_owned()),
        secret: Some(SecretReference::Environment("test".to_owned())),
        format: WebhookFormat::Standard,
    };
    assert_eq!(rules.channels[0].kind, kind);
}

#[test]
fn a_webhook_in_slacks_form_may_keep_its_address_as_a_secret() {
    let rules = with("channels: {h: {webhook: {url: 'secret:team/slack', format: slack}}}\n");
    let kind = ChannelKind::Webhook {
        url: WebhookUrl::Kept(SecretReference::SecretsManager("team/slack".to_owned())),
        secret: None,
        format: WebhookFormat::Slack,
    };
    assert_eq!(rules.channels[0].kind, kind);
}

#[test]
fn alerts_take_what_they_do_not_say_from_the_defaults() {
    let lines = "alert_defaults: {severity: critical, notify: [x], min_volume: 30, for: 2m, when: sum over 1h > 9}\nchannels: {x: {sms: {to: '+971500000000'}}}\nalerts:\n  own: {metric: orders, when: sum over 5m > 3, severity: info}\n  ladder: {metric: orders, severity: warning, steps: {a: {when: sum over 5m > 3}, b: {when: sum over 5m > 5, severity: error, for: 1m}}}\n  all: {metric: orders, by: []}\n";
    let alerts = with(lines).plan.alerts;
    assert_eq!((alerts[0].steps[0].severity, alerts[0].min_volume), (Severity::Info, None));
    let ladder = &alerts[1].steps;
    assert_eq!((ladder[0].name.as_deref(), ladder[0].hold), (Some("b"), 60_000));
    assert_eq!(
        (ladder[1].severity, ladder[1].hold, ladder[1].notify.len()),
        (Severity::Warning, 120_000, 1)
    );
    let Condition::Threshold { over, .. } = alerts[2].steps[0].when else {
        panic!("{:?}", alerts[2])
    };
    assert_eq!((over, alerts[2].by.len()), (Over::Sliding(3_600_000), 0));
}

/// Plan, metric and alert hashes of two files: which are equal.
fn same(left: &str, right: &str) -> [bool; 3] {
    let alert = "\nalerts: {low: {metric: orders, when: sum over 10m < 3, notify: x, summary: s}}\nchannels: {x: {sms: {to: '+971500000000'}}}";
    let hashes = |text: &str| {
        let plan = rules(&[&format!(
            "late: drop\n{text}{}",
            if text.contains("alerts:") { "" } else { alert }
        )])
        .plan;
        [plan.hash, plan.metrics[0].definition.clone(), plan.alerts[0].definition.clone()]
    };
    let (left, right) = (hashes(left), hashes(right));
    std::array::from_fn(|index| left[index] == right[index])
}

const ORDERS: &str = "metrics: {orders: {count: \"type == 'a'\", window: 5m}}";

#[test]
fn formatting_changes_no_hash() {
    let formatted = "namespace: StreamGauge # the default\nmetrics:\n  orders:\n    window: 300s\n    zero: skip\n    count: >-\n      type  ==\n        'a'\n";
    assert_eq!(same(ORDERS, formatted), [true; 3]);
}

#[test]
fn what_decides_changes_the_hashes() {
    assert_eq!(same(ORDERS, &ORDERS.replace("'a'", "'b'")), [false; 3]);
    assert_eq!(same(ORDERS, &ORDERS.replace("5m", "1m")), [false; 3]);
    assert_eq!(same(ORDERS, &format!("time_zone: Asia/Dubai\n{ORDERS}")), [false; 3]);
    assert_eq!(same(ORDERS, &format!("event: {{time: at}}\n{ORDERS}")), [false; 3]);
    assert_eq!(same(ORDERS, &format!("allowed_lateness: 3m\n{ORDERS}")), [false, true, true]);
    assert_eq!(same(ORDERS, &ORDERS.replace("5m", "5m, unit: Count")), [false, true, true]);
}

#[test]
fn texts_change_the_plan_but_no_alert() {
    let alert = |rest: &str| {
        format!(
            "{ORDERS}\nalerts: {{low: {{metric: orders, notify: x, {rest}}}}}\nchannels: {{x: {{sms: {{to: '+971500000000'}}}}}}"
        )
    };
    let when = "when: sum over 10m < 3";
    assert_eq!(same(&alert(when), &alert(&format!("{when}, summary: hello"))), [false, true, true]);
    assert_eq!(same(&alert(when), &alert(&format!("{when}, max_age: 2h"))), [false, true, true]);
    assert_eq!(same(&alert(when), &alert("when: sum over 10m < 4")), [false, true, false]);
    assert_eq!(same(&alert(when), &alert(&format!("{when}, for: 1m"))), [false, true, false]);
}

#[test]
fn many_problems_are_counted() {
    let metric = |number| format!("  m{number}: {{count: true, window: 5}}");
    let metrics: Vec<_> = (0..700).map(metric).collect();
    let outcome = compile_texts(&[&format!("late: drop\nmetrics:\n{}\n", metrics.join("\n"))]);
    assert_eq!(outcome.problems.len(), 501);
    let said =
        |problem: &streamgauge_rules::Problem| problem.message == "200 more problems are not shown";
    assert!(outcome.problems.iter().any(said));
}

#[test]
fn one_group_may_be_absent_for_long() {
    with(
        "alerts: {gone: {metric: orders, by: [], when: absent for 8d, notify: x}}\nchannels: {x: {sms: {to: '+971500000000'}}}\n",
    );
}

#[test]
fn marks_and_line_ends_of_windows_are_read() {
    let outcome =
        compile_texts(&["\u{feff}late: drop\r\nmetrics:\r\n  a: {count: true, window: 5}\r\n"]);
    let span = outcome.problems[0].span.as_ref().unwrap();
    assert_eq!((span.line, span.column), (3, 28));
}

#[test]
fn secrets_on_a_broken_line_are_concealed() {
    let outcome = compile_texts(&[
        "late: drop\nchannels:\n  a: {pagerduty: {routing_key: R0123SECRET: x}}\n",
    ]);
    let shown = render::for_people(&outcome.problems, &outcome.sources, false);
    assert!(shown.contains("routing_key: *****") && !shown.contains("R0123SECRET"), "{shown}");
}
