//! `docs/settings.md`, made of the table of variables.

use super::variables::{Need, OF_AWS, VARIABLES, Variable};
use std::fmt::Write as _;

const BEGINNING: &str = "# Settings of the functions

This page is made of `lib/function/src/settings/variables.rs`; a test fails when it is stale. `template.yaml` sets all of them.
A function reads its variables once, when it starts. If some are wrong it tells all of them at once and does not start.

| variable | read by | without it | meaning |
| --- | --- | --- | --- |
";

const OF_AWS_BEGINNING: &str = "
Of the variables that Lambda and AWS's SDKs define, these are obeyed:

| variable | meaning |
| --- | --- |
";

/// The page as Markdown.
pub fn page() -> String {
    let mut page = BEGINNING.to_owned();
    for variable in VARIABLES {
        let Variable { name, meaning, .. } = variable;
        let roles: Vec<&str> = variable.roles.iter().map(|role| role.as_str()).collect();
        let without = match variable.need {
            Need::Required(_) => "does not start".to_owned(),
            Need::Default(value) => format!("`{value}`"),
            Need::Optional => "none".to_owned(),
        };
        // Writing to a string cannot fail.
        let _written =
            writeln!(page, "| `{name}` | {} | {without} | {meaning} |", roles.join(", "));
    }
    page.push_str(OF_AWS_BEGINNING);
    for (names, meaning) in OF_AWS {
        let names: Vec<String> = names.split(", ").map(|name| format!("`{name}`")).collect();
        let _written = writeln!(page, "| {} | {meaning} |", names.join(", "));
    }
    page
}
