//! Why a channel cannot be opened, and what waits for that.

use crate::http::HttpError;
use crate::retry::{LATER_MS, SOON_MS};
use crate::secret::{Reference, SecretError};
use std::error::Error;
use streamgauge_pipeline::port::channels::NotOpen;
use streamgauge_pipeline::port::rules::NoPlan;

/// Why a channel cannot be opened, or could tell nobody.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    /// Rules that this version cannot read.
    #[error("the channels cannot be read")]
    Unread(#[source] NoPlan),
    /// Other rules.
    #[error("the rules have no such channel or receiver any more")]
    Gone,
    /// A secret is not there.
    #[error(transparent)]
    NoSecret(#[from] SecretError),
    /// A secret cannot be what it is for.
    #[error("the secret `{reference}` is of no use")]
    Useless {
        /// Which.
        reference: Reference,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No call can be made to the address.
    #[error(transparent)]
    Address(HttpError),
    /// There is no mail server.
    #[error("nothing carries mails here")]
    NoMail,
    /// There is no way for text messages.
    #[error("nothing carries text messages here")]
    NoTexts,
}

impl Closed {
    /// What a lane does: a person can mend all but what is gone, and nothing is lost meanwhile.
    pub(super) fn not_open(&self) -> NotOpen {
        match self {
            Self::NoSecret(SecretError::Retryable { .. }) => NotOpen::Retry { after_ms: SOON_MS },
            Self::Unread(_)
            | Self::NoSecret(_)
            | Self::Useless { .. }
            | Self::Address(_)
            | Self::NoMail
            | Self::NoTexts => NotOpen::Retry { after_ms: LATER_MS },
            Self::Gone => NotOpen::Rejected { reason: self.to_string() },
        }
    }
}
