//! A template's tree: nodes with their places. Short tags are written out: `!Ref Orders` is the map `Ref: Orders`, so that
//! YAML and JSON look the same from here on.

use super::problem::Place;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The bytes of the value.
    pub(super) place: Place,
    /// What it is.
    pub(super) content: Content,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Text, number, truth or nothing; `plain` without quotes.
    Scalar {
        /// The text after quotes, escapes and folding.
        text: String,
        /// Whether it stands without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file; each key once.
    Map(Vec<Entry>),
    /// Something that was reported already.
    Broken,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key is.
    pub(super) place: Place,
    /// The value.
    pub(super) value: Node,
}

/// The functions of `CloudFormation`; `Ref` and `Condition` have no `Fn::` before them.
pub(super) const FUNCTIONS: [&str; 20] = [
    "And",
    "Base64",
    "Cidr",
    "Condition",
    "Equals",
    "FindInMap",
    "GetAZs",
    "GetAtt",
    "GetStackOutput",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Ref",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
];

impl Node {
    /// An empty map at the beginning of the file.
    pub(super) fn empty() -> Self {
        Self { place: Place::default(), content: Content::Map(Vec::new()) }
    }

    /// The entries of a map; none of what is no map.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            Content::Scalar { .. } | Content::List(_) | Content::Broken => &[],
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether nothing stands there.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The function that is called here and its argument, if it is a call: a map of one key `Ref`, `Condition` or `Fn::…`.
    pub(super) fn call(&self) -> Option<(&str, &Self)> {
        let [Entry { key, value, .. }] = self.entries() else { return None };
        match key.as_str() {
            "Ref" => Some(("Ref", value)),
            "Condition" if value.text().is_some() => Some(("Condition", value)),
            _ => key.strip_prefix("Fn::").map(|name| (name, value)),
        }
    }

    /// What stands there, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Scalar { .. } if self.is_null() => "nothing",
            Content::Scalar { .. } => "text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
            Content::Broken => "something broken",
        }
    }

    /// How many nodes it is, itself included.
    pub(super) fn size(&self) -> usize {
        1 + match &self.content {
            Content::Scalar { .. } | Content::Broken => 0,
            Content::List(items) => items.iter().map(Self::size).sum(),
            Content::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum::<usize>(),
        }
    }
}
