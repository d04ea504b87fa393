//! Problems for people, machines and GitHub.
//!
//! [`for_people`] shows the line and points at the place:
//!
//! ```text
//! error[unknown-key]: a metric has no key `windw`
//!  --> rules.yaml:3:44
//!   |
//! 3 |   orders: {count: type == 'order.created', windw: 5m}
//!   |                                            ^^^^^
//!   |
//!   = help: did you mean `window`?
//! ```
//!
//! [`json`] gives one object per problem and line: `severity`, `code`, `message`, `file`, `line`, `column`, `end_line`,
//! `end_column`, `start_byte`, `end_byte`, `hint`, `related`; what is not there is left out. [`github`] gives the
//! workflow commands that make annotations.

use super::{Problem, Severity};
use crate::source::{SourceFile, Span, line_start};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt::Write as _;
use streamgauge_engine::json::escape;

/// The problems as `rustc` would show them. Give the sources of the outcome, in which secrets are concealed.
pub fn for_people(problems: &[Problem], sources: &[SourceFile], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for problem in problems {
        text.push_str(&renderer.render(&[group(problem, sources)]));
        text.push_str("\n\n");
    }
    text
}

/// `2 errors, 1 warning`: the last line of `check`.
pub fn summary(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let number = |number: usize, what: &str| {
        format!("{number} {what}{}", if number == 1 { "" } else { "s" })
    };
    format!("{}, {}", number(errors, "error"), number(problems.len() - errors, "warning"))
}

fn group<'p>(problem: &'p Problem, sources: &'p [SourceFile]) -> Group<'p> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group =
        Group::with_title(level.primary_title(problem.message.as_str()).id(problem.code));
    if let Some(span) = &problem.span {
        let (near, far): (Vec<_>, Vec<_>) =
            problem.related.iter().partition(|(other, _)| is_near(span, other));
        group = group.elements(snippet(span, &near, sources));
        for (other, label) in far {
            let snippet = cut(other, other, sources).map(|cut| {
                cut.empty().annotation(
                    AnnotationKind::Context.span(cut.range(other)).label(label.as_str()),
                )
            });
            group = group.elements(snippet);
        }
    }
    if let Some(hint) = &problem.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    group
}

/// Whether both places fit into one picture.
fn is_near(left: &Span, right: &Span) -> bool {
    left.file == right.file
}

fn snippet<'p>(
    span: &Span,
    near: &[&'p (Span, String)],
    sources: &'p [SourceFile],
) -> Option<Snippet<'p, Annotation<'p>>> {
    let first =
        near.iter().map(|(other, _)| other).chain([span]).min_by_key(|span| span.bytes.start)?;
    let last =
        near.iter().map(|(other, _)| other).chain([span]).max_by_key(|span| span.bytes.end)?;
    let cut = cut(first, last, sources)?;
    let mut snippet = cut.empty().annotation(AnnotationKind::Primary.span(cut.range(span)));
    for (other, label) in near {
        snippet = snippet
            .annotation(AnnotationKind::Context.span(cut.range(other)).label(label.as_str()));
    }
    Some(snippet)
}

/// The lines that a picture needs.
struct Cut<'p> {
    name: &'p str,
    text: &'p str,
    start: usize,
    line: usize,
}

fn cut<'p>(first: &Span, last: &Span, sources: &'p [SourceFile]) -> Option<Cut<'p>> {
    let source = sources.iter().find(|source| source.name == first.file)?;
    let start = line_start(&source.text, first.bytes.start);
    let end = source
        .text
        .get(last.bytes.end..)?
        .find('\n')
        .map_or(source.text.len(), |newline| last.bytes.end + newline);
    Some(Cut { name: &source.name, text: source.text.get(start..end)?, start, line: first.line })
}

impl<'p> Cut<'p> {
    fn empty(&self) -> Snippet<'p, Annotation<'p>> {
        Snippet::source(self.text).path(self.name).line_start(self.line)
    }

    fn range(&self, span: &Span) -> std::ops::Range<usize> {
        let start = span.bytes.start.saturating_sub(self.start);
        start..span.bytes.end.saturating_sub(self.start).max(start)
    }
}

/// One JSON object per line.
pub fn json(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let mut object = JsonObject::new();
        object
            .text("severity", problem.severity.as_str())
            .text("code", problem.code)
            .text("message", &problem.message);
        if let Some(span) = &problem.span {
            object.span(span);
        }
        if let Some(hint) = &problem.hint {
            object.text("hint", hint);
        }
        if !problem.related.is_empty() {
            let related = problem.related.iter().map(|(span, label)| {
                let mut other = JsonObject::new();
                other.text("message", label).span(span);
                other.finish()
            });
            object.raw("related", &format!("[{}]", related.collect::<Vec<_>>().join(",")));
        }
        text.push_str(&object.finish());
        text.push('\n');
    }
    text
}

/// Workflow commands of GitHub Actions, one per line.
/// <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>
pub fn github(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let mut properties = String::new();
        if let Some(span) = &problem.span {
            let Span { file, line, column, end_line, end_column, .. } = span;
            let file = escape_property(file);
            properties = format!(
                " file={file},line={line},col={column},endLine={end_line},endColumn={end_column},"
            );
        } else {
            properties.push(' ');
        }
        let hint = problem.hint.as_ref().map(|hint| format!("\nhelp: {hint}")).unwrap_or_default();
        let message = escape_data(&format!("{}{hint}", problem.message));
        let severity = problem.severity.as_str();
        let title = escape_property(problem.code);
        let written = writeln!(text, "::{severity}{properties}title={title}::{message}");
        debug_assert!(written.is_ok(), "writing to a string does not fail");
    }
    text
}

fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A JSON object that is being written.
pub(crate) struct JsonObject {
    text: String,
}

impl JsonObject {
    pub(crate) fn new() -> Self {
        Self { text: "{".to_owned() }
    }

    pub(crate) fn raw(&mut self, key: &str, value: &str) -> &mut Self {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        push_json_string(&mut self.text, key);
        self.text.push(':');
        self.text.push_str(value);
        self
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        let mut quoted = String::new();
        push_json_string(&mut quoted, value);
        self.raw(key, &quoted)
    }

    fn span(&mut self, span: &Span) -> &mut Self {
        self.text("file", &span.file)
            .raw("line", &span.line.to_string())
            .raw("column", &span.column.to_string())
            .raw("end_line", &span.end_line.to_string())
            .raw("end_column", &span.end_column.to_string())
            .raw("start_byte", &span.bytes.start.to_string())
            .raw("end_byte", &span.bytes.end.to_string())
    }

    pub(crate) fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

/// Appends a text as a JSON string.
pub(crate) fn push_json_string(json: &mut String, text: &str) {
    json.push('"');
    json.push_str(&escape(text));
    json.push('"');
}
