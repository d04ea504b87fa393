//! The sink of any channel.

use crate::pagerduty::PagerDuty;
use crate::retry::Channel;
use crate::slack::Slack;
use crate::webhook::Webhook;
use streamgauge_engine::notification::Notification;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::sink::{Delivery, Sink};

#[derive(Clone, Debug)]
pub(super) enum Any<C> {
    PagerDuty(PagerDuty),
    Webhook(Webhook<C>),
    Slack(Slack),
    #[cfg(feature = "smtp")]
    Smtp(crate::smtp::Smtp<C>),
    #[cfg(feature = "aws")]
    Ses(crate::ses::Ses<C>),
    #[cfg(feature = "aws")]
    Sns(crate::sns::Sns),
}

impl<C> Any<C> {
    /// Its row of the table of what answers mean.
    pub(super) const fn channel(&self) -> Channel {
        match self {
            Self::PagerDuty(_) => Channel::PagerDuty,
            Self::Webhook(_) => Channel::Webhook,
            Self::Slack(_) => Channel::Slack,
            #[cfg(feature = "smtp")]
            Self::Smtp(_) => Channel::Smtp,
            #[cfg(feature = "aws")]
            Self::Ses(_) => Channel::Ses,
            #[cfg(feature = "aws")]
            Self::Sns(_) => Channel::Sms,
        }
    }
}

impl<C: Clock> Sink for Any<C> {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        match self {
            Self::PagerDuty(sink) => sink.deliver(notification).await,
            Self::Webhook(sink) => sink.deliver(notification).await,
            Self::Slack(sink) => sink.deliver(notification).await,
            #[cfg(feature = "smtp")]
            Self::Smtp(sink) => sink.deliver(notification).await,
            #[cfg(feature = "aws")]
            Self::Ses(sink) => sink.deliver(notification).await,
            #[cfg(feature = "aws")]
            Self::Sns(sink) => sink.deliver(notification).await,
        }
    }
}
