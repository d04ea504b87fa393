//! The watermark of all shards together.
//!
//! Each shard has its own, from its deltas. Together it is the minimum over the shards that the stream lists, so that no
//! window closes before every shard has had its say; the rules below keep a silent or stuck shard from stopping time.

use crate::plan::Timing;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of a shard.
pub type ShardId = Arc<str>;

/// A shard that the stream lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardListing {
    /// Its name.
    pub id: ShardId,
    /// The shards that it was split or merged from.
    pub parents: Vec<ShardId>,
}

/// How far each shard is, and all of them together.
#[derive(Clone, Debug)]
pub struct Watermarks {
    timing: Timing,
    shards: BTreeMap<ShardId, Shard>,
    combined: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
struct Shard {
    parents: Vec<ShardId>,
    /// It is in the stream's list and has not been read to its end.
    listed: bool,
    watermark: Option<Timestamp>,
    /// When it was last asked and had nothing more.
    idle_at: Option<Timestamp>,
    /// The clock at its last delta.
    progress_at: Option<Timestamp>,
    /// Since when records have been waiting in it without a delta.
    behind_since: Option<Timestamp>,
    left_out: bool,
}

impl Watermarks {
    /// No shards yet.
    pub fn new(timing: Timing) -> Self {
        Self { timing, shards: BTreeMap::new(), combined: None }
    }

    /// Takes the stream's list of shards. One that is not in it any more counts as read to its end.
    pub fn list(&mut self, listings: &[ShardListing]) {
        for shard in self.shards.values_mut() {
            shard.listed = false;
        }
        for listing in listings {
            let shard = self.shards.entry(Arc::clone(&listing.id)).or_default();
            shard.parents.clone_from(&listing.parents);
            shard.listed = true;
        }
    }

    /// A delta of the shard came, with the shard's watermark after it; `now` is the clock.
    pub fn progress(&mut self, shard: &ShardId, watermark: Timestamp, now: Timestamp) {
        let shard = self.shards.entry(Arc::clone(shard)).or_default();
        shard.watermark = shard.watermark.max(Some(watermark));
        shard.progress_at = shard.progress_at.max(Some(now));
        shard.behind_since = None;
    }

    /// The stream, asked at `asked_at` from the last number taken, had no more records in the shard.
    pub fn idle(&mut self, shard: &ShardId, asked_at: Timestamp) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.idle_at = shard.idle_at.max(Some(asked_at));
            shard.behind_since = None;
        }
    }

    /// Records wait in the shard and no delta comes.
    pub fn behind(&mut self, shard: &ShardId, since: Timestamp) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.behind_since = shard.behind_since.or(Some(since));
        }
    }

    /// The shard is closed and was read to its end: it leaves.
    pub fn finished(&mut self, shard: &ShardId) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.listed = false;
        }
    }

    /// The shards that are left out because they have been behind for longer than `hold`.
    pub fn left_out(&self) -> impl Iterator<Item = &ShardId> {
        self.shards.iter().filter(|(_, shard)| shard.listed && shard.left_out).map(|(id, _)| id)
    }

    /// The event time up to which all events are believed to have arrived. It never goes back.
    pub fn combined(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.leave_out(now);
        let counted = self.shards.values().filter(|shard| shard.listed && !shard.left_out);
        // A shard that holds at the beginning (None) is smaller than every other: nothing can be said yet.
        let least = counted.map(|shard| self.standing(shard)).min().flatten();
        self.combined = self.combined.max(least);
        self.readmit();
        self.combined
    }

    /// Where one shard stands: its own watermark, what an idle proof allows, or while it was not heard of where its parents were.
    fn standing(&self, shard: &Shard) -> Option<Timestamp> {
        let idle = shard.idle_at.map(|asked_at| asked_at.minus(self.timing.out_of_order));
        let own = shard.watermark.max(idle);
        if own.is_some() {
            return own;
        }
        let parents = shard.parents.iter().filter_map(|parent| self.shards.get(parent));
        parents.map(|parent| self.standing(parent)).min().flatten()
    }

    /// Leaves out shards that have been behind for `hold` while another one with records went on.
    fn leave_out(&mut self, now: Timestamp) {
        let hold = self.timing.hold;
        let went_on: Vec<_> = self
            .shards
            .values()
            .filter(|shard| shard.listed && shard.behind_since.is_none())
            .filter_map(|shard| shard.progress_at)
            .collect();
        for shard in self.shards.values_mut().filter(|shard| shard.listed && !shard.left_out) {
            let Some(since) = shard.behind_since else { continue };
            let others_went_on = went_on.iter().any(|&progress_at| progress_at > since);
            shard.left_out = others_went_on && since.plus(hold) <= now;
        }
    }

    /// A shard that was left out counts again when it has reached the others.
    fn readmit(&mut self) {
        let combined = self.combined;
        let standings: Vec<_> = self.shards.values().map(|shard| self.standing(shard)).collect();
        for (shard, standing) in self.shards.values_mut().zip(standings) {
            if shard.left_out && shard.behind_since.is_none() && standing >= combined {
                shard.left_out = false;
            }
        }
    }
}

#[cfg(test)]
mod tests;
