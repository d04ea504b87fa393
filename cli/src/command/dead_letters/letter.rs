//! A dead letter: what it is, what it is called, and whether it is wanted.

use crate::arguments::Wanted;
use std::collections::BTreeSet;
use streamgauge_engine::hash;
use streamgauge_engine::notification::Notification;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::deliver::lane::Cursor;
use streamgauge_pipeline::deliver::{DeadLetter, DeadPoint, LetterCode, Undelivered};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::source::{ShardId, ShardKey};
use streamgauge_pipeline::shard_entry::{RecordId, Rejected};

/// A dead letter.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// What it is called: the same whenever it is looked at.
    pub(super) id: String,
    /// The code of its reason.
    pub(super) code: String,
    /// The stream that a record came from; of what a lane gave up, the lane and partition.
    pub(super) origin: String,
    /// When it became one.
    pub(super) at: Timestamp,
    /// Its reason in a sentence.
    pub(super) detail: String,
    /// What it holds.
    pub(super) held: Held,
}

/// What a letter holds.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// A record that is no event, or that was given up.
    Record(HeldRecord),
    /// A point.
    Point(HeldPoint),
    /// A notification, of this partition.
    Notification(Partition, Box<Notification>),
    /// Nothing but where it stood: what gave it up did not keep the payload.
    Lost,
}

/// A point.
#[derive(Clone, Debug)]
pub(super) struct HeldPoint {
    /// Its partition.
    pub(super) partition: Partition,
    /// Its place in the settle log.
    pub(super) cursor: Cursor,
    /// What became of it.
    pub(super) code: LetterCode,
    /// The point.
    pub(super) dead: Box<DeadPoint>,
}

/// A record.
#[derive(Clone, Debug)]
pub(super) struct HeldRecord {
    /// Its shard.
    pub(super) shard: ShardId,
    /// Its place there.
    pub(super) record: RecordId,
    /// When its stream took it.
    pub(super) arrival: Option<Timestamp>,
    /// Its bytes.
    pub(super) payload: Vec<u8>,
    /// Lambda gave it up; else it is a reject in its shard's log.
    pub(super) is_given_up: bool,
    /// Lambda gave it up, and the shard's log has it all the same: the answer that said so was lost.
    pub(super) is_in_log: bool,
}

impl Letter {
    /// The letter of a reject in a shard's log.
    pub(super) fn reject(shard: &ShardKey, at: Timestamp, rejected: Rejected) -> Self {
        let Rejected { record, arrival, code, detail, payload } = rejected;
        let held = HeldRecord {
            shard: ShardId::clone(&shard.shard),
            record,
            arrival,
            payload,
            is_given_up: false,
            is_in_log: false,
        };
        Self {
            id: held.name('r', &shard.to_string()),
            code: code.as_str().to_owned(),
            origin: shard.stream.name.to_string(),
            at,
            detail,
            held: Held::Record(held),
        }
    }

    /// The letter of what a lane gave up.
    pub(super) fn of_lane(partition: Partition, letter: DeadLetter) -> Self {
        let code = letter.code();
        let DeadLetter { lane, at, cursor, reason, held } = letter;
        let place = format!("{}-{}-{}", partition.number(), cursor.version.0, cursor.point);
        let id = match &held {
            Undelivered::Point(_) => format!("p{place}"),
            // Each of a channel's receivers may have one of the same place.
            Undelivered::Notification(_) => {
                format!("n{place}-{:08x}", hash::stable(lane.as_bytes()) >> 32)
            }
        };
        let held = match held {
            Undelivered::Point(dead) => Held::Point(HeldPoint { partition, cursor, code, dead }),
            Undelivered::Notification(dead) => Held::Notification(partition, dead),
        };
        Self {
            id,
            code: code.as_str().to_owned(),
            origin: format!("{lane}/{}", partition.number()),
            at,
            detail: reason,
            held,
        }
    }
}

impl HeldRecord {
    /// The name of a letter that holds it, by its kind and place.
    pub(super) fn name(&self, kind: char, shard: &str) -> String {
        let RecordId { sequence, sub_sequence } = &self.record;
        let place = format!("{shard}/{}/{sub_sequence}", sequence.as_str());
        format!("{kind}{:016x}", hash::stable(place.as_bytes()))
    }
}

/// Which letters are wanted.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// From then on.
    pub(super) since: Timestamp,
    /// Of these streams; all if there are none. What lanes gave up belongs to none.
    pub(super) streams: BTreeSet<String>,
    codes: BTreeSet<String>,
    /// Only these; all if there are none.
    pub(super) ids: Vec<String>,
}

impl Filter {
    /// What was asked for, at this time.
    pub(super) fn new(wanted: &Wanted, now: Timestamp) -> Self {
        Self {
            since: now.minus(wanted.since),
            streams: wanted.stream.iter().cloned().collect(),
            codes: wanted.code.iter().cloned().collect(),
            ids: Vec::new(),
        }
    }

    /// Whether letters of this stream are wanted.
    pub(super) fn wants_stream(&self, stream: &str) -> bool {
        self.streams.is_empty() || self.streams.contains(stream)
    }

    /// Whether letters of lanes are wanted.
    pub(super) fn wants_lanes(&self) -> bool {
        self.streams.is_empty()
    }

    /// Whether a letter is wanted.
    pub(super) fn wants(&self, letter: &Letter) -> bool {
        letter.at >= self.since
            && (self.codes.is_empty() || self.codes.contains(&letter.code))
            && (self.ids.is_empty() || self.ids.contains(&letter.id))
    }
}
