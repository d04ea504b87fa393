//! From a SAM or `CloudFormation` template to a [`Stack`], or to all that is wrong with it.
//!
//! ```
//! use streamgauge_lambda::template::{Settings, read};
//!
//! let text = "
//! Transform: AWS::Serverless-2016-10-31
//! Resources:
//!   Orders: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 2}}
//!   Count:
//!     Type: AWS::Serverless::Function
//!     Properties:
//!       CodeUri: build/
//!       Runtime: provided.al2023
//!       Events:
//!         Orders:
//!           Type: Kinesis
//!           Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: TRIM_HORIZON, BatchSize: 50}
//! ";
//! let template = read(text, &Settings::default(), &|path| path.ends_with("bootstrap")).unwrap();
//! assert_eq!(&*template.stack.kinesis[0].name, "Count/Orders");
//! assert_eq!(template.stack.kinesis[0].batch_records_max, 50);
//!
//! let wrong = text.replace("BatchSize", "BatchSizes");
//! let problems = read(&wrong, &Settings::default(), &|_| true).unwrap_err();
//! assert_eq!(
//!     problems[0].to_string(),
//!     "13:84: a Kinesis event has no property `BatchSizes`; did you mean `BatchSize`?"
//! );
//! ```
//!
//! Nothing is guessed: each property of an event source is simulated, or changes nothing that can be seen here, or is refused.
//! What is not read is not evaluated: roles, alarms and dashboards may say what they like.
//!
//! The modules, in the order in which a template meets them:
//!
//! 1. `yaml`, `tree`: text to a tree in which everything has its place.
//! 2. `resource`: the sections, and what `Globals` adds to functions.
//! 3. `evaluate`, `value`: `!Ref`, `!Sub` and the others.
//! 4. `fields`: properties by name, kind and range.
//! 5. `function`, `events`, `mapping`, `destination`, `made`: what runs.
//! 6. `problem`: what is wrong.

mod destination;
mod evaluate;
mod events;
mod fields;
mod function;
mod made;
mod mapping;
mod problem;
mod resource;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod yaml;

use crate::stack::Stack;
use evaluate::Evaluator;
use events::Driven;
use mapping::Mapping;
use resource::{Resource, Sections};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use made::ON_DEMAND_SHARDS;
pub use problem::{Note, PROBLEMS_MAX, Position, Problem};
pub use yaml::TEMPLATE_BYTES_MAX;

/// What is given beside the template.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Values of parameters, by name; others have their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Environment variables for all functions; they win over the template's, which then are not evaluated.
    pub environment: BTreeMap<String, String>,
    /// Executables by the function's name or logical id; they win over the usual places.
    pub executables: BTreeMap<String, PathBuf>,
    /// Where the template is: its paths are relative to this folder.
    pub folder: PathBuf,
    /// `AWS::Region`
    pub region: String,
    /// `AWS::AccountId`
    pub account: String,
    /// `AWS::StackName`
    pub stack_name: String,
    /// What queues' URLs begin with, if not AWS's: `http://127.0.0.1:5102`.
    pub queue_endpoint: Option<String>,
    /// The machine's architecture, as Rust calls it: `x86_64`, `aarch64`.
    pub machine: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            parameters: BTreeMap::new(),
            environment: BTreeMap::new(),
            executables: BTreeMap::new(),
            folder: PathBuf::new(),
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            stack_name: "local".to_owned(),
            queue_endpoint: None,
            machine: std::env::consts::ARCH.to_owned(),
        }
    }
}

/// A template that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// What runs.
    pub stack: Stack,
    /// What is done otherwise than one may think.
    pub notes: Vec<Note>,
    /// The names of functions, streams, queues and buckets by their logical ids.
    pub names: BTreeMap<String, String>,
}

/// Reads a template. `is_there` says whether a path is a file; nothing else is asked of the outside.
pub fn read(
    text: &str,
    settings: &Settings,
    is_there: &dyn Fn(&Path) -> bool,
) -> Result<Template, Vec<Problem>> {
    let mut problems = problem::Problems::default();
    let Some(root) = yaml::parse(text, &mut problems) else { return Err(problems.problems(text)) };
    let sections = Sections::read(root, &mut problems);
    let known = (&sections.parameters, &sections.mappings, &sections.conditions);
    let mut evaluator = Evaluator::new(settings, problems, known, &sections.resources);
    let mut reading = Reading::default();
    reading.read(&mut evaluator, &sections.resources, is_there);
    check_given(&mut evaluator, &sections, &reading.names);
    if !evaluator.problems.is_empty() {
        return Err(evaluator.problems.problems(text));
    }
    let Reading { stack, names, .. } = reading;
    Ok(Template { stack, notes: evaluator.problems.notes(text), names })
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    stack: Stack,
    names: BTreeMap<String, String>,
    queue_places: Vec<problem::Place>,
}

impl Reading {
    fn read<'t>(
        &mut self,
        evaluator: &mut Evaluator<'t>,
        resources: &'t [Resource],
        is_there: &dyn Fn(&Path) -> bool,
    ) {
        let resources: Vec<_> =
            resources.iter().filter(|resource| exists(evaluator, resource)).collect();
        let mut events = Vec::new();
        for resource in resources.iter().copied() {
            if self.read_made(evaluator, resource) {
                continue;
            }
            match resource.type_name.as_str() {
                "AWS::Serverless::Function" | "AWS::Lambda::Function" => {
                    if let Some((function, node)) = function::read(evaluator, resource, is_there) {
                        self.names.insert(resource.id.clone(), function.name.to_string());
                        events.extend(node.map(|(_, node)| (function.clone(), &resource.id, node)));
                        self.stack.functions.push(function);
                    }
                }
                _ => note_other(evaluator, resource),
            }
        }
        for (function, id, node) in events {
            for driven in events::read(evaluator, (&function, id), node) {
                match driven {
                    Driven::Mapping(mapping) => self.add(mapping),
                    Driven::Schedule(schedule) => self.stack.schedules.push(schedule),
                }
            }
        }
        for resource in resources {
            match resource.type_name.as_str() {
                "AWS::Lambda::EventSourceMapping" => {
                    let mapping = mapping::resource(evaluator, resource, &self.stack.functions);
                    if let Some(mapping) = mapping {
                        self.add(mapping);
                    }
                }
                "AWS::Lambda::EventInvokeConfig" => {
                    function::read_invoke_config(evaluator, resource, &mut self.stack.functions);
                }
                _ => {}
            }
        }
        self.check(evaluator);
    }

    /// Reads a stream, queue or bucket; false for other resources.
    fn read_made<'t>(&mut self, evaluator: &mut Evaluator<'t>, resource: &'t Resource) -> bool {
        match resource.type_name.as_str() {
            "AWS::Kinesis::Stream" => {
                self.stack.streams.extend(made::stream(evaluator, resource));
            }
            "AWS::SQS::Queue" => self.stack.queues.extend(made::queue(evaluator, resource)),
            "AWS::S3::Bucket" => {
                self.stack.buckets.extend(evaluator.name_of(resource.place, &resource.id));
            }
            _ => return false,
        }
        let name = evaluator.name_of(resource.place, &resource.id);
        self.names.extend(name.map(|name| (resource.id.clone(), name)));
        true
    }

    fn add(&mut self, mapping: Mapping) {
        match mapping {
            Mapping::Kinesis(mapping) => self.stack.kinesis.push(mapping),
            Mapping::Sqs(mapping, place) => {
                self.stack.sqs.push(mapping);
                self.queue_places.push(place);
            }
        }
    }

    /// What AWS refuses when the parts come together.
    fn check(&self, evaluator: &mut Evaluator<'_>) {
        let mut names = BTreeSet::new();
        for function in &self.stack.functions {
            if !names.insert(&function.name) {
                let message = format!("two functions are called `{}`", function.name);
                evaluator.problem(problem::Place::default(), message, "rename one of them");
            }
        }
        for (mapping, place) in self.stack.sqs.iter().zip(&self.queue_places) {
            let queue = self.stack.queues.iter().find(|queue| queue.name == mapping.queue.name());
            let function =
                self.stack.functions.iter().find(|function| function.name == mapping.function);
            let Some((queue, function)) = queue.zip(function) else { continue };
            if queue.visibility < function.timeout {
                let message = format!(
                    "the queue `{}` hides messages for {} s, and the function `{}` may run for {} s",
                    problem::shown(&queue.name),
                    queue.visibility.as_secs(),
                    function.name,
                    function.timeout.as_secs()
                );
                let remedy = "make `VisibilityTimeout` at least the function's `Timeout`; AWS advises six times";
                evaluator.problem(*place, message, remedy);
            }
        }
    }
}

/// Whether a resource's condition holds.
fn exists<'t>(evaluator: &mut Evaluator<'t>, resource: &'t Resource) -> bool {
    match &resource.condition {
        None => true,
        Some((place, name)) => evaluator.condition(*place, name) == Some(true),
    }
}

/// Says of resources that would invoke functions on AWS that they do not here.
fn note_other(evaluator: &mut Evaluator<'_>, resource: &Resource) {
    const INVOKE: [&str; 7] = [
        "AWS::Events::Rule",
        "AWS::Logs::SubscriptionFilter",
        "AWS::Pipes::Pipe",
        "AWS::SNS::Subscription",
        "AWS::Scheduler::Schedule",
        "AWS::Serverless::StateMachine",
        "AWS::StepFunctions::StateMachine",
    ];
    if INVOKE.contains(&resource.type_name.as_str()) {
        let note = format!("`{}`, an {}, invokes nothing here", resource.id, resource.type_name);
        evaluator.problems.note(resource.place, note);
    }
}

/// Refuses what was given for things that the template does not have.
fn check_given(
    evaluator: &mut Evaluator<'_>,
    sections: &Sections,
    names: &BTreeMap<String, String>,
) {
    let settings = evaluator.settings;
    let place = sections.parameters.place;
    for name in settings.parameters.keys() {
        let known = sections.parameters.entries().iter().map(|entry| entry.key.as_str());
        if !known.clone().any(|known| known == name) {
            let message = format!("the template has no parameter `{}`", problem::shown(name));
            evaluator.problem(place, message, problem::did_you_mean(name, known, "remove it"));
        }
    }
    let is_function = |resource: &&Resource| resource.type_name.ends_with("::Function");
    let functions =
        || sections.resources.iter().filter(is_function).map(|resource| resource.id.as_str());
    for name in settings.executables.keys() {
        if !functions().any(|id| id == name) && !names.values().any(|known| known == name) {
            let message = format!("the template has no function `{}`", problem::shown(name));
            let remedy = problem::did_you_mean(name, functions(), "remove it");
            evaluator.problem(problem::Place::default(), message, remedy);
        }
    }
}
