//! What is left of a node once its functions are evaluated.

use super::problem::Place;

/// The longest text that functions may make, in bytes: an environment variable may have 4 KB, a policy some more.
pub(super) const TEXT_BYTES_MAX: usize = 256 * 1024;

/// A value and the place that it was asked from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    /// Where it stands in the template, or the function that made it.
    pub(super) place: Place,
    /// What it is.
    pub(super) what: What,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// Text, a number or a truth; `plain` if it stood without quotes.
    Text {
        /// The text.
        text: String,
        /// Whether YAML may take it for something else.
        plain: bool,
    },
    /// A list.
    List(Vec<Value>),
    /// A map in the template's order.
    Map(Vec<(String, Value)>),
    /// `AWS::NoValue` or nothing: as if the key were not there.
    Nothing,
    /// It could not be evaluated, which was reported.
    Broken,
}

impl Value {
    /// A text that a function made.
    pub(super) fn text(place: Place, text: impl Into<String>) -> Self {
        Self { place, what: What::Text { text: text.into(), plain: false } }
    }

    /// What was reported already.
    pub(super) fn broken(place: Place) -> Self {
        Self { place, what: What::Broken }
    }

    /// The same value, told to stand elsewhere.
    pub(super) fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.what {
            What::Text { .. } => "text",
            What::List(_) => "a list",
            What::Map(_) => "a map",
            What::Nothing => "nothing",
            What::Broken => "something broken",
        }
    }
}
