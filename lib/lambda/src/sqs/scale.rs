//! How many pollers a mapping has. A poller makes one batch at a time and waits for its end, so this is the concurrency.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>: five batches at once in the beginning; as long as
//! messages are available up to 300 more per minute; at most 1,000, or the maximum concurrency. That messages are available is
//! seen here by all pollers being busy: one more is added, and the next one at the earliest 200 ms later. While the function
//! throttles, more pollers would only use up more messages' receives: none is added.

use super::CONCURRENCY_MAX;
use std::time::Duration;

/// Pollers in the beginning, and on a queue without messages.
const POLLERS_MIN: usize = 5;

/// The time between two new pollers: a minute has 300 of these.
pub(super) const GROWTH_PAUSE: Duration = Duration::from_millis(200);

/// The pollers of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crew {
    pub(super) pollers: usize,
    /// Those without a message.
    pub(super) idle: usize,
    /// Those whose batch is throttled.
    throttled: usize,
    min: usize,
    max: usize,
}

impl Crew {
    /// The first pollers.
    pub(super) fn new(concurrency_max: Option<usize>) -> Self {
        let max = concurrency_max.unwrap_or(CONCURRENCY_MAX).max(1);
        let min = POLLERS_MIN.min(max);
        Self { pollers: min, idle: min, throttled: 0, min, max }
    }

    /// A poller has its first message. Tells whether one more is wanted.
    pub(super) fn begin(&mut self) -> bool {
        self.idle = self.idle.saturating_sub(1);
        self.idle == 0
    }

    /// A poller is done with its batch.
    pub(super) fn end(&mut self) {
        self.idle = (self.idle + 1).min(self.pollers);
    }

    /// A poller's batch was throttled and waits.
    pub(super) fn pause(&mut self) {
        self.throttled += 1;
    }

    /// It is tried again, or given up.
    pub(super) fn resume(&mut self) {
        self.throttled = self.throttled.saturating_sub(1);
    }

    /// Adds a poller if one is wanted.
    pub(super) fn grow(&mut self) -> bool {
        let grows = self.idle == 0 && self.throttled == 0 && self.pollers < self.max;
        if grows {
            self.pollers += 1;
            self.idle += 1;
        }
        grows
    }

    /// Lets an idle poller go if there are more than in the beginning.
    pub(super) fn shrink(&mut self) -> bool {
        let shrinks = self.pollers > self.min;
        if shrinks {
            self.pollers -= 1;
            self.idle = self.idle.saturating_sub(1);
        }
        shrinks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(crew: Crew, pollers: usize, idle: usize) {
        assert_eq!((crew.pollers, crew.idle), (pollers, idle));
    }

    #[test]
    fn a_crew_begins_with_five_or_what_is_allowed() {
        check(Crew::new(None), 5, 5);
        check(Crew::new(Some(2)), 2, 2);
        check(Crew::new(Some(50)), 5, 5);
    }

    #[test]
    fn a_crew_grows_while_all_are_busy_up_to_its_maximum() {
        let mut crew = Crew::new(Some(6));
        assert_eq!([(); 5].map(|()| crew.begin()), [false, false, false, false, true]);
        assert!(crew.grow());
        check(crew, 6, 1);
        assert!(!crew.grow(), "one is idle");
        assert!(crew.begin());
        assert!(!crew.grow(), "six is the most");
        crew.end();
        check(crew, 6, 1);
    }

    #[test]
    fn a_crew_does_not_grow_while_the_function_throttles() {
        let mut crew = Crew::new(Some(6));
        for _ in 0..5 {
            crew.begin();
        }
        crew.pause();
        assert!(!crew.grow());
        crew.resume();
        assert!(crew.grow());
    }

    #[test]
    fn a_crew_shrinks_to_where_it_began() {
        let mut crew = Crew::new(Some(6));
        assert!(!crew.shrink());
        for _ in 0..5 {
            crew.begin();
        }
        crew.grow();
        assert!(crew.shrink());
        check(crew, 5, 0);
    }
}
