//! What waits in the queue to an entry of the shard's log, and the answers.
//!
//! An append without an answer may have taken effect. So a batch that failed is tried again under its own numbers, and what the log has
//! is passed over. Who pushes is not kept waiting for that and told that it failed: a push that comes again has its old identities. Who
//! follows a file cannot come again, and waits. If the process ends meanwhile, nothing is committed after what it brought: the next process
//! reads that again.

use super::mark::{Position, index, sub_sequence};
use super::{Accepted, Intake, Refused, RejectedRecord, Waiting};
use crate::happening::{Happening, Teller, chain};
use crate::run::{Fatal, is_damage};
use crate::stream::{SHARD, STREAM};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use streamgauge_engine::delta::EventSpan;
use streamgauge_engine::output::{Counters, MetricCounters};
use streamgauge_pipeline::aggregate::{Aggregate, Settings, Taken};
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::log::Version;
use streamgauge_pipeline::port::source::{Batch, Record, SequenceNumber, ShardId, ShardKey};
use streamgauge_pipeline::shard_entry::Rejected;
use streamgauge_pipeline::world::World;

/// How long to wait before what failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// More metrics than this are not counted each by itself: rules that are changed again and again can name any number.
const METRICS_MAX: usize = 10_000;

/// What has come of all records since the process began. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Totals(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    counters: Counters,
    span: Option<EventSpan>,
    metrics: BTreeMap<String, MetricCounters>,
}

impl Totals {
    /// The counters.
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// The event times that they span; absent if there was no event.
    pub fn span(&self) -> Option<EventSpan> {
        self.lock().span
    }

    /// What a metric saw of them, as far as it is known before they are settled.
    pub fn metric(&self, name: &str) -> MetricCounters {
        self.lock().metrics.get(name).copied().unwrap_or_default()
    }

    /// Adds what became of a batch.
    pub(crate) fn add(&self, taken: &Taken) {
        let mut counted = self.lock();
        counted.counters.add(&taken.counters);
        if let Some(span) = taken.span {
            counted.span = Some(counted.span.map_or(span, |known| known.with(span)));
        }
        for (name, counters) in &taken.metrics {
            if let Some(known) = counted.metrics.get_mut(name) {
                known.add(counters);
            } else if counted.metrics.len() < METRICS_MAX {
                counted.metrics.insert(name.clone(), *counters);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Commits batches.
#[derive(Debug)]
pub(crate) struct Committer<W> {
    aggregate: Aggregate<W>,
    intake: Intake,
    teller: Teller,
    totals: Totals,
    shard: ShardId,
    position: Position,
    is_failing: bool,
    again_after: Duration,
    /// What the last batch says that a process which begins anew reads of the log.
    reads_from: Option<(ShardKey, Version)>,
}

/// An offer with its number.
struct Numbered {
    waiting: Waiting,
    sequence: SequenceNumber,
}

impl<W: World> Committer<W> {
    /// Reads how far the log is.
    pub(crate) fn restore(
        world: W,
        (intake, totals): (Intake, Totals),
        teller: Teller,
    ) -> Result<Self, Fatal> {
        let mut aggregate = Aggregate::new(world, Settings::default());
        let shard: ShardId = SHARD.into();
        let last = block_on(aggregate.last(STREAM, &shard)).map_err(Fatal::Aggregate)?;
        let position = match last {
            None => Position::default(),
            Some(last) => Position::read(&last).ok_or(Fatal::Foreign)?,
        };
        Ok(Self {
            aggregate,
            intake,
            teller,
            totals,
            shard,
            position,
            is_failing: false,
            again_after: AGAIN_AFTER,
            reads_from: None,
        })
    }

    /// The same, that tries again at once.
    #[cfg(test)]
    pub(crate) fn impatient(self) -> Self {
        Self { again_after: Duration::ZERO, ..self }
    }

    /// How far the log is.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Commits all that comes until nothing more will; `appended` hears of each batch, and what of the log is read by who begins anew.
    pub(crate) fn run(
        &mut self,
        mut appended: impl FnMut(Option<(ShardKey, Version)>),
    ) -> Result<(), Fatal> {
        while let Some(batch) = self.intake.next() {
            self.commit(batch)?;
            appended(self.reads_from());
        }
        Ok(())
    }

    /// The shard, and what the last batch says that is read of its log by who begins anew; absent if that was said before.
    pub(crate) fn reads_from(&mut self) -> Option<(ShardKey, Version)> {
        self.reads_from.take()
    }

    /// Commits a batch, and answers.
    pub(crate) fn commit(&mut self, batch: Vec<Waiting>) -> Result<(), Fatal> {
        let mut offers = Vec::with_capacity(batch.len());
        for waiting in batch {
            let sequence = self.position.next(&waiting.offered).map_err(Fatal::Numbers)?;
            offers.push(Numbered { waiting, sequence });
        }
        let mut rejected = Vec::new();
        while !offers.is_empty() {
            let taken = match self.take(&offers) {
                Ok(taken) => taken,
                Err(fatal) => return Err(give_up(offers, fatal)),
            };
            rejected.extend(taken.rejected);
            let Some(problem) = taken.problem else {
                self.works();
                break;
            };
            if is_damage(&problem) {
                return Err(give_up(offers, Fatal::Aggregate(problem)));
            }
            let reason = chain(&problem);
            self.fails(&reason);
            let keeps = |offer: &Numbered| offer.waiting.offered.is_patient;
            offers = refuse(offers, keeps, &Refused::Store { reason: reason.clone() });
            if !offers.is_empty() && self.intake.is_closed_within(self.again_after) {
                // Whatever came behind it into the log would carry a mark behind lines that are in no log.
                self.intake.fail(&reason);
                offers = refuse(offers, |_| false, &Refused::Stopping);
            }
        }
        self.intake.done();
        answer(offers, rejected);
        Ok(())
    }

    /// The store has taken a batch.
    fn works(&mut self) {
        if std::mem::take(&mut self.is_failing) {
            self.teller.tell(Happening::Over);
        }
    }

    /// The store has not taken a batch, or has not said so.
    fn fails(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.is_failing, true) {
            self.teller.tell(Happening::Trouble(reason.to_owned()));
        }
    }

    /// Takes what is not in the log yet.
    fn take(&mut self, offers: &[Numbered]) -> Result<Taken, Fatal> {
        let batch = self.batch(offers);
        let mut taken = block_on(self.aggregate.take(STREAM, batch)).map_err(Fatal::Aggregate)?;
        self.totals.add(&taken);
        self.reads_from = taken.reads_from.take();
        Ok(taken)
    }

    fn batch(&self, offers: &[Numbered]) -> Batch {
        let all = || offers.iter().map(|offer| &offer.waiting.offered);
        let mut text = Vec::with_capacity(all().map(|offered| offered.text.len()).sum());
        let mut records = Vec::with_capacity(all().map(|offered| offered.records.len()).sum());
        for Numbered { waiting: Waiting { offered, arrival, .. }, sequence } in offers {
            let start = text.len();
            text.extend_from_slice(&offered.text);
            records.extend(offered.records.iter().enumerate().map(|(place, span)| Record {
                sequence: sequence.clone(),
                sub_sequence: sub_sequence(offered, place),
                arrival: *arrival,
                bytes: start + span.start..start + span.end,
            }));
        }
        Batch { shard: Arc::clone(&self.shard), text, records }
    }
}

/// Keeps some offers, and refuses the others.
fn refuse(
    offers: Vec<Numbered>,
    keeps: impl Fn(&Numbered) -> bool,
    why: &Refused,
) -> Vec<Numbered> {
    let (kept, others): (Vec<_>, Vec<_>) = offers.into_iter().partition(keeps);
    for offer in others {
        offer.waiting.answer(Err(why.clone()));
    }
    kept
}

/// It cannot go on, and nobody's records are taken.
fn give_up(offers: Vec<Numbered>, fatal: Fatal) -> Fatal {
    refuse(offers, |_| false, &Refused::Store { reason: chain(&fatal) });
    fatal
}

/// Tells each what became of its records; the rejects are in the order of the records.
fn answer(offers: Vec<Numbered>, rejected: Vec<Rejected>) {
    let mut rejected = rejected.into_iter().peekable();
    for Numbered { waiting, sequence } in offers {
        let mut own = Vec::new();
        while let Some(reject) = rejected.next_if(|reject| reject.record.sequence <= sequence) {
            if reject.record.sequence == sequence {
                let index = index(&waiting.offered, reject.record.sub_sequence);
                let record = waiting.offered.records.get(index);
                own.push(RejectedRecord {
                    index,
                    start: record.map_or(0, |record| record.start),
                    code: reject.code,
                    reason: reject.detail,
                });
            }
        }
        let accepted = waiting.offered.records.len() - own.len();
        waiting.answer(Ok(Accepted { accepted, rejected: own }));
    }
}
