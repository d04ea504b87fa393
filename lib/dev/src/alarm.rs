//! What a thread sleeps by: it is woken when there is something to do, at a time that was asked for, and now and then in any case.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use streamgauge_engine::time::{Millis, SECOND_MS, Timestamp};

/// Appends settle at most so often: what else is appended until then costs no further entry.
const TOGETHER_MS: Millis = SECOND_MS / 10;

/// So many times can be asked for; beyond that the latest go, since the thread looks now and then in any case.
const TIMES_MAX: usize = 1_000;

/// Wakes one thread.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_rung: bool,
    is_over: bool,
    /// The times that were asked for. All of them: who asked for a later one does not ask again when it is woken by an earlier one.
    times: BTreeSet<Timestamp>,
}

impl Alarm {
    /// There is something to do.
    pub(crate) fn ring(&self) {
        self.lock().is_rung = true;
        self.rung.notify_all();
    }

    /// There will be something to do.
    pub(crate) fn ring_at(&self, at: Timestamp) {
        let mut state = self.lock();
        state.times.insert(at);
        if state.times.len() > TIMES_MAX {
            state.times.pop_last();
        }
        drop(state);
        self.rung.notify_all();
    }

    /// The thread is to end.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.rung.notify_all();
    }

    /// Sleeps until there is something to do, for so long at most; false: the thread is to end.
    pub(crate) fn wait(&self, now: impl Fn() -> Timestamp, max_ms: Millis) -> bool {
        let mut state = self.lock();
        let began_at = now();
        loop {
            let now = now();
            let until = began_at.plus(max_ms);
            let until = state.times.first().map_or(until, |at| until.min(*at));
            // A clock that was set back makes nobody sleep for longer.
            let is_time = now >= until || now < began_at;
            if state.is_rung || state.is_over || is_time {
                state.is_rung = false;
                state.times.retain(|at| *at > now);
                return !state.is_over;
            }
            let left_ms = u64::try_from(until.as_millis() - now.as_millis()).unwrap_or_default();
            let waited = self.rung.wait_timeout(state, Duration::from_millis(left_ms));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When what is appended is settled. After quiet that is at once: nobody waits for others that do not come. While more comes, all of
/// some time is settled together, as if it had always waited: under load it costs no entry more.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the last append is settled.
    last: Option<Timestamp>,
}

impl Pace {
    /// When what was appended now is settled.
    pub(crate) fn appended(&mut self, now: Timestamp) -> Timestamp {
        let at = match self.last {
            // It is still to come.
            Some(last) if now < last && last <= now.plus(TOGETHER_MS) => last,
            // A clock that was set back makes nobody wait.
            Some(last) if last <= now => now.max(last.plus(TOGETHER_MS)),
            _ => now,
        };
        self.last = Some(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn it_wakes_when_it_was_rung_when_it_is_time_and_when_it_is_over() {
        let alarm = Alarm::default();
        alarm.ring();
        assert!(alarm.wait(|| at(0), 1_000_000));
        alarm.ring_at(at(9));
        alarm.ring_at(at(5));
        assert!(alarm.wait(|| at(5), 1_000_000));
        assert_eq!(alarm.lock().times, [at(9)].into(), "the later one is not forgotten");
        assert!(alarm.wait(|| at(9), 1_000_000));
        assert!(alarm.lock().times.is_empty());
        let times = RefCell::new([at(0), at(7)].into_iter());
        assert!(alarm.wait(|| times.borrow_mut().next_back().unwrap(), 1), "it was set back");
        alarm.end();
        assert!(!alarm.wait(|| at(0), 1_000_000));
    }

    #[test]
    fn of_more_times_than_it_keeps_the_earliest_are_kept() {
        let alarm = Alarm::default();
        (0..2 * 1_000).rev().for_each(|millis| alarm.ring_at(at(millis)));
        assert_eq!(alarm.lock().times.len(), TIMES_MAX);
        assert!(alarm.wait(|| at(0), 1_000_000));
    }

    #[test]
    fn the_first_after_quiet_is_settled_at_once_and_more_of_it_together() {
        let mut pace = Pace::default();
        let cases = [
            (1_000, 1_000),
            (1_001, 1_100),
            (1_099, 1_100),
            (1_100, 1_200),
            (1_199, 1_200),
            (1_300, 1_300),
            (1_399, 1_400),
            (9_000, 9_000),
            (5, 5),
        ];
        for (now, expect) in cases {
            let at = pace.appended(Timestamp::from_millis(now));
            assert_eq!(at, Timestamp::from_millis(expect), "{now}");
        }
    }
}
