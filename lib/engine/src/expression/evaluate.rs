//! The value of a tree for one event.
//!
//! Evaluation has no effects, so a part that is not needed is not evaluated, and the order of the sides of
//! `&&` and `||` never shows.

use super::compare::{self, Key};
use super::node::{Comprehension, ComprehensionKind, Node, Pattern};
use super::value::{List, Map, Value};
use super::{EvalError, WORK_MAX, functions, operators, written};
use crate::field::{FieldValues, Raw};
use std::ops::ControlFlow;

/// Bytes of text that cost as much as looking at one element.
const WORK_BYTES: usize = 64;
/// The same for text that a pattern is looked for in, which is far slower.
const PATTERN_WORK_BYTES: usize = 4;

/// One evaluation.
#[derive(Debug)]
pub(super) struct Evaluator<'f, 'a> {
    fields: &'f FieldValues<'a>,
    /// The variables of the comprehensions around the current node, the outermost first.
    locals: Vec<Value<'a>>,
    work_left: u32,
}

impl<'f, 'a> Evaluator<'f, 'a> {
    pub(super) fn new(fields: &'f FieldValues<'a>) -> Self {
        Self { fields, locals: Vec::new(), work_left: WORK_MAX }
    }

    /// The value of a node.
    pub(super) fn value(&mut self, node: &'a Node) -> Result<Value<'a>, EvalError> {
        match node {
            Node::Constant(value) => Ok(value.view()),
            Node::Field(field) => Value::from_raw(self.fields.get(*field)),
            Node::Local(place) => self.locals.get(*place).cloned().ok_or(EvalError::Missing),
            Node::HasField(field) => match self.fields.get(*field) {
                Raw::Unreachable => Err(EvalError::Missing),
                raw => Ok(Value::Bool(raw != Raw::Absent)),
            },
            Node::Has(base, key) => {
                let found = self.value(base).and_then(|base| self.select(&base, key))?;
                Ok(Value::Bool(found.is_some()))
            }
            Node::Select(base, key) => {
                let found = self.value(base).and_then(|base| self.select(&base, key))?;
                found.ok_or(EvalError::Missing)
            }
            Node::Index(sides) => self.index(sides),
            Node::Not(inner) => Ok(Value::Bool(!self.truth(inner)?)),
            Node::Negate(inner) => operators::negate(&self.value(inner)?),
            Node::And(nodes) => self.decide(nodes, false),
            Node::Or(nodes) => self.decide(nodes, true),
            Node::Conditional(parts) => {
                let [condition, yes, no] = &**parts;
                if self.truth(condition)? { self.value(yes) } else { self.value(no) }
            }
            Node::Compare(comparison, sides) => {
                let [left, right] = &**sides;
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.charge_text(&left)?;
                compare::compare(*comparison, &left, &right).map(Value::Bool)
            }
            Node::In(sides) => self.contains(sides),
            Node::Arithmetic(operator, sides) => {
                let [left, right] = &**sides;
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.charge_text(&left)?;
                self.charge_text(&right)?;
                operators::arithmetic(*operator, left, right)
            }
            Node::Call(function, argument) => {
                let argument = self.value(argument)?;
                self.charge_text(&argument)?;
                functions::call(*function, argument)
            }
            Node::TextTest(test, sides) => {
                let [text, part] = &**sides;
                let (text, part) = (self.value(text)?, self.value(part)?);
                self.charge_text(&text)?;
                functions::test(*test, &text, &part).map(Value::Bool)
            }
            Node::Matches(text, pattern) => self.is_match(text, pattern),
            Node::List(nodes) => {
                let values =
                    nodes.iter().map(|element| self.value(element)).collect::<Result<_, _>>()?;
                Ok(Value::List(List::Built(values)))
            }
            Node::Map(entries) => self.map(entries),
            Node::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    /// The value of a node that must be a bool.
    pub(super) fn truth(&mut self, node: &'a Node) -> Result<bool, EvalError> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            _ => Err(EvalError::WrongType),
        }
    }

    /// `&&` (`decisive` is false) or `||` (it is true): one decisive side decides, whatever the others are;
    /// else the first error counts.
    fn decide(&mut self, nodes: &'a [Node], decisive: bool) -> Result<Value<'a>, EvalError> {
        let mut error = None;
        for node in nodes {
            match self.truth(node) {
                Ok(value) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(failure) => error = error.or(Some(failure)),
            }
        }
        error.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn is_match(&mut self, text: &'a Node, pattern: &Pattern) -> Result<Value<'a>, EvalError> {
        let Value::Text(text) = self.value(text)? else { return Err(EvalError::WrongType) };
        self.charge(text.len() / PATTERN_WORK_BYTES)?;
        Ok(Value::Bool(pattern.is_match(&text)))
    }

    fn select(&mut self, base: &Value<'a>, key: &str) -> Result<Option<Value<'a>>, EvalError> {
        let Value::Map(map) = base else { return Err(EvalError::WrongType) };
        self.entry(map, &Key::Text(key.into()))
    }

    /// The value at a key of a map, if it is there.
    fn entry(&mut self, map: &Map<'a>, key: &Key<'_>) -> Result<Option<Value<'a>>, EvalError> {
        match map {
            Map::Written(object) => {
                self.charge(object.len() / WORK_BYTES)?;
                match key {
                    Key::Text(key) => written::lookup(object, key),
                    _ => Ok(None),
                }
            }
            Map::Built(entries) => {
                self.charge(entries.len())?;
                let same = |name| compare::key(name).is_ok_and(|name| name.as_ref() == Some(key));
                Ok(entries.iter().find(|(name, _)| same(name)).map(|(_, value)| value.clone()))
            }
        }
    }

    fn index(&mut self, sides: &'a [Node; 2]) -> Result<Value<'a>, EvalError> {
        let [base, index] = sides;
        let (base, index) = (self.value(base)?, self.value(index)?);
        match base {
            Value::Map(map) => match compare::key(&index)? {
                Some(key) => self.entry(&map, &key)?.ok_or(EvalError::Missing),
                None => Err(EvalError::Missing),
            },
            Value::List(list) => {
                let place = index.number().ok_or(EvalError::WrongType)?.exact();
                let place = place
                    .and_then(|place| usize::try_from(place).ok())
                    .ok_or(EvalError::Missing)?;
                let found = match list {
                    List::Written(array) => {
                        self.charge(array.len() / WORK_BYTES)?;
                        written::elements(array).nth(place)
                    }
                    List::Built(values) => values.get(place).cloned(),
                };
                found.ok_or(EvalError::Missing)
            }
            _ => Err(EvalError::WrongType),
        }
    }

    fn contains(&mut self, sides: &'a [Node; 2]) -> Result<Value<'a>, EvalError> {
        let [item, container] = sides;
        let item = self.value(item)?;
        let found = match self.value(container)? {
            Value::List(List::Written(array)) => {
                self.charge(array.len() / WORK_BYTES)?;
                written::elements(array).any(|element| compare::equal(&element, &item))
            }
            Value::List(List::Built(values)) => {
                self.charge(values.len())?;
                values.iter().any(|element| compare::equal(element, &item))
            }
            Value::Map(map) => match compare::key(&item)? {
                Some(key) => self.entry(&map, &key)?.is_some(),
                None => false,
            },
            _ => return Err(EvalError::WrongType),
        };
        Ok(Value::Bool(found))
    }

    fn map(&mut self, nodes: &'a [(Node, Node)]) -> Result<Value<'a>, EvalError> {
        let mut entries: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(nodes.len());
        for (key, value) in nodes {
            let (key, value) = (self.value(key)?, self.value(value)?);
            if !matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Text(_)) {
                return Err(EvalError::InvalidKey);
            }
            self.charge(entries.len())?;
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(EvalError::DuplicateKey);
            }
            entries.push((key, value));
        }
        Ok(Value::Map(Map::Built(entries.into())))
    }

    fn comprehension(&mut self, comprehension: &'a Comprehension) -> Result<Value<'a>, EvalError> {
        let range = self.value(&comprehension.range)?;
        match &comprehension.kind {
            ComprehensionKind::All(test) => self.quantify(&range, test, false),
            ComprehensionKind::Exists(test) => self.quantify(&range, test, true),
            ComprehensionKind::ExistsOne(test) => {
                let mut count = 0_usize;
                self.each(&range, |evaluator, _| {
                    count += usize::from(evaluator.truth(test)?);
                    Ok(ControlFlow::Continue(()))
                })?;
                Ok(Value::Bool(count == 1))
            }
            ComprehensionKind::Collect { filter, transform } => {
                let mut values = Vec::new();
                self.each(&range, |evaluator, element| {
                    if filter.as_ref().map_or(Ok(true), |filter| evaluator.truth(filter))? {
                        values.push(
                            transform.as_ref().map_or(Ok(element), |node| evaluator.value(node))?,
                        );
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
                Ok(Value::List(List::Built(values.into())))
            }
        }
    }

    /// `all` (`decisive` is false) or `exists` (it is true): `&&` or `||` over the elements.
    fn quantify(
        &mut self,
        range: &Value<'a>,
        test: &'a Node,
        decisive: bool,
    ) -> Result<Value<'a>, EvalError> {
        let mut decided = false;
        let mut error = None;
        self.each(range, |evaluator, _| {
            match evaluator.truth(test) {
                Ok(value) if value == decisive => {
                    decided = true;
                    return Ok(ControlFlow::Break(()));
                }
                Ok(_) => {}
                Err(EvalError::TooMuchWork) => return Err(EvalError::TooMuchWork),
                Err(failure) => error = error.or(Some(failure)),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        match error {
            Some(error) if !decided => Err(error),
            _ => Ok(Value::Bool(decided == decisive)),
        }
    }

    /// Runs `step` with each element of a list or key of a map as the innermost variable.
    fn each(
        &mut self,
        range: &Value<'a>,
        mut step: impl FnMut(&mut Self, Value<'a>) -> Result<ControlFlow<()>, EvalError>,
    ) -> Result<(), EvalError> {
        let mut run = |evaluator: &mut Self, element: Value<'a>| {
            evaluator.charge(1)?;
            evaluator.charge_text(&element)?;
            evaluator.locals.push(element.clone());
            let flow = step(evaluator, element);
            evaluator.locals.pop();
            flow
        };
        let mut elements: Box<dyn Iterator<Item = Value<'a>> + '_> = match range {
            Value::List(List::Written(array)) => Box::new(written::elements(array)),
            Value::List(List::Built(values)) => Box::new(values.iter().cloned()),
            Value::Map(Map::Written(object)) => {
                Box::new(written::pairs(object).map(|(key, _)| Value::Text(key)))
            }
            Value::Map(Map::Built(entries)) => Box::new(entries.iter().map(|(key, _)| key.clone())),
            _ => return Err(EvalError::WrongType),
        };
        while let Some(element) = elements.next()
            && run(self, element)?.is_continue()
        {}
        Ok(())
    }

    /// Pays for `work` units.
    fn charge(&mut self, work: usize) -> Result<(), EvalError> {
        let work = u32::try_from(work).unwrap_or(u32::MAX);
        self.work_left = self.work_left.checked_sub(work).ok_or(EvalError::TooMuchWork)?;
        Ok(())
    }

    /// Pays for reading a value from end to end.
    fn charge_text(&mut self, value: &Value<'_>) -> Result<(), EvalError> {
        self.charge(match value {
            Value::Text(text) => text.len() / WORK_BYTES,
            Value::Bytes(bytes) => bytes.len() / WORK_BYTES,
            Value::List(List::Written(text)) | Value::Map(Map::Written(text)) => {
                text.len() / WORK_BYTES
            }
            Value::List(List::Built(values)) => values.len(),
            Value::Map(Map::Built(entries)) => entries.len(),
            _ => 0,
        })
    }
}
