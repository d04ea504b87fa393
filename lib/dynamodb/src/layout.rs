//! What stands where in the table, as pure functions: items are made and read here, and nowhere else.
//!
//! [`keys`] has the keys, [`entry`] the entries of logs, [`root`] the root of a log's snapshots.

pub(crate) mod entry;
pub(crate) mod keys;
pub(crate) mod root;

use crate::item::{Item, Unreadable, number, take_number};
use streamgauge_engine::time::{SECOND_MS, Timestamp};

/// The partition key's name.
pub const PARTITION_KEY: &str = "pk";
/// The sort key's name.
pub const SORT_KEY: &str = "sk";
/// The attribute that `DynamoDB` deletes items by, in epoch seconds.
pub const TTL: &str = "ttl";

/// The format of all items that this version writes, and the newest that it reads.
pub(crate) const FORMAT: u64 = 1;

/// The attributes. A write unit is 1 KB, names included, so they are short.
pub(crate) mod names {
    /// The item's format.
    pub(crate) const FORMAT: &str = "f";
    /// The attempt that wrote it.
    pub(crate) const ATTEMPT: &str = "a";
    /// When an entry expires, in epoch milliseconds.
    pub(crate) const EXPIRES_AT: &str = "e";
    /// An entry's header.
    pub(crate) const HEADER: &str = "h";
    /// Which chunks of an entry are in pieces.
    pub(crate) const DIRECTORY: &str = "d";
    /// A chunk that is kept beside the header: this and its label.
    pub(crate) const CHUNK: &str = "c";
    /// The bytes of a piece.
    pub(crate) const PIECE: &str = "b";
    /// How often a root was written.
    pub(crate) const REVISION: &str = "r";
    /// The newest snapshot.
    pub(crate) const NEWEST: &str = "n";
    /// The snapshot before it.
    pub(crate) const PREVIOUS: &str = "o";
    /// The snapshot whose pieces are being put.
    pub(crate) const WRITING: &str = "w";
    /// Snapshots that nothing names any more and whose pieces have no TTL yet.
    pub(crate) const LEFTOVERS: &str = "g";
    /// From when on a root is ignored, in epoch milliseconds.
    pub(crate) const LEFT_AT: &str = "x";
    /// A snapshot's version.
    pub(crate) const VERSION: &str = "v";
    /// A snapshot's state, if it is kept in the root.
    pub(crate) const STATE: &str = "s";
    /// A snapshot's bytes, if they are in pieces.
    pub(crate) const LENGTH: &str = "l";
    /// How many pieces they are.
    pub(crate) const PIECES: &str = "k";
}

/// A time as `DynamoDB`'s TTL wants it: whole seconds, and never before the time.
pub(crate) fn ttl_seconds(at: Timestamp) -> i64 {
    // Rounded up without overflow: times before 1970 are none.
    let millis = at.as_millis();
    millis.div_euclid(SECOND_MS) + i64::from(millis.rem_euclid(SECOND_MS) > 0)
}

/// Gives an item today's format.
fn stamp(item: &mut Item) {
    item.insert(names::FORMAT.to_owned(), number(FORMAT));
}

/// Looks at an item's format before anything else is read of it.
pub(crate) fn take_format(item: &mut Item) -> Result<(), Unreadable> {
    match take_number(item, names::FORMAT)? {
        FORMAT => Ok(()),
        found if found > FORMAT => Err(Unreadable::Newer { found, known: FORMAT }),
        _ => Err(Unreadable::attribute(names::FORMAT)),
    }
}
