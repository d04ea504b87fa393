//! The memory adapters of a stack in one, and the world of each of its functions.

use super::{MemoryLog, MemorySnapshots, MemorySource, MemoryWake, VirtualClock};
use crate::port::rules::Rules;
use crate::world::World;
use std::sync::Arc;

/// What functions share, on one clock.
#[derive(Debug)]
pub struct MemoryPorts {
    /// The logs.
    pub log: MemoryLog<VirtualClock>,
    /// The snapshots.
    pub snapshots: MemorySnapshots<VirtualClock>,
    /// The streams that take part in the watermark.
    pub streams: Vec<MemorySource<VirtualClock>>,
    /// The wake-ups.
    pub wake: MemoryWake<VirtualClock>,
    /// The clock of all of them.
    pub clock: VirtualClock,
}

impl MemoryPorts {
    /// Empty logs and snapshots, which take so many bytes each, beside these streams.
    pub fn new(
        clock: VirtualClock,
        streams: Vec<MemorySource<VirtualClock>>,
        bytes_max: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            log: MemoryLog::new(clock.clone(), bytes_max),
            snapshots: MemorySnapshots::new(clock.clone(), bytes_max),
            streams,
            wake: MemoryWake::new(clock.clone()),
            clock,
        })
    }
}

/// The world of one function: what it shares with others, and the rules that it was deployed with.
#[derive(Clone, Debug)]
pub struct MemoryWorld<R> {
    /// What it shares.
    pub ports: Arc<MemoryPorts>,
    /// Its rules.
    pub rules: R,
}

impl<R: Rules> World for MemoryWorld<R> {
    type Log = MemoryLog<VirtualClock>;
    type Snapshots = MemorySnapshots<VirtualClock>;
    type Stream = MemorySource<VirtualClock>;
    type Wake = MemoryWake<VirtualClock>;
    type Clock = VirtualClock;
    type Rules = R;

    fn log(&self) -> &Self::Log {
        &self.ports.log
    }

    fn snapshots(&self) -> &Self::Snapshots {
        &self.ports.snapshots
    }

    fn streams(&self) -> &[Self::Stream] {
        &self.ports.streams
    }

    fn wake(&self) -> &Self::Wake {
        &self.ports.wake
    }

    fn clock(&self) -> &Self::Clock {
        &self.ports.clock
    }

    fn rules(&self) -> &Self::Rules {
        &self.rules
    }
}
