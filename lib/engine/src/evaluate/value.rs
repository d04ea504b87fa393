//! The value of a rollup, exactly, and how it compares with a threshold.

use crate::accumulate::Accumulator;
use crate::alert::{Aggregate, Comparison};
use crate::decimal::Decimal;

/// Billionths in one, as [`Decimal`] counts.
const ONE: i128 = 1_000_000_000;

/// A value as a quotient, so that a rate is compared as it is and not as it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// In billionths.
    numerator: i128,
    /// At least 1.
    denominator: u64,
}

impl Value {
    /// A number of events.
    pub(super) fn count(events: u64) -> Self {
        Self { numerator: i128::from(events) * ONE, denominator: 1 }
    }

    /// A decimal.
    const fn decimal(value: Decimal) -> Self {
        Self { numerator: value.billionths(), denominator: 1 }
    }

    /// A part of a whole; none of nothing.
    fn quotient(numerator: i128, denominator: u64) -> Option<Self> {
        (denominator > 0).then_some(Self { numerator, denominator })
    }

    /// What an accumulator says of an aggregate; nothing where there is none, such as the average of no values.
    pub(super) fn of(accumulator: &Accumulator, aggregate: Aggregate) -> Option<Self> {
        match (accumulator, aggregate) {
            (Accumulator::Count(events), _) => Some(Self::count(*events)),
            (Accumulator::Sum(values), _) => {
                let extremes = (values.min, values.max);
                Self::of_numbers(values.sum, values.count, extremes, aggregate)
            }
            (Accumulator::Distribution(sketch), Aggregate::Percentile(tenths)) => {
                sketch.percentile(tenths).map(Self::decimal)
            }
            (Accumulator::Distribution(sketch), _) => {
                let extremes = (sketch.min(), sketch.max());
                Self::of_numbers(sketch.sum(), sketch.count(), extremes, aggregate)
            }
            (Accumulator::Unique(sketch), Aggregate::Unique) => {
                Some(Self::count(sketch.estimate()))
            }
            (Accumulator::Ratio { part, whole }, _) => match aggregate {
                Aggregate::Sum | Aggregate::Abandoned => Some(Self::count(*part)),
                Aggregate::Count => Some(Self::count(*whole)),
                Aggregate::Rate => Self::quotient(i128::from(*part) * ONE, *whole),
                _ => None,
            },
            (Accumulator::Journey(cohort), _) => match aggregate {
                Aggregate::Started => Some(Self::count(cohort.started)),
                Aggregate::Finished => Some(Self::count(cohort.finished)),
                Aggregate::Abandoned => Some(Self::count(cohort.abandoned)),
                Aggregate::Rate => {
                    Self::quotient(i128::from(cohort.abandoned) * ONE, cohort.started)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn of_numbers(
        sum: Decimal,
        count: u64,
        (min, max): (Option<Decimal>, Option<Decimal>),
        aggregate: Aggregate,
    ) -> Option<Self> {
        match aggregate {
            Aggregate::Sum => Some(Self::decimal(sum)),
            Aggregate::Count => Some(Self::count(count)),
            Aggregate::Average => Self::quotient(sum.billionths(), count),
            Aggregate::Min => min.map(Self::decimal),
            Aggregate::Max => max.map(Self::decimal),
            _ => None,
        }
    }

    /// Whether the comparison with the threshold holds, exactly.
    pub(super) fn compares(self, comparison: Comparison, threshold: Decimal) -> bool {
        let scaled = threshold.billionths().saturating_mul(i128::from(self.denominator));
        let order = self.numerator.cmp(&scaled);
        match comparison {
            Comparison::AtLeast => order.is_ge(),
            Comparison::Above => order.is_gt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Below => order.is_lt(),
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
        }
    }

    /// As evidence shows it: to nine places, half to even.
    pub(super) fn rounded(self) -> Decimal {
        let denominator = i128::from(self.denominator);
        let (floor, rest) =
            (self.numerator.div_euclid(denominator), self.numerator.rem_euclid(denominator));
        let up = match (rest * 2).cmp(&denominator) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => floor % 2 != 0,
            std::cmp::Ordering::Greater => true,
        };
        Decimal::from_billionths(floor + i128::from(up))
    }
}

/// The whole that `min_volume` asks for, of what has one.
pub(super) fn volume(accumulator: &Accumulator) -> Option<u64> {
    match accumulator {
        Accumulator::Ratio { whole, .. } => Some(*whole),
        Accumulator::Journey(cohort) => Some(cohort.finished + cohort.abandoned),
        Accumulator::Count(_)
        | Accumulator::Sum(_)
        | Accumulator::Distribution(_)
        | Accumulator::Unique(_) => None,
    }
}

/// Whether a comparison can hold because there is too little: then a group must be known for as long as the rollup covers.
pub(super) const fn looks_down(comparison: Comparison) -> bool {
    !matches!(comparison, Comparison::AtLeast | Comparison::Above)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn a_rate_is_compared_as_it_is_and_not_as_it_is_printed() {
        let third = Value::of(&Accumulator::Ratio { part: 1, whole: 3 }, Aggregate::Rate).unwrap();
        assert_eq!(third.rounded(), decimal("0.333333333"));
        assert!(third.compares(Comparison::Above, decimal("0.333333333")));
        assert!(!third.compares(Comparison::Equal, decimal("0.333333333")));
        let quarter = Value::of(&Accumulator::Ratio { part: 5, whole: 20 }, Aggregate::Rate);
        assert!(!quarter.unwrap().compares(Comparison::Above, decimal("0.25")));
        assert!(quarter.unwrap().compares(Comparison::AtLeast, decimal("0.25")));
    }

    #[test]
    fn there_is_no_rate_of_nothing() {
        assert_eq!(Value::of(&Accumulator::Ratio { part: 0, whole: 0 }, Aggregate::Rate), None);
    }

    #[test]
    fn evidence_is_rounded_half_to_even() {
        let half = |numerator| Value { numerator, denominator: 2 }.rounded().billionths();
        assert_eq!([-3, -1, 1, 3].map(half), [-2, 0, 0, 2]);
    }
}
