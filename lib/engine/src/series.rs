//! A series: one combination of a metric's dimension values.

use crate::hash;
use std::hash::{Hash, Hasher};

/// The value of a dimension that is missing, null or empty.
pub const MISSING: &str = "__missing__";
/// The value of every dimension of the series that holds what is over `max_series`.
pub const OTHER: &str = "__other__";

/// The dimension values of one series, in the order in which the rules name the dimensions.
///
/// Held as one string with the length of each value before it, so that hashing and comparing are one pass.
/// The stable hash is held beside it: maps use it, and it decides which new series are named when there are more than the cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesKey {
    hash: u64,
    packed: Box<[u8]>,
    /// Asked for each step of a journey, so it is found out once.
    lacks_a_value: bool,
}

impl Hash for SeriesKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Default for SeriesKey {
    fn default() -> Self {
        Self::from_packed(&[])
    }
}

impl SeriesKey {
    /// The series of these values.
    pub fn new<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut packed = Vec::new();
        for value in values {
            push_value(&mut packed, value);
        }
        Self::from_packed(&packed)
    }

    /// The series that [`push_value`] wrote into `packed`.
    pub fn from_packed(packed: &[u8]) -> Self {
        let lacks_a_value = values(packed).any(|value| value == MISSING);
        Self { hash: hash::stable(packed), packed: packed.into(), lacks_a_value }
    }

    /// The series that folds what is over the cap, for a metric with so many dimensions.
    pub fn other(dimensions: usize) -> Self {
        Self::new(std::iter::repeat_n(OTHER, dimensions))
    }

    /// The values, in order.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        values(&self.packed)
    }

    /// The stable hash of the packed form.
    pub const fn stable_hash(&self) -> u64 {
        self.hash
    }

    /// Whether a dimension is missing.
    pub const fn lacks_a_value(&self) -> bool {
        self.lacks_a_value
    }

    /// The packed form.
    pub fn packed(&self) -> &[u8] {
        &self.packed
    }
}

/// The values of a packed key.
fn values(packed: &[u8]) -> impl Iterator<Item = &str> {
    let mut rest = packed;
    std::iter::from_fn(move || {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (value, tail) = tail.split_at_checked(length)?;
        rest = tail;
        std::str::from_utf8(value).ok()
    })
}

impl Ord for SeriesKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.values().cmp(other.values())
    }
}

impl PartialOrd for SeriesKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Appends one dimension value to a packed key.
pub fn push_value(packed: &mut Vec<u8>, value: &str) {
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    packed.extend_from_slice(&length.to_le_bytes());
    packed.extend_from_slice(value.as_bytes());
}
