//! What was heard of a stream while it was read. Who reads to the end of a shard has proven that nothing followed when it asked, so nobody
//! else has to ask, and no settle waits for a network.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::source::{
    Progress, SequenceNumber, Shard, ShardId, Stream, StreamId,
};
use streamgauge_pipeline::shard_entry::RecordId;

/// What is known of a stream.
#[derive(Debug, Default)]
pub struct Known(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Absent: there is none any more.
    id: Option<StreamId>,
    shards: Vec<Shard>,
    /// How often the stream was asked for its shards, and which of these times was the last that it said them.
    lists: u64,
    listed: u64,
    heard: BTreeMap<ShardId, Heard>,
    /// The last record of each shard that was taken, also where the log of the shard has expired.
    last: BTreeMap<ShardId, RecordId>,
    /// What does not work for now: shards, and the list.
    failing: BTreeSet<Option<ShardId>>,
    /// Batches of shards that are not of this stream any more.
    before: u64,
}

/// What was heard of a shard.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// The last answer. Records wait until it is known that none do.
    progress: Progress,
    /// How often the shards had been asked for by then.
    lists: u64,
    /// How many batches of it are in its log, and whether one is on its way.
    appended: u64,
    is_taking: bool,
    /// How many were in the log when the settle that asks began, and so have been read by it.
    read: u64,
    /// The same of the last one that has succeeded.
    settled: u64,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            progress: Progress::Waiting,
            lists: 0,
            appended: 0,
            is_taking: false,
            read: 0,
            settled: 0,
        }
    }
}

impl Known {
    /// The stream that there is now.
    pub(crate) fn id(&self) -> Option<StreamId> {
        self.lock().id.clone()
    }

    /// Its shards, as they were listed last.
    pub(crate) fn shards(&self) -> Vec<Shard> {
        self.lock().shards.clone()
    }

    /// The stream is asked for its shards now; says which time that is.
    pub(crate) fn lists(&self) -> u64 {
        let mut state = self.lock();
        state.lists += 1;
        state.lists
    }

    /// The stream is this one and has these shards, asked at that time. If it was made anew, nothing that was heard of the old one counts.
    pub(crate) fn listed(&self, list: u64, id: StreamId, shards: Vec<Shard>) {
        let mut state = self.lock();
        state.listed = list;
        if state.id.as_ref() != Some(&id) {
            state.forget();
            state.id = Some(id);
        }
        state.shards = shards;
    }

    /// There is no such stream any more.
    pub(crate) fn gone(&self) {
        let mut state = self.lock();
        state.forget();
        state.id = None;
    }

    /// What a read of a shard has proven. Nothing is heard of a stream that another one has come for: its shards have the same names.
    pub(crate) fn heard(&self, stream: &StreamId, shard: &ShardId, progress: Progress) {
        let mut state = self.lock();
        let lists = state.lists;
        if let Some(heard) = state.of(stream, shard) {
            (heard.progress, heard.lists) = (progress, lists);
        }
    }

    /// Records of a shard are on their way into its log.
    pub(crate) fn takes(&self, stream: &StreamId, shard: &ShardId) {
        if let Some(heard) = self.lock().of(stream, shard) {
            (heard.progress, heard.is_taking) = (Progress::Waiting, true);
        }
    }

    /// They are there, or some of them.
    pub(crate) fn taken(&self, stream: &StreamId, shard: &ShardId) {
        if let Some(heard) = self.lock().of(stream, shard) {
            (heard.appended, heard.is_taking) = (heard.appended + 1, false);
        }
    }

    /// A shard was taken up to a record.
    pub(crate) fn taken_up_to(&self, stream: &StreamId, shard: &ShardId, last: RecordId) {
        let mut state = self.lock();
        if state.id.as_ref() == Some(stream) {
            state.last.insert(Arc::clone(shard), last);
        }
    }

    /// The last record of a shard that is known to be taken.
    pub(crate) fn last(&self, shard: &ShardId) -> Option<RecordId> {
        self.lock().last.get(shard).cloned()
    }

    /// A settle begins: what it asks is about what comes after all that stands in the logs now.
    pub(crate) fn settle_begins(&self) {
        for heard in self.lock().heard.values_mut() {
            heard.read = heard.appended;
        }
    }

    /// It has settled all that stood in the logs when it began.
    pub(crate) fn settle_succeeds(&self) {
        for heard in self.lock().heard.values_mut() {
            heard.settled = heard.read;
        }
    }

    /// How many batches must have been settled until all that is here now is, and how many have been.
    pub(crate) fn batches(&self) -> (u64, u64) {
        let state = self.lock();
        let all = state.heard.values();
        all.fold((state.before, state.before), |(needed, settled), heard| {
            (needed + heard.appended + u64::from(heard.is_taking), settled + heard.settled)
        })
    }

    /// A shard cannot be read, or the list; true: all else can.
    pub(crate) fn fails(&self, shard: Option<&ShardId>) -> bool {
        let mut state = self.lock();
        let is_first = state.failing.is_empty();
        state.failing.insert(shard.cloned()) && is_first
    }

    /// It can be read; true: it was the last that could not.
    pub(crate) fn works(&self, shard: Option<&ShardId>) -> bool {
        let mut state = self.lock();
        state.failing.remove(&shard.cloned()) && state.failing.is_empty()
    }

    /// What follows what settle has read of a shard.
    ///
    /// The counters say what that is, not a sequence number, of which several entries can hold records. A shard has ended for whom knows its
    /// children, and so when the shards were listed since: else nobody would hold where it stood.
    fn progress(&self, shard: &ShardId) -> Progress {
        let state = self.lock();
        match state.heard.get(shard) {
            Some(heard) if heard.is_taking || heard.appended != heard.read => Progress::Waiting,
            Some(heard) if heard.progress == Progress::Ended && state.listed <= heard.lists => {
                Progress::Waiting
            }
            Some(heard) => heard.progress,
            None if state.shards.iter().any(|listed| listed.id == *shard) => Progress::Waiting,
            None => Progress::Ended,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What was heard of a shard; absent: it is one of another stream.
    fn of(&mut self, stream: &StreamId, shard: &ShardId) -> Option<&mut Heard> {
        let is_this = self.id.as_ref() == Some(stream);
        is_this.then(|| self.heard.entry(Arc::clone(shard)).or_default())
    }

    fn forget(&mut self) {
        let heard = std::mem::take(&mut self.heard);
        self.before += heard.values().map(|heard| heard.appended).sum::<u64>();
        self.shards.clear();
        self.last.clear();
        self.failing.retain(Option::is_none);
    }
}

/// A stream as settle and aggregate see it.
#[derive(Clone, Debug)]
pub struct View {
    known: Arc<Known>,
    /// Only this one, not another that was made anew under its name.
    only: Option<StreamId>,
}

impl View {
    /// The stream, whichever has the name.
    pub(crate) fn of(known: &Arc<Known>) -> Self {
        Self { known: Arc::clone(known), only: None }
    }

    /// This stream, and none that is made anew.
    pub(crate) fn only(known: &Arc<Known>, only: StreamId) -> Self {
        Self { known: Arc::clone(known), only: Some(only) }
    }

    pub(crate) fn known(&self) -> &Known {
        &self.known
    }
}

impl Stream for View {
    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        let wanted = |id: &StreamId| self.only.as_ref().is_none_or(|only| only == id);
        Ok(self.known.id().filter(wanted))
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        Ok(self.known.shards())
    }

    async fn progress(
        &self,
        shard: &ShardId,
        _after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        Ok(self.known.progress(shard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use streamgauge_engine::time::Timestamp;

    const EMPTY: Progress = Progress::Empty { asked_at: Timestamp::EPOCH };

    fn known() -> (Known, ShardId) {
        let (known, shard) = (Known::default(), ShardId::from("0"));
        let listed = Shard { id: Arc::clone(&shard), parents: Vec::new(), closed: false };
        known.listed(known.lists(), stream(), vec![listed]);
        (known, shard)
    }

    fn stream() -> StreamId {
        StreamId { name: "orders".into(), created_at: Timestamp::EPOCH }
    }

    #[test]
    fn nothing_of_a_stream_that_is_gone_is_said_of_the_one_that_has_come_for_it() {
        let (known, shard) = known();
        let anew = StreamId { created_at: Timestamp::from_millis(1), ..stream() };
        known.listed(known.lists(), anew.clone(), known.shards());
        known.heard(&stream(), &shard, Progress::Ended);
        known.takes(&stream(), &shard);
        known.taken(&stream(), &shard);
        assert_eq!((known.progress(&shard), known.batches()), (Progress::Waiting, (0, 0)));
        known.heard(&anew, &shard, EMPTY);
        assert_eq!(known.progress(&shard), EMPTY);
    }

    #[test]
    fn nothing_is_proven_to_a_settle_that_has_not_read_what_was_appended_before() {
        let (known, shard) = known();
        assert_eq!(known.progress(&shard), Progress::Waiting, "it was not read yet");
        assert_eq!(known.progress(&"1".into()), Progress::Ended, "it is not listed");
        known.heard(&stream(), &shard, EMPTY);
        assert_eq!(known.progress(&shard), EMPTY);
        known.takes(&stream(), &shard);
        assert_eq!(known.progress(&shard), Progress::Waiting);
        known.settle_begins();
        known.taken(&stream(), &shard);
        for proven in [EMPTY, Progress::Ended] {
            known.heard(&stream(), &shard, proven);
            known.listed(known.lists(), stream(), known.shards());
            assert_eq!(known.progress(&shard), Progress::Waiting, "it was appended since");
        }
        assert_eq!(known.batches(), (1, 0));
        known.settle_begins();
        assert_eq!((known.progress(&shard), known.batches()), (Progress::Ended, (1, 0)));
        known.settle_succeeds();
        assert_eq!(known.batches(), (1, 1));
    }

    #[test]
    fn a_shard_has_ended_once_the_shards_were_asked_for_since_and_said() {
        let (known, shard) = known();
        let before = known.lists();
        known.heard(&stream(), &shard, Progress::Ended);
        assert_eq!(known.progress(&shard), Progress::Waiting, "its children may not be known");
        known.listed(before, stream(), known.shards());
        assert_eq!(known.progress(&shard), Progress::Waiting, "it was asked for them before");
        known.lists();
        assert_eq!(known.progress(&shard), Progress::Waiting, "it did not say them");
        known.listed(known.lists(), stream(), known.shards());
        assert_eq!(known.progress(&shard), Progress::Ended);
    }

    #[test]
    fn trouble_is_told_once_however_many_shards_have_it() {
        let (known, shard) = known();
        let other = ShardId::from("1");
        assert!(known.fails(Some(&shard)));
        assert!(!known.fails(Some(&shard)) && !known.fails(Some(&other)) && !known.fails(None));
        assert!(!known.works(Some(&shard)) && !known.works(None));
        assert!(known.works(Some(&other)));
        assert!(!known.works(Some(&other)));
    }
}
