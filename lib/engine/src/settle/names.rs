//! Which series of a metric have a name on a day, and which fold into `__other__`.
//!
//! A metric has at most `max_series` names per day. Names are given when a window closes, in the order of event time:
//! series that have one that day keep it, then new ones take what is left, the smallest stable hash first. So arrival
//! decides nothing (only under `emit: live`, where a series takes its name with its first increment).

use crate::hash::Set;
use crate::series::SeriesKey;
use crate::stored::reader::Reader;
use crate::stored::settler::{KeyNumbers, Keys};
use crate::stored::writer::Writer;
use minicbor::decode::Error;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The names of one metric, by day.
#[derive(Clone, Debug)]
pub(super) struct Names {
    per_day_max: usize,
    days: BTreeMap<i64, Set<Arc<SeriesKey>>>,
    /// The names of days before this one are forgotten, and no new ones are given there.
    first_day: i64,
}

impl Names {
    /// No names yet.
    pub(super) const fn new(per_day_max: usize) -> Self {
        Self { per_day_max, days: BTreeMap::new(), first_day: i64::MIN }
    }

    /// How many names a day has.
    pub(super) const fn per_day_max(&self) -> usize {
        self.per_day_max
    }

    /// Names the series if it has a name that day or there is room for one.
    pub(super) fn name(&mut self, day: i64, key: &Arc<SeriesKey>) -> bool {
        if day < self.first_day {
            return false;
        }
        let named = self.days.entry(day).or_default();
        let has = named.contains(key);
        if !has && named.len() < self.per_day_max {
            return named.insert(Arc::clone(key));
        }
        has
    }

    /// Parts series that close together into those with a name and those without.
    pub(super) fn part<T>(&mut self, day: i64, series: Vec<(Arc<SeriesKey>, T)>) -> Parted<T> {
        if day < self.first_day {
            return Parted { named: Vec::new(), folded: series };
        }
        let known = self.days.entry(day).or_default();
        let (mut named, mut new): (Vec<_>, Vec<_>) =
            series.into_iter().partition(|(key, _)| known.contains(key));
        if known.len() + new.len() > self.per_day_max {
            new.sort_by(|(one, _), (other, _)| by_hash(one, other));
        }
        let room = self.per_day_max.saturating_sub(known.len()).min(new.len());
        let folded = new.split_off(room);
        known.extend(new.iter().map(|(key, _)| Arc::clone(key)));
        named.append(&mut new);
        Parted { named, folded }
    }

    /// All names.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<SeriesKey>> {
        self.days.values().flatten()
    }

    /// Writes them: the first day that is remembered; each day, with its keys.
    pub(super) fn write(&self, writer: &mut Writer, keys: &KeyNumbers) {
        writer.signed(self.first_day);
        writer.list(self.days.len());
        for (&day, named) in &self.days {
            writer.signed(day);
            keys.write_set(writer, named.iter().map(|key| (key, ())), |_, ()| ());
        }
    }

    /// Reads what was written.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        per_day_max: usize,
        keys: &Keys,
    ) -> Result<Self, Error> {
        let mut names = Self { first_day: reader.signed()?, ..Self::new(per_day_max) };
        for _ in 0..reader.list()? {
            let day = reader.signed()?;
            let named = keys.set(reader, |_| Ok(()))?;
            names.days.insert(day, named.into_iter().map(|(key, ())| key).collect());
        }
        Ok(names)
    }

    /// Whether the series has a name on any day that is remembered.
    pub(super) fn has(&self, key: &Arc<SeriesKey>) -> bool {
        self.days.values().any(|named| named.contains(key))
    }

    /// Forgets the names of days before this one.
    pub(super) fn forget_before(&mut self, day: i64) {
        self.first_day = self.first_day.max(day);
        while self.days.first_key_value().is_some_and(|(&first, _)| first < day) {
            self.days.pop_first();
        }
    }
}

/// Series by whether they have a name.
pub(super) struct Parted<T> {
    pub(super) named: Vec<(Arc<SeriesKey>, T)>,
    pub(super) folded: Vec<(Arc<SeriesKey>, T)>,
}

/// The order in which new series take names: by stable hash, then by value.
pub(super) fn by_hash(one: &Arc<SeriesKey>, other: &Arc<SeriesKey>) -> std::cmp::Ordering {
    one.stable_hash().cmp(&other.stable_hash()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests;
