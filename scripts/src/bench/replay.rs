//! The answers of `streamgauge replay --output json`, in the plain loop's words.

use super::works::Work;
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A line of the output, as far as it is compared. Numbers stay as they are written: sums have to be exact.
#[derive(Debug, Deserialize)]
struct Line<'a> {
    kind: &'a str,
    window_start: Option<&'a str>,
    status: Option<&'a str>,
    #[serde(borrow, default)]
    dimensions: BTreeMap<&'a str, &'a str>,
    #[serde(borrow)]
    sum: Option<&'a RawValue>,
    #[serde(borrow)]
    count: Option<&'a RawValue>,
    #[serde(borrow)]
    started: Option<&'a RawValue>,
    #[serde(borrow)]
    finished: Option<&'a RawValue>,
    #[serde(borrow)]
    abandoned: Option<&'a RawValue>,
}

/// The points of an output, one line each.
fn points(work: Work, output: &str) -> anyhow::Result<Vec<String>> {
    let mut points = Vec::new();
    for text in output.lines() {
        let line: Line<'_> =
            serde_json::from_str(text).with_context(|| format!("not a line of output: {text}"))?;
        if line.kind != "point" {
            continue;
        }
        if line.status != Some("final") {
            bail!("a point that is not final, though no event is late: {text}");
        }
        let mut words = vec![line.window_start.unwrap_or_default()];
        // The dimensions in the order of their names.
        words.extend(line.dimensions.values());
        let values = match work {
            Work::A | Work::B => vec![line.sum, line.count],
            Work::C => vec![line.started, line.finished, line.abandoned],
        };
        words.extend(values.into_iter().map(|value| value.map_or("absent", RawValue::get)));
        points.push(words.join(" "));
    }
    Ok(points)
}

/// Compares an output with the plain loop's answer; the number of points if they are equal.
pub(super) fn check(work: Work, output: &str, plain: &str) -> anyhow::Result<usize> {
    let mut got = points(work, output)?;
    let mut expected: Vec<&str> = plain.lines().collect();
    got.sort_unstable();
    expected.sort_unstable();
    if let Some((got, expected)) = got.iter().zip(&expected).find(|(got, expected)| got != expected)
    {
        bail!("wrong answer: got `{got}` where the plain loop has `{expected}`");
    }
    if got.len() != expected.len() {
        bail!("wrong answer: {} points where the plain loop has {}", got.len(), expected.len());
    }
    if got.is_empty() {
        bail!("nothing to compare: the events are too few to decide a window");
    }
    Ok(got.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: &str = r#"{"kind":"point","metric":"m","dimensions":{"type":"t","aggregator":"a"},"window_start":"2026-01-05T10:00:00Z","window_end":"2026-01-05T10:05:00Z","status":"final","sum":12.5,"count":3}"#;
    const SUMMARY: &str = r#"{"kind":"summary","received":3,"counted":3,"points":1}"#;
    const PLAIN: &str = "2026-01-05T10:00:00Z a t 12.5 3\n";

    fn output(from: &str, to: &str) -> String {
        format!("{}\n{SUMMARY}\n", POINT.replace(from, to))
    }

    #[test]
    fn an_equal_answer_is_right() {
        assert_eq!(check(Work::A, &output("", ""), PLAIN).unwrap(), 1);
    }

    #[test]
    fn another_sum_is_wrong() {
        assert!(check(Work::A, &output("12.5", "12.500000001"), PLAIN).is_err());
    }

    #[test]
    fn a_missing_point_is_wrong() {
        assert!(check(Work::A, SUMMARY, PLAIN).is_err());
        assert!(check(Work::A, &output("", ""), &format!("{PLAIN}z\n")).is_err());
    }

    #[test]
    fn a_correction_is_wrong() {
        assert!(check(Work::A, &output("final", "correction"), PLAIN).is_err());
    }

    #[test]
    fn no_points_at_all_prove_nothing() {
        assert!(check(Work::A, SUMMARY, "").is_err());
    }

    #[test]
    fn journeys_compare_their_counts() {
        let line = r#"{"kind":"point","dimensions":{"country":"AE"},"window_start":"2026-01-05T10:00:00Z","status":"final","started":3,"finished":2,"abandoned":1,"rate":0.3}"#;
        assert!(check(Work::C, line, "2026-01-05T10:00:00Z AE 3 2 1").is_ok());
        assert!(check(Work::C, line, "2026-01-05T10:00:00Z AE 3 1 2").is_err());
    }
}
