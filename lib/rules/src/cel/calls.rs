//! Functions, methods and macros.

use super::CelProblem;
use super::ast::{Call, Expression, Kind};
use super::compiler::{Compiler, Typed};
use super::types::Type;
use std::ops::Range;
use streamgauge_engine::expression::{
    Comprehension, ComprehensionKind, Function, Node, Pattern, TextTest,
};

impl Compiler<'_> {
    /// A call of whatever kind.
    pub(super) fn call(&mut self, call: &Call, span: &Range<usize>) -> Typed {
        let arguments = call.arguments.as_slice();
        match (&call.receiver, call.name.as_str(), arguments) {
            (None, "has", _) => self.has(arguments, span),
            (None, "dyn", [argument]) => Typed::new(self.expression(argument).node, Type::Dynamic),
            (None, "size", [argument]) | (Some(argument), "size", []) => self.size(argument),
            (None, "matches", [text, pattern]) | (Some(text), "matches", [pattern]) => {
                self.matches(text, pattern)
            }
            (None, "int", [argument]) => self.conversion(Function::Int, Type::Int, argument),
            (None, "uint", [argument]) => self.conversion(Function::Uint, Type::Uint, argument),
            (None, "double", [argument]) => {
                self.conversion(Function::Double, Type::Double, argument)
            }
            (None, "string", [argument]) => self.conversion(Function::Text, Type::Text, argument),
            (None, "bytes", [argument]) => self.conversion(Function::Bytes, Type::Bytes, argument),
            (None, "bool", [argument]) => self.conversion(Function::Bool, Type::Bool, argument),
            (Some(text), "startsWith", [part]) => self.text_test(TextTest::StartsWith, text, part),
            (Some(text), "endsWith", [part]) => self.text_test(TextTest::EndsWith, text, part),
            (Some(text), "contains", [part]) => self.text_test(TextTest::Contains, text, part),
            (Some(range), "all" | "exists" | "exists_one" | "map" | "filter", _) => {
                self.comprehension(range, call, span)
            }
            _ => self.no_such_call(call, span),
        }
    }

    fn has(&mut self, arguments: &[Expression], span: &Range<usize>) -> Typed {
        let [argument] = arguments else {
            return self.broken(CelProblem::new(
                span.clone(),
                "`has` takes one field: `has(data.country)`",
            ));
        };
        let problem = match &argument.kind {
            Kind::Index(_) => CelProblem::new(
                argument.span.clone(),
                "`has` takes a field, not an index",
            )
            .with_hint(
                "write `has(data.country)`, with backquotes if need be: has(data.`order-id`)",
            ),
            Kind::Text(_) => {
                CelProblem::new(argument.span.clone(), "`has` takes a field, not a string")
                    .with_hint("leave out the quotes: `has(data.country)`")
            }
            _ => CelProblem::new(argument.span.clone(), "`has` takes a field: `has(data.country)`"),
        };
        if let Kind::Name { .. } | Kind::Select { .. } = &argument.kind
            && let Some(path) = self.path(argument)
        {
            let typed = self.field(&path, argument);
            return match typed.node {
                Node::Field(field) => Typed::new(Node::HasField(field), Type::Bool),
                _ => typed,
            };
        }
        let Kind::Select { base, key } = &argument.kind else { return self.broken(problem) };
        let Typed { node, kind } = self.expression(base);
        match kind {
            Type::Dynamic | Type::Map(..) => {
                Typed::new(Node::Has(Box::new(node), key.as_str().into()), Type::Bool)
            }
            kind => self.no_fields(base, &kind),
        }
    }

    fn size(&mut self, argument: &Expression) -> Typed {
        let Typed { node, kind } = self.expression(argument);
        if matches!(kind, Type::Dynamic | Type::Text | Type::Bytes | Type::List(_) | Type::Map(..))
        {
            return Typed::new(Node::Call(Function::Size, Box::new(node)), Type::Int);
        }
        let message =
            format!("`size` needs a string, bytes, a list or a map, this is {}", kind.describe());
        self.broken(CelProblem::new(argument.span.clone(), message))
    }

    fn conversion(&mut self, function: Function, result: Type, argument: &Expression) -> Typed {
        let Typed { node, kind } = self.expression(argument);
        let fits = match function {
            Function::Bytes => matches!(kind, Type::Text | Type::Bytes),
            Function::Bool => matches!(kind, Type::Text | Type::Bool),
            Function::Text => {
                matches!(kind, Type::Text | Type::Bytes | Type::Bool) || kind.is_number()
            }
            _ => kind == Type::Text || kind.is_number(),
        };
        if fits || kind.is_dynamic() {
            return Typed::new(Node::Call(function, Box::new(node)), result);
        }
        let message = format!("{} cannot be converted to {}", kind.describe(), result.describe());
        self.broken(CelProblem::new(argument.span.clone(), message))
    }

    fn text_test(&mut self, test: TextTest, text: &Expression, part: &Expression) -> Typed {
        let sides = [self.text(text), self.text(part)];
        Typed::new(Node::TextTest(test, Box::new(sides)), Type::Bool)
    }

    /// A part that must be a string.
    fn text(&mut self, expression: &Expression) -> Node {
        let Typed { node, kind } = self.expression(expression);
        if !matches!(kind, Type::Text | Type::Dynamic) {
            let message = format!("expected a string, this is {}", kind.describe());
            let problem = CelProblem::new(expression.span.clone(), message);
            self.problem(match kind {
                Type::List(_) => {
                    problem.with_hint("whether a list holds something is asked with `in`")
                }
                _ => problem,
            });
        }
        node
    }

    /// Patterns are literals, so that they are compiled once and their mistakes are found here.
    fn matches(&mut self, text: &Expression, pattern: &Expression) -> Typed {
        let text = self.text(text);
        let Kind::Text(source) = &pattern.kind else {
            return self.broken(
                CelProblem::new(
                    pattern.span.clone(),
                    "the pattern of `matches` must be a string literal",
                )
                .with_hint("it is compiled when the rules are loaded"),
            );
        };
        match Pattern::new(source) {
            Ok(compiled) => Typed::new(Node::Matches(Box::new(text), compiled), Type::Bool),
            Err(error) => self.broken(CelProblem::new(
                pattern.span.clone(),
                format!("the pattern cannot be read: {error}"),
            )),
        }
    }

    fn comprehension(&mut self, range: &Expression, call: &Call, span: &Range<usize>) -> Typed {
        let name = call.name.as_str();
        let range_typed = self.expression(range);
        let element = match range_typed.kind {
            Type::Dynamic => Type::Dynamic,
            Type::List(element) => *element,
            Type::Map(key, _) => *key,
            other => {
                let message =
                    format!("`{name}` needs a list or a map, this is {}", other.describe());
                return self.broken(CelProblem::new(range.span.clone(), message));
            }
        };
        let (variable, parts) = match call.arguments.as_slice() {
            [variable, part] => (variable, std::slice::from_ref(part)),
            [variable, parts @ ..] if name == "map" && parts.len() == 2 => (variable, parts),
            [_, second, _] if matches!(second.kind, Kind::Name { .. }) => {
                let message = "macros with two variables are not supported";
                return self.broken(CelProblem::new(call.name_span.clone(), message));
            }
            _ => {
                let message =
                    format!("`{name}` takes a name and an expression: `list.{name}(x, …)`");
                return self.broken(CelProblem::new(span.clone(), message));
            }
        };
        let Kind::Name { name: variable_name, rooted: false } = &variable.kind else {
            if let Kind::Call(_) = variable.kind {
                // A call that is not supported is the better thing to tell.
                self.expression(variable);
            }
            let message = format!("expected a name for the elements: `list.{name}(x, …)`");
            return self.broken(CelProblem::new(variable.span.clone(), message));
        };
        self.variables.push((variable_name.clone(), element.clone()));
        let (kind, result) = self.body(name, parts, element);
        self.variables.pop();
        Typed::new(
            Node::Comprehension(Box::new(Comprehension { range: range_typed.node, kind })),
            result,
        )
    }

    /// What a macro asks of each element, and the type of its result.
    fn body(
        &mut self,
        name: &str,
        parts: &[Expression],
        element: Type,
    ) -> (ComprehensionKind, Type) {
        let place = format!("in `{name}`");
        let list = |kind| Type::List(Box::new(kind));
        match (name, parts) {
            ("map", [transform]) => {
                let Typed { node, kind } = self.expression(transform);
                (ComprehensionKind::Collect { filter: None, transform: Some(node) }, list(kind))
            }
            ("map", [filter, transform]) => {
                let filter = Some(self.condition(filter, &place));
                let Typed { node, kind } = self.expression(transform);
                (ComprehensionKind::Collect { filter, transform: Some(node) }, list(kind))
            }
            (_, [test, ..]) => {
                let test = self.condition(test, &place);
                match name {
                    "all" => (ComprehensionKind::All(test), Type::Bool),
                    "exists" => (ComprehensionKind::Exists(test), Type::Bool),
                    "exists_one" => (ComprehensionKind::ExistsOne(test), Type::Bool),
                    _ => (
                        ComprehensionKind::Collect { filter: Some(test), transform: None },
                        list(element),
                    ),
                }
            }
            (_, []) => {
                (ComprehensionKind::Collect { filter: None, transform: None }, list(element))
            }
        }
    }
}
