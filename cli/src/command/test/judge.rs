//! One scenario: its events through the rules, and what comes out beside what must.

use super::alerts::{self, GotTransition};
use crate::exit::Failure;
use std::io;
use std::sync::Arc;
use streamgauge_engine::decimal::{Decimal, Shortest};
use streamgauge_engine::output::{Point, Status};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::reject::Reject;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;
use streamgauge_local::input::Input;
use streamgauge_local::replay::{Observer, Options, replay};
use streamgauge_pipeline::render::{Number, numbers, push_json_string};
use streamgauge_rules::scenario::{ExpectedNumber, ExpectedPoint, Scenario};

/// How the scenarios of one file ended.
#[derive(Debug)]
pub(super) struct FileResult {
    pub(super) file: String,
    /// The file or its rules have errors, which have been told; nothing was run.
    pub(super) wrong: bool,
    pub(super) scenarios: Vec<ScenarioResult>,
}

/// How one scenario ended.
#[derive(Debug)]
pub(super) struct ScenarioResult {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) verdict: Verdict,
    pub(super) failures: Vec<Mismatch>,
    /// Events that were rejected, each as a sentence.
    pub(super) rejects: Vec<String>,
}

/// How a scenario ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All events were events, and all that is expected came out.
    Passed,
    /// Something did not, or an event was rejected.
    Failed,
}

/// A point or a transition that is not as expected.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) about: About,
    /// Where it is expected; none for one that is not.
    pub(super) line: Option<usize>,
    /// Whether there is such a one at all.
    pub(super) found: bool,
    pub(super) values: Vec<Value>,
    /// Where there is no such one: others of the metric or the alert, as far as they are shown.
    pub(super) others: Vec<String>,
}

/// What is not as expected.
#[derive(Debug)]
pub(super) enum About {
    Point {
        metric: String,
        /// As JSON.
        dimensions: String,
        window: Timestamp,
        status: Status,
    },
    Transition {
        alert: String,
        step: Option<String>,
        /// As JSON.
        group: String,
        transition: &'static str,
    },
    /// The order of the transitions.
    Order,
}

/// How many others are shown.
pub(super) const OTHERS_MAX: usize = 5;

/// A value on both sides.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) expected: Option<String>,
    pub(super) got: Option<String>,
    pub(super) equal: bool,
    /// Whether it is a text and no number.
    pub(super) quoted: bool,
}

/// Runs a scenario.
pub(super) fn run(scenario: &Scenario, plan: &Arc<Plan>) -> Result<ScenarioResult, Failure> {
    let mut got = Got { plan, points: Vec::new(), transitions: Vec::new(), rejects: Vec::new() };
    let mut lines = scenario.lines(plan).join("\n").into_bytes();
    lines.push(b'\n');
    // Open points come too, for those who expect one.
    let options = Options { until: scenario.until, open: true, ..Options::default() };
    replay(plan, vec![Input::bytes("events", lines)], &options, &mut got)?;
    let mut failures = compare(scenario, plan, &got.points);
    if let Some(expected) = &scenario.expect.alerts {
        failures.extend(alerts::compare(expected, &got.transitions));
    }
    // An event that is none tests nothing, and is most likely a slip in the scenario.
    let passed = failures.is_empty() && got.rejects.is_empty();
    let verdict = if passed { Verdict::Passed } else { Verdict::Failed };
    let (name, line) = (scenario.name.clone(), scenario.span.line);
    Ok(ScenarioResult { name, line, verdict, failures, rejects: got.rejects })
}

/// What came out of a scenario.
#[derive(Debug)]
struct Got<'p> {
    plan: &'p Plan,
    points: Vec<Point>,
    transitions: Vec<GotTransition>,
    rejects: Vec<String>,
}

impl Observer for Got<'_> {
    fn point(&mut self, point: &Point) -> io::Result<()> {
        self.points.push(point.clone());
        Ok(())
    }

    fn transition(
        &mut self,
        transition: &Transition,
        verdict: &streamgauge_engine::notify::Verdict,
    ) -> io::Result<()> {
        self.transitions.extend(GotTransition::new(transition, verdict.sent, self.plan));
        Ok(())
    }

    fn reject(
        &mut self,
        _input: &str,
        line: u64,
        reject: &Reject,
        _payload: &[u8],
    ) -> io::Result<()> {
        self.rejects.push(format!(
            "event {line} was rejected: {}: {}",
            reject.code.as_str(),
            reject.detail
        ));
        Ok(())
    }

    fn progress(&mut self, _bytes_read: u64) {}
}

/// The points that are not as expected, in the order of the expectations; then those that are not expected.
fn compare(scenario: &Scenario, plan: &Plan, points: &[Point]) -> Vec<Mismatch> {
    let mut failures = Vec::new();
    let mut further = points.iter().collect::<Vec<_>>();
    for expected in &scenario.expect.points {
        let series = series(expected, plan);
        let same = |point: &&Point| {
            plan.metrics.get(point.metric).is_some_and(|metric| metric.name == expected.metric)
                && *point.series == series
                && point.window_start == expected.window
                && point.status == expected.status
        };
        let right = |point: &&Point| values(expected, Some(point)).iter().all(|value| value.equal);
        // One window can have several corrections, and each of them satisfies one expectation.
        if let Some(place) = further.iter().position(|point| same(point) && right(point)) {
            further.remove(place);
        } else {
            let other = further.iter().position(same).map(|place| further.remove(place));
            let others = if other.is_some() { Vec::new() } else { others(expected, plan, points) };
            failures.push(mismatch(expected, other, others));
        }
    }
    if scenario.expect.only {
        let open = scenario.expect.points.iter().any(|expected| expected.status == Status::Open);
        let told = |point: &Point| point.status != Status::Open || open;
        failures.extend(
            further.into_iter().filter(|point| told(point)).map(|point| unexpected(point, plan)),
        );
    }
    failures
}

/// The series that an expectation is about.
fn series(expected: &ExpectedPoint, plan: &Plan) -> SeriesKey {
    let metric = plan.metrics.iter().find(|metric| metric.name == expected.metric);
    let names = metric.map(|metric| metric.dimensions.as_slice()).unwrap_or_default();
    SeriesKey::new(names.iter().map(|dimension| {
        let given = expected.dimensions.iter().find(|(name, _)| *name == dimension.name);
        given.map(|(_, value)| value.as_str()).unwrap_or_default()
    }))
}

/// Points of the same metric: what came out instead.
fn others(expected: &ExpectedPoint, plan: &Plan, points: &[Point]) -> Vec<String> {
    let own = |point: &&Point| {
        plan.metrics.get(point.metric).is_some_and(|metric| metric.name == expected.metric)
    };
    let text = |point: &Point| {
        let numbers = numbers(&point.values, point.status).into_iter();
        let values = numbers
            .map(|(column, number)| format!("{} {number}", column.flat_name()))
            .collect::<Vec<_>>();
        let (window, status) = (point.window_start, point.status.as_str());
        format!(
            "{} window {window} {status}: {}",
            object(&dimensions_of(point, plan)),
            values.join(", ")
        )
    };
    points.iter().filter(own).take(OTHERS_MAX).map(text).collect()
}

/// The names and values of a point's dimensions.
fn dimensions_of(point: &Point, plan: &Plan) -> Vec<(String, String)> {
    let names = plan
        .metrics
        .get(point.metric)
        .map(|metric| metric.dimensions.as_slice())
        .unwrap_or_default();
    names
        .iter()
        .map(|dimension| dimension.name.clone())
        .zip(point.series.values().map(str::to_owned))
        .collect()
}

fn mismatch(expected: &ExpectedPoint, got: Option<&Point>, others: Vec<String>) -> Mismatch {
    Mismatch {
        about: About::Point {
            metric: expected.metric.clone(),
            dimensions: object(&expected.dimensions),
            window: expected.window,
            status: expected.status,
        },
        line: Some(expected.span.line),
        found: got.is_some(),
        values: values(expected, got),
        others,
    }
}

fn unexpected(point: &Point, plan: &Plan) -> Mismatch {
    let metric = plan.metrics.get(point.metric);
    let got = numbers(&point.values, point.status).into_iter().map(|(column, number)| Value {
        name: column.flat_name(),
        expected: None,
        got: Some(number.to_string()),
        equal: false,
        quoted: false,
    });
    Mismatch {
        about: About::Point {
            metric: metric.map(|metric| metric.name.clone()).unwrap_or_default(),
            dimensions: object(&dimensions_of(point, plan)),
            window: point.window_start,
            status: point.status,
        },
        line: None,
        found: true,
        values: got.collect(),
        others: Vec::new(),
    }
}

/// Names and values as JSON.
pub(super) fn object(pairs: &[(String, String)]) -> String {
    let mut text = b"{".to_vec();
    for (place, (name, value)) in pairs.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        push_json_string(name, &mut text);
        text.push(b':');
        push_json_string(value, &mut text);
    }
    text.push(b'}');
    String::from_utf8_lossy(&text).into_owned()
}

/// The values that are named, on both sides.
fn values(expected: &ExpectedPoint, got: Option<&Point>) -> Vec<Value> {
    let numbers = got.map(|point| numbers(&point.values, point.status)).unwrap_or_default();
    let values = expected.values.iter().map(|(name, wanted)| {
        let number = numbers
            .iter()
            .find(|(column, _)| column.flat_name() == *name)
            .map(|(_, number)| *number);
        Value {
            name: (*name).to_owned(),
            expected: Some(wanted.text.clone()),
            got: number.map(|number| number.to_string()),
            equal: number.is_some_and(|number| equal(wanted, number)),
            quoted: false,
        }
    });
    values.collect()
}

/// Whether a number is the expected one: exactly, and for quotients the same double.
pub(super) fn equal(wanted: &ExpectedNumber, number: Number) -> bool {
    match number {
        Number::Double(_) => Shortest(wanted.value).to_string() == number.to_string(),
        Number::Whole(_) | Number::Decimal(_) => {
            // Sums can be larger than any value that is read; then their text decides.
            let wanted_exactly = Decimal::parse(&wanted.text).map(|decimal| decimal.to_string());
            wanted_exactly.unwrap_or_else(|_too_large| wanted.text.clone()) == number.to_string()
        }
    }
}
