//! The template's sections, and its resources with what `Globals` adds to them.
//!
//! SAM merges `Globals.Function` into each function: maps key by key, lists one behind the other, all else is the
//! function's own where it has one. A call of a function such as `!Ref` counts as "all else".
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>

use super::problem::{Place, Problems, did_you_mean, shown};
use super::tree::{Content, Entry, Node};
use super::yaml::NODES_MAX;

/// One resource.
#[derive(Debug)]
pub(super) struct Resource {
    /// Its logical id.
    pub(super) id: String,
    /// Where the id is.
    pub(super) place: Place,
    /// `AWS::Kinesis::Stream`
    pub(super) type_name: String,
    /// The condition under which it exists.
    pub(super) condition: Option<(Place, String)>,
    /// `Properties`, with the globals.
    pub(super) properties: Node,
    /// `Metadata`
    pub(super) metadata: Node,
}

/// The sections that count.
#[derive(Debug)]
pub(super) struct Sections {
    pub(super) parameters: Node,
    pub(super) mappings: Node,
    pub(super) conditions: Node,
    pub(super) resources: Vec<Resource>,
}

const SECTIONS: [&str; 12] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

const RESOURCE_KEYS: [&str; 11] = [
    "Condition",
    "Connectors",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "IgnoreGlobals",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];

/// What makes `AWS::Serverless` of it.
const SAM: &str = "AWS::Serverless-2016-10-31";
/// Adds functions to the language, which are refused where they are called.
const LANGUAGE_EXTENSIONS: &str = "AWS::LanguageExtensions";

impl Sections {
    /// Takes the template apart.
    pub(super) fn read(root: Node, problems: &mut Problems) -> Self {
        let Content::Map(entries) = root.content else {
            if !matches!(root.content, Content::Broken) {
                let message = format!("a template is a map, and this is {}", root.kind());
                problems.add(root.place, message, "write `Resources:` and what is to run");
            }
            return Self::of_nothing();
        };
        let mut globals = Node::empty();
        let mut resources = None;
        let mut transforms = Vec::new();
        let mut sections = Self::of_nothing();
        for Entry { key, place, value } in entries {
            match key.as_str() {
                "Parameters" => sections.parameters = value,
                "Mappings" => sections.mappings = value,
                "Conditions" => sections.conditions = value,
                "Resources" => resources = Some(value),
                "Globals" => globals = value,
                "Transform" => transforms = names_of(&value, problems),
                known if SECTIONS.contains(&known) => {}
                _ => {
                    let message = format!("a template has no section `{}`", shown(&key));
                    problems.add(place, message, did_you_mean(&key, SECTIONS, "remove it"));
                }
            }
        }
        let Some(resources) = resources else {
            let message = "the template has no `Resources`";
            problems.add(Place::default(), message, "write `Resources:` and what is to run");
            return sections;
        };
        sections.resources = read_resources(resources, &globals, problems);
        check_transforms(&transforms, &sections.resources, problems);
        sections
    }

    fn of_nothing() -> Self {
        let empty = Node::empty;
        Self { parameters: empty(), mappings: empty(), conditions: empty(), resources: Vec::new() }
    }
}

/// The names of `Transform`: one, or a list.
fn names_of(node: &Node, problems: &mut Problems) -> Vec<(Place, String)> {
    let one = |name: &Node| name.text().map(|text| (name.place, text.to_owned()));
    let names = match &node.content {
        Content::List(items) => items.iter().map(one).collect(),
        _ => vec![one(node)],
    };
    if names.iter().any(Option::is_none) {
        let message = "macros with parameters are not run here";
        problems.add(node.place, message, "give the template that the macro makes");
    }
    names.into_iter().flatten().collect()
}

fn check_transforms(
    transforms: &[(Place, String)],
    resources: &[Resource],
    problems: &mut Problems,
) {
    for (place, name) in transforms {
        if name != SAM && name != LANGUAGE_EXTENSIONS {
            let message = format!("the macro `{}` is not run here", shown(name));
            let remedy =
                did_you_mean(name, [SAM, LANGUAGE_EXTENSIONS], "give the template that it makes");
            problems.add(*place, message, remedy);
        }
    }
    let serverless =
        resources.iter().find(|resource| resource.type_name.starts_with("AWS::Serverless::"));
    if let Some(resource) = serverless
        && transforms.is_empty()
    {
        let message = format!("`{}` needs SAM's transform", shown(&resource.type_name));
        problems.add(resource.place, message, format!("add `Transform: {SAM}` to the template"));
    }
}

fn read_resources(node: Node, globals: &Node, problems: &mut Problems) -> Vec<Resource> {
    let Content::Map(entries) = node.content else {
        let message = format!("`Resources` is a map, and this is {}", node.kind());
        problems.add(node.place, message, "write the resources by their names");
        return Vec::new();
    };
    let globals = globals.get("Function");
    let global_size = globals.map_or(0, Node::size);
    let mut added = 0;
    let mut resources = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(mut resource) = read_resource(entry, problems) else { continue };
        if let Some(globals) = globals
            && resource.type_name == "AWS::Serverless::Function"
        {
            added += global_size;
            if added > NODES_MAX {
                let message = "the template's globals, once in each function, are too much";
                problems.add(
                    globals.place,
                    message,
                    format!("at most {NODES_MAX} values are read"),
                );
                break;
            }
            resource.properties = merged(globals, resource.properties);
        }
        resources.push(resource);
    }
    resources
}

fn read_resource(entry: Entry, problems: &mut Problems) -> Option<Resource> {
    let Entry { key: id, place, value } = entry;
    if id.starts_with("Fn::") {
        let message =
            format!("`{}` makes resources by a function, which is not evaluated here", shown(&id));
        problems.add(place, message, "write the resources out");
        return None;
    }
    if matches!(value.content, Content::Broken) {
        return None;
    }
    if value.entries().is_empty() {
        let message = format!("the resource `{}` is {}", shown(&id), value.kind());
        problems.add(place, message, "write its `Type` and `Properties`");
        return None;
    }
    let Some(type_name) = value.get("Type").and_then(Node::text).map(str::to_owned) else {
        let message = format!("the resource `{}` has no type", shown(&id));
        problems.add(place, message, "add `Type: AWS::Serverless::Function` or what it is");
        return None;
    };
    let mut resource = Resource {
        id,
        place,
        type_name,
        condition: None,
        properties: Node::empty(),
        metadata: Node::empty(),
    };
    let Content::Map(entries) = value.content else { return None };
    for Entry { key, place: key_place, value: node } in entries {
        match key.as_str() {
            "Properties" => resource.properties = node,
            "Metadata" => resource.metadata = node,
            "Condition" => {
                if let Some(name) = node.text() {
                    resource.condition = Some((node.place, name.to_owned()));
                } else {
                    let message = "the condition of a resource is its name";
                    problems.add(node.place, message, "write the name of one under `Conditions`");
                }
            }
            known if RESOURCE_KEYS.contains(&known) => {}
            _ => {
                let message = format!("a resource has no key `{}`", shown(&key));
                let remedy = did_you_mean(&key, RESOURCE_KEYS, "put it under `Properties`");
                problems.add(key_place, message, remedy);
            }
        }
    }
    Some(resource)
}

/// What a global value and a function's own make together.
fn merged(global: &Node, own: Node) -> Node {
    if global.call().is_some() || own.call().is_some() {
        return own;
    }
    match (&global.content, own.content) {
        (Content::Map(globals), Content::Map(mut entries)) => {
            for global_entry in globals {
                let at = entries.iter().position(|entry| entry.key == global_entry.key);
                match at {
                    None => entries.push(global_entry.clone()),
                    Some(at) => {
                        if let Some(entry) = entries.get_mut(at) {
                            let value = std::mem::replace(&mut entry.value, Node::empty());
                            entry.value = merged(&global_entry.value, value);
                        }
                    }
                }
            }
            Node { place: own.place, content: Content::Map(entries) }
        }
        (Content::List(globals), Content::List(items)) => {
            let items = globals.iter().cloned().chain(items).collect();
            Node { place: own.place, content: Content::List(items) }
        }
        (_, content) => Node { place: own.place, content },
    }
}
