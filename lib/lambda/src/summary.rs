//! A run in numbers: a fold over [`Happening`]s, with the standing of each shard on the way.
//!
//! | number | counts |
//! | --- | --- |
//! | invocations | each time that a function was run; throttled ones were not |
//! | records | what answers said is done: all of a batch, or what a partial answer left |
//! | retries, bisects | batches that came again, batches that were cut |
//! | discarded, on failure | records that were given up, and those of them of which a destination knows |
//!
//! Everything is kept by name and in order, so that the same run gives the same summary.

mod durations;

use crate::happening::{Ending, Happening, ShardStanding};
use crate::invoke::{Cause, Report};
use crate::stream::ShardId;
use durations::widen;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use durations::Durations;

/// Shards whose standing is kept; beyond it, those that have ended go first.
pub const SHARDS_MAX: usize = 10_000;

/// The error type of an invocation that took too long.
const TIMED_OUT: &str = "Sandbox.Timedout";

/// What a run has seen so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// By the function's name.
    pub functions: BTreeMap<Arc<str>, FunctionSummary>,
    /// By the mapping's name; asynchronous invocations that were given up stand under their function's name.
    pub mappings: BTreeMap<Arc<str>, MappingSummary>,
    /// How each shard of each mapping stands.
    pub shards: BTreeMap<(Arc<str>, ShardId), ShardSummary>,
    /// Faults that were done on purpose.
    pub faults: u64,
    /// Times that something outside failed.
    pub troubles: u64,
}

/// One shard of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardSummary {
    /// How it stands.
    pub standing: ShardStanding,
    /// Batches of it that came again.
    pub retries: u64,
}

/// One function's numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FunctionSummary {
    /// Times that it was run.
    pub invocations: u64,
    /// Runs that failed, time-outs too.
    pub errors: u64,
    /// Runs that took too long.
    pub timeouts: u64,
    /// Requests for which no environment was free.
    pub throttles: u64,
    /// Requests of which nobody knows whether they ran.
    pub unreachable: u64,
    /// Runs that began with the start of an environment.
    pub cold_starts: u64,
    /// The highest number of an environment.
    pub environments: u32,
    /// How long runs took.
    pub durations: Durations,
    /// What AWS would bill, in milliseconds.
    pub billed_ms: u64,
    /// The same times the memory, in MB and milliseconds: what the price per GB-second is about.
    pub billed_mb_ms: u64,
    /// The memory that it may have, in MB.
    pub memory_mb: u32,
    /// The most memory that it had, in MB, where that is known.
    pub memory_used_mb: Option<u32>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// One mapping's numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingSummary {
    /// Times that its function was asked; also those of which nobody knows whether it ran.
    pub invocations: u64,
    /// Records or messages that answers said are done.
    pub records: u64,
    /// Runs that failed.
    pub errors: u64,
    /// Answers by which a part of the batch had failed.
    pub partial: u64,
    /// Batches that came again.
    pub retries: u64,
    /// Batches that were cut in two.
    pub bisects: u64,
    /// Records that were given up.
    pub discarded: u64,
    /// Those of them of which a document went to a destination.
    pub on_failure: u64,
}

impl Summary {
    /// Takes note of something that happened.
    pub fn see(&mut self, happening: &Happening) {
        match happening {
            Happening::Log { .. } => {}
            Happening::Invoked { function, cause, ending, report, .. } => {
                self.function(function).see(ending, report);
                if let Some((mapping, records)) = batch(cause) {
                    self.mapping(mapping).see(records, ending);
                }
            }
            Happening::Shard(standing) => {
                self.shard(&standing.mapping, &standing.shard).standing = standing.clone();
                self.forget();
            }
            Happening::Retried { mapping, shard, .. } => {
                self.mapping(mapping).retries += 1;
                if let Some(shard) = shard {
                    self.shard(mapping, shard).retries += 1;
                    self.forget();
                }
            }
            Happening::Bisected { mapping, .. } => self.mapping(mapping).bisects += 1,
            Happening::Discarded { mapping, records, destination, .. } => {
                let summary = self.mapping(mapping);
                summary.discarded += widen(*records);
                if destination.is_some() {
                    summary.on_failure += widen(*records);
                }
            }
            Happening::Fault { .. } => self.faults += 1,
            Happening::Trouble { .. } => self.troubles += 1,
        }
    }

    /// Records and events that were given up.
    pub fn discarded(&self) -> u64 {
        self.mappings.values().map(|mapping| mapping.discarded).sum()
    }

    fn function(&mut self, name: &Arc<str>) -> &mut FunctionSummary {
        self.functions.entry(Arc::clone(name)).or_default()
    }

    fn mapping(&mut self, name: &Arc<str>) -> &mut MappingSummary {
        self.mappings.entry(Arc::clone(name)).or_default()
    }

    fn shard(&mut self, mapping: &Arc<str>, shard: &ShardId) -> &mut ShardSummary {
        let key = (Arc::clone(mapping), Arc::clone(shard));
        self.shards.entry(key).or_insert_with(|| ShardSummary {
            standing: ShardStanding {
                mapping: Arc::clone(mapping),
                shard: Arc::clone(shard),
                position: None,
                behind_ms: 0,
                waiting: 0,
                in_flight: 0,
                ended: false,
                last_error: None,
            },
            retries: 0,
        })
    }

    /// Drops a shard if there are too many.
    fn forget(&mut self) {
        if self.shards.len() > SHARDS_MAX {
            let ended = self.shards.iter().find(|(_, shard)| shard.standing.ended);
            let gone = ended.or_else(|| self.shards.iter().next()).map(|(gone, _)| gone.clone());
            if let Some(gone) = gone {
                self.shards.remove(&gone);
            }
        }
    }
}

/// The mapping behind an invocation, and how many records it was about.
fn batch(cause: &Cause) -> Option<(&Arc<str>, usize)> {
    match cause {
        Cause::Kinesis(cause) => Some((&cause.mapping, cause.records)),
        Cause::Sqs { mapping, messages, .. } => Some((mapping, *messages)),
        Cause::Direct | Cause::Asynchronous { .. } => None,
    }
}

impl FunctionSummary {
    fn see(&mut self, ending: &Ending, report: &Report) {
        match ending {
            Ending::Success | Ending::Partial { .. } => {}
            Ending::Error { text } => {
                self.errors += 1;
                self.timeouts += u64::from(text.starts_with(TIMED_OUT));
                self.last_error = Some(text.clone());
            }
            Ending::Throttled => {
                self.throttles += 1;
                return;
            }
            Ending::Unreachable { text } => {
                self.unreachable += 1;
                self.last_error = Some(text.clone());
            }
        }
        // What never reached an environment took nothing.
        if report.environment == 0 {
            return;
        }
        self.invocations += 1;
        self.cold_starts += u64::from(report.init.is_some());
        self.environments = self.environments.max(report.environment);
        self.durations.add(report.duration);
        let billed = milliseconds(report.billed);
        self.billed_ms = self.billed_ms.saturating_add(billed);
        let memory = u64::from(report.memory_mb);
        self.billed_mb_ms = self.billed_mb_ms.saturating_add(billed.saturating_mul(memory));
        self.memory_mb = report.memory_mb;
        self.memory_used_mb = self.memory_used_mb.max(report.memory_used_mb);
    }
}

impl MappingSummary {
    fn see(&mut self, records: usize, ending: &Ending) {
        let done = match ending {
            Ending::Success => records,
            Ending::Partial { failed } => {
                self.partial += 1;
                records.saturating_sub(*failed)
            }
            Ending::Error { .. } | Ending::Unreachable { .. } => {
                self.errors += 1;
                0
            }
            Ending::Throttled => return,
        };
        self.invocations += 1;
        self.records += widen(done);
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
