//! What the rules file says of who is told, and when: the part of it that decides. Addresses and secrets are no part of it.

use crate::alert::Severity;
use crate::calendar::Calendar;
use crate::time::{HOUR_MS, Millis, SECOND_MS, Timestamp};

/// Who is told of what, and when. A rules file that says nothing has the default.
#[derive(Clone, Debug, Default)]
pub struct Notifying {
    /// The ways to reach people.
    pub channels: Vec<Channel>,
    /// Who is told of what; the first that matches decides.
    pub routes: Vec<Route>,
    /// Whom the pipeline tells of its own troubles.
    pub pipeline: Option<PipelineAlerts>,
    /// How notifications are gathered and repeated.
    pub gathering: Gathering,
    /// Planned quiet times.
    pub silences: Vec<Silence>,
    /// Quiet times that come back every week.
    pub maintenance: Vec<Maintenance>,
}

impl Notifying {
    /// The channel of this name.
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }
}

/// A way to reach people, as far as deciding needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The name in the rules file.
    pub name: String,
    /// Whether people are told again while an alert fires: mails are repeated, pages are not.
    pub repeats: bool,
    /// Whether it is told of deploys: PagerDuty shows them beside incidents; anywhere else they would only disturb people.
    pub changes: bool,
}

/// What a route or a quiet time is about: all conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// What must be equal to one of the values, in the order of the file.
    pub conditions: Vec<(Attribute, Vec<String>)>,
}

/// What a match looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// The alert's name.
    Alert,
    /// The name of its metric.
    Metric,
    /// The step's name.
    Step,
    /// The step's severity.
    Severity,
    /// The channel that would be told.
    Channel,
    /// A dimension of the group, else a label of the alert.
    Named(String),
}

/// Who is told of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What it is about.
    pub matches: Match,
    /// The channels to tell.
    pub notify: Vec<String>,
}

/// The pipeline's own alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineAlerts {
    /// How bad they are.
    pub severity: Severity,
    /// The channels to tell.
    pub notify: Vec<String>,
}

/// How notifications are gathered and repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// What follows the first within this time becomes one.
    pub together: Millis,
    /// Groups that are named in it.
    pub list_at_most: usize,
    /// How often mail is repeated.
    pub repeat: Millis,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { together: 30 * SECOND_MS, list_at_most: 20, repeat: 4 * HOUR_MS }
    }
}

/// A quiet time, planned in the rules file or added while the stack runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// What is silenced.
    pub matches: Match,
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Who answers for it.
    pub author: String,
    /// Why.
    pub reason: String,
}

/// A quiet time that comes back every week.
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// What is silenced.
    pub matches: Match,
    /// The days on which it begins, from Monday, which is 0.
    pub weekdays: [bool; 7],
    /// When it begins, in minutes since midnight.
    pub from_minutes: u32,
    /// When it ends; not after the beginning means on the next day.
    pub to_minutes: u32,
    /// Whose clock.
    pub calendar: Calendar,
    /// Why.
    pub reason: Option<String>,
}
