//! When a batch goes to the function: at the end of the window, at its number of messages, or before it is too large.

use super::event::event_bytes;
use crate::clock::later;
use crate::invoke::REQUEST_BYTES_MAX;
use crate::queue::{Message, RECEIVE_MESSAGES_MAX};
use crate::stack::SqsMapping;
use jiff::Timestamp;
use std::time::Duration;

/// The longest poll: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.
const POLL_MAX: Duration = Duration::from_secs(20);

/// What a mapping allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    messages_max: usize,
    window: Duration,
    bytes_max: usize,
}

impl Limits {
    pub(super) fn of(mapping: &SqsMapping) -> Self {
        Self {
            messages_max: mapping.batch_messages_max.max(1),
            window: mapping.batching_window,
            bytes_max: REQUEST_BYTES_MAX,
        }
    }
}

/// A message in a batch.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) message: Message,
    /// Its JSON.
    pub(super) record: Vec<u8>,
    /// When it was received.
    pub(super) received: Timestamp,
}

/// A batch that is being made.
#[derive(Debug, Default)]
pub(super) struct Batch {
    items: Vec<Item>,
    bytes: usize,
    /// What did not fit any more: it begins the next batch.
    waiting: Vec<Item>,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Receive at most so many messages, and wait for the first so long at most.
    Receive { messages_max: usize, wait: Duration },
    /// Send it.
    Invoke,
}

impl Batch {
    /// Whether no message was received for it.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Adds what was received. A message that is too large for any batch goes alone, for the function's endpoint to refuse.
    pub(super) fn add(&mut self, item: Item, limits: &Limits) {
        let bytes = event_bytes(self.items.len() + 1, self.bytes + item.record.len());
        let full = self.items.len() >= limits.messages_max || bytes > limits.bytes_max;
        if (full && !self.items.is_empty()) || !self.waiting.is_empty() {
            self.waiting.push(item);
        } else {
            self.bytes += item.record.len();
            self.items.push(item);
        }
    }

    /// What to do now.
    pub(super) fn next(&self, limits: &Limits, now: Timestamp) -> Next {
        let room = limits.messages_max.saturating_sub(self.items.len());
        let messages_max = room.min(RECEIVE_MESSAGES_MAX);
        let Some(first) = self.items.first() else {
            return Next::Receive { messages_max, wait: POLL_MAX };
        };
        let end = later(first.received, limits.window);
        let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
        if room == 0 || !self.waiting.is_empty() || left.is_zero() {
            return Next::Invoke;
        }
        Next::Receive { messages_max, wait: left.min(POLL_MAX) }
    }

    /// Takes the messages out, and begins the next batch with what did not fit.
    pub(super) fn take(&mut self, limits: &Limits) -> Vec<Item> {
        self.bytes = 0;
        let items = std::mem::take(&mut self.items);
        for item in std::mem::take(&mut self.waiting) {
            self.add(item, limits);
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn item(bytes: usize, received: i64) -> Item {
        let message = Message {
            id: String::new(),
            receipt: String::new(),
            body: String::new(),
            md5_of_body: String::new(),
            attributes: BTreeMap::new(),
            message_attributes: BTreeMap::new(),
        };
        Item { message, record: vec![b' '; bytes], received: at(received) }
    }

    fn limits(messages_max: usize, window: u64) -> Limits {
        Limits { messages_max, window: Duration::from_secs(window), bytes_max: 100 }
    }

    fn batch(limits: &Limits, sizes: &[usize]) -> Batch {
        let mut batch = Batch::default();
        for bytes in sizes {
            batch.add(item(*bytes, 0), limits);
        }
        batch
    }

    fn receive(messages_max: usize, seconds: u64) -> Next {
        Next::Receive { messages_max, wait: Duration::from_secs(seconds) }
    }

    /// What is done with messages of these sizes, some seconds after the first.
    #[track_caller]
    fn check(limits: Limits, sizes: &[usize], now: i64, expect: Next) {
        assert_eq!(batch(&limits, sizes).next(&limits, at(now)), expect);
    }

    #[test]
    fn without_messages_a_long_poll_waits() {
        check(limits(10, 0), &[], 0, receive(10, 20));
        check(limits(3, 0), &[], 0, receive(3, 20));
        check(limits(10_000, 300), &[], 0, receive(10, 20));
    }

    #[test]
    fn without_a_window_what_was_received_is_sent() {
        check(limits(10, 0), &[1], 0, Next::Invoke);
    }

    #[test]
    fn a_window_is_waited_for() {
        check(limits(100, 5), &[1], 0, receive(10, 5));
        check(limits(100, 5), &[1, 1], 4, receive(10, 1));
        check(limits(100, 5), &[1], 5, Next::Invoke);
        check(limits(100, 5), &[1], 9, Next::Invoke);
        check(limits(100, 300), &[1], 0, receive(10, 20));
    }

    #[test]
    fn a_full_batch_is_sent() {
        check(limits(3, 5), &[1, 1], 0, receive(1, 5));
        check(limits(3, 5), &[1, 1, 1], 0, Next::Invoke);
    }

    #[test]
    fn a_batch_is_sent_before_it_is_too_large() {
        // 14 bytes around the records, and commas.
        let limits = limits(100, 5);
        check(limits, &[43, 42], 0, receive(10, 5));
        check(limits, &[43, 43], 0, Next::Invoke);
        let mut batch = batch(&limits, &[43, 43, 10]);
        assert_eq!(batch.next(&limits, at(0)), Next::Invoke);
        let sizes =
            |items: Vec<Item>| items.iter().map(|item| item.record.len()).collect::<Vec<_>>();
        assert_eq!(sizes(batch.take(&limits)), [43]);
        assert_eq!(batch.next(&limits, at(0)), receive(10, 5));
        assert_eq!(sizes(batch.take(&limits)), [43, 10]);
        assert!(batch.is_empty());
    }

    #[test]
    fn a_message_that_is_too_large_goes_alone() {
        let limits = limits(100, 5);
        let mut batch = batch(&limits, &[200, 1]);
        assert_eq!(batch.next(&limits, at(0)), Next::Invoke);
        assert_eq!(batch.take(&limits).len(), 1);
        assert_eq!(batch.take(&limits).len(), 1);
    }
}
