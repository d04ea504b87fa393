//! The groups of one alert: as many as the cap of its metric, found by the series of an event.
//!
//! A new group takes the place of the one that was seen longest ago and has no episode; if all have one, it is not taken.

use super::entry::Entry;
use super::group::{Group, KNOWN_MS};
use super::rule::Rule;
use crate::place::{at as place_at, at_mut, number};
use crate::series::SeriesKey;
use crate::time::Timestamp;
use hashbrown::HashTable;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// The groups, each in a slot that stays the same as long as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    slots: Vec<Option<Group>>,
    free: Vec<u32>,
    /// By the hashes of their keys.
    table: HashTable<u32>,
    /// By when they were seen, or earlier: the first is looked at again before it goes.
    oldest: BinaryHeap<Reverse<(Timestamp, Arc<SeriesKey>, u32)>>,
    /// For the packed key of a group that is looked for.
    packed: Vec<u8>,
}

/// What became of an entry.
#[derive(Debug)]
pub(super) enum Entered {
    /// It belongs to no group.
    Nowhere,
    /// It entered a group, which took the place of another one that was to be looked at then.
    Group { slot: u32, replaced: Option<Timestamp> },
}

/// So many moments of groups that are gone are no reason to look for them.
const OLDEST_SPARE: usize = 64;

impl Groups {
    pub(super) fn get(&self, slot: u32) -> Option<&Group> {
        place_at(&self.slots, slot)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Group> {
        at_mut(&mut self.slots, slot)?.as_mut()
    }

    /// All groups with their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Group)> {
        (0..).zip(&self.slots).filter_map(|(slot, group)| Some((slot, group.as_ref()?)))
    }

    /// Whether a new group would have to take the place of another.
    pub(super) fn is_full(&self, rule: &Rule) -> bool {
        self.table.len() >= rule.groups_max
    }

    /// The slot of a group.
    pub(super) fn find(&self, key: &SeriesKey) -> Option<u32> {
        let is_same = |&slot: &u32| self.get(slot).is_some_and(|group| *group.key == *key);
        self.table.find(key.stable_hash(), is_same).copied()
    }

    /// The slot that most likely holds the group of a series: the table knows no more than a part of the hash.
    pub(super) fn likely(&mut self, rule: &Rule, series: &SeriesKey) -> Option<u32> {
        let hash = rule.group_hash(series, &mut self.packed);
        self.table.find(hash, |_| true).copied()
    }

    /// By when the group was seen that was seen longest ago, or earlier.
    pub(super) fn oldest_seen(&self) -> Option<Timestamp> {
        self.oldest.peek().map(|Reverse((seen, ..))| *seen)
    }

    /// Names the groups that are not known any more at a moment.
    pub(super) fn forgotten(&mut self, at: Timestamp, mut name: impl FnMut(u32)) {
        while let Some(Reverse((seen, key, slot))) = self.oldest.pop() {
            if seen.plus(KNOWN_MS) > at {
                self.oldest.push(Reverse((seen, key, slot)));
                break;
            }
            match self.get(slot).filter(|group| Arc::ptr_eq(&group.key, &key)) {
                Some(group) if group.seen > seen => {
                    let again = Reverse((group.seen, key, slot));
                    self.oldest.push(again);
                }
                Some(_) => name(slot),
                None => {}
            }
        }
    }

    /// Lets an entry enter its group at a moment.
    pub(super) fn enter(&mut self, rule: &Rule, entry: &Entry, at: Timestamp) -> Entered {
        let mut packed = std::mem::take(&mut self.packed);
        let hash = rule.group_hash(&entry.series, &mut packed);
        let entered = self.enter_hashed(rule, entry, at, (hash, &packed));
        self.packed = packed;
        entered
    }

    fn enter_hashed(
        &mut self,
        rule: &Rule,
        entry: &Entry,
        at: Timestamp,
        (hash, packed): (u64, &[u8]),
    ) -> Entered {
        let slots = &self.slots;
        let is_same = |&slot: &u32| {
            let group = place_at(slots, slot).and_then(Option::as_ref);
            group.is_some_and(|group| rule.is_group(&group.key, &entry.series, packed))
        };
        if let Some(&slot) = self.table.find(hash, is_same) {
            if let Some(group) = self.get_mut(slot) {
                group.enter(rule, entry, at);
            }
            return Entered::Group { slot, replaced: None };
        }
        // What shows no event makes no group known, nor does what was seen too long ago.
        let Some(seen) = entry.seen_at(at).filter(|seen| seen.plus(KNOWN_MS) > at) else {
            return Entered::Nowhere;
        };
        let Some(key) = rule.group_key(&entry.series, packed) else { return Entered::Nowhere };
        let replaced = if self.is_full(rule) {
            match self.take_oldest() {
                Some(group) => group.wake,
                None => return Entered::Nowhere,
            }
        } else {
            None
        };
        let mut group = Group::new(rule, key, at, entry.event_at(at).unwrap_or(seen));
        group.enter(rule, entry, at);
        let slot = self.insert(group);
        Entered::Group { slot, replaced }
    }

    /// Puts a group into a slot.
    pub(super) fn insert(&mut self, group: Group) -> u32 {
        let hash = group.key.stable_hash();
        let seen = group.seen;
        let own_key = Arc::clone(&group.key);
        let own_slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            number(self.slots.len() - 1)
        });
        if let Some(place) = at_mut(&mut self.slots, own_slot) {
            *place = Some(group);
        }
        let slots = &self.slots;
        let hash_of = |&slot: &u32| {
            let held = place_at(slots, slot).and_then(Option::as_ref);
            held.map_or(0, |held| held.key.stable_hash())
        };
        self.table.insert_unique(hash, own_slot, hash_of);
        if self.oldest.len() > 2 * self.table.len() + OLDEST_SPARE {
            self.oldest.retain(|Reverse((_, key, slot))| {
                let held = place_at(slots, *slot).and_then(Option::as_ref);
                held.is_some_and(|held| Arc::ptr_eq(&held.key, key))
            });
        }
        self.oldest.push(Reverse((seen, own_key, own_slot)));
        own_slot
    }

    /// Removes a group.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Group> {
        let group = at_mut(&mut self.slots, slot)?.take()?;
        let hash = group.key.stable_hash();
        if let Ok(found) = self.table.find_entry(hash, |&held| held == slot) {
            found.remove();
        }
        self.free.push(slot);
        Some(group)
    }

    /// Removes the group that was seen longest ago and has no episode.
    fn take_oldest(&mut self) -> Option<Group> {
        let mut firing = Vec::new();
        let mut found = None;
        while let Some(Reverse((seen, key, slot))) = self.oldest.pop() {
            let Some(group) = self.get(slot).filter(|group| Arc::ptr_eq(&group.key, &key)) else {
                continue;
            };
            if group.seen > seen {
                let again = Reverse((group.seen, key, slot));
                self.oldest.push(again);
            } else if group.ladder().is_firing() {
                firing.push(Reverse((seen, key, slot)));
            } else {
                found = Some(slot);
                break;
            }
        }
        self.oldest.extend(firing);
        self.remove(found?)
    }
}
