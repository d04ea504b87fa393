//! The other end of a channel, and the secrets that it was opened with.

use super::any::Any;
use super::{Heard, Hears};
use crate::retry::SOON_MS;
use crate::secret::kept::Kept;
use crate::secret::{Reference, Secrets};
use crate::tell::Ended;
use std::fmt;
use std::sync::Arc;
use streamgauge_engine::notification::Notification;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::sink::{Delivery, Sink};

/// The other end of a channel.
pub struct End<S, C> {
    pub(super) sink: Any<C>,
    /// The secrets it was opened with that were read before.
    pub(super) kept: Vec<Reference>,
    pub(super) secrets: Arc<Kept<S, C>>,
    /// The name of the channel.
    pub(super) channel: String,
    pub(super) hears: Hears,
}

impl<S, C> fmt::Debug for End<S, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "End({:?})", self.sink.channel())
    }
}

impl<S: Secrets, C: Clock> Sink for End<S, C> {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        let Ended { delivery, why } = self.sink.tell(notification).await;
        let taken_up = match &delivery {
            Delivery::Delivered | Delivery::Unknown => delivery,
            _ if self.kept.is_empty() => delivery,
            Delivery::Retry { .. } => {
                self.doubt();
                delivery
            }
            Delivery::Rejected { .. } => {
                self.doubt();
                Delivery::Retry { after_ms: SOON_MS }
            }
        };
        let is_final = match &taken_up {
            Delivery::Delivered => return taken_up,
            Delivery::Retry { .. } => false,
            Delivery::Rejected { .. } => true,
            Delivery::Unknown => !self.sink.channel().knows_repeats(),
        };
        (self.hears)(Heard { channel: &self.channel, why: &why, is_final });
        taken_up
    }
}

impl<S: Secrets, C: Clock> End<S, C> {
    fn doubt(&self) {
        self.kept.iter().for_each(|reference| self.secrets.doubt(reference));
    }
}
