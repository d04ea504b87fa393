//! What alerts decided in one settle entry: each transition, what it was decided by, and who is told of it and why.
//!
//! It speaks for itself, as a publication does: whoever explains a page months later needs no rules.

use streamgauge_engine::notify::Verdict;
use streamgauge_engine::transition::Transition;

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
}

/// A step of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedStep {
    /// Its name; absent for the one that stands directly on the alert.
    pub name: Option<String>,
    /// The condition as in the rules.
    pub condition: String,
}

mod codec;
mod evidence;

pub(crate) use evidence::{read_evidence, write_evidence};
