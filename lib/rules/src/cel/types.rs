//! What is known about a value before any event comes.
//!
//! Literals, functions and declared fields have types, all other fields are dynamic: anything goes with them
//! here, and the evaluation decides. The check only refuses what can never work.

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Anything; only the evaluation knows.
    Dynamic,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    List(Box<Self>),
    Map(Box<Self>, Box<Self>),
}

impl Type {
    pub(super) fn is_dynamic(&self) -> bool {
        *self == Self::Dynamic
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Whether values of both types can be equal. Numbers of different kinds can.
    pub(super) fn can_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dynamic, _) | (_, Self::Dynamic) => true,
            (Self::List(left), Self::List(right)) => left.can_equal(right),
            (Self::Map(left_key, left_value), Self::Map(right_key, right_value)) => {
                left_key.can_equal(right_key) && left_value.can_equal(right_value)
            }
            (left, right) => left == right || (left.is_number() && right.is_number()),
        }
    }

    /// Whether its values have an order.
    pub(super) fn is_ordered(&self) -> bool {
        matches!(self, Self::Dynamic | Self::Bool | Self::Text | Self::Bytes) || self.is_number()
    }

    /// The type of a value that is of one type or the other.
    pub(super) fn join(self, other: &Self) -> Self {
        if self == *other { self } else { Self::Dynamic }
    }

    /// The type as messages show it.
    pub(super) const fn describe(&self) -> &'static str {
        match self {
            Self::Dynamic => "a value",
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Int => "an int",
            Self::Uint => "a uint",
            Self::Double => "a double",
            Self::Text => "a string",
            Self::Bytes => "bytes",
            Self::List(_) => "a list",
            Self::Map(..) => "a map",
        }
    }
}
