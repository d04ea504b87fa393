//! One shard, step by step: a step is one read, and what it brought in the shard's log.
//!
//! | seen | next |
//! | --- | --- |
//! | records | they go to the log; then it reads on behind them |
//! | nothing, and nothing follows | proven empty as of the clock before the question; asked again in a second |
//! | nothing, and more further on | reads on |
//! | nothing, and no next place | the shard is closed and read to its end |
//! | no such shard | likewise |
//! | the place has expired | opened anew |
//! | refused, no answer, the store takes nothing | opened anew, later and later |
//!
//! A shard is opened where its log ends, with the last record of it: what the log has of that is passed over. So nothing is held in memory
//! that could not be stored, and whatever happens goes the way that a new process goes. Where entries have expired, since the shard was silent
//! for days, settle knows the last record.

use super::known::{Known, View};
use crate::happening::{Happening, Teller, chain};
use crate::intake::commit::Totals;
use crate::run::{Fatal, is_damage};
use crate::stream::DevStream;
use crate::world::{DevWorld, Store};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_pipeline::aggregate::{Aggregate, AggregateError, Settings, Taken};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{
    NotRead, Page, Place, Polled, Progress, Record, ShardId, StreamId,
};
use streamgauge_pipeline::shard_entry::RecordId;

/// A shard where nothing waits is read so often. It allows five reads a second to all who read it.
const AT_THE_TIP: Duration = Duration::from_secs(1);
/// The same where more waits.
const BEHIND: Duration = Duration::from_millis(250);
/// How long to wait after trouble; each time twice as long, up to the longest.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
const AFTER_TROUBLE_MAX: Duration = Duration::from_secs(30);
/// A stream that refuses to be read now and then is as it should be, who shares it; so often in a row it is told.
const REFUSALS: u32 = 3;

fn id(record: &Record) -> RecordId {
    RecordId { sequence: record.sequence.clone(), sub_sequence: record.sub_sequence }
}

/// How long to wait after so many failures in a row.
pub(crate) fn after_trouble(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(5);
    (AFTER_TROUBLE * 2_u32.pow(doublings)).min(AFTER_TROUBLE_MAX)
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another step, after so long.
    Step(Duration),
    /// Nothing: the shard is read to its end.
    Ended,
}

/// What readers share.
#[derive(Debug)]
pub(crate) struct Shared<P, S, C> {
    pub(crate) polled: Arc<P>,
    pub(crate) known: Arc<Known>,
    pub(crate) world: DevWorld<S, C>,
    pub(crate) totals: Totals,
    pub(crate) teller: Teller,
}

/// Reads a shard.
#[derive(Debug)]
pub(crate) struct Reader<'s, P, S, C> {
    shared: &'s Shared<P, S, C>,
    stream: StreamId,
    shard: ShardId,
    aggregate: Aggregate<DevWorld<S, C>>,
    /// Where to read on; absent: where the log ends.
    place: Option<Place>,
    /// What was taken when the shard was opened.
    taken_up_to: Option<RecordId>,
    /// How often in a row something went wrong.
    failures: u32,
}

impl<'s, P: Polled, S: Store, C: Clock + Clone> Reader<'s, P, S, C> {
    /// Begins where the log of the shard ends.
    pub(crate) fn new(shared: &'s Shared<P, S, C>, stream: StreamId, shard: ShardId) -> Self {
        let only = DevStream::Polled(View::only(&shared.known, stream.clone()));
        let world = DevWorld { streams: Arc::new([only]), ..shared.world.clone() };
        let settings = Settings { warm_shards_max: 1, ..Settings::default() };
        let aggregate = Aggregate::new(world, settings);
        Self { shared, stream, shard, aggregate, place: None, taken_up_to: None, failures: 0 }
    }

    /// Reads once. An error is one that trying again does not cure.
    pub(crate) async fn step(&mut self) -> Result<Next, Fatal> {
        if self.shared.known.id().as_ref() != Some(&self.stream) {
            // It was deleted, or made anew: others read that one.
            return Ok(Next::Ended);
        }
        let place = match self.place.take() {
            Some(place) => place,
            None => match self.open().await {
                Ok(Ok(Some(place))) => place,
                Ok(Ok(None)) => return Ok(self.ended()),
                Ok(Err(trouble)) => return Ok(self.fails(&*trouble)),
                Err(fatal) => return Err(fatal),
            },
        };
        let asked_at = self.shared.world.clock.now();
        let mut read = self.shared.polled.read(&self.shard, place).await;
        if let (Ok(page), Some(last)) = (&mut read, &self.taken_up_to) {
            page.batch.records.retain(|record| id(record) > *last);
        }
        match read {
            Ok(page) if !page.batch.records.is_empty() => self.take(page).await,
            Ok(Page { next: None, .. }) => Ok(self.ended()),
            Ok(Page { next, is_at_tip, .. }) => {
                self.place = next;
                self.works();
                if !is_at_tip {
                    return Ok(Next::Step(BEHIND));
                }
                self.shared.known.heard(&self.stream, &self.shard, Progress::Empty { asked_at });
                Ok(Next::Step(AT_THE_TIP))
            }
            Err(NotRead::Expired) => Ok(Next::Step(BEHIND)),
            Err(refused @ NotRead::Throttled) if self.failures + 1 < REFUSALS => {
                self.failures += 1;
                drop(refused);
                Ok(self.later())
            }
            Err(error) => Ok(self.fails(&error)),
        }
    }

    /// The place to read at; the outer error is one that trying again does not cure.
    async fn open(&mut self) -> Result<Result<Option<Place>, Box<dyn Error + Send + Sync>>, Fatal> {
        let last = match self.aggregate.last(&self.stream.name, &self.shard).await {
            Ok(last) => last,
            Err(AggregateError::UnknownStream { .. }) => return Ok(Ok(None)),
            Err(error) if Self::passes(&error) => return Ok(Err(error.into())),
            Err(error) => return Err(Fatal::Aggregate(error)),
        };
        // What was taken is no longer in the log of a shard that was silent for days.
        self.taken_up_to = last.max(self.shared.known.last(&self.shard));
        let with = self.taken_up_to.as_ref().map(|record| &record.sequence);
        let opened = self.shared.polled.open(&self.shard, with).await;
        Ok(opened.map_err(Into::into))
    }

    /// Puts records into the log of the shard.
    async fn take(&mut self, page: Page) -> Result<Next, Fatal> {
        let Page { batch, next, is_at_tip } = page;
        let last = batch.records.last().map(id);
        self.shared.known.takes(&self.stream, &self.shard);
        let taken = self.aggregate.take(&self.stream.name, batch).await;
        self.shared.known.taken(&self.stream, &self.shard);
        let taken = match taken {
            Ok(taken) => taken,
            Err(AggregateError::UnknownStream { .. }) => return Ok(Next::Ended),
            Err(error) => return Err(Fatal::Aggregate(error)),
        };
        self.tell(&taken);
        match taken.problem {
            None => {}
            Some(error) if !Self::passes(&error) => return Err(Fatal::Aggregate(error)),
            Some(AggregateError::ParentUnfinished { .. } | AggregateError::NotListed { .. }) => {
                // Settle has not read all of its parent yet.
                return Ok(Next::Step(BEHIND));
            }
            Some(error) => return Ok(self.fails(&error)),
        }
        if let Some(last) = last {
            self.shared.known.taken_up_to(&self.stream, &self.shard, last);
        }
        self.works();
        if next.is_none() {
            return Ok(self.ended());
        }
        self.place = next;
        Ok(Next::Step(if is_at_tip { AT_THE_TIP } else { BEHIND }))
    }

    /// Whether trying again can help.
    fn passes(error: &AggregateError) -> bool {
        error.is_retryable() && !is_damage(error)
    }

    /// Counts what was taken, and tells of what is no event.
    fn tell(&self, taken: &Taken) {
        let Shared { world, totals, teller, .. } = self.shared;
        totals.add(taken);
        if taken.entries > 0 {
            world.appended(taken.reads_from.as_ref());
        }
        for reject in &taken.rejected {
            teller.tell(Happening::RejectedInShard {
                shard: format!("{}/{}", self.stream.name, self.shard),
                sequence: reject.record.sequence.as_str().to_owned(),
                code: reject.code.as_str(),
                reason: reject.detail.clone(),
            });
        }
    }

    fn ended(&mut self) -> Next {
        self.works();
        self.shared.known.heard(&self.stream, &self.shard, Progress::Ended);
        Next::Ended
    }

    /// Something went wrong. Nothing is proven meanwhile.
    fn fails(&mut self, error: &(dyn Error + Send + Sync + 'static)) -> Next {
        self.failures += 1;
        if self.shared.known.fails(Some(&self.shard)) {
            let name = &self.stream.name;
            let what = format!("could not read on in the stream `{name}`: {}", chain(error));
            self.shared.teller.tell(Happening::Trouble(what));
        }
        self.later()
    }

    fn later(&self) -> Next {
        self.shared.known.heard(&self.stream, &self.shard, Progress::Waiting);
        Next::Step(after_trouble(self.failures))
    }

    fn works(&mut self) {
        self.failures = 0;
        if self.shared.known.works(Some(&self.shard)) {
            self.shared.teller.tell(Happening::Over);
        }
    }
}
