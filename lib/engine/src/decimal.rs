//! Exact decimals: the numbers that sums and distributions are made of.

/// A decimal as a whole number of billionths (nine places).
///
/// A value that is read from an event is below 10^18 in size, so that a sum of 10^11 such values still fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// The decimal of so many billionths.
    pub const fn from_billionths(billionths: i128) -> Self {
        Self(billionths)
    }

    /// So many billionths.
    pub const fn billionths(self) -> i128 {
        self.0
    }
}
