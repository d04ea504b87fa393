//! Channels: the other ends that finished notifications go to, by the plan that is in force.
//!
//! A lane has one channel of one name. What that name stands for can change with the rules, and its secrets without them, so
//! the other end is opened anew by every invocation that sends.

use super::rules::RulesText;
use super::sink::{Delivery, Sink};
use streamgauge_engine::notification::Notification;

/// Opens channels.
pub trait Channels: Send + Sync {
    /// The other end of a channel.
    type End: Sink<Entry = Notification>;

    /// The lanes of a channel of this name, as a text of rules defines it: one for each receiver that is sent to apart. The names
    /// are stable as long as the receivers are. Absent: the rules have no channel of this name any more.
    fn receivers(&self, rules: &RulesText, channel: &str) -> Option<Vec<String>>;

    /// The other end of one receiver of a channel. Secrets are read here.
    ///
    /// An error is what became of the call that cannot be made: [`Delivery::Retry`] where a secret is not there or a store does
    /// not answer, [`Delivery::Rejected`] where the definition can never be sent to.
    fn open(
        &self,
        rules: &RulesText,
        channel: &str,
        receiver: &str,
    ) -> impl Future<Output = Result<Self::End, Delivery>> + Send;

    /// Whether this other end knows a notification that it has had already, so that one without an answer is sent again.
    fn knows_repeats(end: &Self::End) -> bool;
}
