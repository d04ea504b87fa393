//! What metrics cost that no event matches.

use super::measure::Usage;
use super::programs::Programs;
use super::rounds::{self, Candidate};
use super::table::{print, print_goal, ratio};
use super::works::{read, write_rules};
use super::{EventFile, Options};
use anyhow::bail;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

/// Measures what metrics cost that no event matches: 10 against 1,000 with the same matching few.
pub(super) fn run(
    programs: &Programs,
    directory: &Path,
    file: &EventFile,
    options: &Options,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    writeln!(
        out,
        "\nMetrics in the rules, {} events, one thread: medians of {} rounds",
        file.events, options.rounds
    )?;
    let mut candidates = Vec::new();
    for metrics in [10, 1_000] {
        let rules = write_rules(directory, &format!("metrics-{metrics}"), &many_metrics(metrics)?)?;
        let output = directory.join(format!("answer-metrics-{metrics}.ndjson"));
        let command = programs.replay(&rules, 1, &file.path);
        candidates.push(Candidate { name: format!("{metrics} metrics"), command, output });
    }
    let usages = rounds::run(&programs.scripts, options.rounds, &candidates, |_| Ok(()))?;
    let [few, many] = candidates.as_slice() else { bail!("two candidates are measured") };
    // The last line is the summary, which tells of every metric in the rules.
    let points = |answer: &str| {
        answer
            .lines()
            .filter(|line| line.contains(r#""kind":"point""#))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    if points(&read(&few.output)?) != points(&read(&many.output)?) {
        bail!("wrong answer: metrics that no event matches changed the output");
    }
    let [ten, thousand] = usages.as_slice() else { bail!("two candidates are measured") };
    let events = i64::try_from(file.events)?;
    let row = |name: &str, usage: &Usage| {
        let nanoseconds = ratio(usage.cpu_micros * 1_000, events, 0);
        vec![name.to_owned(), nanoseconds, ratio(usage.peak_bytes, 1_024 * 1_024, 1)]
    };
    print(
        out,
        &["metrics", "ns of CPU/event", "peak MB"],
        &[row("10", ten), row("1,000", thousand)],
    )?;
    let met = thousand.cpu_micros <= 3 * ten.cpu_micros;
    let figure = ratio(thousand.cpu_micros, ten.cpu_micros, 2);
    print_goal(out, "1,000 metrics cost per event at most 3 times what 10 cost", met, &figure)?;
    Ok(())
}

/// So many metrics: four that take events, and others of types that never come.
fn many_metrics(count: u32) -> anyhow::Result<String> {
    let mut metrics = String::new();
    for kind in ["order.created", "order.rejected", "checkout.started"] {
        let name = kind.replace('.', "_");
        writeln!(
            metrics,
            "  {name}: {{count: 'type == \"{kind}\"', dimensions: {{aggregator: data.aggregator}}, window: 5m}}"
        )?;
    }
    writeln!(
        metrics,
        "  revenue: {{sum: data.amount, where: 'type == \"order.created\"', window: 5m}}"
    )?;
    for place in 4..count {
        writeln!(
            metrics,
            "  kitchen_{place:04}: {{count: 'type == \"kitchen.step_{place:04}\"', window: 5m}}"
        )?;
    }
    Ok(metrics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_metrics_are_ten() {
        let metrics = many_metrics(10).unwrap();
        assert_eq!(metrics.lines().count(), 10);
        assert_eq!(metrics.lines().filter(|line| line.contains("kitchen")).count(), 6);
    }
}
