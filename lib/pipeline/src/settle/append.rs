//! A step to an entry of the settle log: applied, written down with what it decided, and appended.

use super::figures::{self, Shards, Standing, Totals};
use super::outputs::publication;
use super::state::{Change, Decided, State, Step};
use super::telling::Told;
use super::{Kept, SETTLE_KEPT_MS, Settle, SettleError, Settled};
use crate::control;
use crate::notifications;
use crate::port::Partition;
use crate::port::log::{Append, Chunks, Entry, Label, Log, LogId};
use crate::port::rules::Rules;
use crate::port::snapshots::Snapshots;
use crate::port::source::ShardKey;
use crate::publication::Publication;
use crate::settle_entry::{ALERTS, NOTIFICATIONS, POINTS, SettleEntry};
use crate::world::World;
use streamgauge_engine::settle::Progress;
use streamgauge_engine::time::Timestamp;

impl<W: World> Settle<W> {
    /// Applies a step and appends the entry; absent if another invocation was faster.
    pub(super) async fn append(
        &mut self,
        partition: Partition,
        kept: &mut Kept,
        step: Step,
        settled: &mut Settled,
    ) -> Result<Option<Progress>, SettleError> {
        let taken = step.taken();
        let (listing, answers) = (step.listing.clone(), step.answers.clone());
        let bytes: usize = step.deltas().map(|delta| delta.bytes).sum();
        let deltas = step.deltas().count();
        let totals = Totals::of(step.deltas());
        let gone = listing.as_deref().map(|listing| kept.state.gone(listing)).unwrap_or_default();
        let given_back = self.given_back(partition, &step.control).await?;
        let deploys: Vec<Timestamp> = step.control.iter().filter_map(Change::deployed_at).collect();
        let (before, left_out) = (kept.state.watermark(), kept.state.left_out());
        let applied = kept.state.apply(step, self.world.rules().render());
        let Decided { decisions, progress, watermark, refused, told } = applied;
        let mut publication = publication(decisions);
        publication.extend(given_back);
        let points = publication.points.len();
        figures::publish_open(&kept.state, before, &mut publication);
        figures::publish_refused(&self.stack, kept.state.clock, &refused, &mut publication);
        let State { clock, control, .. } = kept.state;
        if partition == Partition::default() {
            let shards = Shards::between(&left_out, &kept.state, clock);
            let standing = Standing { clock, watermark, shards, took_ms: kept.took_ms };
            totals.publish(&self.stack, standing, &mut publication);
            figures::publish_deploys(&self.stack, &deploys, &mut publication);
        }
        let header = SettleEntry {
            clock,
            control,
            taken,
            listing,
            answers,
            watermark,
            points: u64::try_from(points).unwrap_or(u64::MAX),
        };
        let chunks = chunks(&publication, &told);
        let expires_at = kept.state.clock.plus(SETTLE_KEPT_MS);
        let entry = Entry::new(header.encode(), chunks, expires_at)?;
        let log = LogId::settle(partition);
        if self.world.log().append(&log, kept.state.version, &entry).await? == Append::Conflict {
            return Ok(None);
        }
        kept.since.entry(bytes + entry.bytes(), kept.state.clock);
        self.expire(&gone, clock).await;
        settled.entries += 1;
        settled.deltas += deltas;
        settled.points += points;
        settled.transitions += told.record.transitions.len();
        settled.notifications += told.notifications.len();
        Ok(Some(progress))
    }

    /// Lets the snapshots of shards that have left the list expire, once no entry of their logs is left. One that is missed
    /// here takes some room for ever, and nothing else.
    async fn expire(&self, gone: &[ShardKey], clock: Timestamp) {
        for shard in gone {
            let log = LogId::shard(shard);
            drop(self.world.snapshots().expire(&log, clock.plus(SETTLE_KEPT_MS)).await);
        }
    }

    /// The points that a change gives back to this partition.
    async fn given_back(
        &self,
        partition: Partition,
        changes: &[Change],
    ) -> Result<Publication, SettleError> {
        match changes.iter().find(|change| change.gives_back_to(partition)) {
            Some(change) => Ok(control::points_at(self.world.log(), change.version).await?),
            None => Ok(Publication::default()),
        }
    }
}

/// What was decided, each kind in its chunk if there is any.
fn chunks(publication: &Publication, told: &Told) -> Chunks {
    let mut chunks = Chunks::new();
    let mut put = |label: Label, is_there: bool, encode: &dyn Fn() -> Vec<u8>| {
        if is_there {
            chunks.insert(label, encode());
        }
    };
    put(POINTS, !publication.points.is_empty(), &|| publication.encode());
    put(ALERTS, !told.record.transitions.is_empty(), &|| told.record.encode());
    let are_notifications = !told.notifications.is_empty();
    put(NOTIFICATIONS, are_notifications, &|| notifications::encode(&told.notifications));
    chunks
}
