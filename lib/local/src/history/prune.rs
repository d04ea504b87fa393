//! Lets go what is too old, and what is too much: the oldest first, a little with each portion.
//!
//! A portion brings at most as many rows to a level as it has points, and takes up to twice as many away, and some: the history
//! catches up however far it was behind, and no transaction waits for the deletion of a month.

use super::Level;
use super::book::Book;
use super::error::Fault;
use super::tables::{PointPlace, bytes};
use redb::ReadableTable;
use streamgauge_engine::time::Timestamp;

/// So many rows of a level a portion takes away besides those that it made room for.
const PRUNED_MIN: usize = 64;

/// Prunes all levels after a portion of so many points or transitions.
pub(super) fn prune(book: &mut Book<'_>, items: usize) -> Result<(), Fault> {
    for level in (0..=Level::ALERTS.0).map(Level) {
        for _ in 0..2 * items + PRUNED_MIN {
            if !prune_one(book, level)? {
                break;
            }
        }
    }
    Ok(())
}

/// Removes the oldest row of a level if it has to go; false if it may stay.
fn prune_one(book: &mut Book<'_>, level: Level) -> Result<bool, Fault> {
    let limits = book.limits.of(level);
    let oldest = book.limits.oldest(level, book.state.clock);
    let Some(kept) = book.level(level) else { return Ok(false) };
    let is_over = kept.rows > limits.rows_max || kept.bytes > limits.bytes_max;
    let removed = if level == Level::ALERTS {
        remove_alert(book, is_over, oldest)?
    } else {
        remove_point(book, level, is_over, oldest)?
    };
    let Some((at, row_bytes)) = removed else { return Ok(false) };
    if let Some(rest) = book.level(level) {
        rest.rows = rest.rows.saturating_sub(1);
        rest.bytes = rest.bytes.saturating_sub(row_bytes);
        if at > oldest {
            rest.dropped += 1;
            rest.dropped_to = rest.dropped_to.max(Some(at));
        }
    }
    Ok(true)
}

/// Removes the oldest point, if it is too old or some has to go: its time, and its bytes.
fn remove_point(
    book: &mut Book<'_>,
    level: Level,
    is_over: bool,
    oldest: Timestamp,
) -> Result<Option<(Timestamp, u64)>, Fault> {
    let range = (level.0, i64::MIN, 0, &[][..], 0)..(level.0 + 1, i64::MIN, 0, &[][..], 0);
    let Some(row) = book.points.range(range)?.next() else { return Ok(None) };
    let place = PointPlace::of(row?.0.value());
    let at = Timestamp::from_millis(place.end_ms);
    if !is_over && at > oldest {
        return Ok(None);
    }
    let sealed = book.points.remove(place.key())?.map_or(0, |sealed| sealed.value().len());
    book.names.count(place.metric, false);
    Ok(Some((at, place.bytes(sealed))))
}

/// Likewise the oldest transition.
fn remove_alert(
    book: &mut Book<'_>,
    is_over: bool,
    oldest: Timestamp,
) -> Result<Option<(Timestamp, u64)>, Fault> {
    let first = book.alerts.first()?.map(|(key, _)| key.value());
    let Some(key) = first else { return Ok(None) };
    let at = Timestamp::from_millis(key.0);
    if !is_over && at > oldest {
        return Ok(None);
    }
    let sealed = book.alerts.remove(key)?.map_or(0, |sealed| sealed.value().len());
    Ok(Some((at, bytes(sealed))))
}
