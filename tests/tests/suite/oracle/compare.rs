//! The engine's output beside the oracle's.

use super::compute::{Intake, Unclear};
use super::generate::Case;
use super::model::Line;
use super::points::points;
use super::render::{ExpectedLine, point_line, summary_line};
use super::text;
use crate::suite::replayed;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use std::fmt::Write;
use streamgauge_local::input::Input;

/// Whether the engine's output for a case is the oracle's.
pub(super) fn with_the_oracle(case: &Case) -> TestCaseResult {
    let Some((lines, expected, summary, rejects)) = clear(case) else {
        return Err(TestCaseError::reject("the contract leaves it open"));
    };
    let plan = replayed::plan(&text::yaml(&case.rules));
    let inputs = inputs(&lines, &case.cuts);
    let output =
        replayed::replay_until(&plan, inputs, &replayed::options(case.end.until, case.end.open));

    let mut differences = Vec::new();
    let longest = expected.len().max(output.points.len());
    for place in 0..longest {
        let (expected, got) = (expected.get(place), output.points.get(place));
        let matches = matches!((expected, got), (Some(expected), Some(got)) if same(expected, got));
        if !matches {
            differences.push(format!(
                "point {place}\n  expected {}\n       got {}",
                expected.map_or("nothing".to_owned(), |line| format!(
                    "{} {:?}",
                    line.text, line.percentiles
                )),
                got.map_or("nothing", |line| line)
            ));
        }
    }
    if output.summary != summary {
        differences.push(format!("summary\n  expected {summary}\n       got {}", output.summary));
    }
    let got: Vec<(String, u64)> =
        output.rejects.iter().map(|(input, line, _)| (input.clone(), *line)).collect();
    if got != rejects {
        differences
            .push(format!("rejects\n  expected {rejects:?}\n       got {:?}", output.rejects));
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(TestCaseError::fail(report(case, &lines, &differences)))
    }
}

type Clear = (Vec<Line>, Vec<ExpectedLine>, String, Vec<(String, u64)>);

/// The case without the lines on which the contract leaves a choice, and the oracle's answer; nothing if the whole case
/// is such.
fn clear(case: &Case) -> Option<Clear> {
    let mut lines = case.lines.clone();
    loop {
        let mut intake = Intake::read(&case.rules, &lines);
        let points = points(&mut intake, case.end);
        let Some(unclear) = intake.unclear.first() else {
            let expected: Vec<ExpectedLine> =
                points.iter().map(|point| point_line(&case.rules, point)).collect();
            let summary = summary_line(&intake, expected.len());
            let rejects =
                intake.rejected_lines.iter().map(|&line| numbered(line, &case.cuts)).collect();
            return Some((lines, expected, summary, rejects));
        };
        match *unclear {
            Unclear::Horizon { line }
            | Unclear::StepOrder { line }
            | Unclear::LateFirst { line }
            | Unclear::KnownAtOnce { line } => {
                lines[line] = Line::Empty;
            }
            Unclear::Names => return None,
        }
    }
}

/// The file of a line and its number there, from 1.
fn numbered(line: usize, cuts: &[usize]) -> (String, u64) {
    let file = cuts.iter().filter(|&&cut| cut <= line).count();
    let first = if file == 0 { 0 } else { cuts[file - 1] };
    (format!("file{file}"), u64::try_from(line - first + 1).unwrap())
}

/// The lines as files.
pub(super) fn inputs(lines: &[Line], cuts: &[usize]) -> Vec<Input> {
    let mut starts = vec![0];
    starts.extend(cuts);
    let ends = cuts.iter().copied().chain([lines.len()]);
    let files = starts.iter().zip(ends).enumerate();
    files
        .map(|(place, (&start, end))| {
            let bytes = lines[start..end.max(start)].iter().flat_map(text::line).collect();
            Input::bytes(format!("file{place}"), bytes)
        })
        .collect()
}

/// Whether a line is the expected one, with percentiles within 1 % of the exact ones.
fn same(expected: &ExpectedLine, got: &str) -> bool {
    let (text, percentiles) = without_percentiles(got);
    let near = |(shown, &exact): (&str, &i128)| {
        super::model::billionths(shown)
            .is_ok_and(|shown| (shown - exact).abs() * 100 <= exact.abs())
    };
    text == expected.text
        && percentiles.len() == expected.percentiles.len()
        && percentiles.into_iter().zip(&expected.percentiles).all(near)
}

/// A line with `~` in the place of each percentile, and these as they were written.
fn without_percentiles(line: &str) -> (String, Vec<&str>) {
    let mut pieces = line.split("\"p");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    let mut percentiles = Vec::new();
    for piece in pieces {
        text += "\"p";
        match piece.split_once("\":") {
            Some((name, rest)) if name.starts_with(|letter: char| letter.is_ascii_digit()) => {
                let (number, rest) = rest.split_at(rest.find([',', '}']).unwrap());
                percentiles.push(number);
                write!(text, "{name}\":~{rest}").unwrap();
            }
            _ => text += piece,
        }
    }
    (text, percentiles)
}

/// What is needed to see a failure again: rules, lines, options and what differs.
fn report(case: &Case, lines: &[Line], differences: &[String]) -> String {
    let shown = |line: &Line| String::from_utf8_lossy(&text::line(line)).into_owned();
    let lines: String = lines.iter().map(shown).collect();
    format!(
        "the engine and the oracle differ\n--- rules\n{}--- lines (files begin at {:?}, {:?})\n{lines}--- differences\n{}\n",
        text::yaml(&case.rules),
        case.cuts,
        case.end,
        differences.iter().take(6).cloned().collect::<Vec<_>>().join("\n")
    )
}
