//! Which metrics can an event be for: an index over the constants that their expressions demand.
//!
//! Most metrics begin with `type == "..."`. Those are found by one look into a map per field that is demanded, so a
//! thousand metrics cost what the few that match cost. Metrics that demand nothing are asked every time.

use crate::expression::Program;
use crate::field::{FieldId, FieldValues, Raw};
use crate::hash::Map;
use crate::json;
use crate::plan::{Metric, MetricKind, Plan};

/// The metrics by what they demand.
#[derive(Clone, Debug, Default)]
pub(super) struct MetricIndex {
    always: Vec<usize>,
    by_field: Vec<(FieldId, ByConstant)>,
}

/// The places of the metrics that demand each constant.
type ByConstant = Map<Box<str>, Vec<usize>>;

/// What must hold for a metric to want an event: the field is one of these strings.
type Demand<'p> = (FieldId, Vec<&'p str>);

impl MetricIndex {
    /// The index of a plan's metrics.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut index = Self::default();
        for (place, metric) in plan.metrics.iter().enumerate() {
            match demand(metric) {
                Some((field, constants)) => index.insert(field, &constants, place),
                None => index.always.push(place),
            }
        }
        index
    }

    fn insert(&mut self, field: FieldId, constants: &[&str], place: usize) {
        let position =
            self.by_field.iter().position(|(known, _)| *known == field).unwrap_or_else(|| {
                self.by_field.push((field, Map::default()));
                self.by_field.len() - 1
            });
        let Some((_, by_constant)) = self.by_field.get_mut(position) else { return };
        for &constant in constants {
            let places = by_constant.entry(constant.into()).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }

    /// Appends the metrics that may want the event.
    #[inline]
    pub(super) fn candidates(&self, values: &FieldValues<'_>, candidates: &mut Vec<usize>) {
        candidates.extend_from_slice(&self.always);
        for (field, by_constant) in &self.by_field {
            let places = match values.get(*field) {
                Raw::Text(text) => by_constant.get(text),
                Raw::Escaped(text) => by_constant.get(json::unescape(text).as_str()),
                _ => None,
            };
            candidates.extend_from_slice(places.map_or(&[], Vec::as_slice));
        }
    }
}

/// What the metric demands to take an event, or to miss its value.
fn demand(metric: &Metric) -> Option<Demand<'_>> {
    let of_filter = || metric.filter.as_ref().and_then(Program::required);
    let of_kind = match &metric.kind {
        MetricKind::Count(when) => when.required(),
        MetricKind::Sum(_) | MetricKind::Distribution(_) | MetricKind::Unique(_) => None,
        MetricKind::Ratio { part: one, whole: other }
        | MetricKind::Journey { start: one, finish: other, .. } => {
            one.required().zip(other.required()).and_then(either)
        }
    };
    of_kind.or_else(of_filter)
}

/// What must hold if one of two demands must: only demands on the same field can be put together.
fn either<'p>(
    ((field, mut constants), (other, more)): (Demand<'p>, Demand<'p>),
) -> Option<Demand<'p>> {
    constants.extend(more);
    constants.sort_unstable();
    constants.dedup();
    (field == other).then_some((field, constants))
}
