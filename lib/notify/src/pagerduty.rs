//! `PagerDuty`: a notification as an event of the Events API v2, a deploy as a change event.
//!
//! `dedup_key` is the notification's key, so that a repeat is no second page and a resolve finds its trigger. What is too
//! long is cut, and details that would make the event too large are replaced by a text that says so.
//!
//! <https://developer.pagerduty.com/docs/events-api-v2-overview>

mod text;

#[cfg(feature = "http")]
mod sink;

use crate::details::{clip, is_link, of_subject, put};
use crate::secret::Secret;
use serde_json::{Map, Value, json};
use streamgauge_engine::notification::{Action, Deploy, Notification, Subject};
use streamgauge_engine::time::Timestamp;

#[cfg(feature = "http")]
pub use sink::PagerDuty;

/// The longest summary, in characters: <https://developer.pagerduty.com/docs/send-alert-event>.
pub const SUMMARY_CHARS_MAX: usize = 1_024;
/// The longest `dedup_key`, in characters: <https://developer.pagerduty.com/docs/send-alert-event>.
pub const DEDUP_KEY_CHARS_MAX: usize = 255;
/// The largest event, in bytes: 512 KB, taken as Alertmanager takes it.
/// <https://developer.pagerduty.com/docs/events-api-v2-overview>
pub const EVENT_BYTES_MAX: usize = 512_000;
/// The longest of the other texts, in characters; they have no limit of their own.
const TEXT_CHARS_MAX: usize = 1_024;
/// The longest address of a link, in characters.
const LINK_CHARS_MAX: usize = 2_048;

/// A deploy or another change that people should see beside the incidents of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// One line: `Shop 1.2.3 deployed`.
    pub summary: String,
    /// When.
    pub at: Timestamp,
    /// More about it, as names and values.
    pub details: Vec<(String, String)>,
    /// The address of a page about it.
    pub link: Option<String>,
}

impl Change {
    /// The change that a notification is about, if it is about one.
    pub fn of(notification: &Notification) -> Option<Self> {
        let Subject::Deploy(deploy) = &notification.subject else { return None };
        let Deploy { version, service, author, link } = deploy;
        let named = [("version", Some(version)), ("service", service.as_ref())];
        let named = named.into_iter().chain([("author", Some(author))]);
        let details = named.filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
        Some(Self {
            summary: text::summary(notification),
            at: notification.at,
            details: details.collect(),
            link: link.clone(),
        })
    }
}

/// The event that tells a notification.
pub fn event(notification: &Notification, routing_key: &Secret) -> Vec<u8> {
    let mut event = Map::new();
    let action = match notification.action {
        // A repeat is for mails; as a trigger with the same key it does nothing.
        // A deploy is none of these: it goes as a change event.
        Action::Trigger | Action::Repeat | Action::Change => "trigger",
        Action::Resolve => "resolve",
    };
    put(&mut event, "routing_key", Some(routing_key.reveal()));
    put(&mut event, "event_action", Some(action));
    put(&mut event, "dedup_key", Some(text::dedup_key(&notification.key)));
    put(&mut event, "client", Some("StreamGauge"));
    if let Some(runbook) = notification.runbook.as_deref() {
        put(&mut event, "links", link(runbook, "Runbook"));
    }
    event.insert("payload".to_owned(), payload(notification));
    fitting(event)
}

fn payload(notification: &Notification) -> Value {
    let place = text::place(&notification.subject);
    let mut payload = Map::new();
    put(&mut payload, "summary", Some(text::summary(notification)));
    put(&mut payload, "severity", Some(notification.severity.as_str()));
    put(&mut payload, "timestamp", Some(notification.at.to_string()));
    put(&mut payload, "source", Some(clip(&place.source, TEXT_CHARS_MAX)));
    let optional = [("component", place.component), ("group", place.group), ("class", place.class)];
    for (name, value) in optional {
        put(&mut payload, name, value.map(|value| clip(&value, TEXT_CHARS_MAX)));
    }
    payload.insert("custom_details".to_owned(), of_subject(notification).into());
    payload.into()
}

/// The change event that tells a change; nothing for a routing key that takes none.
pub fn change(change: &Change, routing_key: &Secret) -> Option<Vec<u8>> {
    // Keys of event orchestrations: <https://developer.pagerduty.com/docs/send-change-events>.
    if routing_key.reveal().starts_with('R') {
        return None;
    }
    let mut payload = Map::new();
    put(&mut payload, "summary", Some(clip(&change.summary, SUMMARY_CHARS_MAX)));
    put(&mut payload, "timestamp", Some(change.at.to_string()));
    put(&mut payload, "source", Some("StreamGauge"));
    let details = change.details.iter().map(|(name, value)| (name.clone(), json!(value)));
    payload.insert("custom_details".to_owned(), Value::Object(details.collect()));
    let mut event = Map::new();
    put(&mut event, "routing_key", Some(routing_key.reveal()));
    event.insert("payload".to_owned(), payload.into());
    if let Some(address) = change.link.as_deref() {
        put(&mut event, "links", link(address, "Change"));
    }
    Some(fitting(event))
}

/// The event, without its details if it would be too large with them.
fn fitting(mut event: Map<String, Value>) -> Vec<u8> {
    let whole = Value::Object(event.clone()).to_string();
    if whole.len() <= EVENT_BYTES_MAX {
        return whole.into_bytes();
    }
    let said = format!(
        "the details are left out: the event would be {} bytes, over PagerDuty's limit of {EVENT_BYTES_MAX}",
        whole.len()
    );
    if let Some(payload) = event.get_mut("payload").and_then(Value::as_object_mut) {
        payload.insert("custom_details".to_owned(), json!({"left_out": said}));
    }
    Value::Object(event).to_string().into_bytes()
}

/// A list of one link; nothing if it is none.
fn link(address: &str, title: &str) -> Option<Value> {
    let is_short = address.chars().nth(LINK_CHARS_MAX).is_none();
    (is_short && is_link(address)).then(|| json!([{"href": address, "text": title}]))
}

#[cfg(test)]
mod tests;
