//! The contract of snapshots.

use super::{Broken, Deviation, Fault, Kept, StoreBench, ensure, log_id, rule, same};
use crate::port::PIECE_BYTES_MAX;
use crate::port::log::{LogId, Version};
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use crate::together::together;
use streamgauge_engine::time::{DAY_MS, Millis};

/// A time after which no snapshot of a live log has expired, in milliseconds: about three years.
const YEARS_MS: Millis = 1_000 * DAY_MS;

/// Puts, conflicts, large states, crashes, lost answers and expiry.
pub async fn snapshots_contract(
    snapshots: &impl Snapshots,
    bench: &impl StoreBench,
) -> Result<(), Broken> {
    let suite = Suite { snapshots, bench };
    rule("a root is swung by compare-and-swap", suite.compare_and_swap().await)?;
    rule("of many writers of one root one wins, whole", suite.many_writers().await)?;
    rule("a put that crashed midway leaves nothing visible", suite.crash().await)?;
    rule("a put whose answer was lost is there, once", suite.lost_answer().await)?;
    rule("the newest snapshot is the one that was swung to last", suite.newest().await)?;
    rule("the two newest of a live log never expire", suite.live().await)?;
    rule("those of a shard that has left expire with it", suite.left().await)
}

struct Suite<'a, S, B> {
    snapshots: &'a S,
    bench: &'a B,
}

/// A snapshot that stores have to cut, recognized by its version in each byte.
fn snapshot(version: u8) -> Result<Snapshot, Deviation> {
    let state = vec![version; 2 * PIECE_BYTES_MAX + 1];
    Snapshot::new(Version(version.into()), state).map_err(|error| Deviation::Saw(error.to_string()))
}

impl<S: Snapshots, B: StoreBench> Suite<'_, S, B> {
    async fn put(&self, log: &LogId, expected: Option<u8>, version: u8, outcome: Put) -> Kept {
        let expected = expected.map(|newest| Version(newest.into()));
        same(self.snapshots.put(log, expected, &snapshot(version)?).await?, outcome)
    }

    /// The log has these snapshots, the newest first, and they can be loaded.
    async fn holds(&self, log: &LogId, versions: &[u8]) -> Kept {
        let expected: Vec<_> = versions.iter().map(|&version| Version(version.into())).collect();
        same(self.snapshots.versions(log).await?, expected)?;
        for &version in versions {
            let loaded = self.snapshots.load(log, Version(version.into())).await?;
            let is_same = loaded == Some(snapshot(version)?);
            ensure(is_same, format_args!("another state of version {version}"))?;
        }
        Ok(())
    }

    async fn absent(&self, log: &LogId, version: u8) -> Kept {
        let loaded = self.snapshots.load(log, Version(version.into())).await?;
        ensure(loaded.is_none(), format_args!("a state of version {version}"))
    }

    async fn compare_and_swap(&self) -> Kept {
        let [log, other] = ["swap", "swap1"].map(log_id);
        self.holds(&log, &[]).await?;
        self.put(&log, Some(3), 4, Put::Conflict).await?;
        self.put(&log, None, 5, Put::Swung).await?;
        self.put(&log, None, 6, Put::Conflict).await?;
        self.holds(&log, &[5]).await?;
        self.absent(&log, 6).await?;
        self.put(&log, Some(5), 7, Put::Swung).await?;
        self.put(&log, Some(5), 8, Put::Conflict).await?;
        self.put(&log, Some(7), 7, Put::Conflict).await?;
        self.holds(&log, &[7, 5]).await?;
        self.put(&log, Some(7), 9, Put::Swung).await?;
        self.holds(&log, &[9, 7]).await?;
        self.holds(&other, &[]).await
    }

    async fn many_writers(&self) -> Kept {
        let log = log_id("writers");
        let snapshots = (1..=5).map(snapshot).collect::<Result<Vec<_>, _>>()?;
        let puts = snapshots.iter().map(|snapshot| self.snapshots.put(&log, None, snapshot));
        let outcomes = together(puts).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let winners = (1..).zip(outcomes).filter(|&(_, outcome)| outcome == Put::Swung);
        let winners: Vec<_> = winners.map(|(version, _)| version).collect();
        same(winners.len(), 1)?;
        self.holds(&log, &winners).await
    }

    async fn crash(&self) -> Kept {
        let log = log_id("crash");
        self.bench.arm(Fault::CrashMidway);
        let outcome = self.snapshots.put(&log, None, &snapshot(1)?).await;
        ensure(outcome.is_err(), outcome)?;
        self.holds(&log, &[]).await?;
        self.absent(&log, 1).await?;
        self.put(&log, None, 2, Put::Swung).await?;
        self.holds(&log, &[2]).await
    }

    async fn lost_answer(&self) -> Kept {
        let log = log_id("answer");
        self.bench.arm(Fault::AnswerLost);
        let outcome = self.snapshots.put(&log, None, &snapshot(1)?).await;
        ensure(outcome.is_err(), outcome)?;
        self.holds(&log, &[1]).await?;
        self.put(&log, None, 1, Put::Conflict).await?;
        self.holds(&log, &[1]).await
    }

    async fn newest(&self) -> Kept {
        let log = log_id("newest");
        same(self.snapshots.newest(&log).await?.is_none(), true)?;
        let mut before = None;
        for version in 1..4 {
            self.put(&log, before, version, Put::Swung).await?;
            before = Some(version);
            let is_newest = self.snapshots.newest(&log).await? == Some(snapshot(version)?);
            ensure(is_newest, format_args!("another snapshot than version {version}"))?;
        }
        self.bench.arm(Fault::CrashMidway);
        let outcome = self
            .snapshots
            .put(&log, before.map(|version| Version(version.into())), &snapshot(4)?)
            .await;
        ensure(outcome.is_err(), outcome)?;
        same(self.snapshots.newest(&log).await? == Some(snapshot(3)?), true)?;
        // A small state, which stores may keep elsewhere.
        let small = Snapshot::new(Version(5), vec![5])
            .map_err(|error| Deviation::Saw(error.to_string()))?;
        same(self.snapshots.put(&log, Some(Version(3)), &small).await?, Put::Swung)?;
        same(self.snapshots.newest(&log).await?, Some(small))
    }

    async fn live(&self) -> Kept {
        let log = log_id("live");
        self.put(&log, None, 1, Put::Swung).await?;
        self.put(&log, Some(1), 2, Put::Swung).await?;
        self.bench.advance(YEARS_MS);
        self.holds(&log, &[2, 1]).await
    }

    async fn left(&self) -> Kept {
        let log = log_id("left");
        self.snapshots.expire(&log, self.bench.now().plus(YEARS_MS)).await?;
        self.put(&log, None, 1, Put::Swung).await?;
        self.put(&log, Some(1), 2, Put::Swung).await?;
        self.bench.advance(YEARS_MS - 1);
        self.holds(&log, &[2, 1]).await?;
        self.bench.advance(1);
        self.holds(&log, &[]).await?;
        self.absent(&log, 2).await?;
        same(self.snapshots.newest(&log).await?.is_none(), true)?;
        self.holds(&log_id("live"), &[2, 1]).await?;
        self.put(&log, None, 3, Put::Swung).await?;
        self.holds(&log, &[3]).await
    }
}
