//! An entry of a settle log: what a settle took, what it went by, and what it decided.
//!
//! The header holds all that the fold needs beside the deltas themselves, so that folding the log again gives the same
//! state and the same outputs. The outputs are chunks, each for its lane.

use crate::alert_record::AlertRecord;
use crate::port::log::{Entry, Label, Version, Wanted};
use crate::port::source::ShardKey;
use crate::publication::{Publication, PublishedPoint};
use streamgauge_engine::stored::StoredError;
use streamgauge_engine::time::Timestamp;

/// The chunk of the [`Publication`].
pub const POINTS: Label = Label(0);
/// The chunk of the [`AlertRecord`].
pub const ALERTS: Label = Label(1);
/// The chunk of the [notifications](crate::notifications).
pub const NOTIFICATIONS: Label = Label(2);

/// The header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettleEntry {
    /// The clock that it used: never smaller than that of the entry before.
    pub clock: Timestamp,
    /// The version of the control log that it had read.
    pub control: Version,
    /// Per shard log of which it took entries: the last one taken.
    pub taken: Vec<(ShardKey, Version)>,
    /// The shards that the streams list, if that is not the list of the entry before.
    pub listing: Option<Vec<ListedShard>>,
    /// What the streams said of shards of which nothing new had come.
    pub answers: Vec<(ShardKey, Answer)>,
    /// The event time up to which everything is decided; absent until all shards have been heard of.
    pub watermark: Option<Timestamp>,
    /// How many points it decided.
    pub points: u64,
}

/// What an entry has decided, and what it says of the pipeline itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Decisions {
    /// The header.
    pub header: SettleEntry,
    /// The points that it counts.
    pub publication: Publication,
    /// The self-metrics that stand behind them, with the publication's metrics.
    pub figures: Vec<PublishedPoint>,
    /// What alerts decided.
    pub alerts: AlertRecord,
}

impl Decisions {
    /// The chunks that it is read of, beside the header.
    pub const WANTED: Wanted<'static> = Wanted::Only(&[POINTS, ALERTS]);

    /// Reads them.
    pub fn decode(entry: &Entry) -> Result<Self, StoredError> {
        let header = SettleEntry::decode(entry.header())?;
        let chunk = |label| entry.chunks().get(&label);
        let publication = chunk(POINTS).map(|bytes| Publication::decode(bytes)).transpose()?;
        let alerts = chunk(ALERTS).map(|bytes| AlertRecord::decode(bytes)).transpose()?;
        let (mut publication, alerts) =
            (publication.unwrap_or_default(), alerts.unwrap_or_default());
        let decided = usize::try_from(header.points).unwrap_or(usize::MAX);
        let figures = publication.points.split_off(decided.min(publication.points.len()));
        Ok(Self { header, publication, figures, alerts })
    }
}

/// A shard that a stream lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedShard {
    /// Which.
    pub key: ShardKey,
    /// The shards that it was split or merged from.
    pub parents: Vec<ShardKey>,
}

/// What the stream said of a shard, asked from the last record that settle had taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was empty when it was asked.
    Idle {
        /// The clock just before it was asked.
        asked_at: Timestamp,
    },
    /// Records wait in it, and no delta came.
    Behind {
        /// Since when that is known.
        since: Timestamp,
    },
    /// It is closed, and read to its end.
    Finished,
}

mod codec;

pub(crate) use codec::{read_answer, write_answer};
