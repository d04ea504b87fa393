//! What a settle takes from the shard logs, before it is part of an entry.
//!
//! Deltas wait here, decoded, until the entry that takes them is appended: the folded state is changed by whole entries only, so
//! that it is always what the log says. They wait for the reason that an entry costs a write and a settle that decides nothing
//! needs none; [`Waiting::due`] says from which watermark on something would be decided.

use super::source::ShardDelta;
use crate::port::log::Version;
use crate::port::source::ShardKey;
use crate::shard_entry::RecordId;
use std::collections::BTreeMap;
use streamgauge_engine::time::Timestamp;

/// The deltas that wait, per shard in the order of its log.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    shards: BTreeMap<ShardKey, Vec<ShardDelta>>,
    bytes: usize,
    due: Option<Timestamp>,
}

impl Waiting {
    /// Adds the next delta of a shard.
    pub(super) fn push(&mut self, shard: &ShardKey, delta: ShardDelta) {
        self.bytes += delta.bytes;
        self.due = self.due.into_iter().chain(delta.due).min();
        self.shards.entry(shard.clone()).or_default().push(delta);
    }

    /// How large they are in the logs, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }

    /// The watermark from which on taking them decides something.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// The deltas, by shard.
    pub(super) fn shards(&self) -> impl Iterator<Item = (&ShardKey, &[ShardDelta])> {
        self.shards.iter().map(|(shard, deltas)| (shard, deltas.as_slice()))
    }

    /// The last delta of a shard.
    pub(super) fn last(&self, shard: &ShardKey) -> Option<&ShardDelta> {
        self.shards.get(shard).and_then(|deltas| deltas.last())
    }

    /// Takes out deltas of so many bytes, at least one if there is any, those of the shard furthest behind first.
    pub(super) fn take_up_to(
        &mut self,
        bytes_max: usize,
        watermark_of: impl Fn(&ShardDelta) -> Option<Timestamp>,
    ) -> Vec<(ShardKey, Vec<ShardDelta>)> {
        let mut ends: BTreeMap<&ShardKey, usize> = BTreeMap::new();
        let mut bytes = 0;
        while bytes < bytes_max {
            let next = self.shards.iter().filter_map(|(shard, deltas)| {
                let next = deltas.get(ends.get(shard).copied().unwrap_or_default())?;
                Some((watermark_of(next), shard, next))
            });
            let Some((_, shard, delta)) =
                next.min_by_key(|&(watermark, shard, _)| (watermark, shard))
            else {
                break;
            };
            bytes += delta.bytes.max(1);
            *ends.entry(shard).or_default() += 1;
        }
        let ends: Vec<(ShardKey, Version)> = ends
            .into_iter()
            .filter_map(|(shard, end)| {
                let last = self.shards.get(shard)?.get(end.checked_sub(1)?)?;
                Some((shard.clone(), last.version))
            })
            .collect();
        ends.into_iter().map(|(shard, last)| (shard.clone(), self.take(&shard, last))).collect()
    }

    /// Takes out the deltas of a shard up to a version, all that wait if they end earlier.
    pub(super) fn take(&mut self, shard: &ShardKey, up_to: Version) -> Vec<ShardDelta> {
        let Some(deltas) = self.shards.get_mut(shard) else { return Vec::new() };
        let rest = deltas.split_off(deltas.partition_point(|delta| delta.version <= up_to));
        let taken = std::mem::replace(deltas, rest);
        if deltas.is_empty() {
            self.shards.remove(shard);
        }
        self.bytes -= taken.iter().map(|delta| delta.bytes).sum::<usize>();
        self.due = self.shards.values().flatten().filter_map(|delta| delta.due).min();
        taken
    }
}

/// Where a shard is read to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The last entry of its log.
    pub(super) version: Version,
    /// The last record that this covers.
    pub(super) record: RecordId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::source::StreamId;
    use crate::settle::source::Figures;

    fn shard(name: &str) -> ShardKey {
        let stream = StreamId { name: "orders".into(), created_at: Timestamp::EPOCH };
        ShardKey { stream, shard: name.into() }
    }

    /// Deltas of ten bytes each, whose shards then stand here. Versions tell, times a hundred, where a shard stands.
    fn waiting(shards: &[(&str, &[u64])]) -> Waiting {
        let mut waiting = Waiting::default();
        for &(name, places) in shards {
            for &place in places {
                let delta = ShardDelta {
                    version: Version(place),
                    at: Timestamp::EPOCH,
                    last: RecordId { sequence: place.into(), sub_sequence: 0 },
                    bytes: 10,
                    due: None,
                    sections: Vec::new(),
                    figures: Figures::default(),
                };
                waiting.push(&shard(name), delta);
            }
        }
        waiting
    }

    /// Takes up to so many bytes: which deltas of which shards.
    #[track_caller]
    fn check(shards: &[(&str, &[u64])], bytes_max: usize, expect: &[(&str, &[u64])]) {
        let mut waiting = waiting(shards);
        let at = |delta: &ShardDelta| {
            Some(Timestamp::from_millis(i64::try_from(delta.version.0).unwrap() * 100))
        };
        let taken = waiting.take_up_to(bytes_max, at);
        let versions =
            |deltas: &[ShardDelta]| deltas.iter().map(|delta| delta.version.0).collect::<Vec<_>>();
        let taken: Vec<_> = taken
            .iter()
            .map(|(shard, deltas)| (shard.shard.to_string(), versions(deltas)))
            .collect();
        let expect: Vec<_> =
            expect.iter().map(|(name, places)| ((*name).to_owned(), places.to_vec())).collect();
        assert_eq!(taken, expect);
        let deltas: usize = shards.iter().map(|(_, places)| places.len()).sum();
        let rest = deltas - taken.iter().map(|(_, places)| places.len()).sum::<usize>();
        assert_eq!(waiting.bytes(), 10 * rest);
    }

    /// The others wait for that shard anyway: what is ahead of it decides nothing until it has come.
    #[test]
    fn the_shard_furthest_behind_goes_first() {
        check(&[("a", &[7, 8, 9]), ("b", &[1, 2, 3])], 30, &[("b", &[1, 2, 3])]);
        check(&[("a", &[1, 5]), ("b", &[2, 3, 9])], 30, &[("a", &[1]), ("b", &[2, 3])]);
        check(&[("a", &[1, 5]), ("b", &[2, 3, 9])], 50, &[("a", &[1, 5]), ("b", &[2, 3, 9])]);
    }

    #[test]
    fn an_entry_takes_one_delta_at_least_and_stops_at_its_limit() {
        check(&[("a", &[1, 2])], 1, &[("a", &[1])]);
        check(&[("a", &[1, 2, 3])], 11, &[("a", &[1, 2])]);
        check(&[("a", &[1, 2, 3])], 20, &[("a", &[1, 2])]);
        check(&[], 20, &[]);
    }
}
