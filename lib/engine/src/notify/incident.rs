//! What fires, and which channels were told of it.

use super::judge::Hold;
use crate::series::SeriesKey;
use crate::time::Timestamp;
use crate::transition::Evidence;
use std::sync::Arc;

/// Names what fires: by the definition of its alert, so that it goes on under the next plan. The highest step of a group comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IncidentKey {
    pub(super) alert: Arc<str>,
    pub(super) group: Arc<SeriesKey>,
    pub(super) step: usize,
}

/// A step that fires.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Incident {
    pub(super) at: Timestamp,
    pub(super) episode: Timestamp,
    /// What it was decided by; without what is long ([`Incident::shorten`]) if there are very many.
    pub(super) evidence: Evidence,
    /// The channels that were told or will be. Where it was inhibited there is none.
    pub(super) told: Vec<(Arc<str>, Told)>,
}

/// What one channel was told of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing yet.
    Held(Hold),
    /// It has a notification of its own.
    Alone(Repeats),
    /// It is one of several in the gathering of this key, which may be still to go out.
    Gathered(Arc<str>),
}

/// How often a channel was told again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Repeats {
    /// When it will be, if it will.
    pub(super) next: Option<Timestamp>,
    pub(super) count: u64,
}

impl Told {
    /// Whether the channel is told, or as good as.
    pub(super) const fn is_sent(&self) -> bool {
        matches!(self, Self::Alone(_) | Self::Gathered(_))
    }
}

impl Incident {
    /// Whether any channel was told.
    pub(super) fn is_sent(&self) -> bool {
        self.told.iter().any(|(_, told)| told.is_sent())
    }

    /// Whether any channel is still to be told.
    pub(super) fn is_held(&self) -> bool {
        self.told.iter().any(|(_, told)| matches!(told, Told::Held(_)))
    }

    /// Whether it has the long parts of its evidence.
    pub(super) fn is_long(&self) -> bool {
        !self.evidence.ids.is_empty() || !self.evidence.course.is_empty()
    }

    /// Leaves out what is long.
    pub(super) fn shorten(&mut self) {
        self.evidence.ids = Vec::new();
        self.evidence.course = Vec::new();
    }
}
