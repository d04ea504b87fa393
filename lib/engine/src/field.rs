//! The fields that the rules read, and their values as they stand in the event's JSON.

use crate::place;

/// The place of a field in a plan's [`FieldTable`] and in an event's [`FieldValues`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(u32);

impl FieldId {
    /// The position in [`FieldValues`].
    pub const fn index(self) -> usize {
        place::index(self.0)
    }
}

/// Every path that some expression of the plan reads, each once, in the order of first use.
///
/// One path may be the beginning of another: `data` and `data.country` can both be fields.
#[derive(Clone, Debug, Default)]
pub struct FieldTable {
    paths: Vec<Box<[Box<str>]>>,
}

impl FieldTable {
    /// The field at `path` (`["data", "country"]`), new or known.
    pub fn intern(&mut self, path: &[&str]) -> FieldId {
        let known = self
            .paths
            .iter()
            .position(|known| known.iter().map(AsRef::as_ref).eq(path.iter().copied()));
        let index = known.unwrap_or_else(|| {
            self.paths.push(path.iter().map(|&name| name.into()).collect());
            self.paths.len() - 1
        });
        FieldId(place::number(index))
    }

    /// The paths in the order of their [`FieldId`]s.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &[Box<str>]> {
        self.paths.iter().map(AsRef::as_ref)
    }

    /// The path of `field`, joined by dots: what messages show.
    pub fn name(&self, field: FieldId) -> String {
        self.paths.get(field.index()).map(|path| path.join(".")).unwrap_or_default()
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether no expression reads any field.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }
}

/// One value as it stands in the event's JSON text: checked, but not decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Raw<'a> {
    /// What the path leads through is missing or is no object: in CEL even `has()` is an error.
    #[default]
    Unreachable,
    /// The object is there, and the key is not in it.
    Absent,
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as written: `-1.50e3`
    Number(&'a str),
    /// A string without escapes, without its quotes.
    Text(&'a str),
    /// A string with escapes, as written, without its quotes; [`crate::json`] decodes it.
    Escaped(&'a str),
    /// An array as written, with its brackets.
    Array(&'a str),
    /// An object as written, with its braces.
    Object(&'a str),
}

/// The values of one event's fields, by [`FieldId`].
#[derive(Clone, Debug, Default)]
pub struct FieldValues<'a> {
    values: Vec<Raw<'a>>,
}

impl<'a> FieldValues<'a> {
    /// Values for a table of `length` fields, all [`Raw::Unreachable`].
    pub fn new(length: usize) -> Self {
        Self { values: vec![Raw::Unreachable; length] }
    }

    /// The value of `field`.
    #[inline]
    pub fn get(&self, field: FieldId) -> Raw<'a> {
        self.values.get(field.index()).copied().unwrap_or_default()
    }

    /// All values, to be filled in.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [Raw<'a>] {
        &mut self.values
    }
}
