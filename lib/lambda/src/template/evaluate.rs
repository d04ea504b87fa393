//! The functions of `CloudFormation`, evaluated where a property is read and nowhere else: what the simulator does not use
//! may say what it likes.
//!
//! An [`Evaluator`] knows the template's parameters, mappings, conditions and resources. [`Evaluator::value`] gives the
//! value of a node; what cannot be known on one machine (imports, dynamic references, attributes that only AWS makes) is a
//! problem with a remedy and never a guess.

mod conditions;
mod names;
mod parameters;
mod texts;

use super::Settings;
use super::problem::{Place, Problems, did_you_mean, shown};
use super::resource::Resource;
use super::tree::{Content, FUNCTIONS, Node};
use super::value::{TEXT_BYTES_MAX, Value, What};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that are evaluated for one template: names in names in names could otherwise go on for ever.
const STEPS_MAX: usize = 500_000;
/// How deep one evaluation may lead to another.
const DEPTH_MAX: usize = 200;

/// What is known of a template.
#[derive(Debug)]
pub(super) struct Evaluator<'t> {
    pub(super) settings: &'t Settings,
    pub(super) problems: Problems,
    parameters: &'t Node,
    mappings: &'t Node,
    conditions: &'t Node,
    resources: BTreeMap<&'t str, &'t Resource>,
    /// Conditions that were decided; none after a problem.
    decided: BTreeMap<&'t str, Option<bool>>,
    /// Names of resources; none after a problem.
    named: BTreeMap<&'t str, Option<String>>,
    /// Conditions and names that are being found.
    busy: BTreeSet<(&'static str, &'t str)>,
    steps: usize,
    depth: usize,
}

impl<'t> Evaluator<'t> {
    /// What is known of the sections and resources of a template.
    pub(super) fn new(
        settings: &'t Settings,
        problems: Problems,
        (parameters, mappings, conditions): (&'t Node, &'t Node, &'t Node),
        resources: &'t [Resource],
    ) -> Self {
        let resources = resources.iter().map(|resource| (resource.id.as_str(), resource));
        Self {
            settings,
            problems,
            parameters,
            mappings,
            conditions,
            resources: resources.collect(),
            decided: BTreeMap::new(),
            named: BTreeMap::new(),
            busy: BTreeSet::new(),
            steps: 0,
            depth: 0,
        }
    }

    /// Takes a problem.
    pub(super) fn problem(
        &mut self,
        place: Place,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.add(place, message, remedy);
    }

    /// Whether something is not yet being found; if it is, it is made of itself, which is a problem.
    fn begin(&mut self, place: Place, what: &'static str, name: &'t str) -> bool {
        let is_new = self.busy.insert((what, name));
        if !is_new {
            let message = format!("the {what} `{}` is made of itself", shown(name));
            self.problem(place, message, "write it out");
        }
        is_new
    }

    /// A problem, and the value that stands for it.
    fn broken(
        &mut self,
        place: Place,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Value {
        self.problem(place, message, remedy);
        Value::broken(place)
    }

    /// The value of a node.
    pub(super) fn value(&mut self, node: &'t Node) -> Value {
        // Where so much is wrong, the rest can wait.
        if self.problems.is_full() {
            return Value::broken(node.place);
        }
        self.steps += 1;
        if self.steps > STEPS_MAX || self.depth >= DEPTH_MAX {
            let message = "the functions here lead to more and more functions";
            return self.broken(node.place, message, "write the value out");
        }
        self.depth += 1;
        let value = self.value_within(node);
        self.depth -= 1;
        match &value.what {
            What::Text { text, .. } if text.len() > TEXT_BYTES_MAX => {
                let message = format!("the text made here has more than {TEXT_BYTES_MAX} bytes");
                self.broken(node.place, message, "make it shorter")
            }
            _ => value,
        }
    }

    fn value_within(&mut self, node: &'t Node) -> Value {
        let place = node.place;
        if let Some((function, argument)) = node.call() {
            return self.call(place, function, argument);
        }
        let what = match &node.content {
            Content::Scalar { .. } if node.is_null() => What::Nothing,
            Content::Scalar { text, plain } => return self.literal(place, text, *plain),
            Content::Broken => What::Broken,
            Content::List(items) => {
                let items = items.iter().map(|item| self.value(item));
                What::List(items.filter(|item| item.what != What::Nothing).collect())
            }
            Content::Map(entries) => {
                let entries =
                    entries.iter().map(|entry| (entry.key.clone(), self.value(&entry.value)));
                What::Map(entries.filter(|(_, value)| value.what != What::Nothing).collect())
            }
        };
        Value { place, what }
    }

    /// A text as it stands.
    fn literal(&mut self, place: Place, text: &str, plain: bool) -> Value {
        if text.contains("{{resolve:") {
            let message = "dynamic references are not resolved here";
            return self.broken(
                place,
                message,
                "give the value as a parameter, or as --env NAME=VALUE",
            );
        }
        Value { place, what: What::Text { text: text.to_owned(), plain } }
    }

    fn call(&mut self, place: Place, function: &str, argument: &'t Node) -> Value {
        match function {
            "Ref" => self.reference(place, argument),
            "GetAtt" => self.attribute(place, argument),
            "Sub" => self.substitute(place, argument),
            "Join" => self.join(place, argument),
            "Split" => self.split(place, argument),
            "Select" => self.select(place, argument),
            "Base64" => self.base64(place, argument),
            "FindInMap" => self.find_in_map(place, argument),
            "If" => match self.branch(place, argument) {
                Some(node) => self.value(node),
                None => Value::broken(place),
            },
            "And" | "Or" | "Not" | "Equals" | "Condition" => {
                let message = format!("`{function}` decides conditions and gives no value");
                self.broken(place, message, "write a condition under `Conditions`, and `!If` here")
            }
            "ImportValue" | "GetStackOutput" => {
                let message = "values of other stacks are not known here";
                let remedy = "take it from a parameter and give it with --parameter Name=Value";
                self.broken(place, message, remedy)
            }
            "Cidr" | "GetAZs" | "Length" | "ToJsonString" | "Transform" => {
                let message = format!("`{function}` is not evaluated here");
                let remedy =
                    "take the value from a parameter and give it with --parameter Name=Value";
                self.broken(place, message, remedy)
            }
            _ => {
                let remedy = did_you_mean(function, FUNCTIONS, "remove it");
                let message = format!("`Fn::{}` is no function of CloudFormation", shown(function));
                self.broken(place, message, remedy)
            }
        }
    }

    /// The text of an argument that must be one; none after a problem.
    pub(super) fn argument_text(&mut self, node: &'t Node, what: &str) -> Option<String> {
        let value = self.value(node);
        match value.what {
            What::Text { text, .. } => Some(text),
            What::Broken => None,
            What::List(_) | What::Map(_) | What::Nothing => {
                let message = format!("{what} is text, and this is {}", value.kind());
                self.problem(node.place, message, "write the text");
                None
            }
        }
    }

    /// The arguments of a function that takes so many; none after a problem.
    fn arguments<const COUNT: usize>(
        &mut self,
        place: Place,
        node: &'t Node,
        usage: &str,
    ) -> Option<[&'t Node; COUNT]> {
        if let Content::List(items) = &node.content
            && let Ok(items) = <[&Node; COUNT]>::try_from(items.iter().collect::<Vec<_>>())
        {
            return Some(items);
        }
        if !matches!(node.content, Content::Broken) {
            let message = format!("the arguments are not those of {usage}");
            self.problem(place, message, format!("write {usage}"));
        }
        None
    }
}
