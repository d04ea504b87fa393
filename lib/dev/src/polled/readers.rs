//! The threads of a stream: one that lists its shards, and one for each shard that is read.

use super::lineage;
use super::reader::{Next, Reader, Shared, after_trouble};
use crate::happening::{Happening, chain};
use crate::intake::Intake;
use crate::run::Fatal;
use crate::world::Store;
use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{Polled, ShardId, StreamId};
use tokio::runtime::Handle;

/// How many shards of a stream are read at a time.
pub(crate) const READERS_MAX: usize = 1_000;
/// How many reads are in memory at a time, each of 10 MB at most.
pub(crate) const READS_MAX: usize = 16;
/// How often the shards are listed while none of them ends.
const LIST_EVERY: Duration = Duration::from_secs(30);
/// How often it is looked whether all is to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a thread that has read a shard says of it.
struct Ended {
    stream: StreamId,
    shard: ShardId,
    outcome: Result<(), Fatal>,
}

/// The threads of a stream.
pub(crate) struct Readers<P, S, C> {
    pub(crate) shared: Shared<P, S, C>,
    pub(crate) intake: Intake,
    pub(crate) runtime: Handle,
}

/// Which shards were begun, and which of them are read to their end.
#[derive(Debug, Default)]
struct Progress {
    stream: Option<StreamId>,
    begun: BTreeSet<ShardId>,
    ended: BTreeSet<ShardId>,
}

impl<P: Polled, S: Store, C: Clock + Clone> Readers<P, S, C> {
    /// Reads until nothing more is taken.
    pub(crate) fn run(&self) -> Result<(), Fatal> {
        let reads = Reads::default();
        let (ends, ended) = mpsc::channel::<Ended>();
        thread::scope(|scope| {
            let mut progress = Progress::default();
            let mut lists = Lists::default();
            let mut list_at = Instant::now() + LIST_EVERY;
            while !self.intake.is_closed_within(Duration::ZERO) {
                if list_at <= Instant::now() {
                    let after = lists.tried(self.list());
                    list_at = Instant::now() + after;
                }
                self.begin(scope, &mut progress, (&reads, &ends));
                for Ended { stream, shard, outcome } in round(&ended) {
                    if let Err(fatal) = outcome {
                        // The others hear of it, so that they end too.
                        self.intake.fail(&chain(&fatal));
                        return Err(fatal);
                    }
                    if progress.stream.as_ref() == Some(&stream) {
                        progress.ended.insert(shard);
                    }
                    // Until the shards are listed it counts as not ended.
                    list_at = Instant::now();
                }
            }
            Ok(())
        })
    }

    /// Begins to read the shards whose turn it is.
    fn begin<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        progress: &mut Progress,
        (reads, ends): (&'s Reads, &Sender<Ended>),
    ) {
        let known = &self.shared.known;
        let Some(stream) = known.id() else { return };
        if progress.stream.as_ref() != Some(&stream) {
            *progress = Progress { stream: Some(stream.clone()), ..Progress::default() };
        }
        let Progress { begun, ended, .. } = progress;
        let room = READERS_MAX.saturating_sub(begun.difference(ended).count());
        let shards = known.shards();
        for shard in lineage::next(&shards, begun, ended, room) {
            let reader = Reader::new(&self.shared, stream.clone(), ShardId::clone(shard));
            let tells = ends.clone();
            let (of, id) = (stream.clone(), ShardId::clone(shard));
            let read = move || {
                let outcome = self.read(reader, reads);
                // Who has gone does not hear of it.
                drop(tells.send(Ended { stream: of, shard: id, outcome }));
            };
            let started = thread::Builder::new().name("shard".to_owned()).spawn_scoped(scope, read);
            if started.is_ok() {
                begun.insert(ShardId::clone(shard));
            } else {
                // There are too many threads: again when one has ended.
                return;
            }
        }
    }

    /// Reads a shard to its end, or until nothing more is taken.
    fn read(&self, mut reader: Reader<'_, P, S, C>, reads: &Reads) -> Result<(), Fatal> {
        loop {
            let next = {
                let _one = reads.begin();
                // With a thousand who wait in an outage, that took minutes.
                if self.intake.is_closed_within(Duration::ZERO) {
                    return Ok(());
                }
                self.runtime.block_on(reader.step())?
            };
            match next {
                Next::Ended => return Ok(()),
                Next::Step(after) if self.intake.is_closed_within(after) => return Ok(()),
                Next::Step(_) => {}
            }
        }
    }

    /// Asks for the shards; false: it was in vain.
    fn list(&self) -> bool {
        let Shared { polled, known, teller, .. } = &self.shared;
        let list = known.lists();
        let asked = async {
            let id = polled.describe().await?;
            let shards = polled.shards().await?;
            Ok::<_, Retryable>(id.map(|id| (id, shards)))
        };
        let trouble = match self.runtime.block_on(asked) {
            Ok(Some((id, shards))) => {
                known.listed(list, id, shards);
                if known.works(None) {
                    teller.tell(Happening::Over);
                }
                return true;
            }
            Ok(None) => {
                known.gone();
                "the stream is not there any more".to_owned()
            }
            Err(error) => chain(&error),
        };
        if known.fails(None) {
            teller.tell(Happening::Trouble(trouble));
        }
        false
    }
}

/// The shards that have ended, after a wait for the first: those that end together need one list.
fn round(ended: &Receiver<Ended>) -> impl Iterator<Item = Ended> {
    ended.recv_timeout(LOOK_EVERY).into_iter().chain(ended.try_iter())
}

/// How the shards were asked for.
#[derive(Debug, Default)]
struct Lists {
    /// How often in a row it was in vain.
    failures: u32,
}

impl Lists {
    /// They were asked for; says how long to wait before they are again. A shard that has ended waits for it, and all windows for the shard.
    fn tried(&mut self, is_listed: bool) -> Duration {
        self.failures = if is_listed { 0 } else { self.failures.saturating_add(1) };
        if is_listed { LIST_EVERY } else { after_trouble(self.failures) }
    }
}

/// How many reads are going on.
#[derive(Debug, Default)]
struct Reads {
    count: Mutex<usize>,
    ended: Condvar,
}

/// One of them.
struct OneRead<'r>(&'r Reads);

impl Reads {
    /// Waits until there is room for one more.
    fn begin(&self) -> OneRead<'_> {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.wait_while(count, |count| *count >= READS_MAX);
        *waited.unwrap_or_else(PoisonError::into_inner) += 1;
        OneRead(self)
    }
}

impl Drop for OneRead<'_> {
    fn drop(&mut self) {
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use streamgauge_engine::time::Timestamp;

    #[test]
    fn shards_that_end_together_are_one_round() {
        let (ends, ended) = mpsc::channel();
        for shard in ["0", "1", "2"] {
            let stream = StreamId { name: "orders".into(), created_at: Timestamp::EPOCH };
            ends.send(Ended { stream, shard: shard.into(), outcome: Ok(()) }).unwrap();
        }
        let shards: Vec<_> = round(&ended).map(|one| one.shard).collect();
        assert_eq!(shards, ["0", "1", "2"].map(ShardId::from));
        assert_eq!(round(&ended).count(), 0);
    }

    #[test]
    fn a_list_that_failed_is_asked_for_again_soon_and_later_less_often() {
        let mut lists = Lists::default();
        let after: Vec<_> = [true, false, false, false, true, false]
            .into_iter()
            .map(|is_listed| lists.tried(is_listed).as_secs())
            .collect();
        assert_eq!(after, [30, 1, 2, 4, 30, 1]);
    }
}
