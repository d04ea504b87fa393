//! What the logs hold at the end: counters, rejects, dead letters.

use super::stream::SimulatedStream;
use super::world::Shared;
use streamgauge_engine::output::Counters;
use streamgauge_engine::stored;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::control::ControlEntry;
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::{Log, LogId, Logged, Version, Wanted};
use streamgauge_pipeline::shard_entry::{REJECTS, ShardEntry, read_rejects};

/// What the logs hold.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pub(super) counters: Counters,
    /// What the logs of upstream shards count: nothing.
    pub(super) counted_upstream: Counters,
    pub(super) rejects: Vec<String>,
    /// When the first plan was announced.
    pub(super) begins: Timestamp,
    /// The plans that came in force.
    pub(super) in_force: Vec<(String, Timestamp)>,
    /// Entries in the dead letters of points.
    pub(super) dead: usize,
}

/// Reads all logs.
pub(super) fn read(
    shared: &Shared,
    stream: &SimulatedStream,
    upstream: Option<&SimulatedStream>,
    partitions: u8,
) -> Logs {
    let mut logs = Logs::default();
    for key in upstream.into_iter().flat_map(SimulatedStream::keys) {
        for logged in all(shared, &LogId::shard(&key)) {
            let header = ShardEntry::decode(logged.entry.header()).unwrap();
            for section in header.sections {
                logs.counted_upstream.add(&stored::read_head(&section.head).unwrap().counters);
            }
        }
    }
    for key in stream.keys() {
        for logged in all(shared, &LogId::shard(&key)) {
            let header = ShardEntry::decode(logged.entry.header()).unwrap();
            let head = stored::read_head(&header.sections[0].head).unwrap();
            logs.counters.add(&head.counters);
            if let Some(chunk) = logged.entry.chunks().get(&REJECTS) {
                let rejects = read_rejects(chunk).unwrap();
                let payloads = rejects.into_iter().map(|reject| reject.payload);
                logs.rejects
                    .extend(payloads.map(|payload| String::from_utf8_lossy(&payload).into_owned()));
            }
        }
    }
    logs.rejects.sort();
    for logged in all(shared, &LogId::control()) {
        match ControlEntry::decode(&logged).unwrap() {
            ControlEntry::InForce { plan, from } => logs.in_force.push((plan, from)),
            ControlEntry::Announced { at, .. } if logs.in_force.is_empty() => logs.begins = at,
            _ => {}
        }
    }
    for number in 0..partitions {
        let partition = Partition::new(number).unwrap();
        logs.dead += all(shared, &LogId::dead_letters(partition)).len();
    }
    logs
}

fn all(shared: &Shared, log: &LogId) -> Vec<Logged> {
    let mut entries: Vec<Logged> = Vec::new();
    loop {
        let after = entries.last().map_or(Version::START, |last| last.version);
        let read = block_on(shared.log.inner.read(log, after, Wanted::All)).unwrap();
        if read.is_empty() {
            return entries;
        }
        entries.extend(read);
    }
}
