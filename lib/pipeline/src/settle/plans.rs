//! The settlers of a partition, one for each plan that it works for.
//!
//! Most of the time there is one. Around a change of the rules there are more: an announced plan is *fed* with its deltas before it
//! is known from when on it counts; a plan that was in force *retires* until the last windows of what the new one does not have are final.

use super::source::SectionDelta;
use super::state::Refused;
use crate::port::Partition;
use crate::shard_entry::partition_of;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::plan::{Metric, Plan};
use streamgauge_engine::settle::{Decisions, Progress, Settler};
use streamgauge_engine::time::Timestamp;

/// The settlers of a partition.
#[derive(Debug)]
pub(super) struct Settlers {
    partition: Partition,
    partitions: u8,
    /// Those of plans that were in force, the oldest first.
    pub(super) retiring: Vec<PlanSettler>,
    /// That of the plan in force; absent until the control log names one.
    pub(super) current: Option<PlanSettler>,
    /// That of the plan that was announced.
    pub(super) fed: Option<PlanSettler>,
}

/// A settler and its plan.
#[derive(Debug)]
pub(super) struct PlanSettler {
    pub(super) plan: Arc<Plan>,
    pub(super) settler: Settler,
}

impl Settlers {
    /// None yet.
    pub(super) fn new(partition: Partition, partitions: u8) -> Self {
        Self { partition, partitions, retiring: Vec::new(), current: None, fed: None }
    }

    /// Puts back what was stored.
    pub(super) fn restore(
        &mut self,
        retiring: Vec<PlanSettler>,
        current: Option<PlanSettler>,
        fed: Option<PlanSettler>,
    ) {
        (self.retiring, self.current, self.fed) = (retiring, current, fed);
    }

    /// Whether this is the partition of what belongs to no metric.
    pub(super) fn is_first(&self) -> bool {
        self.partition == Partition::default()
    }

    /// Whether this partition has the metric.
    pub(super) fn owns(&self) -> impl Fn(&Metric) -> bool + use<> {
        let (partition, partitions) = (self.partition, self.partitions);
        move |metric| partition_of(&metric.name, partitions) == partition
    }

    /// Those that decide.
    pub(super) fn deciding(&self) -> impl Iterator<Item = &PlanSettler> {
        self.retiring.iter().chain(&self.current)
    }

    /// A plan was announced: from now on it is fed, and one that was announced before it is not.
    pub(super) fn announce(&mut self, plan: Arc<Plan>) {
        let is_in_force = self.current.as_ref().is_some_and(|one| one.plan.hash == plan.hash);
        self.fed = (!is_in_force).then(|| self.settler(plan));
    }

    /// A plan is in force from an event time on. The first one is from the beginning; its alerts without groups count from when
    /// it was announced, absent where time is that of the events.
    pub(super) fn put_in_force(
        &mut self,
        plan: Arc<Plan>,
        from: Timestamp,
        announced_at: Option<Timestamp>,
    ) {
        let fed = self.fed.take().filter(|fed| fed.plan.hash == plan.hash);
        let mut successor = fed.unwrap_or_else(|| self.settler(plan));
        if let Some(mut before) = self.current.take() {
            before.settler.hand_over(&mut successor.settler, from);
            self.retiring.push(before);
        } else if let Some(at) = announced_at {
            successor.settler.count_from(at);
        }
        self.current = Some(successor);
        self.retire();
    }

    fn settler(&self, plan: Arc<Plan>) -> PlanSettler {
        PlanSettler { settler: Settler::of(Arc::clone(&plan), self.owns()), plan }
    }

    /// Gives each settler its section of an entry.
    ///
    /// A plan that retires takes what there is of it, the others only what is whole. An entry that was made before anybody knew
    /// of the plan that is in force here now has no whole section for it: what both have it finds in the one that was in force
    /// then, which is the first and always whole. A plan that came back has two settlers: one retires, the other begins.
    pub(super) fn take(&mut self, mut sections: Vec<SectionDelta>) {
        for one in &mut self.retiring {
            let of_plan = sections.iter().find(|section| section.plan.hash == one.plan.hash);
            if let Some(section) = of_plan {
                one.settler.take(section.delta.clone());
            }
        }
        let whole = |among: &[SectionDelta], plan: &Plan| {
            among.iter().position(|one| one.is_whole && one.plan.hash == plan.hash)
        };
        if let Some(fed) = &mut self.fed
            && let Some(place) = whole(&sections, &fed.plan)
            && let Some(section) = sections.get(place)
        {
            fed.settler.take(section.delta.clone());
        }
        let Some(current) = &mut self.current else { return };
        if let Some(place) = whole(&sections, &current.plan) {
            current.settler.take(sections.swap_remove(place).delta);
        } else if !sections.is_empty() {
            let first = sections.swap_remove(0);
            current.settler.take(first.delta.translated(&first.plan, &current.plan));
        }
    }

    /// Whether settling at a watermark decides anything.
    pub(super) fn is_due(&self, watermark: Timestamp) -> bool {
        self.deciding().any(|one| one.settler.is_due(watermark))
    }

    /// The earliest event time at which anything is left to decide.
    pub(super) fn next_moment(&self) -> Option<Timestamp> {
        self.deciding().filter_map(|one| one.settler.next_moment()).min()
    }

    /// What alerts have not decided yet happens at this event time or later; absent where none of a plan is decided.
    pub(super) fn undecided_since(&self) -> Option<Timestamp> {
        let told_to = self.deciding().map(|one| one.settler.told_to()).min().flatten()?;
        let alerts = self.deciding().flat_map(|PlanSettler { plan, .. }| {
            plan.alerts.iter().map(move |alert| plan.lag_of(alert))
        });
        Some(told_to.minus(alerts.max().unwrap_or(0)))
    }

    /// Decides what lies before the watermark, plan by plan, the oldest first.
    pub(super) fn settle(
        &mut self,
        watermark: Timestamp,
    ) -> (Vec<(Arc<Plan>, Decisions)>, Progress) {
        let mut decided = Vec::new();
        for one in self.retiring.iter_mut().chain(&mut self.current) {
            let mut decisions = Decisions::default();
            let progress = one.settler.settle(watermark, &mut decisions);
            decided.push((Arc::clone(&one.plan), decisions));
            if progress == Progress::More {
                return (decided, progress);
            }
        }
        (decided, Progress::Done)
    }

    /// How many windows are open.
    pub(super) fn open_windows(&self) -> usize {
        self.deciding().map(|one| one.settler.open_windows()).sum()
    }

    /// How many journeys are open, by namespace and name of their metric: one that changed has some under either definition.
    pub(super) fn open_journeys(&self) -> BTreeMap<(&str, &str), usize> {
        let mut open = BTreeMap::new();
        for PlanSettler { plan, settler } in self.deciding() {
            for (place, journeys) in settler.open_journeys() {
                if let Some(metric) = plan.metrics.get(place) {
                    let name = (plan.namespace.as_str(), metric.name.as_str());
                    *open.entry(name).or_default() += journeys;
                }
            }
        }
        open
    }

    /// What the metrics refused or folded so far, by name. One that goes on under the next plan takes its numbers along.
    pub(super) fn refused(&self) -> BTreeMap<String, Refused> {
        let mut refused: BTreeMap<String, Refused> = BTreeMap::new();
        for one in self.deciding() {
            for (metric, counters) in one.plan.metrics.iter().zip(one.settler.counters()) {
                if counters.late_dropped + counters.folded > 0 {
                    let sums = refused.entry(metric.name.clone()).or_default();
                    sums.late_dropped += counters.late_dropped;
                    sums.folded += counters.folded;
                }
            }
        }
        refused
    }

    /// What they refused or folded since then.
    pub(super) fn refused_since(
        &self,
        before: &BTreeMap<String, Refused>,
    ) -> Vec<(String, Refused)> {
        let since = |(metric, now): (String, Refused)| {
            let then = before.get(&metric).copied().unwrap_or_default();
            let refused = Refused {
                late_dropped: now.late_dropped.saturating_sub(then.late_dropped),
                folded: now.folded.saturating_sub(then.folded),
            };
            (refused != Refused::default()).then_some((metric, refused))
        };
        self.refused().into_iter().filter_map(since).collect()
    }

    /// Lets go of settlers that have nothing left to decide.
    pub(super) fn retire(&mut self) {
        self.retiring.retain(|one| !one.settler.is_finished());
    }
}
