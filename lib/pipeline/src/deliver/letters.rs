//! Dead letters: points and notifications that could not be delivered, why, and where they stand in the settle log.
//!
//! They are appended before the lane passes them, so a crash between the two appends them again: a letter's lane and place in
//! the settle log are its identity, by which [`DeadLetters`] drops repeats.
//!
//! | part of an entry | what |
//! | --- | --- |
//! | header | version 1, of notifications 2; the lane's name, the clock, the number of letters |
//! | chunk 0 | the points, as a publication |
//! | chunk 1 | version 1, the reasons; per letter: its place in the settle log, the place of its reason |
//! | chunk 2 | the notifications, as in a settle entry |

use super::DeliverError;
use super::channels::lane::{TELL_GIVEN_UP, TELL_UNANSWERED};
use super::lane::{Cursor, Dead, GIVEN_UP, REJECTED, UNANSWERED};
use super::queue::Item;
use crate::notifications;
use crate::port::log::{Append, Chunks, Entry, Label, Log, LogId, Logged, Version, Wanted};
use crate::port::points::Queued;
use crate::port::{Partition, TooLarge};
use crate::publication::{Publication, PublishedMetric, PublishedPoint};
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::decode::Error;
use std::collections::BTreeSet;
use streamgauge_engine::notification::Notification;
use streamgauge_engine::time::{Millis, Timestamp};

/// The newest version: it knows notifications.
const VERSION: u64 = 2;
/// The version that is written of points, and of reasons.
const POINTS_VERSION: u64 = 1;
/// The chunk of the points.
const PUBLICATION: Label = Label(0);
/// The chunk of their places and reasons.
const REASONS: Label = Label(1);
/// The chunk of the notifications.
const NOTIFICATIONS: Label = Label(2);

/// A point or a notification that could not be delivered.
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
    /// What it is.
    pub held: Undelivered,
}

/// What a dead letter holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Undelivered {
    /// A point.
    Point(Box<DeadPoint>),
    /// A notification.
    Notification(Box<Notification>),
}

/// A point that could not be delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadPoint {
    /// What its metric shares.
    pub metric: PublishedMetric,
    /// The point.
    pub point: PublishedPoint,
}

/// What became of what a dead letter holds, as its reason says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LetterCode {
    /// It was never sent: the other end takes no such thing.
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
    /// What became of what it holds.
    pub fn code(&self) -> LetterCode {
        match self.reason.as_str() {
            UNANSWERED | TELL_UNANSWERED => LetterCode::Unanswered,
            GIVEN_UP | TELL_GIVEN_UP => LetterCode::GivenUp,
            reason if reason.starts_with(REJECTED) => LetterCode::Rejected,
            _ => LetterCode::Refused,
        }
    }
}

/// A letter to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter<'a> {
    cursor: Cursor,
    reason: &'a str,
    held: Held<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Held<'a> {
    Point(Queued<'a>),
    Notification(&'a Notification),
}

impl<'a> Letter<'a> {
    /// That of a notification.
    pub(super) fn notification(cursor: Cursor, reason: &'a str, held: &'a Notification) -> Self {
        Self { cursor, reason, held: Held::Notification(held) }
    }
}

/// The letters of the points that a lane passes.
pub(super) fn of_points<'a>(
    passed: impl Iterator<Item = &'a Item>,
    dead: &'a Dead,
) -> Vec<Letter<'a>> {
    let letter = |item: &'a Item| {
        let place = dead.refused.binary_search_by_key(&item.cursor, |(cursor, _)| *cursor);
        let own = place.ok().and_then(|place| dead.refused.get(place));
        let reason = own.map(|(_, reason)| reason.as_str()).or(dead.rest.as_deref())?;
        Some(Letter { cursor: item.cursor, reason, held: Held::Point(item.queued()?) })
    };
    passed.filter_map(letter).collect()
}

/// The entries of a lane's letters: as many as it takes.
pub(super) fn entries(
    lane: &str,
    letters: &[Letter<'_>],
    at: Timestamp,
    kept_ms: Millis,
) -> Result<Vec<Entry>, TooLarge> {
    let all = Some(letters).filter(|all| !all.is_empty());
    let (mut entries, mut parts) = (Vec::new(), Vec::from_iter(all));
    while let Some(part) = parts.pop() {
        match entry(lane, part, at, kept_ms) {
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

fn entry(
    lane: &str,
    letters: &[Letter<'_>],
    at: Timestamp,
    kept_ms: Millis,
) -> Result<Entry, TooLarge> {
    let mut publication = Publication::default();
    let mut notifications: Vec<&Notification> = Vec::new();
    let mut reasons: Vec<&str> = Vec::new();
    let mut places = Vec::new();
    for letter in letters {
        match letter.held {
            Held::Point(queued) => {
                let metric = place_in(&mut publication.metrics, queued.metric, Clone::clone);
                let metric = u32::try_from(metric).unwrap_or(u32::MAX);
                publication.points.push(PublishedPoint { metric, ..queued.point.clone() });
            }
            Held::Notification(notification) => notifications.push(notification),
        }
        places.push((letter.cursor, place_in(&mut reasons, &letter.reason, |reason| *reason)));
    }
    let version = if notifications.is_empty() { POINTS_VERSION } else { VERSION };
    let mut header = Writer::new(version);
    header.put(lane).time(at).put(places.len());
    let mut chunk = Writer::new(POINTS_VERSION);
    chunk.list(reasons.iter(), |writer, reason| _ = writer.put(*reason));
    chunk.list(places.iter(), |writer, (cursor, reason)| {
        cursor.write(writer);
        writer.put(*reason);
    });
    let held = if notifications.is_empty() {
        (PUBLICATION, publication.encode())
    } else {
        (NOTIFICATIONS, notifications::encode(notifications))
    };
    let chunks = Chunks::from([held, (REASONS, chunk.finish())]);
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
    let places = read("reasons of dead letters", POINTS_VERSION, chunk(REASONS), |reader, _| {
        let reasons: Vec<String> = reader.list(Reader::take)?;
        reader.list(|reader| Ok((Cursor::read(reader)?, reader.place(&reasons)?)))
    })?;
    let held = match logged.entry.chunks().get(&NOTIFICATIONS) {
        Some(told) => {
            let notifications = notifications::decode(told)?.into_iter().map(Box::new);
            notifications.map(Undelivered::Notification).collect()
        }
        None => points(Publication::decode(chunk(PUBLICATION))?),
    };
    if places.len() != held.len() {
        let source = Error::message("not one reason for each that it holds");
        return Err(StoredError::Damaged { what: "dead letters", source });
    }
    let letters = places.into_iter().zip(held).map(|((cursor, reason), held)| DeadLetter {
        lane: lane.clone(),
        at,
        cursor,
        reason,
        held,
    });
    Ok(letters.collect())
}

/// The points of a publication, each with its metric.
fn points(publication: Publication) -> Vec<Undelivered> {
    let Publication { metrics, points } = publication;
    let dead = points.into_iter().filter_map(|point| {
        let metric = metrics.get(usize::try_from(point.metric).ok()?)?.clone();
        Some(Undelivered::Point(Box::new(DeadPoint { metric, point })))
    });
    dead.collect()
}
