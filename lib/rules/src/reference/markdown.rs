//! `docs/rules.md`: the reference that users read, made of the tables.

use super::tables::{FILE, SCENARIO_FILE};
use super::{Form, Key, Need, Object};
use crate::problem::code::Code;

const BEGINNING: &str = include_str!("beginning.md");

/// The whole page.
pub fn page() -> String {
    let mut page = BEGINNING.to_owned();
    page.push_str("\n# The keys of the rules file\n");
    let rules = FILE.reachable();
    for object in &rules {
        push_object(&mut page, object);
    }
    page.push_str("\n# The keys of scenario files\n");
    for object in SCENARIO_FILE.reachable() {
        if rules.iter().all(|known| known.name != object.name) {
            push_object(&mut page, object);
        }
    }
    push_codes(&mut page);
    page
}

fn push_object(page: &mut String, object: &Object) {
    push(page, &["\n## ", &capitalised(object.name), "\n\n", object.about, "\n\n"]);
    page.push_str("| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
    for key in object.keys {
        let value = value_text(&key.form);
        let default = default_text(key);
        push(
            page,
            &["| `", key.name, "` | ", &value, " | ", &default, " | ", &escaped(key.about), " |\n"],
        );
    }
    if let Some(further) = object.further {
        push(page, &["\n", further, "\n"]);
    }
    if !object.example.is_empty() {
        push(page, &["\n```yaml\n", object.example, "```\n"]);
    }
}

fn push_codes(page: &mut String) {
    page.push_str(
        "\n# Problem codes\n\nThe closed list of what `streamgauge check` says. A code never changes its meaning.\n\n\
         | code | meaning |\n| --- | --- |\n",
    );
    for code in Code::ALL {
        push(page, &["| `", code.as_str(), "` | ", &escaped(code.explanation()), " |\n"]);
    }
}

fn push(page: &mut String, parts: &[&str]) {
    for part in parts {
        page.push_str(part);
    }
}

/// What may stand there, in a few words, with links to other tables.
fn value_text(form: &Form) -> String {
    match form {
        Form::Text => "text".to_owned(),
        Form::Substituted => "text with `${NAME}`".to_owned(),
        Form::Boolean => "`true` or `false`".to_owned(),
        Form::Whole(from, to) => format!("whole number, {from} to {to}"),
        Form::Number => "number".to_owned(),
        Form::Duration => "duration".to_owned(),
        Form::DurationOrOff => "duration or `off`".to_owned(),
        Form::DurationOrZero => "duration, also `0s`".to_owned(),
        Form::Offset => "offset".to_owned(),
        Form::Path => "path".to_owned(),
        Form::Weekday => "weekday".to_owned(),
        Form::Predicate => "expression, true or false".to_owned(),
        Form::Expression => "expression".to_owned(),
        Form::Condition => "[condition](#conditions)".to_owned(),
        Form::Template => "[template](#templates)".to_owned(),
        Form::Time => "time".to_owned(),
        Form::TimeOfDay => "time of day".to_owned(),
        Form::TimeZone => "time zone".to_owned(),
        Form::Secret => "reference to a secret".to_owned(),
        Form::Choice(words) => {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        Form::Object(object) => link(object),
        Form::List(form) => format!("list of: {}", value_text(form)),
        Form::OneOrList(form) => format!("one or a list of: {}", value_text(form)),
        Form::Map(what, form) => format!("map of {what} names to: {}", value_text(form)),
    }
}

fn link(object: &Object) -> String {
    format!("[{}](#{})", object.name, object.name.replace(' ', "-"))
}

fn default_text(key: &Key) -> String {
    match key.need {
        Need::Required => "**required**".to_owned(),
        // A default in words is prose; one that could be written into the file is code.
        Need::Default(words) if words.contains(' ') && !words.starts_with(['[', '{']) => {
            words.to_owned()
        }
        Need::Default(value) => format!("`{value}`"),
        Need::Optional => String::new(),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Text inside of a table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
