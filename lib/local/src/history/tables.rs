//! What stands where in the file: five tables beside those of the store.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `history_points` | level, end of the window, metric, series, number | a [`KeptPoint`] |
//! | `history_alerts` | `at`, version of the settle entry, place in it | an [`AlertRecord`](streamgauge_pipeline::alert_record::AlertRecord) with one transition |
//! | `history_totals` | name of the metric, series | a [`KeptTotal`](streamgauge_pipeline::kept::KeptTotal) |
//! | `history_metrics` | number | a [`KeptMetric`](streamgauge_pipeline::kept::KeptMetric) |
//! | `history_state` | `state` | the [`KeptState`](streamgauge_pipeline::kept::KeptState) |
//!
//! Time stands before the metric, so that the oldest rows of a level are its first, and lines come in the order of time. Whoever
//! wants one metric goes from window to window, and reads nothing of others but one key each. Number 0 is a window's own point, and the
//! numbers after it are its corrections. Values have a checksum, as all in the store.

use super::Level;
use super::error::Fault;
use crate::store::{place, seal, unseal};
use redb::{ReadOnlyTable, ReadTransaction, TableDefinition, TableError};
use streamgauge_engine::hash::{combine, stable};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::kept::KeptPoint;

pub(super) type PointKey = (u8, i64, u32, &'static [u8], u32);
pub(super) type AlertKey = (i64, u64, u32);
pub(super) type TotalKey = (&'static str, &'static [u8]);
pub(super) type Sealed = &'static [u8];

pub(super) const POINTS: TableDefinition<'_, PointKey, Sealed> =
    TableDefinition::new("history_points");
pub(super) const ALERTS: TableDefinition<'_, AlertKey, Sealed> =
    TableDefinition::new("history_alerts");
pub(super) const TOTALS: TableDefinition<'_, TotalKey, Sealed> =
    TableDefinition::new("history_totals");
pub(super) const METRICS: TableDefinition<'_, u32, Sealed> =
    TableDefinition::new("history_metrics");
pub(super) const STATE: TableDefinition<'_, &str, Sealed> = TableDefinition::new("history_state");
/// Where the state stands.
pub(super) const STATE_KEY: &str = "state";

/// The bytes of a point's key without its series, and of a transition's.
const KEY_BYTES: usize = 20;

/// A key of `history_points` that outlives a look at the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PointPlace {
    pub(super) level: u8,
    pub(super) end_ms: i64,
    pub(super) metric: u32,
    pub(super) series: Box<[u8]>,
    pub(super) number: u32,
}

impl PointPlace {
    /// Where the own point of a window stands.
    pub(super) fn new(level: Level, end: Timestamp, metric: u32, series: &[u8]) -> Self {
        let (end_ms, series) = (end.as_millis(), series.into());
        Self { level: level.0, end_ms, metric, series, number: 0 }
    }

    pub(super) fn of((level, end_ms, metric, series, number): (u8, i64, u32, &[u8], u32)) -> Self {
        Self { level, end_ms, metric, series: series.into(), number }
    }

    pub(super) fn key(&self) -> (u8, i64, u32, &[u8], u32) {
        (self.level, self.end_ms, self.metric, &self.series, self.number)
    }

    /// What the checksum knows of it.
    fn hash(&self) -> u64 {
        let end = self.end_ms.cast_unsigned();
        let numbers = [self.level.into(), end, self.metric.into(), self.number.into()];
        combine(place("history_points", "", &numbers), stable(&self.series))
    }

    pub(super) fn seal(&self, point: &KeptPoint) -> Vec<u8> {
        seal(self.hash(), &point.encode())
    }

    pub(super) fn unseal(&self, sealed: &[u8]) -> Result<KeptPoint, Fault> {
        Ok(KeptPoint::decode(unseal(self.hash(), sealed)?)?)
    }

    /// The bytes of a row here.
    pub(super) fn bytes(&self, sealed: usize) -> u64 {
        bytes(self.series.len() + sealed)
    }
}

/// What the checksum knows of the key of a transition.
pub(super) fn alert_place((at, version, number): AlertKey) -> u64 {
    place("history_alerts", "", &[at.cast_unsigned(), version, number.into()])
}

/// The bytes of a row whose key is only numbers.
pub(super) fn bytes(sealed: usize) -> u64 {
    u64::try_from(KEY_BYTES + sealed).unwrap_or(u64::MAX)
}

/// What the checksum knows of the key of a total.
pub(super) fn total_place(metric: &str, series: &[u8]) -> u64 {
    combine(place("history_totals", metric, &[]), stable(series))
}

/// What the checksum knows of the key of a metric.
pub(super) fn metric_place(number: u32) -> u64 {
    place("history_metrics", "", &[number.into()])
}

/// What the checksum knows of the key of the state.
pub(super) fn state_place() -> u64 {
    place("history_state", STATE_KEY, &[])
}

/// Opens a table to read; a store without a history has none.
pub(super) fn open<K: redb::Key + 'static, V: redb::Value + 'static>(
    read: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<Option<ReadOnlyTable<K, V>>, Fault> {
    match read.open_table(table) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
