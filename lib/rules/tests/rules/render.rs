//! Problems for machines.

use super::valid::compile_texts;
use streamgauge_rules::render;

const WRONG: &str = "late: drop\nmetrics:\n  a: {count: true, window: 5m}\n  a: {count: true, window: 1m}\n  b: {count: true, windw: 1m}\n";

#[test]
fn json_is_one_object_per_line() {
    let outcome = compile_texts(&[WRONG]);
    let shown = render::json(&outcome.problems);
    let lines: Vec<serde_json::Value> =
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    let first = &lines[0];
    assert_eq!(first["code"], "duplicate-key");
    assert_eq!(
        (&first["file"], &first["line"], &first["column"]),
        (&"0.yaml".into(), &4.into(), &3.into())
    );
    assert_eq!((&first["start_byte"], &first["end_byte"]), (&53.into(), &54.into()));
    assert_eq!(first["related"][0]["line"], 3);
    assert_eq!(first["severity"], "error");
    assert_eq!(lines[2]["hint"], "did you mean `window`?");
    assert!(lines[2].get("related").is_none());
}

#[test]
fn github_gets_workflow_commands() {
    let outcome = compile_texts(&[WRONG]);
    let shown = render::github(&outcome.problems);
    let expect = "::error file=0.yaml,line=5,col=20,endLine=5,endColumn=25,title=unknown-key::a metric has no key `windw`%0Ahelp: did you mean `window`?";
    assert_eq!(shown.lines().last(), Some(expect));
}

#[test]
fn problems_are_counted() {
    assert_eq!(render::summary(&compile_texts(&[WRONG]).problems), "3 errors, 0 warnings");
    assert_eq!(render::summary(&compile_texts(&["late: drop"]).problems), "0 errors, 1 warning");
}

#[test]
fn colours_are_a_choice() {
    let outcome = compile_texts(&[WRONG]);
    assert!(render::for_people(&outcome.problems, &outcome.sources, true).contains('\u{1b}'));
    assert!(!render::for_people(&outcome.problems, &outcome.sources, false).contains('\u{1b}'));
}
