//! What several points come to: windows that are rolled up, and late events that are added to their window.
//!
//! Counts and sums are added, distributions merge by their buckets, so that percentiles are those of all values. Only how many
//! different values there were does not follow from two numbers: of these the larger is kept, which is the least there can be.

use super::{DistributionValues, JourneyValues, PERCENTILES, SumValues, Values};
use crate::sketch::Distribution;

impl Values {
    /// Adds what another point of the metric comes to; false, and nothing is changed, if it is not of the same kind or holds a
    /// distribution that is none.
    #[must_use]
    pub fn merge(&mut self, more: &Self) -> bool {
        match (self, more) {
            (Self::Count(count), Self::Count(other)) => *count = count.saturating_add(*other),
            (Self::Sum(sum), Self::Sum(other)) => sum.merge(other),
            (Self::Distribution(values), Self::Distribution(other)) => return values.merge(other),
            (Self::Unique(unique), Self::Unique(other)) => *unique = (*unique).max(*other),
            (Self::Ratio { part, whole }, Self::Ratio { part: more_part, whole: more_whole }) => {
                *part = part.saturating_add(*more_part);
                *whole = whole.saturating_add(*more_whole);
            }
            (Self::Journey(values), Self::Journey(other)) => return values.merge(other),
            _ => return false,
        }
        true
    }
}

impl JourneyValues {
    fn merge(&mut self, more: &Self) -> bool {
        let is_merged = self.time.merge(&more.time);
        if is_merged {
            self.started = self.started.saturating_add(more.started);
            self.finished = self.finished.saturating_add(more.finished);
            self.abandoned = self.abandoned.saturating_add(more.abandoned);
            self.open = self.open.saturating_add(more.open);
        }
        is_merged
    }
}

impl DistributionValues {
    fn merge(&mut self, more: &Self) -> bool {
        let (Some(mut sketch), Some(other)) = (self.sketch(), more.sketch()) else { return false };
        sketch.merge(&other);
        *self = sketch.into();
        true
    }

    /// The distribution that these values were read from; absent if they are none of one.
    fn sketch(&self) -> Option<Distribution> {
        if self.exact.count == 0 {
            return self.buckets.is_empty().then(Distribution::default);
        }
        Distribution::from_buckets(self.exact.min?, self.exact.max?, self.buckets.iter().copied())
    }
}

impl From<Distribution> for DistributionValues {
    fn from(sketch: Distribution) -> Self {
        Self {
            exact: SumValues {
                sum: sketch.sum(),
                count: sketch.count(),
                min: sketch.min(),
                max: sketch.max(),
            },
            percentiles: PERCENTILES
                .map(|(_, tenths)| sketch.percentile(tenths).unwrap_or_default()),
            buckets: sketch.into_buckets(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::Decimal;
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    fn distribution(values: &[i64]) -> DistributionValues {
        let mut sketch = Distribution::default();
        for &value in values {
            sketch.add(Decimal::from_billionths(value.into()));
        }
        sketch.into()
    }

    proptest! {
        #[test]
        fn two_distributions_come_to_that_of_all_values(
            one in prop::collection::vec(any::<i64>(), 0..40),
            other in prop::collection::vec(any::<i64>(), 0..40),
        ) {
            let mut merged = Values::Distribution(Box::new(distribution(&one)));
            prop_assert!(merged.merge(&Values::Distribution(Box::new(distribution(&other)))));
            let all = distribution(&[one, other].concat());
            prop_assert_eq!(merged, Values::Distribution(Box::new(all)));
        }
    }

    #[test]
    fn each_kind_merges_with_its_own() {
        let sum = |values: [i128; 2]| {
            Values::Sum(values.map(Decimal::from_billionths).into_iter().collect())
        };
        let all = [3, -2, 7, 7].map(Decimal::from_billionths);
        let journey = |started, time: &[i64]| {
            let finished = u64::try_from(time.len()).unwrap();
            let time = distribution(time);
            Values::Journey(Box::new(JourneyValues {
                started,
                finished,
                abandoned: 1,
                open: 2,
                time,
            }))
        };
        let mut both = journey(9, &[1, 5, 6]);
        if let Values::Journey(values) = &mut both {
            (values.abandoned, values.open) = (2, 4);
        }
        let merges = [
            (Values::Count(3), Values::Count(4), Values::Count(7)),
            (sum([3, -2]), sum([7, 7]), Values::Sum(all.into_iter().collect())),
            (Values::Unique(4), Values::Unique(3), Values::Unique(4)),
            (
                Values::Ratio { part: 1, whole: 2 },
                Values::Ratio { part: 3, whole: 0 },
                Values::Ratio { part: 4, whole: 2 },
            ),
            (journey(4, &[1, 5]), journey(5, &[6]), both),
        ];
        for (place, (one, other, expected)) in merges.iter().enumerate() {
            let mut merged = one.clone();
            assert!(merged.merge(other), "{one:?}");
            assert_eq!(&merged, expected);
            let (_, stranger, _) = &merges[(place + 1) % merges.len()];
            assert!(!merged.merge(stranger), "{one:?} and {stranger:?}");
            assert_eq!(&merged, expected, "nothing is changed");
        }
    }
}
