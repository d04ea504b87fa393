//! Interleaved rounds: each command once, then each again, so that what disturbs the machine disturbs all alike.

use super::measure::{Usage, measure};
use anyhow::Context;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A command to measure.
#[derive(Debug)]
pub(super) struct Candidate {
    /// What the table calls it.
    pub(super) name: String,
    /// The program and its arguments.
    pub(super) command: Vec<OsString>,
    /// The file for its output.
    pub(super) output: PathBuf,
}

/// The median usage of each candidate. `check` sees each output of each round.
pub(super) fn run(
    scripts: &Path,
    rounds: u32,
    candidates: &[Candidate],
    mut check: impl FnMut(&Candidate) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Usage>> {
    let mut usages: Vec<Vec<Usage>> = vec![Vec::new(); candidates.len()];
    for _ in 0..rounds {
        for (candidate, measured) in candidates.iter().zip(&mut usages) {
            let usage = measure(scripts, &candidate.command, &candidate.output);
            measured.push(usage.with_context(|| candidate.name.clone())?);
            check(candidate).with_context(|| candidate.name.clone())?;
        }
    }
    Ok(usages.iter().map(|usages| median_usage(usages)).collect())
}

/// The median of each figure by itself.
fn median_usage(usages: &[Usage]) -> Usage {
    let median_of = |figure: fn(&Usage) -> i64| median(usages.iter().map(figure).collect());
    Usage {
        wall_micros: median_of(|usage| usage.wall_micros),
        cpu_micros: median_of(|usage| usage.cpu_micros),
        peak_bytes: median_of(|usage| usage.peak_bytes),
    }
}

/// The middle figure, of an even number the larger of the two; 0 of none.
pub(super) fn median(mut figures: Vec<i64>) -> i64 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(vec![9, 1]), 9);
        assert_eq!(median(vec![]), 0);
    }

    #[test]
    fn each_figure_has_its_own_median() {
        let usage = |wall_micros, cpu_micros| Usage { wall_micros, cpu_micros, peak_bytes: 7 };
        let median = median_usage(&[usage(1, 30), usage(2, 20), usage(3, 10)]);
        assert_eq!(median, usage(2, 20));
    }
}
