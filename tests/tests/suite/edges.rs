//! Which crate may depend on which. A crate exists only to forbid a dependency or to be deployed, so the edges between
//! crates are the architecture: a new one is argued in an ADR and then allowed here.

use serde_json::Value;
use std::process::Command;

/// What all tests and scripts may use.
const ANYTHING: &[&str] = &["*"];

/// What a function may depend on.
const FUNCTION: &[&str] = &[
    "streamgauge-function",
    "streamgauge-rules",
    "streamgauge-pipeline",
    "streamgauge-kinesis",
    "streamgauge-dynamodb",
    "streamgauge-cloudwatch",
    "streamgauge-notify",
    "streamgauge-engine",
];

/// What each package may depend on, of ours. Dev-dependencies are free: tests may look at anything.
const ALLOWED: [(&str, &[&str]); 22] = [
    ("streamgauge-engine", &[]),
    ("streamgauge-rules", &["streamgauge-engine"]),
    ("streamgauge-pipeline", &["streamgauge-engine"]),
    ("streamgauge-local", &["streamgauge-pipeline", "streamgauge-engine"]),
    ("streamgauge-kinesis", &["streamgauge-pipeline", "streamgauge-engine"]),
    ("streamgauge-dynamodb", &["streamgauge-pipeline", "streamgauge-engine"]),
    // What both adapters below need to know of a call that failed: docs/adr/0018-one-place-for-calls-of-aws.md.
    ("streamgauge-aws", &[]),
    ("streamgauge-cloudwatch", &["streamgauge-pipeline", "streamgauge-aws", "streamgauge-engine"]),
    // It opens the channels that rules files name: docs/adr/0016-notify-opens-the-channels-of-rules.md.
    (
        "streamgauge-notify",
        &["streamgauge-rules", "streamgauge-pipeline", "streamgauge-aws", "streamgauge-engine"],
    ),
    // The whole pipeline in one process, on the store of one machine: docs/adr/0020-dev-is-the-pipeline-in-one-process.md.
    (
        "streamgauge-dev",
        &[
            "streamgauge-rules",
            "streamgauge-pipeline",
            "streamgauge-local",
            "streamgauge-notify",
            "streamgauge-engine",
        ],
    ),
    // What every function has in common. A function adds the outside systems that only it speaks to.
    (
        "streamgauge-function",
        &[
            "streamgauge-rules",
            "streamgauge-pipeline",
            "streamgauge-kinesis",
            "streamgauge-dynamodb",
            "streamgauge-engine",
        ],
    ),
    ("streamgauge-aggregate", FUNCTION),
    ("streamgauge-settle", FUNCTION),
    ("streamgauge-deliver", FUNCTION),
    ("streamgauge-filter", FUNCTION),
    ("streamgauge-announce", FUNCTION),
    // Both stand alone: whoever builds functions on streams can use them without the rest.
    ("streamgauge-lambda", &[]),
    ("streamgauge-meter", &[]),
    // Apart from the simulator, so that nobody compiles an AWS SDK who does not need one.
    ("streamgauge-lambda-aws", &["streamgauge-lambda"]),
    // The command shows what the engine decides, and so names the engine's types.
    (
        "streamgauge",
        &[
            "streamgauge-rules",
            "streamgauge-pipeline",
            "streamgauge-local",
            "streamgauge-dev",
            "streamgauge-lambda",
            "streamgauge-lambda-aws",
            "streamgauge-meter",
            "streamgauge-kinesis",
            "streamgauge-dynamodb",
            "streamgauge-engine",
        ],
    ),
    ("tests", ANYTHING),
    ("scripts", ANYTHING),
];

/// An edge from one package to another of ours.
type Edge = (String, String);

/// What the allowed edges do not hold.
fn problems(edges: &[Edge]) -> Vec<String> {
    let allowed = |from: &str, to: &str| {
        let rule = ALLOWED.iter().find(|(package, _)| *package == from);
        rule.is_some_and(|(_, targets)| *targets == ANYTHING || targets.contains(&to))
    };
    let wrong = edges.iter().filter(|(from, to)| !allowed(from, to));
    wrong
        .map(|(from, to)| {
            format!("`{from}` must not depend on `{to}`; ARCHITECTURE.md has the edges")
        })
        .collect()
}

/// The edges between the packages of `cargo metadata`, dev-dependencies aside.
fn edges(metadata: &Value) -> Vec<Edge> {
    let packages = metadata["packages"].as_array().unwrap();
    let names: Vec<&str> =
        packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let mut edges = Vec::new();
    for package in packages {
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            if names.contains(&to) && dependency["kind"] != "dev" {
                edges.push((package["name"].as_str().unwrap().to_owned(), to.to_owned()));
            }
        }
    }
    edges
}

/// Runs cargo in the repository, without the network.
pub(crate) fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    let ended = command
        .args(arguments)
        .arg("--offline")
        .current_dir(super::source::root())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap()
}

fn metadata() -> Value {
    serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).unwrap()
}

#[test]
fn crates_depend_only_on_what_they_may() {
    let found = problems(&edges(&metadata()));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_package_has_a_rule() {
    for package in metadata()["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        assert!(
            ALLOWED.iter().any(|(known, _)| *known == name),
            "no rule says what `{name}` may depend on"
        );
    }
}

#[test]
fn edges_are_read_without_dev_dependencies() {
    let dependency = |name: &str, kind: Value| serde_json::json!({"name": name, "kind": kind});
    let metadata = serde_json::json!({"packages": [
        {"name": "a", "dependencies": [
            dependency("b", Value::Null), dependency("c", "dev".into()), dependency("serde", Value::Null)
        ]},
        {"name": "b", "dependencies": [dependency("c", "build".into())]},
        {"name": "c", "dependencies": []},
    ]});
    assert_eq!(edges(&metadata), [("a".into(), "b".into()), ("b".into(), "c".into())]);
}

/// Whether an edge is refused.
#[track_caller]
fn check(from: &str, to: &str, refused: bool) {
    assert_eq!(problems(&[(from.to_owned(), to.to_owned())]).len(), usize::from(refused));
}

#[test]
fn the_engine_depends_on_nothing_of_ours() {
    check("streamgauge-engine", "streamgauge-rules", true);
}

#[test]
fn adapters_do_not_know_the_rules_file() {
    check("streamgauge-local", "streamgauge-rules", true);
    check("streamgauge-local", "streamgauge-engine", false);
}

#[test]
fn tests_may_use_anything_and_unknown_packages_nothing() {
    check("tests", "streamgauge", false);
    check("newcomer", "streamgauge-engine", true);
}
