//! What all points of a series come to: what a counter shows.

use super::ValueKind;
use streamgauge_engine::output::{SumValues, Values};

/// The sum of all points of a series, final ones and corrections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// Events.
    Count(u64),
    /// Values.
    Sum(SumValues),
    /// Values of a distribution.
    Distribution(SumValues),
    /// Different values do not add up.
    Unique,
    /// Events that match a part and a whole.
    Ratio {
        /// Those that match `part`.
        part: u64,
        /// Those that match `whole`.
        whole: u64,
    },
    /// Journeys.
    Journey {
        /// That started.
        started: u64,
        /// Of these, that finished in time.
        finished: u64,
        /// Of these, that did not.
        abandoned: u64,
        /// The time to finish, in seconds.
        time: SumValues,
    },
}

impl Total {
    /// Nothing yet.
    pub fn zero(kind: ValueKind) -> Self {
        match kind {
            ValueKind::Count => Self::Count(0),
            ValueKind::Sum => Self::Sum(SumValues::default()),
            ValueKind::Distribution => Self::Distribution(SumValues::default()),
            ValueKind::Unique => Self::Unique,
            ValueKind::Ratio => Self::Ratio { part: 0, whole: 0 },
            ValueKind::Journey => {
                let time = SumValues::default();
                Self::Journey { started: 0, finished: 0, abandoned: 0, time }
            }
        }
    }

    /// What the points hold that it is of.
    pub const fn kind(&self) -> ValueKind {
        match self {
            Self::Count(_) => ValueKind::Count,
            Self::Sum(_) => ValueKind::Sum,
            Self::Distribution(_) => ValueKind::Distribution,
            Self::Unique => ValueKind::Unique,
            Self::Ratio { .. } => ValueKind::Ratio,
            Self::Journey { .. } => ValueKind::Journey,
        }
    }

    /// What one point gives.
    pub fn of(values: &Values) -> Self {
        match values {
            Values::Count(count) => Self::Count(*count),
            Values::Sum(values) => Self::Sum(*values),
            Values::Distribution(values) => Self::Distribution(values.exact),
            Values::Unique(_) => Self::Unique,
            Values::Ratio { part, whole } => Self::Ratio { part: *part, whole: *whole },
            Values::Journey(values) => Self::Journey {
                started: values.started,
                finished: values.finished,
                abandoned: values.abandoned,
                time: values.time.exact,
            },
        }
    }

    /// Adds a point. One of another kind is of another metric with the name of this one, whose total begins here.
    pub fn add(&mut self, values: &Values) {
        let more = Self::of(values);
        match (&mut *self, more) {
            (Self::Count(count), Self::Count(more)) => *count += more,
            (Self::Sum(sum), Self::Sum(more))
            | (Self::Distribution(sum), Self::Distribution(more)) => sum.merge(&more),
            (Self::Ratio { part, whole }, Self::Ratio { part: more_part, whole: more_whole }) => {
                *part += more_part;
                *whole += more_whole;
            }
            (
                Self::Journey { started, finished, abandoned, time },
                Self::Journey {
                    started: more_started,
                    finished: more_finished,
                    abandoned: more_abandoned,
                    time: more_time,
                },
            ) => {
                *started += more_started;
                *finished += more_finished;
                *abandoned += more_abandoned;
                time.merge(&more_time);
            }
            (total, more) => *total = more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use streamgauge_engine::decimal::Decimal;
    use streamgauge_engine::output::{DistributionValues, JourneyValues};

    fn sum(values: &[i128]) -> SumValues {
        values.iter().map(|value| Decimal::from_billionths(*value)).collect()
    }

    fn distribution(values: &[i128]) -> DistributionValues {
        DistributionValues { exact: sum(values), ..DistributionValues::default() }
    }

    /// Two points come to what one of both would be.
    #[track_caller]
    fn check(kind: ValueKind, one: &Values, other: &Values, expect: Total) {
        let mut total = Total::zero(kind);
        total.add(one);
        total.add(other);
        assert_eq!(total, expect);
    }

    #[test]
    fn points_add_up() {
        check(ValueKind::Count, &Values::Count(2), &Values::Count(3), Total::Count(5));
        check(
            ValueKind::Sum,
            &Values::Sum(sum(&[5, -7])),
            &Values::Sum(sum(&[1])),
            Total::Sum(sum(&[5, -7, 1])),
        );
        check(
            ValueKind::Distribution,
            &Values::Distribution(Box::new(distribution(&[1]))),
            &Values::Distribution(Box::new(distribution(&[2, 3]))),
            Total::Distribution(sum(&[1, 2, 3])),
        );
        check(ValueKind::Unique, &Values::Unique(2), &Values::Unique(3), Total::Unique);
        check(
            ValueKind::Ratio,
            &Values::Ratio { part: 1, whole: 4 },
            &Values::Ratio { part: 2, whole: 0 },
            Total::Ratio { part: 3, whole: 4 },
        );
        let journey = |started, finished, abandoned, times: &[i128]| {
            let time = distribution(times);
            Values::Journey(Box::new(JourneyValues { started, finished, abandoned, open: 0, time }))
        };
        check(
            ValueKind::Journey,
            &journey(3, 2, 1, &[4, 5]),
            &journey(1, 1, 0, &[6]),
            Total::Journey { started: 4, finished: 3, abandoned: 1, time: sum(&[4, 5, 6]) },
        );
    }

    #[test]
    fn a_metric_of_another_kind_begins_anew() {
        check(
            ValueKind::Count,
            &Values::Count(2),
            &Values::Ratio { part: 1, whole: 2 },
            Total::Ratio { part: 1, whole: 2 },
        );
    }
}
