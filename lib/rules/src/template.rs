//! The templates of `summary` and `description`, rendered: Jinja, by minijinja.
//!
//! ```
//! use streamgauge_engine::decimal::Decimal;
//! use streamgauge_engine::notify::{Render, TemplateValue};
//! use streamgauge_rules::template::Templates;
//!
//! let value = TemplateValue::Number(Decimal::parse("3")?);
//! let text = Templates.render("{{ value }} orders", &[("value", value)]);
//! assert_eq!(text, Ok("3 orders".to_owned()));
//! # Ok::<(), streamgauge_engine::decimal::DecimalError>(())
//! ```

use minijinja::{Environment, UndefinedBehavior, Value};
use std::collections::BTreeMap;
use std::io;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::notify::{Render, TemplateValue};

/// Steps that a template may take; a text of a few sentences takes some dozens.
const FUEL: u64 = 20_000;
/// What a template may write; more than that nobody reads.
const BYTES_MAX: usize = 64 * 1_024;

/// Where templates are read and rendered, alike when they are checked and when they are used.
pub(crate) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

/// Renders the templates of the rules.
#[derive(Clone, Copy, Debug)]
pub struct Templates;

impl Render for Templates {
    fn render(&self, template: &str, values: &[(&str, TemplateValue)]) -> Result<String, String> {
        let environment = environment();
        let problem = |error: minijinja::Error| {
            error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
        };
        let template = environment.template_from_str(template).map_err(problem)?;
        let context: BTreeMap<&str, Value> =
            values.iter().map(|(name, value)| (*name, in_template(value))).collect();
        let mut text = Limited::default();
        let rendered = template.render_captured_to(context, &mut text).map(drop);
        if text.is_full {
            return Err(format!("it writes more than {BYTES_MAX} bytes"));
        }
        rendered.map_err(problem)?;
        String::from_utf8(text.bytes).map_err(|error| error.to_string())
    }
}

/// A value as templates see it: whole numbers are whole, so that `{{ value }}` is `3` and not `3.0`.
fn in_template(value: &TemplateValue) -> Value {
    match value {
        TemplateValue::Text(text) => Value::from(text.as_str()),
        TemplateValue::Nothing => Value::from(()),
        TemplateValue::Number(number) => in_full(*number),
    }
}

fn in_full(number: Decimal) -> Value {
    const ONE: i128 = 1_000_000_000;
    if number.billionths() % ONE == 0 {
        Value::from(number.billionths() / ONE)
    } else {
        Value::from(number.to_f64())
    }
}

/// Takes so many bytes, and no more.
#[derive(Debug, Default)]
struct Limited {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > BYTES_MAX {
            self.is_full = true;
            return Err(io::Error::other("the text is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str) -> Result<String, String> {
        let number = |text: &str| TemplateValue::Number(Decimal::parse(text).unwrap());
        let values = [
            ("value", number("3")),
            ("rate", number("0.176470588")),
            ("large", number("123456789012345678")),
            ("partner", TemplateValue::Text("<noon> & \"co\"".to_owned())),
            ("threshold", TemplateValue::Nothing),
        ];
        Templates.render(template, &values)
    }

    #[track_caller]
    fn check(template: &str, expect: &str) {
        assert_eq!(render(template).as_deref(), Ok(expect));
    }

    #[track_caller]
    fn fails(template: &str, expect: &str) {
        let problem = render(template).unwrap_err();
        assert!(problem.contains(expect), "{problem}");
    }

    #[test]
    fn values_as_people_write_them() {
        check("{{ value }} of {{ large }}", "3 of 123456789012345678");
        check("{{ (rate * 100) | round(1) }} %, {{ rate }}", "17.6 %, 0.176470588");
        // Texts are no HTML; who makes HTML of them escapes them.
        check("{{ partner }}", "<noon> & \"co\"");
        check("{{ threshold }}", "None");
        check("{% if value > 2 %}many{% else %}few{% endif %}", "many");
    }

    #[test]
    fn what_a_template_may_not_do() {
        fails("{{ nothing }}", "undefined");
        fails("{{ value", "unexpected end");
        fails(
            "{% for a in range(1000) %}{% for b in range(1000) %}x{% endfor %}{% endfor %}",
            "fuel",
        );
        fails("{% for a in range(2000) %}{{ 'x' * 1000 }}{% endfor %}", "more than 65536 bytes");
    }
}
