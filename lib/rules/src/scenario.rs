//! Scenario files: events in, points and transitions out, on a virtual clock.
//!
//! [`read`] turns the file into typed expectations with their places. [`Scenario::lines`] gives the events as the lines
//! of JSON that `replay` would read, so that a scenario goes the very same way as real events. Since the file names its
//! rules, it is checked against them in a second step: [`ScenarioFile::check`].

mod check;
mod json;
mod lines;
mod parse;

use crate::problem::Problem;
use crate::source::{Place, SourceFile, Span};
use json::Json;
use std::sync::Arc;
use streamgauge_engine::output::Status;
use streamgauge_engine::time::Timestamp;

/// Events in one file, repetitions counted.
pub const EVENTS_MAX: usize = 1_000_000;

/// What became of a scenario file.
#[derive(Clone, Debug)]
pub struct ScenarioOutcome {
    /// The scenarios; none if there is at least one error.
    pub file: Option<ScenarioFile>,
    /// All problems, in the order of their places.
    pub problems: Vec<Problem>,
}

/// Reads a scenario file.
pub fn read(source: &SourceFile) -> ScenarioOutcome {
    parse::read(source)
}

/// A scenario file.
#[derive(Clone, Debug)]
pub struct ScenarioFile {
    /// The rules files or folders, relative to this file.
    pub rules: Vec<String>,
    /// The scenarios, in the order of the file.
    pub scenarios: Vec<Scenario>,
    source: SourceFile,
}

/// One run of the rules.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows; unique in its file.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// Where offsets count from.
    pub start: Timestamp,
    /// Where the clock stops, if not at the last event.
    pub until: Option<Timestamp>,
    /// What must come out.
    pub expect: Expectation,
    events: Vec<Event>,
}

/// One event, repetitions written out.
#[derive(Clone, Debug)]
struct Event {
    at: Timestamp,
    id: Arc<str>,
    body: Arc<Body>,
}

/// What the repetitions of an event share.
#[derive(Debug)]
struct Body {
    kind: Option<String>,
    source: String,
    fields: Json,
}

/// What must come out of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// Points that must be published.
    pub points: Vec<ExpectedPoint>,
    /// Whether there may be no further points.
    pub only: bool,
    /// The transitions in their order; without, they are not checked.
    pub alerts: Option<Vec<ExpectedTransition>>,
}

/// A point that must be published.
#[derive(Clone, Debug)]
pub struct ExpectedPoint {
    /// Where it stands in the file.
    pub span: Span,
    /// The metric's name.
    pub metric: String,
    /// Names and values of its dimensions, in the order of the file.
    pub dimensions: Vec<(String, String)>,
    /// The window's start.
    pub window: Timestamp,
    /// What kind of point it is.
    pub status: Status,
    /// The values to compare, by the names that `replay` prints.
    pub values: Vec<(&'static str, ExpectedNumber)>,
    place: Place,
    window_place: Place,
    places: Vec<(String, Place)>,
}

/// A number as it stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedNumber {
    /// As written: JSON, perhaps with fraction and exponent.
    pub text: String,
    /// The nearest double.
    pub value: f64,
}

/// A transition of an alert.
#[derive(Clone, Debug)]
pub struct ExpectedTransition {
    /// Where it stands in the file.
    pub span: Span,
    /// When.
    pub at: Timestamp,
    /// The alert's name.
    pub alert: String,
    /// The step's name, if it has one.
    pub step: Option<String>,
    /// Names and values of the group's dimensions, in the order of the file.
    pub group: Vec<(String, String)>,
    /// What happens.
    pub transition: Transition,
    /// Whether it is sent; one that is not may be left out.
    pub sent: bool,
    /// The value of the rollup, if it is to be compared.
    pub value: Option<ExpectedNumber>,
    place: Place,
    places: Vec<(String, Place)>,
}

/// What happens to a step of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Its condition holds, not yet long enough.
    Pending,
    /// It fires.
    Firing,
    /// It has ended.
    Resolved,
}

impl Transition {
    /// As users see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

impl ScenarioFile {
    /// The file's text, for showing problems.
    pub fn source(&self) -> &SourceFile {
        &self.source
    }
}
