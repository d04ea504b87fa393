//! The watermark of all shards together.
//!
//! Each shard has its own, from its deltas. Together it is the minimum over the shards that the stream lists, so that no
//! window closes before every shard has had its say; the rules below keep a silent or stuck shard from stopping time.

mod stored;

use crate::plan::Timing;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
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
#[derive(Clone, Debug, PartialEq)]
pub struct Watermarks {
    timing: Timing,
    shards: BTreeMap<ShardId, Shard>,
    combined: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Shard {
    parents: Vec<ShardId>,
    /// The stream lists it.
    is_listed: bool,
    /// It is closed and was read to its end, whether the stream still lists it or not.
    has_ended: bool,
    watermark: Option<Timestamp>,
    /// When it was last asked and had nothing more.
    idle_at: Option<Timestamp>,
    /// The clock at its last delta.
    progress_at: Option<Timestamp>,
    /// Since when records have been waiting in it without a delta.
    behind_since: Option<Timestamp>,
    is_left_out: bool,
}

impl Shard {
    /// It takes part in the combined watermark, or would if it were not left out.
    const fn takes_part(&self) -> bool {
        self.is_listed && !self.has_ended
    }

    /// Where it stands by what is known of itself: its own watermark, or what an idle proof allows.
    fn own_standing(&self, timing: &Timing) -> Option<Timestamp> {
        let idle = self.idle_at.map(|asked_at| asked_at.minus(timing.out_of_order));
        self.watermark.max(idle)
    }
}

impl Watermarks {
    /// No shards yet.
    pub const fn new(timing: Timing) -> Self {
        Self { timing, shards: BTreeMap::new(), combined: None }
    }

    /// Another plan is in force. Where shards stand stays.
    pub const fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// Takes the stream's list of shards. One that is not in it any more counts as read to its end, and is forgotten once no
    /// listed shard stands where it stood.
    pub fn list(&mut self, listings: &[ShardListing]) {
        for shard in self.shards.values_mut() {
            shard.is_listed = false;
        }
        for listing in listings {
            let shard = self.shards.entry(Arc::clone(&listing.id)).or_default();
            shard.parents.clone_from(&listing.parents);
            shard.is_listed = true;
        }
        let needed = self.needed();
        self.shards.retain(|id, _| needed.contains(id));
    }

    /// The listed shards, and those before them that they stand by until they are heard of.
    fn needed(&self) -> BTreeSet<ShardId> {
        let mut needed = BTreeSet::new();
        let listed = self.shards.iter().filter(|(_, shard)| shard.is_listed);
        let mut next: Vec<_> = listed.map(|(id, _)| id).collect();
        while let Some(id) = next.pop() {
            let Some(shard) = self.shards.get(id) else { continue };
            let is_new = needed.insert(Arc::clone(id));
            if is_new && shard.own_standing(&self.timing).is_none() {
                next.extend(&shard.parents);
            }
        }
        needed
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

    /// Records wait in the shard and no delta comes, since a moment that stays until one comes.
    pub fn behind(&mut self, shard: &ShardId, since: Timestamp) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.behind_since = shard.behind_since.or(Some(since));
        }
    }

    /// The shard is closed and was read to its end: it leaves, though the stream lists it for days. Its children must be listed
    /// by then, for they go on where it stood.
    pub fn finished(&mut self, shard: &ShardId) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.has_ended = true;
            shard.behind_since = None;
        }
    }

    /// The shards that are left out because they have been behind for longer than `hold`; [`combined`](Self::combined) decides it.
    pub fn left_out(&self) -> impl Iterator<Item = &ShardId> {
        let left_out = |(_, shard): &(&ShardId, &Shard)| shard.takes_part() && shard.is_left_out;
        self.shards.iter().filter(left_out).map(|(id, _)| id)
    }

    /// Where a shard stands: what it still brings is believed to have happened later. Absent: nothing is known.
    pub fn of_shard(&self, shard: &ShardId) -> Option<Timestamp> {
        self.standing(shard)
    }

    /// Since when records have been waiting in the shard that has been behind for longest, left out or not.
    pub fn behind_since(&self) -> Option<Timestamp> {
        let shards = self.shards.values().filter(|shard| shard.takes_part());
        shards.filter_map(|shard| shard.behind_since).min()
    }

    /// The event time up to which all events are believed to have arrived. It never goes back.
    pub fn combined(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.leave_out(now);
        let standings: Vec<_> = self.shards.keys().map(|id| self.standing(id)).collect();
        let shards = || self.shards.values().zip(&standings);
        let counted = shards().filter(|(shard, _)| shard.takes_part() && !shard.is_left_out);
        // A shard that holds at the beginning (None) is smaller than every other: nothing can be said yet.
        let least = counted.map(|(_, &standing)| standing).min().flatten();
        self.combined = self.combined.max(least);
        for (shard, standing) in self.shards.values_mut().zip(standings) {
            // It counts again when it has reached the others.
            shard.is_left_out &= shard.behind_since.is_some() || standing < self.combined;
        }
        self.combined
    }

    /// Where a shard stands: by itself, or while it was not heard of where its parents do; of two, the smaller.
    fn standing(&self, id: &ShardId) -> Option<Timestamp> {
        let (mut next, mut seen) = (vec![id], BTreeSet::from([id]));
        let mut least: Option<Option<Timestamp>> = None;
        while let Some(shard) = next.pop().and_then(|next| self.shards.get(next)) {
            let own = shard.own_standing(&self.timing);
            let parents = shard.parents.iter().filter(|&parent| self.shards.contains_key(parent));
            if own.is_none() && parents.clone().next().is_some() {
                next.extend(parents.filter(|&parent| seen.insert(parent)));
            } else {
                least = Some(least.map_or(own, |least| least.min(own)));
            }
        }
        least.flatten()
    }

    /// Leaves out shards that have been behind for `hold` while another one with records went on. Which is itself left out
    /// does not count: nothing can go on with it.
    fn leave_out(&mut self, now: Timestamp) {
        let hold = self.timing.hold;
        let counted = |shard: &&Shard| shard.takes_part() && !shard.is_left_out;
        let going =
            self.shards.values().filter(counted).filter(|shard| shard.behind_since.is_none());
        let Some(went_on_at) = going.filter_map(|shard| shard.progress_at).max() else { return };
        for shard in self.shards.values_mut() {
            let Some(since) = shard.behind_since else { continue };
            shard.is_left_out |= since < went_on_at && since.plus(hold) <= now;
        }
    }
}

#[cfg(test)]
mod tests;
