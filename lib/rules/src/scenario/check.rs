//! A scenario against its rules: names that exist, dimensions that fit, windows that begin where the file says.

use super::{ExpectedPoint, ExpectedTransition, ScenarioFile};
use crate::duration;
use crate::problem::code::Code;
use crate::problem::{Findings, Problem, nearest};
use crate::rules::Rules;
use crate::source::Place;
use crate::yaml::tree::shown;
use streamgauge_engine::plan::{Metric, MetricKind, Plan};
use streamgauge_engine::time::Timestamp;

impl ScenarioFile {
    /// What in this file can never come out of these rules.
    pub fn check(&self, rules: &Rules) -> Vec<Problem> {
        let mut findings = Findings::default();
        for scenario in &self.scenarios {
            for point in &scenario.expect.points {
                check_point(point, &rules.plan, scenario.start, &mut findings);
            }
            for transition in scenario.expect.alerts.iter().flatten() {
                check_transition(transition, &rules.plan, &mut findings);
            }
        }
        findings.into_problems(std::slice::from_ref(&self.source))
    }
}

/// The values that a kind of metric has, by the names that `replay` prints.
fn values_of(kind: &MetricKind) -> &'static [&'static str] {
    match kind {
        MetricKind::Count(_) | MetricKind::Sum(_) => &["sum", "count"],
        MetricKind::Distribution(_) => {
            &["sum", "count", "average", "min", "max", "p50", "p90", "p95", "p99", "p99.9"]
        }
        MetricKind::Unique(_) => &["unique"],
        MetricKind::Ratio { .. } => &["sum", "count", "rate"],
        MetricKind::Journey { .. } => &["started", "finished", "abandoned", "rate", "open"],
    }
}

fn place_of(places: &[(String, Place)], key: &str, whole: Place) -> Place {
    places.iter().find(|(name, _)| name == key).map_or(whole, |(_, place)| *place)
}

fn check_point(point: &ExpectedPoint, plan: &Plan, start: Timestamp, findings: &mut Findings) {
    let Some(metric) = plan.metrics.iter().find(|metric| metric.name == point.metric) else {
        let known: Vec<&str> = plan.metrics.iter().map(|metric| metric.name.as_str()).collect();
        let place = place_of(&point.places, "metric", point.place);
        let message = format!("there is no metric `{}`", shown(&point.metric));
        findings
            .error(Code::UnknownMetric, place, message)
            .maybe_hint(nearest::hint(&point.metric, &known));
        return;
    };
    let names: Vec<&str> =
        metric.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
    let place = place_of(&point.places, "dimensions", point.place);
    check_names(
        &point.dimensions,
        &names,
        place,
        &format!("the metric `{}`", shown(&metric.name)),
        findings,
    );
    let known = values_of(&metric.kind);
    for (name, _) in &point.values {
        if !known.contains(name) {
            let message = format!("points of `{}` have no `{name}`", shown(&metric.name));
            findings
                .error(Code::NotAvailable, place_of(&point.places, name, point.place), message)
                .hint(format!("they have {}", nearest::list(known)));
        }
    }
    check_window(point, metric, plan, start, findings);
}

fn check_window(
    point: &ExpectedPoint,
    metric: &Metric,
    plan: &Plan,
    start: Timestamp,
    findings: &mut Findings,
) {
    let window = plan.calendar.window(metric.window, point.window);
    if window.start != point.window {
        let offset = |time: Timestamp| duration::show(time.as_millis() - start.as_millis());
        let message = format!("no window of `{}` begins at {}", shown(&metric.name), point.window);
        let hint =
            format!("windows begin at `{}` and `{}`", offset(window.start), offset(window.end));
        findings.error(Code::InvalidWindow, point.window_place, message).hint(hint);
    }
}

/// The dimensions must be those of the metric or group, all of them.
fn check_names(
    given: &[(String, String)],
    names: &[&str],
    place: Place,
    owner: &str,
    findings: &mut Findings,
) {
    for (name, _) in given {
        if !names.contains(&name.as_str()) {
            let message = format!("{owner} has no dimension `{}`", shown(name));
            findings
                .error(Code::UnknownDimension, place, message)
                .maybe_hint(nearest::hint(name, names));
        }
    }
    let missing: Vec<&str> =
        names.iter().copied().filter(|name| given.iter().all(|(given, _)| given != name)).collect();
    let all_known = given.iter().all(|(name, _)| names.contains(&name.as_str()));
    if !missing.is_empty() && all_known {
        let message = format!(
            "{owner} has the dimensions {}, which are not given here",
            nearest::list(&missing)
        );
        findings
            .error(Code::UnknownDimension, place, message)
            .hint("give each a value; a missing one is `__missing__`");
    }
}

fn check_transition(transition: &ExpectedTransition, plan: &Plan, findings: &mut Findings) {
    let place = |key| place_of(&transition.places, key, transition.place);
    let Some(alert) = plan.alerts.iter().find(|alert| alert.name == transition.alert) else {
        let known: Vec<&str> = plan.alerts.iter().map(|alert| alert.name.as_str()).collect();
        let message = format!("there is no alert `{}`", shown(&transition.alert));
        findings
            .error(Code::UnknownAlert, place("alert"), message)
            .maybe_hint(nearest::hint(&transition.alert, &known));
        return;
    };
    let steps: Vec<&str> = alert.steps.iter().filter_map(|step| step.name.as_deref()).collect();
    match transition.step.as_deref() {
        Some(step) if !steps.contains(&step) => {
            let message =
                format!("the alert `{}` has no step `{}`", shown(&alert.name), shown(step));
            let hint = nearest::hint(step, &steps)
                .unwrap_or_else(|| "its one step has no name; leave `step` out".to_owned());
            findings.error(Code::UnknownStep, place("step"), message).hint(hint);
        }
        None if !steps.is_empty() => {
            let message =
                format!("the alert `{}` has named steps, and this names none", shown(&alert.name));
            findings
                .error(Code::UnknownStep, transition.place, message)
                .hint(format!("add one of {}", nearest::list(&steps)));
        }
        _ => {}
    }
    if let Some(metric) = plan.metrics.get(alert.metric) {
        let dimensions = alert.by.iter().filter_map(|position| metric.dimensions.get(*position));
        let names: Vec<&str> = dimensions.map(|dimension| dimension.name.as_str()).collect();
        check_names(
            &transition.group,
            &names,
            place("group"),
            &format!("the alert `{}`", shown(&alert.name)),
            findings,
        );
    }
}
