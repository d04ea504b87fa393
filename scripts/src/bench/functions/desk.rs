//! A world for `aggregate` without a network: one stream with one shard, and everything kept in memory.

use super::payload::{SHARD, STREAM};
use streamgauge_function::rules::DeployedRules;
use streamgauge_pipeline::memory::{
    MemoryLog, MemorySnapshots, MemorySource, MemoryWake, VirtualClock,
};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::StreamId;
use streamgauge_pipeline::world::World;

/// Room for everything, in bytes.
const BYTES: usize = 1 << 30;

/// The ports of a function.
#[derive(Debug)]
pub(super) struct Desk {
    log: MemoryLog<VirtualClock>,
    snapshots: MemorySnapshots<VirtualClock>,
    streams: Vec<MemorySource<VirtualClock>>,
    wake: MemoryWake<VirtualClock>,
    clock: VirtualClock,
    rules: DeployedRules,
}

impl Desk {
    /// A world in which nothing has happened yet, on this clock, with these rules.
    pub(super) fn new(clock: &VirtualClock, rules: &str) -> Self {
        let id = StreamId { name: STREAM.into(), created_at: clock.now() };
        let stream = MemorySource::new(id, clock.clone(), BYTES);
        stream.open(&SHARD.into(), &[]);
        let files = vec![("rules.yaml".to_owned(), rules.to_owned())];
        Self {
            log: MemoryLog::new(clock.clone(), BYTES),
            snapshots: MemorySnapshots::new(clock.clone(), BYTES),
            streams: vec![stream],
            wake: MemoryWake::new(clock.clone()),
            clock: clock.clone(),
            rules: DeployedRules::of(files, &|_| None),
        }
    }
}

impl World for Desk {
    type Log = MemoryLog<VirtualClock>;
    type Snapshots = MemorySnapshots<VirtualClock>;
    type Stream = MemorySource<VirtualClock>;
    type Wake = MemoryWake<VirtualClock>;
    type Clock = VirtualClock;
    type Rules = DeployedRules;

    fn log(&self) -> &Self::Log {
        &self.log
    }

    fn snapshots(&self) -> &Self::Snapshots {
        &self.snapshots
    }

    fn streams(&self) -> &[Self::Stream] {
        &self.streams
    }

    fn wake(&self) -> &Self::Wake {
        &self.wake
    }

    fn clock(&self) -> &Self::Clock {
        &self.clock
    }

    fn rules(&self) -> &Self::Rules {
        &self.rules
    }
}
