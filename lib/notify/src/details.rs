//! What a notification is about, as JSON: the same names wherever people or programs read it.
//!
//! Decimals are texts, so that they are as exact as in the log; moments are RFC 3339.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::notification::{Member, Notification, Subject};
use streamgauge_engine::transition::Evidence;

/// What a notification is about: one member's details at the top, those of several as a list.
pub(crate) fn of_subject(notification: &Notification) -> Map<String, Value> {
    let mut details = match &notification.subject {
        Subject::Alert(only) => member(only),
        Subject::Gathered { members, more } => {
            let members: Vec<_> = members.iter().map(|each| member(each).into()).collect();
            Map::from_iter([
                ("members".to_owned(), Value::Array(members)),
                ("more".to_owned(), json!(more)),
            ])
        }
        Subject::Pipeline { alert } => Map::from_iter([("alert".to_owned(), json!(alert))]),
        Subject::Deploy(deploy) => {
            let mut details = Map::new();
            put(&mut details, "version", Some(deploy.version.as_str()));
            put(&mut details, "service", deploy.service.as_deref());
            put(&mut details, "author", Some(deploy.author.as_str()));
            put(&mut details, "link", deploy.link.as_deref());
            details
        }
    };
    put(&mut details, "at", Some(notification.at.to_string()));
    put(&mut details, "description", notification.description.as_deref());
    put(&mut details, "runbook", notification.runbook.as_deref());
    put(&mut details, "labels", pairs(&notification.labels));
    put(&mut details, "plan", Some(notification.plan.as_str()));
    details
}

/// One step of one alert for one group, and what it was decided by.
fn member(member: &Member) -> Map<String, Value> {
    let mut details = Map::new();
    put(&mut details, "alert", Some(member.alert.as_str()));
    put(&mut details, "step", member.step.as_deref());
    put(&mut details, "metric", Some(member.metric.as_str()));
    put(&mut details, "group", pairs(&member.group));
    put(&mut details, "condition", Some(member.condition.as_str()));
    put(&mut details, "summary", Some(member.summary.as_str()));
    evidence(&mut details, &member.evidence);
    details
}

fn evidence(details: &mut Map<String, Value>, evidence: &Evidence) {
    let text = |decimal: Option<Decimal>| decimal.map(|decimal| decimal.to_string());
    put(details, "from", Some(evidence.from.to_string()));
    put(details, "until", Some(evidence.until.to_string()));
    put(details, "value", text(evidence.value));
    put(details, "threshold", text(evidence.threshold));
    put(details, "volume", evidence.volume);
    put(details, "events", Some(evidence.events));
    let ids: Vec<&str> = evidence.ids.iter().map(AsRef::as_ref).collect();
    put(details, "event_ids", Some(ids));
    put(details, "late", Some(evidence.late));
    put(details, "duplicates", Some(evidence.duplicates));
    put(details, "watermark", evidence.watermark.map(|watermark| watermark.to_string()));
}

/// Names and values as an object; none: nothing.
fn pairs(pairs: &[(String, String)]) -> Option<Value> {
    let map = pairs.iter().map(|(name, value)| (name.clone(), json!(value)));
    (!pairs.is_empty()).then(|| Value::Object(map.collect()))
}

/// Puts what is there.
pub(crate) fn put(map: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), value.into());
    }
}

/// The values of a group in one line: `aggregator=noon, country=AE`; none for the group of all.
pub(crate) fn group_line(group: &[(String, String)]) -> Option<String> {
    let parts: Vec<_> = group.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A text cut to so many characters, the last of which then is an ellipsis.
pub(crate) fn clip(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

/// What stands for a text that cannot stand for itself: its SHA-256, in hexadecimal.
pub(crate) fn hash(text: &str) -> String {
    let mut hash = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        _ = write!(hash, "{byte:02x}");
    }
    hash
}

/// Whether a text is the address of a page.
pub(crate) fn is_link(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}
