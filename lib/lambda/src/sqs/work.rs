//! One poller: receives, makes a batch, invokes, settles, and again.

use super::answer::{Settled, settle};
use super::batch::{Batch, Item, Next};
use super::event::{event, record};
use super::poller::{Shared, until_stopped};
use crate::backoff::retry_wait;
use crate::clock::later;
use crate::happening::Happening;
use crate::interfere::{Interference, Place, Point};
use crate::invoke::{Cause, Invocation, Invoke, Outcome};
use crate::queue::{Message, Queue};
use crate::stack::SqsMapping;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// Attempts to delete a message that is done. After them it comes again.
const DELETE_ATTEMPTS_MAX: u32 = 3;

/// Works until the mapping stops, or there are enough others and no messages.
pub(super) async fn work<Q: Queue, I: Invoke>(
    shared: Arc<Shared<Q, I>>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut batch = Batch::default();
    let mut failures = 0;
    while !*stopped.borrow() {
        match batch.next(&shared.limits, shared.source.clock.now()) {
            Next::Invoke => {
                let items = batch.take(&shared.limits);
                shared.deliver(&items, &mut stopped).await;
                if batch.is_empty() {
                    shared.end();
                } else {
                    shared.settled.notify_waiters();
                }
            }
            Next::Receive { messages_max, wait } => {
                let received = tokio::select! {
                    biased;
                    () = until_stopped(&mut stopped) => break,
                    received = shared.receive(messages_max, wait) => received,
                };
                let Some(messages) = received else {
                    failures += 1;
                    tokio::select! {
                        () = until_stopped(&mut stopped) => break,
                        () = shared.source.clock.sleep(retry_wait(failures)) => {}
                    }
                    continue;
                };
                failures = 0;
                if batch.is_empty() {
                    if !messages.is_empty() {
                        shared.begin();
                    } else if shared.leave() {
                        break;
                    }
                }
                shared.add(&mut batch, messages);
            }
        }
    }
}

impl<Q: Queue, I: Invoke> Shared<Q, I> {
    /// Receives messages; none if the queue failed.
    async fn receive(&self, messages_max: usize, wait: Duration) -> Option<Vec<Message>> {
        let source = &self.source;
        let place = Place {
            point: Point::Read,
            function: &source.mapping.function,
            mapping: &source.mapping.name,
            shard: "",
            key: "",
            attempt: self.reads.fetch_add(1, Ordering::Relaxed).saturating_add(1),
        };
        if let Interference::Delay(delay) = source.interfere.at(&place) {
            self.fault("a read", &format!("delayed by {delay:?}"));
            source.clock.sleep(delay).await;
        }
        match source.queue.receive(messages_max, wait).await {
            Ok(messages) => Some(messages),
            Err(error) => {
                source.trouble("receiving from", &error);
                None
            }
        }
    }

    fn add(&self, batch: &mut Batch, messages: Vec<Message>) {
        let received = self.source.clock.now();
        for message in messages {
            let record = record(&message, self.source.queue.arn());
            batch.add(Item { message, record, received }, &self.limits);
        }
    }

    /// Brings a batch to the function and does what its answer says.
    async fn deliver(&self, items: &[Item], stopped: &mut watch::Receiver<bool>) {
        let (source, mapping) = (&self.source, &self.source.mapping);
        let Some(first) = items.first() else { return };
        let messages: Vec<&Message> = items.iter().map(|item| &item.message).collect();
        let cause = Cause::Sqs {
            mapping: Arc::clone(&mapping.name),
            first: first.message.id.as_str().into(),
            messages: messages.len(),
            attempt: receives(&first.message),
        };
        let invocation = Invocation {
            function: Arc::clone(&mapping.function),
            payload: event(items.iter().map(|item| item.record.as_slice())),
            cause,
        };
        let hidden_until = later(first.received, self.visibility);
        let settled = self.invoke(&invocation, &messages, (hidden_until, stopped)).await;
        if let Some(error) = settled.malformed {
            let place = format!("the answer of {} to {}", mapping.function, mapping.name);
            source.observer.see(Happening::Trouble { place, error });
        }
        let done = Place::of(&invocation, "", Point::Done);
        let repeat =
            !settled.delete.is_empty() && source.interfere.at(&done) == Interference::Repeat;
        let kept = if repeat {
            self.fault("a batch", "repeated although it succeeded");
            messages.len()
        } else {
            settled.failed + self.delete(&settled.delete).await
        };
        if kept > 0 {
            let mapping = Arc::clone(&mapping.name);
            source.observer.see(Happening::Retried { mapping, shard: None, records: kept });
        }
    }

    /// Tells what was done to a read or a batch on purpose.
    fn fault(&self, to: &str, done: &str) {
        let SqsMapping { name, queue, .. } = &self.source.mapping;
        let what = format!("{to} of {} for `{name}` {done}", queue.name());
        self.source.observer.see(Happening::Fault { what });
    }

    /// Asks the function, and again while it is throttled and the messages are hidden: what its last answer means.
    async fn invoke(
        &self,
        invocation: &Invocation,
        messages: &[&Message],
        (hidden_until, stopped): (Timestamp, &mut watch::Receiver<bool>),
    ) -> Settled {
        let source = &self.source;
        let reports = source.mapping.report_item_failures;
        let mut throttles = 0;
        loop {
            let invoked = source.invoke.invoke(invocation.clone()).await;
            let settled = settle(&invoked.outcome, messages, reports);
            source.observer.see(Happening::Invoked {
                function: Arc::clone(&invocation.function),
                request_id: invoked.request_id,
                cause: invocation.cause.clone(),
                ending: settled.ending.clone(),
                report: invoked.report,
            });
            throttles += 1;
            let again = later(source.clock.now(), retry_wait(throttles));
            if invoked.outcome != Outcome::Throttled || again >= hidden_until {
                return settled;
            }
            self.pause();
            let stops = tokio::select! {
                () = until_stopped(stopped) => true,
                () = source.clock.sleep_until(again) => false,
            };
            self.resume();
            if stops {
                return settled;
            }
        }
    }

    /// Deletes messages; tells how many could not be.
    async fn delete(&self, receipts: &[String]) -> usize {
        for attempt in 1..=DELETE_ATTEMPTS_MAX {
            if receipts.is_empty() {
                return 0;
            }
            match self.source.queue.delete(receipts).await {
                Ok(()) => return 0,
                Err(error) => self.source.trouble("deleting from", &error),
            }
            if attempt < DELETE_ATTEMPTS_MAX {
                self.source.clock.sleep(retry_wait(attempt)).await;
            }
        }
        receipts.len()
    }
}

/// How often a message was received.
fn receives(message: &Message) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}
