//! `check`: all problems of rules files, and what each metric would take of sample events.

use crate::arguments::{CheckArguments, CheckOutput};
use crate::exit::{Exit, Failure};
use crate::rejects::Rejects;
use crate::style::{self, tell};
use crate::watched::Told;
use crate::words::{counted, widen};
use crate::{inputs, rules, summary, watched};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use streamgauge_engine::output::{MetricCounters, Point};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_local::input::Input;
use streamgauge_local::replay::{Options, Summary};
use streamgauge_pipeline::render::push_json_string;
use streamgauge_rules::{Outcome, Rules, render};

/// Shows what is wrong with the rules, or that nothing is.
pub(super) fn run(arguments: &CheckArguments) -> Result<Exit, Failure> {
    let inputs = inputs::open(&arguments.events)?;
    let outcome = rules::compile(&arguments.rules)?;
    let (errors, warnings) = rules::counts(&outcome);
    let text = match arguments.output {
        CheckOutput::Text => {
            render::for_people(&outcome.problems, &outcome.sources, style::colours_on_stdout())
        }
        CheckOutput::Json => render::json(&outcome.problems),
        CheckOutput::Github => render::github(&outcome.problems),
    };
    print(&text)?;
    tell(verdict(&outcome, errors, warnings));
    let Some(rules) = &outcome.rules else { return Ok(Exit::Wrong) };
    if !arguments.events.is_empty() {
        sample(&Arc::new(rules.plan.clone()), inputs, arguments.output)?;
    }
    Ok(Exit::Fine)
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
}

/// One line that says how it stands.
fn verdict(outcome: &Outcome, errors: usize, warnings: usize) -> String {
    let count = |count: usize, noun: &str| counted(widen(count), noun);
    let warned =
        if warnings == 0 { String::new() } else { format!(", {}", count(warnings, "warning")) };
    match &outcome.rules {
        Some(Rules { plan, channels }) => {
            let parts = [
                count(plan.metrics.len(), "metric"),
                count(plan.alerts.len(), "alert"),
                count(channels.len(), "channel"),
            ];
            format!("{}: {}{warned}", style::good("the rules are fine"), parts.join(", "))
        }
        None => format!("{}{warned}", style::error(count(errors, "error"))),
    }
}

/// Runs sample events through the rules and shows what each metric takes.
fn sample(plan: &Arc<Plan>, inputs: Vec<Input>, output: CheckOutput) -> Result<(), Failure> {
    let mut metrics = vec![Seen::default(); plan.metrics.len()];
    let mut rejects = Rejects::default();
    let options = Options { open: true, ..Options::default() };
    let summary = watched::replay(plan, inputs, &options, &mut rejects, |told| {
        if let Told::Point(point) = told
            && let Some(seen) = metrics.get_mut(point.metric)
        {
            seen.add(point);
        }
        Ok(())
    })?;
    let series = metrics.iter().map(|seen| widen(seen.series.len())).collect::<Vec<_>>();
    let points = metrics.iter().map(|seen| seen.points).collect::<Vec<_>>();
    let table = || summary::metrics(plan, &summary, &[("series", &series), ("points", &points)]);
    match output {
        CheckOutput::Text => print(&table())?,
        CheckOutput::Json => print(&json(plan, &summary, &series, &points))?,
        CheckOutput::Github => tell(table().trim_end()),
    }
    summary::tell_counters(&summary);
    rejects.tell();
    summary::warn_of_metrics(plan, &summary);
    Ok(())
}

/// One object per metric.
fn json(plan: &Plan, summary: &Summary, series: &[u64], points: &[u64]) -> String {
    let mut text = Vec::new();
    let metrics = plan.metrics.iter().zip(&summary.metrics).zip(series.iter().zip(points));
    for ((metric, counters), (series_count, point_count)) in metrics {
        text.extend_from_slice(br#"{"kind":"metric","metric":"#);
        push_json_string(&metric.name, &mut text);
        let MetricCounters { matched, no_value, no_dimension, late_dropped, folded } = counters;
        let numbers = format!(
            r#","matched":{matched},"no_value":{no_value},"no_dimension":{no_dimension},"late_dropped":{late_dropped},"folded":{folded},"series":{series_count},"points":{point_count}}}"#
        );
        text.extend_from_slice(numbers.as_bytes());
        text.push(b'\n');
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Series of a metric that are told apart.
const SERIES_MAX: usize = 100_000;

/// What a metric made of the sample.
#[derive(Clone, Debug, Default)]
struct Seen {
    series: BTreeSet<Arc<SeriesKey>>,
    points: u64,
}

impl Seen {
    fn add(&mut self, point: &Point) {
        self.points += 1;
        if self.series.len() < SERIES_MAX {
            self.series.insert(Arc::clone(&point.series));
        }
    }
}
