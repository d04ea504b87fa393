//! Whatever is in the files: an answer, with places inside of them.

use proptest::prelude::*;
use streamgauge_rules::{Problem, Severity, SourceFile, compile, render, scenario};

const RULES: &str = include_str!("../good/everything.yaml");
const SCENARIOS: &str = include_str!("../good/scenarios.yaml");

/// What one does to a text by accident, or on purpose to break the reader.
#[derive(Clone, Debug)]
enum Change {
    Delete(usize, usize),
    Insert(usize, String),
    Copy(usize, usize, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ": ",
        " #",
        "!",
        "!!str ",
        "&a ",
        "*a",
        "<<: *a\n",
        "\"",
        "'",
        "|\n",
        ">-\n",
        "\n",
        "\n  ",
        "\t",
        "- ",
        "? ",
        "---\n",
        "%TAG ! x\n",
        "${",
        "}",
        "{{",
        "}}",
        "{% for x in y %}",
        "\u{0}",
        "é",
        "\u{feff}",
        "۳",
        "~",
        "0s",
        "9e99",
        ".inf",
        "over",
        "sum over 10m >= 3",
        "alerts:\n",
        "0x7fffffffffffffffffff",
        "\r\n",
        "\u{2028}",
        "\\",
        "\\u",
        "1",
        "-",
        ",",
    ]);
    let change = prop_oneof![
        (any::<usize>(), 0_usize..40).prop_map(|(at, length)| Change::Delete(at, length)),
        (any::<usize>(), pieces).prop_map(|(at, text)| Change::Insert(at, text.to_owned())),
        (any::<usize>(), any::<usize>(), 0_usize..60)
            .prop_map(|(from, to, length)| Change::Copy(from, to, length)),
    ];
    prop::collection::vec(change, 1..6)
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for change in changes {
        let length = letters.len().max(1);
        match change {
            Change::Delete(at, count) => {
                let at = at % length;
                letters.drain(at.min(letters.len())..(at + count).min(letters.len()));
            }
            Change::Insert(at, piece) => {
                let at = (at % length).min(letters.len());
                letters.splice(at..at, piece.chars());
            }
            Change::Copy(from, to, count) => {
                let from = (from % length).min(letters.len());
                let copy: Vec<char> = letters[from..(from + count).min(letters.len())].to_vec();
                let to = (to % length).min(letters.len());
                letters.splice(to..to, copy);
            }
        }
    }
    letters.into_iter().collect()
}

fn check_problems(problems: &[Problem], source: &SourceFile) {
    for problem in problems {
        let spans = problem.span.iter().chain(problem.related.iter().map(|(span, _)| span));
        for span in spans {
            assert!(source.text.get(span.bytes.clone()).is_some(), "{span:?} is not in the file");
            assert!(
                span.line >= 1
                    && span.column >= 1
                    && span.line <= source.text.matches('\n').count() + 1
            );
            assert!((span.line, span.column) <= (span.end_line, span.end_column), "{span:?}");
        }
        assert!(problem.span.is_some(), "{problem:?} has no place");
        assert!(!problem.message.contains('\n'), "{problem:?}");
    }
    let shown = render::for_people(problems, std::slice::from_ref(source), false);
    assert_eq!(shown.is_empty(), problems.is_empty());
    for line in render::json(problems).lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    assert_eq!(render::github(problems).lines().count(), problems.len());
}

fn check_rules(text: &str) {
    let source = SourceFile { name: "rules.yaml".to_owned(), text: text.to_owned() };
    let outcome = compile(std::slice::from_ref(&source), &|_| None);
    let has_errors = outcome.problems.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(outcome.rules.is_none(), has_errors);
    assert_eq!(outcome.sources[0].text.len(), text.len());
    check_problems(&outcome.problems, &source);
}

fn check_scenarios(text: &str) {
    let source = SourceFile { name: "scenarios.yaml".to_owned(), text: text.to_owned() };
    let outcome = scenario::read(&source);
    assert_eq!(outcome.file.is_none(), !outcome.problems.is_empty());
    check_problems(&outcome.problems, &source);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn changed_rules_get_an_answer(changes in changes()) {
        check_rules(&changed(RULES, &changes));
    }

    #[test]
    fn changed_scenarios_get_an_answer(changes in changes()) {
        check_scenarios(&changed(SCENARIOS, &changes));
    }

    #[test]
    fn any_text_gets_an_answer(text in "[ -~\n]{0,60}") {
        check_rules(&text);
        check_scenarios(&text);
    }
}

#[test]
fn every_beginning_of_a_file_gets_an_answer() {
    for (end, _) in RULES.char_indices().step_by(7) {
        check_rules(RULES.get(..end).unwrap());
    }
    for (end, _) in SCENARIOS.char_indices().step_by(7) {
        check_scenarios(SCENARIOS.get(..end).unwrap());
    }
}
