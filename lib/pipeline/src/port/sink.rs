//! Sinks: the other ends. One call, one outcome; order, back-off, limits and dead letters are deliver's.

use streamgauge_engine::time::Millis;

/// What became of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivery {
    /// The other end has taken it.
    Delivered,
    /// The other end has not taken it and will later: throttled, down, not reachable.
    Retry {
        /// How long to wait at least, in milliseconds; more than 0.
        after_ms: Millis,
    },
    /// The other end will never take it. It goes to the dead letters.
    Rejected {
        /// Why, in the words of the other end, without secrets.
        reason: String,
    },
    /// The answer was lost: it may have been taken or not. Only what it is decides whether it may be sent again.
    Unknown,
}

/// Sends entries of one lane to one other end.
pub trait Sink: Send + Sync {
    /// What it sends: points for `CloudWatch`, a finished notification for the others.
    type Entry: Send + Sync;

    /// Makes one call. Whoever ends it before it has answered must take it for [`Delivery::Unknown`].
    fn deliver(&self, entry: &Self::Entry) -> impl Future<Output = Delivery> + Send;
}
