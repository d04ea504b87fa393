//! What alerts decided in one settle entry: each transition, what it was decided by, and who is told of it and why.
//!
//! It speaks for itself, as a publication does: whoever explains a page months later needs no rules.

use streamgauge_engine::alert::Severity;
use streamgauge_engine::notify::{Verdict, incident_key};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::transition::{Reason, Transition};

/// The transitions of one settle entry, in the order in which they were decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertRecord {
    /// The alerts that the transitions are of.
    pub alerts: Vec<RecordedAlert>,
    /// The transitions. [`Transition::alert`] is the alert's place in [`alerts`](Self::alerts).
    pub transitions: Vec<(Transition, Verdict)>,
}

/// What all transitions of an alert share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAlert {
    /// The hash of the plan that decided.
    pub plan: String,
    /// The alert's name.
    pub name: String,
    /// The name of its metric.
    pub metric: String,
    /// The names of the dimensions that make a group, in the order of the groups' values.
    pub by: Vec<String>,
    /// Its steps, the highest first.
    pub steps: Vec<RecordedStep>,
    /// The condition under `resolve` as in the rules, if there is one; entries of format 1 do not have it.
    pub resolve: Option<String>,
}

/// A step of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedStep {
    /// Its name; absent for the one that stands directly on the alert.
    pub name: Option<String>,
    /// The condition as in the rules.
    pub condition: String,
    /// How bad it is; entries of format 1 do not say.
    pub severity: Option<Severity>,
}

impl RecordedAlert {
    /// The alert at a place of a plan.
    pub fn of(plan: &Plan, place: usize) -> Option<Self> {
        let alert = plan.alerts.get(place)?;
        let metric = plan.metrics.get(alert.metric)?;
        let name = |&of: &usize| metric.dimensions.get(of).map(|one| one.name.clone());
        let steps = alert.steps.iter().map(|step| RecordedStep {
            name: step.name.clone(),
            condition: step.when.to_string(),
            severity: Some(step.severity),
        });
        Some(Self {
            plan: plan.hash.clone(),
            name: alert.name.clone(),
            metric: metric.name.clone(),
            by: alert.by.iter().filter_map(name).collect(),
            steps: steps.collect(),
            resolve: alert.resolve.as_ref().map(ToString::to_string),
        })
    }

    /// The step of a transition.
    pub fn step(&self, transition: &Transition) -> Option<&RecordedStep> {
        self.steps.get(transition.step)
    }

    /// The condition that decided a transition: what its value and its threshold belong to. Absent if that is not recorded.
    pub fn condition(&self, transition: &Transition) -> Option<&str> {
        if transition.reason == Reason::ResolveHolds {
            return self.resolve.as_deref();
        }
        Some(&self.step(transition)?.condition)
    }

    /// The names and values of a transition's group.
    pub fn group<'r>(
        &'r self,
        transition: &'r Transition,
    ) -> impl Iterator<Item = (&'r str, &'r str)> {
        self.by.iter().map(String::as_str).zip(transition.group.values())
    }

    /// The key of the incident that a transition belongs to, as notifications name it.
    pub fn key(&self, transition: &Transition) -> String {
        let step = self.step(transition).and_then(|step| step.name.as_deref());
        incident_key(&self.name, step, transition.group.values(), transition.episode)
    }
}

mod codec;
mod evidence;

pub(crate) use evidence::{read_evidence, write_evidence};
