//! What enters the evaluation, and when: each entry waits at its moment until the watermark has passed that.

use crate::accumulate::Accumulator;
use crate::calendar::WindowSpan;
use crate::newest::{NamedEvent, Newest};
use crate::series::SeriesKey;
use crate::time::{Millis, Timestamp};
use std::sync::Arc;

/// Something that happened to a series.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) series: Arc<SeriesKey>,
    pub(super) what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// An event, which may have come behind the watermark.
    Event { event: NamedEvent, late: bool },
    /// A start or a finish of a journey, whatever becomes of it.
    Step { time: Timestamp, finish: bool },
    /// A copy of an event was ignored.
    Copy(Timestamp),
    /// A slice of events.
    Slice(Box<SliceEntry>),
    /// A journey started, with this event.
    Started(NamedEvent),
    /// The journey that started with the one event finished with the other.
    Finished { start: NamedEvent, event: NamedEvent },
    /// The time of the journey that started with this event is over.
    Decided { start: NamedEvent, abandoned: bool },
    /// A window is final.
    Window(Box<WindowEntry>),
}

/// A slice of events, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SliceEntry {
    pub(super) slice_ms: Millis,
    pub(super) until: Timestamp,
    pub(super) events: u64,
    pub(super) accumulator: Accumulator,
    pub(super) newest: Newest,
    pub(super) late: bool,
}

/// What a series has in a final window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WindowEntry {
    pub(crate) span: WindowSpan,
    pub(crate) events: u64,
    pub(crate) accumulator: Accumulator,
    pub(crate) newest: Newest,
    /// The time of its last event; none of a zero.
    pub(crate) latest: Option<Timestamp>,
}

impl Entry {
    /// The first moment of what it is about: an alert that begins later does not hear of it.
    pub(super) fn begins_at(&self, at: Timestamp) -> Timestamp {
        match &self.what {
            What::Event { event, .. } => event.time,
            What::Step { time, .. } | What::Copy(time) => *time,
            What::Slice(slice) => slice.until.minus(slice.slice_ms),
            What::Started(_) | What::Finished { .. } | What::Decided { .. } => at,
            What::Window(window) => window.span.start,
        }
    }

    /// Whether it came with a delta, rather than out of the state of the settle fold.
    pub(super) const fn is_fed(&self) -> bool {
        matches!(self.what, What::Event { .. } | What::Step { .. } | What::Copy(_) | What::Slice(_))
    }

    /// By when its group was seen; none if it says nothing of that.
    pub(super) fn seen_at(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.what {
            What::Decided { .. } => Some(at),
            _ => self.event_at(at),
        }
    }

    /// The time of the event that it is; none if it is none.
    pub(super) fn event_at(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.what {
            What::Event { event, .. } => Some(event.time),
            What::Step { time, .. } => Some(*time),
            What::Copy(_) | What::Decided { .. } => None,
            What::Slice(slice) => {
                Some(slice.newest.events().last().map_or(slice.until, |event| event.time))
            }
            What::Started(_) | What::Finished { .. } => Some(at),
            What::Window(window) => window.latest,
        }
    }
}
