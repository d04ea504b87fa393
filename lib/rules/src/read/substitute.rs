//! `${NAME}` and `${NAME:default}`, replaced from the environment in `namespace` and `channels`.

use super::Reader;
use crate::problem::code::Code;
use crate::yaml::tree::{Node, shown};

impl Reader<'_> {
    /// The text with its variables replaced; names that are not set are reported.
    pub(crate) fn substituted(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        let mut result = String::new();
        let mut at = 0;
        let mut complete = true;
        while let Some(start) = text.get(at..)?.find("${") {
            let start = at + start;
            result.push_str(text.get(at..start)?);
            let Some(length) = text.get(start..)?.find('}') else {
                let place = self.part(node, start..text.len());
                self.findings
                    .error(Code::InvalidValue, place, "`${` has no `}`")
                    .hint("write `${NAME}` or `${NAME:default}`");
                return None;
            };
            let end = start + length + 1;
            let variable = text.get(start + 2..end - 1)?;
            let (name, default) = variable
                .split_once(':')
                .map_or((variable, None), |(name, rest)| (name, Some(rest)));
            let is_name = !name.is_empty()
                && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            let place = self.part(node, start..end);
            if !is_name {
                let message = format!("`{}` is not the name of a variable", shown(name));
                self.findings
                    .error(Code::InvalidValue, place, message)
                    .hint("write `${NAME}` or `${NAME:default}`");
                complete = false;
            } else if let Some(value) =
                (self.environment)(name).or_else(|| default.map(str::to_owned))
            {
                result.push_str(&value);
            } else {
                let message = format!("the environment variable `{}` is not set", shown(name));
                let hint = format!("set it, or give a default: `${{{}:…}}`", shown(name));
                self.findings.error(Code::MissingVariable, place, message).hint(hint);
                complete = false;
            }
            at = end;
        }
        result.push_str(text.get(at..)?);
        complete.then_some(result)
    }
}
