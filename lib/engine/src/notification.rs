//! A notification: what one channel is told, finished. It speaks for itself, so that whoever sends it needs no rules.
//!
//! The settle fold decides all of it, its texts too; a lane of deliver sends it, as often as it takes, and decides nothing.

use crate::alert::Severity;
use crate::time::Timestamp;
use crate::transition::Evidence;

/// What one channel is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// The channel's name.
    pub channel: String,
    /// Names the incident: the same for its trigger, its repeats and its resolve, and for nothing else. ASCII, at most 255 bytes
    /// (PagerDuty's `dedup_key`).
    pub key: String,
    /// Names this notification: the same however often it is sent, and for nothing else. ASCII, at most 255 bytes.
    pub id: String,
    /// What it does to the incident.
    pub action: Action,
    /// How bad it is.
    pub severity: Severity,
    /// The event time that it is about.
    pub at: Timestamp,
    /// One line.
    pub summary: String,
    /// More about it.
    pub description: Option<String>,
    /// The link to the runbook.
    pub runbook: Option<String>,
    /// What it is about.
    pub subject: Subject,
    /// Fixed names and values for routing.
    pub labels: Vec<(String, String)>,
    /// The hash of the plan that decided.
    pub plan: String,
}

/// What a notification does to its incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Opens it.
    Trigger,
    /// Says that it is still open: mails only.
    Repeat,
    /// Closes it.
    Resolve,
    /// Nothing: there is none. It says that something was changed.
    Change,
}

/// What a notification is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// One step of one alert for one group.
    Alert(Box<Member>),
    /// Several, gathered into one.
    Gathered {
        /// Those that are named, in the order in which they came.
        members: Vec<Member>,
        /// How many more there are.
        more: usize,
    },
    /// The pipeline itself: behind, dead letters, a lane that is stuck.
    Pipeline {
        /// Which of its own alerts.
        alert: String,
    },
    /// A deploy of something that the events are about, so that people see it beside what fires.
    Deploy(Deploy),
}

/// A deploy that somebody told the pipeline of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    /// What was deployed, as people name it.
    pub version: String,
    /// Of which service.
    pub service: Option<String>,
    /// Who says so.
    pub author: String,
    /// The address of a page about it.
    pub link: Option<String>,
}

/// One step of one alert for one group, as a notification tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The alert's name.
    pub alert: String,
    /// The step's name.
    pub step: Option<String>,
    /// The metric's name.
    pub metric: String,
    /// The dimensions that make the group, with their values.
    pub group: Vec<(String, String)>,
    /// The condition as in the rules: `sum over 10m >= 3`.
    pub condition: String,
    /// Its own one line.
    pub summary: String,
    /// What it was decided by.
    pub evidence: Evidence,
}
