//! Checked rules: the plan that the engine works by, and what only delivery needs.

use std::fmt;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::{Millis, Timestamp};

/// A rules file, checked. It cannot be wrong.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What decides.
    pub plan: Plan,
    /// The ways to reach people.
    pub channels: Vec<Channel>,
    /// Who is told of what; the first that matches decides.
    pub routes: Vec<Route>,
    /// Whom the pipeline tells of its own troubles.
    pub pipeline: Option<PipelineAlerts>,
    /// How notifications are gathered and repeated.
    pub notify: Gathering,
    /// Planned quiet times.
    pub silences: Vec<Silence>,
    /// Quiet times that come back every week.
    pub maintenance: Vec<Maintenance>,
}

/// A way to reach people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The name in the rules file.
    pub name: String,
    /// How.
    pub kind: ChannelKind,
}

/// How a channel reaches people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// PagerDuty's Events API.
    Pagerduty {
        /// The integration's key.
        routing_key: SecretReference,
    },
    /// Mail.
    Email {
        /// Who gets it.
        to: Vec<String>,
        /// Who sends it.
        from: String,
    },
    /// An HTTP request.
    Webhook {
        /// Where to.
        url: WebhookUrl,
        /// What it is signed with.
        secret: Option<SecretReference>,
        /// What it is told in.
        format: WebhookFormat,
    },
    /// Text messages.
    Sms {
        /// Numbers with country code.
        to: Vec<String>,
    },
}

/// Where a webhook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookUrl {
    /// It stands in the rules.
    Written(String),
    /// It is a secret: whoever knows it may write there.
    Kept(SecretReference),
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(url) => formatter.write_str(url),
            Self::Kept(reference) => reference.fmt(formatter),
        }
    }
}

/// What a webhook is told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookFormat {
    /// Standard Webhooks.
    Standard,
    /// A message as Slack takes it.
    Slack,
}

/// Where a secret is kept. The secret itself never stands in rules, plans or messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretReference {
    /// `secret:NAME`, AWS Secrets Manager.
    SecretsManager(String),
    /// `ssm:NAME`, AWS Systems Manager's Parameter Store.
    ParameterStore(String),
    /// `env:NAME`, an environment variable.
    Environment(String),
}

impl fmt::Display for SecretReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretsManager(name) => write!(formatter, "secret:{name}"),
            Self::ParameterStore(name) => write!(formatter, "ssm:{name}"),
            Self::Environment(name) => write!(formatter, "env:{name}"),
        }
    }
}

/// What a route or a quiet time is about: all conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// What must be equal to one of the values, in the order of the file.
    pub conditions: Vec<(Subject, Vec<String>)>,
}

/// What a match looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
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

/// A quiet time.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// What is silenced.
    pub matches: Match,
    /// The days on which it begins, from Monday, which is 0.
    pub weekdays: [bool; 7],
    /// When it begins, in minutes since midnight.
    pub from_minutes: u32,
    /// When it ends; not after the beginning means on the next day.
    pub to_minutes: u32,
    /// Whose clock: an IANA name.
    pub time_zone: String,
    /// Why.
    pub reason: Option<String>,
}
