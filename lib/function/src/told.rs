//! What an invocation has told people: a line for each lane of a channel that had something to do, and the sums of all.
//!
//! The fields of these lines have names of their own: metrics are made of those of the line of the whole invocation.

use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_pipeline::deliver::LaneDelivered;
use streamgauge_pipeline::port::Partition;
use tracing::info;

/// All lanes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Notifications that were taken.
    pub told: u64,
    /// Those that wait.
    pub untold: u64,
    /// For how long the first of them has, in milliseconds.
    pub untold_ms: Millis,
    /// Those that went to the dead letters, or had expired before they were sent.
    pub dead: u64,
}

impl Told {
    /// The sums of lanes, as of now.
    pub fn of(lanes: &[LaneDelivered], now: Timestamp) -> Self {
        let waited = |lane: &LaneDelivered| {
            let since = lane.waiting_since.or(lane.failing_since).filter(|_| lane.waiting > 0);
            since.map_or(0, |since| now.as_millis().saturating_sub(since.as_millis()))
        };
        Self {
            told: lanes.iter().map(|lane| lane.told).sum(),
            untold: lanes.iter().map(|lane| lane.waiting).sum(),
            untold_ms: lanes.iter().map(waited).max().unwrap_or(0).max(0),
            dead: lanes.iter().map(|lane| lane.dead + lane.expired).sum(),
        }
    }
}

/// Logs what each lane has done.
pub fn log(partition: Partition, lanes: &[LaneDelivered]) {
    for lane in lanes {
        info!(
            partition = partition.number(),
            lane = %lane.name,
            calls = lane.calls,
            taken = lane.told,
            retries = lane.retries,
            rejected = lane.rejected,
            unknown = lane.unknown,
            buried = lane.dead,
            expired = lane.expired,
            waiting = lane.waiting,
            "went to a channel"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_all_lanes_and_the_wait_is_the_longest() {
        let at = Timestamp::from_millis;
        let idle = LaneDelivered { told: 2, ..LaneDelivered::default() };
        let late = LaneDelivered {
            told: 1,
            dead: 1,
            expired: 1,
            waiting: 3,
            waiting_since: Some(at(4_000)),
            ..LaneDelivered::default()
        };
        let down = LaneDelivered {
            waiting: 1,
            failing_since: Some(at(7_000)),
            ..LaneDelivered::default()
        };
        let told = Told::of(&[idle.clone(), late, down], at(10_000));
        assert_eq!(told, Told { told: 3, untold: 4, untold_ms: 6_000, dead: 2 });
        assert_eq!(Told::of(&[idle], at(10_000)), Told { told: 2, ..Told::default() });
    }
}
