//! A webhook in the form of Standard Webhooks 1.0: a notification as `{type, timestamp, data}`, signed.
//!
//! `webhook-id` is the notification's id, the same however often it is sent: by it a receiver knows repeats.
//! `webhook-timestamp` is the moment of the attempt, so that an old copy cannot be played back.
//! What makes a body too large is left out, and `left_out` says so.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

mod signature;

#[cfg(feature = "http")]
mod sink;

use crate::details::{clip, hash, of_subject, put};
use serde_json::{Map, Value, json};
use streamgauge_engine::notification::{Action, Notification, Subject};

pub use signature::{SigningKey, SigningKeyError};
#[cfg(feature = "http")]
pub use sink::Webhook;

/// The largest body, in bytes: the specification asks for less than 20 KB.
pub const BODY_BYTES_MAX: usize = 20_000;
/// The longest text of a body from which everything else was left out, in characters: it fits in whatever it holds.
const LAST_CHARS_MAX: usize = 400;

/// The body that tells a notification.
pub fn body(notification: &Notification) -> Vec<u8> {
    let whole = of_subject(notification);
    let mut without_ids = whole.clone();
    remove_ids(&mut without_ids);
    let mut without_lists = without_ids.clone();
    without_lists.remove("members");
    without_lists.remove("description");
    let candidates = [
        (whole, None),
        (without_ids, Some("the ids of events")),
        (without_lists, Some("the ids of events, members and the description")),
    ];
    let bodies = candidates
        .into_iter()
        .map(|(details, left_out)| envelope(notification, details, left_out, None));
    bodies.into_iter().find(|body| body.len() < BODY_BYTES_MAX).unwrap_or_else(|| {
        envelope(notification, Map::new(), Some("all details"), Some(LAST_CHARS_MAX))
    })
}

fn remove_ids(details: &mut Map<String, Value>) {
    details.remove("event_ids");
    for member in details.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(member) = member.as_object_mut() {
            member.remove("event_ids");
        }
    }
}

/// The body around details.
fn envelope(
    notification: &Notification,
    mut details: Map<String, Value>,
    left_out: Option<&str>,
    chars_max: Option<usize>,
) -> Vec<u8> {
    let text = |text: &str| chars_max.map_or_else(|| text.to_owned(), |max| clip(text, max));
    put(&mut details, "id", Some(text(&notification.id)));
    put(&mut details, "key", Some(text(&notification.key)));
    put(&mut details, "channel", Some(text(&notification.channel)));
    put(&mut details, "severity", Some(notification.severity.as_str()));
    put(&mut details, "summary", Some(text(&notification.summary)));
    put(&mut details, "left_out", left_out);
    let body = json!({
        "type": event_type(notification),
        "timestamp": notification.at.to_string(),
        "data": details,
    });
    body.to_string().into_bytes()
}

/// The `webhook-id` of a notification: its id, or what stands for it where that holds what a signed id must not, a full stop:
/// groups are named by events, and nobody may shift the border between id and moment.
pub fn webhook_id(notification: &Notification) -> String {
    let id = &notification.id;
    let is_plain = id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.');
    if is_plain && !id.is_empty() { id.clone() } else { format!("msg_{}", hash(id)) }
}

/// The type of the event: what it is about, and what happened.
pub fn event_type(notification: &Notification) -> &'static str {
    let is_own = matches!(notification.subject, Subject::Pipeline { .. });
    match (is_own, notification.action) {
        (false, Action::Trigger) => "alert.triggered",
        (false, Action::Repeat) => "alert.repeated",
        (false, Action::Resolve) => "alert.resolved",
        (true, Action::Trigger) => "pipeline.triggered",
        (true, Action::Repeat) => "pipeline.repeated",
        (true, Action::Resolve) => "pipeline.resolved",
        (_, Action::Change) => "deploy.told",
    }
}

#[cfg(test)]
mod tests;
