//! A step of the work that takes chunks in order, whoever brings them and in whatever order they come.

use super::lock;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A state that numbered items are folded into, one after another from 0 on.
pub(super) struct Stage<S, T> {
    state: Mutex<S>,
    waiting: Mutex<Waiting<T>>,
}

struct Waiting<T> {
    items: BTreeMap<u64, T>,
    next: u64,
}

impl<S, T> Stage<S, T> {
    /// A stage that waits for item 0.
    pub(super) const fn new(state: S) -> Self {
        let waiting = Waiting { items: BTreeMap::new(), next: 0 };
        Self { state: Mutex::new(state), waiting: Mutex::new(waiting) }
    }

    /// Puts an item where the stage finds it. Whoever puts must [`Self::run`] afterwards.
    pub(super) fn put(&self, number: u64, item: T) {
        lock(&self.waiting).items.insert(number, item);
    }

    /// Takes all items that are next in order, unless another thread is at it: that one takes them too.
    pub(super) fn run(&self, mut step: impl FnMut(&mut S, u64, T)) {
        while self.has_next() {
            let Ok(mut state) = self.state.try_lock() else { return };
            while let Some((number, item)) = self.next() {
                step(&mut state, number, item);
            }
            // An item may have come after the last look and before the state is let go: look again.
        }
    }

    fn has_next(&self) -> bool {
        let waiting = lock(&self.waiting);
        waiting.items.contains_key(&waiting.next)
    }

    fn next(&self) -> Option<(u64, T)> {
        let mut waiting = lock(&self.waiting);
        let number = waiting.next;
        let item = waiting.items.remove(&number)?;
        waiting.next += 1;
        Some((number, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_taken_in_order_as_they_become_next() {
        let stage = Stage::new(Vec::new());
        let take = |taken: &mut Vec<u64>, number: u64, item: u64| {
            assert_eq!(number * 10, item);
            taken.push(number);
        };
        stage.put(2, 20);
        stage.run(take);
        assert!(lock(&stage.state).is_empty());
        stage.put(0, 0);
        stage.run(take);
        assert_eq!(*lock(&stage.state), [0]);
        stage.put(1, 10);
        stage.run(take);
        assert_eq!(*lock(&stage.state), [0, 1, 2]);
    }

    #[test]
    fn many_threads_lose_nothing() {
        let stage = Stage::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let stage = &stage;
                scope.spawn(move || {
                    for number in (thread..4_000).step_by(4) {
                        stage.put(number, ());
                        stage.run(|taken: &mut Vec<u64>, taken_now, ()| taken.push(taken_now));
                    }
                });
            }
        });
        assert_eq!(*lock(&stage.state), (0..4_000).collect::<Vec<_>>());
    }
}
