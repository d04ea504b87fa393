//! The worker: takes payloads as `aggregate` does, on one thread and without a network, and prints what each step took.
//!
//! The steps are those of the function: the body is seen to be text, the payload becomes a batch, and the batch an entry
//! of the log (decoded, deduplicated, folded, encoded, and now and then a snapshot of the state). What is left out is the
//! call that stores the entry.

use super::desk::desk;
use super::payload::{Alerts, RECORDS, STREAM, arrived_ms, payload, rules};
use crate::bench::rounds::median;
use anyhow::{Context, ensure};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::io::Write;
use streamgauge_engine::time::Timestamp;
use streamgauge_kinesis::event;
use streamgauge_pipeline::aggregate::{Aggregate, Settings};
use streamgauge_pipeline::memory::{VirtualClock, block_on};

/// The bytes of an item's names and keys.
const NAMES_BYTES: usize = 150;
/// The largest state that is kept in its root.
const SMALL_STATE_BYTES_MAX: usize = 64 << 10;

/// What to take.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// In how many series the records are
    #[arg(long)]
    series: u64,
    /// How many milliseconds there are between two records
    #[arg(long)]
    gap_ms: i64,
    /// How many batches come before it counts
    #[arg(long)]
    warm_up: u64,
    /// How many batches are measured
    #[arg(long)]
    batches: u64,
    /// What alerts look at; without it there are none
    #[arg(long, default_value = "none")]
    alerts: Alerts,
}

/// What taking a batch of 1,000 records took; times are nanoseconds of CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Took {
    /// The median from the body to the payload.
    pub(crate) body_nanos: i64,
    /// The median from the payload to a batch.
    pub(crate) read_nanos: i64,
    /// The median from a batch to an entry.
    pub(crate) take_nanos: i64,
    /// The median of all steps together.
    pub(crate) median_nanos: i64,
    /// The mean of all steps together, snapshots included.
    pub(crate) mean_nanos: i64,
    /// Thousandths of the write units of an entry, in the mean.
    pub(crate) entry_milliunits: i64,
    /// Thousandths of the write units that snapshots add to it.
    pub(crate) snapshot_milliunits: i64,
}

/// Takes batches and prints the figures as JSON.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let clock = VirtualClock::new(Timestamp::from_millis(arrived_ms(0, options.gap_ms)));
    let rules = rules(options.alerts);
    let mut aggregate = Aggregate::new(desk(&clock, &rules), Settings::default());
    let mut times = Vec::new();
    let (mut entry_units, mut snapshot_units) = (0, 0);
    for number in 0..options.warm_up + options.batches {
        let body =
            payload(number, options.series, options.gap_ms).context("making a payload failed")?;
        clock.set(Timestamp::from_millis(arrived_ms(i64::try_from(number)?, options.gap_ms)));
        let start = now()?;
        let text = std::str::from_utf8(body.as_bytes())?;
        let has_body = now()?;
        let batch = event::read(text)?.batch;
        let has_read = now()?;
        let taken = block_on(aggregate.take(STREAM, batch))?;
        let end = now()?;
        ensure!(taken.problem.is_none(), "a batch was not taken: {:?}", taken.problem);
        let counted = taken.counters.counted;
        ensure!(counted == RECORDS, "{counted} of {RECORDS} orders were counted by\n{rules}");
        if number >= options.warm_up {
            times.push([has_body - start, has_read - has_body, end - has_read]);
            entry_units += units(taken.entry_bytes)?;
            snapshot_units += taken.snapshot_bytes.map_or(Ok(0), snapshot_units_of)?;
        }
    }
    let of = |step: fn(&[i64; 3]) -> i64| median(times.iter().map(step).collect());
    let batches = i64::try_from(options.batches)?.max(1);
    let took = Took {
        body_nanos: of(|[body, ..]| *body),
        read_nanos: of(|[_, read, _]| *read),
        take_nanos: of(|[.., take]| *take),
        median_nanos: of(|steps| steps.iter().sum()),
        mean_nanos: times.iter().flatten().sum::<i64>() / batches,
        entry_milliunits: 1_000 * entry_units / batches,
        snapshot_milliunits: 1_000 * snapshot_units / batches,
    };
    serde_json::to_writer(out, &took).context("writing to standard output failed")
}

/// The write units of a snapshot. A small one is in the root beside the one before; the pieces of a larger one are written twice, when
/// they are put and when they get a TTL, and its root is written up to five times.
fn snapshot_units_of(bytes: usize) -> anyhow::Result<i64> {
    if bytes <= SMALL_STATE_BYTES_MAX { units(2 * bytes) } else { Ok(2 * units(bytes)? + 5) }
}

/// The write units of something that is stored, by `docs/dynamodb.md`: a unit a kilobyte, names and keys included.
fn units(bytes: usize) -> anyhow::Result<i64> {
    Ok(i64::try_from((bytes + NAMES_BYTES).div_ceil(1_024))?)
}

/// The CPU time of this thread, in nanoseconds.
pub(crate) fn now() -> anyhow::Result<i64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).context("asking for the time")?;
    Ok(time.num_nanoseconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_taken_and_weighed() {
        let mut out = Vec::new();
        let alerts = Alerts::Slices;
        run(&Options { series: 10, gap_ms: 10, warm_up: 1, batches: 2, alerts }, &mut out).unwrap();
        let took: Took = serde_json::from_slice(&out).unwrap();
        assert!(took.median_nanos > 0 && took.mean_nanos > 0, "{took:?}");
        // Each identity takes 8 bytes.
        assert!((8_000..20_000).contains(&took.entry_milliunits), "{took:?}");
    }
}
