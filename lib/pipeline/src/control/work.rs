//! For which plans a shard's batch is aggregated.
//!
//! ```text
//!   P from the beginning           Q from T                           R announced
//!   ├── windows of P ──────────┬───┤ the last window of P, that holds T
//!                              T   ├── windows of Q ──────────────────────────►
//!   until the shard is past the end of P's last windows, with all that may still come late, it works for P too,
//!   for the metrics that Q does not have as they are; until it is past T, for those with alerts that Q does not have as
//!   they are; and for all of R, which has no T yet
//! ```

use crate::shard_entry::SECTIONS_MAX;
use std::sync::Arc;
use streamgauge_engine::plan::{Metric, Plan};
use streamgauge_engine::time::Timestamp;

/// A plan that a batch is aggregated for.
#[derive(Clone, Debug)]
pub struct Work {
    /// The plan.
    pub plan: Arc<Plan>,
    /// By their place, the metrics whose deltas are wanted.
    wanted: Vec<bool>,
}

impl Work {
    /// Whether the delta of the metric at this place of the plan is wanted.
    pub fn wants(&self, metric: usize) -> bool {
        self.wanted.get(metric).copied().unwrap_or_default()
    }

    /// Whether the deltas of all its metrics are.
    pub fn is_whole(&self) -> bool {
        !self.wanted.contains(&false)
    }

    fn whole(plan: &Arc<Plan>) -> Self {
        Self { plan: Arc::clone(plan), wanted: vec![true; plan.metrics.len()] }
    }
}

/// The plans to work for, most important first, at most [`SECTIONS_MAX`]: the one in force, the newest announced, then
/// predecessors from the newest on, as far as their last windows still take events of this shard.
///
/// `in_force` are the plans that came in force with their beginnings, the newest last. `furthest` is the largest event time
/// that the shard's watermark is made of; absent: nothing has come from it yet.
pub fn plans_to_work_for(
    in_force: &[(Arc<Plan>, Timestamp)],
    announced: Option<&Arc<Plan>>,
    furthest: Option<Timestamp>,
) -> Vec<Work> {
    let newest = in_force.last().map(|(plan, _)| plan);
    let mut works: Vec<Work> = Vec::new();
    for plan in newest.into_iter().chain(announced) {
        if works.iter().all(|work| work.plan.hash != plan.hash) {
            works.push(Work::whole(plan));
        }
    }
    for pair in in_force.windows(2).rev() {
        let [(plan, _), (successor, from)] = pair else { continue };
        let wanted: Vec<bool> = plan
            .metrics
            .iter()
            .map(|metric| takes_events(plan, metric, successor, *from, furthest))
            .collect();
        if !wanted.contains(&true) {
            continue;
        }
        match works.iter_mut().find(|work| work.plan.hash == plan.hash) {
            // A plan that came back: what either time wants.
            Some(work) => {
                for (already, also) in work.wanted.iter_mut().zip(wanted) {
                    *already |= also;
                }
            }
            None => works.push(Work { plan: Arc::clone(plan), wanted }),
        }
    }
    works.truncate(usize::from(SECTIONS_MAX));
    works
}

/// Whether the last window that a plan has of a metric, or an alert on it, still takes events of a shard.
///
/// Under the same definition the successor goes on with the metric's state; what looks at it until the successor's beginning are alerts that
/// end there. Else the last window is the one that holds that; nothing comes into it once the shard's watermark has passed
/// its end by all that may be late.
fn takes_events(
    plan: &Plan,
    metric: &Metric,
    successor: &Plan,
    from: Timestamp,
    furthest: Option<Timestamp>,
) -> bool {
    let has_passed = |moment: Timestamp| {
        furthest.is_some_and(|furthest| furthest.minus(plan.timing.out_of_order) >= moment)
    };
    if successor.metrics.iter().any(|next| next.definition == metric.definition) {
        return ends_alerts(plan, metric, successor) && !has_passed(from);
    }
    let last = plan.calendar.window(metric.window, from);
    let closed_at = plan.final_at(metric, last).plus(plan.timing.correction_horizon());
    !has_passed(closed_at)
}

/// Whether a plan has alerts on a metric that its successor does not have as they are.
fn ends_alerts(plan: &Plan, metric: &Metric, successor: &Plan) -> bool {
    let of_metric = plan.alerts.iter().filter(|alert| {
        plan.metrics.get(alert.metric).is_some_and(|of| of.definition == metric.definition)
    });
    let goes_on =
        |definition: &str| successor.alerts.iter().any(|next| next.definition == definition);
    of_metric.into_iter().any(|alert| !goes_on(&alert.definition))
}
