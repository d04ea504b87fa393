//! `Ref` to parameters and to what AWS sets itself.

use super::Evaluator;
use crate::template::problem::{Place, did_you_mean, shown};
use crate::template::tree::{Content, Entry, Node};
use crate::template::value::{Value, What};

/// The names that AWS sets itself.
const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

impl<'t> Evaluator<'t> {
    /// `!Ref name`
    pub(super) fn reference(&mut self, place: Place, node: &'t Node) -> Value {
        if let Some(name) = node.text() {
            self.reference_to(place, name)
        } else {
            let message = format!("`Ref` takes a name, and this is {}", node.kind());
            self.broken(place, message, "write `!Ref Name`")
        }
    }

    /// What a name stands for: a parameter, what AWS sets, a resource.
    pub(super) fn reference_to(&mut self, place: Place, name: &str) -> Value {
        if let Some(entry) = self.parameters.entries().iter().find(|entry| entry.key == name) {
            return self.parameter(place, entry);
        }
        if name.starts_with("AWS::") {
            return self.pseudo_parameter(place, name);
        }
        match self.resource_reference(place, name) {
            Some(text) => Value::text(place, text),
            None => Value::broken(place),
        }
    }

    fn pseudo_parameter(&mut self, place: Place, name: &str) -> Value {
        let settings = self.settings;
        let text = match name {
            "AWS::AccountId" => settings.account.clone(),
            "AWS::Region" => settings.region.clone(),
            "AWS::StackName" => settings.stack_name.clone(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackId" => format!(
                "arn:aws:cloudformation:{}:{}:stack/{}/00000000-0000-0000-0000-000000000000",
                settings.region, settings.account, settings.stack_name
            ),
            "AWS::NoValue" => return Value { place, what: What::Nothing },
            "AWS::NotificationARNs" => return Value { place, what: What::List(Vec::new()) },
            _ => {
                let remedy = did_you_mean(name, PSEUDO, "remove it");
                return self.broken(place, format!("`{}` is not set by AWS", shown(name)), remedy);
            }
        };
        Value::text(place, text)
    }

    /// The value of a parameter: what was given, else its default.
    fn parameter(&mut self, place: Place, entry: &'t Entry) -> Value {
        let Entry { key: name, place: own, value: definition } = entry;
        let kind = definition.get("Type").and_then(Node::text).unwrap_or("String");
        let given = self.settings.parameters.get(name.as_str());
        let text = given.map(String::as_str).or_else(|| {
            match definition.get("Default").map(|node| &node.content) {
                Some(Content::Scalar { text, .. }) => Some(text),
                _ => None,
            }
        });
        let Some(text) = text else {
            let message = format!("the parameter `{}` has no default", shown(name));
            return self.broken(
                *own,
                message,
                format!("give it with --parameter {}=VALUE", shown(name)),
            );
        };
        if given.is_none() && kind.starts_with("AWS::SSM::Parameter::") {
            let message = format!(
                "the parameter `{}` is kept by Systems Manager, and is not fetched here",
                shown(name)
            );
            return self.broken(
                *own,
                message,
                format!("give it with --parameter {}=VALUE", shown(name)),
            );
        }
        if let Some(Content::List(allowed)) =
            definition.get("AllowedValues").map(|node| &node.content)
        {
            let allowed = allowed.iter().filter_map(Node::text).collect::<Vec<_>>();
            if !allowed.contains(&text) {
                let message =
                    format!("`{}` is not allowed for the parameter `{}`", shown(text), shown(name));
                let remedy = did_you_mean(text, allowed, "use one of its `AllowedValues`");
                return self.broken(*own, message, remedy);
            }
        }
        if kind == "CommaDelimitedList" || kind.starts_with("List<") {
            let items = text.split(',').map(|item| Value::text(place, item.trim()));
            return Value { place, what: What::List(items.collect()) };
        }
        Value::text(place, text)
    }
}
