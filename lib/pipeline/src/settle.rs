//! The second function: the deltas of all shards and the clock, to one log of what was decided.
//!
//! In the order in which an invocation goes through them:
//!
//! 1. `state`: what the partition's log adds up to; a cold function folds it, a warm one reads on from what it has `kept`.
//! 2. `source`: what the logs of the shards have that is new. It waits (`take`) until an entry takes it.
//! 3. `asking`: which shards there are, and whether the silent ones are empty; `shared` with other partitions.
//! 4. `step`: whether all that decides something; then it becomes an entry.
//! 5. `append`: the entry, with `outputs`, what was decided, as a publication. Once it is appended, deliver is woken.
//!
//! [`again`] folds entries of the past again, for whoever asks why something was decided.
//!
//! The entry is the only effect that counts: whoever stops before it has changed nothing, whoever stops after it has done it
//! all. Two at a time are harmless: one of them finds its version taken, reads what the other did, and goes on from there.

pub mod again;
mod append;
mod asking;
mod changes;
mod due;
mod error;
mod figures;
mod kept;
mod outputs;
mod parts;
mod plans;
mod restore;
mod shared;
mod source;
mod state;
mod step;
mod stored;
mod take;
mod telling;

use crate::bell::Bell;
use crate::port::Partition;
use crate::port::clock::Clock;
use crate::port::log::{Append, READ_BYTES_MAX, Version};
use crate::port::source::ShardKey;
use crate::port::wake::{Function, Wake, WakeUp, When};
use crate::together::together;
use crate::world::World;
use asking::Asked;
use changes::Changes;
pub use error::SettleError;
pub use figures::{DIMENSION, METRIC_DIMENSION, NAMES, NAMESPACE, OPEN_SUFFIX, refused_in};
use kept::Kept;
use source::{RawEntries, ShardDelta};
use state::State;
use std::collections::BTreeMap;
use streamgauge_engine::settle::Progress;
use streamgauge_engine::time::{DAY_MS, MINUTE_MS, Millis, Timestamp};

/// How long the entries of the settle log are kept: longer than the 13 days that a lane of points may stand still.
pub const SETTLE_KEPT_MS: Millis = 15 * DAY_MS;
/// A settle that decides nothing appends an entry all the same when its last one is this old and something waits.
const ENTRY_AGE_MAX_MS: Millis = 5 * MINUTE_MS;
/// An entry takes deltas of so many bytes at most.
const TAKEN_BYTES_MAX: usize = READ_BYTES_MAX;
/// The streams are asked at most so often.
const ASKED_EVERY_MS: Millis = 1_000;
/// A shard whose last delta is this old is asked whether more is there.
const SILENT_AFTER_MS: Millis = 2 * ASKED_EVERY_MS;
/// The shards are listed at least so often, however busy those are that are known.
const LISTED_EVERY_MS: Millis = MINUTE_MS;
/// How often an invocation goes back to the log because another one was faster.
const OVERTAKEN_MAX: u32 = 5;

/// What a settle did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// How many entries it appended.
    pub entries: u64,
    /// How many deltas these took.
    pub deltas: usize,
    /// How many points it decided.
    pub points: usize,
    /// How many transitions of alerts it decided.
    pub transitions: usize,
    /// How many notifications of these are to go out.
    pub notifications: usize,
    /// The last entry of the log.
    pub version: Version,
    /// The event time up to which everything is decided.
    pub watermark: Option<Timestamp>,
    /// How many windows are open.
    pub open_windows: usize,
    /// How many shards are left out because they have been behind for too long.
    pub left_out: usize,
    /// It left the rest to others: again and again one of them appended first. Nothing is lost, for whoever wins goes on, and the
    /// next wake-up or tick does.
    pub overtaken: bool,
}

/// The clock that says whether something is too old to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToldBy {
    /// The one that is recorded with each entry.
    #[default]
    Clock,
    /// That of the events, for those of the past: it passes through every moment, and so nothing is ever too old.
    Events,
}

/// How soon a stream is asked whether it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// It is asked at most so often, in milliseconds.
    pub every_ms: Millis,
    /// A shard whose last delta is this old is asked whether more is there, in milliseconds.
    pub silent_after_ms: Millis,
}

impl Default for Asking {
    /// That of a stream that costs something to ask.
    fn default() -> Self {
        Self { every_ms: ASKED_EVERY_MS, silent_after_ms: SILENT_AFTER_MS }
    }
}

/// Settles partitions. Keeps their states from invocation to invocation.
#[derive(Debug)]
pub struct Settle<W> {
    world: W,
    stack: String,
    partitions: u8,
    kept: BTreeMap<Partition, Kept>,
    changes: Changes,
    bell: Bell,
    told_by: ToldBy,
    asking: Asking,
}

impl<W: World> Settle<W> {
    /// Settles the partitions of a table that has so many. `stack` is the dimension of the self-metrics.
    pub fn new(world: W, stack: impl Into<String>, partitions: u8) -> Self {
        Self {
            world,
            stack: stack.into(),
            partitions,
            kept: BTreeMap::new(),
            changes: Changes::default(),
            bell: Bell::default(),
            told_by: ToldBy::default(),
            asking: Asking::default(),
        }
    }

    /// The same that asks streams at another pace.
    #[must_use]
    pub fn asking(self, asking: Asking) -> Self {
        Self { asking, ..self }
    }

    /// The same by another clock for whether something is too old to be told.
    #[must_use]
    pub fn told_by(self, told_by: ToldBy) -> Self {
        Self { told_by, ..self }
    }

    /// Of the logs of shards the last entry that the newest snapshot of a partition covers: a restore reads what follows. Only of partitions that
    /// were settled here, and have a snapshot.
    pub fn reads_after(
        &self,
        partition: Partition,
    ) -> impl Iterator<Item = (&ShardKey, Version)> + '_ {
        let covered = self.kept.get(&partition).into_iter().flat_map(|kept| &kept.covered);
        covered.map(|(shard, version)| (shard, *version))
    }

    /// Settles a partition, until nothing more is to decide, the deadline has come, or others are faster.
    pub async fn run(
        &mut self,
        partition: Partition,
        deadline: Timestamp,
    ) -> Result<Settled, SettleError> {
        let mut settled = Settled::default();
        let began_at = self.world.clock().now();
        for _ in 0..OVERTAKEN_MAX {
            // Taken out: if this future is dropped or fails midway, the next invocation begins with what the log says.
            let kept = self.kept.remove(&partition).filter(|kept| kept.is_sure(began_at));
            let mut kept = match kept {
                Some(kept) => kept,
                None => self.restore(partition).await?,
            };
            self.catch_up(partition, &mut kept).await?;
            if self.settle(partition, &mut kept, deadline, &mut settled).await? {
                settled.version = kept.state.version;
                settled.watermark = kept.state.watermark();
                settled.open_windows = kept.state.settlers.open_windows();
                settled.left_out = kept.state.watermarks.left_out().count();
                restore::snapshot(&self.world, partition, &mut kept).await;
                self.wake(partition, &kept, &settled).await;
                kept.took_ms = Some(self.world.clock().now().as_millis() - began_at.as_millis());
                self.kept.insert(partition, kept);
                return Ok(settled);
            }
        }
        settled.overtaken = true;
        self.wake_deliver(partition, &settled).await;
        Ok(settled)
    }

    /// Entry after entry; false if another invocation was faster, and the state is to be folded again.
    async fn settle(
        &mut self,
        partition: Partition,
        kept: &mut Kept,
        deadline: Timestamp,
        settled: &mut Settled,
    ) -> Result<bool, SettleError> {
        loop {
            // A plan that comes in force and is not read here does so from a later time, however long all else takes.
            let read_at = self.world.clock().now();
            self.changes.follow(self.world.log()).await?;
            let is_whole = self.read_shards(partition, kept).await?;
            let now = self.world.clock().now().max(kept.state.clock);
            let asked = if is_whole { self.ask(kept, now).await? } else { None };
            let asked = asked.map(|asked| asked.up_to(read_at));
            // Nothing that others append meanwhile is read before the answers are applied: a proof that a shard is idle says
            // nothing of a plan that was announced after the question, whatever the clocks say.
            let put = self.put_in_force(&kept.state).await?;
            let (after, up_to) = (kept.state.control, self.changes.version());
            let mut control = self.changes.between(&self.world, after, up_to).await?;
            // One entry holds what is given back at once, whatever else it decides.
            let first = control.iter().position(|change| change.gives_back_to(partition));
            control.truncate(first.map_or(control.len(), |first| first + 1));
            let Some(step) = step::next(kept, control, asked, now) else {
                if put == Some(Append::Conflict) {
                    continue;
                }
                return Ok(true);
            };
            // What a plan or a list of shards brings is looked at before the invocation ends.
            let brings_more = !step.control.is_empty() || step.listing.is_some();
            let Some(progress) = self.append(partition, kept, step, settled).await? else {
                return Ok(false);
            };
            if brings_more {
                kept.asked_at = None;
            }
            let is_done = progress == Progress::Done && is_whole && !brings_more;
            if is_done || self.world.clock().now() >= deadline {
                return Ok(true);
            }
        }
    }

    /// Reads what is new in the logs of the shards; false if there is more than an entry takes.
    ///
    /// While there is, nothing is asked: an entry with another list of shards takes all that is known of those that leave it.
    async fn read_shards(
        &mut self,
        partition: Partition,
        kept: &mut Kept,
    ) -> Result<bool, SettleError> {
        let log = self.world.log();
        let shards = kept.state.open_shards().filter(|_| kept.waiting.bytes() < TAKEN_BYTES_MAX);
        let reads = shards.map(|shard| {
            let after = kept.read_up_to(shard).map_or(Version::START, |position| position.version);
            source::read(log, partition, shard.clone(), after)
        });
        let raws = together(reads.collect::<Vec<_>>()).await;
        let mut is_whole = true;
        for raw in raws {
            let raw = raw?;
            is_whole &= raw.is_whole;
            for delta in self.decode(partition, &raw).await? {
                kept.waiting.push(&raw.shard, delta);
            }
        }
        Ok(is_whole && kept.waiting.bytes() < TAKEN_BYTES_MAX)
    }

    /// Decodes entries of a shard's log, if need be after reading the plans that they name.
    async fn decode(
        &mut self,
        partition: Partition,
        raw: &RawEntries,
    ) -> Result<Vec<ShardDelta>, SettleError> {
        let headers = source::headers(raw)?;
        let newest = headers.iter().map(|header| header.control).max();
        if newest > Some(self.changes.version()) {
            self.changes.follow(self.world.log()).await?;
        }
        let named = headers.iter().flat_map(|header| &header.sections);
        let named = named.map(|section| section.plan.as_str());
        let plans = self.changes.plans(&self.world, named).await?;
        source::decode(raw, headers, partition, &plans)
    }

    /// Asks the streams, if that can decide anything.
    async fn ask(&mut self, kept: &mut Kept, now: Timestamp) -> Result<Option<Asked>, SettleError> {
        let questions = step::questions(kept, now, self.asking);
        let Some(questions) = questions else { return Ok(None) };
        kept.asked_at = Some(now);
        let asked = if self.partitions > 1 {
            shared::ask(&self.world, questions, self.changes.version(), now).await?
        } else {
            asking::ask(self.world.streams(), questions, now).await?
        };
        Ok(Some(asked))
    }

    /// Puts an announced plan in force once all shards work for it. Whoever is faster decides from when on.
    async fn put_in_force(&mut self, state: &State) -> Result<Option<Append>, SettleError> {
        let is_ready = self.changes.version() == state.control;
        let now = self.world.clock().now().max(state.clock);
        let Some((plan, from)) = state.ready_plan(now).filter(|_| is_ready) else {
            return Ok(None);
        };
        self.changes.put_in_force(&self.world, plan, from).await.map(Some)
    }

    /// Wakes deliver, if anything was decided.
    async fn wake_deliver(&mut self, partition: Partition, settled: &Settled) {
        if settled.points + settled.notifications > 0 {
            let deliver = WakeUp { function: Function::Deliver, partition };
            self.bell.ring(self.world.wake(), deliver, self.world.clock().now()).await;
        }
    }

    /// Wakes deliver for what was decided, and settle again when there is more to decide.
    async fn wake(&mut self, partition: Partition, kept: &Kept, settled: &Settled) {
        self.wake_deliver(partition, settled).await;
        if settled.entries > 0
            && let Some(at) = step::next_at(kept)
        {
            let now = self.world.clock().now();
            let settle = WakeUp { function: Function::Settle, partition };
            // One that is lost costs a minute: the schedule ticks too.
            drop(self.world.wake().wake(settle, When::At(at.max(now.plus(1)))).await);
        }
    }
}

#[cfg(test)]
mod tests;
