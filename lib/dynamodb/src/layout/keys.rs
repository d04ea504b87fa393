//! Keys. No two kinds of item share a sort key, so no name of a log can lead into the items of another.
//!
//! | item | partition key | sort key |
//! | --- | --- | --- |
//! | an entry of a log | `LOG` | the version in 20 digits |
//! | a piece of an entry | `LOG#VERSION#ATTEMPT#NUMBER` | `p` |
//! | the root of a log's snapshots | `LOG#s` | `s` |
//! | a piece of a state | `LOG#s#VERSION#ATTEMPT#NUMBER` | `p` |
//!
//! Each piece has a partition key of its own, so that those of one entry spread over the table's partitions.

use super::names::PIECE;
use super::{PARTITION_KEY, SORT_KEY, TTL, stamp, take_format, ttl_seconds};
use crate::item::{Item, Unreadable, bytes, number, take_bytes, text};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::log::{LogId, Version};

/// The sort key of all pieces.
const PIECE_SORT: &str = "p";
/// The sort key of roots, and what their partition key adds to the log's name.
const ROOT: &str = "s";

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) partition: String,
    pub(crate) sort: String,
}

impl Key {
    /// The key as the two attributes.
    pub(crate) fn item(self) -> Item {
        Item::from([
            (PARTITION_KEY.to_owned(), text(self.partition)),
            (SORT_KEY.to_owned(), text(self.sort)),
        ])
    }
}

/// A version as sort key: text that sorts as the number does.
pub(crate) fn version_key(version: Version) -> String {
    format!("{:020}", version.0)
}

/// An entry.
pub(crate) fn entry_key(log: &LogId, version: Version) -> Key {
    Key { partition: log.as_str().to_owned(), sort: version_key(version) }
}

/// The root of a log's snapshots.
pub(crate) fn root_key(log: &LogId) -> Key {
    Key { partition: format!("{}#{ROOT}", log.as_str()), sort: ROOT.to_owned() }
}

/// What all pieces of one write have in common: nobody else ever writes under these keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PieceSet(String);

impl PieceSet {
    /// Those of an entry.
    pub(crate) fn of_entry(log: &LogId, version: Version, attempt: &str) -> Self {
        Self(format!("{}#{}#{attempt}", log.as_str(), version.0))
    }

    /// Those of a state.
    pub(crate) fn of_state(log: &LogId, version: Version, attempt: &str) -> Self {
        Self(format!("{}#{ROOT}#{}#{attempt}", log.as_str(), version.0))
    }

    /// The key of one of them, from 0.
    pub(crate) fn key(&self, number: u32) -> Key {
        Key { partition: format!("{}#{number}", self.0), sort: PIECE_SORT.to_owned() }
    }

    /// One of them as an item.
    pub(crate) fn item(&self, piece: u32, content: &[u8], ttl_at: Option<Timestamp>) -> Item {
        let mut item = self.key(piece).item();
        stamp(&mut item);
        item.insert(PIECE.to_owned(), bytes(content));
        item.extend(ttl_at.map(|at| (TTL.to_owned(), number(ttl_seconds(at)))));
        item
    }
}

/// The bytes of a piece.
pub(crate) fn read_piece(mut item: Item) -> Result<Vec<u8>, Unreadable> {
    take_format(&mut item)?;
    take_bytes(&mut item, PIECE)
}
