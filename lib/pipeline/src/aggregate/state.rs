//! The state of a shard: how far its log is, and what each plan remembers of it. It is the fold of the log.
//!
//! It holds a section for each plan that the last entry names, and no other: one that is not named there has missed records.
//! A plan that is new to it goes on from the first section, for which the batches were aggregated so far. So all writers and
//! readers of a log come to the same state, whenever each has heard of a plan.

use crate::control::Work;
use crate::port::log::{Entry, Version};
use crate::shard_entry::{RecordId, ShardEntry, identities_label};
use crate::stored::{Reader, StoredError, Writer, read};
use minicbor::bytes::ByteSlice;
use std::sync::Arc;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::delta::Ids;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::stored::{read_head, read_ids};
use streamgauge_engine::time::Timestamp;

/// The newest format of a stored state.
const FORMAT: u64 = 1;

/// The state of a shard.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The newest version of the control log that a writer of the shard's log had read.
    pub(super) control: Version,
    /// The last record that the log covers.
    pub(super) last: Option<RecordId>,
    /// Until when the entries are kept: those of a log expire in their order.
    pub(super) expires_at: Timestamp,
    /// In the order of the last entry.
    pub(super) sections: Vec<PlanState>,
}

/// What a plan remembers of a shard.
#[derive(Clone, Debug)]
pub(super) struct PlanState {
    pub(super) plan: Arc<Plan>,
    pub(super) aggregator: Aggregator,
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
            child.sections.push(PlanState { plan: Arc::clone(plan), aggregator });
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
            let known = place.map(|place| sections.swap_remove(place).aggregator);
            if let Some(aggregator) = known.or(new) {
                self.sections.push(PlanState { plan: Arc::clone(plan), aggregator });
            }
        }
    }

    /// Folds an entry of the log that somebody has appended: its header, and the plans of its sections.
    pub(super) fn take_up(
        &mut self,
        entry: &Entry,
        header: ShardEntry,
        plans: &[Arc<Plan>],
    ) -> Result<(), StoredError> {
        self.go_on_for(plans.iter());
        for ((state, section), number) in self.sections.iter_mut().zip(&header.sections).zip(0..) {
            let head = read_head(&section.head)?;
            let chunk = entry.chunks().get(&identities_label(number));
            let ids = chunk.map_or(Ok(Ids::default()), |chunk| read_ids(chunk))?;
            state.aggregator.take_up(&head, &ids);
        }
        self.covers(entry, header.control, header.last);
        Ok(())
    }

    /// This entry is the log's newest; it covers the shard up to this record.
    pub(super) fn covers(&mut self, entry: &Entry, control: Version, last: RecordId) {
        self.control = self.control.max(control);
        self.last = Some(last);
        self.expires_at = entry.expires_at();
    }

    /// The state as it is stored.
    pub(super) fn encode(&self) -> Vec<u8> {
        let section =
            |section: &PlanState| (section.plan.hash.clone(), section.aggregator.encode());
        let stored = StoredState {
            control: self.control,
            last: self.last.clone(),
            expires_at: self.expires_at,
            sections: self.sections.iter().map(section).collect(),
        };
        stored.encode()
    }
}

/// A stored state, before the plans that it needs are at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredState {
    control: Version,
    last: Option<RecordId>,
    expires_at: Timestamp,
    sections: Vec<(String, Vec<u8>)>,
}

impl StoredState {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.put(self.control.0);
        writer.option(self.last.as_ref(), |writer, last| last.write(writer));
        writer.time(self.expires_at);
        writer.list(self.sections.iter(), |writer, (plan, state)| {
            writer.put(plan.as_str()).put(<&ByteSlice>::from(&state[..]));
        });
        writer.finish()
    }

    /// Reads a stored state.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        read("snapshot of a shard's log", FORMAT, bytes, |reader, _only| {
            Ok(Self {
                control: Version(reader.take()?),
                last: reader.option(RecordId::read)?,
                expires_at: reader.time()?,
                sections: reader.list(|reader: &mut Reader<'_>| {
                    Ok((reader.take()?, reader.take::<&ByteSlice>()?.to_vec()))
                })?,
            })
        })
    }

    /// The plans that it needs.
    pub(super) fn plans(&self) -> Vec<String> {
        self.sections.iter().map(|(plan, _)| plan.clone()).collect()
    }

    /// The state, with the plans of its sections.
    pub(super) fn with(self, plans: Vec<Arc<Plan>>) -> Result<State, StoredError> {
        let Self { control, last, expires_at, sections } = self;
        let sections = sections.into_iter().zip(plans).map(|((_, bytes), plan)| {
            let aggregator = Aggregator::decode(Arc::clone(&plan), &bytes)?;
            Ok(PlanState { plan, aggregator })
        });
        let sections = sections.collect::<Result<_, StoredError>>()?;
        Ok(State { control, last, expires_at, sections })
    }
}

/// The plans of some works.
pub(super) fn plans_of(works: &[Work]) -> impl Iterator<Item = &Arc<Plan>> + Clone {
    works.iter().map(|work| &work.plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::check::check_form;

    #[test]
    fn states_are_read_as_written_and_written_as_ever() {
        let state = StoredState {
            control: Version(3),
            last: Some(RecordId { sequence: 7.into(), sub_sequence: 2 }),
            expires_at: Timestamp::from_millis(1_000),
            sections: vec![("ab".to_owned(), vec![1, 2]), ("cd".to_owned(), vec![])],
        };
        let fixture = "01 03 81 6137 02 1903e8 82 626162 42 0102 626364 40";
        check_form(&state, StoredState::encode, StoredState::decode, fixture);
    }
}
