//! Aggregate: a batch of a source shard to an entry of that shard's log, once and for all.
//!
//! ```text
//! control log's head ─► the stream ─► the shard's state ─► decode, fold ─► append ─► wake settle ─► snapshot
//!   which plans         which log     warm, or restored    per plan        ▲  │
//!                                                                          └──┘ a conflict: restore, and again
//! ```
//!
//! The entry is the only truth: what it covers is counted, and nothing else is. So whatever fails between two effects, the
//! batch comes again, and records that the log covers are passed over. Wake-ups and snapshots may be lost and repeated.
//!
//! 1. `decide`: what is passed over, where a batch is cut, how long an entry is kept.
//! 2. `state`: the fold of a shard's log; `restore` reads it; `origins`: what a snapshot leaves to the log; `lookout`: who looks at
//!    it before folding.
//! 3. `records`: how far a batch is; `compose`: a piece of it to an entry.
//! 4. `streams`: which stream a batch is from.
//!
//! [`filter`] follows the shards of streams in front of those in the same way.

mod compose;
mod decide;
mod error;
pub mod filter;
mod lookout;
mod origins;
mod records;
mod restore;
mod state;
mod streams;
mod taken;
mod warm;

pub use error::AggregateError;
pub use taken::Taken;

use crate::bell::{Bell, Rung};
use crate::control::{self, Control, Plans, Work, plans_to_work_for};
use crate::outgrown::LOG_BYTES_MIN;
use crate::port::TooLarge;
use crate::port::clock::Clock;
use crate::port::log::{Append, Log, LogId};
use crate::port::snapshots::Put;
use crate::port::source::{Batch, ShardId, ShardKey};
use crate::port::wake::{Function, WakeUp};
use crate::shard_entry::RecordId;
use crate::world::World;
use compose::{Composed, Decoders, Frame, compose};
use records::Records;
use restore::{Restored, Restorer};
use std::sync::Arc;
use streamgauge_engine::time::{HOUR_MS, Millis};
use streams::Streams;
use warm::Warm;

/// How often others may come first before a batch fails.
const CONFLICTS_MAX: u32 = 8;

/// How long before the last entry of a log expires its state has to be restored: once that entry is gone, others no longer
/// know its version and go on elsewhere. No invocation takes as long.
const WARM_BEFORE_EXPIRY_MS: Millis = HOUR_MS;

/// What is set when the function is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many settle partitions the table has, 1 to [`crate::port::PARTITIONS_MAX`].
    pub partitions: u8,
    /// Of how many shards an environment keeps the state; about 16 bytes for each identity that they remember.
    pub warm_shards_max: usize,
    /// The largest deltas of an entry together, in bytes: a batch that adds more is cut. Settle takes 8 MB at a time.
    pub delta_bytes_max: usize,
    /// How many bytes of identities a shard remembers at least, 8 for each, for its snapshots to leave them to the log. Fewer are kept
    /// through any silence, also one that is longer than the log is kept.
    pub thin_ids_bytes_min: usize,
    /// Below so many bytes of log since the last snapshot none is put.
    pub snapshot_log_bytes_min: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            partitions: 1,
            warm_shards_max: 16,
            delta_bytes_max: 8 << 20,
            thin_ids_bytes_min: 1 << 20,
            snapshot_log_bytes_min: LOG_BYTES_MIN,
        }
    }
}

/// The function. An environment has one, and takes one batch at a time.
#[derive(Debug)]
pub struct Aggregate<W> {
    world: W,
    settings: Settings,
    control: Control,
    plans: Plans,
    streams: Streams,
    decoders: Decoders,
    warm: Warm,
    bell: Bell,
}

impl<W: World> Aggregate<W> {
    /// A function that knows nothing yet.
    pub fn new(world: W, settings: Settings) -> Self {
        Self {
            world,
            settings,
            control: Control::default(),
            plans: Plans::default(),
            streams: Streams::default(),
            decoders: Decoders::default(),
            warm: Warm::new(settings.warm_shards_max),
            bell: Bell::default(),
        }
    }

    /// Takes a batch of a shard of the stream with this name.
    ///
    /// What can be cured by trying again is no error: the answer then says from which record on the batch has to come again.
    pub async fn take(&mut self, stream: &str, batch: Batch) -> Result<Taken, AggregateError> {
        let mut taken = Taken { records: batch.records.len(), ..Taken::default() };
        let mut records = Records::new(batch);
        let outcome = self.append(stream, &mut records, &mut taken).await;
        self.wake(&mut taken).await;
        match outcome {
            Ok((key, mut shard)) => {
                if taken.entries > 0 {
                    self.put_snapshot(&key, &mut shard, &mut taken).await;
                }
                taken.reads_from = shard.reads_from().map(|from| (key.clone(), from));
                self.warm.put(key, shard);
            }
            Err(error) if error.is_retryable() => {
                taken.failed_from = records.first_unproven();
                taken.problem = Some(error);
            }
            Err(error) => return Err(error),
        }
        Ok(taken)
    }

    /// The last record that the log of a shard covers, for a source that has to know where to go on; absent: there is none.
    ///
    /// The state that this reads is kept for the batches to come.
    pub async fn last(
        &mut self,
        stream: &str,
        shard: &ShardId,
    ) -> Result<Option<RecordId>, AggregateError> {
        let (_, key, restored) = self.shard(stream, shard).await?;
        let last = restored.state.last.clone();
        self.warm.put(key, restored);
        Ok(last)
    }

    /// Appends what the log does not have. The state is out of the warm ones meanwhile: where this ends early, it is forgotten.
    async fn append(
        &mut self,
        stream: &str,
        records: &mut Records,
        taken: &mut Taken,
    ) -> Result<(ShardKey, Restored), AggregateError> {
        let (place, key, mut shard) = self.shard(stream, records.shard()).await?;
        let log = LogId::shard(&key);
        loop {
            taken.known += records.pass_over(shard.state.last.as_ref());
            if records.rest().is_empty() {
                return Ok((key, shard));
            }
            let works = self.works(&shard).await?;
            match self.compose(&mut shard, &works, records, &log) {
                Ok(None) => return Ok((key, shard)),
                Ok(Some(composed)) => {
                    let Composed { entry, .. } = &composed;
                    let appended = self.world.log().append(&log, shard.next, entry).await;
                    match appended.map_err(|source| AggregateError::store(&log, source))? {
                        Append::Appended => {
                            shard.appended(&composed, self.control.version());
                            records.appended();
                            taken.appended(composed);
                            continue;
                        }
                        Append::Conflict => shard.was_late(taken),
                    }
                    if taken.conflicts >= CONFLICTS_MAX {
                        let attempts = taken.conflicts;
                        return Err(AggregateError::Contended { log, attempts });
                    }
                }
                Err(too_large) => {
                    taken.cuts += 1;
                    records.cut(too_large)?;
                }
            }
            // The state was folded on with what is not in the log.
            shard = self.restore_again(place, &key, shard).await?;
        }
    }

    /// The place of a stream and the state of its shard: the warm one while nobody else is known to append, else what the log has.
    async fn shard(
        &mut self,
        stream: &str,
        shard: &ShardId,
    ) -> Result<(usize, ShardKey, Restored), AggregateError> {
        control::ensure(&self.world, &mut self.control, self.settings.partitions).await?;
        let now = self.world.clock().now();
        let (place, id) = self.streams.find(self.world.streams(), stream, now).await?;
        let key = ShardKey { stream: id, shard: Arc::clone(shard) };
        let is_sure = |warm: &Restored| now.plus(WARM_BEFORE_EXPIRY_MS) < warm.state.expires_at;
        let Some(mut warm) = self.warm.take(&key).filter(is_sure) else {
            let restored = self.restore(place, &key).await?;
            return Ok((place, key, restored));
        };
        if warm.lookout.is_needed() {
            self.restorer(place, &key)?.look(&key, &mut warm).await?;
            self.follow(&warm).await?;
        }
        Ok((place, key, warm))
    }

    /// Restores a shard whose state was folded on with what is not in the log.
    async fn restore_again(
        &mut self,
        place: usize,
        key: &ShardKey,
        spoiled: Restored,
    ) -> Result<Restored, AggregateError> {
        let lookout = spoiled.lookout;
        // Two large states at a time may be more than there is memory for.
        drop(spoiled);
        Ok(Restored { lookout, ..self.restore(place, key).await? })
    }

    async fn restore(&mut self, place: usize, key: &ShardKey) -> Result<Restored, AggregateError> {
        let restored = self.restorer(place, key)?.restore(&key.shard).await?;
        self.follow(&restored).await?;
        Ok(restored)
    }

    fn restorer(
        &mut self,
        place: usize,
        key: &ShardKey,
    ) -> Result<Restorer<'_, W>, AggregateError> {
        let unknown = || AggregateError::UnknownStream { stream: key.stream.name.to_string() };
        Ok(Restorer {
            world: &self.world,
            control: &mut self.control,
            plans: &mut self.plans,
            stream: self.world.streams().get(place).ok_or_else(unknown)?,
            id: key.stream.clone(),
            listed: None,
        })
    }

    /// Reads the control log at least as far as the shard's last writer: otherwise an entry without a plan could follow one with
    /// it.
    async fn follow(&mut self, shard: &Restored) -> Result<(), AggregateError> {
        if shard.state.control > self.control.version() {
            self.control.follow(self.world.log()).await?;
        }
        Ok(())
    }

    /// The plans that a shard's next entry is made for.
    async fn works(&mut self, shard: &Restored) -> Result<Vec<Work>, AggregateError> {
        let sections = shard.state.sections.iter().map(|section| section.plan.hash.as_str());
        let candidates = self.control.candidates(&sections.collect::<Vec<_>>()).to_vec();
        let mut in_force = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let plan = self.plans.get(&self.world, &self.control, &candidate.plan).await?;
            in_force.push((plan, candidate.from));
        }
        let announced = match self.control.announced() {
            Some(announced) => {
                Some(self.plans.get(&self.world, &self.control, &announced.plan).await?)
            }
            None => None,
        };
        Ok(plans_to_work_for(&in_force, announced.as_ref(), shard.state.furthest()))
    }

    fn compose(
        &mut self,
        shard: &mut Restored,
        works: &[Work],
        records: &Records,
        log: &LogId,
    ) -> Result<Option<Composed>, TooLarge> {
        let frame = Frame {
            log,
            partitions: self.settings.partitions,
            at: self.world.clock().now(),
            control: self.control.version(),
            version: shard.next,
            delta_bytes_max: self.settings.delta_bytes_max,
        };
        compose(&mut shard.state, &mut self.decoders, works, records.piece(), frame)
    }

    /// Wakes settle for what was written.
    async fn wake(&mut self, taken: &mut Taken) {
        let now = self.world.clock().now();
        for &partition in &taken.written {
            let wake_up = WakeUp { function: Function::Settle, partition };
            match self.bell.ring(self.world.wake(), wake_up, now).await {
                Rung::Sent => taken.woken += 1,
                Rung::Coming => {}
                Rung::Failed => taken.wake_ups_failed += 1,
            }
        }
    }

    /// Puts a snapshot if the log has outgrown the last one. That it is lost to another writer or fails does no harm.
    async fn put_snapshot(&self, key: &ShardKey, shard: &mut Restored, taken: &mut Taken) {
        if !shard.is_snapshot_due(self.settings.snapshot_log_bytes_min) {
            return;
        }
        let thin_ids_bytes_min = self.settings.thin_ids_bytes_min;
        let log = LogId::shard(key);
        match shard.put_snapshot(self.world.snapshots(), &log, thin_ids_bytes_min).await {
            Some((Put::Swung, snapshot)) => taken.snapshot_bytes = Some(snapshot.state().len()),
            Some((Put::Conflict, _)) => {}
            None => taken.snapshot_failed = true,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
