//! By whose clock a store is kept: it says so itself, from the first start on that asks.
//!
//! By the machine's clock all that is of the past is too old to be kept. So who opened a store of the past by that clock once
//! would lose it, and who knows which one is right is the file.

use super::tables::{ABOUT, CLOCK_KEY, damaged};
use redb::{ReadableTable, WriteTransaction};

/// By whose clock what is in a store grows old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptBy {
    /// The machine's.
    Machine,
    /// That of the events, which may be of the past.
    Events,
}

impl KeptBy {
    /// What stands in the file.
    fn number(self) -> u64 {
        match self {
            Self::Machine => 1,
            Self::Events => 2,
        }
    }

    fn of(number: u64) -> Result<Self, redb::Error> {
        let found = [Self::Machine, Self::Events].into_iter().find(|kept| kept.number() == number);
        found.ok_or_else(|| damaged("a clock that is none"))
    }
}

/// What the file says, and whether it says so only now.
pub(super) fn mark(write: &WriteTransaction, by: KeptBy) -> Result<(KeptBy, bool), redb::Error> {
    let mut about = write.open_table(ABOUT)?;
    let found = about.get(CLOCK_KEY)?.map(|number| number.value());
    if let Some(number) = found {
        return Ok((KeptBy::of(number)?, false));
    }
    about.insert(CLOCK_KEY, by.number())?;
    Ok((by, true))
}
