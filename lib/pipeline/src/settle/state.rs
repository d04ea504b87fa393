//! The state of a settle partition: the fold of its log.
//!
//! It is changed by whole entries only, and by the same function whether the entry is being made or read again. So what
//! a cold function folds out of the log is what the warm one had.

use super::ToldBy;
use super::parts::Parts;
use super::plans::Settlers;
use super::source::ShardDelta;
use super::take::Position;
use super::telling::{Occasion, Telling, Told};
use crate::control::ControlEntry;
use crate::port::Partition;
use crate::port::log::Version;
use crate::port::source::ShardKey;
use crate::settle_entry::{Answer, ListedShard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use streamgauge_engine::notify::Render;
use streamgauge_engine::plan::{LatePolicy, Plan, Timing};
use streamgauge_engine::settle::{Decisions, Progress, ShardId, ShardListing, Watermarks};
use streamgauge_engine::time::{Millis, Timestamp};

/// What the watermarks go by until a plan is in force: nothing is settled before.
pub(super) const BEFORE_ANY_PLAN: Timing = Timing {
    out_of_order: 0,
    allowed_lateness: 0,
    late: LatePolicy::Drop,
    deduplicate: None,
    max_ahead: 0,
    hold: Millis::MAX,
};

/// What an entry is made of, beside what follows from it.
#[derive(Debug)]
pub(super) struct Step {
    /// The clock.
    pub(super) clock: Timestamp,
    /// The control log, as far as it was read, from where the state is on.
    pub(super) control: Vec<Change>,
    /// The shards that the streams list, if that is another list.
    pub(super) listing: Option<Vec<ListedShard>>,
    /// What the streams said.
    pub(super) answers: Vec<(ShardKey, Answer)>,
    /// The deltas, by shard in the order of the keys, each shard's in the order of its log.
    pub(super) deltas: Vec<(ShardKey, Vec<ShardDelta>)>,
}

impl Step {
    /// The deltas, in their order.
    pub(super) fn deltas(&self) -> impl Iterator<Item = &ShardDelta> {
        self.deltas.iter().flat_map(|(_, deltas)| deltas)
    }

    /// Per shard the last version that is taken.
    pub(super) fn taken(&self) -> Vec<(ShardKey, Version)> {
        let last = |(shard, deltas): &(ShardKey, Vec<ShardDelta>)| {
            deltas.last().map(|last| (shard.clone(), last.version))
        };
        self.deltas.iter().filter_map(last).collect()
    }
}

/// An entry of the control log, with its plan compiled.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The entry's version.
    pub(super) version: Version,
    /// What it says.
    pub(super) entry: ControlEntry,
    /// The plan that it speaks of; absent if it speaks of none.
    pub(super) plan: Option<Arc<Plan>>,
}

impl Change {
    /// Whether it gives points back to a partition.
    pub(super) fn gives_back_to(&self, wanted: Partition) -> bool {
        matches!(self.entry, ControlEntry::GivenBack { partition, .. } if partition == wanted)
    }

    /// When something was deployed, if it says that.
    pub(super) fn deployed_at(&self) -> Option<Timestamp> {
        if let ControlEntry::Deployed { at, .. } = self.entry { Some(at) } else { None }
    }
}

/// A plan that is announced and not in force.
#[derive(Clone, Debug)]
pub(super) struct Announced {
    /// Its hash.
    pub(super) plan: String,
    /// When it was announced.
    pub(super) at: Timestamp,
    /// The largest event time in deltas that were made without it.
    pub(super) latest_without: Option<Timestamp>,
    /// The shards that have a delta made with it, or were proven idle since it was announced.
    pub(super) named_by: BTreeSet<ShardKey>,
}

impl Announced {
    /// Whether a delta was made with the plan. One that retires and comes back may be named for what its successor does not have, and that is
    /// not enough; of a filter's entry nothing is whole, since it counts nothing.
    pub(super) fn is_named_by(&self, delta: &ShardDelta) -> bool {
        let counts = delta.sections.iter().any(|section| section.is_whole);
        let of_plan = delta.sections.iter().filter(|section| section.plan.hash == self.plan);
        { of_plan }.any(|section| section.is_whole || !counts)
    }
}

/// The state of a partition.
#[derive(Debug)]
pub(super) struct State {
    /// The last entry of the log.
    pub(super) version: Version,
    /// The clock of that entry.
    pub(super) clock: Timestamp,
    /// How far the control log was applied.
    pub(super) control: Version,
    pub(super) settlers: Settlers,
    pub(super) announced: Option<Announced>,
    /// The largest event time of all deltas.
    pub(super) latest_event: Option<Timestamp>,
    pub(super) watermarks: Watermarks,
    pub(super) listing: Vec<ListedShard>,
    pub(super) positions: BTreeMap<ShardKey, Position>,
    /// The listed shards that are closed and read to their end.
    pub(super) finished: BTreeSet<ShardKey>,
    /// Parts of ratios that wait for a whole.
    pub(super) parts: Parts,
    /// Who was told of what.
    pub(super) telling: Telling,
}

/// What an entry decides.
#[derive(Debug)]
pub(super) struct Decided {
    /// Per plan, the oldest first.
    pub(super) decisions: Vec<(Arc<Plan>, Decisions)>,
    /// Whether there is more to decide at once.
    pub(super) progress: Progress,
    /// The watermark after it.
    pub(super) watermark: Option<Timestamp>,
    /// What metrics refused or folded meanwhile, by name.
    pub(super) refused: Vec<(String, Refused)>,
    /// What is told of alerts.
    pub(super) told: Told,
}

/// What a metric did not publish as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    /// Events that it refused as late.
    pub(super) late_dropped: u64,
    /// Points of series over its cap that were folded into one.
    pub(super) folded: u64,
}

impl State {
    /// Applies an entry.
    pub(super) fn apply(&mut self, step: Step, render: &dyn Render) -> Decided {
        self.version = self.version.next();
        self.clock = self.clock.max(step.clock);
        for change in step.control {
            self.change(&change);
        }
        if let Some(listing) = step.listing {
            self.list(listing);
        }
        for (shard, answer) in step.answers {
            self.answer(shard, answer);
        }
        let since = self.settlers.undecided_since();
        let before = self.settlers.refused();
        for (shard, deltas) in step.deltas {
            for delta in deltas {
                self.take(&shard, delta);
            }
        }
        let watermark = self.watermarks.combined(self.clock);
        let (mut decisions, mut progress) = match watermark {
            Some(watermark) => self.settlers.settle(watermark),
            None => (Vec::new(), Progress::Done),
        };
        let mut refused = self.settlers.refused_since(&before);
        for (plan, decided) in &mut decisions {
            self.parts.meet(plan, &mut decided.points);
        }
        if let (Some(current), Some(watermark)) = (&self.settlers.current, watermark) {
            let dropped = self.parts.drop_late(&current.plan, watermark).into_iter();
            let late = |late_dropped| Refused { late_dropped, folded: 0 };
            refused.extend(dropped.map(|(metric, events)| (metric, late(events))));
        }
        let told = self.tell(&mut decisions, since, render);
        if progress == Progress::Done {
            self.settlers.retire();
        }
        if !self.telling.waiting.is_empty() {
            progress = Progress::More;
        }
        Decided { decisions, progress, watermark, refused, told }
    }

    /// Decides who is told of what was decided.
    fn tell(
        &mut self,
        decisions: &mut [(Arc<Plan>, Decisions)],
        since: Option<Timestamp>,
        render: &dyn Render,
    ) -> Told {
        let Some(current) = &self.settlers.current else { return Told::default() };
        let told_to = current.settler.told_to();
        let occasion = Occasion { clock: self.clock, since, told_to, render };
        self.telling.set_retiring(self.settlers.retiring.iter().map(|one| Arc::clone(&one.plan)));
        self.telling.decide(&current.plan, decisions, &occasion)
    }

    fn change(&mut self, change: &Change) {
        self.control = change.version;
        self.telling.silences.take(change.version, &change.entry);
        match (&change.entry, &change.plan) {
            (ControlEntry::Announced { at, .. }, Some(plan)) => {
                self.settlers.announce(Arc::clone(plan));
                self.announced = self.settlers.fed.as_ref().map(|fed| Announced {
                    plan: fed.plan.hash.clone(),
                    at: *at,
                    latest_without: self.latest_event,
                    named_by: BTreeSet::new(),
                });
            }
            (ControlEntry::InForce { from, .. }, Some(plan)) => {
                self.watermarks.set_timing(plan.timing);
                let by_clock =
                    self.announced.as_ref().filter(|_| self.telling.told_by == ToldBy::Clock);
                let announced_at = by_clock.map(|announced| announced.at);
                self.settlers.put_in_force(Arc::clone(plan), *from, announced_at);
                self.telling.set_plan(plan);
                if self.announced.as_ref().is_some_and(|announced| announced.plan == plan.hash) {
                    self.announced = None;
                }
            }
            (ControlEntry::Deployed { deploy, at }, _) if self.settlers.is_first() => {
                if let Some(current) = &self.settlers.current {
                    self.telling.deployed(&current.plan, deploy, *at, change.version);
                }
            }
            _ => {}
        }
    }

    fn list(&mut self, listing: Vec<ListedShard>) {
        let listings: Vec<_> = listing.iter().map(listed).collect();
        self.watermarks.list(&listings);
        let is_listed = |shard: &ShardKey| listing.iter().any(|listed| listed.key == *shard);
        self.positions.retain(|shard, _| is_listed(shard));
        self.finished.retain(is_listed);
        self.listing = listing;
    }

    fn answer(&mut self, shard: ShardKey, answer: Answer) {
        answer_to(&mut self.watermarks, &name(&shard), answer);
        if let Some(announced) = &mut self.announced
            && matches!(answer, Answer::Idle { asked_at } if asked_at > announced.at)
        {
            announced.named_by.insert(shard.clone());
        }
        if answer == Answer::Finished {
            self.finished.insert(shard);
        }
    }

    fn take(&mut self, shard: &ShardKey, delta: ShardDelta) {
        let latest = delta.latest_event();
        self.latest_event = self.latest_event.max(latest);
        if let Some(announced) = &mut self.announced {
            if announced.is_named_by(&delta) {
                announced.named_by.insert(shard.clone());
            } else {
                announced.latest_without = announced.latest_without.max(latest);
            }
        }
        if let Some(watermark) = self.watermark_of(&delta) {
            self.watermarks.progress(&name(shard), watermark, self.clock);
        }
        self.settlers.take(delta.sections);
        let position = Position { version: delta.version, record: delta.last };
        self.positions.insert(shard.clone(), position);
    }

    /// The shards that another list does not have any more.
    pub(super) fn gone(&self, listing: &[ListedShard]) -> Vec<ShardKey> {
        let known = self.listing.iter().map(|listed| &listed.key);
        let is_gone = |shard: &&ShardKey| listing.iter().all(|listed| listed.key != **shard);
        known.filter(is_gone).cloned().collect()
    }

    /// The shards that are listed and not read to their end.
    pub(super) fn open_shards(&self) -> impl Iterator<Item = &ShardKey> {
        let keys = self.listing.iter().map(|listed| &listed.key);
        keys.filter(|shard| !self.finished.contains(*shard))
    }

    /// The plan that can be put in force, and from which event time on: all shards work for it.
    ///
    /// As long as no shard is listed, nobody knows what was counted without it. The time is later than every event that was, and nothing was
    /// decided past it: no watermark has passed the clock. Where time passes by the events alone, no watermark has passed the last of them, and
    /// those of the past never come to where the clock is.
    pub(super) fn ready_plan(&self, now: Timestamp) -> Option<(String, Timestamp)> {
        let announced = self.announced.as_ref()?;
        let all_name_it = !self.listing.is_empty()
            && self.open_shards().all(|shard| announced.named_by.contains(shard));
        let decided = match self.telling.told_by {
            ToldBy::Clock => now,
            ToldBy::Events => self.watermark().unwrap_or(Timestamp::EPOCH),
        };
        let from = announced.latest_without.map_or(decided, |latest| latest.plus(1).max(decided));
        all_name_it.then(|| (announced.plan.clone(), from))
    }

    /// No entry yet.
    pub(super) fn new(partition: Partition, partitions: u8) -> Self {
        Self {
            version: Version::START,
            clock: Timestamp::EPOCH,
            control: Version::START,
            settlers: Settlers::new(partition, partitions),
            announced: None,
            latest_event: None,
            watermarks: Watermarks::new(BEFORE_ANY_PLAN),
            listing: Vec::new(),
            positions: BTreeMap::new(),
            finished: BTreeSet::new(),
            parts: Parts::default(),
            telling: Telling::default(),
        }
    }

    /// The event time up to which everything is decided.
    pub(super) fn watermark(&self) -> Option<Timestamp> {
        self.settlers.current.as_ref().and_then(|current| current.settler.watermark())
    }

    /// The shards that are left out.
    pub(super) fn left_out(&self) -> BTreeSet<ShardId> {
        self.watermarks.left_out().cloned().collect()
    }

    /// Where a delta takes its shard, under the plan in force.
    pub(super) fn watermark_of(&self, delta: &ShardDelta) -> Option<Timestamp> {
        let in_force = self.settlers.current.as_ref().map(|current| current.plan.hash.as_str());
        let of_plan =
            delta.sections.iter().find(|section| Some(section.plan.hash.as_str()) == in_force);
        of_plan.or(delta.sections.first()).and_then(|section| section.delta.watermark)
    }

    /// The shard is read up to here.
    pub(super) fn position(&self, shard: &ShardKey) -> Option<&Position> {
        self.positions.get(shard)
    }
}

/// Applies what a stream said of a shard.
pub(super) fn answer_to(watermarks: &mut Watermarks, shard: &ShardId, answer: Answer) {
    match answer {
        Answer::Idle { asked_at } => watermarks.idle(shard, asked_at),
        Answer::Behind { since } => watermarks.behind(shard, since),
        Answer::Finished => watermarks.finished(shard),
    }
}

/// The name under which the watermarks know a shard.
pub(super) fn name(shard: &ShardKey) -> ShardId {
    shard.to_string().into()
}

fn listed(shard: &ListedShard) -> ShardListing {
    ShardListing { id: name(&shard.key), parents: shard.parents.iter().map(name).collect() }
}
