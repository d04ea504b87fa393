//! What an event is to one metric: nothing, or a contribution to one series and window.

use super::batch::{Batch, SeriesTable, Take};
use super::windows::WindowTable;
use super::{Rejection, value};
use crate::accumulate::Contribution;
use crate::expression::Program;
use crate::field::FieldValues;
use crate::place::number;
use crate::plan::{Dimension, MetricKind, Plan};
use crate::time::Timestamp;

/// Numbers the series and windows of a batch.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    windows: WindowTable,
    series: SeriesTable,
    /// The series that is being put together.
    packed: Vec<u8>,
}

impl Numbers {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { windows: WindowTable::new(plan), series: SeriesTable::default(), packed: Vec::new() }
    }

    /// The next batch begins.
    pub(super) fn begin(&mut self) {
        self.series.begin();
        self.windows.begin();
    }

    /// Offers an event to the metric at a place of the plan.
    #[inline]
    pub(super) fn offer(
        &mut self,
        plan: &Plan,
        place: usize,
        values: &FieldValues<'_>,
        time: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), Rejection> {
        let Some(metric) = plan.metrics.get(place) else { return Ok(()) };
        if metric.filter.as_ref().is_some_and(|filter| !filter.matches(values)) {
            return Ok(());
        }
        let in_metric =
            |(code, text): Rejection| (code, format!("{text} (metric `{}`)", metric.name));
        let contribution = match contribution(&metric.kind, values).map_err(in_metric)? {
            Offer::Take(contribution) => contribution,
            Offer::NoValue => {
                batch.no_value.push((place, number(batch.events.len())));
                return Ok(());
            }
            Offer::NoMatch => return Ok(()),
        };
        // A finish counts under the dimensions of its start, so its own are not looked at.
        let dimensions: &[Dimension] =
            if matches!(contribution, Contribution::Step { start: false, .. }) {
                &[]
            } else {
                &metric.dimensions
            };
        self.packed.clear();
        for dimension in dimensions {
            value::push_dimension(&mut self.packed, dimension, values).map_err(in_metric)?;
        }
        let series = self.series.number_of(place, &self.packed, &mut batch.names.series);
        let window = self.windows.number_of(place, time, &plan.calendar, &mut batch.names.windows);
        batch.takes.push(Take { series, window, contribution });
        Ok(())
    }
}

/// What an event is to a metric.
enum Offer {
    Take(Contribution),
    NoValue,
    NoMatch,
}

#[inline]
fn contribution(kind: &MetricKind, values: &FieldValues<'_>) -> Result<Offer, Rejection> {
    Ok(match kind {
        MetricKind::Count(when) if when.matches(values) => Offer::Take(Contribution::One),
        MetricKind::Count(_) => Offer::NoMatch,
        MetricKind::Sum(program) | MetricKind::Distribution(program) => {
            value::number(program, values)?
                .map_or(Offer::NoValue, |number| Offer::Take(Contribution::Number(number)))
        }
        MetricKind::Unique(program) => value::text_hash(program, values)?
            .map_or(Offer::NoValue, |hash| Offer::Take(Contribution::Member(hash))),
        MetricKind::Ratio { part, whole } => {
            let (part, whole) = (part.matches(values), whole.matches(values));
            if part || whole {
                Offer::Take(Contribution::Share { part, whole })
            } else {
                Offer::NoMatch
            }
        }
        MetricKind::Journey { start, finish, key, .. } => step(start, finish, key, values)?,
    })
}

fn step(
    start: &Program,
    finish: &Program,
    key: &Program,
    values: &FieldValues<'_>,
) -> Result<Offer, Rejection> {
    let (start, finish) = (start.matches(values), finish.matches(values));
    if !start && !finish {
        return Ok(Offer::NoMatch);
    }
    let key = value::text_hash(key, values)?;
    Ok(key.map_or(Offer::NoValue, |key| Offer::Take(Contribution::Step { key, start, finish })))
}
