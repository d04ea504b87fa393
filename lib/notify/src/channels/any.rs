//! The sink of any channel.

use crate::http::HttpError;
use crate::pagerduty::PagerDuty;
use crate::retry::Channel;
use crate::slack::Slack;
use crate::tell::Ended;
use crate::webhook::Webhook;
use streamgauge_engine::notification::Notification;
use streamgauge_pipeline::port::clock::Clock;
#[cfg(feature = "aws")]
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

impl<C: Clock> Any<C> {
    /// Whether its address can be called, as far as that shows without a call.
    pub(super) fn check(&self) -> Result<(), HttpError> {
        match self {
            Self::PagerDuty(sink) => sink.check(),
            Self::Webhook(sink) => sink.check(),
            Self::Slack(sink) => sink.check(),
            #[cfg(any(feature = "aws", feature = "smtp"))]
            _ => Ok(()),
        }
    }

    /// Tells it, and says why it was not taken.
    pub(super) async fn tell(&self, notification: &Notification) -> Ended {
        match self {
            Self::PagerDuty(sink) => sink.tell(notification).await,
            Self::Webhook(sink) => sink.tell(notification).await,
            Self::Slack(sink) => sink.tell(notification).await,
            #[cfg(feature = "smtp")]
            Self::Smtp(sink) => sink.tell(notification).await,
            #[cfg(feature = "aws")]
            Self::Ses(sink) => logged(sink.deliver(notification).await),
            #[cfg(feature = "aws")]
            Self::Sns(sink) => logged(sink.deliver(notification).await),
        }
    }
}

/// Why a call of AWS was not taken stands in the log.
#[cfg(feature = "aws")]
fn logged(delivery: Delivery) -> Ended {
    let why = match &delivery {
        Delivery::Rejected { reason } => reason.clone(),
        _ => "AWS has not taken it".to_owned(),
    };
    Ended { delivery, why }
}
