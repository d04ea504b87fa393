//! Event time in whole milliseconds.

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A length of time in milliseconds; never negative in a plan.
pub type Millis = i64;

impl Timestamp {
    /// 1970-01-01T00:00:00Z, the earliest event time that is valid.
    pub const EPOCH: Self = Self(0);

    /// The moment `milliseconds` after the epoch.
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment moved by `length` milliseconds; it stops at the ends of the range.
    #[must_use]
    pub const fn plus(self, length: Millis) -> Self {
        Self(self.0.saturating_add(length))
    }

    /// This moment moved back by `length` milliseconds; it stops at the ends of the range.
    #[must_use]
    pub const fn minus(self, length: Millis) -> Self {
        Self(self.0.saturating_sub(length))
    }
}
