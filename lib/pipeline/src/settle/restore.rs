//! The state of a partition out of its snapshot and its log, and the snapshots that keep this short.

use super::source::{self, ShardDelta};
use super::state::{State, Step};
use super::stored::StoredState;
use super::{Kept, Settle, SettleError};
use crate::outgrown::{self, LOG_BYTES_MIN};
use crate::port::Partition;
use crate::port::clock::Clock;
use crate::port::log::{Log, LogId, Logged, Version, Wanted};
use crate::port::rules::Rules;
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use crate::port::source::ShardKey;
use crate::settle_entry::{ListedShard, SettleEntry};
use crate::shard_entry::RecordId;
use crate::world::World;
use std::collections::BTreeMap;
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};

/// A snapshot is written when an entry since the last one is this old, long before it expires.
const SINCE_AGE_MAX_MS: Millis = DAY_MS;

/// What has been folded since the newest snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Since {
    log: outgrown::Since,
    oldest: Option<Timestamp>,
}

impl Since {
    /// An entry was folded, with deltas of so many bytes.
    pub(super) fn entry(&mut self, bytes: usize, at: Timestamp) {
        self.log.add(bytes);
        self.oldest = self.oldest.or(Some(at));
    }

    /// Whether it is time for a snapshot.
    fn is_due(&self, now: Timestamp) -> bool {
        let Some(oldest) = self.oldest else { return false };
        self.log.is_due(0, LOG_BYTES_MIN) || now >= oldest.plus(SINCE_AGE_MAX_MS)
    }
}

impl<W: World> Settle<W> {
    /// The state of the newest snapshot; what the log has since is to be caught up.
    pub(super) async fn restore(&mut self, partition: Partition) -> Result<Kept, SettleError> {
        let log = LogId::settle(partition);
        self.changes.follow(self.world.log()).await?;
        let empty = self.empty(partition);
        // The log alone may no longer reach back to its beginning.
        match self.world.snapshots().newest(&log).await? {
            Some(snapshot) => self.restored(partition, &snapshot).await,
            None => Ok(Kept::new(empty, Since::default())),
        }
    }

    /// The shards that a partition knows to be listed, each with the last record of it that was taken, for whoever opens what another process
    /// has left.
    pub async fn listed(
        &mut self,
        partition: Partition,
    ) -> Result<Vec<(ListedShard, Option<RecordId>)>, SettleError> {
        let mut kept = self.restore(partition).await?;
        self.catch_up(partition, &mut kept).await?;
        let last = |shard| kept.state.position(shard).map(|position| position.record.clone());
        let listed = kept.state.listing.iter();
        Ok(listed.map(|shard| (shard.clone(), last(&shard.key))).collect())
    }

    fn empty(&self, partition: Partition) -> State {
        let mut state = State::new(partition, self.partitions);
        state.telling.told_by = self.told_by;
        state
    }

    /// The state of a snapshot.
    pub(super) async fn restored(
        &mut self,
        partition: Partition,
        snapshot: &Snapshot,
    ) -> Result<Kept, SettleError> {
        let log = LogId::settle(partition);
        let empty = self.empty(partition);
        let version = snapshot.version();
        let unreadable = |error| SettleError::unreadable(&log, version, error);
        let stored = StoredState::read(snapshot.state(), empty).map_err(unreadable)?;
        let plans = self.changes.plans(&self.world, stored.plans()).await?;
        let mut state = stored.with(&plans).map_err(unreadable)?;
        state.telling.silences = self.changes.silences(state.control);
        let since = Since { log: outgrown::Since::snapshot(snapshot), oldest: None };
        let covered = covered(&state);
        Ok(Kept { covered, ..Kept::new(state, since) })
    }

    /// Folds what other invocations have appended.
    pub(super) async fn catch_up(
        &mut self,
        partition: Partition,
        kept: &mut Kept,
    ) -> Result<(), SettleError> {
        let log = LogId::settle(partition);
        loop {
            kept.read_at = self.world.clock().now();
            let read = self.world.log().read(&log, kept.state.version, Wanted::Only(&[])).await?;
            if read.is_empty() {
                return Ok(());
            }
            for logged in read {
                let version = kept.state.version.next();
                if logged.version != version {
                    return Err(SettleError::Expired { log, version });
                }
                let step = self.step(partition, kept, &logged).await?;
                let taken: usize = step.deltas().map(|delta| delta.bytes).sum();
                kept.since.entry(logged.entry.bytes() + taken, step.clock);
                kept.state.apply(step, self.world.rules().render());
            }
        }
    }

    /// What an entry was made of.
    pub(super) async fn step(
        &mut self,
        partition: Partition,
        kept: &mut Kept,
        logged: &Logged,
    ) -> Result<Step, SettleError> {
        let log = &LogId::settle(partition);
        let header = SettleEntry::decode(logged.entry.header())
            .map_err(|error| SettleError::unreadable(log, logged.version, error))?;
        if header.control > self.changes.version() {
            self.changes.follow(self.world.log()).await?;
        }
        let mut deltas = Vec::with_capacity(header.taken.len());
        for (shard, up_to) in header.taken {
            let taken = self.taken(partition, kept, &shard, up_to).await?;
            deltas.push((shard, taken));
        }
        let after = kept.state.control;
        let control = self.changes.between(&self.world, after, header.control).await?;
        let SettleEntry { clock, listing, answers, .. } = header;
        Ok(Step { clock, control, listing, answers, deltas })
    }

    /// The deltas of a shard that an entry took: those that wait here already, or else from the shard's log.
    async fn taken(
        &mut self,
        partition: Partition,
        kept: &mut Kept,
        shard: &ShardKey,
        up_to: Version,
    ) -> Result<Vec<ShardDelta>, SettleError> {
        let mut taken = kept.waiting.take(shard, up_to);
        loop {
            let known = taken.last().map(|last: &ShardDelta| last.version);
            let known = known.or(kept.state.position(shard).map(|position| position.version));
            let after = known.unwrap_or(Version::START);
            if after >= up_to {
                return Ok(taken);
            }
            let raw = source::read(self.world.log(), partition, shard.clone(), after).await?;
            if raw.entries.first().is_none_or(|first| first.version > up_to) {
                return Err(SettleError::Missing {
                    log: LogId::shard(shard),
                    version: after.next(),
                    taken_by: LogId::settle(partition),
                });
            }
            let deltas = self.decode(partition, &raw).await?;
            for delta in deltas {
                if delta.version <= up_to {
                    taken.push(delta);
                } else {
                    kept.waiting.push(shard, delta);
                }
            }
        }
    }
}

/// Writes a snapshot if it is time. That it fails, or that another one was faster, is harmless: the next entry tries again.
pub(super) async fn snapshot<W: World>(world: &W, partition: Partition, kept: &mut Kept) {
    let now = kept.state.clock.max(world.clock().now());
    if !kept.since.is_due(now) {
        return;
    }
    let log = LogId::settle(partition);
    let version = kept.state.version;
    let Ok(snapshot) = Snapshot::new(version, kept.state.encode()) else { return };
    let put = kept.since.log.put(world.snapshots(), &log, &snapshot).await;
    if put.is_ok() {
        kept.since.oldest = None;
    }
    if let Ok(Put::Swung) = put {
        kept.covered = covered(&kept.state);
    }
}

/// Where a state has the shards.
fn covered(state: &State) -> BTreeMap<ShardKey, Version> {
    let positions = state.positions.iter();
    positions.map(|(shard, position)| (shard.clone(), position.version)).collect()
}
