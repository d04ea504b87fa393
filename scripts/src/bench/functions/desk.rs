//! A world for `aggregate` without a network: one stream with one shard, and everything kept in memory.

use super::payload::{SHARD, STREAM};
use streamgauge_function::rules::DeployedRules;
use streamgauge_pipeline::memory::{MemoryPorts, MemorySource, MemoryWorld, VirtualClock};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::StreamId;

/// Room for everything, in bytes.
const BYTES: usize = 1 << 30;

/// A world in which nothing has happened yet, on this clock, with these rules.
pub(super) fn desk(clock: &VirtualClock, rules: &str) -> MemoryWorld<DeployedRules> {
    let id = StreamId { name: STREAM.into(), created_at: clock.now() };
    let stream = MemorySource::new(id, clock.clone(), BYTES);
    stream.open(&SHARD.into(), &[]);
    let files = vec![("rules.yaml".to_owned(), rules.to_owned())];
    MemoryWorld {
        ports: MemoryPorts::new(clock.clone(), vec![stream], BYTES),
        rules: DeployedRules::of(files, &|_| None),
    }
}
