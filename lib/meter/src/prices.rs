//! What AWS asks for each unit, in us-east-1, with the date on which the number was looked up and where.
//!
//! None of the numbers was read off the live price pages: most are from copies and third-party texts, some from memory,
//! and each says which. Free tiers are left out: a bill here is what the units cost, not what an account would still get.

use crate::unit::Unit;

/// The region of all prices.
pub const REGION: &str = "us-east-1";
/// The day on which the table was compiled.
pub const PRICED_ON: &str = "2026-11-22";
/// A dollar in the unit of all sums.
pub const PICO_PER_DOLLAR: u128 = 1_000_000_000_000;
/// The hours of the month by which metrics are prorated (from memory).
pub const HOURS_PER_MONTH: u64 = 730;
const GB: u64 = 1 << 30;
const CENT: u128 = PICO_PER_DOLLAR / 100;

/// How well a price is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// Read in a copy of a page of AWS.
    Seen,
    /// Read in a text of somebody else.
    ThirdParty,
    /// From memory.
    Memory,
}

impl Confidence {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::ThirdParty => "third party",
            Self::Memory => "memory",
        }
    }
}

/// The price of the units up to a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Up to how many units of a month this price holds.
    pub up_to: u64,
    /// Pico-dollars for [`Price::per`] units.
    pub pico_dollars: u128,
}

/// The price of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The unit.
    pub unit: Unit,
    /// The steps, ascending; the last has no end.
    pub steps: &'static [Step],
    /// How many units the price of a step is for.
    pub per: u64,
    /// Where the number is from.
    pub source: &'static str,
    /// How well it is known.
    pub confidence: Confidence,
}

const fn flat(pico_dollars: u128) -> Step {
    Step { up_to: u64::MAX, pico_dollars }
}

/// The table.
pub const PRICES: [Price; 16] = {
    use Confidence::{Memory, ThirdParty};
    const ON_DEMAND: &str = "airbyte.com 2025-07, jusdb.com 2025-08: on demand since 2024-11-01";
    const KINESIS: &str = "trek10.com 2023-09";
    const LAMBDA: &str = "api-evangelist/aws-lambda plans, artillery prices.js";
    const METRICS: &str = "api-evangelist/cloudwatch plans, nishinoshake/aws-rough#37 (tiers)";
    const S3: &str = "S3 standard, requests";
    const SQS: &str = "cloudburn.io 2026-03, factualminds.com 2026-06: first 100 billion a month";
    const fn price(
        unit: Unit,
        pico: &'static [Step],
        per: u64,
        source: &'static str,
        confidence: Confidence,
    ) -> Price {
        Price { unit, steps: pico, per, source, confidence }
    }
    [
        price(Unit::WriteUnits, &[flat(625 * CENT / 10)], 1_000_000, ON_DEMAND, ThirdParty),
        price(Unit::HalfReadUnits, &[flat(125 * CENT / 10)], 2_000_000, ON_DEMAND, ThirdParty),
        price(Unit::PutPayloadUnits, &[flat(14 * CENT / 10)], 1_000_000, KINESIS, ThirdParty),
        price(Unit::ShardSeconds, &[flat(15 * CENT / 10)], 3_600, KINESIS, ThirdParty),
        price(Unit::RoundedBytesIn, &[flat(8 * CENT)], GB, KINESIS, ThirdParty),
        price(Unit::BytesOut, &[flat(4 * CENT)], GB, KINESIS, ThirdParty),
        price(Unit::StreamSeconds, &[flat(4 * CENT)], 3_600, KINESIS, ThirdParty),
        price(Unit::Requests, &[flat(40 * CENT)], 1_000_000, SQS, ThirdParty),
        price(Unit::FifoRequests, &[flat(50 * CENT)], 1_000_000, SQS, ThirdParty),
        price(Unit::MetricRequests, &[flat(CENT)], 1_000, METRICS, ThirdParty),
        price(Unit::MetricsRequested, &[flat(CENT)], 1_000, "CloudWatch prices", Memory),
        price(
            Unit::MetricHours,
            &[
                Step { up_to: 10_000 * HOURS_PER_MONTH, pico_dollars: 30 * CENT },
                Step { up_to: 250_000 * HOURS_PER_MONTH, pico_dollars: 10 * CENT },
                Step { up_to: 1_000_000 * HOURS_PER_MONTH, pico_dollars: 5 * CENT },
                flat(2 * CENT),
            ],
            HOURS_PER_MONTH,
            METRICS,
            ThirdParty,
        ),
        price(Unit::PutRequests, &[flat(CENT / 2)], 1_000, S3, Memory),
        price(Unit::GetRequests, &[flat(4 * CENT / 100)], 1_000, S3, Memory),
        price(Unit::Invocations, &[flat(20 * CENT)], 1_000_000, LAMBDA, ThirdParty),
        // 0.0000166667 dollars a GB-second.
        price(Unit::MbMilliseconds, &[flat(16_666_700)], 1_024 * 1_000, LAMBDA, ThirdParty),
    ]
};

impl Price {
    /// The price of a unit; none if it is not billed by itself.
    pub fn of(unit: Unit) -> Option<&'static Self> {
        PRICES.iter().find(|price| price.unit == unit)
    }

    /// What so many units cost, in pico-dollars, rounded half up.
    pub fn cost(&self, amount: u64) -> u128 {
        let (mut from, mut sum) = (0, 0);
        for step in self.steps {
            let in_step = amount.min(step.up_to).saturating_sub(from);
            sum += u128::from(in_step) * step.pico_dollars;
            from = step.up_to;
        }
        let per = u128::from(self.per);
        (sum + per / 2) / per
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(unit: Unit, amount: u64, pico: u128) {
        assert_eq!(Price::of(unit).unwrap().cost(amount), pico);
    }

    /// A dollar's millionth.
    const MICRO: u128 = 1_000_000;

    #[test]
    fn a_million_of_each_unit_costs_what_the_table_says() {
        check(Unit::WriteUnits, 1_000_000, 625_000 * MICRO);
        check(Unit::HalfReadUnits, 2_000_000, 125_000 * MICRO);
        check(Unit::PutPayloadUnits, 1_000_000, 14_000 * MICRO);
        check(Unit::Requests, 1_000_000, 400_000 * MICRO);
        check(Unit::FifoRequests, 1_000_000, 500_000 * MICRO);
        check(Unit::MetricRequests, 1_000_000, 10 * 1_000_000 * MICRO);
        check(Unit::PutRequests, 1_000, 5_000 * MICRO);
        check(Unit::GetRequests, 1_000, 400 * MICRO);
    }

    #[test]
    fn hours_and_gigabytes_have_their_own_measure() {
        check(Unit::ShardSeconds, 4 * 3_600, 4 * 15_000 * MICRO);
        check(Unit::StreamSeconds, 1_800, 20_000 * MICRO);
        check(Unit::RoundedBytesIn, 1 << 30, 80_000 * MICRO);
        check(Unit::BytesOut, 1 << 29, 20_000 * MICRO);
    }

    #[test]
    fn one_unit_is_not_rounded_away() {
        check(Unit::WriteUnits, 1, 625_000);
        check(Unit::HalfReadUnits, 1, 62_500);
        // 0.08 dollars / 2^30 = 74.5 pico-dollars
        check(Unit::RoundedBytesIn, 1, 75);
    }

    #[test]
    fn metrics_get_cheaper_by_the_month() {
        check(Unit::MetricHours, 730, 300_000 * MICRO);
        check(Unit::MetricHours, 10_001 * 730, (10_000 * 300_000 + 100_000) * MICRO);
        let all = 10_000 * 300_000 + 240_000 * 100_000 + 750_000 * 50_000 + 20_000;
        check(Unit::MetricHours, 1_000_001 * 730, all * MICRO);
    }

    proptest! {
        /// The oracle: each unit priced by itself and summed before the one division.
        #[test]
        fn steps_are_summed_unit_by_unit(amount in 0u64..200) {
            let steps: &[Step] = &[Step { up_to: 10, pico_dollars: 7 }, Step { up_to: 50, pico_dollars: 3 }, flat(1)];
            let steps: &'static [Step] = Box::leak(steps.to_vec().into_boxed_slice());
            let price = Price { unit: Unit::Data, steps, per: 4, source: "", confidence: Confidence::Memory };
            let sum: u128 = (0..amount).map(|unit| if unit < 10 { 7 } else if unit < 50 { 3 } else { 1 }).sum();
            prop_assert_eq!(price.cost(amount), (sum + 2) / 4);
        }
    }
}
