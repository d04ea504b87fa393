//! The tree: nodes with places.

use crate::source::Place;

/// A value and where it was written. The value of an alias stands where its anchor is.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The bytes of the value; of a map or list, from its first to its last.
    pub(crate) place: Place,
    /// What it is.
    pub(crate) content: Content,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Text, number, truth or nothing.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in the order of the file; each key once.
    Mapping(Vec<Entry>),
    /// Something that was reported already, or the end of a file that broke off.
    Broken,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key's text.
    pub(crate) key: String,
    /// Where the key is.
    pub(crate) key_place: Place,
    /// The value.
    pub(crate) value: Node,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|` or `>`
    Block,
}

/// A scalar.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// The text after quotes, escapes and folding.
    pub(crate) text: String,
    /// How it was written.
    pub(crate) style: Style,
    /// The place of a tag such as `!has(data.x)`: most often an expression in disguise.
    pub(crate) tag: Option<Place>,
}

impl Scalar {
    /// Whether it is nothing: an empty value, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        self.style == Style::Plain
            && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// Whether it is `true` or `false`, in the spellings of YAML 1.2.
    pub(crate) fn as_boolean(&self) -> Option<bool> {
        match self.text.as_str() {
            _ if self.style != Style::Plain => None,
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }
}

impl Node {
    /// Its beginning, for problems with the whole of it: of a map its first key.
    pub(crate) fn beginning(&self) -> Place {
        match &self.content {
            Content::Mapping(entries) => {
                entries.first().map_or(self.place, |entry| entry.key_place)
            }
            _ => self.place,
        }
    }

    /// What stands there, for messages: `a list`.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.content {
            Content::Scalar(scalar) if scalar.is_null() => "nothing",
            Content::Scalar(scalar) if scalar.as_boolean().is_some() => "a truth value",
            Content::Scalar(scalar)
                if scalar.style == Style::Plain && scalar.text.parse::<f64>().is_ok() =>
            {
                "a number"
            }
            Content::Scalar(_) => "text",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a map",
            Content::Broken => "something broken",
        }
    }
}

/// Text as it may stand in a message: short, on one line and without control characters.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    let mut shown: String = text
        .chars()
        .take(SHOWN_CHARS_MAX)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
