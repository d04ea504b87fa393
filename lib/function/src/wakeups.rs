//! Why settle or deliver was invoked, and for which partitions: messages of a queue, the schedule's tick, or somebody by hand.
//!
//! | payload | partitions |
//! | --- | --- |
//! | an event of SQS, each body `{"partition":3}` | those of the messages, each once |
//! | an event of a schedule | all: wake-ups can be lost, a tick looks everywhere |
//! | `{"partition":3}`, `{}` | this one, all |
//!
//! A message that is no wake-up is told and counts as done: it would never become one.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use streamgauge_pipeline::port::Partition;

/// A payload that is none of these.
#[derive(Debug, thiserror::Error)]
#[error(
    "the payload is neither an event of a queue nor of a schedule nor `{{\"partition\":N}}`; does another source invoke this function?"
)]
pub struct WakeUpsError(#[from] serde_json::Error);

/// The partitions to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WakeUps {
    /// Each with the ids of the messages that name it; none if it was not a queue that woke.
    pub partitions: BTreeMap<Partition, Vec<String>>,
    /// How many messages were no wake-ups, or were for partitions that do not exist.
    pub strange: usize,
}

/// The body of a wake-up, in a queue or by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The partition's number.
    pub partition: u8,
}

/// Only what tells the kinds of payloads apart; all else of them is passed over.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default, rename = "Records")]
    records: Option<Vec<Message<'a>>>,
    #[serde(default)]
    partition: Option<u8>,
    #[serde(borrow, default)]
    source: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, rename = "messageId")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    body: Cow<'a, str>,
    #[serde(borrow, rename = "eventSource")]
    source: Cow<'a, str>,
}

/// Reads a payload; `partitions` is how many there are.
///
/// ```
/// use streamgauge_function::wakeups;
///
/// let tick = r#"{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}"#;
/// assert_eq!(wakeups::read(tick, 3)?.partitions.len(), 3);
/// # Ok::<(), wakeups::WakeUpsError>(())
/// ```
pub fn read(payload: &str, partitions: u8) -> Result<WakeUps, WakeUpsError> {
    let payload: Payload<'_> = serde_json::from_str(payload)?;
    let mut wake_ups = WakeUps::default();
    match (payload.records, payload.partition) {
        (Some(messages), _) => {
            for message in messages {
                if message.source != "aws:sqs" {
                    let what = format!("a record of `{}`", message.source);
                    return Err(WakeUpsError(serde::de::Error::custom(what)));
                }
                let body = serde_json::from_str::<Body>(&message.body).ok();
                let id = Some(message.id.into_owned());
                wake_ups.add(body.map(|body| body.partition), id, partitions);
            }
        }
        (None, Some(number)) => wake_ups.add(Some(number), None, partitions),
        (None, None) => match payload.source.as_deref() {
            None | Some("aws.events" | "aws.scheduler") => {
                (0..partitions).for_each(|number| wake_ups.add(Some(number), None, partitions));
            }
            Some(other) => {
                let what = format!("an event of `{other}`");
                return Err(WakeUpsError(serde::de::Error::custom(what)));
            }
        },
    }
    Ok(wake_ups)
}

impl WakeUps {
    fn add(&mut self, number: Option<u8>, message: Option<String>, partitions: u8) {
        match number.filter(|number| *number < partitions).and_then(Partition::new) {
            Some(partition) => self.partitions.entry(partition).or_default().extend(message),
            None => self.strange += 1,
        }
    }

    /// Whether no message woke: nobody learns of a part that failed.
    pub fn is_tick(&self) -> bool {
        self.partitions.values().all(Vec::is_empty)
    }

    /// What to answer when these partitions failed: their messages come again when the queue's visibility time-out is over.
    pub fn answer<'p>(&self, failed: impl IntoIterator<Item = &'p Partition>) -> Answer {
        let ids = failed.into_iter().filter_map(|partition| self.partitions.get(partition));
        Answer { failures: ids.flatten().map(|id| Failure { id: id.clone() }).collect() }
    }
}

/// The answer to a queue's event, for a mapping with `ReportBatchItemFailures`
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>). Who did not ask for it passes it over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Failure {
    #[serde(rename = "itemIdentifier")]
    id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event of a queue with these bodies; the messages are called m0, m1 and so on.
    fn event(bodies: &[&str]) -> String {
        let record = |(place, body): (usize, &&str)| {
            serde_json::json!({
                "messageId": format!("m{place}"), "receiptHandle": "x", "body": body,
                "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {},
                "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:q", "awsRegion": "us-east-1",
            })
        };
        let records: Vec<_> = bodies.iter().enumerate().map(record).collect();
        serde_json::json!({ "Records": records }).to_string()
    }

    #[track_caller]
    fn check(payload: &str, expect: &[(u8, &[&str])], strange: usize) {
        let found = read(payload, 2).unwrap();
        let partitions = found.partitions.iter();
        let partitions: Vec<_> =
            partitions.map(|(partition, ids)| (partition.number(), ids.clone())).collect();
        let expect: Vec<_> = expect
            .iter()
            .map(|(partition, ids)| (*partition, ids.iter().map(|&id| id.to_owned()).collect()))
            .collect();
        assert_eq!((partitions, found.strange), (expect, strange));
    }

    #[test]
    fn messages_of_one_partition_are_one_look() {
        let bodies = [r#"{"partition":1}"#, r#"{"partition":0}"#, r#"{"partition":1}"#];
        check(&event(&bodies), &[(0, &["m1"]), (1, &["m0", "m2"])], 0);
    }

    #[test]
    fn what_is_no_wake_up_is_counted_and_done() {
        let bodies = [r#"{"partition":2}"#, "now", r#"{"partition":-1}"#, r#"{"partition":1}"#];
        check(&event(&bodies), &[(1, &["m3"])], 3);
    }

    #[test]
    fn a_tick_looks_at_every_partition() {
        check(
            r#"{"source":"aws.events","detail-type":"Scheduled Event"}"#,
            &[(0, &[]), (1, &[])],
            0,
        );
        check(r#"{"source":"aws.scheduler"}"#, &[(0, &[]), (1, &[])], 0);
    }

    #[test]
    fn a_hand_may_name_a_partition() {
        check("{}", &[(0, &[]), (1, &[])], 0);
        check(r#"{"partition":1}"#, &[(1, &[])], 0);
        check(r#"{"partition":7}"#, &[], 1);
    }

    #[test]
    fn other_events_are_refused() {
        let kinesis = r#"{"Records":[{"eventSource":"aws:kinesis","kinesis":{}}]}"#;
        for payload in [kinesis, r#"{"source":"aws.s3"}"#, "[1]", "7"] {
            let message = read(payload, 1).unwrap_err().to_string();
            assert!(message.starts_with("the payload is neither an event of a queue"), "{message}");
        }
    }

    #[test]
    fn only_messages_of_failed_partitions_come_again() {
        let bodies = [r#"{"partition":1}"#, r#"{"partition":0}"#, r#"{"partition":1}"#];
        let wake_ups = read(&event(&bodies), 2).unwrap();
        let failed = Partition::new(1);
        let answer = serde_json::to_string(&wake_ups.answer(&failed)).unwrap();
        let expect = r#"{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m2"}]}"#;
        assert_eq!(answer, expect);
        let none = serde_json::to_string(&wake_ups.answer([])).unwrap();
        assert_eq!(none, r#"{"batchItemFailures":[]}"#);
    }
}
