//! The notifications that wait, per lane: read from the settle log once for all of them.

use super::super::DeliverError;
use super::super::lane::Cursor;
use super::index::LaneName;
use super::texts::Texts;
use crate::notifications;
use crate::port::Partition;
use crate::port::channels::Channels;
use crate::port::log::{Log, LogId, Logged, Version, Wanted};
use crate::settle_entry::{NOTIFICATIONS, SettleEntry};
use crate::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::notification::Notification;
use streamgauge_engine::time::Timestamp;

/// How many bytes of notifications are held in memory for lanes that are stuck, as they are stored; the rest is read again when
/// its turn comes.
const HELD_BYTES_MAX: usize = 8 << 20;

/// The notifications of one entry.
#[derive(Debug)]
pub(super) struct Posted {
    notifications: Vec<Notification>,
    /// The clock of the entry.
    pub(super) waiting_since: Timestamp,
    bytes: usize,
}

impl Posted {
    /// Those of an entry; absent: it has none.
    pub(super) fn of(log: &LogId, logged: &Logged) -> Result<Option<Arc<Self>>, DeliverError> {
        let Some(chunk) = logged.entry.chunks().get(&NOTIFICATIONS) else { return Ok(None) };
        let stored = |source| DeliverError::Stored {
            object: format!("{}, version {}", log.as_str(), logged.version.0),
            source,
        };
        let waiting_since = SettleEntry::decode(logged.entry.header()).map_err(stored)?.clock;
        let notifications = notifications::decode(chunk).map_err(stored)?;
        Ok(Some(Arc::new(Self { notifications, waiting_since, bytes: chunk.len() })))
    }

    /// The notification at a place.
    pub(super) fn at(&self, place: Cursor) -> Option<&Notification> {
        self.notifications.get(usize::try_from(place.point).ok()?)
    }
}

/// What waits for one lane: its places in the log, and what stands there as far as it is held.
pub(super) type Waiting = BTreeMap<Cursor, Option<Arc<Posted>>>;

/// What waits for the lanes of a partition.
#[derive(Debug)]
pub(super) struct Mailbox {
    log: LogId,
    /// The last entry that was read.
    pub(super) read_to: Version,
    /// What waits, for lanes for which something does.
    pub(super) lanes: BTreeMap<LaneName, Waiting>,
}

impl Mailbox {
    /// What comes after an entry.
    pub(super) fn new(partition: Partition, read_to: Version) -> Self {
        Self { log: LogId::settle(partition), read_to, lanes: BTreeMap::new() }
    }

    /// Reads on by itself; whether there was anything.
    pub(super) async fn read<W: World, C: Channels>(
        &mut self,
        world: &W,
        channels: &C,
        texts: &mut Texts,
    ) -> Result<bool, DeliverError> {
        let wanted = Wanted::Only(&[NOTIFICATIONS]);
        let page = world.log().read(&self.log, self.read_to, wanted).await?;
        self.take(&page, world, channels, texts).await?;
        Ok(!page.is_empty())
    }

    /// Takes in the entries that follow. Entries that had expired are passed: the lane of points counts them.
    pub(super) async fn take<W: World, C: Channels>(
        &mut self,
        page: &[Logged],
        world: &W,
        channels: &C,
        texts: &mut Texts,
    ) -> Result<(), DeliverError> {
        for logged in page {
            if let Some(posted) = Posted::of(&self.log, logged)? {
                self.sort(logged.version, &posted, world, channels, texts).await?;
                self.drop_held();
            }
            self.read_to = logged.version;
        }
        Ok(())
    }

    /// Puts the notifications of an entry into the lanes that they are for.
    async fn sort<W: World, C: Channels>(
        &mut self,
        version: Version,
        posted: &Arc<Posted>,
        world: &W,
        channels: &C,
        texts: &mut Texts,
    ) -> Result<(), DeliverError> {
        for (point, notification) in (0..).zip(&posted.notifications) {
            let Notification { channel, plan, .. } = notification;
            for receiver in texts.receivers(world, channels, plan, channel).await? {
                let name = LaneName { channel: channel.clone(), receiver: receiver.clone() };
                let waiting = self.lanes.entry(name).or_default();
                waiting.insert(Cursor { version, point }, Some(Arc::clone(posted)));
            }
        }
        Ok(())
    }

    /// Lets go what stands last in the log, where more is held than there is room for.
    pub(super) fn drop_held(&mut self) {
        let held = self.lanes.values().flatten();
        let held: BTreeMap<Version, usize> = held
            .filter_map(|(place, posted)| Some((place.version, posted.as_ref()?.bytes)))
            .collect();
        let mut bytes = 0;
        let dropped = held.iter().find(|(_, more)| {
            bytes += **more;
            bytes > HELD_BYTES_MAX && bytes > **more
        });
        let Some((&from, _)) = dropped else { return };
        for (place, posted) in self.lanes.values_mut().flatten() {
            if place.version >= from {
                *posted = None;
            }
        }
    }
}

/// Reads what stands at the first places that wait, if it is not held: one page of the log. Answers how many places have expired:
/// they are nowhere any more.
pub(super) async fn hold<L: Log>(
    log: &L,
    partition: Partition,
    waiting: &mut Waiting,
) -> Result<usize, DeliverError> {
    let Some((first, _)) = waiting.iter().find(|(_, posted)| posted.is_none()) else {
        return Ok(0);
    };
    let first = first.version;
    let id = LogId::settle(partition);
    let after = Version(first.0.saturating_sub(1));
    let page = log.read(&id, after, Wanted::Only(&[NOTIFICATIONS])).await?;
    for logged in &page {
        let posted = Posted::of(&id, logged)?;
        let places = Cursor::before(logged.version)..Cursor::before(logged.version.next());
        for (_, held) in waiting.range_mut(places) {
            held.clone_from(&posted);
        }
    }
    let read_to = page.last().map_or(first, |last| last.version.max(first));
    let places = waiting.len();
    waiting.retain(|place, held| held.is_some() || place.version > read_to);
    Ok(places - waiting.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the entries are held, of so many bytes each, if both lanes wait for all of them.
    fn held(bytes: &[usize]) -> Vec<u64> {
        let posted = (1..).zip(bytes).map(|(version, &bytes)| {
            let place = Cursor { version: Version(version), point: 0 };
            let notifications = Vec::new();
            let waiting_since = Timestamp::EPOCH;
            (place, Some(Arc::new(Posted { notifications, waiting_since, bytes })))
        });
        let waiting: Waiting = posted.collect();
        let mut mailbox = Mailbox::new(Partition::default(), Version::START);
        for receiver in ["1", "2"] {
            let name = LaneName { channel: "phone".to_owned(), receiver: receiver.to_owned() };
            mailbox.lanes.insert(name, waiting.clone());
        }
        mailbox.drop_held();
        let held = mailbox.lanes.values().flatten().filter(|(_, one)| one.is_some());
        held.map(|(place, _)| place.version.0).collect()
    }

    #[test]
    fn what_stands_last_is_let_go_where_there_is_no_room() {
        assert_eq!(held(&[HELD_BYTES_MAX / 2; 2]), [1, 2, 1, 2]);
        assert_eq!(held(&[HELD_BYTES_MAX / 2; 4]), [1, 2, 1, 2]);
        assert_eq!(held(&[HELD_BYTES_MAX, 1, 1]), [1, 1]);
        assert_eq!(held(&[2 * HELD_BYTES_MAX, 1]), [1, 1], "one in any case");
    }
}
