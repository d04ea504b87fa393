//! The calls to `PagerDuty`.

use super::{Change, change, event};
use crate::http::{Call, Client, HttpError, Method};
use crate::retry::Channel;
use crate::secret::Secret;
use crate::tell::{Ended, Told};
use serde_json::Value;
use streamgauge_engine::notification::Notification;
use streamgauge_pipeline::port::sink::{Delivery, Sink};

/// How long a routing key is, in characters; another length is answered with 400.
const KEY_CHARS: usize = 32;

/// One integration of a `PagerDuty` service.
#[derive(Clone, Debug)]
pub struct PagerDuty {
    client: Client,
    origin: String,
    routing_key: Secret,
}

impl PagerDuty {
    /// The integration with this routing key, at its [`ORIGIN`](streamgauge_pipeline::pagerduty_origin::ORIGIN) or at another place that answers like it.
    pub fn new(client: Client, origin: impl Into<String>, routing_key: &Secret) -> Self {
        // Stores of secrets like to end a value with a line break.
        let routing_key = Secret::new(routing_key.reveal().trim());
        Self { client, origin: origin.into(), routing_key }
    }

    /// Whether the key can be one.
    pub(crate) fn has_key(&self) -> bool {
        self.routing_key.reveal().chars().count() == KEY_CHARS
    }

    /// Whether its address can be called, as far as that shows without a call.
    pub(crate) fn check(&self) -> Result<(), HttpError> {
        self.client.check(&self.origin)
    }

    /// Tells it, and says why it was not taken.
    pub(crate) async fn tell(&self, notification: &Notification) -> Ended {
        if let Some(change) = Change::of(notification) {
            return self.tell_change(&change, &notification.id).await;
        }
        let body = event(notification, &self.routing_key);
        self.enqueue("/v2/enqueue", body, &notification.id).await
    }

    /// Tells a change: no incident, no notification, a line beside the incidents of the service.
    async fn tell_change(&self, told: &Change, id: &str) -> Ended {
        match change(told, &self.routing_key) {
            Some(body) => self.enqueue("/v2/change/enqueue", body, id).await,
            None => Self::told(id, &[]).impossible(
                "the routing key is that of an event orchestration (R...), and those take no changes",
            ),
        }
    }

    async fn enqueue(&self, path: &str, body: Vec<u8>, id: &str) -> Ended {
        let url = format!("{}{path}", self.origin);
        let headers = vec![("content-type", "application/json".to_owned())];
        let call = Call { method: Method::POST, url: &url, headers, body };
        Self::told(id, &[&self.routing_key]).call(&self.client, call, words).await
    }

    fn told<'a>(id: &'a str, secrets: &'a [&'a Secret]) -> Told<'a> {
        Told { channel: Channel::PagerDuty, id, secrets }
    }
}

impl Sink for PagerDuty {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        self.tell(notification).await.delivery
    }
}

/// What an answer says: its message and the errors under it, else all of it.
fn words(body: &str) -> String {
    let Ok(answer) = serde_json::from_str::<Value>(body) else { return body.to_owned() };
    let message = answer.get("message").and_then(Value::as_str);
    let errors = answer.get("errors").and_then(Value::as_array);
    let errors = errors.into_iter().flatten().filter_map(Value::as_str);
    let parts: Vec<&str> = message.into_iter().chain(errors).collect();
    if parts.is_empty() { body.to_owned() } else { parts.join("; ") }
}
