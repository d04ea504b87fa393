//! Dead letters: points that could not be delivered, why, and where they stand in the settle log.
//!
//! They are appended before the lane passes them, so a crash between the two appends them again: a letter's lane and place in
//! the settle log are its identity, by which [`DeadLetters`] drops repeats.
//!
//! | part of an entry | what |
//! | --- | --- |
//! | header | version 1, the lane's name, the clock, the number of letters |
//! | chunk 0 | the points, as a publication |
//! | chunk 1 | version 1, the reasons; per point: its place in the settle log, the place of its reason |

use super::DeliverError;
use super::lane::Cursor;
use super::lane::{Dead, GIVEN_UP, REJECTED, UNANSWERED};
use super::queue::Item;
use super::register::POINTS_LANE;
use crate::port::log::{Append, Chunks, Entry, Label, Log, LogId, Logged, Version, Wanted};
use crate::port::{Partition, TooLarge};
use crate::publication::{Publication, PublishedMetric, PublishedPoint};
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::decode::Error;
use std::collections::BTreeSet;
use streamgauge_engine::time::{Millis, Timestamp};

/// The version that is written.
const VERSION: u64 = 1;
/// The chunk of the points.
const PUBLICATION: Label = Label(0);
/// The chunk of their places and reasons.
const REASONS: Label = Label(1);

/// A point that could not be delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The lane that gave it up.
    pub lane: String,
    /// When, by the clock of whoever did.
    pub at: Timestamp,
    /// Its place in the settle log.
    pub cursor: Cursor,
    /// Why.
    pub reason: String,
    /// What its metric shares.
    pub metric: PublishedMetric,
    /// The point.
    pub point: PublishedPoint,
}

/// What became of a dead letter's point, as its reason says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LetterCode {
    /// It was never sent: the other end takes no such point.
    Refused,
    /// It was sent, and the other end answered that it will not take it.
    Rejected,
    /// It was sent again and again, and the other end never took it.
    GivenUp,
    /// It was sent once, and nobody knows whether it was taken.
    Unanswered,
}

impl LetterCode {
    /// The code as users see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::GivenUp => "given_up",
            Self::Unanswered => "unanswered",
        }
    }
}

impl DeadLetter {
    /// What became of the point.
    pub fn code(&self) -> LetterCode {
        match self.reason.as_str() {
            UNANSWERED => LetterCode::Unanswered,
            GIVEN_UP => LetterCode::GivenUp,
            reason if reason.starts_with(REJECTED) => LetterCode::Rejected,
            _ => LetterCode::Refused,
        }
    }
}

/// What is written as one or more entries.
#[derive(Debug)]
pub(super) struct Letters<'a>(Vec<(&'a Item, &'a str)>);

impl<'a> Letters<'a> {
    /// Those of the points that a lane passes.
    pub(super) fn of(passed: impl Iterator<Item = &'a Item>, dead: &'a Dead) -> Self {
        let reason_of = |item: &Item| {
            let place = dead.refused.binary_search_by_key(&item.cursor, |(cursor, _)| *cursor);
            let own = place.ok().and_then(|place| dead.refused.get(place));
            own.map(|(_, reason)| reason.as_str()).or(dead.rest.as_deref())
        };
        Self(passed.filter_map(|item| reason_of(item).map(|reason| (item, reason))).collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The entries: as many as it takes.
    pub(super) fn entries(&self, at: Timestamp, kept_ms: Millis) -> Result<Vec<Entry>, TooLarge> {
        let all = Some(self.0.as_slice()).filter(|all| !all.is_empty());
        let (mut entries, mut parts) = (Vec::new(), Vec::from_iter(all));
        while let Some(part) = parts.pop() {
            match entry(part, at, kept_ms) {
                Ok(entry) => entries.push(entry),
                Err(_) if part.len() > 1 => {
                    let (front, back) = part.split_at(part.len() / 2);
                    parts.extend([back, front]);
                }
                Err(too_large) => return Err(too_large),
            }
        }
        Ok(entries)
    }
}

fn entry(letters: &[(&Item, &str)], at: Timestamp, kept_ms: Millis) -> Result<Entry, TooLarge> {
    let mut publication = Publication::default();
    let mut reasons: Vec<&str> = Vec::new();
    let mut places = Vec::new();
    for (item, reason) in letters {
        let Some(queued) = item.queued() else { continue };
        let metric = place_in(&mut publication.metrics, queued.metric, Clone::clone);
        let metric = u32::try_from(metric).unwrap_or(u32::MAX);
        publication.points.push(PublishedPoint { metric, ..queued.point.clone() });
        places.push((item.cursor, place_in(&mut reasons, reason, |reason| reason)));
    }
    let mut header = Writer::new(VERSION);
    header.put(POINTS_LANE).time(at).put(places.len());
    let mut chunk = Writer::new(VERSION);
    chunk.list(reasons.iter(), |writer, reason| _ = writer.put(*reason));
    chunk.list(places.iter(), |writer, (cursor, reason)| {
        cursor.write(writer);
        writer.put(*reason);
    });
    let chunks = Chunks::from([(PUBLICATION, publication.encode()), (REASONS, chunk.finish())]);
    Entry::new(header.finish(), chunks, at.plus(kept_ms))
}

/// The place of a value in a short list; it is added if it is not there. The last ones are looked at first.
fn place_in<'v, T: PartialEq<V>, V: ?Sized>(
    list: &mut Vec<T>,
    value: &'v V,
    make: impl FnOnce(&'v V) -> T,
) -> usize {
    let place = list.iter().rposition(|known| known == value);
    place.unwrap_or_else(|| {
        list.push(make(value));
        list.len() - 1
    })
}

/// Appends entries to a partition's dead letters after the last version that is known; the last that is known then.
pub(super) async fn append<L: Log>(
    log: &L,
    partition: Partition,
    known: Version,
    entries: &[Entry],
) -> Result<Version, DeliverError> {
    let id = LogId::dead_letters(partition);
    let mut known = known;
    for entry in entries {
        while log.append(&id, known.next(), entry).await? == Append::Conflict {
            let read = log.read(&id, known, Wanted::Only(&[])).await?;
            // What was there has expired meanwhile if nothing is read: then the version is free.
            known = read.last().map_or(known, |last| last.version);
        }
        known = known.next();
    }
    Ok(known)
}

/// Reads the dead letters of a partition, without repeats.
#[derive(Debug)]
pub struct DeadLetters {
    log: LogId,
    read_to: Version,
    seen: BTreeSet<(String, Cursor)>,
}

impl DeadLetters {
    /// All that are kept.
    pub fn new(partition: Partition) -> Self {
        Self { log: LogId::dead_letters(partition), read_to: Version::START, seen: BTreeSet::new() }
    }

    /// The next ones, in the order in which they were given up; absent: there are no more.
    pub async fn next<L: Log>(&mut self, log: &L) -> Result<Option<Vec<DeadLetter>>, DeliverError> {
        let entries = log.read(&self.log, self.read_to, Wanted::All).await?;
        let Some(last) = entries.last() else { return Ok(None) };
        self.read_to = last.version;
        let mut letters = Vec::new();
        for logged in &entries {
            let stored = |source| DeliverError::Stored {
                object: format!("{}, version {}", self.log.as_str(), logged.version.0),
                source,
            };
            letters.extend(decode(logged).map_err(stored)?);
        }
        letters.retain(|letter| self.seen.insert((letter.lane.clone(), letter.cursor)));
        Ok(Some(letters))
    }
}

/// The letters of an entry.
fn decode(logged: &Logged) -> Result<Vec<DeadLetter>, StoredError> {
    let chunk = |label| logged.entry.chunks().get(&label).map_or(&[][..], Vec::as_slice);
    let (lane, at) = read("dead letters", VERSION, logged.entry.header(), |reader, _| {
        let (lane, at): (String, _) = (reader.take()?, reader.time()?);
        let _: u64 = reader.take()?;
        Ok((lane, at))
    })?;
    let places = read("reasons of dead letters", VERSION, chunk(REASONS), |reader, _| {
        let reasons: Vec<String> = reader.list(Reader::take)?;
        reader.list(|reader| Ok((Cursor::read(reader)?, reader.place(&reasons)?)))
    })?;
    let Publication { metrics, points } = Publication::decode(chunk(PUBLICATION))?;
    if places.len() != points.len() {
        let source = Error::message("not one reason for each point");
        return Err(StoredError::Damaged { what: "dead letters", source });
    }
    let letters = places.into_iter().zip(points).filter_map(|((cursor, reason), point)| {
        let metric = metrics.get(usize::try_from(point.metric).ok()?)?.clone();
        Some(DeadLetter { lane: lane.clone(), at, cursor, reason, metric, point })
    });
    Ok(letters.collect())
}
