//! What alerts add to a batch: the same payloads under the same rules, without alerts and with them.

use super::payload::{Alerts, RECORDS};
use super::take::Took;
use super::{CASE, Case, take_with};
use crate::bench::programs::Programs;
use crate::bench::rounds::median;
use crate::bench::table::{print, ratio};
use anyhow::bail;
use std::io::Write;

const CASES: [(&str, Alerts); 3] = [
    ("no alerts", Alerts::None),
    ("an alert that hears each event", Alerts::Events),
    ("an alert that hears slices", Alerts::Slices),
];
const BATCHES: Case = Case { series: 1_000, ..CASE };

/// Measures what a batch costs.
pub(in crate::bench) fn run(
    programs: &Programs,
    rounds: u32,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    writeln!(
        out,
        "\nAggregate, a payload of {RECORDS} records in as many series: CPU, medians of {rounds} rounds"
    )?;
    let mut all: Vec<Vec<Took>> = vec![Vec::new(); CASES.len()];
    for _ in 0..rounds {
        for ((_, alerts), measured) in CASES.iter().zip(&mut all) {
            measured.push(take_with(programs, &BATCHES, *alerts)?);
        }
    }
    let each =
        |measured: &[Took], figure: fn(&Took) -> i64| median(measured.iter().map(figure).collect());
    let Some(without) = all.first().map(|measured| each(measured, |took| took.median_nanos)) else {
        bail!("a case is measured")
    };
    let rows = CASES.iter().zip(&all).map(|((name, _), measured)| {
        let nanos = each(measured, |took| took.median_nanos);
        vec![
            (*name).to_owned(),
            ratio(nanos, 1_000_000, 2),
            ratio(nanos, without, 2),
            ratio(each(measured, |took| took.entry_milliunits), 1_000, 1),
        ]
    });
    let header = ["rules", "ms", "x no alerts", "units: entry"];
    print(out, &header, &rows.collect::<Vec<_>>())?;
    Ok(())
}
