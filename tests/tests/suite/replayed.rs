//! Helper: rules and events in, the lines of `replay --output json` out, without a process in between.

use std::sync::Arc;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::Point;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::reject::Reject;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;
use streamgauge_local::input::Input;
pub(crate) use streamgauge_local::replay::Options;
use streamgauge_local::replay::{self, Observer, ReplayError, Traced};
use streamgauge_pipeline::render::{Renderer, Summary};
use streamgauge_rules::{SourceFile, compile, render};

/// More points are a mistake: a wrong time and `zero: publish` could give points for years.
const POINTS_MAX: usize = 200_000;

/// What a replay printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    /// The lines of points.
    pub(crate) points: Vec<String>,
    /// The lines of transitions.
    pub(crate) alerts: Vec<String>,
    /// The line of the summary.
    pub(crate) summary: String,
    /// Input, line (from 1) and code of each reject.
    pub(crate) rejects: Vec<(String, u64, &'static str)>,
}

/// The plan of a rules file that must be right.
pub(crate) fn plan(yaml: &str) -> Arc<Plan> {
    let source = SourceFile { name: "rules.yaml".to_owned(), text: yaml.to_owned() };
    let outcome = compile(&[source], &|_| None);
    let Some(rules) = outcome.rules else {
        panic!("{}", render::for_people(&outcome.problems, &outcome.sources, false));
    };
    Arc::new(rules.plan)
}

/// Runs inputs through a plan, to the end of the last one.
pub(crate) fn replay(plan: &Arc<Plan>, inputs: Vec<Input>, threads: usize) -> Output {
    replay_until(plan, inputs, &Options { threads, ..Options::default() })
}

/// Runs inputs through a plan.
pub(crate) fn replay_until(plan: &Arc<Plan>, inputs: Vec<Input>, options: &Options) -> Output {
    output(plan, |collector| replay::replay(plan, inputs, options, collector))
}

/// Runs inputs through a plan line by line; with the input and the line of each record that was shown.
pub(crate) fn trace(plan: &Arc<Plan>, inputs: Vec<Input>) -> (Output, Vec<(String, u64)>) {
    let mut shown = Vec::new();
    let mut look = |traced: &Traced<'_>| shown.push((traced.input.to_string(), traced.line));
    let options = options(None, false);
    let traced =
        output(plan, |collector| replay::trace(plan, inputs, &options, &mut look, collector));
    (traced, shown)
}

/// What a run prints.
fn output(
    plan: &Arc<Plan>,
    run: impl FnOnce(&mut Collector) -> Result<replay::Summary, ReplayError>,
) -> Output {
    let mut collector = Collector {
        renderer: Renderer::new(plan),
        points: Vec::new(),
        alerts: Vec::new(),
        rejects: Vec::new(),
    };
    let summary = run(&mut collector).unwrap_or_else(|error| {
        let last = collector.points.iter().rev().take(3);
        panic!("{error:?}; the last points:\n{}", last.cloned().collect::<Vec<_>>().join("\n"))
    });
    let names = plan.metrics.iter().map(|metric| metric.name.as_str());
    let mut text = Vec::new();
    let summary = Summary {
        counters: summary.counters,
        points: summary.points,
        alerts: summary.alerts,
        first_event: summary.first_event,
        last_event: summary.last_event,
        metrics: names.zip(summary.metrics).collect(),
    };
    summary.json(&mut text);
    let Collector { points, alerts, rejects, .. } = collector;
    Output { points, alerts, summary: line(text), rejects }
}

/// Options with one thread.
pub(crate) fn options(until_ms: Option<i64>, open: bool) -> Options {
    Options { until: until_ms.map(Timestamp::from_millis), open, ..Options::default() }
}

struct Collector {
    renderer: Renderer,
    points: Vec<String>,
    alerts: Vec<String>,
    rejects: Vec<(String, u64, &'static str)>,
}

impl Observer for Collector {
    fn point(&mut self, point: &Point) -> std::io::Result<()> {
        if self.points.len() >= POINTS_MAX {
            return Err(std::io::Error::other("more points than any test expects"));
        }
        let mut text = Vec::new();
        self.renderer.json(point, &mut text);
        self.points.push(line(text));
        Ok(())
    }

    fn transition(&mut self, transition: &Transition, verdict: &Verdict) -> std::io::Result<()> {
        let mut text = Vec::new();
        self.renderer.alert_json(transition, verdict, &mut text);
        self.alerts.push(line(text));
        Ok(())
    }

    fn reject(
        &mut self,
        input: &str,
        line: u64,
        reject: &Reject,
        _payload: &[u8],
    ) -> std::io::Result<()> {
        self.rejects.push((input.to_owned(), line, reject.code.as_str()));
        Ok(())
    }

    fn progress(&mut self, _bytes_read: u64) {}
}

/// One line, without its end.
fn line(text: Vec<u8>) -> String {
    let text = String::from_utf8(text).unwrap();
    text.strip_suffix('\n').unwrap().to_owned()
}
