//! Entries of the settle log, folded again: whether what is kept of the deltas still gives what the log says.
//!
//! It is the fold that made them, by the same function ([`State::apply`]). It begins with the newest snapshot before an entry,
//! else with the beginning of the log, and goes on only while nothing is missing: of the settle log, or of the logs of shards that
//! its entries have taken. So an answer is exact, or there is none and it says what is missing.

mod past;

use super::outputs::publication;
use super::restore::Since;
use super::state::{Decided, State, Step};
use super::{Kept, Settle, SettleError};
use crate::alert_record::AlertRecord;
use crate::port::Partition;
use crate::port::log::{Log, LogId, Version, Wanted};
use crate::port::rules::Rules;
use crate::port::snapshots::Snapshots;
use crate::publication::Publication;
use crate::world::World;
use past::Past;
use std::collections::{BTreeMap, BTreeSet};
use streamgauge_engine::notification::Notification;

/// What folding an entry again gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All that it needs is there.
    Folded {
        /// The snapshot that it began with; absent: with the beginning of the log.
        from: Option<Version>,
        /// What it decided.
        again: Box<Again>,
    },
    /// Something is not kept any more.
    OutOfReach(Missing),
}

/// What an entry decided, folded again.
#[derive(Clone, Debug, PartialEq)]
pub struct Again {
    /// What alerts decided.
    pub record: AlertRecord,
    /// Whom it told.
    pub notifications: Vec<Notification>,
    /// The points of metrics, without those that the pipeline says of itself.
    pub points: Publication,
}

/// What is not kept any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Of this log.
    pub log: LogId,
    /// This entry.
    pub version: Version,
}

/// Folds entries of a partition's log again, each exactly or not at all. It changes nothing.
pub async fn fold<L: Log, S: Snapshots, R: Rules>(
    (log, snapshots, rules): (&L, &S, &R),
    partition: Partition,
    partitions: u8,
    wanted: &BTreeSet<Version>,
) -> Result<BTreeMap<Version, Outcome>, SettleError> {
    let mut versions = snapshots.versions(&LogId::settle(partition)).await?;
    versions.sort_unstable();
    let mut settle = Settle::new(Past::new(log, snapshots, rules), String::new(), partitions);
    settle.changes.follow(settle.world.log()).await?;
    let mut outcomes = BTreeMap::new();
    for (begin, entries) in segments(&versions, wanted) {
        let mut kept = settle.begin(partition, begin).await?;
        let from = (kept.state.version != Version::START).then_some(kept.state.version);
        let missing = settle.fold_up_to(partition, &mut kept, &entries, |version, again| {
            let again = Box::new(again);
            outcomes.insert(version, Outcome::Folded { from, again });
        });
        if let Some(missing) = missing.await? {
            for version in entries {
                let none = || Outcome::OutOfReach(missing.clone());
                outcomes.entry(version).or_insert_with(none);
            }
        }
    }
    Ok(outcomes)
}

/// Which entries are folded from which snapshot: each from the newest before it, absent: the beginning.
fn segments(
    snapshots: &[Version],
    wanted: &BTreeSet<Version>,
) -> BTreeMap<Option<Version>, BTreeSet<Version>> {
    let mut segments: BTreeMap<_, BTreeSet<Version>> = BTreeMap::new();
    for &version in wanted {
        let before = snapshots.partition_point(|snapshot| *snapshot < version);
        let from = before.checked_sub(1).and_then(|newest| snapshots.get(newest)).copied();
        segments.entry(from).or_default().insert(version);
    }
    segments
}

impl<W: World> Settle<W> {
    /// The state of a snapshot. One that was replaced meanwhile leaves the entries after it to the beginning of the log.
    async fn begin(
        &mut self,
        partition: Partition,
        version: Option<Version>,
    ) -> Result<Kept, SettleError> {
        if let Some(version) = version {
            let log = LogId::settle(partition);
            if let Some(snapshot) = self.world.snapshots().load(&log, version).await? {
                return self.restored(partition, &snapshot).await;
            }
        }
        Ok(Kept::new(State::new(partition, self.partitions), Since::default()))
    }

    /// Folds on to the last of these entries, and hands out what each of them decided; what is missing, if anything.
    async fn fold_up_to(
        &mut self,
        partition: Partition,
        kept: &mut Kept,
        wanted: &BTreeSet<Version>,
        mut take: impl FnMut(Version, Again),
    ) -> Result<Option<Missing>, SettleError> {
        let log = LogId::settle(partition);
        loop {
            let next = kept.state.version.next();
            if wanted.last().is_none_or(|last| *last < next) {
                return Ok(None);
            }
            let read = self.world.log().read(&log, kept.state.version, Wanted::Only(&[])).await?;
            if read.first().is_none_or(|first| first.version != next) {
                return Ok(Some(Missing { log, version: next }));
            }
            for logged in read {
                if wanted.last().is_none_or(|last| *last < logged.version) {
                    return Ok(None);
                }
                let step = match self.step(partition, kept, &logged).await {
                    Err(SettleError::Missing { log: shard, version, .. }) => {
                        return Ok(Some(Missing { log: shard, version }));
                    }
                    step => step?,
                };
                if let Some(missing) = gap(&kept.state, &step) {
                    return Ok(Some(missing));
                }
                let decided = kept.state.apply(step, self.world.rules().render());
                if wanted.contains(&logged.version) {
                    take(logged.version, again(decided));
                }
            }
        }
    }
}

/// The first delta that is missing among those that an entry took. A shard's log that has leapt over a silence counts as
/// missing too: what it leapt over may have been there.
fn gap(state: &State, step: &Step) -> Option<Missing> {
    step.deltas.iter().find_map(|(shard, deltas)| {
        let mut next = state.position(shard).map_or(Version::START, |position| position.version);
        deltas.iter().find_map(|delta| {
            next = next.next();
            (delta.version != next).then(|| Missing { log: LogId::shard(shard), version: next })
        })
    })
}

fn again(decided: Decided) -> Again {
    let Decided { decisions, told, .. } = decided;
    Again { record: told.record, notifications: told.notifications, points: publication(decisions) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(snapshots: &[u64], wanted: &[u64], expect: &[(Option<u64>, &[u64])]) {
        let versions = |numbers: &[u64]| numbers.iter().copied().map(Version).collect::<Vec<_>>();
        let wanted = versions(wanted).into_iter().collect();
        let expect = expect.iter().map(|&(from, of)| {
            (from.map(Version), versions(of).into_iter().collect::<BTreeSet<_>>())
        });
        assert_eq!(segments(&versions(snapshots), &wanted), expect.collect());
    }

    #[test]
    fn an_entry_is_folded_from_the_newest_snapshot_before_it() {
        check(&[], &[1, 9], &[(None, &[1, 9])]);
        check(&[4, 8], &[1, 4, 5, 8, 9], &[(None, &[1, 4]), (Some(4), &[5, 8]), (Some(8), &[9])]);
        check(&[4, 8], &[], &[]);
    }
}
