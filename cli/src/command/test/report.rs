//! How scenarios ended, for people and for machines.

use super::judge::{About, FileResult, Mismatch, ScenarioResult, Value, Verdict};
use crate::style::{self, push};
use crate::table::{self, Align};
use streamgauge_pipeline::render::push_json_string;

/// The scenarios of a file, each with what is not as expected.
pub(super) fn text(result: &FileResult) -> String {
    let mut text = format!("{}\n", style::bold(style::printable(&result.file)));
    if result.wrong {
        push(&mut text, format_args!("  {}  not run\n", style::error("error")));
    }
    for scenario in &result.scenarios {
        let name = style::printable(&scenario.name);
        let line = match scenario.verdict {
            Verdict::Passed => format!("  {}     {name}\n", style::good("ok")),
            Verdict::Failed => format!(
                "  {} {name}  ({}:{})\n",
                style::error("FAILED"),
                result.file,
                scenario.line
            ),
        };
        text.push_str(&line);
        push_failures(scenario, &result.file, &mut text);
    }
    text
}

/// What is not as expected in a scenario, without colours.
pub(super) fn failures_plain(scenario: &ScenarioResult, file: &str) -> String {
    let mut text = String::from("\n");
    push_failures(scenario, file, &mut text);
    text
}

/// How much is not as expected, in one sentence.
pub(super) fn failures_counted(scenario: &ScenarioResult) -> String {
    let is_point = |failure: &&Mismatch| matches!(failure.about, About::Point { .. });
    let points = scenario.failures.iter().filter(is_point).count();
    let not_as_expected = |count: usize, noun: &str| match count {
        0 => None,
        1 => Some(format!("1 {noun} is not as expected")),
        count => Some(format!("{count} {noun}s are not as expected")),
    };
    let alerts = not_as_expected(scenario.failures.len() - points, "transition");
    let points = not_as_expected(points, "point");
    let events = match scenario.rejects.len() {
        0 => None,
        1 => Some("1 event was rejected".to_owned()),
        count => Some(format!("{count} events were rejected")),
    };
    events.into_iter().chain(points).chain(alerts).collect::<Vec<_>>().join(", ")
}

/// The rejected events first: what is missing may follow from them.
fn push_failures(scenario: &ScenarioResult, file: &str, text: &mut String) {
    for reject in &scenario.rejects {
        push(text, format_args!("    {}\n", style::printable(reject)));
    }
    for failure in &scenario.failures {
        push_failure(failure, file, text);
    }
}

/// What is not as expected, with both sides beside each other.
fn push_failure(failure: &Mismatch, file: &str, text: &mut String) {
    push(text, format_args!("    {}", heading(&failure.about)));
    match failure.line {
        Some(line) => push(text, format_args!("  ({file}:{line})\n")),
        None => text.push_str(", which is not expected\n"),
    }
    let others = if failure.others.is_empty() { "no other" } else { "these" };
    match failure.about {
        About::Order => text.push_str("      all that is expected came, in this order:\n"),
        _ if failure.found => {}
        About::Point { .. } => {
            push(text, format_args!("      there is no such point; the metric has {others}\n"));
        }
        About::Transition { .. } => {
            push(text, format_args!("      there is no such transition; the alert has {others}\n"));
        }
    }
    for other in &failure.others {
        push(text, format_args!("        {}\n", style::printable(other)));
    }
    if failure.values.is_empty() {
        return;
    }
    let columns =
        [("", Align::Left), ("expected", Align::Right), ("got", Align::Right), ("", Align::Left)];
    let columns = columns.map(|(name, align)| (name.to_owned(), align));
    let rows = failure.values.iter().map(|value| {
        let mark = if value.equal || value.expected.is_none() { "" } else { "<" };
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
        vec![value.name.clone(), side(&value.expected), side(&value.got), mark.to_owned()]
    });
    text.push_str(&table::lines(&columns, rows.collect(), 6));
}

/// What it is about.
fn heading(about: &About) -> String {
    match about {
        About::Point { metric, dimensions, window, status } => {
            let dimensions = style::printable(dimensions);
            format!("{metric} {dimensions} window {window} {}", status.as_str())
        }
        About::Transition { alert, step, group, transition } => {
            let step = step.as_ref().map(|step| format!(" {step}")).unwrap_or_default();
            format!("{alert}{step} {} {transition}", style::printable(group))
        }
        About::Order => "the alerts come in another order".to_owned(),
    }
}

/// The last line.
pub(super) fn summary_text(results: &[FileResult]) -> String {
    let [passed, failed, wrong] = counts(results);
    let mut parts = vec![format!("{passed} passed")];
    if failed > 0 {
        parts.push(style::error(format!("{failed} failed")).to_string());
    }
    if wrong > 0 {
        let files = if wrong == 1 { "file" } else { "files" };
        parts.push(style::error(format!("{wrong} {files} with errors")).to_string());
    }
    format!("{}\n", parts.join(", "))
}

/// One object per scenario; one for a file that could not be run.
pub(super) fn json(result: &FileResult) -> String {
    let mut out = Vec::new();
    if result.wrong {
        out.extend_from_slice(br#"{"kind":"file","file":"#);
        push_json_string(&result.file, &mut out);
        out.extend_from_slice(b",\"result\":\"error\"}\n");
    }
    for scenario in &result.scenarios {
        out.extend_from_slice(br#"{"kind":"scenario","file":"#);
        push_json_string(&result.file, &mut out);
        out.extend_from_slice(format!(r#","line":{},"name":"#, scenario.line).as_bytes());
        push_json_string(&scenario.name, &mut out);
        out.extend_from_slice(format!(r#","result":"{}""#, result_name(scenario)).as_bytes());
        push_list("failures", &scenario.failures, push_failure_json, &mut out);
        push_list(
            "rejects",
            &scenario.rejects,
            |reject, out| push_json_string(reject, out),
            &mut out,
        );
        out.extend_from_slice(b"}\n");
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn result_name(scenario: &ScenarioResult) -> &'static str {
    match scenario.verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
    }
}

fn push_failure_json(failure: &Mismatch, out: &mut Vec<u8>) {
    match &failure.about {
        About::Point { metric, dimensions, window, status } => {
            out.extend_from_slice(br#"{"metric":"#);
            push_json_string(metric, out);
            let point = format!(
                r#","dimensions":{dimensions},"window_start":"{window}","status":"{}""#,
                status.as_str()
            );
            out.extend_from_slice(point.as_bytes());
        }
        About::Transition { alert, step, group, transition } => {
            out.extend_from_slice(br#"{"alert":"#);
            push_json_string(alert, out);
            if let Some(step) = step {
                push_text("step", step, out);
            }
            let rest = format!(r#","group":{group},"transition":"{transition}""#);
            out.extend_from_slice(rest.as_bytes());
        }
        About::Order => out.extend_from_slice(br#"{"alerts":"another order""#),
    }
    if let Some(line) = failure.line {
        out.extend_from_slice(format!(r#","line":{line}"#).as_bytes());
    }
    push_values("expected", failure, |value| value.expected.as_deref(), out);
    push_values("got", failure, |value| value.got.as_deref(), out);
    out.push(b'}');
}

/// Appends one side of the values, unless it has none.
fn push_values(side: &str, failure: &Mismatch, of: fn(&Value) -> Option<&str>, out: &mut Vec<u8>) {
    let values = failure.values.iter().filter_map(|value| {
        let quote = if value.quoted { "\"" } else { "" };
        Some(format!(r#""{}":{quote}{}{quote}"#, value.name, of(value)?))
    });
    let values = values.collect::<Vec<_>>();
    if !values.is_empty() {
        out.extend_from_slice(format!(r#","{side}":{{{}}}"#, values.join(",")).as_bytes());
    }
}

/// Appends `,"name":"text"`.
fn push_text(name: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!(r#","{name}":"#).as_bytes());
    push_json_string(text, out);
}

/// Appends `,"name":[...]`, unless there is nothing to list.
fn push_list<T>(name: &str, list: &[T], push: impl Fn(&T, &mut Vec<u8>), out: &mut Vec<u8>) {
    for (place, item) in list.iter().enumerate() {
        let start = if place == 0 { format!(r#","{name}":["#) } else { ",".to_owned() };
        out.extend_from_slice(start.as_bytes());
        push(item, out);
    }
    if !list.is_empty() {
        out.push(b']');
    }
}

/// The last object.
pub(super) fn summary_json(results: &[FileResult]) -> String {
    let [passed, failed, wrong] = counts(results);
    format!(
        r#"{{"kind":"summary","passed":{passed},"failed":{failed},"files_with_errors":{wrong}}}"#
    ) + "\n"
}

/// Scenarios that passed and failed, and files that are wrong.
fn counts(results: &[FileResult]) -> [usize; 3] {
    let count = |verdict| {
        let scenarios = results.iter().flat_map(|file| &file.scenarios);
        scenarios.filter(|scenario| scenario.verdict == verdict).count()
    };
    let wrong = results.iter().filter(|file| file.wrong).count();
    [count(Verdict::Passed), count(Verdict::Failed), wrong]
}
