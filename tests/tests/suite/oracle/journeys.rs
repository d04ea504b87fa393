//! Journeys: the steps of each key, in the order of their event times.

use super::calendar::Span;
use super::compute::{Kept, Taken, Unclear};
use std::collections::{BTreeMap, BTreeSet};

/// A journey, counted where it started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Journey<'k> {
    pub(super) window: Span,
    pub(super) series: &'k [String],
    pub(super) outcome: Outcome,
}

/// What became of a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// After so many milliseconds.
    Finished(i64),
    Abandoned,
    Open,
}

impl Outcome {
    /// The time to finish in billionths of a second.
    pub(super) fn seconds(self) -> Option<i128> {
        if let Self::Finished(after_ms) = self {
            Some(i128::from(after_ms) * 1_000_000)
        } else {
            None
        }
    }
}

/// All journeys of a metric whose steps are `steps`, as they stand when the clock has reached `clock`.
pub(super) fn journeys<'k>(
    steps: impl Iterator<Item = &'k Kept>,
    within_ms: i64,
    clock: i64,
    unclear: &mut BTreeSet<Unclear>,
) -> Vec<Journey<'k>> {
    let mut by_key: BTreeMap<&str, Vec<&'k Kept>> = BTreeMap::new();
    for step in steps {
        by_key.entry(&step.taken.text).or_default().push(step);
    }
    let mut journeys = Vec::new();
    for mut of_key in by_key.into_values() {
        // "at equal times starts before finishes, then by identity"
        of_key.sort_by_key(|step| (step.time_ms, !step.taken.first, &step.identity));
        find_unclear(&of_key, unclear);
        let mut open: Option<&'k Kept> = None;
        let mut close = |start: &'k Kept, outcome: Outcome| {
            journeys.push(Journey { window: start.window, series: &start.taken.series, outcome });
        };
        for step in of_key {
            if let Some(start) = open.take_if(|start| step.time_ms > start.time_ms + within_ms) {
                close(start, Outcome::Abandoned);
            }
            match open {
                Some(start) if step.taken.second => {
                    close(start, Outcome::Finished(step.time_ms - start.time_ms));
                    open = None;
                }
                None if step.taken.first => open = Some(step),
                _ => {}
            }
        }
        if let Some(start) = open {
            // As for windows: what ends at or before the clock has ended, since all events were read.
            let abandoned = clock >= start.time_ms + within_ms;
            close(start, if abandoned { Outcome::Abandoned } else { Outcome::Open });
        }
    }
    journeys
}

/// Steps at the same time: the contract does not say in what order an event that is both start and finish comes, nor how
/// identities are compared, which decides the dimensions of two starts.
fn find_unclear(steps: &[&Kept], unclear: &mut BTreeSet<Unclear>) {
    for (place, step) in steps.iter().enumerate() {
        let is_both = |taken: &Taken| taken.first && taken.second;
        let undecided = |other: &&Kept| {
            let starts = step.taken.first && other.taken.first;
            other.time_ms == step.time_ms
                && (is_both(&step.taken)
                    || is_both(&other.taken)
                    || (starts && step.taken.series != other.taken.series))
        };
        if steps[..place].iter().any(undecided) {
            unclear.insert(Unclear::StepOrder { line: step.line });
        }
    }
}
