//! Scrapes of `dev`, judged by the published cases of `OpenMetrics`: a parser that is only here accepts and refuses these as
//! published, and then reads what we write. Prometheus' own checker reads it too with `cargo x prometheus-tests`.

pub(super) mod families;
pub(super) mod line;
mod scrape;

use super::oracle::check;
use super::shared_data;
use families::parse;
use proptest::prelude::*;
use scrape::scrape;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Stdio};
use streamgauge_dev::exposition::{Exposition, Format, Metric, Total};
use streamgauge_pipeline::kept::ValueKind;

#[test]
fn every_published_case_is_judged_as_published() {
    let Some(vectors) = shared_data::vectors() else { return };
    let (mut judged, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(vectors.join("openmetrics/tests/testdata/parsers")).unwrap() {
        let folder = entry.unwrap().path();
        let case = std::fs::read_to_string(folder.join("test.json")).unwrap();
        let case: serde_json::Value = serde_json::from_str(&case).unwrap();
        let text = std::fs::read_to_string(folder.join(case["file"].as_str().unwrap())).unwrap();
        let parsed = parse(&text);
        let name = folder.file_name().unwrap().to_str().unwrap();
        if parsed.is_ok() != case["shouldParse"].as_bool().unwrap() {
            wrong.push(format!("{name}: {parsed:?}"));
        }
        judged += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(judged, 211);
}

fn render(exposition: &Exposition<'_>, format: Format) -> String {
    String::from_utf8(exposition.render(format)).unwrap()
}

#[test]
fn any_scrape_is_accepted_and_read_as_it_was_meant() {
    check(300, scrape(), |scrape| {
        let exposition = scrape.exposition();
        let text = render(&exposition, Format::OpenMetrics);
        let parsed = parse(&text);
        prop_assert!(parsed.is_ok(), "{:?}\n{text}", parsed);
        let samples: Vec<_> =
            parsed.unwrap().into_iter().flat_map(|family| family.samples).collect();
        for metric in &exposition.metrics {
            // What does not add up is not there for ever.
            for series in metric.series.iter().filter(|series| series.total != Total::Unique) {
                let key: Vec<&str> = series.key.values().collect();
                let is_there = samples.iter().any(|sample| {
                    key.iter().copied().eq(sample.labels.iter().map(|(_, value)| value.as_str()))
                });
                prop_assert!(is_there, "{} {key:?} is not in\n{text}", metric.name);
            }
        }
        Ok(())
    });
}

/// The lines of series of a format.
fn series(text: &str) -> Vec<&str> {
    text.split('\n').filter(|line| !line.starts_with('#') && !line.is_empty()).collect()
}

#[test]
fn both_formats_have_the_same_series_in_the_same_order_each_once() {
    check(300, scrape(), |scrape| {
        let mut exposition = scrape.exposition();
        let open = render(&exposition, Format::OpenMetrics);
        let text = render(&exposition, Format::Prometheus);
        prop_assert_eq!(series(&open), series(&text));
        let names: Vec<&str> =
            series(&text).iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        prop_assert_eq!(names.len(), distinct.len(), "{}", text);
        for metric in &mut exposition.metrics {
            metric.series.reverse();
        }
        prop_assert_eq!(render(&exposition, Format::Prometheus), text);
        Ok(())
    });
}

/// The program that this variable names, or the one on the path.
pub(super) fn program(variable: &str, name: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| name.into())
}

/// What `promtool check metrics` says of a text of Prometheus' format, and whether it likes it.
fn promtool(text: &str) -> (bool, String) {
    let mut command = Command::new(program("PROMTOOL", "promtool"));
    let piped = command.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.stdout(Stdio::null()).spawn().expect("promtool");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    (ended.status.success(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

/// It also has opinions on style (exit code 3), which names that users choose need not meet; what it cannot parse is an error.
#[test]
#[ignore = "needs promtool: cargo x prometheus-tests"]
fn promtool_reads_any_scrape() {
    check(100, scrape(), |scrape| {
        let text = render(&scrape.exposition(), Format::Prometheus);
        let (_, said) = promtool(&text);
        prop_assert!(!said.contains("error while linting"), "{said}\n{text}");
        Ok(())
    });
}

/// Names that are chosen well meet its style too.
#[test]
#[ignore = "needs promtool: cargo x prometheus-tests"]
fn promtool_finds_nothing_odd_where_names_are_good() {
    use ValueKind::{Count, Distribution, Journey, Ratio, Sum, Unique};
    let names = [
        ("orders_created", Count),
        ("revenue", Sum),
        ("rejection_rate", Ratio),
        ("order_value", Distribution),
        ("customers", Unique),
        ("checkout", Journey),
    ];
    let metrics = names.map(|(name, kind)| Metric {
        name,
        kind,
        unit: None,
        help: None,
        dimensions: Vec::new(),
        final_until: None,
        open: Some(0),
        series: Vec::new(),
    });
    let exposition = Exposition { metrics: metrics.to_vec(), ..Exposition::default() };
    let said = promtool(&render(&exposition, Format::Prometheus));
    assert_eq!(said, (true, String::new()));
}
