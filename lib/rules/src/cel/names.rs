//! Names, fields and indexes.
//!
//! `data.country` and `data["country"]` are one path of constant names, and so one field of the event, which
//! the extractor finds while it reads the JSON. The longest such path is interned; what goes on from there
//! with a number or a computed index is done by the evaluation on the field's text.

use super::CelProblem;
use super::ast::{Expression, Kind};
use super::compiler::{Compiler, Typed};
use super::types::Type;
use streamgauge_engine::expression::Node;

impl Compiler<'_> {
    /// A name, `base.key` or `base[index]`.
    pub(super) fn place(&mut self, expression: &Expression) -> Typed {
        if let Some(path) = self.path(expression) {
            return self.field(&path, expression);
        }
        match &expression.kind {
            Kind::Name { name, .. } => {
                let known =
                    self.variables.iter().enumerate().rfind(|(_, (known, _))| known == name);
                known.map_or_else(Typed::broken, |(place, (_, kind))| {
                    Typed::new(Node::Local(place), kind.clone())
                })
            }
            Kind::Select { base, key } => {
                let base_typed = self.expression(base);
                let kind = match base_typed.kind {
                    Type::Map(_, value) => *value,
                    Type::Dynamic => Type::Dynamic,
                    kind => return self.no_fields(base, &kind),
                };
                Typed::new(Node::Select(Box::new(base_typed.node), key.as_str().into()), kind)
            }
            Kind::Index(sides) => self.index(sides),
            _ => Typed::broken(),
        }
    }

    /// The constant path into the event that a part is; `None` if a variable or a computed index is in it.
    pub(super) fn path<'e>(&self, expression: &'e Expression) -> Option<Vec<&'e str>> {
        match &expression.kind {
            Kind::Name { name, rooted } => {
                let variable = !rooted && self.variables.iter().any(|(known, _)| known == name);
                (!variable).then(|| vec![name.as_str()])
            }
            Kind::Select { base, key } => {
                let mut path = self.path(base)?;
                path.push(key);
                Some(path)
            }
            Kind::Index(sides) => {
                let [base, index] = &**sides;
                let Kind::Text(key) = &index.kind else { return None };
                let mut path = self.path(base)?;
                path.push(key);
                Some(path)
            }
            _ => None,
        }
    }

    /// The field at a path, unless the path goes on behind a field that is declared a string.
    pub(super) fn field(&mut self, path: &[&str], expression: &Expression) -> Typed {
        let mut kind = Type::Dynamic;
        for declared in &self.declarations.strings {
            if path.len() > declared.len()
                && declared.iter().zip(path).all(|(name, other)| name == other)
            {
                let message = format!("`{}` is a string and has no fields", declared.join("."));
                return self.broken(CelProblem::new(expression.span.clone(), message));
            }
            if path.len() == declared.len()
                && declared.iter().zip(path).all(|(name, other)| name == other)
            {
                kind = Type::Text;
            }
        }
        self.see_type(path, expression);
        self.warn_of_field(path, expression);
        Typed::new(Node::Field(self.fields.intern(path)), kind)
    }

    pub(super) fn no_fields(&mut self, base: &Expression, kind: &Type) -> Typed {
        let message = format!("{} has no fields", kind.describe());
        let problem = CelProblem::new(base.span.clone(), message);
        self.broken(match kind {
            Type::List(_) => problem.with_hint("elements are reached by their place: `[0]`"),
            _ => problem,
        })
    }

    fn index(&mut self, sides: &[Expression; 2]) -> Typed {
        let [base, index] = sides;
        let (base_typed, index_typed) = (self.expression(base), self.expression(index));
        let (fits, kind) = match base_typed.kind {
            Type::Dynamic => (true, Type::Dynamic),
            Type::List(element) => {
                (matches!(index_typed.kind, Type::Int | Type::Uint | Type::Dynamic), *element)
            }
            Type::Map(key, value) => (key.can_equal(&index_typed.kind), *value),
            other => {
                let message = format!("{} cannot be indexed", other.describe());
                return self.broken(CelProblem::new(base.span.clone(), message));
            }
        };
        if !fits {
            let message = format!("{} is no index here", index_typed.kind.describe());
            return self.broken(CelProblem::new(index.span.clone(), message));
        }
        Typed::new(Node::Index(Box::new([base_typed.node, index_typed.node])), kind)
    }
}
