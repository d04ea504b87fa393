//! The state of a shard: how far its log is, and what each plan remembers of it. It is the fold of the log.
//!
//! It holds a section for each plan that the last entry names, and no other: one that is not named there has missed records.
//! A plan that is new to it goes on from the first section, for which the batches were aggregated so far. So all writers and
//! readers of a log come to the same state, whenever each has heard of a plan.
//!
//! It is stored with the identities that the plans remember, or without those: [`origins`](super::origins).

use super::origins::{Elsewhere, Origin, Origins, Window, leaves_out};
use crate::control::Work;
use crate::port::log::{Entry, Logged, Version};
use crate::shard_entry::{RecordId, SECTIONS_MAX, ShardEntry, identities_label};
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::bytes::ByteSlice;
use std::sync::Arc;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::delta::Ids;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::stored::{read_head, read_ids};
use streamgauge_engine::time::Timestamp;

/// The newest format of a stored state. Format 1 has all identities, and does not say where the log has them.
const FORMAT: u64 = 2;
/// How many bytes an identity takes.
const ID_BYTES: usize = 8;

/// The state of a shard.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The newest version of the control log that a writer of the shard's log had read.
    pub(super) control: Version,
    /// The last record that the log covers.
    pub(super) last: Option<RecordId>,
    /// Until when the entries are kept: those of a log expire in their order.
    pub(super) expires_at: Timestamp,
    /// How many bytes a restore reads of the log up to here: headers and identities.
    pub(super) log_bytes: u64,
    /// In the order of the last entry.
    pub(super) sections: Vec<PlanState>,
}

/// What a plan remembers of a shard.
#[derive(Clone, Debug)]
pub(super) struct PlanState {
    pub(super) plan: Arc<Plan>,
    pub(super) aggregator: Aggregator,
    /// Where the log has the identities that it remembers.
    origins: Origins,
}

impl PlanState {
    /// A plan that remembers nothing that the log has.
    fn of(plan: &Arc<Plan>, aggregator: Aggregator) -> Self {
        let remembered = aggregator.remembered().into_iter();
        let origins = Origins::elsewhere(remembered.map(|(generation, _)| generation));
        Self { plan: Arc::clone(plan), aggregator, origins }
    }

    /// Takes note that an entry has these identities.
    pub(super) fn saw(&mut self, ids: &Ids, origin: Origin) {
        let generations = ids.generations.iter().map(|&(generation, _)| generation);
        self.origins.saw(generations, origin, self.aggregator.oldest_generation());
    }
}

impl State {
    /// The largest event time that the shard's watermark is made of: the smallest, where plans do not agree about rejects.
    pub(super) fn furthest(&self) -> Option<Timestamp> {
        let furthest = |section: &PlanState| {
            let watermark = section.aggregator.watermark();
            watermark.map(|watermark| watermark.plus(section.plan.timing.out_of_order))
        };
        self.sections.iter().map(furthest).min().flatten()
    }

    /// The state before the first entry of a shard that was split or merged from others.
    pub(super) fn child(parents: &[Self]) -> Self {
        let control = parents.iter().map(|parent| parent.control).max().unwrap_or_default();
        let mut child = Self { control, ..Self::default() };
        for section in parents.iter().flat_map(|parent| &parent.sections) {
            let plan = &section.plan;
            if child.sections.iter().any(|known| known.plan.hash == plan.hash) {
                continue;
            }
            let pasts: Vec<_> = parents.iter().filter_map(|parent| parent.past(plan)).collect();
            let aggregator = Aggregator::child(Arc::clone(plan), &pasts);
            child.sections.push(PlanState::of(plan, aggregator));
        }
        child
    }

    /// What a plan knows of the shard, or what it can know from the first section; absent: nothing has come.
    fn past(&self, plan: &Arc<Plan>) -> Option<Aggregator> {
        let own = self.sections.iter().find(|section| section.plan.hash == plan.hash);
        let derived = || Some(self.sections.first()?.aggregator.under(Arc::clone(plan)));
        own.map(|own| own.aggregator.clone()).or_else(derived)
    }

    /// Goes on for these plans, and no other.
    pub(super) fn go_on_for<'p>(&mut self, plans: impl Iterator<Item = &'p Arc<Plan>> + Clone) {
        let is = |section: &PlanState, plan: &Plan| section.plan.hash == plan.hash;
        let derive = |plan: &'p Arc<Plan>| {
            let is_known = self.sections.iter().any(|section| is(section, plan));
            let begin = || Aggregator::collecting(Arc::clone(plan));
            (!is_known).then(|| self.past(plan).unwrap_or_else(begin))
        };
        let derived: Vec<_> = plans.clone().map(derive).collect();
        let mut sections = std::mem::take(&mut self.sections);
        for (plan, new) in plans.zip(derived) {
            let place = sections.iter().position(|section| is(section, plan));
            let known = place.map(|place| sections.swap_remove(place));
            let begin = || new.map(|aggregator| PlanState::of(plan, aggregator));
            self.sections.extend(known.or_else(begin));
        }
    }

    /// Where the log has what an entry with this version sees first.
    pub(super) const fn origin(&self, version: Version) -> Origin {
        Origin { version, bytes_before: self.log_bytes }
    }

    /// Folds an entry of the log that somebody has appended: its header, and the plans of its sections.
    pub(super) fn take_up(
        &mut self,
        logged: &Logged,
        header: ShardEntry,
        plans: &[Arc<Plan>],
    ) -> Result<(), StoredError> {
        let Logged { version, entry } = logged;
        let origin = self.origin(*version);
        self.go_on_for(plans.iter());
        for ((state, section), number) in self.sections.iter_mut().zip(&header.sections).zip(0..) {
            let head = read_head(&section.head)?;
            let ids = identities(entry, number)?;
            state.aggregator.take_up(&head, &ids);
            state.saw(&ids, origin);
        }
        self.covers(entry, header.control, header.last);
        Ok(())
    }

    /// This entry is the log's newest; it covers the shard up to this record.
    pub(super) fn covers(&mut self, entry: &Entry, control: Version, last: RecordId) {
        self.control = self.control.max(control);
        self.last = Some(last);
        self.expires_at = entry.expires_at();
        self.log_bytes += read_bytes(entry);
    }

    /// Remembers what an entry has of the identities that a snapshot has left out.
    pub(super) fn recall(&mut self, logged: &Logged) -> Result<(), StoredError> {
        let header = ShardEntry::decode(logged.entry.header())?;
        for (section, number) in header.sections.iter().zip(0..) {
            let own = self.sections.iter_mut().find(|own| own.plan.hash == section.plan);
            let Some(PlanState { aggregator, origins, .. }) = own else { continue };
            let mut ids = identities(&logged.entry, number)?;
            ids.generations.retain(|&(generation, _)| origins.holds(generation, logged.version));
            aggregator.recall(&ids);
        }
        Ok(())
    }

    /// The part of the log that has the identities; an error: some are not in it.
    pub(super) fn window(&self) -> Result<Window, Elsewhere> {
        let firsts = self.sections.iter().map(|section| section.origins.first());
        let firsts = firsts.collect::<Result<Vec<_>, _>>()?;
        let first = firsts.into_iter().flatten().min();
        let bytes = first.map_or(0, |first| self.log_bytes.saturating_sub(first.bytes_before));
        Ok(Window { first: first.map(|first| first.version), bytes })
    }

    /// The first entry of the log that has an identity which is remembered: a later snapshot may leave it to the log.
    pub(super) fn earliest_origin(&self) -> Option<Version> {
        self.sections.iter().filter_map(|section| section.origins.earliest()).min()
    }

    /// The state as a snapshot holds it: without the identities where these have so many bytes and the log can be read instead. With the first
    /// entry that is to be read for them.
    pub(super) fn snapshot(&self, thin_ids_bytes_min: usize) -> (Vec<u8>, Option<Version>) {
        let bytes = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        let window = self.window().ok().filter(|window| {
            let ids = self.sections.iter().flat_map(|section| section.aggregator.remembered());
            let ids_bytes = ids.map(|(_, identities)| identities * ID_BYTES).sum::<usize>();
            leaves_out(bytes(ids_bytes), bytes(thin_ids_bytes_min), *window)
        });
        match window {
            Some(window) => (self.stored(true).encode(), window.first),
            None => (self.encode(), None),
        }
    }

    /// The state with all that it remembers.
    pub(super) fn encode(&self) -> Vec<u8> {
        self.stored(false).encode()
    }

    fn stored(&self, is_thin: bool) -> StoredState {
        let section = |PlanState { plan, aggregator, origins }: &PlanState| StoredSection {
            plan: plan.hash.clone(),
            state: if is_thin { aggregator.encode_without_ids() } else { aggregator.encode() },
            origins: Some(origins.clone()),
        };
        StoredState {
            control: self.control,
            last: self.last.clone(),
            expires_at: self.expires_at,
            log_bytes: self.log_bytes,
            is_thin,
            sections: self.sections.iter().map(section).collect(),
        }
    }
}

/// The identities that a section of an entry saw first.
fn identities(entry: &Entry, section: u16) -> Result<Ids, StoredError> {
    let chunk = entry.chunks().get(&identities_label(section));
    chunk.map_or(Ok(Ids::default()), |chunk| read_ids(chunk))
}

/// How many bytes of an entry a restore reads.
fn read_bytes(entry: &Entry) -> u64 {
    let chunks =
        (0..SECTIONS_MAX).filter_map(|number| entry.chunks().get(&identities_label(number)));
    let bytes = chunks.map(Vec::len).sum::<usize>() + entry.header().len();
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A stored state, before the plans that it needs are at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredState {
    control: Version,
    last: Option<RecordId>,
    expires_at: Timestamp,
    log_bytes: u64,
    /// The identities are to be read from the log.
    pub(super) is_thin: bool,
    sections: Vec<StoredSection>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct StoredSection {
    plan: String,
    state: Vec<u8>,
    /// Absent: the snapshot does not say.
    origins: Option<Origins>,
}

impl StoredState {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.put(self.control.0);
        writer.option(self.last.as_ref(), |writer, last| last.write(writer));
        writer.time(self.expires_at).put(self.log_bytes).put(self.is_thin);
        writer.list(self.sections.iter(), |writer, section| {
            writer.put(section.plan.as_str()).put(<&ByteSlice>::from(&section.state[..]));
            section.origins.clone().unwrap_or_default().write(writer);
        });
        writer.finish()
    }

    /// Reads a stored state.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("snapshot of a shard's log", FORMAT, bytes, |reader, format| {
            let has_origins = format > 1;
            Ok(Self {
                control: Version(reader.take()?),
                last: reader.option(RecordId::read)?,
                expires_at: reader.time()?,
                log_bytes: if has_origins { reader.take()? } else { 0 },
                is_thin: has_origins && reader.take()?,
                sections: reader.list(|reader: &mut Reader<'_>| {
                    Ok(StoredSection {
                        plan: reader.take()?,
                        state: reader.take::<&ByteSlice>()?.to_vec(),
                        origins: has_origins.then(|| Origins::read(reader)).transpose()?,
                    })
                })?,
            })
        })
    }

    /// The plans that it needs.
    pub(super) fn plans(&self) -> Vec<String> {
        self.sections.iter().map(|section| section.plan.clone()).collect()
    }

    /// The state, with the plans of its sections.
    pub(super) fn with(self, plans: Vec<Arc<Plan>>) -> Result<State, StoredError> {
        let Self { control, last, expires_at, log_bytes, is_thin: _, sections } = self;
        let sections = sections.into_iter().zip(plans).map(|(section, plan)| {
            let aggregator = Aggregator::decode(Arc::clone(&plan), &section.state)?;
            Ok(match section.origins {
                Some(origins) => PlanState { plan, aggregator, origins },
                None => PlanState::of(&plan, aggregator),
            })
        });
        let sections = sections.collect::<Result<_, StoredError>>()?;
        Ok(State { control, last, expires_at, log_bytes, sections })
    }
}

/// The plans of some works.
pub(super) fn plans_of(works: &[Work]) -> impl Iterator<Item = &Arc<Plan>> + Clone {
    works.iter().map(|work| &work.plan)
}

#[cfg(test)]
mod tests;
