//! What the settlers decided, as a publication.

use crate::publication::{PointKind, Publication, PublishedMetric, PublishedPoint};
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::output::{Point, Status};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::settle::{Decisions, Increment};

/// The publication of what was decided, plan by plan.
pub(super) fn publication(decided: Vec<(Arc<Plan>, Decisions)>) -> Publication {
    let mut publication = Publication::default();
    for (plan, decisions) in decided {
        let mut names = Names { plan: &plan, places: BTreeMap::new() };
        for increment in decisions.increments {
            push_increment(&mut publication, &mut names, increment);
        }
        for point in decisions.points {
            push_point(&mut publication, &mut names, point);
        }
    }
    publication
}

/// The metrics of one plan that have a place in the publication.
struct Names<'p> {
    plan: &'p Plan,
    places: BTreeMap<usize, u32>,
}

impl Names<'_> {
    fn place(&mut self, metric: usize, publication: &mut Publication) -> Option<u32> {
        let defined = self.plan.metrics.get(metric)?;
        let place = self.places.entry(metric).or_insert_with(|| {
            publication.metrics.push(PublishedMetric {
                namespace: self.plan.namespace.clone(),
                name: defined.name.clone(),
                dimensions: defined.dimensions.iter().map(|one| one.name.clone()).collect(),
                unit: defined.unit.clone(),
            });
            u32::try_from(publication.metrics.len() - 1).unwrap_or(u32::MAX)
        });
        Some(*place)
    }
}

fn push_increment(publication: &mut Publication, names: &mut Names<'_>, increment: Increment) {
    let Some(metric) = names.place(increment.metric, publication) else { return };
    publication.points.push(PublishedPoint {
        metric,
        series: increment.series,
        window_start: increment.window_start,
        window_end: increment.window_end,
        kind: PointKind::Increment,
        values: increment.accumulator.into_values(),
    });
}

fn push_point(publication: &mut Publication, names: &mut Names<'_>, point: Point) {
    let Some(metric) = names.place(point.metric, publication) else { return };
    let is_live = names.plan.metrics.get(point.metric).is_some_and(|defined| defined.live);
    let kind = match point.status {
        Status::Final if is_live && !is_zero(&point) => PointKind::Recorded,
        Status::Final => PointKind::Final,
        Status::Correction => PointKind::Correction,
        // A running stack never looks at windows that are not decided.
        Status::Open => return,
    };
    publication.points.push(PublishedPoint {
        metric,
        series: point.series,
        window_start: point.window_start,
        window_end: point.window_end,
        kind,
        values: point.values,
    });
}

/// Whether a point is a zero of `zero: publish`: it had no increment, and is put.
fn is_zero(point: &Point) -> bool {
    use streamgauge_engine::output::Values;
    match &point.values {
        Values::Count(count) | Values::Unique(count) => *count == 0,
        Values::Sum(values) => values.count == 0,
        Values::Distribution(values) => values.exact.count == 0,
        Values::Ratio { .. } | Values::Journey(_) => false,
    }
}
