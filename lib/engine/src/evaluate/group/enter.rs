//! What enters a group, to its parts.

use crate::alert::{SLICES, slice_end};
use crate::evaluate::entry::{SliceEntry, What, WindowEntry};
use crate::evaluate::part::{FinalPoint, Part, accumulator_of};
use crate::evaluate::rule::{Of, PartKind};
use crate::evaluate::slices::{Slice, last_end};
use crate::newest::{NamedEvent, Newest};
use crate::time::{Millis, Timestamp};

impl Part {
    /// Takes in what concerns it.
    pub(super) fn enter(&mut self, kind: PartKind, what: &What, at: Timestamp) {
        match (self, kind) {
            (Self::Exact(exact), PartKind::Exact { of, length_ms }) => {
                exact.forget_until(at.minus(length_ms));
                if let What::Copy(time) = what {
                    if of == Of::Events && time.plus(length_ms) > at {
                        exact.add_copy(*time);
                    }
                } else if let Some((event, late, _)) = happening(of, what, at)
                    && event.time.plus(length_ms) > at
                {
                    exact.add(event, late);
                }
            }
            (Self::Slices(slices), PartKind::Slices { of, slice_ms }) => {
                let length_ms = slice_ms.saturating_mul(SLICES);
                slices.forget_until(last_end(at, slice_ms).minus(length_ms));
                match what {
                    What::Copy(time) if of == Of::Events => slices.copies.insert(*time),
                    What::Slice(entry) if of == Of::Events && entry.slice_ms == slice_ms => {
                        if entry.until.plus(length_ms) > at {
                            slices.add(entry.as_slice());
                        }
                    }
                    What::Event { .. } => {}
                    _ => {
                        if let Some((event, late, abandoned)) = happening(of, what, at) {
                            slices.add(Slice::of_one(of, event, (late, abandoned), slice_ms));
                        }
                    }
                }
            }
            (Self::Window(point), _) => {
                if let What::Window(entry) = what {
                    match point.as_deref_mut().filter(|point| point.span == entry.span) {
                        Some(point) => point.merge(entry),
                        None => *point = Some(Box::new(FinalPoint::of(entry))),
                    }
                }
            }
            (Self::Open(open), _) => match what {
                What::Started(start) => {
                    open.insert(start.clone());
                }
                What::Finished { start, .. } | What::Decided { start, abandoned: true } => {
                    open.remove(start);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// What an entry is to a part: the event, whether it came behind the watermark, and whether it is a journey that was abandoned.
fn happening(of: Of, what: &What, at: Timestamp) -> Option<(NamedEvent, bool, bool)> {
    let now = |event: &NamedEvent| NamedEvent { time: at, ..event.clone() };
    match (of, what) {
        (Of::Events, What::Event { event, late }) => Some((event.clone(), *late, false)),
        (Of::Started, What::Started(event)) | (Of::Finished, What::Finished { event, .. }) => {
            Some((now(event), false, false))
        }
        (Of::Abandoned, What::Decided { start, abandoned: true }) => {
            Some((now(start), false, true))
        }
        (Of::Decided, What::Decided { start, abandoned }) => Some((now(start), false, *abandoned)),
        _ => None,
    }
}

impl Slice {
    fn of_one(
        of: Of,
        event: NamedEvent,
        (late, abandoned): (bool, bool),
        slice_ms: Millis,
    ) -> Self {
        let until = slice_end(event.time, slice_ms);
        let mut newest = Newest::default();
        newest.add(event);
        let accumulator = accumulator_of(of, abandoned);
        Self { until, accumulator, events: 1, late: u64::from(late), newest }
    }
}

impl SliceEntry {
    fn as_slice(&self) -> Slice {
        Slice {
            until: self.until,
            accumulator: self.accumulator.clone(),
            events: self.events,
            late: if self.late { self.events } else { 0 },
            newest: self.newest.clone(),
        }
    }
}

impl FinalPoint {
    fn of(entry: &WindowEntry) -> Self {
        Self {
            span: entry.span,
            accumulator: entry.accumulator.clone(),
            events: entry.events,
            newest: entry.newest.clone(),
        }
    }

    fn merge(&mut self, entry: &WindowEntry) {
        self.accumulator.merge(&entry.accumulator);
        self.events += entry.events;
        self.newest.merge(&entry.newest);
    }
}
