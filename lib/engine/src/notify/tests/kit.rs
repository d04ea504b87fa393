//! A plan with two alerts, transitions in one line each, and notifications as lines to compare.

use crate::aggregate::samples::{TIMING, plan as metrics};
use crate::alert::{Aggregate, Alert, Comparison, Condition, Over, Severity, Step, Texts};
use crate::decimal::Decimal;
use crate::notification::{Action, Notification, Subject};
use crate::notify::rules::{
    Attribute, Channel, Gathering, Match, Notifying, PipelineAlerts, Silence,
};
use crate::notify::{Clock, Decided, Moment, Notifier, Render, TemplateValue, Why};
use crate::plan::Plan;
use crate::series::SeriesKey;
use crate::time::{HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};
use crate::transition::{Evidence, Reason, Transition, TransitionKind};
use std::sync::Arc;

/// 2026-01-05T10:00:00Z, a Monday.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_millis(1_767_607_200_000);

/// So many seconds after the beginning.
pub(crate) const fn at(seconds: i64) -> Timestamp {
    BEGINNING.plus(seconds * SECOND_MS)
}

/// Replaces `{{ name }}`; a name that is not known is an error.
#[derive(Debug)]
pub(crate) struct Braces;

impl Render for Braces {
    fn render(&self, template: &str, values: &[(&str, TemplateValue)]) -> Result<String, String> {
        let mut text = template.to_owned();
        for (name, value) in values {
            let value = match value {
                TemplateValue::Number(number) => number.to_string(),
                TemplateValue::Text(value) => value.clone(),
                TemplateValue::Nothing => "none".to_owned(),
            };
            text = text.replace(&format!("{{{{ {name} }}}}"), &value);
        }
        if text.contains("{{") { Err("a name that is not known".to_owned()) } else { Ok(text) }
    }
}

pub(crate) fn count_over(length: i64, threshold: u64) -> Condition {
    Condition::Threshold {
        aggregate: Aggregate::Sum,
        over: Over::Sliding(length),
        comparison: Comparison::AtLeast,
        threshold: Decimal::from_u64(threshold).unwrap(),
    }
}

fn step(name: Option<&str>, when: Condition, severity: Severity, notify: &[&str]) -> Step {
    Step {
        name: name.map(str::to_owned),
        when,
        hold: 0,
        severity,
        notify: notify.iter().map(|&channel| channel.to_owned()).collect(),
        early: false,
    }
}

fn alert(name: &str, metric: usize, steps: Vec<Step>) -> Alert {
    Alert {
        name: name.to_owned(),
        definition: format!("definition of {name}"),
        metric,
        by: vec![0],
        steps,
        resolve: None,
        min_volume: None,
        keep_firing_for: 0,
        max_age: HOUR_MS,
        texts: Texts::default(),
    }
}

/// `rejections` with a page and a mail, `silence` with both, `journeys` that are decided later; no routes and quiet times.
pub(crate) fn plan() -> Plan {
    let mut plan = metrics(TIMING);
    plan.hash = "plan".to_owned();
    for (metric, name) in plan.metrics.iter_mut().zip(["orders", "b", "c", "d", "e", "journeys"]) {
        name.clone_into(&mut metric.name);
        for (dimension, named) in metric.dimensions.iter_mut().zip(["partner", "country"]) {
            named.clone_into(&mut dimension.name);
        }
    }
    let reactive = count_over(10 * MINUTE_MS, 3);
    let proactive = count_over(20 * MINUTE_MS, 3);
    let absent = Condition::Absent { length: 15 * MINUTE_MS };
    plan.alerts = vec![
        alert(
            "rejections",
            0,
            vec![
                step(Some("reactive"), reactive, Severity::Critical, &["oncall"]),
                step(Some("proactive"), proactive, Severity::Warning, &["mail"]),
            ],
        ),
        alert("silence", 0, vec![step(None, absent, Severity::Error, &["oncall", "mail"])]),
        alert("journeys", 5, vec![step(None, count_over(1, 1), Severity::Error, &["oncall"])]),
    ];
    let channel =
        |name: &str, repeats| Channel { name: name.to_owned(), repeats, changes: name == "oncall" };
    plan.notifying = Notifying {
        channels: vec![channel("oncall", false), channel("mail", true), channel("hook", false)],
        pipeline: Some(PipelineAlerts {
            severity: Severity::Error,
            notify: vec!["oncall".to_owned(), "mail".to_owned()],
        }),
        gathering: Gathering { together: 30 * SECOND_MS, list_at_most: 3, repeat: 4 * HOUR_MS },
        ..Notifying::default()
    };
    plan
}

/// The place of an alert and a step: `rejections`, `rejections reactive`.
fn place(plan: &Plan, name: &str) -> (usize, usize) {
    let (alert, step) = name.split_once(' ').unwrap_or((name, ""));
    let alert = plan.alerts.iter().position(|one| one.name == alert).unwrap();
    let named = |one: &Step| one.name.as_deref().unwrap_or_default() == step;
    (alert, plan.alerts[alert].steps.iter().position(named).unwrap())
}

fn transition(
    (alert, step): (usize, usize),
    group: &str,
    kind: TransitionKind,
    at: Timestamp,
    episode: Timestamp,
) -> Transition {
    let evidence = Evidence {
        from: at.minus(10 * MINUTE_MS),
        until: at,
        value: Some(Decimal::from_u64(3).unwrap()),
        threshold: Some(Decimal::from_u64(3).unwrap()),
        events: 3,
        ids: vec!["a".into(), "b".into()],
        course: vec![None, Some(Decimal::ZERO)],
        watermark: Some(at),
        ..Evidence::default()
    };
    let reason = match kind {
        TransitionKind::Pending => Reason::ConditionBegan,
        TransitionKind::Firing => Reason::ConditionHolds,
        TransitionKind::Resolved => Reason::NothingHolds,
    };
    let group = Arc::new(SeriesKey::new([group]));
    Transition { alert, step, group, kind, at, episode, reason, evidence }
}

/// `rejections reactive` fires for a group; the episode begins with it.
pub(crate) fn fires(name: &str, group: &str, seconds: i64) -> Transition {
    also_fires(name, group, seconds, seconds)
}

/// It fires in an episode that began before.
pub(crate) fn also_fires(name: &str, group: &str, seconds: i64, episode: i64) -> Transition {
    transition(place(&plan(), name), group, TransitionKind::Firing, at(seconds), at(episode))
}

/// The episode that began so many seconds after the beginning has ended.
pub(crate) fn resolves(name: &str, group: &str, seconds: i64, episode: i64) -> Transition {
    transition(place(&plan(), name), group, TransitionKind::Resolved, at(seconds), at(episode))
}

/// A condition begins to hold.
pub(crate) fn pends(name: &str, group: &str, seconds: i64) -> Transition {
    transition(place(&plan(), name), group, TransitionKind::Pending, at(seconds), at(seconds))
}

/// A silence of what matches, in seconds after the beginning.
pub(crate) fn silence(conditions: &[(Attribute, &str)], from: i64, until: i64) -> Silence {
    Silence {
        matches: matching(conditions),
        from: at(from),
        until: at(until),
        author: "ops@example.com".to_owned(),
        reason: "partner moves".to_owned(),
    }
}

pub(crate) fn matching(conditions: &[(Attribute, &str)]) -> Match {
    let condition =
        |(attribute, value): &(Attribute, &str)| (attribute.clone(), vec![(*value).to_owned()]);
    Match { conditions: conditions.iter().map(condition).collect() }
}

/// A notifier with its plan and the silences that were added.
pub(crate) struct Scene {
    pub(crate) plan: Arc<Plan>,
    pub(crate) notifier: Notifier,
    pub(crate) silences: Vec<Silence>,
}

impl Scene {
    pub(crate) fn new(change: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = plan();
        change(&mut plan);
        let plan = Arc::new(plan);
        Self { notifier: Notifier::new(Arc::clone(&plan)), plan, silences: Vec::new() }
    }

    pub(crate) fn decide(
        &mut self,
        clock: Clock,
        evaluated_to: Timestamp,
        transitions: &[Transition],
    ) -> Decided {
        let evaluated_to = Some(evaluated_to);
        let moment = Moment { clock, evaluated_to, silences: &self.silences, render: &Braces };
        self.notifier.decide(&self.plan, transitions, &moment)
    }

    /// Decides at a time of the clock, with evaluation a second behind it: why each transition is sent or not, and what goes out.
    #[track_caller]
    pub(crate) fn check(
        &mut self,
        clock: i64,
        transitions: &[Transition],
        whys: &[Why],
        lines: &[&str],
    ) {
        self.check_behind(clock, clock - 1, transitions, whys, lines);
    }

    #[track_caller]
    pub(crate) fn check_behind(
        &mut self,
        clock: i64,
        evaluated_to: i64,
        transitions: &[Transition],
        whys: &[Why],
        lines: &[&str],
    ) {
        let decided = self.decide(Clock::Recorded(at(clock)), at(evaluated_to), transitions);
        let got: Vec<_> = decided.verdicts.iter().map(|verdict| verdict.why).collect();
        assert_eq!(got, whys);
        let told: Vec<_> = decided.notifications.iter().map(line).collect();
        assert_eq!(told, lines);
    }
}

/// A notification as a line: `oncall trigger rejections reactive noon`, `mail resolve a, b, c and 7 more`.
pub(crate) fn line(notification: &Notification) -> String {
    let action = match notification.action {
        Action::Trigger => "trigger",
        Action::Repeat => "repeat",
        Action::Resolve => "resolve",
        Action::Change => "change",
    };
    let subject = match &notification.subject {
        Subject::Alert(member) => {
            let mut words = vec![member.alert.as_str()];
            words.extend(member.step.as_deref());
            words.extend(member.group.iter().map(|(_, value)| value.as_str()));
            words.join(" ")
        }
        Subject::Gathered { members, more } => {
            let groups: Vec<_> = members.iter().map(|member| member.group[0].1.as_str()).collect();
            format!("{} and {more} more", groups.join(", "))
        }
        Subject::Pipeline { alert } => alert.clone(),
        Subject::Deploy(deploy) => deploy.version.clone(),
    };
    format!("{} {action} {subject}", notification.channel)
}
