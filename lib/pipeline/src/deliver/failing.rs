//! How a lane fails: when it tries again, and when it gives up.

use crate::port::wake::WAKE_DELAY_MS_MAX;
use crate::stored::{Reader, Writer};
use minicbor::decode::Error;
use streamgauge_engine::time::{Millis, SECOND_MS, Timestamp};

/// The first pause after a call that is to be retried, in milliseconds, unless the other end asks for more.
const BACK_OFF_MS: Millis = SECOND_MS;

/// Calls in a row that were not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failing {
    /// Nothing is sent before.
    pub retry_at: Option<Timestamp>,
    /// How many calls in a row are to be retried.
    pub attempts: u32,
    /// Since when no call was taken.
    pub since: Option<Timestamp>,
}

impl Failing {
    /// Another call was not taken: the pause doubles, and is as long as the other end asks for.
    #[must_use]
    pub fn again(self, after_ms: Millis, now: Timestamp) -> Self {
        let doubled = BACK_OFF_MS << self.attempts.min(20);
        let pause = after_ms.max(doubled.min(WAKE_DELAY_MS_MAX));
        Self {
            retry_at: Some(now.plus(pause)),
            attempts: self.attempts.saturating_add(1),
            since: Some(self.since.unwrap_or(now)),
        }
    }

    /// Whether what waits since then has failed for so long.
    pub fn lasts(&self, waiting_since: Timestamp, limit_ms: Millis, now: Timestamp) -> bool {
        self.since.is_some_and(|since| since.max(waiting_since).plus(limit_ms) <= now)
    }

    pub(super) fn write(self, writer: &mut Writer) {
        writer.option(self.retry_at, |writer, retry_at| _ = writer.time(retry_at));
        writer.put(self.attempts);
        writer.option(self.since, |writer, since| _ = writer.time(since));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let retry_at = reader.option(Reader::time)?;
        Ok(Self { retry_at, attempts: reader.take()?, since: reader.option(Reader::time)? })
    }
}
