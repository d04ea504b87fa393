//! Text messages over SNS, one number each.
//!
//! A sink is for one number: with several, one that is throttled would make the others get the message twice. SNS knows
//! no message again, so an answer that was lost leaves an Unknown.

use crate::aws;
use crate::retry::Channel;
use crate::sms;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::types::MessageAttributeValue;
pub use streamgauge_aws::CALL_TIME_MAX;
use streamgauge_aws::Watch;
use streamgauge_engine::notification::Notification;
use streamgauge_pipeline::port::sink::{Delivery, Sink};

/// Delivered at once rather than cheaply:
/// <https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html>.
const KIND: (&str, &str) = ("AWS.SNS.SMS.SMSType", "Transactional");

/// One number, over SNS.
#[derive(Clone, Debug)]
pub struct Sns {
    client: Client,
    number: String,
}

/// The client of SNS, over the SDK as it is configured (region, credentials, endpoint), except for what a call must be here:
/// one attempt, in limited time. All numbers share one.
pub fn client(config: Builder) -> Client {
    let config =
        config.retry_config(RetryConfig::disabled()).timeout_config(streamgauge_aws::times());
    Client::from_conf(config.build())
}

impl Sns {
    /// Sends to this number, in the form `+971500000000`; the rules are checked for that.
    pub fn new(client: Client, number: impl Into<String>) -> Self {
        Self { client, number: number.into() }
    }
}

impl Sink for Sns {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        let (name, value) = KIND;
        let publish = self.client.publish().phone_number(&self.number);
        let publish = publish.message(sms::text(notification));
        let publish = match MessageAttributeValue::builder()
            .data_type("String")
            .string_value(value)
            .build()
        {
            Ok(kind) => publish.message_attributes(name, kind),
            // Without it the account's own kind is used.
            Err(_) => publish,
        };
        let watch = Watch::default();
        let answered = Box::pin(publish.customize().interceptor(watch.clone()).send()).await;
        aws::ended(Channel::Sms, &notification.id, &answered, &watch)
    }
}

#[cfg(test)]
mod tests;
