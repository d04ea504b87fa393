//! A shard's state from its newest snapshot and the log since, or from its parents while it has neither.
//!
//! ```text
//! snapshot (control, last record, sections) ─► entries since: heads and identities ─► state
//! snapshot without identities ─► entries before it: identities ─► entries since    ─► state
//! no snapshot, no entry: the states of the parents, which are read to their end    ─► state
//! ```
//!
//! Entries that hold identities expire days after these are forgotten, so they are missing only after a silence as long. What comes then
//! and could have been a copy is older than all that settle still takes; it counts as late there instead of as a duplicate here.

use super::compose::Composed;
use super::decide::next_version;
use super::lookout::Lookout;
use super::state::{State, StoredState};
use super::{AggregateError, Taken};
use crate::control::{Control, ControlError, Plans};
use crate::outgrown::Since;
use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::log::{Label, Log, LogId, Logged, Version, Wanted};
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use crate::port::source::{Progress, Shard, ShardId, ShardKey, Stream, StreamId};
use crate::shard_entry::{SECTIONS_MAX, ShardEntry, identities_label};
use crate::world::World;
use std::pin::Pin;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::stored::StoredError;

/// Over how many generations of shards without a log a state is inherited. Each has been split or merged without a record.
const GENERATIONS_MAX: u32 = 8;

/// A shard as an environment keeps it.
#[derive(Debug)]
pub(super) struct Restored {
    pub(super) state: State,
    /// The version of the next entry.
    pub(super) next: Version,
    /// What the log has got since its newest snapshot.
    pub(super) since: Since,
    /// What this environment has met of others.
    pub(super) lookout: Lookout,
    /// The first entry that a restore from the newest snapshot reads; absent: from the beginning.
    pub(super) read_from: Option<Version>,
}

impl Restored {
    /// An entry was appended, of which the state knows already.
    pub(super) fn appended(&mut self, composed: &Composed, control: Version) {
        self.state.covers(&composed.entry, control, composed.last.clone());
        self.next = self.next.next();
        self.since.add(composed.entry.bytes());
    }

    /// Somebody else has appended first.
    pub(super) fn was_late(&mut self, taken: &mut Taken) {
        taken.conflicts += 1;
        self.lookout.was_late();
    }

    /// Whether the log has outgrown its snapshot, and has so many bytes since.
    pub(super) fn is_snapshot_due(&self, log_bytes_min: usize) -> bool {
        let window = self.state.window().map_or(0, |window| window.bytes);
        self.since.is_due(usize::try_from(window).unwrap_or(usize::MAX), log_bytes_min)
    }

    /// Puts a snapshot, without identities if these have so many bytes and the log can be read instead; absent: it failed.
    pub(super) async fn put_snapshot(
        &mut self,
        snapshots: &impl Snapshots,
        log: &LogId,
        thin_ids_bytes_min: usize,
    ) -> Option<(Put, Snapshot)> {
        let (state, window) = self.state.snapshot(thin_ids_bytes_min);
        let snapshot = Snapshot::new(self.last(), state).ok()?;
        let put = self.since.put(snapshots, log, &snapshot).await.ok()?;
        if put == Put::Swung {
            self.read_from = window.or(Some(snapshot.version()));
        }
        Some((put, snapshot))
    }

    /// The first entry of the log that a restore reads, from this snapshot or one to come; absent: from the beginning.
    pub(super) fn reads_from(&self) -> Option<Version> {
        let origin = self.state.earliest_origin();
        self.read_from.map(|from| origin.map_or(from, |origin| origin.min(from)))
    }

    /// The version of the last entry.
    pub(super) fn last(&self) -> Version {
        Version(self.next.0 - 1)
    }
}

/// Restores shards of a stream.
pub(super) struct Restorer<'a, W: World> {
    pub(super) world: &'a W,
    pub(super) control: &'a mut Control,
    pub(super) plans: &'a mut Plans,
    pub(super) stream: &'a W::Stream,
    pub(super) id: StreamId,
    /// What the stream lists, once it was asked.
    pub(super) listed: Option<Vec<Shard>>,
}

type Restoring<'r> = Pin<Box<dyn Future<Output = Result<Restored, AggregateError>> + Send + 'r>>;

impl<W: World> Restorer<'_, W> {
    /// Restores a shard.
    pub(super) fn restore<'r>(&'r mut self, shard: &'r ShardId) -> Restoring<'r> {
        self.restore_within(shard, GENERATIONS_MAX)
    }

    /// A shard asks for its parents' states, and these for theirs: the future has to have a name.
    fn restore_within<'r>(&'r mut self, shard: &'r ShardId, generations: u32) -> Restoring<'r> {
        Box::pin(async move {
            let key = ShardKey { stream: self.id.clone(), shard: ShardId::clone(shard) };
            let log = LogId::shard(&key);
            let Found { mut state, mut since, window } = self.snapshot(&log).await?;
            let mut last = None;
            // With the entry that the snapshot covers, if it still lives: then nothing can be missing after it.
            let covered = since.version();
            let read_from = window.or(covered);
            let mut after = read_from.map_or(Version::START, |Version(it)| Version(it - 1));
            loop {
                let read = self.read(&log, after).await?;
                let Some(newest) = read.last().map(|logged| logged.version) else { break };
                for logged in &read {
                    if Some(logged.version) > covered {
                        // Whatever its version: logs of a stream that is old do not begin with the first.
                        let mut so_far = match state.take() {
                            Some(state) => state,
                            None => self.inherit(shard, generations, Needs::State).await?,
                        };
                        self.take_up(&log, &mut so_far, logged).await?;
                        state = Some(so_far);
                        since.add(logged.entry.bytes());
                    } else if let (Some(state), true) = (&mut state, window.is_some()) {
                        let recalled = state.recall(logged);
                        recalled.map_err(|source| AggregateError::stored(&log, source))?;
                    }
                }
                (after, last) = (newest, Some(newest));
            }
            let state = match state {
                Some(state) => state,
                None => self.inherit(shard, generations, Needs::Proof).await?,
            };
            let now = self.world.clock().now();
            let stream_age_ms = now.as_millis() - self.id.created_at.as_millis();
            let next = next_version(last, covered, stream_age_ms);
            Ok(Restored { state, next, since, lookout: Lookout::default(), read_from })
        })
    }

    /// Takes up what others have appended to the log of a shard.
    pub(super) async fn look(
        &mut self,
        key: &ShardKey,
        shard: &mut Restored,
    ) -> Result<(), AggregateError> {
        let log = LogId::shard(key);
        let mut found = false;
        loop {
            let read = self.read(&log, shard.last()).await?;
            if read.is_empty() {
                shard.lookout.looked(found);
                return Ok(());
            }
            for logged in &read {
                self.take_up(&log, &mut shard.state, logged).await?;
                shard.since.add(logged.entry.bytes());
                shard.next = logged.version.next();
            }
            found = true;
        }
    }

    /// What a state is made of in the entries after a version.
    async fn read(&self, log: &LogId, after: Version) -> Result<Vec<Logged>, AggregateError> {
        let labels: Vec<Label> = (0..SECTIONS_MAX).map(identities_label).collect();
        let read = self.world.log().read(log, after, Wanted::Only(&labels)).await;
        read.map_err(|source| AggregateError::store(log, source))
    }

    /// The newest snapshot.
    async fn snapshot(&mut self, log: &LogId) -> Result<Found, AggregateError> {
        let newest = self.world.snapshots().newest(log).await;
        let newest = newest.map_err(|source| AggregateError::store(log, source))?;
        let Some(snapshot) = newest else { return Ok(Found::default()) };
        let stored = |source| AggregateError::stored(log, source);
        let decoded = StoredState::decode(snapshot.state()).map_err(stored)?;
        let is_thin = decoded.is_thin;
        let plans = self.plans(decoded.plans()).await?;
        let state = decoded.with(plans).map_err(stored)?;
        let window = state.window().ok().filter(|_| is_thin).and_then(|window| window.first);
        Ok(Found { state: Some(state), since: Since::snapshot(&snapshot), window })
    }

    async fn take_up(
        &mut self,
        log: &LogId,
        state: &mut State,
        logged: &Logged,
    ) -> Result<(), AggregateError> {
        let stored = |source: StoredError| AggregateError::stored(log, source);
        let header = ShardEntry::decode(logged.entry.header()).map_err(stored)?;
        let hashes = header.sections.iter().map(|section| section.plan.clone()).collect();
        let plans = self.plans(hashes).await?;
        state.take_up(logged, header, &plans).map_err(stored)
    }

    /// Plans by hash. One that this function has not heard of was announced since it read the control log.
    async fn plans(&mut self, hashes: Vec<String>) -> Result<Vec<Arc<Plan>>, AggregateError> {
        let mut plans = Vec::with_capacity(hashes.len());
        for hash in hashes {
            let mut plan = self.plans.get(self.world, self.control, &hash).await;
            if let Err(ControlError::NoText { .. }) = plan {
                self.control.follow(self.world.log()).await?;
                plan = self.plans.get(self.world, self.control, &hash).await;
            }
            plans.push(plan?);
        }
        Ok(plans)
    }

    /// The state before the first entry of a shard: what its parents left.
    async fn inherit(
        &mut self,
        shard: &ShardId,
        generations: u32,
        needs: Needs,
    ) -> Result<State, AggregateError> {
        let Some(older) = generations.checked_sub(1) else { return Ok(State::default()) };
        let Some(parents) = self.parents(shard).await? else {
            // An ancestor that is not listed any more has ended long ago, and so have all before it.
            let is_ancestor = generations < GENERATIONS_MAX;
            return if is_ancestor || needs == Needs::State {
                Ok(State::default())
            } else {
                Err(AggregateError::NotListed { shard: ShardId::clone(shard) })
            };
        };
        let mut states = Vec::with_capacity(parents.len());
        for parent in &parents {
            let state = self.restore_within(parent, older).await?.state;
            if needs == Needs::Proof {
                let last = state.last.as_ref().map(|last| &last.sequence);
                let progress = self.stream.progress(parent, last).await;
                if progress.map_err(|source| self.unasked(source))? != Progress::Ended {
                    let (shard, parent) = (ShardId::clone(shard), ShardId::clone(parent));
                    return Err(AggregateError::ParentUnfinished { shard, parent });
                }
            }
            states.push(state);
        }
        Ok(State::child(&states))
    }

    /// The parents of a shard; absent: the stream does not list it.
    async fn parents(&mut self, shard: &ShardId) -> Result<Option<Vec<ShardId>>, AggregateError> {
        if self.listed.is_none() {
            let listed = self.stream.shards().await;
            self.listed = Some(listed.map_err(|source| self.unasked(source))?);
        }
        let found = self.listed.iter().flatten().find(|listed| listed.id == *shard);
        Ok(found.map(|listed| listed.parents.clone()))
    }

    fn unasked(&self, source: Retryable) -> AggregateError {
        AggregateError::Stream { stream: self.id.name.to_string(), source }
    }
}

/// What was found of a shard's snapshots.
#[derive(Default)]
struct Found {
    state: Option<State>,
    since: Since,
    /// The version from which on the log has the identities that the snapshot has left out.
    window: Option<Version>,
}

/// What a shard without a snapshot needs of its parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// Their states, and proof that they are read to their end.
    Proof,
    /// Their states: it has an entry, so the proof was given.
    State,
}
