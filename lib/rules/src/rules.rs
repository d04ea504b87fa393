//! Checked rules: the plan that the engine works by, and what only delivery needs.

use std::fmt;
use streamgauge_engine::plan::Plan;

/// A rules file, checked. It cannot be wrong.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What decides; `notifying` in it says who is told.
    pub plan: Plan,
    /// The ways to reach people, with all that sending needs.
    pub channels: Vec<Channel>,
}

/// A way to reach people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The name in the rules file.
    pub name: String,
    /// How.
    pub kind: ChannelKind,
}

impl Channel {
    /// What of it decides anything.
    pub(crate) fn deciding(&self) -> streamgauge_engine::notify::rules::Channel {
        let repeats = matches!(self.kind, ChannelKind::Email { .. });
        let changes = matches!(self.kind, ChannelKind::Pagerduty { .. });
        streamgauge_engine::notify::rules::Channel { name: self.name.clone(), repeats, changes }
    }
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
