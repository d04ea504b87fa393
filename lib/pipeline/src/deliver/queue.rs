//! The points that wait: read from the settle log as they are needed, across entries.

use super::DeliverError;
use super::lane::Cursor;
use crate::port::Partition;
use crate::port::log::{Log, LogId, Logged, Version, Wanted};
use crate::port::points::Queued;
use crate::publication::{PointKind, Publication};
use crate::settle_entry::{POINTS, SettleEntry};
use crate::stored::StoredError;
use std::collections::VecDeque;
use std::sync::Arc;
use streamgauge_engine::time::Timestamp;

/// Points of one lane, in order, without those that are only recorded.
#[derive(Debug)]
pub(super) struct Queue {
    log: LogId,
    items: VecDeque<Item>,
    /// The last entry that was read or that the lane has passed.
    read_to: Version,
    /// How many points of the entry after that the lane has passed.
    passed: u32,
    is_at_end: bool,
    /// How many entries had expired before they were read.
    expired: u64,
}

/// A point that waits.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its place in the log.
    pub(super) cursor: Cursor,
    /// The clock of its entry.
    pub(super) waiting_since: Timestamp,
    publication: Arc<Publication>,
}

impl Item {
    /// The point with its metric. Each item has one: only such become items.
    pub(super) fn queued(&self) -> Option<Queued<'_>> {
        let point = self.publication.points.get(usize::try_from(self.cursor.point).ok()?)?;
        let metric = self.publication.metrics.get(usize::try_from(point.metric).ok()?)?;
        Some(Queued { metric, point })
    }
}

impl Queue {
    /// What waits after a place in a partition's log; nothing of it is read yet.
    pub(super) fn new(partition: Partition, cursor: Cursor) -> Self {
        Self {
            log: LogId::settle(partition),
            items: VecDeque::new(),
            read_to: Version(cursor.version.0.saturating_sub(1)),
            passed: cursor.point,
            is_at_end: false,
            expired: 0,
        }
    }

    /// Reads until so many points wait, or the log is read to its end.
    pub(super) async fn fill<L: Log>(
        &mut self,
        log: &L,
        points: usize,
    ) -> Result<(), DeliverError> {
        while self.reads_after(points).is_some() {
            self.read(log).await?;
        }
        Ok(())
    }

    /// Reads up to a place, or to the end of the log.
    pub(super) async fn fill_to<L: Log>(
        &mut self,
        log: &L,
        until: Cursor,
    ) -> Result<(), DeliverError> {
        while Cursor::before(self.read_to.next()) < until && !self.is_at_end {
            self.read(log).await?;
        }
        Ok(())
    }

    async fn read<L: Log>(&mut self, log: &L) -> Result<(), DeliverError> {
        let entries = log.read(&self.log, self.read_to, Wanted::Only(&[POINTS])).await?;
        self.take(&entries)
    }

    /// After which entry it would read on, if fewer points wait and there may be more.
    pub(super) fn reads_after(&self, points: usize) -> Option<Version> {
        (self.items.len() < points && !self.is_at_end).then_some(self.read_to)
    }

    /// Takes in the entries that follow; none: the log is read to its end.
    pub(super) fn take(&mut self, entries: &[Logged]) -> Result<(), DeliverError> {
        self.is_at_end = entries.is_empty();
        for logged in entries {
            self.expired += logged.version.0.saturating_sub(self.read_to.next().0);
            let passed = if logged.version == self.read_to.next() { self.passed } else { 0 };
            let items = items_of(logged, passed).map_err(|source| DeliverError::Stored {
                object: format!("{}, version {}", self.log.as_str(), logged.version.0),
                source,
            })?;
            self.items.extend(items);
            (self.read_to, self.passed) = (logged.version, 0);
        }
        Ok(())
    }

    /// The points that wait and are read.
    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    /// How many there are before a place.
    pub(super) fn points_before(&self, cursor: Cursor) -> usize {
        self.items.partition_point(|item| item.cursor < cursor)
    }

    /// The place after so many points: before the next one, or after all that was read.
    pub(super) fn cursor_after(&self, points: usize) -> Cursor {
        let next = self.items.get(points).map(|item| item.cursor);
        next.unwrap_or(Cursor { version: self.read_to.next(), point: self.passed })
    }

    /// Takes out the points before a place, and does not read them if they were not read yet.
    pub(super) fn pass(&mut self, cursor: Cursor) {
        self.items.drain(..self.points_before(cursor));
        if (Cursor { version: self.read_to.next(), point: self.passed }) < cursor {
            (self.read_to, self.passed) =
                (Version(cursor.version.0.saturating_sub(1)), cursor.point);
        }
    }

    /// Whether nothing waits any more, as far as the log had come when it was read.
    pub(super) fn is_drained(&self) -> bool {
        self.items.is_empty() && self.is_at_end
    }

    /// How many entries had expired before they were read.
    pub(super) fn expired(&self) -> u64 {
        self.expired
    }
}

/// The points of an entry after the first so many, without those that are only recorded.
fn items_of(logged: &Logged, passed: u32) -> Result<Vec<Item>, StoredError> {
    let Some(chunk) = logged.entry.chunks().get(&POINTS) else { return Ok(Vec::new()) };
    let waiting_since = SettleEntry::decode(logged.entry.header())?.clock;
    let publication = Arc::new(Publication::decode(chunk)?);
    let places = (0..).zip(&publication.points);
    let sent =
        places.filter(|(place, point)| *place >= passed && point.kind != PointKind::Recorded);
    let items = sent.map(|(point, _)| Item {
        cursor: Cursor { version: logged.version, point },
        waiting_since,
        publication: Arc::clone(&publication),
    });
    Ok(items.collect())
}
