//! What becomes of a letter that is replayed: pure decisions.
//!
//! A record goes back with its payload, under the hash of its identity as key. It is judged by the rules first, since the events that
//! they reject, refuse or filter would only become the same again. It cannot count twice: one that the shard's log has is not put;
//! one that was put before is found as a copy, for both have one key and so one shard, or is older than `deduplicate` by then and
//! refused. Only with `deduplicate: off` nothing tells copies, and with `--anyway` it is the user who does.
//!
//! A point goes back to its lane, by the control log, which holds which were given back. Whoever gave it up says whether it was
//! taken: only of a call without an answer nobody knows.
//!
//! A notification is not sent again. What it told is over or has been told since: a trigger that comes after its resolve would open an
//! incident that nothing closes.

use super::letter::{Held, HeldPoint, HeldRecord, Letter};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use streamgauge_engine::decode::{Decoder, Record};
use streamgauge_engine::hash;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};
use streamgauge_kinesis::put::record::PutRecord;
use streamgauge_pipeline::deliver::lane::Cursor;
use streamgauge_pipeline::deliver::{DeadPoint, LetterCode};
use streamgauge_pipeline::port::Partition;
use streamgauge_rules::duration;

/// The oldest point that is given back, in milliseconds: over two weeks `CloudWatch` takes none
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>), and it has a way to go.
const POINT_AGE_MS_MAX: Millis = 13 * DAY_MS;

/// Why a notification is left.
const NOT_TOLD: &str = "a notification is not sent again, since what it told may be over: see with `show` whether somebody has to act";

/// What is to be done with a letter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fate {
    /// To be put on this stream.
    Put {
        /// The stream.
        stream: String,
        /// The record, under the key of its identity.
        record: PutRecord,
    },
    /// To be given back to its lane, from its place in the settle log.
    GiveBack(Partition, Cursor, Box<DeadPoint>),
    /// Nothing, for this reason.
    Leave(String),
    /// Nothing, unless it is wanted anyway.
    LeaveUnlessAnyway(String),
}

/// Judges letters.
#[derive(Debug)]
pub(super) struct Judge {
    now: Timestamp,
    /// Records are judged by these rules; none: no rules were given.
    rules: Option<(Decoder, Arc<Plan>)>,
    /// Records go to this stream; absent: to their own.
    to: Option<String>,
    anyway: bool,
    /// The letters that were given back before.
    given_back: BTreeMap<Partition, BTreeSet<Cursor>>,
}

impl Judge {
    /// A judge who goes by these rules, at this time.
    pub(super) fn new(
        plan: Option<Arc<Plan>>,
        to: Option<String>,
        anyway: bool,
        now: Timestamp,
    ) -> Self {
        let rules = plan.map(|plan| (Decoder::new(Arc::clone(&plan)), plan));
        Self { now, rules, to, anyway, given_back: BTreeMap::new() }
    }

    /// Letters of a partition that were given back before.
    pub(super) fn know_given_back(&mut self, partition: Partition, letters: BTreeSet<Cursor>) {
        self.given_back.insert(partition, letters);
    }

    /// What is to be done with a letter.
    pub(super) fn judge(&mut self, letter: &Letter) -> Fate {
        match &letter.held {
            Held::Record(held) => self.record(letter, held),
            Held::Point(held) => self.point(held),
            Held::Notification(..) => Fate::Leave(NOT_TOLD.to_owned()),
            Held::Lost => Fate::Leave("its payload was not kept".to_owned()),
        }
    }

    fn record(&mut self, letter: &Letter, held: &HeldRecord) -> Fate {
        if held.is_in_log {
            return Fate::Leave("the shard's log has it: it is counted".to_owned());
        }
        let Some((decoder, plan)) = &mut self.rules else {
            return Fate::Leave("no --rules were given, which say what its identity is".to_owned());
        };
        let whole = Record { bytes: 0..held.payload.len(), arrival: Some(self.now), position: 0 };
        let batch = decoder.decode(&held.payload, std::iter::once(whole));
        let event = batch.events.first();
        let identity = event.map_or_else(|| hash::stable(&held.payload), |event| event.identity);
        let record = PutRecord::of_event(identity, held.payload.clone());
        let stream = self.to.clone().unwrap_or_else(|| letter.origin.clone());
        let objection = match (event, plan.timing.deduplicate) {
            (None, _) => {
                let reject = batch.rejects.first();
                let why = reject.map_or_else(String::new, |reject| format!(": {}", reject.detail));
                Some(format!("it would be rejected again{why}"))
            }
            (Some(event), _) if event.takes == 0 => Some("no metric takes it".to_owned()),
            (Some(_), None) => {
                Some("with `deduplicate: off` it counts again each time that it is put".to_owned())
            }
            (Some(event), Some(horizon)) => (event.time < self.now.minus(horizon)).then(|| {
                let horizon = duration::show(horizon);
                format!("it is older than `deduplicate` ({horizon}), and would be refused as late")
            }),
        };
        match objection.filter(|_| !self.anyway) {
            None => Fate::Put { stream, record },
            Some(objection) => Fate::LeaveUnlessAnyway(objection),
        }
    }

    fn point(&self, held: &HeldPoint) -> Fate {
        let HeldPoint { partition, cursor, code, dead } = held;
        if self.given_back.get(partition).is_some_and(|known| known.contains(cursor)) {
            return Fate::Leave("it was given back before".to_owned());
        }
        if dead.point.stamp().plus(POINT_AGE_MS_MAX) < self.now {
            return Fate::Leave(
                "it is older than 13 days, and CloudWatch takes none over 14".to_owned(),
            );
        }
        if *code == LetterCode::Unanswered && !self.anyway {
            let unknown =
                "it was sent once without an answer: if it was taken then, it would count twice";
            return Fate::LeaveUnlessAnyway(unknown.to_owned());
        }
        Fate::GiveBack(*partition, *cursor, dead.clone())
    }
}
