//! Which channels of the rules can tell somebody, as far as that shows before anything is to be told.
//!
//! Who asks to be told must not find out on the day on which something fires that nobody can be. So each channel is looked at without a
//! call: whether its secrets are there, whether its address can be called, whether something carries its mails.

use super::{Variable, WaysError, open};
use crate::happening::chain;
use std::collections::BTreeMap;
use streamgauge_notify::channels::Closed;
use streamgauge_notify::http::HttpError;
use streamgauge_notify::secret::SecretError;
use streamgauge_notify::smtp::URL_VARIABLE;
use streamgauge_pipeline::system_clock::SystemClock;
use streamgauge_rules::Rules;
use streamgauge_rules::rules::{Channel, ChannelKind, WebhookFormat};

/// What the rules' channels are good for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Those that are told of something and can be, with what each is.
    pub tells: Vec<(String, &'static str)>,
    /// Those that can tell nobody.
    pub broken: Vec<Broken>,
}

/// A channel that can tell nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name.
    pub channel: String,
    /// What it is.
    pub kind: &'static str,
    /// What in the rules notifies it first; absent: nothing does.
    pub notified_by: Option<String>,
    /// Why it can tell nobody.
    pub why: String,
    /// What to do, where the cause does not say it.
    pub hint: Option<String>,
}

/// Looks at all channels, with the variables of the environment.
pub async fn audit(rules: &Rules, variable: Variable) -> Result<Audit, WaysError> {
    let channels = open(variable, SystemClock).await?;
    let notified = notified(rules);
    let mut audit = Audit::default();
    for channel in &rules.channels {
        let notified_by = notified.get(channel.name.as_str()).cloned();
        match channels.check(channel).await {
            Ok(()) if notified_by.is_some() => {
                audit.tells.push((channel.name.clone(), kind(channel)));
            }
            Ok(()) => {}
            Err(closed) => audit.broken.push(Broken {
                channel: channel.name.clone(),
                kind: kind(channel),
                notified_by,
                why: chain(&closed),
                hint: hint(&closed),
            }),
        }
    }
    Ok(audit)
}

/// The channels that something notifies, each with what does so first.
pub fn notified(rules: &Rules) -> BTreeMap<&str, String> {
    let mut notified = BTreeMap::new();
    let mut add = |names: &'_ [String], by: &dyn Fn() -> String| {
        for name in names {
            let known = rules.channels.iter().find(|channel| channel.name == *name);
            if let Some(channel) = known {
                notified.entry(channel.name.as_str()).or_insert_with(by);
            }
        }
    };
    for alert in &rules.plan.alerts {
        for step in &alert.steps {
            add(&step.notify, &|| format!("the alert `{}`", alert.name));
        }
    }
    for route in &rules.plan.notifying.routes {
        add(&route.notify, &|| "a route".to_owned());
    }
    if let Some(pipeline) = &rules.plan.notifying.pipeline {
        add(&pipeline.notify, &|| "`pipeline`".to_owned());
    }
    notified
}

/// What people call it.
const fn kind(channel: &Channel) -> &'static str {
    match &channel.kind {
        ChannelKind::Pagerduty { .. } => "PagerDuty",
        ChannelKind::Email { .. } => "mail",
        ChannelKind::Webhook { format: WebhookFormat::Standard, .. } => "webhook",
        ChannelKind::Webhook { format: WebhookFormat::Slack, .. } => "Slack",
        ChannelKind::Sms { .. } => "text messages",
    }
}

/// What to do, where the cause does not say it.
fn hint(closed: &Closed) -> Option<String> {
    Some(match closed {
        Closed::Address(HttpError::NoTls) => {
            "build it with TLS: cargo install --locked --path cli --features tls".to_owned()
        }
        Closed::NoSecret(SecretError::NotServed { reference }) => format!(
            "in rules that AWS has too, write `${{NAME:{reference}}}`, and set NAME to `env:VARIABLE` here"
        ),
        Closed::NoMail => {
            format!(
                "name the mail server in {URL_VARIABLE}: smtps://USER@HOST, or smtp://localhost:25"
            )
        }
        Closed::NoTexts => "text messages go over AWS only; notify another channel here".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
