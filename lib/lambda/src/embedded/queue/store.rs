//! The messages of a queue and what becomes of them: no clock, no waiting, no lock.

use super::QueueSettings;
use crate::arn::Arn;
use crate::clock::later;
use crate::hex::hex;
use crate::queue::{Depth, Message, MessageAttribute, QueueError, RECEIVE_MESSAGES_MAX};
use crate::uuid::uuid;
use jiff::Timestamp;
use md5::{Digest, Md5};
use rapidhash::v3::{DEFAULT_RAPID_SECRETS, rapidhash_v3_micro_inline};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The largest message, body and attributes together: 1 MiB,
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Messages of a queue at most. AWS has no such bound; this process does.
pub const MESSAGES_MAX: usize = 1_000_000;

/// Bytes of all messages of a queue at most.
pub const BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Messages in flight at most; above it, a long poll gets nothing:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
pub const IN_FLIGHT_MAX: usize = 120_000;

/// What a queue holds at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) messages: usize,
    pub(super) bytes: usize,
    pub(super) in_flight: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { messages: MESSAGES_MAX, bytes: BYTES_MAX, in_flight: IN_FLIGHT_MAX }
    }
}

/// The `SenderId` of all messages.
const SENDER_ID: &str = "AIDASTREAMGAUGELAMBDA";

/// A message's place in the queue: they are numbered as they come.
type Number = u64;

/// All messages of a queue.
#[derive(Debug)]
pub(super) struct Store {
    arn: Arn,
    settings: QueueSettings,
    pub(super) bounds: Bounds,
    ids: fastrand::Rng,
    /// Marks the receipts of this queue.
    mark: u64,
    next: Number,
    messages: BTreeMap<Number, Stored>,
    /// When each message is or was visible.
    visible: BTreeSet<(Timestamp, Number)>,
    /// When each message is too old.
    expires: BTreeSet<(Timestamp, Number)>,
    /// Received, and neither deleted nor visible again; cleared of the latter before it is looked at.
    in_flight: BTreeSet<(Timestamp, Number)>,
    bytes: usize,
}

/// A message as it is kept.
#[derive(Clone, Debug)]
struct Stored {
    id: String,
    body: String,
    attributes: BTreeMap<String, MessageAttribute>,
    sent: Timestamp,
    visible: Timestamp,
    receives: u32,
    first_receive: Option<Timestamp>,
    /// The queue from which it was moved here.
    origin: Option<Arn>,
}

/// A message on its way to a dead-letter queue.
#[derive(Debug)]
pub(super) struct Moved(Stored);

/// What a receive gives.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) messages: Vec<Message>,
    /// What goes to the dead-letter queue.
    pub(super) moved: Vec<Moved>,
    /// When to look again, if nobody sends anything before.
    pub(super) next_visible: Option<Timestamp>,
}

impl Store {
    pub(super) fn new(arn: &Arn, settings: QueueSettings, seed: u64) -> Self {
        let name = arn.as_str().as_bytes();
        let name = rapidhash_v3_micro_inline::<true, false>(name, &DEFAULT_RAPID_SECRETS);
        let mut ids = fastrand::Rng::with_seed(seed ^ name);
        Self {
            arn: arn.clone(),
            settings,
            bounds: Bounds::default(),
            mark: ids.u64(..),
            ids,
            next: 0,
            messages: BTreeMap::new(),
            visible: BTreeSet::new(),
            expires: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// Takes a message and returns its id.
    pub(super) fn send(
        &mut self,
        body: String,
        attributes: BTreeMap<String, MessageAttribute>,
        delay: Duration,
        now: Timestamp,
    ) -> Result<String, QueueError> {
        self.expire(now);
        let stored = Stored {
            id: uuid(u128::from(self.ids.u64(..)) << 64 | u128::from(self.ids.u64(..))),
            body,
            attributes,
            sent: now,
            visible: later(now, delay),
            receives: 0,
            first_receive: None,
            origin: None,
        };
        self.check(&stored)?;
        let id = stored.id.clone();
        self.insert(stored);
        Ok(id)
    }

    fn check(&self, stored: &Stored) -> Result<(), QueueError> {
        let (bytes, refuse) = (stored.bytes(), |text: String| Err(QueueError::Other(text)));
        if stored.body.is_empty() {
            return refuse("the message has no body; send at least one character".to_owned());
        }
        if bytes > MESSAGE_BYTES_MAX {
            return refuse(format!(
                "the message has {bytes} bytes; at most {MESSAGE_BYTES_MAX} are allowed, attributes included"
            ));
        }
        if let Some(wrong) = stored.body.chars().find(|char| !allowed(*char)) {
            return refuse(format!("the message holds {wrong:?}, which SQS refuses; encode it"));
        }
        if self.messages.len() >= self.bounds.messages || self.bytes + bytes > self.bounds.bytes {
            return refuse(format!(
                "the queue {} holds {} messages of {} bytes, and more is not kept in memory; let some be received first",
                self.arn,
                self.messages.len(),
                self.bytes
            ));
        }
        Ok(())
    }

    /// Takes a message from the queue whose dead letters come here. Bounds do not count: it would be lost.
    pub(super) fn adopt(&mut self, Moved(stored): Moved, now: Timestamp) {
        self.insert(Stored { visible: now, receives: 0, first_receive: None, ..stored });
        self.expire(now);
    }

    fn insert(&mut self, stored: Stored) {
        self.next += 1;
        let expires = later(stored.sent, self.settings.retention);
        self.visible.insert((stored.visible, self.next));
        self.expires.insert((expires, self.next));
        self.bytes += stored.bytes();
        self.messages.insert(self.next, stored);
    }

    fn remove(&mut self, number: Number) -> Option<Stored> {
        let stored = self.messages.remove(&number)?;
        let expires = later(stored.sent, self.settings.retention);
        self.visible.remove(&(stored.visible, number));
        self.in_flight.remove(&(stored.visible, number));
        self.expires.remove(&(expires, number));
        self.bytes -= stored.bytes();
        Some(stored)
    }

    /// Removes what is too old.
    fn expire(&mut self, now: Timestamp) {
        while let Some((_, number)) = self.expires.first().filter(|(at, _)| *at <= now).copied() {
            self.remove(number);
        }
    }

    /// What is visible again is in flight no more.
    fn release(&mut self, now: Timestamp) {
        while self.in_flight.first().is_some_and(|(at, _)| *at <= now) {
            self.in_flight.pop_first();
        }
    }

    /// Takes what is visible. With `receives_max`, what was received that often already is to be moved.
    pub(super) fn receive(
        &mut self,
        messages_max: usize,
        receives_max: Option<u32>,
        now: Timestamp,
    ) -> Taken {
        self.expire(now);
        self.release(now);
        let mut taken = Taken { messages: Vec::new(), moved: Vec::new(), next_visible: None };
        // Put back when all are taken: with a visibility time-out of zero they are visible at once, to the next receive.
        let mut hidden = Vec::new();
        while let Some((at, number)) = self.visible.first().copied() {
            let full = taken.messages.len() >= messages_max.min(RECEIVE_MESSAGES_MAX);
            let in_flight = self.in_flight.len() + hidden.len();
            if at > now || full || in_flight >= self.bounds.in_flight {
                break;
            }
            self.visible.remove(&(at, number));
            let Some(stored) = self.messages.get_mut(&number) else { continue };
            if receives_max.is_some_and(|receives_max| stored.receives >= receives_max) {
                let origin = Some(self.arn.clone());
                taken
                    .moved
                    .extend(self.remove(number).map(|moved| Moved(Stored { origin, ..moved })));
                continue;
            }
            stored.receives = stored.receives.saturating_add(1);
            stored.first_receive.get_or_insert(now);
            stored.visible = later(now, self.settings.visibility);
            hidden.push((stored.visible, number));
            let receipt = receipt(self.mark, number, stored.receives);
            taken.messages.push(stored.message(receipt));
        }
        self.visible.extend(&hidden);
        self.in_flight.extend(hidden);
        taken.next_visible = self.visible.range((now, Number::MAX)..).next().map(|(at, _)| *at);
        taken
    }

    /// Deletes a message by its latest receipt; by an older one, nothing.
    pub(super) fn delete(&mut self, receipt: &str) -> Result<(), QueueError> {
        let Some((number, receives)) = read_receipt(self.mark, receipt) else {
            return Err(QueueError::Other(format!(
                "`{receipt}` is no receipt handle of the queue {}; use the one that came with the message",
                self.arn
            )));
        };
        if self.messages.get(&number).is_some_and(|stored| stored.receives == receives) {
            self.remove(number);
        }
        Ok(())
    }

    /// How many messages there are.
    pub(super) fn depth(&mut self, now: Timestamp) -> Depth {
        self.expire(now);
        self.release(now);
        let in_flight = self.in_flight.len();
        let hidden = self.visible.range((now, Number::MAX)..).count();
        Depth { visible: self.visible.len() - hidden, in_flight, delayed: hidden - in_flight }
    }
}

impl Stored {
    fn bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, attribute)| {
            let text = attribute.string_value.as_ref().map_or(0, String::len);
            // Base64 has four characters for three bytes.
            let binary = attribute
                .binary_value
                .as_ref()
                .map_or(0, |value| value.trim_end_matches('=').len() * 3 / 4);
            name.len() + attribute.data_type.len() + text + binary
        });
        self.body.len() + attributes.sum::<usize>()
    }

    fn message(&self, receipt: String) -> Message {
        let millis = |at: Timestamp| at.as_millisecond().to_string();
        let mut attributes = BTreeMap::from([
            ("ApproximateReceiveCount", self.receives.to_string()),
            ("SentTimestamp", millis(self.sent)),
            ("SenderId", SENDER_ID.to_owned()),
            ("ApproximateFirstReceiveTimestamp", millis(self.first_receive.unwrap_or(self.sent))),
        ]);
        if let Some(origin) = &self.origin {
            attributes.insert("DeadLetterQueueSourceArn", origin.to_string());
        }
        let md5_of_body = hex(Md5::digest(&self.body));
        Message {
            id: self.id.clone(),
            receipt,
            body: self.body.clone(),
            md5_of_body,
            attributes: attributes
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            message_attributes: self.attributes.clone(),
        }
    }
}

/// The characters that SQS takes: those of XML 1.0.
fn allowed(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn receipt(mark: u64, number: Number, receives: u32) -> String {
    format!("AQEB{mark:016x}{number:016x}{receives:08x}")
}

fn read_receipt(mark: u64, text: &str) -> Option<(Number, u32)> {
    let rest = text.strip_prefix(&format!("AQEB{mark:016x}"))?;
    let (number, receives) = rest.split_at_checked(16)?;
    let receives = Some(receives).filter(|receives| receives.len() == 8)?;
    Some((Number::from_str_radix(number, 16).ok()?, u32::from_str_radix(receives, 16).ok()?))
}
