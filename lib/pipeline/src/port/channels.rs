//! Channels: the other ends that finished notifications go to, as texts of rules define them.
//!
//! A channel has one receiver or more that are sent to apart, and each is a lane of its own: one wrong number delays nobody.
//! What a channel's name stands for can change with the rules, and its secrets without them, so the other end is opened anew by
//! every invocation that has something for it.

use super::rules::RulesText;
use super::sink::{Delivery, Sink};
use streamgauge_engine::notification::Notification;
use streamgauge_engine::time::Millis;

/// Why a receiver's other end could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOpen {
    /// It may be later: a secret is not there, or its store does not answer.
    Retry {
        /// How long to wait at least, in milliseconds; more than 0.
        after_ms: Millis,
    },
    /// It never will be as these rules define it. What waits becomes dead letters.
    Rejected {
        /// Why, without secrets.
        reason: String,
    },
}

impl From<NotOpen> for Delivery {
    /// What became of the call that could not be made.
    fn from(not_open: NotOpen) -> Self {
        match not_open {
            NotOpen::Retry { after_ms } => Self::Retry { after_ms },
            NotOpen::Rejected { reason } => Self::Rejected { reason },
        }
    }
}

/// Opens channels.
pub trait Channels: Send + Sync {
    /// The other end of one receiver. A call ends within the time that its adapter was given, with [`Delivery::Unknown`] if no
    /// answer has come, and nothing below makes it again.
    type End: Sink<Entry = Notification>;

    /// The receivers of a channel that are sent to apart, by names that are stable as long as the receivers are: `""` where all
    /// of a channel is one other end, else for instance a number each. Absent: the rules have no such channel. Pure.
    fn receivers(&self, rules: &RulesText, channel: &str) -> Option<Vec<String>>;

    /// The other end of one receiver. Secrets are read here, and the rest of the rules' definition is looked at: what it is wrong
    /// about is [`NotOpen::Rejected`].
    fn open(
        &self,
        rules: &RulesText,
        channel: &str,
        receiver: &str,
    ) -> impl Future<Output = Result<Self::End, NotOpen>> + Send;

    /// Whether this other end knows a notification that it has had already, so that one without an answer is sent again.
    fn knows_repeats(end: &Self::End) -> bool;
}
