//! The published conformance cases of CEL (google/cel-spec) against our compiler and evaluator.
//!
//! Each case ends as one of these:
//!
//! - passed: our value is the expected one, of the same type; or an error is expected, and ours is one, told
//!   when the expression is loaded (a type that can never fit) or when it is evaluated;
//! - refused: the expression is refused when it is loaded, with a message that says what is not supported;
//! - not applicable: the case needs what no event has (protocol buffer messages, enums, types as values).
//!
//! Anything else is a wrong answer and fails the test. The result is `docs/cel.md`; the test fails when that is
//! stale, and `UPDATE_DOCS=1` writes it anew. What the cases bind goes through the JSON extractor like an event.

mod textproto;
mod values;

use serde_json::{Map as JsonMap, Value as Json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use streamgauge_engine::expression::{EvalError, Value};
use streamgauge_engine::field::{FieldTable, FieldValues};
use streamgauge_engine::json::Extractor;
use streamgauge_rules::cel::{self, CelProblem, Declarations};
use textproto::Message;

/// The pages' text above the table.
const HEAD: &str = include_str!("cel_conformance/head.md");
/// Cases that ask for what an event cannot have, and that nothing in their form shows: file, case, why.
const EXCEPTIONS: [(&str, &str, &str); 5] = [
    ("namespace", "self_eval_container_lookup", "looks a name up in a container"),
    ("namespace", "self_eval_container_lookup_unchecked", "looks a name up in a container"),
    ("namespace", "basic", "looks a name up in a container"),
    (
        "fields",
        "qualified_identifier_resolution_unchecked",
        "binds `a.b` and `a.b.c`, which no event has",
    ),
    ("fields", "ident_with_longest_prefix_check", "binds `a.b` and `a.b.c`, which no event has"),
];

/// What became of a case.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Passed,
    Refused(String),
    NotApplicable(String),
    Wrong(String),
}

/// The cases of one section.
#[derive(Clone, Debug, Default)]
struct Tally {
    passed: usize,
    refused: BTreeMap<String, usize>,
    not_applicable: BTreeMap<String, usize>,
}

impl Tally {
    fn refused(&self) -> usize {
        self.refused.values().sum()
    }

    fn not_applicable(&self) -> usize {
        self.not_applicable.values().sum()
    }

    fn reasons(&self) -> String {
        let refused = self.refused.iter().map(|(why, count)| format!("refused: {why} ({count})"));
        let others = self
            .not_applicable
            .iter()
            .map(|(why, count)| format!("not applicable: {why} ({count})"));
        refused.chain(others).collect::<Vec<_>>().join("; ")
    }
}

#[test]
fn published_cel_cases_pass_or_are_refused_clearly() {
    let Some(folder) = super::shared_data::vectors().map(|vectors| vectors.join("cel")) else {
        return;
    };
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "textproto"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "there are no cases in {}", folder.display());
    let mut wrong = Vec::new();
    let mut table = Vec::new();
    for path in paths {
        let file = textproto::read(&std::fs::read_to_string(&path).expect("the file can be read"));
        let file_name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        for section in file.messages("section") {
            let mut tally = Tally::default();
            for case in section.messages("test") {
                match run(&file_name, case) {
                    Outcome::Passed => tally.passed += 1,
                    Outcome::Refused(why) => *tally.refused.entry(why).or_default() += 1,
                    Outcome::NotApplicable(why) => {
                        *tally.not_applicable.entry(why).or_default() += 1;
                    }
                    Outcome::Wrong(what) => wrong.push(format!(
                        "{file_name}/{}/{}: `{}`: {what}",
                        section.text("name"),
                        case.text("name"),
                        case.text("expr")
                    )),
                }
            }
            table.push((file_name.clone(), section.text("name"), tally));
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
    check_page(&page(&table));
}

fn run(file: &str, case: &Message) -> Outcome {
    let name = case.text("name");
    if let Some((_, _, why)) =
        EXCEPTIONS.iter().find(|(known, case_name, _)| *known == file && *case_name == name)
    {
        return Outcome::NotApplicable((*why).to_owned());
    }
    let expected =
        case.message("value").or_else(|| case.message("typed_result")?.message("result"));
    let expects_error = case.message("eval_error").is_some();
    if let Some(why) = expected.and_then(values::foreign) {
        return Outcome::NotApplicable(why.to_owned());
    }
    if case.word("check_only") == Some("true") {
        return Outcome::NotApplicable("asks for the static type alone".to_owned());
    }
    let event = match event(case) {
        Ok(event) => Json::Object(event).to_string(),
        Err(why) => return Outcome::NotApplicable(why.to_owned()),
    };
    let mut fields = FieldTable::default();
    let program = match cel::compile(&case.text("expr"), &mut fields, &Declarations::default()) {
        Ok(program) => program,
        Err(problems) => return refused(case, &problems, expects_error),
    };
    let mut values = FieldValues::new(fields.len());
    if let Err(error) = Extractor::new(&fields).extract(&event, 0..event.len(), &mut values) {
        return Outcome::Wrong(format!("the event {event} is refused: {}", error.detail));
    }
    match (program.evaluate(&values), expected) {
        (Err(_), _) if expects_error => Outcome::Passed,
        (Ok(value), _) if expects_error => Outcome::Wrong(format!("gives {value:?}, not an error")),
        (Err(EvalError::Missing), Some(_)) if reads_unbound(case, &fields) => {
            Outcome::NotApplicable("names a message type or an enum".to_owned())
        }
        (Err(error), _) => Outcome::Wrong(format!("ends in an error: {error}")),
        // Without any expectation a case expects `true`.
        (Ok(Value::Bool(true)), None) => Outcome::Passed,
        (Ok(value), None) => Outcome::Wrong(format!("gives {value:?}, not true")),
        (Ok(value), Some(expected)) => match values::is_expected(&value, expected) {
            Some(true) => Outcome::Passed,
            _ => Outcome::Wrong(format!("gives {value:?}, not {expected:?}")),
        },
    }
}

/// The event that binds what the case binds: `x.y` is the field `y` of the object `x`.
fn event(case: &Message) -> Result<JsonMap<String, Json>, values::NoJson> {
    let mut event = JsonMap::new();
    for binding in case.messages("bindings") {
        let bound = binding
            .message("value")
            .and_then(|value| value.message("value"))
            .ok_or("binds an unknown")?;
        let mut value = values::json(bound)?;
        let path = binding.text("key");
        let (first, rest) = path.split_once('.').unwrap_or((&path, ""));
        for name in rest.rsplit('.').filter(|name| !name.is_empty()) {
            value = Json::Object(JsonMap::from_iter([(name.to_owned(), value)]));
        }
        match (event.get_mut(first), value) {
            (Some(Json::Object(known)), Json::Object(more)) => known.extend(more),
            (_, value) => {
                event.insert(first.to_owned(), value);
            }
        }
    }
    Ok(event)
}

/// Whether the expression reads a name that the case does not bind.
fn reads_unbound(case: &Message, fields: &FieldTable) -> bool {
    let bound: Vec<_> = case.messages("bindings").map(|binding| binding.text("key")).collect();
    fields.paths().any(|path| {
        !bound.iter().any(|key| key.split('.').next() == path.first().map(AsRef::as_ref))
    })
}

/// What became of a case whose expression is refused when it is loaded.
fn refused(case: &Message, problems: &[CelProblem], expects_error: bool) -> Outcome {
    let unsupported = problems.iter().find_map(|problem| unsupported(&problem.message));
    match unsupported {
        Some(why) => Outcome::Refused(why),
        None if expects_error => Outcome::Passed,
        None if case.word("disable_check") == Some("true") => Outcome::Refused(
            "a type error; the case turns off the check of types, which we always make".to_owned(),
        ),
        None => Outcome::Wrong(format!("is refused: {}", problems[0].message)),
    }
}

/// What is not supported, if a message says that.
fn unsupported(message: &str) -> Option<String> {
    if let Some((_, part)) = message.split_once(" is not supported: it belongs to ") {
        return Some(part.to_owned());
    }
    let beginnings = [
        ("messages (", "protocol buffer messages"),
        ("optional ", "CEL's optional values"),
        ("macros with two variables", "CEL's macros with two variables"),
        ("there is no function", "functions that nobody defines"),
    ];
    beginnings
        .iter()
        .find(|(start, _)| message.starts_with(start))
        .map(|(_, part)| (*part).to_owned())
}

/// The page with the table.
fn page(table: &[(String, String, Tally)]) -> String {
    let sum =
        |count: fn(&Tally) -> usize| table.iter().map(|(_, _, tally)| count(tally)).sum::<usize>();
    let passed = sum(|tally| tally.passed);
    let (refused, not_applicable) = (sum(Tally::refused), sum(Tally::not_applicable));
    let mut page = HEAD.to_owned();
    writeln!(
        page,
        "\nOf {} cases {passed} pass, {refused} are refused with a message that says why, and {not_applicable} do not apply; \
         none is answered wrongly.\n\n\
         | file | section | passed | refused | not applicable | why |\n| --- | --- | --: | --: | --: | --- |",
        passed + refused + not_applicable
    )
    .expect("a string can be written to");
    for (file, section, tally) in table {
        writeln!(
            page,
            "| {file} | {section} | {} | {} | {} | {} |",
            tally.passed,
            tally.refused(),
            tally.not_applicable(),
            tally.reasons()
        )
        .expect("a string can be written to");
    }
    page
}

/// Writes the page, or fails if the one that is there is another.
fn check_page(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cel.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("the page is in a folder"))
            .expect("the folder can be made");
        std::fs::write(&path, page).expect("the page can be written");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == page,
        "docs/cel.md is stale; write it anew with `UPDATE_DOCS=1 cargo test -p tests cel`"
    );
}
