//! Event files through the engine's two folds: `replay`, `check --events` and `test` all run this.
//!
//! Blocks of lines are decoded by as many threads as the caller allows, in any order, and go through each fold strictly in
//! the order of the input, by whichever thread finds the next one ready. So the output does not depend on the threads.

mod chunk;
mod order;
mod settling;
mod source;
mod trace;
mod workers;

use crate::input::{Input, InputError};
use chunk::Chunk;
use settling::Settling;
use source::Source;
use std::sync::Arc;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::decode::Decoder;
use streamgauge_engine::delta::Leap;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::{Counters, MetricCounters, Point};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::reject::Reject;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;
pub use trace::{Traced, trace};

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many threads may work; at least 1.
    pub threads: usize,
    /// Moves the clock on to this time at the end of the input, if it is later than the last event.
    pub until: Option<Timestamp>,
    /// Shows the windows that are not decided at the end.
    pub open: bool,
    /// Since when alerts without groups count, as for a stack that was deployed then; absent: since the first event of any kind.
    pub since: Option<Timestamp>,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 1, until: None, open: false, since: None }
    }
}

/// Who is told what comes out. All calls come one after another, though not always from the same thread.
pub trait Observer: Send {
    /// A point, in the order of the output.
    fn point(&mut self, point: &Point) -> std::io::Result<()>;
    /// A transition of an alert and whether anybody is told of it, in the order of the output.
    fn transition(&mut self, transition: &Transition, verdict: &Verdict) -> std::io::Result<()>;
    /// A record that is no event, in the order of the input. `line` counts from 1.
    fn reject(
        &mut self,
        input: &str,
        line: u64,
        reject: &Reject,
        payload: &[u8],
    ) -> std::io::Result<()>;
    /// So many bytes of the inputs, as stored, have been read.
    fn progress(&mut self, bytes_read: u64);
}

/// What came out, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// What became of the records.
    pub counters: Counters,
    /// What each metric saw, in the order of the plan.
    pub metrics: Vec<MetricCounters>,
    /// How many points there were.
    pub points: u64,
    /// How many transitions of alerts.
    pub alerts: u64,
    /// The smallest event time.
    pub first_event: Option<Timestamp>,
    /// The largest event time.
    pub last_event: Option<Timestamp>,
    /// The largest step that one event moved the clock on.
    pub leap: Option<ClockLeap>,
}

/// Where one event moved the clock on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockLeap {
    /// The input.
    pub input: Arc<str>,
    /// The event's line, from 1.
    pub line: u64,
    /// From which event time to which.
    pub leap: Leap,
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// An input could not be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The observer could not write.
    #[error("could not write the output")]
    Output(#[source] std::io::Error),
}

/// Blocks that are done before a thread is started: a small input is over before threads would pay.
const BLOCKS_BEFORE_THREADS: usize = 4;

/// Runs the inputs, one after another, through a plan.
pub fn replay(
    plan: &Arc<Plan>,
    inputs: Vec<Input>,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<Summary, ReplayError> {
    let mut source = Source::new(inputs);
    let mut aggregator = Aggregator::new(Arc::clone(plan));
    let mut settling = Settling::new(Arc::clone(plan), options.since, observer);
    let mut decoder = Decoder::new(Arc::clone(plan));
    let mut chunk = Chunk::default();
    for done in 0.. {
        if options.threads > 1 && done == BLOCKS_BEFORE_THREADS {
            workers::run(plan, options.threads, &mut source, &mut aggregator, &mut settling)?;
            break;
        }
        if !source.next(&mut chunk)? {
            break;
        }
        let delta = aggregator.fold(chunk.decode(&mut decoder));
        settling.take(&chunk, delta).map_err(ReplayError::Output)?;
    }
    settling.finish(options).map_err(ReplayError::Output)
}
