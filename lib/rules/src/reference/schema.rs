//! JSON Schemas (draft 7, which all editors understand) for rules files and scenario files.

use super::tables::{FILE, SCENARIO_FILE};
use super::{Form, Key, Need, Object};
use crate::problem::render::push_json_string;
use streamgauge_engine::calendar::Weekday;

/// The schema of rules files.
pub fn rules() -> String {
    schema(&FILE, "https://streamgauge.dev/rules.schema.json")
}

/// The schema of scenario files.
pub fn scenarios() -> String {
    schema(&SCENARIO_FILE, "https://streamgauge.dev/scenarios.schema.json")
}

fn schema(root: &'static Object, id: &str) -> String {
    let mut writer = Writer::default();
    writer.open('{');
    writer.member("$schema").string("http://json-schema.org/draft-07/schema#");
    writer.member("$id").string(id);
    writer.member("title").string(&format!("StreamGauge {}", root.name));
    writer.object_members(root);
    writer.member("definitions");
    writer.open('{');
    for object in root.reachable().into_iter().skip(1) {
        writer.member(object.name).open('{');
        writer.object_members(object);
        writer.close('}');
    }
    writer.close('}');
    writer.close('}');
    writer.text.push('\n');
    writer.text
}

/// Pretty JSON, written front to back.
#[derive(Default)]
struct Writer {
    text: String,
    depth: usize,
    has_items: bool,
}

impl Writer {
    fn open(&mut self, bracket: char) {
        self.text.push(bracket);
        self.depth += 1;
        self.has_items = false;
    }

    fn close(&mut self, bracket: char) {
        self.depth -= 1;
        if self.has_items {
            self.line();
        }
        self.text.push(bracket);
        self.has_items = true;
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.text.push_str(&"  ".repeat(self.depth));
    }

    /// The separator before an item.
    fn item(&mut self) -> &mut Self {
        if self.has_items {
            self.text.push(',');
        }
        self.line();
        self.has_items = true;
        self
    }

    fn member(&mut self, key: &str) -> &mut Self {
        self.item();
        push_json_string(&mut self.text, key);
        self.text.push_str(": ");
        self
    }

    fn string(&mut self, value: &str) {
        push_json_string(&mut self.text, value);
        self.has_items = true;
    }

    fn raw(&mut self, value: &str) {
        self.text.push_str(value);
        self.has_items = true;
    }

    fn strings<'v>(&mut self, values: impl IntoIterator<Item = &'v str>) {
        self.open('[');
        for value in values {
            self.item().string(value);
        }
        self.close(']');
    }

    fn object_members(&mut self, object: &Object) {
        self.member("description").string(object.about);
        self.member("type").string("object");
        self.member("additionalProperties").raw(if object.allows_anything {
            "true"
        } else {
            "false"
        });
        if object.further.is_some() && !object.allows_anything {
            self.member("patternProperties").open('{');
            self.member("^x-").raw("true");
            self.close('}');
        }
        let required: Vec<&str> = object
            .keys
            .iter()
            .filter(|key| key.need == Need::Required && !object.may_inherit())
            .map(|key| key.name)
            .collect();
        if !required.is_empty() {
            self.member("required").strings(required);
        }
        self.member("properties").open('{');
        for key in object.keys {
            self.member(key.name).open('{');
            self.key_members(key);
            self.close('}');
        }
        self.close('}');
    }

    fn key_members(&mut self, key: &Key) {
        self.member("description").string(key.about);
        if let Need::Default(value) = key.need
            && !value.contains(' ')
        {
            let is_bare = matches!(key.form, Form::Boolean | Form::Whole(..));
            let member = self.member("default");
            if is_bare { member.raw(value) } else { member.string(value) }
        }
        self.form_members(&key.form);
    }

    fn form_members(&mut self, form: &Form) {
        const SCALARS: [&str; 3] = ["string", "number", "boolean"];
        const DURATION: &str = "^([0-9]+(d|h|m|s|ms))+$";
        match form {
            Form::Boolean => self.member("type").string("boolean"),
            Form::Whole(from, to) => {
                self.member("type").string("integer");
                self.member("minimum").raw(&from.to_string());
                self.member("maximum").raw(&to.to_string());
            }
            Form::Number => self.member("type").string("number"),
            Form::Duration | Form::DurationOrZero => {
                self.member("type").string("string");
                self.member("pattern").string(DURATION);
            }
            Form::DurationOrOff => {
                self.member("anyOf").open('[');
                self.item().open('{');
                self.member("enum").open('[');
                self.item().string("off");
                self.item().raw("false");
                self.close(']');
                self.close('}');
                self.item().open('{');
                self.form_members(&Form::Duration);
                self.close('}');
                self.close(']');
            }
            Form::Offset => {
                self.member("type").string("string");
                self.member("pattern").string(&DURATION.replacen("^(", "^-?(", 1));
            }
            Form::Time => {
                self.member("type").string("string");
                self.member("format").string("date-time");
            }
            Form::TimeOfDay => {
                self.member("type").string("string");
                self.member("pattern").string("^[0-2][0-9]:[0-5][0-9]$");
            }
            Form::Secret => {
                self.member("type").string("string");
                self.member("pattern").string("^(secret|ssm|env):.+|\\$\\{");
            }
            Form::Weekday => {
                let names = Weekday::ALL.map(Weekday::as_str);
                let short = names.iter().filter_map(|name| name.get(..3));
                self.member("enum").strings(names.iter().copied().chain(short));
            }
            // YAML reads a bare `1` as a number.
            Form::Choice(["1"]) => {
                self.member("enum").open('[');
                self.item().raw("1");
                self.item().string("1");
                self.close(']');
            }
            Form::Choice(words) => self.member("enum").strings(words.iter().copied()),
            Form::Text
            | Form::Substituted
            | Form::Path
            | Form::Predicate
            | Form::Expression
            | Form::Condition
            | Form::Template
            | Form::TimeZone => self.member("type").strings(SCALARS),
            Form::Object(_) | Form::List(_) | Form::OneOrList(_) | Form::Map(..) => {
                self.composite_members(form);
            }
        }
    }

    /// The forms that hold other forms.
    fn composite_members(&mut self, form: &Form) {
        match form {
            // In draft 7 a bare reference would hide the description beside it.
            Form::Object(object) => {
                self.member("allOf").open('[');
                self.item().open('{');
                self.member("$ref").string(&reference(object));
                self.close('}');
                self.close(']');
            }
            Form::List(form) => {
                self.member("type").string("array");
                self.inner("items", form);
            }
            Form::OneOrList(form) => {
                self.member("anyOf").open('[');
                self.item().open('{');
                self.form_members(form);
                self.close('}');
                self.item().open('{');
                self.form_members(&Form::List(form));
                self.close('}');
                self.close(']');
            }
            Form::Map(_, form) => {
                self.member("type").string("object");
                self.inner("additionalProperties", form);
            }
            _ => {}
        }
    }

    fn inner(&mut self, key: &str, form: &Form) {
        self.member(key).open('{');
        self.form_members(form);
        self.close('}');
    }
}

fn reference(object: &Object) -> String {
    format!("#/definitions/{}", object.name.replace(' ', "%20"))
}

#[cfg(test)]
mod tests;
