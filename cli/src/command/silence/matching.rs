//! What is silenced: a match as in the rules, from `NAME=VALUE`.
//!
//! A name or value that the rules in force do not know is a warning and no error: other rules may be on their way, and a
//! silence that must not wait for them is why there is a command.

use crate::exit::Failure;
use crate::{control_log, style};
use std::collections::BTreeSet;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notify::rules::{Attribute, Match};
use streamgauge_engine::plan::Plan;
use streamgauge_pipeline::control::{Control, ControlError, text_in};
use streamgauge_pipeline::port::log::Log;
use streamgauge_rules::SourceFile;
use streamgauge_rules::problem::nearest;

const NOT_UNDERSTOOD: &str =
    "the stack's rules are not understood here, so names are not checked; update this program";
const SEVERITIES: [Severity; 4] =
    [Severity::Critical, Severity::Error, Severity::Warning, Severity::Info];

/// The match of alerts and pairs that were typed.
pub(super) fn read(alerts: &[String], pairs: &[String]) -> Result<Match, Failure> {
    let mut matches = Match::default();
    let mut add = |attribute: Attribute, value: &str| {
        let conditions = &mut matches.conditions;
        let known = conditions.iter_mut().find(|(one, _)| *one == attribute);
        match known {
            Some((_, values)) if values.iter().any(|one| one == value) => {}
            Some((_, values)) => values.push(value.to_owned()),
            None => conditions.push((attribute, vec![value.to_owned()])),
        }
    };
    for alert in alerts {
        add(Attribute::Alert, alert);
    }
    for pair in pairs {
        let halves =
            pair.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
        let (name, value) = halves.ok_or_else(|| {
            Failure::wrong(format!("`{pair}` is nothing to match"))
                .hint("write NAME=VALUE, such as `--match aggregator=noon`")
        })?;
        if name == "severity" && !SEVERITIES.iter().any(|severity| severity.as_str() == value) {
            return Err(Failure::wrong(format!("there is no severity `{value}`"))
                .hint("there are critical, error, warning and info"));
        }
        add(attribute(name), value);
    }
    Ok(matches)
}

fn attribute(name: &str) -> Attribute {
    match name {
        "alert" => Attribute::Alert,
        "metric" => Attribute::Metric,
        "step" => Attribute::Step,
        "severity" => Attribute::Severity,
        "channel" => Attribute::Channel,
        name => Attribute::Named(name.to_owned()),
    }
}

/// The name by which an attribute is matched.
pub(super) fn name(attribute: &Attribute) -> &str {
    match attribute {
        Attribute::Alert => "alert",
        Attribute::Metric => "metric",
        Attribute::Step => "step",
        Attribute::Severity => "severity",
        Attribute::Channel => "channel",
        Attribute::Named(name) => name,
    }
}

/// `alert=rejections,abandonment aggregator=noon`
pub(super) fn show(matches: &Match) -> String {
    let condition = |(attribute, values): &(Attribute, Vec<String>)| {
        format!("{}={}", name(attribute), values.join(","))
    };
    matches.conditions.iter().map(condition).collect::<Vec<_>>().join(" ")
}

/// What of a match the rules do not know, neither those in force nor those that were announced last: one sentence each.
pub(super) async fn unknown(
    log: &impl Log,
    control: &Control,
    matches: &Match,
) -> Result<Vec<String>, Failure> {
    let hashes = control.in_force().last().map(|in_force| in_force.plan.as_str());
    let hashes: BTreeSet<&str> = hashes.into_iter().chain(control.newest()).collect();
    let mut plans = Vec::new();
    for hash in hashes {
        let text = match text_in(log, control, hash).await {
            Ok(text) => text,
            Err(ControlError::NoText { .. }) => continue,
            Err(error) => return Err(control_log::unreadable(&error)),
        };
        let file = |(name, content): (String, String)| SourceFile { name, text: content };
        let sources: Vec<_> = text.files.into_iter().map(file).collect();
        let Some(rules) = streamgauge_rules::compile(&sources, &|_| None).rules else {
            return Ok(vec![NOT_UNDERSTOOD.to_owned()]);
        };
        plans.push(rules.plan);
    }
    Ok(unknown_in(&plans, matches))
}

fn unknown_in(plans: &[Plan], matches: &Match) -> Vec<String> {
    let mut unknown = Vec::new();
    for (attribute, values) in &matches.conditions {
        if let Attribute::Named(name) = attribute {
            let known = known(plans, |plan| named(plan));
            if !known.contains(name.as_str()) {
                unknown.push(sentence("no alert has a dimension or label", name, &known));
            }
            continue;
        }
        let (what, known) = match attribute {
            Attribute::Alert => ("there is no alert", known(plans, alerts)),
            Attribute::Metric => ("no alert looks at a metric", known(plans, metrics)),
            Attribute::Step => ("no alert has a step", known(plans, steps)),
            Attribute::Channel => ("there is no channel", known(plans, channels)),
            Attribute::Severity | Attribute::Named(_) => continue,
        };
        let not_known = values.iter().filter(|value| !known.contains(value.as_str()));
        unknown.extend(not_known.map(|value| sentence(what, value, &known)));
    }
    unknown
}

fn sentence(what: &str, name: &str, known: &BTreeSet<&str>) -> String {
    let known: Vec<&str> = known.iter().copied().collect();
    let hint = nearest::hint(name, &known).map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{what} `{}` in the rules in force{hint}", style::printable(name))
}

fn known<'p>(plans: &'p [Plan], of: impl Fn(&'p Plan) -> Vec<&'p str>) -> BTreeSet<&'p str> {
    plans.iter().flat_map(of).collect()
}

fn alerts(plan: &Plan) -> Vec<&str> {
    plan.alerts.iter().map(|alert| alert.name.as_str()).collect()
}

fn metrics(plan: &Plan) -> Vec<&str> {
    let metrics = plan.alerts.iter().filter_map(|alert| plan.metrics.get(alert.metric));
    metrics.map(|metric| metric.name.as_str()).collect()
}

fn steps(plan: &Plan) -> Vec<&str> {
    let steps = plan.alerts.iter().flat_map(|alert| &alert.steps);
    steps.filter_map(|step| step.name.as_deref()).collect()
}

fn channels(plan: &Plan) -> Vec<&str> {
    plan.notifying.channels.iter().map(|channel| channel.name.as_str()).collect()
}

/// The dimensions of groups, and labels.
fn named(plan: &Plan) -> Vec<&str> {
    let mut named = Vec::new();
    for alert in &plan.alerts {
        if let Some(metric) = plan.metrics.get(alert.metric) {
            let dimensions = alert.by.iter().filter_map(|&place| metric.dimensions.get(place));
            named.extend(dimensions.map(|dimension| dimension.name.as_str()));
        }
        named.extend(alert.texts.labels.iter().map(|(name, _)| name.as_str()));
    }
    named
}
