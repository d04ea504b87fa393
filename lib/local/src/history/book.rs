//! The tables of a history, open in one transaction, and what is counted of them.

use super::error::Fault;
use super::names::Names;
use super::tables::{
    ALERTS, AlertKey, METRICS, POINTS, PointKey, PointPlace, STATE, STATE_KEY, Sealed, TOTALS,
    TotalKey, bytes, open, state_place,
};
use super::{Level, Limits};
use crate::store::{seal, unseal};
use redb::{ReadTransaction, ReadableTable, Table, WriteTransaction};
use streamgauge_pipeline::kept::{KeptLevel, KeptPoint, KeptState};

/// All that a write works on.
pub(super) struct Book<'t> {
    pub(super) limits: &'t Limits,
    pub(super) points: Table<'t, PointKey, Sealed>,
    pub(super) alerts: Table<'t, AlertKey, Sealed>,
    pub(super) totals: Table<'t, TotalKey, Sealed>,
    metrics: Table<'t, u32, Sealed>,
    about: Table<'t, &'static str, Sealed>,
    pub(super) state: KeptState,
    pub(super) names: Names,
}

impl<'t> Book<'t> {
    /// Opens the tables, and makes those that are not there yet.
    pub(super) fn open(write: &'t WriteTransaction, limits: &'t Limits) -> Result<Self, Fault> {
        let (metrics, about) = (write.open_table(METRICS)?, write.open_table(STATE)?);
        Ok(Self {
            limits,
            points: write.open_table(POINTS)?,
            alerts: write.open_table(ALERTS)?,
            totals: write.open_table(TOTALS)?,
            state: with_levels(state_in(&about)?),
            names: Names::read(&metrics)?,
            metrics,
            about,
        })
    }

    /// Writes what it has counted.
    pub(super) fn close(mut self) -> Result<(), Fault> {
        self.names.write(&mut self.metrics)?;
        self.about.insert(STATE_KEY, &*seal(state_place(), &self.state.encode()))?;
        Ok(())
    }

    pub(super) fn level(&mut self, level: Level) -> Option<&mut KeptLevel> {
        self.state.levels.get_mut(level.place())
    }

    /// The point at a place.
    pub(super) fn get(&self, place: &PointPlace) -> Result<Option<KeptPoint>, Fault> {
        let sealed = self.points.get(place.key())?;
        sealed.map(|sealed| place.unseal(sealed.value())).transpose()
    }

    /// Puts a point in its place, in which there may be one.
    pub(super) fn put(&mut self, place: &PointPlace, point: &KeptPoint) -> Result<(), Fault> {
        let sealed = place.seal(point);
        let before = self.points.insert(place.key(), &*sealed)?;
        let before = before.map(|before| place.bytes(before.value().len()));
        if before.is_none() {
            self.names.count(place.metric, true);
        }
        self.add(Level(place.level), before, place.bytes(sealed.len()));
        Ok(())
    }

    /// Puts a transition in its place.
    pub(super) fn put_alert(&mut self, key: AlertKey, sealed: &[u8]) -> Result<(), Fault> {
        let before = self.alerts.insert(key, sealed)?.map(|before| bytes(before.value().len()));
        self.add(Level::ALERTS, before, bytes(sealed.len()));
        Ok(())
    }

    fn add(&mut self, level: Level, before: Option<u64>, now: u64) {
        let Some(level) = self.level(level) else { return };
        level.rows += u64::from(before.is_none());
        level.bytes = (level.bytes + now).saturating_sub(before.unwrap_or_default());
    }
}

/// The state that is stored; that of the beginning if there is none.
pub(super) fn read_state(read: &ReadTransaction) -> Result<KeptState, Fault> {
    let state =
        open(read, STATE)?.map_or_else(|| Ok(KeptState::default()), |table| state_in(&table));
    state.map(with_levels)
}

fn state_in(table: &impl ReadableTable<&'static str, Sealed>) -> Result<KeptState, Fault> {
    let Some(sealed) = table.get(STATE_KEY)? else { return Ok(KeptState::default()) };
    Ok(KeptState::decode(unseal(state_place(), sealed.value())?)?)
}

/// A state that has all levels.
fn with_levels(mut state: KeptState) -> KeptState {
    state.levels.resize(Level::COUNT, KeptLevel::default());
    state
}
