//! Expressions: CEL in a YAML scalar, and what YAML takes for something else.

use super::Reader;
use crate::cel::{self, Expected};
use crate::problem::code::Code;
use crate::source::{Place, line_at, line_start};
use crate::yaml::misread;
use crate::yaml::scalar::place_in;
use crate::yaml::tree::{Content, Node, Scalar, Style, shown};
use streamgauge_engine::expression::Program;

/// A compiled expression with its text.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) program: Program,
    pub(crate) source: String,
}

impl Reader<'_> {
    /// A CEL expression.
    pub(crate) fn expression(&mut self, node: &Node, expected: Expected) -> Option<Compiled> {
        const EXPRESSION: &str = "an expression such as `type == \"order.created\"`";
        let scalar = match &node.content {
            Content::Scalar(scalar) if scalar.tag.is_some() => {
                let tag = scalar.tag.unwrap_or(node.place);
                self.misread(
                    tag.start,
                    node,
                    &format!("YAML reads `{}` as a tag", shown(tag.text(self.sources))),
                );
                return None;
            }
            Content::Scalar(scalar) if !scalar.is_null() => scalar,
            Content::Sequence(_) | Content::Mapping(_) => {
                let kind = node.kind_name();
                self.misread(
                    node.place.start,
                    node,
                    &format!("YAML reads this expression as {kind}"),
                );
                return None;
            }
            _ => {
                self.wrong_type(node, EXPRESSION);
                return None;
            }
        };
        match cel::compile_as(&scalar.text, &mut self.fields, &self.declarations, expected) {
            Ok(cel::Compiled { program, warnings }) => {
                for problem in warnings {
                    let place = place_in(node, scalar, &problem.span, self.sources);
                    self.findings
                        .warning(Code::ProbableSlip, place, problem.message)
                        .maybe_hint(problem.hint);
                }
                Some(Compiled { program, source: scalar.text.clone() })
            }
            Err(_) if self.report_if_cut_short(node, scalar) => None,
            Err(problems) => {
                for problem in problems {
                    let place = place_in(node, scalar, &problem.span, self.sources);
                    self.findings
                        .error(Code::InvalidExpression, place, problem.message)
                        .maybe_hint(problem.hint);
                }
                None
            }
        }
    }

    /// Reports an expression that YAML took for something else.
    fn misread(&mut self, start: usize, node: &Node, message: &str) {
        let place = Place { start, ..node.place };
        let quoted = self.quoted_line(start, node);
        self.findings
            .error(Code::MisreadExpression, place, message)
            .hint(format!("put it in quotes: {quoted}"));
    }

    /// Whether a plain scalar was cut short by ` #` or, within braces, by a comma or bracket; reports it if so.
    fn report_if_cut_short(&mut self, node: &Node, scalar: &Scalar) -> bool {
        let text = self.sources.get(node.place.file).map_or("", |source| source.text.as_str());
        let start = node.place.start;
        let quoted = match scalar.style {
            Style::Plain => misread::in_line(line_at(text, start), start - line_start(text, start)),
            _ => None,
        };
        let Some(quoted) = quoted else { return false };
        self.findings
            .error(Code::MisreadExpression, node.place, "YAML ends this expression too early")
            .hint(format!("put it in quotes: {quoted}"));
        true
    }
}
