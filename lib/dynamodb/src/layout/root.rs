//! The root of a log's snapshots: one item, which names the two newest and what is to be cleaned up after others.
//!
//! A small state is in the root itself, so the register of a lane is one item. A large one is in pieces, whose keys carry the
//! attempt that wrote them and are never used again. They have no TTL while a root names them, because snapshots of a live log
//! never expire, so nothing may drop their names before they have one:
//!
//! ```text
//! claim   n: 7  o: 5  w: 9           the pieces of 9 are being put; a 9 that crashes stays in `w`
//! swing   n: 9  o: 7       g: [5]    5 can still be read by who has begun
//! swing   n: 12 o: 9       g: [7]    before this write the pieces of 5 got a TTL
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

/// The root of a log's snapshots. The default is that of a log without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Root {
    /// How often it was written; 0: it is not there.
    pub(crate) revision: u64,
    pub(crate) newest: Option<Kept>,
    pub(crate) previous: Option<Kept>,
    /// The one whose pieces are being put.
    pub(crate) writing: Option<Kept>,
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

/// The most pieces of a state.
const STATE_PIECES_MAX: u64 = 1 << 16;

impl Root {
    /// Reads a root's item.
    pub(crate) fn read(mut item: Item) -> Result<Self, Unreadable> {
        take_format(&mut item)?;
        let kept = |from: &mut Item, name| take_map(from, name)?.map(Kept::read).transpose();
        let leftovers = match item.remove(LEFTOVERS) {
            None => Vec::new(),
            Some(AttributeValue::L(list)) => list,
            Some(_) => return Err(Unreadable::attribute(LEFTOVERS)),
        };
        let leftovers = leftovers.into_iter().map(|value| match value {
            AttributeValue::M(map) => Kept::read(map),
            _ => Err(Unreadable::attribute(LEFTOVERS)),
        });
        let left_at = if item.contains_key(LEFT_AT) {
            Some(Timestamp::from_millis(take_number(&mut item, LEFT_AT)?))
        } else {
            None
        };
        Ok(Self {
            revision: take_number(&mut item, REVISION)?,
            newest: kept(&mut item, NEWEST)?,
            previous: kept(&mut item, PREVIOUS)?,
            writing: kept(&mut item, WRITING)?,
            leftovers: leftovers.collect::<Result<_, _>>()?,
            left_at,
        })
    }

    /// As an item.
    pub(crate) fn item(&self, log: &LogId) -> Item {
        let mut item = root_key(log).item();
        stamp(&mut item);
        item.insert(REVISION.to_owned(), number(self.revision));
        for (name, kept) in
            [(NEWEST, &self.newest), (PREVIOUS, &self.previous), (WRITING, &self.writing)]
        {
            item.extend(kept.as_ref().map(|kept| (name.to_owned(), kept.attribute())));
        }
        if !self.leftovers.is_empty() {
            let leftovers = self.leftovers.iter().map(Kept::attribute).collect();
            item.insert(LEFTOVERS.to_owned(), AttributeValue::L(leftovers));
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

    /// Whether it is this attempt whose pieces are being put: then nobody has claimed or swung since it has.
    pub(crate) fn is_claimed_by(&self, attempt: &str) -> bool {
        self.writing.as_ref().is_some_and(|writing| writing.attempt == attempt)
    }

    /// The root before the pieces of a snapshot are put. Who was putting has crashed, or can no longer swing.
    pub(crate) fn claimed(mut self, kept: Kept) -> Self {
        self.leftovers.extend(self.writing.take());
        Self { revision: self.revision + 1, writing: Some(kept), ..self }
    }

    /// The root with a new snapshot, once the leftovers of this one have a TTL.
    pub(crate) fn swung(self, kept: Kept) -> Self {
        let displaced = self.writing.filter(|writing| writing.attempt != kept.attempt);
        let leftovers = self.previous.into_iter().chain(displaced).filter(Kept::is_cut);
        Self {
            revision: self.revision + 1,
            newest: Some(kept),
            previous: self.newest,
            writing: None,
            leftovers: leftovers.collect(),
            left_at: self.left_at,
        }
    }
}
