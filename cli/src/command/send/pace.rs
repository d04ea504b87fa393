//! When an event is due: pure, in lengths of time since the first one.

use std::time::Duration;
use streamgauge_engine::time::Timestamp;

/// How fast events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As fast as the stream takes them.
    Unbounded,
    /// So many a second. After a pause that the stream made, the rate is caught up with.
    Rate(u32),
    /// So many times as fast as they happened.
    Speed(u32),
}

/// The pace of a run of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paced {
    pace: Pace,
    count: u64,
    first: Option<Timestamp>,
    last: Duration,
}

impl Paced {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, count: 0, first: None, last: Duration::ZERO }
    }

    /// When the next event is due, which happened at this time, if that is known. Events are sent in the order in which they
    /// come: one that happened before its predecessor, or at an unknown time, is due at once.
    pub(super) fn due(&mut self, happened: Option<Timestamp>) -> Duration {
        let due = match self.pace {
            Pace::Unbounded => Duration::ZERO,
            Pace::Rate(rate) => divided(u128::from(self.count) * 1_000_000_000, rate),
            Pace::Speed(speed) => happened.map_or(Duration::ZERO, |happened| {
                let first = *self.first.get_or_insert(happened);
                let passed_ms = happened.as_millis().saturating_sub(first.as_millis());
                divided(u128::try_from(passed_ms).unwrap_or_default() * 1_000_000, speed)
            }),
        };
        self.count += 1;
        self.last = self.last.max(due);
        self.last
    }
}

/// At most 584 years.
fn divided(nanoseconds: u128, by: u32) -> Duration {
    let nanoseconds = nanoseconds / u128::from(by.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows it events by their times in milliseconds: when each is due, in milliseconds.
    #[track_caller]
    fn check(pace: Pace, happened: &[Option<i64>], expect_ms: &[u128]) {
        let mut paced = Paced::new(pace);
        let due = happened.iter().map(|happened| paced.due(happened.map(Timestamp::from_millis)));
        assert_eq!(due.map(|due| due.as_millis()).collect::<Vec<_>>(), expect_ms);
    }

    const START: i64 = 1_767_607_200_000;

    #[test]
    fn without_a_pace_all_is_due_at_once() {
        check(Pace::Unbounded, &[Some(START), Some(START + 9), None], &[0, 0, 0]);
    }

    #[test]
    fn a_rate_has_no_drift() {
        check(Pace::Rate(4), &[None; 6], &[0, 250, 500, 750, 1_000, 1_250]);
        let mut paced = Paced::new(Pace::Rate(3));
        let last = (0..3_000_001).map(|_| paced.due(None)).last();
        assert_eq!(last, Some(Duration::from_secs(1_000_000)));
    }

    #[test]
    fn a_speed_divides_the_time_between_events() {
        let events = [0, 1_000, 1_000, 3_600_000].map(|after| Some(START + after));
        check(Pace::Speed(1), &events, &[0, 1_000, 1_000, 3_600_000]);
        check(Pace::Speed(60), &events, &[0, 16, 16, 60_000]);
    }

    #[test]
    fn events_that_overtake_or_have_no_time_wait_for_nothing_but_their_predecessors() {
        let events =
            [None, Some(START), Some(START + 50), Some(START - 70), None, Some(START + 60)];
        check(Pace::Speed(1), &events, &[0, 0, 50, 50, 50, 60]);
    }

    #[test]
    fn the_ends_of_time_are_far_off_and_no_panic() {
        check(Pace::Speed(1), &[Some(i64::MIN), Some(i64::MAX)], &[0, 18_446_744_073_709]);
    }
}
