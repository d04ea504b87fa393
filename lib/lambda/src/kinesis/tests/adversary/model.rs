//! What may be seen of a mapping, written down from what AWS documents and without a look at the code: naive sets of records.
//!
//! A *life* is the time from one start of the mapping to the next. Who is given up without a document, or by one that only
//! counts records of one lane among others, is known by number and not by name: then as many may be missing, and no more.

use super::plan::{Deed, Plan};
use crate::invoke::REQUEST_BYTES_MAX;
use crate::stack::Destination;
use crate::stream::{SequenceNumber, ShardId};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// How long the streams of these runs keep records.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_mins(40);

/// Whether a record is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comes {
    Surely,
    Maybe,
    Never,
}

#[derive(Clone, Debug)]
pub(super) struct Put {
    pub(super) shard: ShardId,
    pub(super) number: SequenceNumber,
    pub(super) key: usize,
    pub(super) at: Timestamp,
    pub(super) arrival: Timestamp,
    pub(super) bytes: usize,
    pub(super) comes: Comes,
}

/// How a batch ended, as the documentation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    Done,
    Failed,
    /// All before this place are done.
    From(usize),
    NotRun,
}

/// A document about records that are given up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    pub(super) shard: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) size: usize,
    pub(super) condition: String,
    pub(super) invokes: u64,
    pub(super) at: Timestamp,
    /// Of an object: the records' numbers.
    pub(super) names: Option<Vec<usize>>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) puts: Vec<Put>,
    by_number: BTreeMap<(ShardId, String), usize>,
    by_shard: BTreeMap<ShardId, Vec<usize>>,
    pub(super) parents: BTreeMap<ShardId, Vec<ShardId>>,
    /// Neither done nor in a document that arrived.
    open: BTreeMap<ShardId, BTreeSet<usize>>,
    pub(super) life: u32,
    /// Done in this life, or before it ended well.
    done: BTreeSet<usize>,
    /// Given up in this life; the document may not have arrived.
    given: BTreeSet<usize>,
    /// How many were given up, and how many of these for good.
    given_count: BTreeMap<ShardId, usize>,
    told_count: BTreeMap<ShardId, usize>,
    documents: BTreeSet<(u32, String, String, String, String)>,
    in_flight: Vec<(u32, ShardId, Vec<usize>)>,
    last: BTreeMap<(u32, ShardId, usize), Vec<usize>>,
    fails: BTreeMap<usize, u32>,
    not_before: BTreeMap<usize, Timestamp>,
    positions: BTreeMap<(u32, ShardId), SequenceNumber>,
    reads: BTreeMap<(u32, ShardId), Timestamp>,
    pub(super) hits: BTreeMap<usize, u32>,
    pub(super) asked: usize,
    pub(super) gave_up: usize,
    pub(super) wrongs: Vec<String>,
}

impl Model {
    pub(super) fn wrong(&mut self, what: impl Display) {
        if self.wrongs.len() < 20 {
            self.wrongs.push(format!("life {}: {what}", self.life));
        }
    }

    pub(super) fn put(&mut self, put: Put) {
        let id = self.puts.len();
        let shard = ShardId::clone(&put.shard);
        self.by_number.insert((ShardId::clone(&shard), put.number.to_string()), id);
        self.by_shard.entry(ShardId::clone(&shard)).or_default().push(id);
        if put.comes == Comes::Surely {
            self.open.entry(shard).or_default().insert(id);
        }
        self.puts.push(put);
    }

    pub(super) fn id(&self, shard: &str, number: &str) -> Option<usize> {
        self.by_number.get(&(shard.into(), number.to_owned())).copied()
    }

    /// A life ended, and the next one begins. If it ended badly, or lanes were ahead of the position, records may come again.
    pub(super) fn begin_life(&mut self, is_well: bool) {
        self.life += 1;
        self.not_before.clear();
        if !is_well {
            self.done.clear();
            self.given.clear();
            self.fails.clear();
        }
    }

    pub(super) fn is_explicit(plan: &Plan) -> bool {
        match plan.mapping.on_failure {
            None => false,
            Some(Destination::Queue(_)) => plan.mapping.parallelization_factor == 1,
            Some(Destination::Bucket(_)) => true,
        }
    }

    fn age_max(plan: &Plan) -> SignedDuration {
        let age = plan.mapping.record_age_max.map(|age| SignedDuration::try_from(age).unwrap());
        age.map_or(RETENTION, |age| age.min(RETENTION))
    }

    fn is_old(&self, plan: &Plan, id: usize, at: Timestamp) -> bool {
        at.duration_since(self.puts[id].arrival) > Self::age_max(plan)
    }

    /// The function is asked: whether this batch may come now.
    pub(super) fn ask(
        &mut self,
        plan: &Plan,
        life: u32,
        shard: &ShardId,
        ids: &[usize],
        now: Timestamp,
    ) {
        self.asked += 1;
        self.forget(now);
        if !ids.is_sorted_by(|one, next| one < next) || ids.len() > plan.mapping.batch_records_max {
            self.wrong(format!("batch {ids:?}"));
        }
        for &id in ids {
            let put = &self.puts[id];
            if put.shard != *shard || put.comes == Comes::Never {
                self.wrong(format!("{id} {put:?} came in {shard}"));
            }
            if self.is_old(plan, id, now) {
                self.wrong(format!("{id} was too old and came at {now}: {:?}", self.puts[id]));
            }
        }
        self.check_flight(plan, life, shard, ids);
        if life == self.life {
            self.check_again(ids, now);
            self.check_order(plan, shard, ids);
            self.check_parents(plan, shard);
        }
        self.in_flight.push((life, ShardId::clone(shard), ids.to_vec()));
        self.last.insert((life, ShardId::clone(shard), ids[0]), ids.to_vec());
    }

    fn check_flight(&mut self, plan: &Plan, life: u32, shard: &ShardId, ids: &[usize]) {
        let flying: Vec<_> =
            self.in_flight.iter().filter(|flight| (flight.0, &flight.1) == (life, shard)).collect();
        let is_key =
            |other: &usize| ids.iter().any(|id| self.puts[*id].key == self.puts[*other].key);
        let twice = flying.iter().any(|flight| flight.2.iter().any(is_key));
        if twice || flying.len() >= plan.mapping.parallelization_factor {
            let what = format!("{ids:?} of {shard} while {flying:?}");
            self.wrong(what);
        }
    }

    /// Nothing comes again that was done or given up, and nothing at once.
    fn check_again(&mut self, ids: &[usize], now: Timestamp) {
        for id in ids {
            if self.done.contains(id) || self.given.contains(id) {
                self.wrong(format!("{id} in {ids:?} came again without a reason"));
            }
            if self.not_before.get(id).is_some_and(|moment| now < *moment) {
                self.wrong(format!("{id} in {ids:?} came again too soon"));
            }
        }
    }

    /// What stands before a record, of its shard or its key, has ended or is in the batch.
    fn check_order(&mut self, plan: &Plan, shard: &ShardId, ids: &[usize]) {
        let is_keyed = plan.mapping.parallelization_factor > 1;
        let mut lasts = BTreeMap::new();
        for &id in ids {
            lasts.insert(if is_keyed { self.puts[id].key } else { 0 }, id);
        }
        let batch: BTreeSet<usize> = ids.iter().copied().collect();
        let Some(open) = self.open.get(shard) else { return };
        let is_passed = |id: &&usize| {
            let key = if is_keyed { self.puts[**id].key } else { 0 };
            lasts.get(&key).is_some_and(|last| *id < last)
                && !batch.contains(*id)
                && !self.given.contains(*id)
        };
        let passed: Vec<usize> = open.iter().filter(is_passed).copied().collect();
        if passed.len() > Self::missing(plan, shard, &self.given_count) {
            self.wrong(format!("{ids:?} of {shard} came before {passed:?}"));
        }
    }

    /// How many may be missing without a name.
    fn missing(plan: &Plan, shard: &ShardId, counts: &BTreeMap<ShardId, usize>) -> usize {
        if Self::is_explicit(plan) { 0 } else { counts.get(shard).copied().unwrap_or(0) }
    }

    fn check_parents(&mut self, plan: &Plan, shard: &ShardId) {
        for parent in self.parents.get(shard).cloned().unwrap_or_default() {
            let open: Vec<usize> = self.open.get(&parent).into_iter().flatten().copied().collect();
            if open.len() > Self::missing(plan, &parent, &self.told_count) {
                self.wrong(format!("{shard} began before the end of {parent}: {open:?}"));
            }
            self.check_parents(plan, &parent);
        }
    }

    pub(super) fn landed(&mut self, life: u32, shard: &ShardId, ids: &[usize]) {
        let place = self
            .in_flight
            .iter()
            .position(|flight| (flight.0, &flight.1, &*flight.2) == (life, shard, ids));
        self.in_flight.remove(place.unwrap());
    }

    /// The function has answered.
    pub(super) fn answered(
        &mut self,
        plan: &Plan,
        life: u32,
        ids: &[usize],
        expect: &Expect,
        now: Timestamp,
    ) {
        let kept = match expect {
            Expect::Done => ids.len(),
            Expect::From(place) => *place,
            Expect::Failed | Expect::NotRun => 0,
        };
        for id in &ids[..kept] {
            let shard = ShardId::clone(&self.puts[*id].shard);
            self.open.entry(shard).or_default().remove(id);
        }
        if life != self.life {
            return;
        }
        self.done.extend(&ids[..kept]);
        let is_cut = plan.mapping.bisect && ids.len() > 1 && *expect != Expect::NotRun;
        for &id in &ids[kept..] {
            if *expect != Expect::NotRun {
                *self.fails.entry(id).or_default() += 1;
            }
            if !is_cut {
                self.not_before.insert(id, now + SignedDuration::from_secs(1));
            }
        }
    }

    /// A batch that succeeded comes again on purpose.
    pub(super) fn repeat(&mut self, life: u32, shard: &str, first: &str) {
        let Some(first) = self.id(shard, first) else { return };
        let batch = self.last.get(&(life, shard.into(), first)).cloned().unwrap_or_default();
        for id in batch {
            self.done.remove(&id);
        }
    }

    /// A document is sent, and arrives or not.
    pub(super) fn tell(&mut self, plan: &Plan, life: u32, told: &Told, arrived: bool) {
        let shard: ShardId = told.shard.as_str().into();
        let (Some(start), Some(end)) = (self.id(&shard, &told.start), self.id(&shard, &told.end))
        else {
            return self.wrong(format!("no such records: {told:?}"));
        };
        let key = (
            life,
            told.shard.clone(),
            told.start.clone(),
            told.end.clone(),
            told.condition.clone(),
        );
        let is_first = self.documents.insert(key);
        if is_first {
            self.gave_up += told.size;
            *self.given_count.entry(ShardId::clone(&shard)).or_default() += told.size;
        }
        if !Self::is_explicit(plan) {
            return;
        }
        let names = self.names(plan, &shard, told, start, end);
        if names.len() != told.size {
            return self.wrong(format!("{told:?} is about {names:?}"));
        }
        for &id in &names {
            if is_first && life == self.life {
                if self.done.contains(&id) || !self.given.insert(id) {
                    self.wrong(format!("{id} was done or given up before {told:?}"));
                }
                self.check_reason(plan, id, told);
            }
            if arrived {
                self.open.entry(ShardId::clone(&shard)).or_default().remove(&id);
            }
        }
    }

    fn names(
        &self,
        plan: &Plan,
        shard: &ShardId,
        told: &Told,
        start: usize,
        end: usize,
    ) -> Vec<usize> {
        if let Some(names) = &told.names {
            return names.clone();
        }
        let all = self.by_shard[shard].iter().filter(|id| (start..=end).contains(*id)).copied();
        let all: Vec<usize> = all.collect();
        if all.len() == told.size || told.condition != "RecordAgeExceeded" {
            return all;
        }
        let is_it = |id: &usize| self.is_old(plan, *id, told.at) && !self.done.contains(id);
        all.into_iter().filter(is_it).collect()
    }

    fn check_reason(&mut self, plan: &Plan, id: usize, told: &Told) {
        let mapping = &plan.mapping;
        let is_right = match told.condition.as_str() {
            "RecordAgeExceeded" => self.is_old(plan, id, told.at) && told.invokes == 1,
            "PayloadSizeExceeded" => {
                self.puts[id].bytes.div_ceil(3) * 4 + 2_000 > REQUEST_BYTES_MAX && told.size == 1
            }
            "RetryAttemptsExhausted" => mapping.retry_attempts_max.is_some_and(|max| {
                told.invokes == u64::from(max) + 1
                    && self.fails.get(&id).is_some_and(|fails| *fails > max)
                    && (!mapping.bisect || told.size == 1 && plan.bad.contains_key(&id))
            }),
            _ => false,
        };
        if !is_right {
            let fails = self.fails.get(&id);
            self.wrong(format!("no reason for {told:?}: {id} failed {fails:?} times"));
        }
    }

    /// Somebody was told that records were given up for good.
    pub(super) fn discarded(&mut self, plan: &Plan, shard: &ShardId, records: usize) {
        *self.told_count.entry(ShardId::clone(shard)).or_default() += records;
        if plan.mapping.on_failure.is_none() {
            self.gave_up += records;
            *self.given_count.entry(ShardId::clone(shard)).or_default() += records;
        }
    }

    /// A position is told: nothing before it is open, and it does not go back.
    pub(super) fn position(
        &mut self,
        plan: &Plan,
        life: u32,
        shard: &ShardId,
        at: &SequenceNumber,
        now: Timestamp,
    ) {
        self.forget(now);
        let is_before = |id: &&usize| self.puts[**id].number <= *at;
        let open = self.open.get(shard).into_iter().flatten();
        let passed: Vec<usize> = open.take_while(is_before).copied().collect();
        if passed.len() > Self::missing(plan, shard, &self.told_count) {
            self.wrong(format!("the position of {shard} passed {passed:?}"));
        }
        let before = self.positions.insert((life, ShardId::clone(shard)), at.clone());
        if before.is_some_and(|before| before > *at) {
            self.wrong(format!("the position of {shard} went back to {at}"));
        }
    }

    /// A shard is read: five times a second at most.
    pub(super) fn read(&mut self, life: u32, shard: &ShardId, now: Timestamp) {
        let before = self.reads.insert((life, ShardId::clone(shard)), now);
        if before
            .is_some_and(|before| now.duration_since(before) < SignedDuration::from_millis(200))
        {
            self.wrong(format!("{shard} was read too soon"));
        }
    }

    /// What the stream does not keep any more may be lost: its shard may have waited for so long.
    fn forget(&mut self, now: Timestamp) {
        let puts = &self.puts;
        for open in self.open.values_mut() {
            open.retain(|id| now.duration_since(puts[*id].at) < RETENTION);
        }
    }

    /// All that was put has ended.
    pub(super) fn check_ended(&mut self, plan: &Plan, now: Timestamp) {
        self.forget(now);
        for (shard, open) in self.open.clone() {
            if open.len() > Self::missing(plan, &shard, &self.told_count) {
                self.wrong(format!("{shard} is drained and {open:?} are not done"));
            }
        }
        let life = self.life;
        let flying: Vec<_> = self.in_flight.iter().filter(|flight| flight.0 == life).collect();
        if !flying.is_empty() {
            let what = format!("drained with {flying:?}");
            self.wrong(what);
        }
    }

    /// What the function does at a batch: the deed of its first bad record that is not yet well, and of which record.
    pub(super) fn deed(&mut self, plan: &Plan, ids: &[usize]) -> Option<(Deed, usize)> {
        for (place, id) in ids.iter().enumerate() {
            let Some((deed, times)) = plan.bad.get(id) else { continue };
            let hits = self.hits.entry(*id).or_default();
            if times.is_none_or(|times| *hits < times) {
                *hits += 1;
                return Some((*deed, place));
            }
        }
        None
    }
}
