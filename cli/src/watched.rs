//! A replay that people watch: a progress bar, and what becomes of its bad lines.

use crate::inputs;
use crate::progress::Progress;
use crate::rejects::Rejects;
use std::io;
use std::sync::Arc;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::Point;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::reject::Reject;
use streamgauge_engine::transition::Transition;
use streamgauge_local::input::Input;
use streamgauge_local::replay::{self, Observer, Options, ReplayError, Summary, Traced};

/// What comes out of a replay.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told<'t> {
    Point(&'t Point),
    /// With whether anybody is told of it.
    Transition(&'t Transition, &'t Verdict),
}

/// Runs the inputs through a plan. Each point and each transition goes to `take`, each bad line to `rejects`; in the end no bar is left.
pub(crate) fn replay(
    plan: &Arc<Plan>,
    inputs: Vec<Input>,
    options: &Options,
    rejects: &mut Rejects,
    take: impl FnMut(Told<'_>) -> io::Result<()> + Send,
) -> Result<Summary, ReplayError> {
    let progress = Progress::new(inputs::total_bytes(&inputs));
    let mut watched = Watched { rejects, progress, take };
    let result = replay::replay(plan, inputs, options, &mut watched);
    watched.progress.finish();
    result
}

/// Runs the inputs line by line, and shows each record to `look` on its way.
pub(crate) fn trace(
    plan: &Arc<Plan>,
    inputs: Vec<Input>,
    options: &Options,
    rejects: &mut Rejects,
    (look, take): (&mut dyn FnMut(&Traced<'_>), impl FnMut(Told<'_>) -> io::Result<()> + Send),
) -> Result<Summary, ReplayError> {
    let progress = Progress::new(inputs::total_bytes(&inputs));
    let mut watched = Watched { rejects, progress, take };
    let result = replay::trace(plan, inputs, options, look, &mut watched);
    watched.progress.finish();
    result
}

struct Watched<'r, T> {
    rejects: &'r mut Rejects,
    progress: Progress,
    take: T,
}

impl<T: FnMut(Told<'_>) -> io::Result<()> + Send> Observer for Watched<'_, T> {
    fn point(&mut self, point: &Point) -> io::Result<()> {
        (self.take)(Told::Point(point))
    }

    fn transition(&mut self, transition: &Transition, verdict: &Verdict) -> io::Result<()> {
        (self.take)(Told::Transition(transition, verdict))
    }

    fn reject(
        &mut self,
        input: &str,
        line: u64,
        reject: &Reject,
        payload: &[u8],
    ) -> io::Result<()> {
        self.rejects.add((input, line), reject, payload, &self.progress)
    }

    fn progress(&mut self, bytes_read: u64) {
        self.progress.set(bytes_read);
    }
}
