//! Channels before this function can reach any: what is told waits, for a day.

use streamgauge_engine::notification::Notification;
use streamgauge_engine::time::MINUTE_MS;
use streamgauge_pipeline::port::channels::{Channels, NotOpen};
use streamgauge_pipeline::port::rules::RulesText;
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use tracing::warn;

/// Opens nothing.
pub(crate) struct NoChannels;

/// An other end, of which there is none.
pub(crate) enum NoEnd {}

impl Channels for NoChannels {
    type End = NoEnd;

    fn receivers(&self, _: &RulesText, _: &str) -> Option<Vec<String>> {
        Some(vec![String::new()])
    }

    async fn open(&self, _: &RulesText, channel: &str, _: &str) -> Result<NoEnd, NotOpen> {
        warn!(channel, "this version reaches no channels; what is told waits");
        Err(NotOpen::Retry { after_ms: 15 * MINUTE_MS })
    }

    fn knows_repeats(end: &NoEnd) -> bool {
        match *end {}
    }
}

impl Sink for NoEnd {
    type Entry = Notification;

    async fn deliver(&self, _: &Notification) -> Delivery {
        match *self {}
    }
}
