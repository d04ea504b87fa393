//! The state of a shard beyond one batch: inherited, carried over to another plan, taken up from a log, stored.
//!
//! All of these make a state from a *past*: how far a shard was, and the identities that it remembered, in an order that
//! depends on nothing but the events. So a state that was folded and one that was restored have the same bytes.
//!
//! What a shard remembers reaches back to some event time. Where that is not as far as the new state's own horizon would
//! reach (a parent of a merge was further, the horizon became longer), the new state says so in `horizon_from`: until its
//! watermark has passed that, it counts the horizon from there, for it cannot tell copies of older events.

use super::Aggregator;
use super::partials::PartialTable;
use super::seen::Seen;
use super::watch::Watch;
use crate::delta::Ids;
use crate::plan::Plan;
use crate::stored::reader::{Reader, read};
use crate::stored::writer::Writer;
use crate::stored::{Head, StoredError, ids_from, put_ids};
use crate::time::{Millis, Timestamp};
use minicbor::decode::Error;
use std::cmp::Reverse;
use std::sync::Arc;

const WHAT: &str = "state of a shard";
/// Format 1: furthest and earliest event time; null, or the memory: its beginning, the length of a generation, the identities
/// (none where they are left to a log).
const FORMAT: u64 = 1;

/// What is known of a shard when its state is made.
struct Past {
    furthest: Option<Timestamp>,
    earliest: Option<Timestamp>,
    memory: Option<Memory>,
}

/// The identities that a shard remembers.
struct Memory {
    /// Those of all events from this event time on are in it.
    from: Timestamp,
    generation_ms: Millis,
    /// By rising generation, each sorted.
    ids: Ids,
}

impl Aggregator {
    /// A shard that was split or merged from others, which are read to their end; its deltas hold the identities it sees.
    ///
    /// It remembers what they remember. Its stamps go on from the smallest of their watermarks, and what could be a
    /// forgotten copy is judged from the largest.
    pub fn child(plan: Arc<Plan>, parents: &[Self]) -> Self {
        let pasts = parents.iter().map(|parent| parent.past(&plan)).collect();
        Self::of(plan, true, pasts)
    }

    /// This shard's state for another plan: it stays as far as it is.
    ///
    /// It keeps its memory if both plans tell events apart by the same fields, also where `deduplicate` is longer or shorter;
    /// else it begins without one.
    #[must_use]
    pub fn under(&self, plan: Arc<Plan>) -> Self {
        let past = self.past(&plan);
        Self::of(plan, self.collects, vec![past])
    }

    /// Does to the state what folding a batch did, of which the log holds this head and these identities.
    pub fn take_up(&mut self, head: &Head, ids: &Ids) {
        self.furthest = self.furthest.max(head.furthest);
        let earliest = head.span.map(|span| span.earliest);
        self.earliest = self.earliest.into_iter().chain(earliest).min();
        self.recall(ids);
    }

    /// Remembers identities of the shard's past, of which it was told when it was [stored without](Self::encode_without_ids).
    pub fn recall(&mut self, ids: &Ids) {
        let horizon = self.horizon_end();
        if let (Some(seen), Some(horizon)) = (&mut self.seen, horizon) {
            seen.remember(ids, horizon);
        }
    }

    /// The first generation of which identities are remembered; absent: none are.
    pub fn oldest_generation(&self) -> Option<i64> {
        Some(self.seen.as_ref()?.oldest_at(self.horizon_end()?))
    }

    /// How many identities are remembered of each generation, by rising generation.
    pub fn remembered(&self) -> Vec<(i64, usize)> {
        let counted = self.seen.as_ref().zip(self.horizon_end());
        counted.map(|(seen, horizon)| seen.count(horizon)).unwrap_or_default()
    }

    /// The state as bytes: 8 for each identity that is remembered, and a few more.
    pub fn encode(&self) -> Vec<u8> {
        self.past(&self.plan).encode()
    }

    /// The same without the identities: whoever reads it has to [recall](Self::recall) them.
    pub fn encode_without_ids(&self) -> Vec<u8> {
        let memory = self.seen.as_ref().zip(self.beginning());
        let memory = memory.map(|(seen, from)| Memory {
            from,
            generation_ms: seen.generation_ms(),
            ids: Ids::default(),
        });
        Past { furthest: self.furthest, earliest: self.earliest, memory }.encode()
    }

    /// The state that [`encode`](Self::encode) wrote under this plan; its deltas hold the identities it sees.
    pub fn decode(plan: Arc<Plan>, bytes: &[u8]) -> Result<Self, StoredError> {
        let past = read(WHAT, FORMAT, bytes, |reader, _| past(reader))?;
        Ok(Self::of(plan, true, vec![past]))
    }

    /// The state of a shard that goes on where these were.
    fn of(plan: Arc<Plan>, collects: bool, pasts: Vec<Past>) -> Self {
        let mut state = Self {
            furthest: pasts.iter().map(|past| past.furthest).min().flatten(),
            earliest: pasts.iter().filter_map(|past| past.earliest).min(),
            horizon_from: None,
            seen: Seen::of(&plan),
            partials: PartialTable::default(),
            watch: Watch::of(&plan),
            collects,
            plan,
        };
        let (Some(seen), Some(horizon_ms)) = (&mut state.seen, state.plan.timing.deduplicate)
        else {
            return state;
        };
        let memories: Vec<_> = pasts.into_iter().filter_map(|past| past.memory).collect();
        let Some(from) = memories.iter().map(|memory| memory.from).max() else { return state };
        let watermark = state.furthest.map(|at| at.minus(state.plan.timing.out_of_order));
        let horizon_from = Some(from.plus(horizon_ms)).filter(|&from| watermark < Some(from));
        if let Some(horizon) = horizon_from.or(watermark) {
            let generation_ms = seen.generation_ms();
            let regrouped = memories.into_iter().map(|memory| memory.regrouped(generation_ms));
            let mut generations: Vec<_> = regrouped.flat_map(|ids| ids.generations).collect();
            // What two parents saw is remembered for as long as the later of them would.
            generations.sort_by_key(|&(generation, _)| Reverse(generation));
            seen.remember(&Ids { generations }, horizon);
        }
        Self { horizon_from, ..state }
    }

    /// What is known of this shard to one that goes on under a plan.
    fn past(&self, plan: &Plan) -> Past {
        let known = (identity(plan) == identity(&self.plan)).then(|| self.memory()).flatten();
        Past { furthest: self.furthest, earliest: self.earliest, memory: known }
    }

    /// The identities that the next event could be a copy of; none before the first event.
    fn memory(&self) -> Option<Memory> {
        let (seen, from, horizon) = (self.seen.as_ref()?, self.beginning()?, self.horizon_end()?);
        Some(Memory { from, generation_ms: seen.generation_ms(), ids: seen.remembered(horizon) })
    }

    /// The event time from which on all events are remembered.
    fn beginning(&self) -> Option<Timestamp> {
        Some(self.horizon_end()?.minus(self.plan.timing.deduplicate?))
    }
}

impl Past {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.optional_time(Timestamp::EPOCH, self.furthest);
        writer.optional_time(Timestamp::EPOCH, self.earliest);
        match &self.memory {
            Some(Memory { from, generation_ms, ids }) => {
                writer.time(Timestamp::EPOCH, *from);
                writer.signed(*generation_ms);
                put_ids(&mut writer, ids);
            }
            None => writer.null(),
        }
        writer.finish()
    }
}

impl Memory {
    /// The identities by generations of another length: each until the end that it had.
    fn regrouped(mut self, generation_ms: Millis) -> Ids {
        if generation_ms != self.generation_ms {
            for (generation, _) in &mut self.ids.generations {
                let end_ms = generation.saturating_add(1).saturating_mul(self.generation_ms);
                *generation = end_ms.saturating_sub(1).div_euclid(generation_ms);
            }
        }
        self.ids
    }
}

/// The paths of the fields that make two events copies.
fn identity(plan: &Plan) -> Vec<Option<&[Box<str>]>> {
    let field = |field: &crate::field::FieldId| plan.fields.paths().nth(field.index());
    plan.event.identity.iter().map(field).collect()
}

fn past(reader: &mut Reader<'_>) -> Result<Past, Error> {
    let furthest = reader.optional_time(Timestamp::EPOCH)?;
    let earliest = reader.optional_time(Timestamp::EPOCH)?;
    let memory = match reader.optional_time(Timestamp::EPOCH)? {
        Some(from) => {
            let generation_ms = reader.signed()?;
            if generation_ms < 1 {
                return Err(reader.wrong("generations without a length"));
            }
            Some(Memory { from, generation_ms, ids: ids_from(reader)? })
        }
        None => None,
    };
    Ok(Past { furthest, earliest, memory })
}
