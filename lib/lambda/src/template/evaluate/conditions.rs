//! Conditions: `Equals`, `And`, `Or`, `Not`, and the choice by `If`. Each named condition is decided once.

use super::{DEPTH_MAX, Evaluator, STEPS_MAX};
use crate::template::problem::{Place, did_you_mean, shown};
use crate::template::tree::{Content, Node};
use crate::template::value::What;

impl<'t> Evaluator<'t> {
    /// Whether a named condition holds; none after a problem.
    pub(in crate::template) fn condition(&mut self, place: Place, name: &str) -> Option<bool> {
        if let Some(decided) = self.decided.get(name) {
            return *decided;
        }
        let conditions = self.conditions.entries();
        let Some(entry) = conditions.iter().find(|entry| entry.key == name) else {
            let known = conditions.iter().map(|entry| entry.key.as_str());
            let remedy = did_you_mean(name, known, "add it under `Conditions`");
            let message = format!("there is no condition `{}`", shown(name));
            self.problem(place, message, remedy);
            return None;
        };
        if !self.begin(place, "condition", &entry.key) {
            return None;
        }
        let decided = self.decide(&entry.value);
        self.busy.remove(&("condition", entry.key.as_str()));
        self.decided.insert(&entry.key, decided);
        decided
    }

    /// The branch of an `If` that counts; none after a problem.
    pub(super) fn branch(&mut self, place: Place, node: &'t Node) -> Option<&'t Node> {
        let usage = "`!If [condition, if it holds, otherwise]`";
        let [condition, yes, no] = self.arguments(place, node, usage)?;
        let Some(name) = condition.text() else {
            let message = "the condition of an `If` is its name";
            self.problem(condition.place, message, format!("write {usage}"));
            return None;
        };
        Some(if self.condition(condition.place, name)? { yes } else { no })
    }

    /// The node that counts after all `If`s around it; none after a problem.
    pub(in crate::template) fn resolve(&mut self, node: &'t Node) -> Option<&'t Node> {
        let mut node = node;
        while let Some(("If", argument)) = node.call() {
            node = self.branch(node.place, argument)?;
        }
        Some(node)
    }

    fn decide(&mut self, node: &'t Node) -> Option<bool> {
        self.steps += 1;
        if self.steps > STEPS_MAX || self.depth >= DEPTH_MAX {
            let message = "the conditions here lead to more and more conditions";
            self.problem(node.place, message, "write fewer of them");
            return None;
        }
        self.depth += 1;
        let decided = self.decide_within(node);
        self.depth -= 1;
        decided
    }

    fn decide_within(&mut self, node: &'t Node) -> Option<bool> {
        let place = node.place;
        match node.call() {
            Some(("Equals", argument)) => {
                let [left, right] = self.arguments(place, argument, "`!Equals [value, value]`")?;
                let (left, right) = (self.value(left), self.value(right));
                match (left.what, right.what) {
                    (What::Broken, _) | (_, What::Broken) => None,
                    (What::Text { text: left, .. }, What::Text { text: right, .. }) => {
                        Some(left == right)
                    }
                    (left, right) => Some(left == right),
                }
            }
            Some(("Not", argument)) => {
                let [argument] = self.arguments(place, argument, "`!Not [condition]`")?;
                self.decide(argument).map(|decided| !decided)
            }
            Some((function @ ("And" | "Or"), argument)) => {
                let Content::List(items) = &argument.content else {
                    let message = format!("`{function}` takes a list of conditions");
                    self.problem(
                        place,
                        message,
                        format!("write `!{function} [condition, condition]`"),
                    );
                    return None;
                };
                let decided = items.iter().map(|item| self.decide(item)).collect::<Vec<_>>();
                let decided = decided.into_iter().collect::<Option<Vec<_>>>()?;
                Some(if function == "And" {
                    decided.iter().all(|decided| *decided)
                } else {
                    decided.iter().any(|decided| *decided)
                })
            }
            Some(("Condition", argument)) => self.condition(place, argument.text()?),
            _ if matches!(node.content, Content::Broken) => None,
            _ => {
                let message = "this is no condition";
                let remedy = "a condition is `!Equals`, `!And`, `!Or`, `!Not` or `!Condition`";
                self.problem(place, message, remedy);
                None
            }
        }
    }
}
