//! Dead letters that are given back: points that no lane could deliver, to be delivered after all.
//!
//! Nobody but settle writes the log that lanes follow, so they go by the control log: the entry holds the points, and the next
//! entry of their settle log repeats them as its own outputs. From there on they are points as all others, put once, in order.
//! A settle applies each entry of the control log once, and an entry names the letters that it gives back: so no letter is given
//! back twice, whoever tries and whenever.

use super::entry::POINTS;
use super::{ControlEntry, ControlError};
use crate::deliver::DeadPoint;
use crate::deliver::lane::Cursor;
use crate::port::log::{Append, Log, LogId, Version, Wanted};
use crate::port::{Partition, Retryable};
use crate::publication::{Publication, PublishedPoint};
use std::collections::BTreeSet;

/// How large the points of one entry are at most, in bytes: what a settle decides at once fits beside them.
pub const GIVEN_BACK_BYTES_MAX: usize = 2 << 20;
/// How often an append is tried while others append too.
const ATTEMPTS_MAX: u32 = 16;

/// What was given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenBack {
    /// How many points are delivered again.
    pub points: usize,
    /// How many letters had been given back before, and are not again.
    pub repeats: usize,
}

/// The letters of a partition that were given back, by their place in the settle log.
pub async fn letters_given_back(
    log: &impl Log,
    partition: Partition,
) -> Result<BTreeSet<Cursor>, ControlError> {
    let mut letters = BTreeSet::new();
    read_on(log, &mut { Version::START }, partition, &mut letters).await?;
    Ok(letters)
}

/// Gives the points of letters back to their lane, those that were not given back before; each with the letter's place.
pub async fn give_back(
    log: &impl Log,
    partition: Partition,
    letters: &[(Cursor, DeadPoint)],
) -> Result<GivenBack, ControlError> {
    let mut done = GivenBack::default();
    let (mut read_to, mut known) = (Version::START, BTreeSet::new());
    let mut left = letters;
    let mut attempts = 0;
    while !left.is_empty() {
        read_on(log, &mut read_to, partition, &mut known).await?;
        let (entry, count, repeats) = next_entry(partition, left, &known);
        if let Some(entry) = entry {
            let points = count - repeats;
            let entry = entry.to_entry(super::EXPIRES_NEVER)?;
            if log.append(&LogId::control(), read_to.next(), &entry).await? == Append::Conflict {
                attempts += 1;
                if attempts >= ATTEMPTS_MAX {
                    return Err(ControlError::Contended { attempts });
                }
                continue;
            }
            done.points += points;
        }
        done.repeats += repeats;
        left = left.get(count..).unwrap_or_default();
    }
    Ok(done)
}

/// The entry for the first letters, of how many, and how many of these are known.
fn next_entry(
    partition: Partition,
    letters: &[(Cursor, DeadPoint)],
    known: &BTreeSet<Cursor>,
) -> (Option<ControlEntry>, usize, usize) {
    let (mut points, mut places) = (Publication::default(), Vec::new());
    let (mut bytes, mut count, mut repeats) = (0, 0, 0);
    for (place, letter) in letters {
        if known.contains(place) {
            repeats += 1;
        } else {
            bytes += bytes_of(letter);
            if bytes > GIVEN_BACK_BYTES_MAX && !places.is_empty() {
                break;
            }
            let metric = points.metrics.iter().position(|metric| *metric == letter.metric);
            let metric = metric.unwrap_or_else(|| {
                points.metrics.push(letter.metric.clone());
                points.metrics.len() - 1
            });
            let metric = u32::try_from(metric).unwrap_or(u32::MAX);
            points.points.push(PublishedPoint { metric, ..letter.point.clone() });
            places.push(*place);
        }
        count += 1;
    }
    let points = Some(points);
    let entry = ControlEntry::GivenBack { partition, letters: places.clone(), points };
    ((!places.is_empty()).then_some(entry), count, repeats)
}

/// About how many bytes a letter takes, its metric and its place included.
fn bytes_of(letter: &DeadPoint) -> usize {
    let alone =
        Publication { metrics: vec![letter.metric.clone()], points: vec![letter.point.clone()] };
    alone.encode().len() + 16
}

/// Reads the control log to its end, and takes down which letters of a partition were given back.
async fn read_on(
    log: &impl Log,
    read_to: &mut Version,
    partition: Partition,
    letters: &mut BTreeSet<Cursor>,
) -> Result<(), ControlError> {
    loop {
        let read = log.read(&LogId::control(), *read_to, Wanted::Only(&[])).await?;
        let Some(last) = read.last() else { return Ok(()) };
        *read_to = last.version;
        for logged in &read {
            match ControlEntry::decode(logged)? {
                ControlEntry::GivenBack { partition: of, letters: given, .. }
                    if of == partition =>
                {
                    letters.extend(given);
                }
                _ => {}
            }
        }
    }
}

/// The points of an entry that gives some back.
pub(crate) async fn points_at(
    log: &impl Log,
    version: Version,
) -> Result<Publication, ControlError> {
    let before = Version(version.0.saturating_sub(1));
    let read = log.read(&LogId::control(), before, Wanted::Only(&[POINTS])).await?;
    let logged = read.first().filter(|logged| logged.version == version);
    let decoded = logged.map(ControlEntry::decode).transpose()?;
    if let Some(ControlEntry::GivenBack { points: Some(points), .. }) = decoded {
        return Ok(points);
    }
    let what = format!("could not find the points in version {} of the log \"control\"", version.0);
    Err(Retryable::new(what).into())
}
