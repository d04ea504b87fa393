//! The tree, checked, to the engine's nodes.
//!
//! One walk does both: each part becomes a node and a type. A part with a problem becomes a dynamic
//! placeholder, so that it does not cause further problems around it and the walk goes on to the next one.

use super::ast::{Expression, Kind};
use super::slips::Types;
use super::types::Type;
use super::{CelProblem, Declarations, Expected};
use std::ops::Range;
use streamgauge_engine::expression::{List, Map, Node, Value};
use streamgauge_engine::field::FieldTable;

/// The most entries of a map literal.
const MAP_ENTRIES_MAX: usize = 1_000;

/// A translated part of an expression.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) node: Node,
    pub(super) kind: Type,
}

impl Typed {
    pub(super) const fn new(node: Node, kind: Type) -> Self {
        Self { node, kind }
    }

    /// What stands for a part with a problem.
    pub(super) const fn broken() -> Self {
        Self::new(Node::Constant(Value::Null), Type::Dynamic)
    }
}

/// Translates one expression.
#[derive(Debug)]
pub(super) struct Compiler<'c> {
    pub(super) fields: &'c mut FieldTable,
    pub(super) declarations: &'c Declarations,
    /// The variables of the macros around the current part, the outermost first.
    pub(super) variables: Vec<(String, Type)>,
    problems: Vec<CelProblem>,
    pub(super) warnings: Vec<CelProblem>,
    /// What the expression says of the event's type.
    pub(super) types: Types,
}

impl<'c> Compiler<'c> {
    pub(super) fn new(fields: &'c mut FieldTable, declarations: &'c Declarations) -> Self {
        Self {
            fields,
            declarations,
            variables: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            types: Types::default(),
        }
    }

    /// The node of a whole expression and what was probably not meant, or everything that is wrong with it.
    pub(super) fn compile(
        mut self,
        expression: &Expression,
        expected: Expected,
    ) -> Result<(Node, Vec<CelProblem>), Vec<CelProblem>> {
        let Typed { node, kind } = self.expression(expression);
        if expected == Expected::Bool {
            self.warn_of_other_types();
        }
        let (fits, wanted) = match expected {
            Expected::Bool => (kind == Type::Bool, "a condition, which is true or false"),
            Expected::Number => (kind.is_number(), "a number"),
            Expected::Any => (true, "a value"),
        };
        if !fits && !kind.is_dynamic() {
            let message = format!("expected {wanted}; this is {}", kind.describe());
            let problem = CelProblem::new(expression.span.clone(), message);
            self.problem(match (expected, kind) {
                (Expected::Bool, Type::Text) => problem.with_hint("compare it: `… == \"…\"`"),
                (Expected::Bool, kind) if kind.is_number() => {
                    problem.with_hint("compare it: `… > 0`")
                }
                (Expected::Number, Type::Bool) => {
                    problem.with_hint("`count` counts the events for which it is true")
                }
                (Expected::Number, Type::Text) => {
                    problem.with_hint("`double(…)` makes a number of a string")
                }
                _ => problem,
            });
        }
        if self.problems.is_empty() { Ok((node, self.warnings)) } else { Err(self.problems) }
    }

    pub(super) fn problem(&mut self, problem: CelProblem) {
        self.problems.push(problem);
    }

    /// Tells a problem and returns what stands for the part that has it.
    pub(super) fn broken(&mut self, problem: CelProblem) -> Typed {
        self.problem(problem);
        Typed::broken()
    }

    /// Translates one part.
    pub(super) fn expression(&mut self, expression: &Expression) -> Typed {
        let constant = |value, kind| Typed::new(Node::Constant(value), kind);
        match &expression.kind {
            Kind::Null => constant(Value::Null, Type::Null),
            Kind::Bool(value) => constant(Value::Bool(*value), Type::Bool),
            Kind::Int(number) => constant(Value::Int(*number), Type::Int),
            Kind::Uint(number) => constant(Value::Uint(*number), Type::Uint),
            Kind::Double(number) => constant(Value::Double(*number), Type::Double),
            Kind::Text(text) => constant(Value::Text(text.clone().into()), Type::Text),
            Kind::Bytes(bytes) => constant(Value::Bytes(bytes.as_slice().into()), Type::Bytes),
            Kind::Name { .. } | Kind::Select { .. } | Kind::Index(_) => self.place(expression),
            Kind::Call(call) => self.call(call, &expression.span),
            Kind::List(elements) => self.list(elements),
            Kind::Map(entries) => self.map(entries, &expression.span),
            Kind::Unary(operator, inner) => self.unary(*operator, inner),
            Kind::Binary(operator, sides) => self.binary(*operator, sides, &expression.span),
            Kind::And(parts) => Typed::new(Node::And(self.conditions(parts, "&&")), Type::Bool),
            Kind::Or(parts) => Typed::new(Node::Or(self.conditions(parts, "||")), Type::Bool),
            Kind::Conditional(parts) => self.conditional(parts),
        }
    }

    fn list(&mut self, elements: &[Expression]) -> Typed {
        let elements: Vec<_> = elements.iter().map(|element| self.expression(element)).collect();
        let kind = elements
            .iter()
            .map(|element| element.kind.clone())
            .reduce(|one, other| one.join(&other))
            .unwrap_or(Type::Dynamic);
        let nodes: Vec<_> = elements.into_iter().map(|element| element.node).collect();
        let constants: Option<Vec<_>> = nodes.iter().map(constant).collect();
        let node = match constants {
            Some(values) => Node::Constant(Value::List(List::Built(values.into()))),
            None => Node::List(nodes),
        };
        Typed::new(node, Type::List(Box::new(kind)))
    }

    fn map(&mut self, entries: &[(Expression, Expression)], span: &Range<usize>) -> Typed {
        if entries.len() > MAP_ENTRIES_MAX {
            let message =
                format!("the map has {} entries; the limit is {MAP_ENTRIES_MAX}", entries.len());
            return self.broken(CelProblem::new(span.clone(), message));
        }
        let mut nodes = Vec::with_capacity(entries.len());
        let mut keys: Vec<Value<'static>> = Vec::new();
        let mut kinds: Option<(Type, Type)> = None;
        for (key, value) in entries {
            let typed_key = self.key(key);
            if let Some(constant) =
                constant(&typed_key.node).filter(|_| !typed_key.kind.is_dynamic())
            {
                if keys.contains(&constant) {
                    self.problem(CelProblem::new(
                        key.span.clone(),
                        "the key stands twice in the map",
                    ));
                }
                keys.push(constant);
            }
            let typed_value = self.expression(value);
            kinds = Some(match kinds {
                Some((key_kind, value_kind)) => {
                    (key_kind.join(&typed_key.kind), value_kind.join(&typed_value.kind))
                }
                None => (typed_key.kind, typed_value.kind),
            });
            nodes.push((typed_key.node, typed_value.node));
        }
        let (key_kind, value_kind) = kinds.unwrap_or((Type::Dynamic, Type::Dynamic));
        let constants: Option<Vec<_>> =
            nodes.iter().map(|(key, value)| constant(key).zip(constant(value))).collect();
        let node = match constants {
            Some(constants) => Node::Constant(Value::Map(Map::Built(constants.into()))),
            None => Node::Map(nodes),
        };
        Typed::new(node, Type::Map(Box::new(key_kind), Box::new(value_kind)))
    }

    /// The key of a map literal.
    fn key(&mut self, key: &Expression) -> Typed {
        let typed = self.expression(key);
        if matches!(typed.kind, Type::Dynamic | Type::Bool | Type::Int | Type::Uint | Type::Text) {
            return typed;
        }
        let message = format!("{} cannot be the key of a map", typed.kind.describe());
        self.broken(
            CelProblem::new(key.span.clone(), message)
                .with_hint("keys are strings, ints, uints or bools"),
        )
    }

    fn conditional(&mut self, parts: &[Expression; 3]) -> Typed {
        let [condition, yes, no] = parts;
        let condition = self.condition(condition, "before `?`");
        let (yes, no) = (self.expression(yes), self.expression(no));
        Typed::new(
            Node::Conditional(Box::new([condition, yes.node, no.node])),
            yes.kind.join(&no.kind),
        )
    }

    /// The parts of `&&` or `||`.
    fn conditions(&mut self, parts: &[Expression], operator: &str) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            let side = if index == 0 { "left" } else { "right" };
            nodes.push(self.condition(part, &format!("on the {side} of `{operator}`")));
        }
        nodes
    }

    /// A part that must be a bool.
    pub(super) fn condition(&mut self, expression: &Expression, place: &str) -> Node {
        let Typed { node, kind } = self.expression(expression);
        if !matches!(kind, Type::Bool | Type::Dynamic) {
            let message = format!(
                "expected a condition {place}, which is true or false; this is {}",
                kind.describe()
            );
            self.problem(CelProblem::new(expression.span.clone(), message));
        }
        node
    }
}

/// The value of a constant node.
fn constant(node: &Node) -> Option<Value<'static>> {
    if let Node::Constant(value) = node { Some(value.clone()) } else { None }
}
