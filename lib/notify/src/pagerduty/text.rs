//! The texts of an event, within their limits.

use super::{DEDUP_KEY_CHARS_MAX, SUMMARY_CHARS_MAX};
use crate::details::{clip, group_line, hash};
use streamgauge_engine::notification::{Notification, Subject};

/// Where an event comes from, in `PagerDuty`'s words.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// What is affected: the metric.
    pub(super) source: String,
    /// Which part of it: the group's values.
    pub(super) component: Option<String>,
    /// What belongs together: the alert.
    pub(super) group: Option<String>,
    /// The kind of event: the step.
    pub(super) class: Option<String>,
}

/// Where an event comes from.
pub(super) fn place(subject: &Subject) -> Place {
    let source = || "StreamGauge".to_owned();
    match subject {
        Subject::Alert(member) => Place {
            source: member.metric.clone(),
            component: group_line(&member.group),
            group: Some(member.alert.clone()),
            class: member.step.clone(),
        },
        Subject::Gathered { .. } => {
            Place { source: source(), class: Some("gathered".to_owned()), ..Place::default() }
        }
        Subject::Pipeline { alert } => Place {
            source: source(),
            component: Some("pipeline".to_owned()),
            group: None,
            class: Some(alert.clone()),
        },
        Subject::Deploy(deploy) => Place {
            source: source(),
            component: deploy.service.clone(),
            group: None,
            class: Some("deploy".to_owned()),
        },
    }
}

/// One line that is never blank: an event without a summary is refused.
pub(super) fn summary(notification: &Notification) -> String {
    let summary = notification.summary.trim();
    if summary.is_empty() {
        clip(&notification.key, SUMMARY_CHARS_MAX)
    } else {
        clip(summary, SUMMARY_CHARS_MAX)
    }
}

/// The key of the incident. One that is too long keeps its beginning, and its hash in the place of the rest.
pub(super) fn dedup_key(key: &str) -> String {
    if key.chars().nth(DEDUP_KEY_CHARS_MAX).is_none() {
        return key.to_owned();
    }
    let hash = hash(key);
    let begin: String = key.chars().take(DEDUP_KEY_CHARS_MAX - hash.len() - 1).collect();
    format!("{begin}-{hash}")
}
