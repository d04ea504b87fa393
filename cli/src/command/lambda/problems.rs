//! What is wrong with a template, shown as what is wrong with rules is.

use crate::style;
use streamgauge_lambda::template::{Position, Problem};
use streamgauge_rules::{Severity, SourceFile, Span, render};

/// The code of all problems of templates.
const CODE: &str = "template";

/// The problems with the lines that they are in.
pub(super) fn for_people(problems: &[Problem], source: &SourceFile) -> String {
    let problems = shown(problems, source);
    render::for_people(&problems, std::slice::from_ref(source), style::colours_on_stderr())
}

/// The problems as JSON, one object per line.
pub(super) fn json(problems: &[Problem], source: &SourceFile) -> String {
    render::json(&shown(problems, source))
}

fn shown(problems: &[Problem], source: &SourceFile) -> Vec<streamgauge_rules::Problem> {
    let problems = problems.iter().map(|problem| streamgauge_rules::Problem {
        severity: Severity::Error,
        code: CODE,
        message: problem.message.clone(),
        span: Some(span(&problem.position, source)),
        related: Vec::new(),
        hint: Some(problem.remedy.clone()),
    });
    problems.collect()
}

fn span(position: &Position, source: &SourceFile) -> Span {
    Span {
        file: source.name.clone(),
        bytes: position.bytes(),
        line: position.line,
        column: position.column,
        end_line: position.end_line,
        end_column: position.end_column,
    }
}
