//! The lanes of channels, and up to where they are known to be done.
//!
//! A lane that has nothing to send costs nothing, so its register does not follow the log. What the log holds for lanes is
//! found from the [`LanesIndex`] on, which stands in the register of points: that one is written anyway.

use super::super::lane::Cursor;
use crate::port::Partition;
use crate::port::log::{LogId, Version};
use crate::stored::{Reader, Writer};
use minicbor::decode::Error;
use std::fmt;

/// A lane: one receiver of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneName {
    /// The channel.
    pub channel: String,
    /// The receiver; empty where all of the channel is one lane.
    pub receiver: String,
}

impl fmt::Display for LaneName {
    /// `to/oncall`, `to/phone/+971500000000`: what would be taken for a slash is escaped.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |part: &str| part.replace('%', "%25").replace('/', "%2F");
        write!(formatter, "to/{}", escaped(&self.channel))?;
        if self.receiver.is_empty() {
            return Ok(());
        }
        write!(formatter, "/{}", escaped(&self.receiver))
    }
}

impl LaneName {
    /// Its register.
    pub(crate) fn register(&self, partition: Partition) -> LogId {
        LogId::lane(&self.to_string(), partition)
    }
}

/// Up to where the lanes of channels are done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LanesIndex {
    /// Of this entry of the settle log and of those before it, all is done.
    pub read_to: Version,
    /// But for these lanes, whose registers say what of it waits.
    pub open: Vec<LaneName>,
}

impl LanesIndex {
    /// The one that is further. Each holds for ever, whoever wrote it.
    #[must_use]
    pub(crate) fn further(self, other: &Self) -> Self {
        if other.read_to > self.read_to { other.clone() } else { self }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.put(self.read_to.0);
        writer.list(self.open.iter(), |writer, LaneName { channel, receiver }| {
            writer.put(channel.as_str()).put(receiver.as_str());
        });
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let read_to = Version(reader.take()?);
        let open = reader
            .list(|names| Ok(LaneName { channel: names.take()?, receiver: names.take()? }))?;
        Ok(Self { read_to, open })
    }
}

/// Up to where a register names all places that wait, and those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The last entry of the settle log that was read.
    pub(crate) read_to: Version,
    /// The places up to there that wait.
    pub(crate) places: Vec<Cursor>,
}

/// How many places a register names at most: a lane that is stuck for a day is written with each attempt, and costs a unit or two.
const PLACES_MAX: usize = 256;

impl Known {
    /// What a register says of places that wait, in their order, if the log was read up to an entry.
    pub(crate) fn of(read_to: Version, places: impl IntoIterator<Item = Cursor>) -> Self {
        let mut places: Vec<Cursor> = places.into_iter().take(PLACES_MAX + 1).collect();
        let Some(beyond) = places.get(PLACES_MAX).copied() else { return Self { read_to, places } };
        places.retain(|place| place.version < beyond.version);
        Self { read_to: Version(beyond.version.0.saturating_sub(1)), places }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.put(self.read_to.0);
        let mut last = 0;
        writer.list(self.places.iter(), |writer, place| {
            writer.put(place.version.0.saturating_sub(last)).put(place.point);
            last = place.version.0;
        });
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let read_to = Version(reader.take()?);
        let mut last = 0_u64;
        let places = reader.list(|reader| {
            let more = reader.take()?;
            last = last.checked_add(more).ok_or_else(|| Error::message("no such version"))?;
            Ok(Cursor { version: Version(last), point: reader.take()? })
        })?;
        Ok(Self { read_to, places })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lanes_share_a_register() {
        let lane = |channel: &str, receiver: &str| {
            let lane = LaneName { channel: channel.to_owned(), receiver: receiver.to_owned() };
            lane.register(Partition::default()).as_str().to_owned()
        };
        assert_eq!(lane("oncall", ""), "lane/to/oncall/0");
        assert_eq!(lane("phone", "+971500000000"), "lane/to/phone/+971500000000/0");
        assert_eq!(lane("a/b", "c"), "lane/to/a%2Fb/c/0");
        assert_eq!(lane("a", "b/c"), "lane/to/a/b%2Fc/0");
        assert_eq!(lane("a%2Fb", "c"), "lane/to/a%252Fb/c/0");
    }

    #[test]
    fn a_register_names_whole_entries_and_not_too_many() {
        let places = |count: u32| (0..count).map(|point| Cursor { version: Version(7), point });
        let few = Known::of(Version(9), places(256));
        assert_eq!((few.read_to, few.places.len()), (Version(9), 256));
        let earlier = Cursor { version: Version(3), point: 1 };
        let many = Known::of(Version(9), [earlier].into_iter().chain(places(256)));
        assert_eq!(many, Known { read_to: Version(6), places: vec![earlier] });
    }
}
