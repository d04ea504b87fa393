//! Definitions written out for hashing: what must be the same for state to go on.

use crate::hash::Canonical;
use crate::read::settings::EventPaths;
use crate::rules::{ChannelKind, Rules, WebhookFormat};
use streamgauge_engine::alert::{Alert, Condition, Over, Step};
use streamgauge_engine::calendar::zone_data_version;
use streamgauge_engine::field::FieldId;
use streamgauge_engine::notify::rules::{Attribute, Match};
use streamgauge_engine::plan::{LatePolicy, Metric, Plan, TimeUnit};

/// Where events have their fields: what every metric's meaning rests on. What evidence shows decides nothing.
pub(super) fn event(paths: &EventPaths) -> String {
    let mut canonical = Canonical::new("event 1");
    for path in &paths.identity {
        canonical.texts("identity", path.iter().map(String::as_str));
    }
    canonical.texts("type", paths.kind.iter().map(String::as_str));
    canonical.texts("time", paths.time.iter().map(String::as_str));
    canonical.text("unit", time_unit(paths.time_unit));
    canonical.hash()
}

const fn time_unit(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Rfc3339 => "rfc3339",
        TimeUnit::Seconds => "seconds",
        TimeUnit::Milliseconds => "milliseconds",
    }
}

/// The hash of what decides in an alert: not its texts, channels and labels.
pub(super) fn alert(alert: &Alert, metrics: &[Metric]) -> String {
    let mut canonical = Canonical::new("alert 1");
    canonical.text("name", &alert.name);
    if let Some(metric) = metrics.get(alert.metric) {
        canonical.text("metric", &metric.definition);
        let by = alert.by.iter().filter_map(|place| metric.dimensions.get(*place));
        canonical.texts("by", by.map(|dimension| dimension.name.as_str()));
    }
    for step in &alert.steps {
        describe_step(&mut canonical, step);
    }
    match &alert.resolve {
        Some(resolve) => condition(&mut canonical, "resolve", resolve),
        None => {
            canonical.text("resolve", "no step holds");
        }
    }
    canonical
        .maybe_number("min_volume", alert.min_volume.and_then(|volume| i64::try_from(volume).ok()));
    canonical.number("keep_firing_for", alert.keep_firing_for);
    canonical.hash()
}

fn describe_step(canonical: &mut Canonical, step: &Step) {
    canonical.text("step", step.name.as_deref().unwrap_or_default());
    condition(canonical, "when", &step.when);
    canonical
        .number("for", step.hold)
        .text("severity", step.severity.as_str())
        .flag("early", step.early);
}

fn condition(canonical: &mut Canonical, tag: &str, condition: &Condition) {
    match condition {
        Condition::Absent { length } => {
            canonical.text(tag, "absent").number("length", *length);
        }
        Condition::Threshold { aggregate, over, comparison, threshold } => {
            canonical.text(tag, &aggregate.to_string());
            match over {
                Over::Sliding(length) => canonical.number("over", *length),
                Over::Window => canonical.text("over", "window"),
                Over::Moment => canonical.text("over", "moment"),
            };
            canonical
                .text("comparison", comparison.as_str())
                .text("threshold", &threshold.billionths().to_string());
        }
    }
}

/// The plan's hash: everything that the rules say, for whatever changes must be deployed.
pub(super) fn rules(rules: &Rules) -> String {
    let plan = &rules.plan;
    let mut canonical = Canonical::new("plan 1");
    canonical.calendar(&plan.calendar).text("zone data", &zone_data_version());
    canonical.text("namespace", &plan.namespace);
    settings(&mut canonical, plan);
    for metric in &plan.metrics {
        canonical
            .text("metric", &metric.definition)
            .text("unit", metric.unit.as_deref().unwrap_or_default());
    }
    for alert in &plan.alerts {
        canonical.text("alert", &alert.definition).number("max_age", alert.max_age);
        for step in &alert.steps {
            canonical.texts("notify", step.notify.iter().map(String::as_str));
        }
        let texts = &alert.texts;
        for text in [&texts.summary, &texts.description, &texts.runbook] {
            canonical
                .flag("has text", text.is_some())
                .text("text", text.as_deref().unwrap_or_default());
        }
        for (name, value) in &texts.labels {
            canonical.text("label", name).text("value", value);
        }
    }
    delivery(&mut canonical, rules);
    canonical.hash()
}

fn settings(canonical: &mut Canonical, plan: &Plan) {
    let path = |field: FieldId| plan.fields.paths().nth(field.index()).map(|path| path.join("\0"));
    for field in &plan.event.identity {
        canonical.text("identity", &path(*field).unwrap_or_default());
    }
    for (tag, field) in
        [("id", plan.event.id), ("type", plan.event.kind), ("time", plan.event.time)]
    {
        canonical.text(tag, &path(field).unwrap_or_default());
    }
    canonical.text("time_unit", time_unit(plan.event.time_unit));
    let timing = &plan.timing;
    canonical
        .number("out_of_order", timing.out_of_order)
        .number("allowed_lateness", timing.allowed_lateness);
    canonical
        .flag("correct", timing.late == LatePolicy::Correct)
        .maybe_number("deduplicate", timing.deduplicate);
    canonical.number("max_ahead", timing.max_ahead).number("hold", timing.hold);
}

/// What only delivery needs.
fn delivery(canonical: &mut Canonical, rules: &Rules) {
    for channel in &rules.channels {
        canonical.text("channel", &channel.name);
        match &channel.kind {
            ChannelKind::Pagerduty { routing_key } => {
                canonical.text("pagerduty", &routing_key.to_string())
            }
            ChannelKind::Email { to, from } => {
                canonical.texts("email", to.iter().map(String::as_str)).text("from", from)
            }
            ChannelKind::Webhook { url, secret, format } => {
                let secret = secret.as_ref().map(ToString::to_string).unwrap_or_default();
                canonical.text("webhook", &url.to_string()).text("secret", &secret);
                match format {
                    WebhookFormat::Standard => &mut *canonical,
                    WebhookFormat::Slack => canonical.text("format", "slack"),
                }
            }
            ChannelKind::Sms { to } => canonical.texts("sms", to.iter().map(String::as_str)),
        };
    }
    let notifying = &rules.plan.notifying;
    for route in &notifying.routes {
        matcher(canonical.text("route", ""), &route.matches);
        canonical.texts("notify", route.notify.iter().map(String::as_str));
    }
    if let Some(pipeline) = &notifying.pipeline {
        canonical.text("pipeline", pipeline.severity.as_str());
        canonical.texts("notify", pipeline.notify.iter().map(String::as_str));
    }
    let gathering = &notifying.gathering;
    canonical.number("together", gathering.together).number("repeat", gathering.repeat);
    canonical.number("list_at_most", i64::try_from(gathering.list_at_most).unwrap_or(i64::MAX));
    for silence in &notifying.silences {
        matcher(canonical.text("silence", ""), &silence.matches);
        canonical
            .number("from", silence.from.as_millis())
            .number("until", silence.until.as_millis());
        canonical.text("author", &silence.author).text("reason", &silence.reason);
    }
    for window in &notifying.maintenance {
        matcher(canonical.text("maintenance", ""), &window.matches);
        for day in window.weekdays {
            canonical.flag("day", day);
        }
        canonical.number("from", window.from_minutes.into()).number("to", window.to_minutes.into());
        canonical
            .text("time_zone", window.calendar.zone())
            .text("reason", window.reason.as_deref().unwrap_or_default());
    }
}

fn matcher(canonical: &mut Canonical, matches: &Match) {
    for (subject, values) in &matches.conditions {
        match subject {
            Attribute::Alert => canonical.text("match", "alert"),
            Attribute::Metric => canonical.text("match", "metric"),
            Attribute::Step => canonical.text("match", "step"),
            Attribute::Severity => canonical.text("match", "severity"),
            Attribute::Channel => canonical.text("match", "channel"),
            Attribute::Named(name) => canonical.text("match named", name),
        };
        canonical.texts("value", values.iter().map(String::as_str));
    }
}
