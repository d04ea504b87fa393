//! What an entry of the settle log says to a history.

use super::PORTION;
use super::error::HistoryError;
use crate::store::read_log;
use redb::ReadTransaction;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;
use streamgauge_pipeline::alert_record::AlertRecord;
use streamgauge_pipeline::kept::KeptState;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::{LogId, Logged, Version};
use streamgauge_pipeline::publication::{Publication, PublishedPoint};
use streamgauge_pipeline::settle_entry::Decisions;

/// An entry, as far as it is kept.
#[derive(Debug)]
pub(super) struct Outputs {
    pub(super) version: Version,
    pub(super) clock: Timestamp,
    pub(super) publication: Publication,
    pub(super) record: AlertRecord,
}

/// A part of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Portion<'o> {
    /// Of its points.
    Points(&'o [PublishedPoint]),
    /// Of its transitions, and where in the entry the first stands.
    Transitions(&'o [(Transition, Verdict)], u32),
}

/// The entries after the position of a history, some megabytes at most.
pub(super) fn read(
    read: &ReadTransaction,
    now: Timestamp,
    state: &KeptState,
) -> Result<Vec<Logged>, redb::Error> {
    let log = LogId::settle(Partition::default());
    read_log(read, now, log.as_str(), state.version, Decisions::WANTED)
}

impl Outputs {
    pub(super) fn decode(logged: &Logged) -> Result<Self, HistoryError> {
        let version = logged.version;
        let decisions = Decisions::decode(&logged.entry);
        let Decisions { header, publication, alerts, .. } =
            decisions.map_err(|source| HistoryError::Entry { version, source })?;
        Ok(Self { version, clock: header.clock, publication, record: alerts })
    }

    /// Its portions: points, then transitions. One that decided nothing is an empty one, since time goes on with it.
    pub(super) fn portions(&self) -> impl Iterator<Item = Portion<'_>> {
        let points = self.publication.points.chunks(PORTION).map(Portion::Points);
        let transitions = self.record.transitions.chunks(PORTION).enumerate();
        let transitions = transitions.map(|(place, chunk)| {
            Portion::Transitions(chunk, u32::try_from(place * PORTION).unwrap_or(u32::MAX))
        });
        let is_empty = self.publication.points.is_empty() && self.record.transitions.is_empty();
        let nothing = is_empty.then_some(Portion::Points(&[]));
        points.chain(transitions).chain(nothing)
    }
}

impl Portion<'_> {
    /// How many points or transitions it has.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Points(points) => points.len(),
            Self::Transitions(transitions, _) => transitions.len(),
        }
    }
}
