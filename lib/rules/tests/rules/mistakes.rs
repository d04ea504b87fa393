//! One file per mistake, and beside it what `check` says.
//!
//! `UPDATE_EXPECT=1 cargo test -p streamgauge-rules` writes the answers anew; read the difference before you commit it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use streamgauge_rules::problem::code::Code;
use streamgauge_rules::{Problem, SourceFile, compile, render, scenario};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn sources(name: &str) -> Vec<SourceFile> {
    let mut paths: Vec<_> =
        fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let read = |path: &PathBuf| SourceFile {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(read).collect()
}

/// Compares with the file beside the mistake, and gives what differs.
fn differs(place: &str, source: &SourceFile, shown: &str) -> Option<String> {
    let path = folder(place).join(&source.name).with_extension("stderr");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, shown).unwrap();
    }
    let expect = fs::read_to_string(&path).unwrap_or_default();
    (expect != shown).then(|| format!("--- {}\nexpected:\n{expect}\ngot:\n{shown}", source.name))
}

fn assert_same(differences: &[String]) {
    assert!(
        differences.is_empty(),
        "{}\nUPDATE_EXPECT=1 writes these anew",
        differences.join("\n")
    );
}

fn scenario_problems(source: &SourceFile) -> Vec<Problem> {
    let rules = include_str!("../good/scenario_rules.yaml").to_owned();
    let rules = compile(&[SourceFile { name: "rules.yaml".to_owned(), text: rules }], &|_| None)
        .rules
        .unwrap();
    let outcome = scenario::read(source);
    match outcome.file {
        Some(file) => file.check(&rules),
        None => outcome.problems,
    }
}

#[test]
fn each_mistake_in_rules_is_explained() {
    let mut differences = Vec::new();
    for source in sources("mistakes") {
        let outcome = compile(std::slice::from_ref(&source), &|_| None);
        assert!(!outcome.problems.is_empty(), "{} has no problem", source.name);
        let shown = render::for_people(&outcome.problems, &outcome.sources, false);
        differences.extend(differs("mistakes", &source, &shown));
    }
    assert_same(&differences);
}

#[test]
fn each_mistake_in_scenarios_is_explained() {
    let mut differences = Vec::new();
    for source in sources("scenario_mistakes") {
        let problems = scenario_problems(&source);
        assert!(!problems.is_empty(), "{} has no problem", source.name);
        let shown = render::for_people(&problems, std::slice::from_ref(&source), false);
        differences.extend(differs("scenario_mistakes", &source, &shown));
    }
    assert_same(&differences);
}

#[test]
fn every_code_has_a_mistake() {
    let rules = sources("mistakes");
    let rules =
        rules.iter().flat_map(|source| compile(std::slice::from_ref(source), &|_| None).problems);
    let scenarios = sources("scenario_mistakes");
    let scenarios = scenarios.iter().flat_map(scenario_problems);
    let seen: BTreeSet<&str> = rules.chain(scenarios).map(|problem| problem.code).collect();
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(seen, known);
}

#[test]
fn every_problem_says_what_to_do_or_shows_where() {
    for source in sources("mistakes") {
        for problem in compile(std::slice::from_ref(&source), &|_| None).problems {
            assert!(problem.span.is_some(), "{}: {}", source.name, problem.message);
            assert!(!problem.message.ends_with('.'), "{}: {}", source.name, problem.message);
        }
    }
}

#[test]
fn secrets_are_never_shown() {
    for source in sources("mistakes") {
        let outcome = compile(std::slice::from_ref(&source), &|_| None);
        let shown = render::for_people(&outcome.problems, &outcome.sources, true)
            + &render::json(&outcome.problems)
            + &render::github(&outcome.problems);
        for secret in ["R0123456789SECRET", "hunter2"] {
            assert!(!shown.contains(secret), "{}", source.name);
        }
    }
}

/// Not a file of its own: the repository's texts hold no tabs.
#[test]
fn a_tab_is_called_a_tab() {
    let text = "late: drop\nmetrics:\n\torders: {count: true, window: 5m}\n".to_owned();
    let outcome = compile(&[SourceFile { name: "tab.yaml".to_owned(), text }], &|_| None);
    let [problem] = outcome.problems.as_slice() else { panic!("{:?}", outcome.problems) };
    assert_eq!(
        (problem.code, problem.message.as_str()),
        ("invalid-yaml", "a tab cannot indent a line")
    );
}
