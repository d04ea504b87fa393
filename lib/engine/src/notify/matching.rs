//! What routes and quiet times look at, and whether they match.

use super::rules::{Attribute, Match, Notifying};
use crate::alert::{Alert, Severity, Step};
use crate::plan::Metric;
use crate::series::SeriesKey;

/// What is known of a firing, as matches see it.
#[derive(Clone, Debug)]
pub(super) struct Facts<'f> {
    /// The alert's name; the pipeline's own alerts have none, and no metric and step either.
    pub(super) alert: Option<&'f str>,
    /// The name of its metric.
    pub(super) metric: Option<&'f str>,
    /// The step's name.
    pub(super) step: Option<&'f str>,
    /// The step's severity.
    pub(super) severity: Severity,
    /// The channel that would be told; routes do not know it yet.
    pub(super) channel: Option<&'f str>,
    /// The dimensions of the group with their values, then the alert's labels.
    pub(super) named: Vec<(&'f str, &'f str)>,
}

impl<'f> Facts<'f> {
    /// What is known of a step of an alert for a group.
    pub(super) fn of(
        alert: &'f Alert,
        metric: &'f Metric,
        step: &'f Step,
        group: &'f SeriesKey,
    ) -> Self {
        let labels = alert.texts.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Self {
            alert: Some(&alert.name),
            metric: Some(&metric.name),
            step: step.name.as_deref(),
            severity: step.severity,
            channel: None,
            named: dimensions(alert, metric, group).chain(labels).collect(),
        }
    }

    /// The same for a channel.
    pub(super) fn on(&self, channel: &'f str) -> Self {
        Self { channel: Some(channel), ..self.clone() }
    }

    fn attribute(&self, attribute: &Attribute) -> Option<&'f str> {
        match attribute {
            Attribute::Alert => self.alert,
            Attribute::Metric => self.metric,
            Attribute::Step => self.step,
            Attribute::Severity => Some(self.severity.as_str()),
            Attribute::Channel => self.channel,
            Attribute::Named(wanted) => {
                let mut named = self.named.iter();
                named.find(|(name, _)| name == wanted).map(|&(_, value)| value)
            }
        }
    }
}

/// The dimensions that make the group, with their values.
pub(super) fn dimensions<'f>(
    alert: &'f Alert,
    metric: &'f Metric,
    group: &'f SeriesKey,
) -> impl Iterator<Item = (&'f str, &'f str)> {
    alert.by.iter().zip(group.values()).filter_map(|(place, value)| {
        metric.dimensions.get(*place).map(|dimension| (dimension.name.as_str(), value))
    })
}

impl Match {
    /// Whether all conditions hold.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        self.conditions.iter().all(|(attribute, values)| {
            let known = facts.attribute(attribute);
            values.iter().any(|value| Some(value.as_str()) == known)
        })
    }
}

/// The channels to tell: those of the first route that matches, else the step's own. Each once.
pub(super) fn channels<'p>(
    notifying: &'p Notifying,
    step: &'p Step,
    facts: &Facts<'_>,
) -> Vec<&'p str> {
    let route = notifying.routes.iter().find(|route| route.matches.holds(facts));
    let named = route.map_or(&step.notify, |route| &route.notify);
    let mut channels: Vec<&str> = Vec::new();
    for name in named {
        if !channels.contains(&name.as_str()) {
            channels.push(name);
        }
    }
    channels
}
