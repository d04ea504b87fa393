//! The transitions of a scenario beside those that are expected.
//!
//! All that is sent is expected, in its order; what is only recorded may be named or left out. If that does not fit, each
//! expectation is shown beside what came closest to it: the same step of the same alert and group doing the same.

use super::judge::{About, Mismatch, OTHERS_MAX, Value, equal, object};
use std::collections::VecDeque;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;
use streamgauge_pipeline::render::{Number, alert_value};
use streamgauge_rules::scenario::ExpectedTransition;

/// A transition that came out, by the names of the rules.
#[derive(Clone, Debug)]
pub(super) struct GotTransition {
    alert: String,
    step: Option<String>,
    /// By name.
    group: Vec<(String, String)>,
    transition: &'static str,
    at: Timestamp,
    sent: bool,
    value: Option<Number>,
}

impl GotTransition {
    pub(super) fn new(transition: &Transition, sent: bool, plan: &Plan) -> Option<Self> {
        let alert = plan.alerts.get(transition.alert)?;
        let metric = plan.metrics.get(alert.metric)?;
        let names = alert.by.iter().filter_map(|place| metric.dimensions.get(*place));
        let names = names.map(|dimension| dimension.name.clone());
        Some(Self {
            alert: alert.name.clone(),
            step: alert.steps.get(transition.step)?.name.clone(),
            group: names.zip(transition.group.values().map(str::to_owned)).collect(),
            transition: transition.kind.as_str(),
            at: transition.at,
            sent,
            value: alert_value(alert, transition),
        })
    }

    fn about(&self) -> About {
        About::Transition {
            alert: self.alert.clone(),
            step: self.step.clone(),
            group: object(&self.group),
            transition: self.transition,
        }
    }

    /// As one line.
    fn text(&self) -> String {
        let step = self.step.as_ref().map(|step| format!(" {step}")).unwrap_or_default();
        let sent = if self.sent { "" } else { ", not sent" };
        let (group, at) = (object(&self.group), self.at);
        format!("{at} {}{step} {group} {}{sent}", self.alert, self.transition)
    }
}

/// Whether both are about the same step of the same alert and group, doing the same.
fn is_same(expected: &ExpectedTransition, got: &GotTransition) -> bool {
    let is_in = |(name, value): &(String, String)| {
        got.group.iter().any(|(known, got)| known == name && got == value)
    };
    expected.alert == got.alert
        && expected.step == got.step
        && expected.transition.as_str() == got.transition
        && expected.group.len() == got.group.len()
        && expected.group.iter().all(is_in)
}

fn is_right(expected: &ExpectedTransition, got: &GotTransition) -> bool {
    is_same(expected, got) && values(expected, Some(got)).iter().all(|value| value.equal)
}

/// What is not as expected, in the order of the expectations; then what is not expected.
pub(super) fn compare(expected: &[ExpectedTransition], got: &[GotTransition]) -> Vec<Mismatch> {
    if is_in_order(expected, got) {
        return Vec::new();
    }
    let mut further: Vec<&GotTransition> = got.iter().collect();
    // What is right is not taken for what comes closest to another.
    let mut wrong = Vec::new();
    for one in expected {
        match further.iter().position(|other| is_right(one, other)) {
            Some(place) => drop(further.remove(place)),
            None => wrong.push(one),
        }
    }
    let mut mismatches = Vec::new();
    for one in wrong {
        let closest = further.iter().position(|other| is_same(one, other));
        let closest = closest.map(|place| further.remove(place));
        let others = if closest.is_some() { Vec::new() } else { others(one, got) };
        mismatches.push(mismatch(one, closest, others));
    }
    mismatches.extend(further.iter().filter(|other| other.sent).map(|other| unexpected(other)));
    if mismatches.is_empty() {
        mismatches.push(another_order(expected, got));
    }
    mismatches
}

/// Whether all that is expected came in this order, and nothing else was sent.
fn is_in_order(expected: &[ExpectedTransition], got: &[GotTransition]) -> bool {
    let mut left: VecDeque<_> = expected.iter().collect();
    let fits =
        got.iter().all(|one| left.pop_front_if(|next| is_right(next, one)).is_some() || !one.sent);
    fits && left.is_empty()
}

/// Transitions of the same alert: what came out instead.
fn others(expected: &ExpectedTransition, got: &[GotTransition]) -> Vec<String> {
    let own = got.iter().filter(|one| one.alert == expected.alert);
    own.take(OTHERS_MAX).map(GotTransition::text).collect()
}

fn mismatch(
    expected: &ExpectedTransition,
    got: Option<&GotTransition>,
    others: Vec<String>,
) -> Mismatch {
    Mismatch {
        about: About::Transition {
            alert: expected.alert.clone(),
            step: expected.step.clone(),
            group: object(&expected.group),
            transition: expected.transition.as_str(),
        },
        line: Some(expected.span.line),
        found: got.is_some(),
        values: values(expected, got),
        others,
    }
}

fn unexpected(got: &GotTransition) -> Mismatch {
    let value = |name: &str, text: String, quoted: bool| Value {
        name: name.to_owned(),
        expected: None,
        got: Some(text),
        equal: false,
        quoted,
    };
    let number = got.value.map(|number| number.to_string());
    let mut values = vec![value("at", got.at.to_string(), true)];
    values.extend(number.map(|number| value("value", number, false)));
    Mismatch { about: got.about(), line: None, found: true, values, others: Vec::new() }
}

fn another_order(expected: &[ExpectedTransition], got: &[GotTransition]) -> Mismatch {
    Mismatch {
        about: About::Order,
        line: expected.first().map(|expected| expected.span.line),
        found: true,
        values: Vec::new(),
        others: got.iter().map(GotTransition::text).collect(),
    }
}

/// What is named, on both sides.
fn values(expected: &ExpectedTransition, got: Option<&GotTransition>) -> Vec<Value> {
    let side = |name: &str, quoted: bool, wanted: String, found: Option<String>| {
        let equal = found.as_ref() == Some(&wanted);
        Value { name: name.to_owned(), expected: Some(wanted), got: found, equal, quoted }
    };
    let at = got.map(|got| got.at.to_string());
    let sent = got.map(|got| got.sent.to_string());
    let mut values = vec![
        side("at", true, expected.at.to_string(), at),
        side("sent", false, expected.sent.to_string(), sent),
    ];
    if let Some(wanted) = &expected.value {
        let number = got.and_then(|got| got.value);
        values.push(Value {
            name: "value".to_owned(),
            expected: Some(wanted.text.clone()),
            got: number.map(|number| number.to_string()),
            equal: number.is_some_and(|number| equal(wanted, number)),
            quoted: false,
        });
    }
    values
}
