//! Which windows a metric takes, by the plans before and after: no window mixes two definitions.

use crate::calendar::WindowSpan;
use crate::plan::{Metric, Plan};
use crate::time::{Millis, Timestamp};

/// The windows of one definition: those that begin at or after `from` and before `until`. Without an end it is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

impl Range {
    /// Whether a window is one of them.
    #[inline]
    pub(super) fn holds(&self, window_start: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= window_start)
            && self.until.is_none_or(|until| window_start < until)
    }

    /// Whether a journey of these windows, which may take so long, can be finished at `time`.
    pub(super) fn hears_finish(&self, time: Timestamp, within_ms: Millis) -> bool {
        self.from.is_none_or(|from| from <= time)
            && self.until.is_none_or(|until| time < until.plus(within_ms))
    }

    /// The window that holds `time`, or the first one if all are later.
    pub(super) fn window_at(&self, plan: &Plan, metric: &Metric, time: Timestamp) -> WindowSpan {
        let window = plan.calendar.window(metric.window, time);
        match self.from.filter(|&from| window.start < from) {
            Some(from) => first_from(plan, metric, from),
            None => window,
        }
    }
}

/// The first window of a metric that begins at or after `from`.
fn first_from(plan: &Plan, metric: &Metric, from: Timestamp) -> WindowSpan {
    let window = plan.calendar.window(metric.window, from);
    if window.start < from { plan.calendar.next(metric.window, window) } else { window }
}
