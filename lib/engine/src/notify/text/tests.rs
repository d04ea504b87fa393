//! What notifications say, from templates and without.

use super::*;
use crate::alert::{Aggregate, Comparison};
use crate::notify::tests::kit::{BEGINNING, Braces, plan};
use crate::plan::Plan;

/// The message of the first step of an alert for `noon`, whose value is 3.
fn message(place: usize, group: &str, change: impl FnOnce(&mut Plan)) -> Message {
    let mut plan = plan();
    change(&mut plan);
    let alert = &plan.alerts[place];
    let evidence = Evidence {
        value: (place == 0).then(|| Decimal::parse("3").unwrap()),
        threshold: (place == 0).then(|| Decimal::parse("2.5").unwrap()),
        ..Evidence::default()
    };
    let group = SeriesKey::new([group]);
    let occasion = Occasion {
        alert,
        metric: &plan.metrics[alert.metric],
        step: &alert.steps[0],
        group: &group,
        at: BEGINNING,
        episode: BEGINNING,
        evidence: &evidence,
    };
    occasion.message(&Braces)
}

fn with_summary(place: usize, template: &str) -> Message {
    message(place, "noon", |plan| plan.alerts[place].texts.summary = Some(template.to_owned()))
}

#[track_caller]
fn check(place: usize, template: &str, expect: &str) {
    let message = with_summary(place, template);
    assert_eq!((message.summary.as_str(), message.description), (expect, None));
}

#[test]
fn templates_know_what_fired() {
    check(
        0,
        "{{ partner }} rejected {{ value }} orders in {{ over }}",
        "noon rejected 3 orders in 10m",
    );
    check(0, "{{ alert }}/{{ step }}/{{ metric }}", "rejections/reactive/orders");
    check(
        0,
        "{{ severity }} at {{ at }}, above {{ threshold }}",
        "critical at 2026-01-05T10:00:00Z, above 2.5",
    );
    // Of what is absent there are none, and there is no threshold.
    check(1, "{{ value }} in {{ over }}, {{ threshold }}", "0 in 15m, none");
    check(1, "[{{ step }}{{ runbook }}]", "[]");
}

#[test]
fn the_time_of_over_window_is_the_metrics_own() {
    let own_window = |window: Window| {
        let message = message(0, "noon", |plan| {
            plan.metrics[0].window = window;
            plan.alerts[0].steps[0].when = Condition::Threshold {
                aggregate: Aggregate::Percentile(999),
                over: Over::Window,
                comparison: Comparison::Below,
                threshold: Decimal::ZERO,
            };
            plan.alerts[0].texts.summary = Some("{{ over }}".to_owned());
        });
        let Subject::Alert(member) = message.subject else { panic!("{:?}", message.subject) };
        assert_eq!(member.condition, "p99.9 over window < 0");
        message.summary
    };
    assert_eq!(own_window(Window::Fixed(300_000)), "5m");
    assert_eq!(own_window(Window::Days(1)), "1d");
    assert_eq!(own_window(Window::Weeks(2)), "14d");
}

#[test]
fn without_a_template_there_is_a_text() {
    let said = |place| message(place, "noon", |_| {}).summary;
    assert_eq!(said(0), "rejections reactive, partner=noon: 3 (sum over 10m >= 3)");
    assert_eq!(said(1), "silence, partner=noon: absent for 15m");
    check(0, " \n ", "rejections reactive, partner=noon: 3 (sum over 10m >= 3)");
}

#[test]
fn a_template_that_fails_costs_no_page_and_says_so() {
    let message = message(0, "noon", |plan| {
        let texts = &mut plan.alerts[0].texts;
        texts.summary = Some("{{ nothing }}".to_owned());
        texts.description = Some("See the {{ partner }} board.".to_owned());
        texts.runbook = Some("https://wiki.example/".to_owned());
    });
    assert_eq!(message.summary, "rejections reactive, partner=noon: 3 (sum over 10m >= 3)");
    let said = "See the noon board.\n\nThe template of `summary` failed: a name that is not known";
    assert_eq!(message.description.as_deref(), Some(said));
    assert_eq!(message.runbook.as_deref(), Some("https://wiki.example/"));
}

#[test]
fn texts_have_a_length_and_a_summary_is_one_line() {
    check(0, "  two\n\tlines\u{7} \r\n", "two lines");
    let long = with_summary(0, &"é ".repeat(2_000)).summary;
    assert_eq!((long.chars().count(), long.chars().last()), (1_024, Some('…')));
    let group = "x".repeat(100_000);
    let message = message(0, &group, |plan| {
        plan.alerts[0].texts.description = Some("{{ partner }}".repeat(100));
    });
    assert!(message.summary.len() < 400, "{} bytes", message.summary.len());
    assert_eq!(message.description.map(|text| text.chars().count()), Some(8_192));
}
