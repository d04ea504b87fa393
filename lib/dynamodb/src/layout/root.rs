//! The root of a log's snapshots: one item, which names the two newest and what is to be cleaned up after others.
//!
//! A small state is in the root itself, so the register of a lane is one item. A large one is in pieces, whose keys carry the
//! attempt that wrote them and are never used again. They have no TTL while a root names them, because snapshots of a live log
//! never expire, so nothing may drop their names before they have one:
//!
//! ```text
//! claim   n: 7  o: 5  w: [9]              the pieces of 9 are being put
//! claim   n: 7  o: 5  w: [9, 10]          those of 10 too, by another: the first to be ready wins
//! swing   n: 10 o: 7           g: [5, 9]  5 can still be read by who has begun; 9 has crashed, or will learn that it lost
//! claim   n: 10 o: 7  w: [12]             before this write the pieces of 5 and 9 got a TTL
//! ```
//!
//! Each write but the plain ones of small states pins the root's revision, so what it was decided on is what it replaces.

use super::keys::root_key;
use super::names::{
    ATTEMPT, LEFT_AT, LEFTOVERS, LENGTH, NEWEST, PIECES, PREVIOUS, REVISION, STATE, VERSION,
    WRITING,
};
use super::{TTL, stamp, take_format, ttl_seconds};
use crate::item::{
    Item, Unreadable, bytes, number, take_bytes, take_map, take_number, take_text, text,
};
use aws_sdk_dynamodb::types::AttributeValue;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::log::{LogId, Version};
use streamgauge_pipeline::port::snapshots::STATE_BYTES_MAX;

/// A state of at most this many bytes is kept in the root. Both snapshots are, and each write costs the whole root; a state in
/// pieces costs as much, for its pieces get their TTL by a second write.
pub(crate) const INLINE_STATE_BYTES_MAX: usize = 64 << 10;

/// The most pieces of a state.
const STATE_PIECES_MAX: u64 = 1 << 16;
/// How many put pieces at a time at most: of more, which can only be functions that have crashed, the oldest lose.
const CLAIMS_MAX: usize = 16;

/// The root of a log's snapshots. The default is that of a log without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Root {
    /// How often it was written; 0: it is not there.
    pub(crate) revision: u64,
    pub(crate) newest: Option<Kept>,
    pub(crate) previous: Option<Kept>,
    /// Those whose pieces are being put, by functions that run or have crashed, the oldest first.
    pub(crate) writing: Vec<Kept>,
    /// Those whose pieces are to get a TTL before the root forgets them.
    pub(crate) leftovers: Vec<Kept>,
    /// From when on all of it is ignored.
    pub(crate) left_at: Option<Timestamp>,
}

/// A snapshot in a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) version: Version,
    pub(crate) attempt: String,
    pub(crate) body: Body,
}

/// Where a state is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Inline(Vec<u8>),
    Cut { bytes: usize, pieces: u32 },
}

impl Kept {
    /// As an attribute.
    pub(crate) fn attribute(&self) -> AttributeValue {
        let mut map = Item::from([
            (VERSION.to_owned(), number(self.version.0)),
            (ATTEMPT.to_owned(), text(&self.attempt)),
        ]);
        match &self.body {
            Body::Inline(state) => {
                map.insert(STATE.to_owned(), bytes(state));
            }
            Body::Cut { bytes, pieces } => {
                map.insert(LENGTH.to_owned(), number(*bytes));
                map.insert(PIECES.to_owned(), number(*pieces));
            }
        }
        AttributeValue::M(map)
    }

    fn read(mut map: Item) -> Result<Self, Unreadable> {
        let version = Version(take_number(&mut map, VERSION)?);
        let attempt = take_text(&mut map, ATTEMPT)?;
        let body = if map.contains_key(STATE) {
            Body::Inline(take_bytes(&mut map, STATE)?)
        } else {
            let bytes = take_number(&mut map, LENGTH)?;
            let pieces: u32 = take_number(&mut map, PIECES)?;
            // No more pieces than bytes, and no more of these than a state may have: what is reserved for them is bounded.
            let is_plausible = bytes <= STATE_BYTES_MAX && u64::from(pieces) <= STATE_PIECES_MAX;
            if !is_plausible {
                return Err(Unreadable::attribute(LENGTH));
            }
            Body::Cut { bytes, pieces }
        };
        Ok(Self { version, attempt, body })
    }

    fn is_cut(&self) -> bool {
        matches!(self.body, Body::Cut { .. })
    }
}

impl Root {
    /// Reads a root's item.
    pub(crate) fn read(mut item: Item) -> Result<Self, Unreadable> {
        take_format(&mut item)?;
        let kept = |from: &mut Item, name| take_map(from, name)?.map(Kept::read).transpose();
        let left_at = if item.contains_key(LEFT_AT) {
            Some(Timestamp::from_millis(take_number(&mut item, LEFT_AT)?))
        } else {
            None
        };
        Ok(Self {
            revision: take_number(&mut item, REVISION)?,
            newest: kept(&mut item, NEWEST)?,
            previous: kept(&mut item, PREVIOUS)?,
            writing: take_list(&mut item, WRITING)?,
            leftovers: take_list(&mut item, LEFTOVERS)?,
            left_at,
        })
    }

    /// As an item.
    pub(crate) fn item(&self, log: &LogId) -> Item {
        let mut item = root_key(log).item();
        stamp(&mut item);
        item.insert(REVISION.to_owned(), number(self.revision));
        for (name, kept) in [(NEWEST, &self.newest), (PREVIOUS, &self.previous)] {
            item.extend(kept.as_ref().map(|kept| (name.to_owned(), kept.attribute())));
        }
        for (name, list) in [(WRITING, &self.writing), (LEFTOVERS, &self.leftovers)] {
            if !list.is_empty() {
                let list = list.iter().map(Kept::attribute).collect();
                item.insert(name.to_owned(), AttributeValue::L(list));
            }
        }
        if let Some(at) = self.left_at {
            item.insert(LEFT_AT.to_owned(), number(at.as_millis()));
            item.insert(TTL.to_owned(), number(ttl_seconds(at)));
        }
        item
    }

    /// What counts of it at a time: of one that has expired only its revision. The pieces that it names got their TTL when it
    /// was told to expire.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        if self.left_at.is_some_and(|left_at| left_at <= now) {
            Self { revision: self.revision, ..Self::default() }
        } else {
            self
        }
    }

    /// The snapshots, the newest first.
    pub(crate) fn snapshots(self) -> impl Iterator<Item = Kept> {
        self.newest.into_iter().chain(self.previous)
    }

    /// The version of the newest snapshot.
    pub(crate) fn newest_version(&self) -> Option<Version> {
        self.newest.as_ref().map(|newest| newest.version)
    }

    /// Whether an attempt has won: its snapshot is the newest, or was until another came.
    pub(crate) fn holds(&self, attempt: &str) -> bool {
        [&self.newest, &self.previous].into_iter().flatten().any(|kept| kept.attempt == attempt)
    }

    /// Whether the pieces of this attempt are being put and can still become the newest snapshot.
    pub(crate) fn is_claimed_by(&self, attempt: &str) -> bool {
        self.writing.iter().any(|writing| writing.attempt == attempt)
    }

    /// The root before the pieces of a snapshot are put, once the leftovers of this one have a TTL.
    pub(crate) fn claimed(mut self, kept: Kept) -> Self {
        let displaced = (self.writing.len() + 1).saturating_sub(CLAIMS_MAX);
        let leftovers = self.writing.drain(..displaced).collect();
        self.writing.push(kept);
        Self { revision: self.revision + 1, leftovers, ..self }
    }

    /// The root with a new snapshot, once the leftovers of this one have a TTL.
    pub(crate) fn swung(self, kept: Kept) -> Self {
        let lost = self.writing.into_iter().filter(|writing| writing.attempt != kept.attempt);
        let leftovers = self.previous.into_iter().filter(Kept::is_cut).chain(lost);
        Self {
            revision: self.revision + 1,
            leftovers: leftovers.collect(),
            newest: Some(kept),
            previous: self.newest,
            writing: Vec::new(),
            left_at: self.left_at,
        }
    }
}

/// Takes a list of snapshots out, if it is there.
fn take_list(item: &mut Item, name: &str) -> Result<Vec<Kept>, Unreadable> {
    let list = match item.remove(name) {
        None => Vec::new(),
        Some(AttributeValue::L(list)) => list,
        Some(_) => return Err(Unreadable::attribute(name)),
    };
    let kept = list.into_iter().map(|value| match value {
        AttributeValue::M(map) => Kept::read(map),
        _ => Err(Unreadable::attribute(name)),
    });
    kept.collect()
}
