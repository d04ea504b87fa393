//! A history at one moment: whoever merges what it has with what comes after must know how far it is, to the entry.

use super::error::{HistoryError, read_in};
use super::points::{self, PointsCursor, PointsPage, PointsWanted};
use super::{AlertsCursor, AlertsPage, AlertsWanted, Limits, alerts, book, totals};
use crate::store::{LocalStore, Reading};
use std::fmt;
use std::sync::Arc;
use streamgauge_engine::series::SeriesKey;
use streamgauge_pipeline::kept::{KeptState, KeptTotal};
use streamgauge_pipeline::port::clock::Clock;

/// A history as it was at a moment. What is freed in the file meanwhile is not used again until this is dropped, so nobody keeps it for
/// long.
pub struct Moment<C> {
    pub(super) store: Arc<LocalStore<C>>,
    pub(super) limits: Limits,
    pub(super) reading: Reading,
}

impl<C> fmt::Debug for Moment<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Moment").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl<C: Clock> Moment<C> {
    /// How far it had come and what it had.
    pub fn state(&self) -> Result<KeptState, HistoryError> {
        read_in(&self.store, &self.reading, book::read_state)
    }

    /// Shows what all points of each series come to, by the name of the metric.
    pub fn totals(
        &self,
        show: impl FnMut(&str, Arc<SeriesKey>, KeptTotal),
    ) -> Result<(), HistoryError> {
        read_in(&self.store, &self.reading, |read| totals::each(read, show))
    }

    /// A page of points, as [`History::points`](super::History::points) has them.
    pub fn points(
        &self,
        wanted: &PointsWanted,
        after: Option<&PointsCursor>,
    ) -> Result<PointsPage, HistoryError> {
        read_in(&self.store, &self.reading, |read| points::page(read, &self.limits, wanted, after))
    }

    /// A page of transitions, as [`History::alerts`](super::History::alerts) has them.
    pub fn alerts(
        &self,
        wanted: &AlertsWanted,
        after: Option<&AlertsCursor>,
    ) -> Result<AlertsPage, HistoryError> {
        read_in(&self.store, &self.reading, |read| alerts::page(read, &self.limits, wanted, after))
    }
}
