//! Which series had an event lately: under `zero: publish` they get a 0 in windows without one.
//!
//! Every event can bring a new series, and they are known for 7 days, so those that can never get a zero are let go. Zeros
//! take names in the order of the hashes, like new series. So if as many series as the cap come before one in that order,
//! and were all seen as late or later, then on any day to come either these have the names, or others have. Only a series
//! that has a name already is kept whatever comes before it. What stays is about the cap times the logarithm of how many there were.

use super::names::{Names, by_hash};
use crate::hash::Map;
use crate::series::SeriesKey;
use crate::stored::reader::Reader;
use crate::stored::settler::{KeyNumbers, Keys};
use crate::stored::writer::Writer;
use crate::time::{DAY_MS, Millis, Timestamp};
use minicbor::decode::Error;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// How long a series without events still gets zeros.
const KNOWN_MS: Millis = 7 * DAY_MS;

/// The series of one metric by the time of their last event in a closed window.
#[derive(Clone, Debug)]
pub(super) struct Known {
    names_max: usize,
    latest: Map<Arc<SeriesKey>, Timestamp>,
    /// With more than this it is time to look who can go.
    crowded: usize,
}

impl Known {
    /// Nobody yet; a day has `names_max` names.
    pub(super) fn new(names_max: usize) -> Self {
        Self { names_max, latest: Map::default(), crowded: names_max.saturating_mul(2) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.latest.is_empty()
    }

    /// A closed window has an event of this series; `latest` is the time of the last.
    pub(super) fn see(&mut self, key: &Arc<SeriesKey>, latest: Timestamp) {
        let known = self.latest.entry(Arc::clone(key)).or_insert(latest);
        *known = (*known).max(latest);
    }

    /// The series that are still known for a window and that it does not hold, in the order in which they take names.
    pub(super) fn silent(
        &mut self,
        window_start: Timestamp,
        holds: impl Fn(&Arc<SeriesKey>) -> bool,
    ) -> Vec<Arc<SeriesKey>> {
        let since = window_start.minus(KNOWN_MS);
        self.latest.retain(|_, latest| *latest >= since);
        let mut silent: Vec<_> = self.latest.keys().filter(|key| !holds(key)).cloned().collect();
        silent.sort_by(by_hash);
        silent
    }

    /// All known series.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<SeriesKey>> {
        self.latest.keys()
    }

    /// Writes them: how many are a crowd; each, with the time of its last event.
    pub(super) fn write(&self, writer: &mut Writer, keys: &KeyNumbers) {
        writer.place(self.crowded);
        let latest = self.latest.values().copied().min().unwrap_or_default();
        writer.time(Timestamp::EPOCH, latest);
        keys.write_set(writer, self.latest.iter(), |to, &time| to.time(latest, time));
    }

    /// Reads what was written.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        names_max: usize,
        keys: &Keys,
    ) -> Result<Self, Error> {
        let crowded = reader.place()?;
        let latest = reader.time(Timestamp::EPOCH)?;
        let latest = keys.set(reader, |reader| reader.time(latest))?.into_iter().collect();
        Ok(Self { names_max, latest, crowded })
    }

    /// Lets go of series that can never get a zero, once there are many.
    pub(super) fn thin_out(&mut self, names: &Names) {
        if self.latest.len() <= self.crowded {
            return;
        }
        let mut newest_first: Vec<_> = self.latest.drain().collect();
        newest_first
            .sort_unstable_by_key(|(key, latest)| (std::cmp::Reverse(*latest), key.stable_hash()));
        // The smallest hashes, as many as there are names, of those that were seen as late or later.
        let mut smallest: BinaryHeap<u64> = BinaryHeap::new();
        for (key, latest) in newest_first {
            let hash = key.stable_hash();
            let is_behind = smallest.len() >= self.names_max
                && smallest.peek().is_some_and(|&largest| largest < hash);
            if is_behind && !names.has(&key) {
                continue;
            }
            self.latest.insert(key, latest);
            if !is_behind {
                smallest.push(hash);
                if smallest.len() > self.names_max {
                    smallest.pop();
                }
            }
        }
        self.crowded = self.latest.len().max(self.names_max).saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A series per event, one a second for 1,000 seconds: the known ones and those that would be known without a limit.
    #[test]
    fn letting_series_go_changes_no_zero() {
        const NAMES_MAX: usize = 5;
        let (mut known, mut all) = (Known::new(NAMES_MAX), Known::new(usize::MAX));
        let mut names = Names::new(NAMES_MAX);
        for second in 0..1_000_i64 {
            let now = Timestamp::from_millis(second * 1_000);
            let day = second / 60;
            // Now and then an old one comes again.
            let number = if second % 7 == 0 { second / 3 } else { second };
            let key = Arc::new(SeriesKey::new([number.to_string().as_str()]));
            names.name(day, &key);
            let zeros = |of: &mut Known, on: &mut Names| -> Vec<_> {
                let silent = of.silent(now, |silent| *silent == key);
                silent.into_iter().filter(|silent| on.name(day, silent)).collect()
            };
            let expected = zeros(&mut all, &mut names.clone());
            assert_eq!(zeros(&mut known, &mut names), expected, "at {second} s");
            known.see(&key, now);
            all.see(&key, now);
            known.thin_out(&names);
            names.forget_before(day - 1);
        }
        assert!(all.latest.len() > 500 && known.latest.len() < 100, "{}", known.latest.len());
    }
}
