//! Transitions of alerts as text.
//!
//! ```json
//! {"kind":"alert","alert":"rejections","step":"reactive","group":{"aggregator":"noon"},"transition":"firing","at":"2026-01-05T10:09:50Z","sent":true,"value":3,"reason":"condition holds","evidence":["a","b","c"],"why":"at once","channels":{"oncall":"at once"},"metric":"order_rejections","severity":"critical","condition":"sum over 10m >= 3","threshold":3,"from":"2026-01-05T09:59:50Z","until":"2026-01-05T10:09:50Z","episode":"2026-01-05T10:09:50Z","events":3}
//! ```
//!
//! A CSV has its columns after those of points, if the rules have alerts: else nobody has to read past empty ones.

use super::text::{push_csv, push_display};
use super::{Number, push_json_string, push_member};
use std::fmt::Display;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::plan::{Metric, Plan};
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

/// What is the same in all transitions of an alert.
#[derive(Clone, Debug)]
pub(super) struct AlertText {
    name: String,
    metric: String,
    /// The names of the dimensions that make a group.
    by: Vec<String>,
    steps: Vec<StepText>,
    resolve: Option<String>,
}

#[derive(Clone, Debug)]
struct StepText {
    name: Option<String>,
    severity: &'static str,
    condition: String,
}

impl AlertText {
    /// The alerts of a plan.
    pub(super) fn of(plan: &Plan) -> Vec<Self> {
        let alerts = plan.alerts.iter().map(|alert| {
            let metric = plan.metrics.get(alert.metric);
            let dimension = |place: &usize| Some(metric?.dimensions.get(*place)?.name.clone());
            let steps = alert.steps.iter().map(|step| StepText {
                name: step.name.clone(),
                severity: step.severity.as_str(),
                condition: step.when.to_string(),
            });
            Self {
                name: alert.name.clone(),
                metric: metric.map(|Metric { name, .. }| name.clone()).unwrap_or_default(),
                by: alert.by.iter().filter_map(dimension).collect(),
                steps: steps.collect(),
                resolve: alert.resolve.as_ref().map(ToString::to_string),
            }
        });
        alerts.collect()
    }

    /// Appends a transition as one line of JSON.
    pub(super) fn json(&self, transition: &Transition, verdict: &Verdict, out: &mut Vec<u8>) {
        let step = self.steps.get(transition.step);
        out.extend_from_slice(br#"{"kind":"alert","alert":"#);
        push_json_string(&self.name, out);
        if let Some(name) = step.and_then(|step| step.name.as_deref()) {
            push_string("step", name, out);
        }
        push_name("group", out);
        self.push_group(transition, out);
        push_string("transition", transition.kind.as_str(), out);
        push_shown("at", transition.at, out);
        push_name("sent", out);
        push_display(verdict.sent, out);
        let Evidence { from, until, value, threshold, volume, events, late, .. } =
            &transition.evidence;
        if let Some(value) = *value {
            push_name("value", out);
            Number::Decimal(value).push(out);
        }
        push_string("reason", transition.reason.as_str(), out);
        push_name("evidence", out);
        push_ids(&transition.evidence, out);
        push_string("why", verdict.why.as_str(), out);
        push_name("channels", out);
        push_channels(verdict, out);
        push_string("metric", &self.metric, out);
        if let Some(step) = step {
            push_string("severity", step.severity, out);
            push_string("condition", self.condition(transition, step), out);
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
    pub(super) fn csv(&self, transition: &Transition, verdict: &Verdict, out: &mut Vec<u8>) {
        let step = self.steps.get(transition.step);
        let shown = |value: &dyn Display| value.to_string().into_bytes();
        let pushed = |push: &dyn Fn(&mut Vec<u8>)| {
            let mut cell = Vec::new();
            push(&mut cell);
            cell
        };
        let decimal = |value| pushed(&|cell| Number::Decimal(value).push(cell));
        let Evidence { from, until, value, threshold, volume, events, late, .. } =
            &transition.evidence;
        let name = step.and_then(|step| step.name.as_deref()).unwrap_or_default();
        let cells: [Vec<u8>; COLUMNS.len()] = [
            self.name.clone().into_bytes(),
            name.as_bytes().to_vec(),
            pushed(&|cell| self.push_group(transition, cell)),
            shown(&transition.kind.as_str()),
            shown(&transition.at),
            shown(&verdict.sent),
            value.map(decimal).unwrap_or_default(),
            shown(&transition.reason.as_str()),
            pushed(&|cell| push_ids(&transition.evidence, cell)),
            shown(&verdict.why),
            pushed(&|cell| push_channels(verdict, cell)),
            shown(&step.map(|step| step.severity).unwrap_or_default()),
            shown(&step.map(|step| self.condition(transition, step)).unwrap_or_default()),
            threshold.map(decimal).unwrap_or_default(),
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

    /// The condition that decided: what value and threshold belong to.
    fn condition<'t>(&'t self, transition: &Transition, step: &'t StepText) -> &'t str {
        let resolve = self.resolve.as_deref();
        resolve.filter(|_| transition.reason == Reason::ResolveHolds).unwrap_or(&step.condition)
    }

    /// The metric that it looks at.
    pub(super) fn metric(&self) -> &str {
        &self.metric
    }

    /// Appends the group of a transition as one JSON object.
    pub(super) fn push_group(&self, transition: &Transition, out: &mut Vec<u8>) {
        let members = self.by.iter().map(String::as_str).zip(transition.group.values());
        push_object(members, out);
    }
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
