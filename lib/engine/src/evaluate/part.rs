//! What a group keeps of its events, each part by its own rule.

use super::rule::{Of, PartKind};
use super::slices::Slices;
use super::times::Times;
use crate::accumulate::Accumulator;
use crate::calendar::WindowSpan;
use crate::newest::{NamedEvent, Newest};
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::slice;

/// One part of a group.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Exact(Exact),
    Slices(Box<Slices>),
    Window(Option<Box<FinalPoint>>),
    Open(BTreeSet<NamedEvent>),
}

/// Events by their times.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Exact {
    pub(super) times: Times,
    pub(super) newest: Newest,
    /// Most groups have none of that.
    pub(super) rare: Option<Box<Rare>>,
}

/// What evidence tells beside the events.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rare {
    /// The times of the events that came behind the watermark.
    pub(super) late: Times,
    /// The times of ignored copies.
    pub(super) copies: Times,
}

/// The final point of a group: all its series together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FinalPoint {
    pub(super) span: WindowSpan,
    pub(super) accumulator: Accumulator,
    pub(super) events: u64,
    pub(super) newest: Newest,
}

/// The parts of a group: most have one, which takes no memory of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Parts {
    One(Part),
    Several(Box<[Part]>),
}

impl Deref for Parts {
    type Target = [Part];

    fn deref(&self) -> &[Part] {
        match self {
            Self::One(part) => slice::from_ref(part),
            Self::Several(parts) => parts,
        }
    }
}

impl DerefMut for Parts {
    fn deref_mut(&mut self) -> &mut [Part] {
        match self {
            Self::One(part) => slice::from_mut(part),
            Self::Several(parts) => parts,
        }
    }
}

impl FromIterator<Part> for Parts {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        let mut parts: Vec<Part> = parts.into_iter().collect();
        match parts.pop() {
            Some(part) if parts.is_empty() => Self::One(part),
            last => Self::Several(parts.into_iter().chain(last).collect()),
        }
    }
}

impl Part {
    pub(super) fn new(kind: PartKind) -> Self {
        match kind {
            PartKind::Exact { .. } => Self::Exact(Exact::default()),
            PartKind::Slices { .. } => Self::Slices(Box::default()),
            PartKind::Window => Self::Window(None),
            PartKind::Open => Self::Open(BTreeSet::new()),
        }
    }
}

impl Exact {
    pub(super) fn add(&mut self, event: NamedEvent, late: bool) {
        self.times.insert(event.time);
        if late {
            self.rare.get_or_insert_default().late.insert(event.time);
        }
        self.newest.add(event);
    }

    pub(super) fn add_copy(&mut self, time: Timestamp) {
        self.rare.get_or_insert_default().copies.insert(time);
    }

    /// Forgets what no condition covers any more.
    pub(super) fn forget_until(&mut self, until: Timestamp) {
        self.times.forget_until(until);
        self.newest.forget_until(until);
        self.rare.take_if(|rare| {
            rare.late.forget_until(until);
            rare.copies.forget_until(until);
            **rare == Rare::default()
        });
    }
}

/// Journeys as slices count them: what an exact part of the same kind would hold, as an accumulator.
pub(super) fn accumulator_of(of: Of, abandoned: bool) -> Accumulator {
    match of {
        Of::Decided => Accumulator::Ratio { part: u64::from(abandoned), whole: 1 },
        Of::Events | Of::Started | Of::Finished | Of::Abandoned => Accumulator::Count(1),
    }
}
