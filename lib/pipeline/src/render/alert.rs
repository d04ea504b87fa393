//! Transitions of alerts as text.
//!
//! ```json
//! {"kind":"alert","alert":"rejections","step":"reactive","group":{"aggregator":"noon"},"transition":"firing","at":"2026-01-05T10:09:50Z","sent":true,"value":3,"reason":"condition holds","evidence":["a","b","c"],"why":"at once","channels":{"oncall":"at once"},"metric":"order_rejections","severity":"critical","condition":"sum over 10m >= 3","threshold":3,"from":"2026-01-05T09:59:50Z","until":"2026-01-05T10:09:50Z","episode":"2026-01-05T10:09:50Z","events":3}
//! ```
//!
//! A CSV has its columns after those of points, if the rules have alerts: else nobody has to read past empty ones.

use super::text::{push_csv, push_display};
use super::{Number, push_json_string, push_member};
use crate::alert_record::RecordedAlert;
use std::fmt::Display;
use streamgauge_engine::alert::{Aggregate, Alert, Condition, Severity};
use streamgauge_engine::decimal::ratio;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::transition::{Evidence, Reason, Transition};

/// The CSV columns of transitions.
pub(super) const COLUMNS: [&str; 20] = [
    "alert",
    "step",
    "group",
    "transition",
    "at",
    "sent",
    "value",
    "reason",
    "evidence",
    "why",
    "channels",
    "severity",
    "condition",
    "threshold",
    "from",
    "until",
    "episode",
    "events",
    "volume",
    "late",
];

/// The condition that decided a transition: what its value and its threshold belong to.
pub fn alert_condition<'a>(alert: &'a Alert, transition: &Transition) -> Option<&'a Condition> {
    let resolve = alert.resolve.as_ref();
    let resolve = resolve.filter(|_| transition.reason == Reason::ResolveHolds);
    resolve.or_else(|| Some(&alert.steps.get(transition.step)?.when))
}

/// The value that a transition was decided by. A rate is the quotient that points show, and not its first nine places.
pub fn alert_value(alert: &Alert, transition: &Transition) -> Option<Number> {
    let is_rate = matches!(
        alert_condition(alert, transition),
        Some(Condition::Threshold { aggregate: Aggregate::Rate, .. })
    );
    value_of(transition, is_rate)
}

/// The same, by what is recorded of the alert: a condition on a rate begins with that word.
pub fn recorded_value(alert: &RecordedAlert, transition: &Transition) -> Option<Number> {
    let rate = Aggregate::Rate.to_string();
    let first = alert.condition(transition).and_then(|condition| condition.split(' ').next());
    value_of(transition, first == Some(&rate))
}

/// The value of a transition, as points show it if it is a rate.
fn value_of(transition: &Transition, is_rate: bool) -> Option<Number> {
    let Evidence { value, volume, .. } = transition.evidence;
    let value = value?;
    let whole = volume.filter(|&whole| is_rate && whole > 0);
    let quotient = whole.and_then(|whole| {
        // The nearest whole number: nine places are enough for every whole below a billion.
        let part = (value.billionths() * i128::from(whole) + HALF) / ONE;
        Some(Number::Double(ratio(u64::try_from(part).ok()?, whole)))
    });
    Some(quotient.unwrap_or(Number::Decimal(value)))
}

const ONE: i128 = 1_000_000_000;
const HALF: i128 = ONE / 2;

/// Appends a transition as one line of JSON.
pub(super) fn json(
    alert: &RecordedAlert,
    transition: &Transition,
    verdict: &Verdict,
    out: &mut Vec<u8>,
) {
    let step = alert.step(transition);
    out.extend_from_slice(br#"{"kind":"alert","alert":"#);
    push_json_string(&alert.name, out);
    if let Some(name) = step.and_then(|step| step.name.as_deref()) {
        push_string("step", name, out);
    }
    push_name("group", out);
    push_group(alert, transition, out);
    push_string("transition", transition.kind.as_str(), out);
    push_shown("at", transition.at, out);
    push_name("sent", out);
    push_display(verdict.sent, out);
    let Evidence { from, until, threshold, volume, events, late, .. } = &transition.evidence;
    if let Some(value) = recorded_value(alert, transition) {
        push_name("value", out);
        value.push(out);
    }
    push_string("reason", transition.reason.as_str(), out);
    push_name("evidence", out);
    push_ids(&transition.evidence, out);
    push_string("why", verdict.why.as_str(), out);
    push_name("channels", out);
    push_channels(verdict, out);
    push_string("metric", &alert.metric, out);
    if let Some(severity) = step.and_then(|step| step.severity) {
        push_string("severity", severity.as_str(), out);
    }
    if let Some(condition) = alert.condition(transition) {
        push_string("condition", condition, out);
    }
    if let Some(threshold) = *threshold {
        push_name("threshold", out);
        Number::Decimal(threshold).push(out);
    }
    push_shown("from", from, out);
    push_shown("until", until, out);
    push_shown("episode", transition.episode, out);
    push_member("events", *events, out);
    if let Some(volume) = *volume {
        push_member("volume", volume, out);
    }
    if *late > 0 {
        push_member("late", *late, out);
    }
    out.extend_from_slice(b"}\n");
}

/// Appends the cells of a transition, each after a comma.
pub(super) fn csv(
    alert: &RecordedAlert,
    transition: &Transition,
    verdict: &Verdict,
    out: &mut Vec<u8>,
) {
    let step = alert.step(transition);
    let shown = |value: &dyn Display| value.to_string().into_bytes();
    let pushed = |push: &dyn Fn(&mut Vec<u8>)| {
        let mut cell = Vec::new();
        push(&mut cell);
        cell
    };
    let number = |number: Number| pushed(&|cell| number.push(cell));
    let Evidence { from, until, threshold, volume, events, late, .. } = &transition.evidence;
    let name = step.and_then(|step| step.name.as_deref()).unwrap_or_default();
    let cells: [Vec<u8>; COLUMNS.len()] = [
        alert.name.clone().into_bytes(),
        name.as_bytes().to_vec(),
        pushed(&|cell| push_group(alert, transition, cell)),
        shown(&transition.kind.as_str()),
        shown(&transition.at),
        shown(&verdict.sent),
        recorded_value(alert, transition).map(number).unwrap_or_default(),
        shown(&transition.reason.as_str()),
        pushed(&|cell| push_ids(&transition.evidence, cell)),
        shown(&verdict.why),
        pushed(&|cell| push_channels(verdict, cell)),
        shown(&step.and_then(|step| step.severity).map(Severity::as_str).unwrap_or_default()),
        alert.condition(transition).unwrap_or_default().as_bytes().to_vec(),
        threshold.map(|value| number(Number::Decimal(value))).unwrap_or_default(),
        shown(from),
        shown(until),
        shown(&transition.episode),
        shown(events),
        volume.map(|volume| shown(&volume)).unwrap_or_default(),
        shown(late),
    ];
    for cell in cells {
        out.push(b',');
        push_csv(&cell, out);
    }
}

/// Appends the group of a transition as one JSON object.
pub(super) fn push_group(alert: &RecordedAlert, transition: &Transition, out: &mut Vec<u8>) {
    push_object(alert.group(transition), out);
}
/// Appends the ids of contributing events as one JSON array.
fn push_ids(evidence: &Evidence, out: &mut Vec<u8>) {
    out.push(b'[');
    for (place, id) in evidence.ids.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_json_string(id, out);
    }
    out.push(b']');
}

/// Appends what each channel gets as one JSON object.
fn push_channels(verdict: &Verdict, out: &mut Vec<u8>) {
    push_object(verdict.channels.iter().map(|(channel, why)| (&**channel, why.as_str())), out);
}

fn push_object<'m>(members: impl Iterator<Item = (&'m str, &'m str)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (place, (name, value)) in members.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_json_string(name, out);
        out.push(b':');
        push_json_string(value, out);
    }
    out.push(b'}');
}

/// Appends `,"name":`.
fn push_name(name: &str, out: &mut Vec<u8>) {
    out.push(b',');
    push_json_string(name, out);
    out.push(b':');
}

/// Appends `,"name":"text"`.
fn push_string(name: &str, text: &str, out: &mut Vec<u8>) {
    push_name(name, out);
    push_json_string(text, out);
}

/// Appends `,"name":"value"` of what needs no escapes.
fn push_shown(name: &str, value: impl Display, out: &mut Vec<u8>) {
    push_name(name, out);
    out.push(b'"');
    push_display(value, out);
    out.push(b'"');
}
