//! The total of one series over all its windows, as far as windows can be added up.

use streamgauge_engine::output::{Status, Values};
use streamgauge_pipeline::render::{Column, Number, numbers};

/// What the points of one series come to.
#[derive(Clone, Debug)]
pub(super) struct Total {
    points: u64,
    values: Values,
}

impl Total {
    /// The total of one point.
    pub(super) fn new(values: &Values) -> Self {
        Self { points: 1, values: values.clone() }
    }

    /// Adds a point of the same metric.
    pub(super) fn add(&mut self, values: &Values) {
        self.points += 1;
        match (&mut self.values, values) {
            (Values::Count(total), Values::Count(count)) => *total += count,
            (Values::Sum(total), Values::Sum(sum)) => total.merge(sum),
            (Values::Distribution(total), Values::Distribution(one)) => {
                total.exact.merge(&one.exact);
            }
            // Different windows have seen the same values, so their numbers cannot be added: the largest is shown.
            (Values::Unique(total), Values::Unique(unique)) => *total = (*total).max(*unique),
            (Values::Ratio { part: parts, whole: wholes }, Values::Ratio { part, whole }) => {
                *parts += part;
                *wholes += whole;
            }
            (Values::Journey(total), Values::Journey(one)) => {
                total.started += one.started;
                total.finished += one.finished;
                total.abandoned += one.abandoned;
                total.time.exact.merge(&one.time.exact);
            }
            // A metric's points are all of its kind.
            _ => {}
        }
    }

    /// How many points were added.
    pub(super) fn points(&self) -> u64 {
        self.points
    }

    /// What the series are ordered by: how much they have to say.
    pub(super) fn weight(&self) -> u64 {
        match &self.values {
            Values::Count(count) | Values::Unique(count) => *count,
            Values::Sum(sum) => sum.count,
            Values::Distribution(distribution) => distribution.exact.count,
            Values::Ratio { part, whole } => (*whole).max(*part),
            Values::Journey(journey) => journey.started,
        }
    }

    /// The numbers, without those that cannot be added up.
    pub(super) fn numbers(&self) -> Vec<(Column, Number)> {
        let mut numbers = numbers(&self.values, Status::Final);
        numbers.retain(|(column, _)| !column.is_percentile());
        numbers
    }
}
