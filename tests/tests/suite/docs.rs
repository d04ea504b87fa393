//! The pages that are made from code are those that the code makes.
//!
//! `UPDATE_DOCS=1 cargo test -p tests docs` rewrites them.

mod commands;
mod runbook;
pub(super) mod snippets;

use super::source::read;
use std::fs;
use std::path::Path;
use streamgauge_engine::reject::RejectCode;
use streamgauge_function::settings;
use streamgauge_rules::reference::{markdown, schema};

fn check(name: &str, expect: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, expect).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expect, "docs/{name} is stale; run UPDATE_DOCS=1 cargo test -p tests docs");
}

#[test]
fn the_reference_of_rules_is_up_to_date() {
    check("rules.md", &markdown::page());
}

#[test]
fn the_schema_of_rules_is_up_to_date() {
    check("rules.schema.json", &schema::rules());
}

#[test]
fn the_schema_of_scenarios_is_up_to_date() {
    check("scenarios.schema.json", &schema::scenarios());
}

#[test]
fn the_page_of_settings_is_up_to_date() {
    check("settings.md", &settings::page());
}

#[test]
fn the_schemas_are_json() {
    for schema in [schema::rules(), schema::scenarios()] {
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert!(schema["properties"].is_object());
    }
}

#[test]
fn the_page_of_rejects_has_every_code_in_order() {
    let page = read("docs/rejects.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let codes = rows.map(|(code, _)| code).collect::<Vec<_>>();
    assert_eq!(codes, RejectCode::ALL.map(RejectCode::as_str));
}
