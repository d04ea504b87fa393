//! What calls have cost, as AWS bills them: each call asks for its consumed capacity, which comes with the answer for free.
//!
//! Two things AWS bills and does not tell: a condition that fails costs write units by the larger of the item that is there and
//! the one that was to be put, which is computed here, and an attempt whose answer was lost, which nobody can know.

use crate::item::{Item, item_bytes, write_units};
use aws_sdk_dynamodb::types::ConsumedCapacity;
use std::sync::{Mutex, PoisonError};

/// Capacity units. Half units are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Consumed {
    /// 1 KB written each, 0.625 dollars for a million on demand.
    pub write_units: f64,
    /// 4 KB read each, or 8 KB if eventually consistent; 0.125 dollars for a million on demand.
    pub read_units: f64,
}

/// Adds up.
#[derive(Debug, Default)]
pub(crate) struct Counter(Mutex<Consumed>);

impl Counter {
    /// Takes what was counted since the last time.
    pub(crate) fn take(&self) -> Consumed {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn wrote(&self, capacity: Option<&ConsumedCapacity>) {
        let units = capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
        self.add(Consumed { write_units: units, read_units: 0.0 });
    }

    pub(crate) fn read(&self, capacity: Option<&ConsumedCapacity>) {
        let units = capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
        self.add(Consumed { write_units: 0.0, read_units: units });
    }

    /// A condition failed on this item, or on none, that was to be replaced by one of so many bytes.
    pub(crate) fn refused(&self, there: Option<&Item>, new_bytes: usize) {
        let bytes = there.map_or(0, item_bytes).max(new_bytes);
        let units = f64::from(write_units(bytes));
        self.add(Consumed { write_units: units, read_units: 0.0 });
    }

    fn add(&self, more: Consumed) {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sum.write_units += more.write_units;
        sum.read_units += more.read_units;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::bytes;

    fn check_refused(there: Option<usize>, new_bytes: usize, units: f64) {
        let there = there.map(|size| Item::from([("b".to_owned(), bytes(&vec![0; size - 1]))]));
        let counter = Counter::default();
        counter.refused(there.as_ref(), new_bytes);
        assert_eq!(counter.take(), Consumed { write_units: units, read_units: 0.0 });
    }

    #[test]
    fn a_failed_condition_costs_the_larger_item() {
        check_refused(None, 0, 1.0);
        check_refused(None, 1_025, 2.0);
        check_refused(Some(3_000), 10, 3.0);
        check_refused(Some(1_024), 2_049, 3.0);
    }

    #[test]
    fn what_was_taken_is_not_counted_again() {
        let counter = Counter::default();
        let capacity = |units| ConsumedCapacity::builder().capacity_units(units).build();
        counter.wrote(Some(&capacity(2.0)));
        counter.read(Some(&capacity(0.5)));
        counter.read(Some(&capacity(1.0)));
        counter.read(None);
        assert_eq!(counter.take(), Consumed { write_units: 2.0, read_units: 1.5 });
        assert_eq!(counter.take(), Consumed::default());
    }
}
