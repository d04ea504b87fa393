//! The calls to a webhook in Slack's form.

use super::body;
use crate::http::{Address, Call, Client, HttpError, Method};
use crate::retry::Channel;
use crate::secret::Secret;
use crate::tell::{Ended, Told};
use streamgauge_engine::notification::Notification;
use streamgauge_pipeline::port::sink::{Delivery, Sink};

/// One webhook in Slack's form. Whoever knows its address may write there, so it is a secret.
#[derive(Clone, Debug)]
pub struct Slack {
    client: Client,
    url: Address,
}

impl Slack {
    /// The webhook at this address.
    pub fn new(client: Client, url: &Secret) -> Self {
        Self { client, url: Address::new(url) }
    }

    /// Whether its address can be called, as far as that shows without a call.
    pub(crate) fn check(&self) -> Result<(), HttpError> {
        self.client.check(self.url.reveal())
    }

    /// Tells it, and says why it was not taken.
    pub(crate) async fn tell(&self, notification: &Notification) -> Ended {
        let headers = vec![("content-type", "application/json".to_owned())];
        let body = body(notification);
        let call = Call { method: Method::POST, url: self.url.reveal(), headers, body };
        let told =
            Told { channel: Channel::Slack, id: &notification.id, secrets: &self.url.secrets() };
        told.call(&self.client, call, str::to_owned).await
    }
}

impl Sink for Slack {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        self.tell(notification).await.delivery
    }
}
