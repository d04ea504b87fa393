//! Entries of logs as items.
//!
//! An entry that fits is one item: its header and each chunk as an attribute of its own, so that a reader can ask for the chunks
//! that it wants. Of one that does not fit, the small chunks stay there, and the others are cut into pieces; the item then has a
//! directory, which says of each chunk how many bytes and how many pieces it is. Pieces are numbered through, in the order of the
//! labels.

use super::keys::{PieceSet, entry_key};
use super::names::{ATTEMPT, CHUNK, DIRECTORY, EXPIRES_AT, FORMAT, HEADER};
use super::{SORT_KEY, TTL, stamp, take_format, ttl_seconds};
use crate::item::{
    ITEM_BYTES_MAX, Item, Unreadable, bytes, item_bytes, number, take_bytes, take_number,
    take_text, text,
};
use aws_sdk_dynamodb::types::AttributeValue;
use std::ops::Range;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::PIECE_BYTES_MAX;
use streamgauge_pipeline::port::log::{
    CHUNKS_MAX, Chunks, ENTRY_BYTES_MAX, Entry, Label, LogId, Version, Wanted,
};

/// What an item of one piece leaves free: the size formula of AWS is approximate for numbers.
const MARGIN_BYTES: usize = 1 << 10;
/// A chunk of at most this many bytes stays with the header of a large entry: a piece of its own would cost as much to read.
const SMALL_CHUNK_BYTES_MAX: usize = 4 << 10;
/// The longest line of a directory, in bytes: `65535:16777216:43 `.
const DIRECTORY_LINE_BYTES_MAX: usize = 18;
/// The most pieces that a chunk can have.
const PIECES_MAX: u32 = 64;
const _: () =
    assert!(ENTRY_BYTES_MAX.div_ceil(PIECE_BYTES_MAX) <= 64, "a chunk is at most an entry");
/// More labels than this are not named in a projection, whose text may have 4 KB
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
const PROJECTED_LABELS_MAX: usize = 400;

/// An entry, laid out: the pieces are put first.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    /// The item that makes it visible.
    pub(crate) item: Item,
    /// The content of its pieces, by number.
    pub(crate) pieces: Vec<&'a [u8]>,
}

/// A chunk in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) label: Label,
    pub(crate) bytes: usize,
    pub(crate) pieces: Range<u32>,
}

/// An entry's item, read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) version: Version,
    pub(crate) expires_at: Timestamp,
    pub(crate) attempt: String,
    pub(crate) header: Vec<u8>,
    /// The wanted chunks that were in the item.
    pub(crate) chunks: Chunks,
    /// The wanted chunks that are in pieces.
    pub(crate) cuts: Vec<Cut>,
}

impl Found {
    /// The bytes of its header and the wanted chunks.
    pub(crate) fn bytes(&self) -> usize {
        let kept: usize = self.chunks.values().map(Vec::len).sum();
        kept + self.header.len() + self.cuts.iter().map(|cut| cut.bytes).sum::<usize>()
    }

    /// Its pieces.
    pub(crate) fn pieces(&self, log: &LogId) -> PieceSet {
        PieceSet::of_entry(log, self.version, &self.attempt)
    }
}

fn chunk_name(label: Label) -> String {
    format!("{CHUNK}{}", label.0)
}

/// Lays an entry out.
pub(crate) fn lay_out<'a>(
    log: &LogId,
    version: Version,
    attempt: &str,
    entry: &'a Entry,
) -> Layout<'a> {
    let mut item = entry_key(log, version).item();
    stamp(&mut item);
    item.insert(ATTEMPT.to_owned(), text(attempt));
    item.insert(EXPIRES_AT.to_owned(), number(entry.expires_at().as_millis()));
    item.insert(TTL.to_owned(), number(ttl_seconds(entry.expires_at())));
    item.insert(HEADER.to_owned(), bytes(entry.header()));
    let named = |label: Label, chunk: &[u8]| chunk_name(label).len() + chunk.len();
    let chunks = || entry.chunks().iter().map(|(&label, chunk)| (label, chunk.as_slice()));
    let all: usize = chunks().map(|(label, chunk)| named(label, chunk)).sum();
    let fits = item_bytes(&item) + all <= ITEM_BYTES_MAX - MARGIN_BYTES;
    let directory_max = entry.chunks().len() * DIRECTORY_LINE_BYTES_MAX;
    let mut room = ITEM_BYTES_MAX.saturating_sub(MARGIN_BYTES + item_bytes(&item) + directory_max);
    let mut cut = Vec::new();
    for (label, chunk) in chunks() {
        let small = chunk.len() <= SMALL_CHUNK_BYTES_MAX && named(label, chunk) <= room;
        if fits || small {
            room = room.saturating_sub(named(label, chunk));
            item.insert(chunk_name(label), bytes(chunk));
        } else {
            cut.push((label, chunk));
        }
    }
    if !cut.is_empty() {
        item.insert(DIRECTORY.to_owned(), text(directory(cut.iter().copied())));
    }
    let pieces = cut.iter().flat_map(|(_, chunk)| chunk.chunks(PIECE_BYTES_MAX)).collect();
    Layout { item, pieces }
}

/// The directory as text: `LABEL:BYTES:PIECES` for each chunk that is cut, with spaces between.
fn directory<'a>(cuts: impl IntoIterator<Item = (Label, &'a [u8])>) -> String {
    let lines = cuts.into_iter().map(|(label, chunk)| {
        format!("{}:{}:{}", label.0, chunk.len(), chunk.len().div_ceil(PIECE_BYTES_MAX))
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// The cuts of a directory.
fn read_directory(text: &str) -> Option<Vec<Cut>> {
    let mut next = 0_u32;
    let cuts = text.split(' ').map(|cut| {
        let mut parts = cut.split(':');
        let label = Label(parts.next()?.parse().ok()?);
        let bytes = parts.next()?.parse().ok().filter(|bytes| *bytes <= ENTRY_BYTES_MAX)?;
        let count: u32 = parts.next()?.parse().ok()?;
        let pieces = next..next.checked_add(count).filter(|_| count <= PIECES_MAX)?;
        next = pieces.end;
        parts.next().is_none().then_some(Cut { label, bytes, pieces })
    });
    cuts.take(CHUNKS_MAX + 1).collect()
}

/// When an entry expires, without reading the rest of it.
pub(crate) fn expires_at(item: &mut Item) -> Result<Timestamp, Unreadable> {
    take_format(item)?;
    take_number(item, EXPIRES_AT).map(Timestamp::from_millis)
}

/// Whether an entry's item was put by this attempt.
pub(crate) fn is_of(item: &Item, attempt: &str) -> bool {
    matches!(item.get(ATTEMPT), Some(AttributeValue::S(by)) if by == attempt)
}

/// Reads an entry's item whose [`expires_at`] was taken out.
pub(crate) fn read(
    mut item: Item,
    expires_at: Timestamp,
    wanted: Wanted<'_>,
) -> Result<Found, Unreadable> {
    let version = take_text(&mut item, SORT_KEY)?;
    let version = version.parse().map_err(|_error| Unreadable::attribute(SORT_KEY))?;
    let attempt = take_text(&mut item, ATTEMPT)?;
    let header = take_bytes(&mut item, HEADER)?;
    let cuts = if item.contains_key(DIRECTORY) {
        let directory = read_directory(&take_text(&mut item, DIRECTORY)?);
        directory.ok_or_else(|| Unreadable::attribute(DIRECTORY))?
    } else {
        Vec::new()
    };
    let mut chunks = Chunks::new();
    for (name, value) in item {
        let label = name.strip_prefix(CHUNK).and_then(|label| label.parse().ok()).map(Label);
        let Some(label) = label.filter(|&label| wanted.includes(label)) else { continue };
        let AttributeValue::B(blob) = value else { return Err(Unreadable::Attribute { name }) };
        chunks.insert(label, blob.into_inner());
    }
    let cuts = cuts.into_iter().filter(|cut| wanted.includes(cut.label)).collect();
    Ok(Found { version: Version(version), expires_at, attempt, header, chunks, cuts })
}

/// The attributes that a reader needs; absent: all, since they are too many to name.
pub(crate) fn projected(wanted: Wanted<'_>) -> Option<Vec<String>> {
    let Wanted::Only(labels) = wanted else { return None };
    let fixed = [SORT_KEY, FORMAT, ATTEMPT, EXPIRES_AT, HEADER, DIRECTORY].map(str::to_owned);
    let mut labels = labels.to_vec();
    labels.sort_unstable();
    labels.dedup();
    let names = fixed.into_iter().chain(labels.iter().map(|&label| chunk_name(label)));
    (labels.len() <= PROJECTED_LABELS_MAX).then(|| names.collect())
}
