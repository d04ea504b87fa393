//! Whether a mapping has nothing to do any more: all shards are at their tip, and nothing waits, is in flight or undecided.
//!
//! A shard at its tip may have got a record a moment ago, so the question has a number: the answer counts only what was read
//! and listed after it was asked. Each shard says with which number it found nothing, and takes that back as soon as it
//! finds something.

use crate::lock::lock;
use crate::stream::ShardId;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use tokio::sync::watch;

/// What the shards of a mapping say.
#[derive(Debug)]
pub(super) struct Drain {
    asked: watch::Sender<u64>,
    changed: watch::Sender<()>,
    waiters: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the last listing that showed no shard which has yet to be begun.
    listed: Option<u64>,
    /// The shards that are read, with the number of the last read that found nothing while nothing was to do.
    shards: BTreeMap<ShardId, Option<u64>>,
}

impl State {
    fn is_quiet(&self, number: u64) -> bool {
        let is_recent = |quiet: &Option<u64>| quiet.is_some_and(|quiet| quiet >= number);
        is_recent(&self.listed) && self.shards.values().all(is_recent)
    }
}

impl Drain {
    pub(super) fn new() -> Self {
        Self {
            asked: watch::Sender::new(0),
            changed: watch::Sender::new(()),
            waiters: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    /// Waits until there is nothing to do.
    pub(super) async fn drained(&self) {
        let _waiter = Waiter::new(&self.waiters);
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            number = *asked;
        });
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if self.state().is_quiet(number) {
                return;
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether there was nothing to do when it was last looked.
    pub(super) fn is_quiet(&self) -> bool {
        self.state().is_quiet(0)
    }

    /// Whether somebody waits: then it is looked more often.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiters.load(Ordering::Relaxed) > 0
    }

    /// The number of the last question.
    pub(super) fn number(&self) -> u64 {
        *self.asked.borrow()
    }

    /// Sees each question.
    pub(super) fn questions(&self) -> watch::Receiver<u64> {
        self.asked.subscribe()
    }

    /// The shards were listed; a number if all are being read or ended.
    pub(super) fn listed(&self, number: Option<u64>) {
        self.state().listed = number;
        self.tell();
    }

    /// A shard is read from now on.
    pub(super) fn begun(&self, shard: &ShardId) {
        self.state().shards.insert(ShardId::clone(shard), None);
    }

    /// A shard found nothing while nothing was to do, or has something to do.
    pub(super) fn found(&self, shard: &ShardId, nothing: Option<u64>) {
        if let Some(quiet) = self.state().shards.get_mut(shard) {
            *quiet = nothing;
        }
        self.tell();
    }

    /// A shard is read no more. Its children have yet to be listed.
    pub(super) fn ended(&self, shard: &ShardId) {
        let mut state = self.state();
        state.shards.remove(shard);
        state.listed = None;
    }

    fn tell(&self) {
        self.changed.send_replace(());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Somebody who waits, until dropped.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn new(waiters: &'a AtomicUsize) -> Self {
        waiters.fetch_add(1, Ordering::Relaxed);
        Self(waiters)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn an_answer_counts_only_what_was_seen_after_the_question() {
        let drain = Arc::new(Drain::new());
        let shard: ShardId = "shardId-0".into();
        drain.begun(&shard);
        drain.listed(Some(0));
        assert!(!drain.is_quiet());
        drain.found(&shard, Some(0));
        assert!(drain.is_quiet());
        let mut questions = drain.questions();
        let asking = tokio::spawn({
            let drain = Arc::clone(&drain);
            async move { drain.drained().await }
        });
        questions.changed().await.unwrap();
        assert!(drain.is_awaited() && !asking.is_finished());
        drain.found(&shard, Some(1));
        drain.listed(Some(1));
        asking.await.unwrap();
        drain.found(&shard, None);
        assert!(!drain.is_quiet() && !drain.is_awaited());
        drain.ended(&shard);
        assert!(!drain.is_quiet(), "children have yet to be listed");
        drain.listed(Some(1));
        assert!(drain.is_quiet());
    }
}
