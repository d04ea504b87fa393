//! Event files through the engine's two folds: `replay`, `check --events` and `test` all run this.
//!
//! Blocks of lines are decoded by as many threads as the caller allows, in any order, and go through each fold strictly in
//! the order of the input, by whichever thread finds the next one ready. So the output does not depend on the threads.

mod settling;
mod workers;

use crate::block::Block;
use crate::input::{Input, InputError, LineReader};
use settling::Settling;
use std::sync::Arc;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::decode::{Batch, Decoder, Record};
use streamgauge_engine::delta::Leap;
use streamgauge_engine::output::{Counters, MetricCounters, Point};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::reject::{Reject, RejectCode};
use streamgauge_engine::time::Timestamp;

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many threads may work; at least 1.
    pub threads: usize,
    /// Moves the clock on to this time at the end of the input, if it is later than the last event.
    pub until: Option<Timestamp>,
    /// Shows the windows that are not decided at the end.
    pub open: bool,
}

/// Who is told what comes out. All calls come one after another, though not always from the same thread.
pub trait Observer: Send {
    /// A point, in the order of the output.
    fn point(&mut self, point: &Point) -> std::io::Result<()>;
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
    let mut settling = Settling::new(Arc::clone(plan), observer);
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

/// One block of an input on its way through the folds.
#[derive(Debug, Default)]
struct Chunk {
    block: Block,
    input: Arc<str>,
    /// The input's place among the inputs, from 0.
    input_place: u64,
    /// Bytes of all inputs, as stored, that were read up to here.
    bytes_read: u64,
}

/// Bits of a record's position that hold its line; the rest holds its input.
const LINE_BITS: u32 = 40;

impl Chunk {
    /// Decodes the block's lines. Empty ones are no records.
    fn decode(&self, decoder: &mut Decoder) -> Batch {
        let base = (self.input_place << LINE_BITS) + self.block.first_line;
        if let Some(line) = &self.block.oversized {
            let mut batch = Batch { received: 1, ..Batch::default() };
            let detail =
                format!("{} bytes; the limit is {}", line.length, crate::block::LINE_BYTES_MAX);
            batch.rejects.push(Reject { position: base, code: RejectCode::TooLarge, detail });
            return batch;
        }
        let lines = Lines { text: &self.block.text, at: 0 }.zip(base..);
        decoder.decode(
            &self.block.text,
            lines.filter(|(bytes, _)| !bytes.is_empty()).map(|(bytes, position)| Record {
                bytes,
                arrival: None,
                position,
            }),
        )
    }

    /// The number of the line at a position, from 1.
    fn line(position: u64) -> u64 {
        position & ((1 << LINE_BITS) - 1)
    }

    /// Gives the bytes of the lines with these numbers, which must rise: one walk over the block serves them all.
    fn payloads<'c>(&'c self) -> impl FnMut(u64) -> &'c [u8] {
        let mut lines = Lines { text: &self.block.text, at: 0 }.zip(self.block.first_line..);
        move |line| {
            if let Some(oversized) = &self.block.oversized {
                return &oversized.start;
            }
            let found = lines.find(|&(_, number)| number == line);
            found.and_then(|(bytes, _)| self.block.text.get(bytes)).unwrap_or_default()
        }
    }
}

/// The lines of a block, without their ends (`\n` or `\r\n`).
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = std::ops::Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let start = self.at;
        self.at += length + 1;
        let carriage_return = rest.get(..length).is_some_and(|line| line.ends_with(b"\r"));
        Some(start..start + length - usize::from(carriage_return))
    }
}

/// The inputs, one after another.
struct Source {
    waiting: std::vec::IntoIter<Input>,
    current: Option<LineReader>,
    name: Arc<str>,
    opened: u64,
    /// Bytes of the inputs before the current one.
    bytes_before: u64,
}

impl Source {
    fn new(inputs: Vec<Input>) -> Self {
        Self {
            waiting: inputs.into_iter(),
            current: None,
            name: Arc::from(""),
            opened: 0,
            bytes_before: 0,
        }
    }

    /// Reads the next block; false when the last input has ended.
    fn next(&mut self, chunk: &mut Chunk) -> Result<bool, InputError> {
        loop {
            if let Some(reader) = &mut self.current {
                let found = reader.next_block(&mut chunk.block)?;
                chunk.bytes_read = self.bytes_before + reader.bytes_read();
                if found {
                    chunk.input = Arc::clone(&self.name);
                    chunk.input_place = self.opened - 1;
                    return Ok(true);
                }
                self.bytes_before = chunk.bytes_read;
                self.current = None;
            }
            let Some(input) = self.waiting.next() else { return Ok(false) };
            self.name = Arc::from(input.name());
            self.opened += 1;
            self.current = Some(input.open()?);
        }
    }
}
