//! Which environment runs an invocation: a warm one, a new one, or none.
//!
//! AWS starts an environment whenever none is free, up to the account's and the function's concurrency. A laptop has fewer
//! processes to give, so there are two limits of our own, for one function and for all. Where the limit for all is reached and
//! an environment of another function is idle, the one that was idle for longest makes room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Abandoned environments of one function that may go on at once.
pub(crate) const ZOMBIES_MAX: u32 = 16;

/// What [`Pool::take`] found. `H` is whatever reaches an environment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<H> {
    /// This one is free.
    Warm(H),
    /// Start one, with this number; end the other one first.
    Cold(u32, Option<H>),
    /// No environment may run it.
    None,
}

/// The environments of all functions.
#[derive(Debug)]
pub(super) struct Pool<H> {
    environments_max: u32,
    functions: BTreeMap<Arc<str>, Places<H>>,
    /// Counts how often one became idle: the smallest number was idle for longest.
    turn: u64,
}

/// The environments of one function, by number.
#[derive(Debug)]
struct Places<H> {
    max: u32,
    idle: Vec<Idle<H>>,
    taken: BTreeSet<u32>,
    zombies: BTreeSet<u32>,
    started: u32,
}

#[derive(Debug)]
struct Idle<H> {
    number: u32,
    turn: u64,
    handle: H,
}

impl<H> Pool<H> {
    /// A pool for functions, each with how many may run at once.
    pub(super) fn new(
        environments_max: u32,
        functions: impl IntoIterator<Item = (Arc<str>, u32)>,
    ) -> Self {
        let empty = |max| Places {
            max,
            idle: Vec::new(),
            taken: BTreeSet::new(),
            zombies: BTreeSet::new(),
            started: 0,
        };
        let functions = functions.into_iter().map(|(name, max)| (name, empty(max))).collect();
        Self { environments_max, functions, turn: 0 }
    }

    /// An environment for one invocation: the one that was used last, since it is the warmest.
    pub(super) fn take(&mut self, function: &str) -> Taken<H> {
        let all: usize = self.functions.values().map(|of| of.idle.len() + of.taken.len()).sum();
        let is_full = u32::try_from(all).is_ok_and(|all| all >= self.environments_max);
        let Some(places) = self.functions.get_mut(function) else { return Taken::None };
        if u32::try_from(places.taken.len()).is_ok_and(|taken| taken >= places.max) {
            return Taken::None;
        }
        if let Some(idle) = places.idle.pop() {
            places.taken.insert(idle.number);
            return Taken::Warm(idle.handle);
        }
        let evicted = if is_full { self.evict() } else { None };
        if is_full && evicted.is_none() {
            return Taken::None;
        }
        self.functions.get_mut(function).map_or(Taken::None, |grown| {
            grown.started += 1;
            grown.taken.insert(grown.started);
            Taken::Cold(grown.started, evicted)
        })
    }

    /// Takes out the environment that was idle for longest. Those of one function stand in the order in which they became so.
    fn evict(&mut self) -> Option<H> {
        let longest = self
            .functions
            .values_mut()
            .filter(|places| !places.idle.is_empty())
            .min_by_key(|places| places.idle.first().map(|idle| idle.turn))?;
        Some(longest.idle.remove(0).handle)
    }

    /// A taken environment is free again.
    pub(super) fn give_back(&mut self, function: &str, number: u32, handle: H) {
        self.turn += 1;
        if let Some(places) = self.functions.get_mut(function)
            && places.taken.remove(&number)
        {
            places.idle.push(Idle { number, turn: self.turn, handle });
        }
    }

    /// A taken environment goes on without counting, since its caller has given it up. Answers whether it may.
    pub(super) fn abandon(&mut self, function: &str, number: u32) -> bool {
        let Some(places) = self.functions.get_mut(function) else { return false };
        let may = u32::try_from(places.zombies.len()).is_ok_and(|zombies| zombies < ZOMBIES_MAX);
        if may && places.taken.remove(&number) {
            places.zombies.insert(number);
        }
        may
    }

    /// An environment is no more.
    pub(super) fn remove(&mut self, function: &str, number: u32) {
        if let Some(places) = self.functions.get_mut(function) {
            places.idle.retain(|idle| idle.number != number);
            places.taken.remove(&number);
            places.zombies.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool of `a` with two places and `b` with one, and so many for both. A handle is the environment's name.
    fn pool(environments_max: u32) -> Pool<&'static str> {
        Pool::new(environments_max, [("a".into(), 2), ("b".into(), 1)])
    }

    #[test]
    fn new_environments_are_started_up_to_the_functions_limit() {
        let mut pool = pool(9);
        assert_eq!(pool.take("a"), Taken::Cold(1, None));
        assert_eq!(pool.take("a"), Taken::Cold(2, None));
        assert_eq!(pool.take("a"), Taken::None);
        assert_eq!(pool.take("b"), Taken::Cold(1, None));
        assert_eq!(pool.take("c"), Taken::None);
    }

    #[test]
    fn the_last_used_environment_is_used_again() {
        let mut pool = pool(9);
        pool.take("a");
        pool.take("a");
        pool.give_back("a", 2, "a2");
        pool.give_back("a", 1, "a1");
        assert_eq!(pool.take("a"), Taken::Warm("a1"));
        assert_eq!(pool.take("a"), Taken::Warm("a2"));
        assert_eq!(pool.take("a"), Taken::None);
    }

    #[test]
    fn an_environment_that_is_no_more_makes_room_and_its_number_does_not_come_again() {
        let mut pool = pool(9);
        pool.take("a");
        pool.take("a");
        pool.remove("a", 1);
        pool.remove("a", 1);
        assert_eq!(pool.take("a"), Taken::Cold(3, None));
        assert_eq!(pool.take("a"), Taken::None);
        pool.give_back("a", 2, "a2");
        pool.remove("a", 2);
        assert_eq!(pool.take("a"), Taken::Cold(4, None));
    }

    #[test]
    fn where_all_places_are_taken_the_one_that_was_idle_for_longest_goes() {
        let mut pool = pool(2);
        pool.take("a");
        pool.take("a");
        assert_eq!(pool.take("b"), Taken::None);
        pool.give_back("a", 2, "a2");
        pool.give_back("a", 1, "a1");
        assert_eq!(pool.take("b"), Taken::Cold(1, Some("a2")));
        pool.remove("a", 2);
        assert_eq!(pool.take("a"), Taken::Warm("a1"));
        assert_eq!(pool.take("a"), Taken::None);
    }

    #[test]
    fn an_abandoned_environment_does_not_count_and_does_not_come_back() {
        let mut pool = pool(1);
        pool.take("a");
        assert!(pool.abandon("a", 1));
        assert_eq!(pool.take("a"), Taken::Cold(2, None));
        pool.give_back("a", 1, "a1");
        assert_eq!(pool.take("a"), Taken::None);
    }

    #[test]
    fn only_so_many_are_abandoned_at_once() {
        let mut pool = pool(1);
        for number in 1..=ZOMBIES_MAX {
            assert_eq!(pool.take("a"), Taken::Cold(number, None));
            assert!(pool.abandon("a", number));
        }
        pool.take("a");
        assert!(!pool.abandon("a", ZOMBIES_MAX + 1));
        pool.remove("a", 1);
        assert!(pool.abandon("a", ZOMBIES_MAX + 1));
    }

    #[test]
    fn a_reserved_concurrency_of_zero_runs_nothing() {
        let mut pool: Pool<()> = Pool::new(9, [("a".into(), 0)]);
        assert_eq!(pool.take("a"), Taken::None);
    }
}
