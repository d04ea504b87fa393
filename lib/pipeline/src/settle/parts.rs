//! Parts of ratios that wait for a whole.
//!
//! `CloudWatch` takes a ratio as a statistic set: the part is its sum, the whole its number of samples. Without a whole there is
//! no sample that the part could be the sum of. So it waits for the next point of the same window that has one, a
//! correction; what nobody comes for is dropped as late, and counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::output::{Point, Status, Values};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::Timestamp;

/// The parts that wait: per window and series of a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts(pub(super) BTreeMap<Place, Part>);

/// The events of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// All of them.
    pub(super) events: u64,
    /// Those that came late, in corrections.
    pub(super) late: u64,
}

/// A window and a series of a metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The first instant after the window: what ends first stands first.
    pub(super) window_end: Timestamp,
    /// The window's first instant.
    pub(super) window_start: Timestamp,
    /// The metric's name.
    pub(super) metric: String,
    /// The dimension values.
    pub(super) series: Arc<SeriesKey>,
}

impl Parts {
    /// Keeps the parts of points without a whole, and gives them to points that have one.
    pub(super) fn meet(&mut self, plan: &Plan, points: &mut [Point]) {
        for point in points {
            let Values::Ratio { part, whole } = &mut point.values else { continue };
            if *whole > 0 && self.0.is_empty() {
                continue;
            }
            let Some(metric) = plan.metrics.get(point.metric) else { continue };
            let place = Place {
                window_end: point.window_end,
                window_start: point.window_start,
                metric: metric.name.clone(),
                series: Arc::clone(&point.series),
            };
            if *whole > 0 {
                *part += self.0.remove(&place).unwrap_or_default().events;
            } else if *part > 0 {
                let waiting = self.0.entry(place).or_default();
                let events = std::mem::take(part);
                waiting.events += events;
                waiting.late += if point.status == Status::Correction { events } else { 0 };
            }
        }
    }

    /// Drops the parts of windows for which no correction can come any more; per metric, how many late events.
    pub(super) fn drop_late(&mut self, plan: &Plan, watermark: Timestamp) -> Vec<(String, u64)> {
        let timing = plan.timing;
        let taken_from = watermark.minus(timing.correction_horizon() + timing.allowed_lateness);
        let mut dropped = Vec::new();
        while let Some(first) = self.0.first_entry() {
            if first.key().window_end > taken_from {
                break;
            }
            let (place, part) = first.remove_entry();
            if part.late > 0 {
                dropped.push((place.metric, part.late));
            }
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::tests::kit::plan;

    const RULES: &str = r#"
        version: 1
        namespace: Shop
        out_of_order: 0s
        allowed_lateness: 10s
        late: correct
        deduplicate: 1m
        metrics:
          rate: {ratio: {part: type == "reject", whole: type == "order"}, window: 10s}
    "#;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_767_607_200_000 + second * 1_000)
    }

    fn point(start: i64, part: u64, whole: u64) -> Point {
        Point {
            metric: 0,
            series: Arc::default(),
            window_start: at(start),
            window_end: at(start + 10),
            status: Status::Correction,
            decided_at: at(start + 20),
            values: Values::Ratio { part, whole },
        }
    }

    /// What points (start, part, whole) become, one after another.
    fn check(points: &[(i64, u64, u64)], expect: &[(u64, u64)]) {
        let plan = plan(RULES);
        let mut parts = Parts::default();
        let became = points.iter().map(|&(start, part, whole)| {
            let mut met = [point(start, part, whole)];
            parts.meet(&plan, &mut met);
            met.map(|point| point.values)
        });
        let expect = expect.iter().map(|&(part, whole)| [Values::Ratio { part, whole }]);
        assert_eq!(became.collect::<Vec<_>>(), expect.collect::<Vec<_>>());
    }

    #[test]
    fn a_part_waits_for_the_next_whole_of_its_window() {
        check(&[(0, 2, 0), (0, 1, 0), (10, 1, 4), (0, 1, 5)], &[(0, 0), (0, 0), (1, 4), (4, 5)]);
        check(&[(0, 2, 0), (0, 0, 3), (0, 1, 1)], &[(0, 0), (2, 3), (1, 1)]);
        check(&[(0, 2, 7)], &[(2, 7)]);
    }

    #[test]
    fn a_part_that_nobody_comes_for_is_dropped_as_late() {
        let plan = plan(RULES);
        let mut parts = Parts::default();
        parts.meet(&plan, &mut [point(0, 2, 0), point(10, 3, 0)]);
        assert_eq!(parts.drop_late(&plan, at(79)), []);
        assert_eq!(parts.drop_late(&plan, at(80)), [("rate".to_owned(), 2)]);
        assert_eq!(parts.drop_late(&plan, at(90)), [("rate".to_owned(), 3)]);
    }
}
