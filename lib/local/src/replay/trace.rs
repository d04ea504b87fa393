//! A replay line by line, for whoever asks what became of one event: the same folds, each batch of one record. How the input is
//! cut changes nothing that comes out (W2), so the answer is that of a replay; it takes a few times as long.

use super::chunk::Chunk;
use super::settling::Settling;
use super::source::Source;
use super::{Observer, Options, ReplayError, Summary};
use crate::input::Input;
use std::sync::Arc;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::decode::{Batch, Decoder};
use streamgauge_engine::delta::Delta;
use streamgauge_engine::plan::Plan;

/// A record on its way through the first fold.
#[derive(Clone, Copy, Debug)]
pub struct Traced<'t> {
    /// Its input.
    pub input: &'t Arc<str>,
    /// Its line, from 1.
    pub line: u64,
    /// Its text; of a line that is too long there is none.
    pub text: &'t [u8],
    /// What decoding made of it: one event or one reject.
    pub batch: &'t Batch,
    /// What the fold made of that.
    pub delta: &'t Delta,
}

/// Runs the inputs through a plan and shows each record on its way, before what is decided by it.
pub fn trace(
    plan: &Arc<Plan>,
    inputs: Vec<Input>,
    options: &Options,
    look: &mut dyn FnMut(&Traced<'_>),
    observer: &mut dyn Observer,
) -> Result<Summary, ReplayError> {
    let mut source = Source::new(inputs);
    let mut aggregator = Aggregator::new(Arc::clone(plan));
    let mut settling = Settling::new(Arc::clone(plan), options.since, observer);
    let mut decoder = Decoder::new(Arc::clone(plan));
    let (mut block, mut one) = (Chunk::default(), Chunk::default());
    while source.next(&mut block)? {
        one.input = Arc::clone(&block.input);
        one.input_place = block.input_place;
        one.bytes_read = block.bytes_read;
        one.block.oversized = block.block.oversized.take();
        one.block.first_line = block.block.first_line;
        let oversized = one.block.oversized.is_some().then_some((one.block.first_line, &[][..]));
        for (line, text) in oversized.into_iter().chain(block.lines()) {
            one.block.first_line = line;
            one.block.text.clear();
            one.block.text.extend_from_slice(text);
            let batch = one.decode(&mut decoder);
            let delta = aggregator.fold(batch.clone());
            look(&Traced { input: &one.input, line, text, batch: &batch, delta: &delta });
            settling.take(&one, delta).map_err(ReplayError::Output)?;
        }
    }
    settling.finish(options).map_err(ReplayError::Output)
}
