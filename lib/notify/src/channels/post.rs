//! Over what mails and text messages go: that is not in the rules, since it is another for a local run.

use super::any::Any;
use std::fmt;
use std::time::Duration;
use streamgauge_pipeline::port::clock::Clock;

#[cfg(feature = "aws")]
use crate::aws::{Configure, Lazy, lazy};
#[cfg(feature = "smtp")]
use crate::smtp::Server;

/// What carries mails and text messages.
#[derive(Default)]
pub struct Post {
    /// The longest that a call takes.
    call_time_max: Duration,
    #[cfg(feature = "smtp")]
    smtp: Option<Server>,
    #[cfg(feature = "aws")]
    ses: Option<Lazy<aws_sdk_sesv2::Client>>,
    #[cfg(feature = "aws")]
    sns: Option<Lazy<aws_sdk_sns::Client>>,
}

impl fmt::Debug for Post {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Post")
    }
}

impl Post {
    /// Nothing: channels of these kinds wait.
    pub fn none() -> Self {
        Self::default()
    }

    /// Mails over this server, whatever else there is.
    #[cfg(feature = "smtp")]
    #[must_use]
    pub fn smtp(mut self, server: Server) -> Self {
        self.smtp = Some(server);
        self.call_time_max = self.call_time_max.max(crate::smtp::CALL_TIME_MAX);
        self
    }

    /// Mails over SES and text messages over SNS, by the SDK as it is configured.
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn aws(mut self, configure: &Configure) -> Self {
        self.ses = Some(lazy(configure, "SESV2", |config| crate::ses::client(config.into())));
        self.sns = Some(lazy(configure, "SNS", |config| crate::sns::client(config.into())));
        let longest = crate::ses::CALL_TIME_MAX.max(crate::sns::CALL_TIME_MAX);
        self.call_time_max = self.call_time_max.max(longest);
        self
    }

    /// The longest that a call takes.
    pub(super) const fn call_time_max(&self) -> Duration {
        self.call_time_max
    }

    /// What sends mails from this address to these; absent: nothing does.
    #[cfg_attr(
        not(any(feature = "aws", feature = "smtp")),
        expect(unused_variables, clippy::unused_self, reason = "nothing is sent")
    )]
    pub(super) fn mail<C: Clock + Clone>(
        &self,
        from: &str,
        to: &[String],
        clock: &C,
    ) -> Option<Any<C>> {
        #[cfg(feature = "smtp")]
        if let Some(server) = &self.smtp {
            let smtp = crate::smtp::Smtp::new(server.clone(), from, to.to_vec(), clock.clone());
            return Some(Any::Smtp(smtp));
        }
        #[cfg(feature = "aws")]
        if let Some(client) = &self.ses {
            let client = (**client).clone();
            return Some(Any::Ses(crate::ses::Ses::new(client, from, to.to_vec(), clock.clone())));
        }
        None
    }

    /// What sends text messages to this number; absent: nothing does.
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_variables, clippy::unused_self, reason = "nothing is sent")
    )]
    pub(super) fn text<C: Clock>(&self, number: &str) -> Option<Any<C>> {
        #[cfg(feature = "aws")]
        if let Some(client) = &self.sns {
            return Some(Any::Sns(crate::sns::Sns::new((**client).clone(), number)));
        }
        None
    }
}
