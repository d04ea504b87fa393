//! The newest events of a set, by id: what evidence names.

use crate::time::Timestamp;
use crate::transition::EVIDENCE_IDS_MAX;
use std::sync::Arc;

/// An event as evidence names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedEvent {
    /// Its time.
    pub time: Timestamp,
    /// The stable hash of its identity: it decides between events of the same time.
    pub identity: u64,
    /// Its id, as the rules' `event: {id: …}` finds it; empty if it has none.
    pub id: Arc<str>,
}

/// The newest [`EVIDENCE_IDS_MAX`] of some events. It depends on the set only: not on the order, nor on how it was cut.
///
/// Most partials have none, so that is a pointer and no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::box_collection,
    reason = "a vector would be three times as large in every partial without alerts"
)]
pub struct Newest(Option<Box<Vec<NamedEvent>>>);

impl Newest {
    /// Adds an event, unless all that are held are newer and there are enough.
    pub fn add(&mut self, event: NamedEvent) {
        // A million groups hold one event each, and a vector that grows by itself begins with room for four.
        let events = self.0.get_or_insert_with(|| Box::new(Vec::with_capacity(1)));
        let place = events.partition_point(|held| *held < event);
        if events.get(place) == Some(&event) {
            return;
        }
        if events.len() < EVIDENCE_IDS_MAX {
            events.insert(place, event);
        } else if place > 0 {
            events.remove(0);
            events.insert(place - 1, event);
        }
    }

    /// Adds the newest of another set.
    pub fn merge(&mut self, other: &Self) {
        for event in other.events().iter().rev() {
            self.add(event.clone());
        }
    }

    /// Forgets the events that are not after a time.
    pub fn forget_until(&mut self, until: Timestamp) {
        self.0.take_if(|events| {
            let after = events.partition_point(|event| event.time <= until);
            events.drain(..after);
            events.is_empty()
        });
    }

    /// In event order.
    pub fn events(&self) -> &[NamedEvent] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(times: &[(u8, u8)]) -> Vec<NamedEvent> {
        let event = |&(time, identity): &(u8, u8)| NamedEvent {
            time: Timestamp::from_millis(time.into()),
            identity: identity.into(),
            id: format!("{identity}").into(),
        };
        times.iter().map(event).collect()
    }

    fn newest(events: &[NamedEvent]) -> Newest {
        let mut newest = Newest::default();
        for event in events {
            newest.add(event.clone());
        }
        newest
    }

    proptest! {
        #[test]
        fn the_newest_are_those_of_the_sorted_set(times in prop::collection::vec(any::<(u8, u8)>(), 0..60), cut in 0_usize..60) {
            let events = events(&times);
            let mut sorted = events.clone();
            sorted.sort();
            sorted.dedup();
            let expect = &sorted[sorted.len().saturating_sub(EVIDENCE_IDS_MAX)..];
            let whole = newest(&events);
            prop_assert_eq!(whole.events(), expect);
            let (one, other) = events.split_at(cut.min(events.len()));
            let mut merged = newest(other);
            merged.merge(&newest(one));
            prop_assert_eq!(merged.events(), expect);
        }
    }
}
