//! The documents cannot drift from the code: ARCHITECTURE.md's invariants name tests that exist, README's first two
//! commands are those that CI runs, decisions are numbered without gaps,
//! links lead somewhere.

mod links;

use super::source::{read, root};
use std::collections::BTreeMap;
use std::fs;

/// One invariant of ARCHITECTURE.md.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Invariant {
    /// `E1`.
    name: String,
    /// `path/to/file.rs::name_of_test`, at least one.
    tests: Vec<String>,
}

/// The invariants: each begins a line with its bold name and ends with `test:` and the tests in backquotes.
fn invariants(architecture: &str) -> Vec<Invariant> {
    let mut invariants = Vec::new();
    let mut blocks: Vec<String> = Vec::new();
    for line in architecture.lines() {
        let line = line.trim();
        match blocks.last_mut() {
            Some(block)
                if !line.is_empty() && !line.starts_with("- ") && !line.starts_with("**") =>
            {
                block.extend([" ", line]);
            }
            _ => blocks.push(line.trim_start_matches("- ").to_owned()),
        }
    }
    for block in blocks {
        let Some((name, text)) = block.strip_prefix("**").and_then(|block| block.split_once("**"))
        else {
            continue;
        };
        let numbered = name.starts_with(|letter: char| letter.is_ascii_uppercase())
            && name.len() > 1
            && name.bytes().skip(1).all(|byte| byte.is_ascii_digit());
        if numbered {
            let tests = text.rsplit_once("test: ").map(|(_, tests)| tests).unwrap_or_default();
            let tests = tests.split('`').filter(|test| test.contains("::")).map(str::to_owned);
            invariants.push(Invariant { name: name.to_owned(), tests: tests.collect() });
        }
    }
    invariants
}

/// What is wrong with the invariants. `file` gives a file of the repository, if it is there.
fn invariant_problems(
    invariants: &[Invariant],
    file: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for Invariant { name, tests } in invariants {
        let (letter, number_of_name) = name.split_at(1);
        let number = numbers.entry(letter).or_default();
        *number += 1;
        if number_of_name != number.to_string() {
            problems.push(format!("{name} stands where number {number} belongs"));
        }
        if tests.is_empty() {
            problems.push(format!("{name} names no test"));
        }
        for test in tests {
            let (path, function) = test.split_once("::").unwrap();
            let exists = file(path).is_some_and(|text| text.contains(&format!("fn {function}(")));
            if !exists {
                problems.push(format!("{name} names `{test}`, which does not exist"));
            }
        }
    }
    problems
}

/// The tests that a document names in backquotes, `path/to/file.rs::name_of_test`, and that do not exist.
fn missing_tests(document: &str, file: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let named = document.split('`').skip(1).step_by(2);
    let named = named.filter_map(|name| Some((name, name.split_once(".rs::")?)));
    let missing = named.filter(|(_, (path, function))| {
        let text = file(&format!("{path}.rs"));
        !text.is_some_and(|text| text.contains(&format!("fn {function}(")))
    });
    missing.map(|(name, _)| name.to_owned()).collect()
}

/// The `sh` blocks of a document, without their fences.
fn shell_blocks(document: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while lines.any(|line| line.trim() == "```sh") {
        let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
        blocks.push(block.join("\n"));
    }
    blocks
}

/// What is wrong with the numbers of the decisions, by their file names.
fn decision_problems(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    let wrong = names
        .iter()
        .enumerate()
        .filter(|(number, name)| !name.starts_with(&format!("{number:04}-")));
    wrong.map(|(number, name)| format!("`{name}` stands where {number:04} belongs")).collect()
}

#[test]
fn every_invariant_names_tests_that_exist() {
    let invariants = invariants(&read("ARCHITECTURE.md"));
    assert!(invariants.len() >= 5, "the invariants were not found");
    let found = invariant_problems(&invariants, |path| fs::read_to_string(root().join(path)).ok());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_tests_that_documents_name_exist() {
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let document = fs::read_to_string(&path).unwrap();
            let missing =
                missing_tests(&document, |file| fs::read_to_string(root().join(file)).ok());
            assert!(missing.is_empty(), "{}: {}", path.display(), missing.join(", "));
        }
    }
}

/// The names of the tests in a Rust file.
fn tests_of(source: &str) -> Vec<&str> {
    let mut lines = source.lines();
    let mut names = Vec::new();
    while lines.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test")) {
        let name = lines.next().and_then(|line| line.split_once("fn ")).map(|(_, name)| name);
        names.extend(name.and_then(|name| name.split('(').next()));
    }
    names
}

#[test]
fn each_conformance_test_stands_in_the_simulators_document() {
    let document = read("docs/lambda-simulator.md");
    let folder = "tests/tests/suite/lambda_conformance";
    let mut missing = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let file = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
        let source = read(&file);
        let named = tests_of(&source).into_iter().map(|test| format!("`{file}::{test}`"));
        missing.extend(named.filter(|test| !document.contains(test)));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn tests_of_a_file_are_found() {
    let source =
        "fn a() {}\n#[test]\nfn b() {}\n#[tokio::test(start_paused = true)]\nasync fn c() {}\n";
    assert_eq!(tests_of(source), ["b", "c"]);
}

#[test]
fn the_first_two_commands_are_the_main_job_and_the_tests() {
    let blocks = shell_blocks(&read("README.md"));
    assert!(blocks.len() >= 2, "README.md has no two `sh` blocks");
    assert!(
        blocks[0].contains("replay --rules events/streamgauge.yaml events/orders.ndjson"),
        "{}",
        blocks[0]
    );
    assert!(blocks[1].starts_with("cargo test"), "{}", blocks[1]);
}

/// CI has no copy of the commands: it takes them out of README.md.
#[test]
fn ci_runs_the_commands_of_the_readme() {
    let ci = read(".ci/run");
    for block in ["readme_block 1", "readme_block 2"] {
        assert!(ci.contains(block), ".ci/run has no `{block}`");
    }
    assert!(!ci.contains("cargo test"), ".ci/run has a test command of its own");
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let entries = fs::read_dir(root().join("docs/adr")).unwrap();
    let names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() > 1, "the decisions were not found");
    assert_eq!(decision_problems(&names), [""; 0]);
}

#[test]
fn the_licence_is_there() {
    assert!(read("LICENSE").contains("Apache License"));
    assert!(read("Cargo.toml").contains("license = \"Apache-2.0\""));
}

/// Shows a document with invariants to the check: what it finds.
#[track_caller]
fn check(document: &str, expect: &[&str]) {
    let file = |path: &str| (path == "a.rs").then(|| "#[test]\nfn holds() {}\n".to_owned());
    assert_eq!(invariant_problems(&invariants(document), file), expect);
}

#[test]
fn sound_invariants_pass() {
    check(
        "- **E1** A thing holds\n  and holds. test: `a.rs::holds`\n- **E2** Too. test: `a.rs::holds`, `a.rs::holds`\n",
        &[],
    );
}

#[test]
fn a_missing_test_is_found() {
    check("**E1** A. test: `a.rs::fails`", &["E1 names `a.rs::fails`, which does not exist"]);
    check("**E1** A. test: `b.rs::holds`", &["E1 names `b.rs::holds`, which does not exist"]);
    check("**E1** A.\n\n`a.rs::holds`", &["E1 names no test"]);
}

#[test]
fn a_test_that_a_document_names_and_that_is_gone_is_found() {
    let file = |path: &str| (path == "a.rs").then(|| "fn holds() {}".to_owned());
    let document = "`a.rs::holds` and `x`, `a.rs::fails`, `b.rs::holds`";
    assert_eq!(missing_tests(document, file), ["a.rs::fails", "b.rs::holds"]);
}

#[test]
fn a_gap_in_the_invariants_is_found() {
    check(
        "**E1** A. test: `a.rs::holds`\n**E3** B. test: `a.rs::holds`",
        &["E3 stands where number 2 belongs"],
    );
}

#[test]
fn bold_words_are_no_invariants() {
    assert_eq!(invariants("**Never** do.\n- **CI** runs.\n"), []);
}

#[test]
fn a_gap_in_the_decisions_is_found() {
    let names = ["0000-template.md", "0002-second.md"].map(str::to_owned);
    assert_eq!(decision_problems(&names), ["`0002-second.md` stands where 0001 belongs"]);
}

#[test]
fn shell_blocks_are_found_in_order() {
    assert_eq!(
        shell_blocks("a\n```sh\nb\nc\n```\n```yaml\nd\n```\n```sh\ne\n```\n"),
        ["b\nc", "e"]
    );
}
