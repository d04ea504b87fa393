//! Rules that are right.

use streamgauge_rules::{Outcome, SourceFile, compile, render};

/// Compiles texts as files `0.yaml`, `1.yaml` and so on; no environment.
pub(crate) fn compile_texts(texts: &[&str]) -> Outcome {
    let files: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| SourceFile { name: format!("{index}.yaml"), text: (*text).to_owned() })
        .collect();
    compile(&files, &|_| None)
}

#[test]
fn the_example_of_the_format_compiles_without_a_word() {
    let outcome = compile_texts(&[include_str!("../good/everything.yaml")]);
    assert_eq!(render::for_people(&outcome.problems, &outcome.sources, false), "");
    let rules = outcome.rules.expect("no problems");
    assert_eq!(rules.plan.metrics.len(), 7);
    assert_eq!(rules.plan.alerts.len(), 3);
}
