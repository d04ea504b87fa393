//! What an environment keeps of a partition from invocation to invocation.

use super::restore::Since;
use super::state::State;
use super::take::{Position, Waiting};
use crate::port::log::Version;
use crate::port::source::ShardKey;
use std::collections::BTreeMap;
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};

/// For so long an environment that has read the log to its end goes on from there. Later, what others have appended may have expired, or deltas
/// that it took; snapshots, which are a day old at most, cover that.
const WARM_MS_MAX: Millis = DAY_MS;

/// What is kept of a partition.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) state: State,
    pub(super) waiting: Waiting,
    pub(super) since: Since,
    /// When the log was last read to its end.
    pub(super) read_at: Timestamp,
    pub(super) asked_at: Option<Timestamp>,
    /// How long the last settle took, in milliseconds.
    pub(super) took_ms: Option<Millis>,
    /// Where the newest snapshot has the shards.
    pub(super) covered: BTreeMap<ShardKey, Version>,
}

impl Kept {
    pub(super) fn new(state: State, since: Since) -> Self {
        let (waiting, read_at) = (Waiting::default(), Timestamp::EPOCH);
        let (asked_at, took_ms, covered) = (None, None, BTreeMap::new());
        Self { state, waiting, since, read_at, asked_at, took_ms, covered }
    }

    /// Whether all that others may have appended since the log was read is still there.
    pub(super) fn is_sure(&self, now: Timestamp) -> bool {
        now < self.read_at.plus(WARM_MS_MAX)
    }

    /// Where the shard's log is read to, deltas that wait included.
    pub(super) fn read_up_to(&self, shard: &ShardKey) -> Option<Position> {
        let waiting = self.waiting.last(shard);
        let waiting =
            waiting.map(|last| Position { version: last.version, record: last.last.clone() });
        waiting.or_else(|| self.state.position(shard).cloned())
    }
}
