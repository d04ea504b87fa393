//! Mail over SES, API version 2: the same message as over SMTP, in one call.
//!
//! SES has no token by which it would know a mail again, so an answer that was lost leaves an Unknown
//! (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>).

use crate::aws;
use crate::mail::{self, Mail};
use crate::retry::{Channel, Outcome, delivery};
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
pub use streamgauge_aws::CALL_TIME_MAX;
use streamgauge_aws::Watch;
use streamgauge_engine::notification::Notification;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use tracing::warn;

/// One list of receivers, over SES.
#[derive(Clone, Debug)]
pub struct Ses<C> {
    client: Client,
    from: String,
    to: Vec<String>,
    clock: C,
}

/// The client of SES, over the SDK as it is configured (region, credentials, endpoint), except for what a call must be here:
/// one attempt, in limited time. All lists share one.
pub fn client(config: Builder) -> Client {
    let config =
        config.retry_config(RetryConfig::disabled()).timeout_config(streamgauge_aws::times());
    Client::from_conf(config.build())
}

impl<C: Clock> Ses<C> {
    /// Sends from this address to these; the clock dates the mails.
    pub fn new(client: Client, from: impl Into<String>, to: Vec<String>, clock: C) -> Self {
        Self { client, from: from.into(), to, clock }
    }

    async fn send(&self, id: &str, mail: Mail) -> Delivery {
        let raw = RawMessage::builder().data(Blob::new(mail.bytes)).build();
        let raw = match raw {
            Ok(raw) => raw,
            Err(error) => return impossible(id, &error.to_string()),
        };
        let to = mail.to.iter().map(ToString::to_string).collect();
        let watch = Watch::default();
        let answered = self
            .client
            .send_email()
            .from_email_address(mail.from.to_string())
            .destination(Destination::builder().set_to_addresses(Some(to)).build())
            .content(EmailContent::builder().raw(raw).build())
            .customize()
            .interceptor(watch.clone())
            .send()
            .await;
        aws::ended(Channel::Ses, id, &answered, &watch)
    }
}

impl<C: Clock> Sink for Ses<C> {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        let id = &notification.id;
        match mail::compose(notification, &self.from, &self.to, self.clock.now()) {
            Ok(mail) => Box::pin(self.send(id, mail)).await,
            Err(error) => impossible(id, &error.to_string()),
        }
    }
}

fn impossible(id: &str, why: &str) -> Delivery {
    warn!(id, why, "no mail was sent");
    delivery(Channel::Ses, Outcome::Impossible(why))
}

#[cfg(test)]
mod tests;
