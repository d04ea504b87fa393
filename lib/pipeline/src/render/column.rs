//! The values that a point shows, by the kind of its metric: the one list that JSON, CSV, tables and scenario tests go by.

use super::text;
use std::fmt;
use streamgauge_engine::decimal::{Decimal, Shortest, ratio};
use streamgauge_engine::output::{DistributionValues, Status, SumValues, Values};

/// One value that points show. Those of journeys' times stand in an object of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column(usize);

/// The columns in the order of the CSV, by their JSON names; from [`Column::TIME_COUNT`] on those about times.
#[rustfmt::skip]
const NAMES: [&str; Column::COUNT] = [
    "sum", "count", "average", "min", "max", "p50", "p90", "p95", "p99", "p99.9",
    "unique",
    "started", "finished", "abandoned", "rate", "open",
    "count", "average", "min", "max", "p50", "p90", "p95", "p99", "p99.9",
];

impl Column {
    /// How many columns there are.
    pub const COUNT: usize = 25;
    const SUM: Self = Self(0);
    const EVENTS: Self = Self(1);
    /// `average`, `min`, `max` and the percentiles follow one another, here and for times.
    const AVERAGE: usize = 2;
    const UNIQUE: Self = Self(10);
    const STARTED: Self = Self(11);
    const FINISHED: Self = Self(12);
    const ABANDONED: Self = Self(13);
    const RATE: Self = Self(14);
    const OPEN: Self = Self(15);
    const TIME_COUNT: Self = Self(16);
    const TIME_AVERAGE: usize = 17;

    /// All columns, in the order of the CSV.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// The place in the order of the CSV.
    pub const fn index(self) -> usize {
        self.0
    }

    /// Whether it is about the time to finish of a journey, in seconds: a member of the object `time`.
    pub const fn is_time(self) -> bool {
        self.0 >= Self::TIME_COUNT.0
    }

    /// The name in JSON, inside the object `time` for those about times.
    pub fn name(self) -> &'static str {
        NAMES.get(self.0).copied().unwrap_or_default()
    }

    /// The name in the CSV, and everywhere else where there are no objects: `rate`, `time_p50`.
    pub fn flat_name(self) -> String {
        if self.is_time() { format!("time_{}", self.name()) } else { self.name().to_owned() }
    }

    /// Whether it is a percentile: those of two windows say nothing about both together.
    pub fn is_percentile(self) -> bool {
        self.name()
            .strip_prefix('p')
            .is_some_and(|rank| rank.starts_with(|digit: char| digit.is_ascii_digit()))
    }
}

/// A number of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// How many.
    Whole(u64),
    /// An exact decimal.
    Decimal(Decimal),
    /// A quotient.
    Double(f64),
}

impl Number {
    /// Appends its text: whole ones without a fraction, decimals exactly, quotients as the shortest double.
    pub fn push(self, out: &mut Vec<u8>) {
        text::push_display(self, out);
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(formatter),
            Self::Decimal(number) => number.fmt(formatter),
            Self::Double(number) => Shortest(*number).fmt(formatter),
        }
    }
}

/// Shows the values of a point to `show`, in the order of the contract.
pub(super) fn visit(values: &Values, status: Status, mut show: impl FnMut(Column, Number)) {
    match values {
        Values::Count(count) => {
            show(Column::SUM, Number::Whole(*count));
            show(Column::EVENTS, Number::Whole(*count));
        }
        Values::Sum(values) => {
            show(Column::SUM, Number::Decimal(values.sum));
            show(Column::EVENTS, Number::Whole(values.count));
        }
        Values::Distribution(values) => {
            show(Column::SUM, Number::Decimal(values.exact.sum));
            show(Column::EVENTS, Number::Whole(values.exact.count));
            visit_distribution(Column::AVERAGE, values, &mut show);
        }
        Values::Unique(unique) => show(Column::UNIQUE, Number::Whole(*unique)),
        Values::Ratio { part, whole } => {
            show(Column::SUM, Number::Whole(*part));
            show(Column::EVENTS, Number::Whole(*whole));
            show_rate(*part, *whole, &mut show);
        }
        Values::Journey(values) => {
            show(Column::STARTED, Number::Whole(values.started));
            show(Column::FINISHED, Number::Whole(values.finished));
            show(Column::ABANDONED, Number::Whole(values.abandoned));
            show_rate(values.abandoned, values.started, &mut show);
            if status == Status::Open {
                show(Column::OPEN, Number::Whole(values.open));
            }
            if values.time.exact.count > 0 {
                show(Column::TIME_COUNT, Number::Whole(values.time.exact.count));
                visit_distribution(Column::TIME_AVERAGE, &values.time, &mut show);
            }
        }
    }
}

/// The share of a whole that is not 0.
fn show_rate(part: u64, whole: u64, show: &mut impl FnMut(Column, Number)) {
    if whole > 0 {
        show(Column::RATE, Number::Double(ratio(part, whole)));
    }
}

/// Average, extremes and percentiles of a distribution with values, from the column `first` on.
fn visit_distribution(
    first: usize,
    values: &DistributionValues,
    show: &mut impl FnMut(Column, Number),
) {
    let SumValues { sum, count, min, max } = values.exact;
    if count == 0 {
        return;
    }
    let head = [
        Some(Number::Double(sum.divide(count))),
        min.map(Number::Decimal),
        max.map(Number::Decimal),
    ];
    let percentiles =
        values.percentiles.iter().map(|&percentile| Some(Number::Decimal(percentile)));
    for (place, number) in head.into_iter().chain(percentiles).enumerate() {
        if let Some(number) = number {
            show(Column(first + place), number);
        }
    }
}
