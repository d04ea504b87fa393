//! The calls to a webhook.

use super::{SigningKey, body, webhook_id};
use crate::http::{Address, Call, Client, HttpError, Method};
use crate::retry::Channel;
use crate::secret::Secret;
use crate::tell::{Ended, Told};
use streamgauge_engine::notification::Notification;
use streamgauge_engine::time::SECOND_MS;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::sink::{Delivery, Sink};

/// One webhook. Its address may hold a token and is kept like a secret.
#[derive(Clone, Debug)]
pub struct Webhook<C> {
    client: Client,
    clock: C,
    url: Address,
    key: Option<SigningKey>,
}

impl<C: Clock> Webhook<C> {
    /// The webhook at this address; with a key its calls are signed.
    pub fn new(client: Client, clock: C, url: &Secret, key: Option<SigningKey>) -> Self {
        Self { client, clock, url: Address::new(url), key }
    }
}

impl<C: Clock> Webhook<C> {
    /// Whether its address can be called, as far as that shows without a call.
    pub(crate) fn check(&self) -> Result<(), HttpError> {
        self.client.check(self.url.reveal())
    }

    /// Tells it, and says why it was not taken.
    pub(crate) async fn tell(&self, notification: &Notification) -> Ended {
        let body = body(notification);
        let webhook_id = webhook_id(notification);
        let seconds = self.clock.now().as_millis().div_euclid(SECOND_MS);
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", webhook_id.clone()),
            ("webhook-timestamp", seconds.to_string()),
        ];
        if let Some(key) = &self.key {
            headers.push(("webhook-signature", key.sign(&webhook_id, seconds, &body)));
        }
        let url = self.url.reveal();
        let call = Call { method: Method::POST, url, headers, body };
        let id = &notification.id;
        let told = Told { channel: Channel::Webhook, id, secrets: &self.url.secrets() };
        told.call(&self.client, call, str::to_owned).await
    }
}

impl<C: Clock> Sink for Webhook<C> {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        self.tell(notification).await.delivery
    }
}
