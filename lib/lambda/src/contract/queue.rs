//! The contract of queues.

use super::{Broken, Deviation, Done, Kept, ensure, rule, same};
use crate::queue::{Message, Queue, QueueError, RECEIVE_MESSAGES_MAX};
use crate::stack::QueueResource;
use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

/// Long enough for no message to be seen again within the suite.
const LONG: Duration = Duration::from_mins(15);
/// The shortest time that is waited for, of whole seconds as queues count.
const SHORT: Duration = Duration::from_secs(1);
/// How long a message is waited for that has to come.
const PATIENCE: Duration = Duration::from_secs(20);
/// No waiting.
const NOW: Duration = Duration::ZERO;
/// Receives in a row at most.
const RECEIVES_MAX: usize = 100;

/// What the suite needs beside the port.
pub trait QueueBench: Sync {
    /// The adapter.
    type Queue: Queue;

    /// A new queue. Its name is one of the suite's and used once; a queue that its redrive policy names was made before.
    fn make(&self, queue: &QueueResource) -> impl Future<Output = Done<Self::Queue>>;

    /// A queue that does not exist; none if there is no such thing.
    fn absent(&self) -> Option<Self::Queue>;
}

/// Sending, receiving, visibility, delays, deleting and dead letters.
pub async fn queue_contract(bench: &impl QueueBench) -> Result<(), Broken> {
    let suite = Suite { bench };
    rule("a message comes as it was sent", suite.whole().await)?;
    rule("a received message is hidden", suite.hidden().await)?;
    rule("a message that is not hidden comes once per receive", suite.unhidden().await)?;
    rule("a message that was not deleted comes again", suite.again().await)?;
    rule("a deleted message does not come again", suite.deleted().await)?;
    rule("a delayed message is not seen before", suite.delayed().await)?;
    rule("a message's delay goes before the queue's", suite.own_delay().await)?;
    rule("a receive brings what was asked for at most", suite.many().await)?;
    rule("any number of messages is deleted", suite.delete_many().await)?;
    rule("what was received too often becomes a dead letter", suite.dead_letters().await)?;
    rule("a queue that does not exist is not found", suite.missing().await)
}

struct Suite<'a, B> {
    bench: &'a B,
}

impl<B: QueueBench> Suite<'_, B> {
    async fn make(&self, name: &str, visibility: Duration) -> Result<B::Queue, Deviation> {
        self.make_queue(&resource(name, visibility)).await
    }

    async fn make_queue(&self, queue: &QueueResource) -> Result<B::Queue, Deviation> {
        self.bench.make(queue).await.map_err(Deviation::Bench)
    }

    async fn whole(&self) -> Kept {
        let queue = self.make("whole", LONG).await?;
        queue.send("{\"word\": \"caf\u{e9} \u{1f600}\"}\n", NOW).await?;
        let message = one(&queue, PATIENCE).await?;
        same(message.body.as_str(), "{\"word\": \"caf\u{e9} \u{1f600}\"}\n")?;
        same(message.md5_of_body.as_str(), "6ca9f5b397b481f5beca7866a767e2cf")?;
        same(count(&message), Some(1))?;
        let (sent, received) = times(&message)?;
        ensure(sent <= received, (sent, received))?;
        ensure(message.message_attributes.is_empty(), &message.message_attributes)?;
        ensure(!message.id.is_empty() && !message.receipt.is_empty(), &message)
    }

    async fn hidden(&self) -> Kept {
        let queue = self.make("hidden", LONG).await?;
        same(queue.visibility().await?, LONG)?;
        queue.send("a", NOW).await?;
        one(&queue, PATIENCE).await?;
        same(bodies(&queue.receive(RECEIVE_MESSAGES_MAX, NOW).await?), vec![])?;
        let depth = queue.depth().await?;
        same((depth.visible, depth.in_flight, depth.delayed), (0, 1, 0))
    }

    async fn unhidden(&self) -> Kept {
        let queue = self.make("unhidden", NOW).await?;
        queue.send("a", NOW).await?;
        for received in [1, 2, 3] {
            same(count(&one(&queue, PATIENCE).await?), Some(received))?;
        }
        Ok(())
    }

    async fn again(&self) -> Kept {
        let queue = self.make("again", SHORT).await?;
        queue.send("a", NOW).await?;
        let first = one(&queue, PATIENCE).await?;
        let second = one(&queue, PATIENCE).await?;
        same((&second.id, &second.body), (&first.id, &first.body))?;
        same(count(&second), Some(2))?;
        same(times(&second)?, times(&first)?)
    }

    async fn deleted(&self) -> Kept {
        let queue = self.make("deleted", SHORT).await?;
        queue.send("gone", NOW).await?;
        let gone = one(&queue, PATIENCE).await?;
        queue.delete(&[gone.receipt]).await?;
        // By the time at which this one comes again, the other would have come too.
        queue.send("stays", NOW).await?;
        same(one(&queue, PATIENCE).await?.body.as_str(), "stays")?;
        same(bodies(&queue.receive(RECEIVE_MESSAGES_MAX, PATIENCE).await?), vec!["stays"])
    }

    async fn delayed(&self) -> Kept {
        let queue = self.make("delayed", LONG).await?;
        queue.send("late", LONG).await?;
        queue.send("soon", SHORT).await?;
        let message = one(&queue, PATIENCE).await?;
        same(message.body.as_str(), "soon")?;
        let (sent, received) = times(&message)?;
        ensure(u128::from(received - sent) >= SHORT.as_millis(), (sent, received))?;
        let depth = queue.depth().await?;
        same((depth.visible, depth.in_flight, depth.delayed), (0, 1, 1))
    }

    async fn own_delay(&self) -> Kept {
        let queue = QueueResource { delay: LONG, ..resource("own-delay", LONG) };
        let queue = self.make_queue(&queue).await?;
        queue.send("a", NOW).await?;
        same(one(&queue, PATIENCE).await?.body.as_str(), "a")
    }

    async fn many(&self) -> Kept {
        let queue = self.make("many", LONG).await?;
        let sent: BTreeSet<String> = (0..25).map(|number| format!("{number}")).collect();
        for body in &sent {
            queue.send(body, NOW).await?;
        }
        let few = queue.receive(3, PATIENCE).await?;
        ensure((1..=3).contains(&few.len()), bodies(&few))?;
        let some = queue.receive(100, PATIENCE).await?;
        ensure((1..=RECEIVE_MESSAGES_MAX).contains(&some.len()), bodies(&some))?;
        let mut seen = [few, some].concat();
        for _ in 0..RECEIVES_MAX {
            if seen.len() >= sent.len() {
                break;
            }
            seen.extend(queue.receive(RECEIVE_MESSAGES_MAX, PATIENCE).await?);
        }
        same(seen.len(), sent.len())?;
        same(seen.into_iter().map(|message| message.body).collect(), sent)
    }

    async fn delete_many(&self) -> Kept {
        let queue = self.make("delete-many", LONG).await?;
        for number in 0..25 {
            queue.send(&format!("{number}"), NOW).await?;
        }
        let mut receipts = Vec::new();
        for _ in 0..RECEIVES_MAX {
            if receipts.len() == 25 {
                break;
            }
            let received = queue.receive(RECEIVE_MESSAGES_MAX, PATIENCE).await?;
            receipts.extend(received.into_iter().map(|message| message.receipt));
        }
        queue.delete(&receipts).await?;
        queue.delete(&[]).await?;
        same(queue.depth().await?.total(), 0)
    }

    async fn dead_letters(&self) -> Kept {
        let dead = self.make("dead-letters", LONG).await?;
        let queue = QueueResource {
            redrive: Some((dead.arn().clone(), 2)),
            ..resource("with-dead-letters", NOW)
        };
        let queue = self.make_queue(&queue).await?;
        queue.send("poison", NOW).await?;
        for received in [1, 2] {
            same(count(&one(&queue, PATIENCE).await?), Some(received))?;
        }
        same(bodies(&queue.receive(RECEIVE_MESSAGES_MAX, NOW).await?), vec![])?;
        same(one(&dead, PATIENCE).await?.body.as_str(), "poison")
    }

    async fn missing(&self) -> Kept {
        let Some(absent) = self.bench.absent() else { return Ok(()) };
        let received = absent.receive(1, NOW).await;
        ensure(matches!(received, Err(QueueError::NotFound(_))), received)?;
        let sent = absent.send("a", NOW).await;
        ensure(matches!(sent, Err(QueueError::NotFound(_))), sent)
    }
}

/// A queue without delay and dead letters.
fn resource(name: &str, visibility: Duration) -> QueueResource {
    let retention = Duration::from_hours(96);
    QueueResource { name: name.to_owned(), visibility, delay: NOW, retention, redrive: None }
}

/// The one message that is there, or comes.
async fn one(queue: &impl Queue, wait: Duration) -> Result<Message, Deviation> {
    let mut messages = queue.receive(RECEIVE_MESSAGES_MAX, wait).await?;
    match (messages.pop(), messages.is_empty()) {
        (Some(message), true) => Ok(message),
        (last, _) => Err(Deviation::Saw(format!("{last:?} after {messages:?}"))),
    }
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

fn number(message: &Message, attribute: &str) -> Option<u64> {
    message.attributes.get(attribute)?.parse().ok()
}

/// How often it was received.
fn count(message: &Message) -> Option<u64> {
    number(message, "ApproximateReceiveCount")
}

/// When it was sent and when it was first received, in milliseconds, by the queue's clock.
fn times(message: &Message) -> Result<(u64, u64), Deviation> {
    let sent = number(message, "SentTimestamp");
    let received = number(message, "ApproximateFirstReceiveTimestamp");
    let times = sent.zip(received);
    times.ok_or_else(|| Deviation::Saw(format!("the attributes {:?}", message.attributes)))
}
