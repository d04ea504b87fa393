//! Looking for the groups of what enters next before it enters.
//!
//! A million groups are in no cache, and to look at one means to follow pointers: table, slot, key, times, ids. Followed one group
//! after the other, memory is waited for at each of them. So they are followed for many groups side by side, a level at a time:
//! memory then answers for all at once. Nothing is decided here.

use super::part::Part;
use super::waiting::Waits;
use super::{Evaluator, Group};
use crate::time::Timestamp;
use std::hint::black_box;

/// For so many entries: what they touch must fit into the nearer caches.
pub(super) const TOGETHER: usize = 128;

/// How many pointers are followed from a slot on.
const LEVELS: [fn(&Group) -> i64; 4] = [Group::itself, Group::held, Group::first, Group::named];

impl Evaluator {
    /// Has the groups of what enters next fetched.
    pub(super) fn fetch(&mut self, entering: &[Waits]) {
        let mut found = std::mem::take(&mut self.found);
        for some in entering.chunks(TOGETHER) {
            found.clear();
            for Waits { track, entry, .. } in some {
                let alerts = self.tracks.get(*track).map(|track| track.alerts.as_slice());
                for &alert in alerts.unwrap_or_default() {
                    let Some(state) = self.alerts.get_mut(alert).and_then(Option::as_mut) else {
                        continue;
                    };
                    let slot = state.groups.likely(&state.rule, &entry.series);
                    found.extend(slot.map(|slot| (alert, slot)));
                }
            }
            for level in LEVELS {
                let groups =
                    found.iter().filter_map(|&(alert, slot)| self.alert(alert)?.groups.get(slot));
                black_box(groups.fold(0, |touched, group| touched ^ level(group)));
            }
        }
        self.found = found;
    }
}

impl Group {
    fn itself(&self) -> i64 {
        self.latest.as_millis() ^ i64::from(self.ladder.is_some())
    }

    fn held(&self) -> i64 {
        i64::from(self.key.lacks_a_value()) ^ self.parts.first().map_or(0, Part::held)
    }

    fn first(&self) -> i64 {
        let key = self.key.packed().first().copied();
        key.map_or(0, i64::from) ^ self.parts.first().map_or(0, Part::first)
    }

    fn named(&self) -> i64 {
        self.parts.first().map_or(0, Part::named)
    }
}

impl Part {
    /// What it points to.
    fn held(&self) -> i64 {
        match self {
            Self::Exact(exact) => {
                let time = exact.times.iter().next().map_or(0, Timestamp::as_millis);
                time ^ i64::from(exact.newest.events().is_empty())
            }
            Self::Slices(slices) => i64::from(slices.held.is_empty()),
            Self::Window(_) | Self::Open(_) => 0,
        }
    }

    /// What that points to.
    fn first(&self) -> i64 {
        let time = match self {
            Self::Exact(exact) => exact.newest.events().first().map(|event| event.time),
            Self::Slices(slices) => slices.held.front().map(|slice| slice.until),
            Self::Window(_) | Self::Open(_) => None,
        };
        time.map_or(0, Timestamp::as_millis)
    }

    /// And what that points to.
    fn named(&self) -> i64 {
        let newest = match self {
            Self::Exact(exact) => exact.newest.events(),
            Self::Slices(slices) => {
                slices.held.front().map_or(&[][..], |slice| slice.newest.events())
            }
            Self::Window(_) | Self::Open(_) => &[],
        };
        newest.first().and_then(|event| event.id.as_bytes().first()).map_or(0, |&byte| byte.into())
    }
}
