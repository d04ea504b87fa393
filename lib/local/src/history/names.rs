//! The metrics that there are points of, by number, so that a row does not spell them out.
//!
//! A metric is its names, its unit and its kind; rules that change any of these make another one. It is there as long as a
//! row is, which it counts.

use super::error::Fault;
use super::tables::{METRICS, Sealed, metric_place, open};
use crate::store::{seal, unseal};
use redb::{ReadTransaction, ReadableTable, Table};
use std::collections::{BTreeMap, BTreeSet};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::kept::{KeptMetric, ValueKind};
use streamgauge_pipeline::publication::PublishedMetric;

/// All of them, while a transaction lasts.
#[derive(Debug, Default)]
pub(super) struct Names {
    metrics: BTreeMap<u32, KeptMetric>,
    /// By what a metric is: the stored form of one without points.
    numbers: BTreeMap<Vec<u8>, u32>,
    changed: BTreeSet<u32>,
}

/// What a metric is, as bytes.
fn definition(metric: &PublishedMetric, kind: ValueKind) -> Vec<u8> {
    let bare = KeptMetric { metric: metric.clone(), kind, rows: 0, last: Timestamp::EPOCH };
    bare.encode()
}

impl Names {
    pub(super) fn read(table: &impl ReadableTable<u32, Sealed>) -> Result<Self, Fault> {
        let metrics = read(table)?;
        let numbers = metrics
            .iter()
            .map(|(&number, kept)| (definition(&kept.metric, kept.kind), number))
            .collect();
        Ok(Self { metrics, numbers, changed: BTreeSet::new() })
    }

    /// The number of a metric. A new one takes `next`, unless there are as many as may be.
    pub(super) fn number(
        &mut self,
        metric: &PublishedMetric,
        kind: ValueKind,
        next: &mut u32,
        metrics_max: usize,
    ) -> Option<u32> {
        let definition = definition(metric, kind);
        if let Some(&number) = self.numbers.get(&definition) {
            return Some(number);
        }
        let after = next.checked_add(1).filter(|_| self.metrics.len() < metrics_max)?;
        let number = std::mem::replace(next, after);
        let kept = KeptMetric { metric: metric.clone(), kind, rows: 0, last: Timestamp::EPOCH };
        self.metrics.insert(number, kept);
        self.numbers.insert(definition, number);
        self.changed.insert(number);
        Some(number)
    }

    /// A window of it ends there.
    pub(super) fn saw(&mut self, number: u32, end: Timestamp) {
        if let Some(kept) = self.metrics.get_mut(&number).filter(|kept| kept.last < end) {
            kept.last = end;
            self.changed.insert(number);
        }
    }

    /// It has a row more, or one less.
    pub(super) fn count(&mut self, number: u32, is_more: bool) {
        if let Some(kept) = self.metrics.get_mut(&number) {
            kept.rows = if is_more { kept.rows + 1 } else { kept.rows.saturating_sub(1) };
            self.changed.insert(number);
        }
    }

    /// Forgets those that have no row any more.
    pub(super) fn forget(&mut self) {
        for number in &self.changed {
            if self.metrics.get(number).is_some_and(|kept| kept.rows == 0)
                && let Some(kept) = self.metrics.remove(number)
            {
                self.numbers.remove(&definition(&kept.metric, kept.kind));
            }
        }
    }

    /// Writes what has changed.
    pub(super) fn write(&self, table: &mut Table<'_, u32, Sealed>) -> Result<(), Fault> {
        for &number in &self.changed {
            match self.metrics.get(&number) {
                Some(kept) => {
                    table.insert(number, &*seal(metric_place(number), &kept.encode()))?;
                }
                None => drop(table.remove(number)?),
            }
        }
        Ok(())
    }
}

/// All of them, as they are stored.
pub(super) fn read_all(read_from: &ReadTransaction) -> Result<BTreeMap<u32, KeptMetric>, Fault> {
    open(read_from, METRICS)?.map_or_else(|| Ok(BTreeMap::new()), |table| read(&table))
}

fn read(table: &impl ReadableTable<u32, Sealed>) -> Result<BTreeMap<u32, KeptMetric>, Fault> {
    let mut metrics = BTreeMap::new();
    for row in table.iter()? {
        let (number, sealed) = row?;
        let number = number.value();
        let bytes = unseal(metric_place(number), sealed.value())?;
        metrics.insert(number, KeptMetric::decode(bytes)?);
    }
    Ok(metrics)
}
