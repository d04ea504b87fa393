//! What was told to a channel, and what is gathered for it.
//!
//! The first notification goes at once and opens a time of the length `together`. What comes in it waits, and goes as one
//! when it is over; that opens the next. So a channel gets at most two triggers per `together` and then one, however many groups fire.

use super::incident::{IncidentKey, Repeats};
use super::text::{Message, one_line};
use crate::notification::{Action, Member, Subject};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ChannelState {
    /// Until when what comes is gathered.
    pub(super) open_until: Option<Timestamp>,
    /// What waits for that.
    pub(super) waiting: Option<Gathered>,
    /// What went out and has not resolved, by key.
    pub(super) sent: BTreeMap<Arc<str>, Gathered>,
}

impl ChannelState {
    /// Whether nothing is left to do.
    pub(super) fn is_idle(&self) -> bool {
        self.open_until.is_none() && self.waiting.is_none() && self.sent.is_empty()
    }
}

/// Several firings that are one notification.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gathered {
    pub(super) key: Arc<str>,
    /// All that is said of the first; alone, it is the notification. For several the severity is the worst.
    pub(super) first: Message,
    /// The incident of the first.
    pub(super) incident: IncidentKey,
    /// Whether all are of one alert, so that its runbook and labels are right for all.
    pub(super) is_one_alert: bool,
    /// Those that are named, the first among them.
    pub(super) members: Vec<Member>,
    /// How many there are.
    pub(super) total: usize,
    /// How many of them fire.
    pub(super) firing: usize,
    pub(super) repeats: Repeats,
}

impl Gathered {
    /// The first alone.
    pub(super) fn new(key: Arc<str>, incident: IncidentKey, first: Message) -> Self {
        let mut gathered = Self {
            key,
            first,
            incident,
            is_one_alert: true,
            members: Vec::new(),
            total: 1,
            firing: 1,
            repeats: Repeats::default(),
        };
        if let Subject::Alert(member) = &gathered.first.subject {
            gathered.members.push((**member).clone());
        }
        gathered
    }

    /// Adds another; `message` is asked for only if there is room to name it.
    pub(super) fn add(
        &mut self,
        incident: &IncidentKey,
        severity: crate::alert::Severity,
        list_at_most: usize,
        message: impl FnOnce() -> Message,
    ) {
        self.total += 1;
        self.firing += 1;
        self.is_one_alert &= incident.alert == self.incident.alert;
        // The worst comes first.
        self.first.severity = self.first.severity.min(severity);
        if self.members.len() < list_at_most
            && let Subject::Alert(member) = message().subject
        {
            self.members.push(*member);
        }
    }

    /// What is said of all.
    pub(super) fn message(&self, action: Action) -> Message {
        if self.total == 1 {
            return self.first.clone();
        }
        let Self { total, firing, first, .. } = self;
        let summary = match action {
            // What was changed is never gathered.
            Action::Trigger | Action::Change => {
                format!("{total} alerts fire: {}, and others", first.summary)
            }
            Action::Repeat => {
                format!("{firing} of {total} alerts still fire: {}, and others", first.summary)
            }
            Action::Resolve => {
                format!("{total} alerts have resolved: {}, and others", first.summary)
            }
        };
        Message {
            key: self.key.as_ref().to_owned(),
            severity: first.severity,
            at: first.at,
            summary: one_line(&summary),
            description: None,
            runbook: first.runbook.clone().filter(|_| self.is_one_alert),
            subject: Subject::Gathered {
                members: self.members.clone(),
                more: total.saturating_sub(self.members.len()),
            },
            labels: if self.is_one_alert { first.labels.clone() } else { Vec::new() },
        }
    }
}
