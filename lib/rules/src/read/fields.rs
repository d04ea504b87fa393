//! A map with known keys: what is there, what is missing, what is unknown.

use super::Reader;
use crate::problem::code::Code;
use crate::problem::nearest;
use crate::reference::{Form, Key, Need, Object};
use crate::source::Place;
use crate::yaml::tree::{Content, Entry, Node, shown};
use std::cell::RefCell;

/// The keys of one map, checked against their [`Object`].
pub(crate) struct Fields<'n> {
    object: &'static Object,
    /// What problems with the whole are shown at: most often the key that names it.
    pub(crate) place: Place,
    entries: &'n [Entry],
    /// Keys that the reader asked for; with debug assertions they must in the end be those of the object.
    asked: RefCell<Vec<&'static str>>,
}

impl<'n> Fields<'n> {
    /// The value of a key.
    pub(crate) fn get(&self, key: &'static str) -> Option<&'n Node> {
        debug_assert!(
            self.object.key(key).is_some(),
            "`{key}` is not in the table of `{}`",
            self.object.name
        );
        if cfg!(debug_assertions) {
            self.asked.borrow_mut().push(key);
        }
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key and its value.
    pub(crate) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Entries whose keys are not in the table, where the object allows such.
    pub(crate) fn further(&self) -> impl Iterator<Item = &'n Entry> {
        self.entries.iter().filter(|entry| self.object.key(&entry.key).is_none())
    }

    /// Where the key is, else the whole.
    pub(crate) fn key_place(&self, key: &str) -> Place {
        self.entry(key).map_or(self.place, |entry| entry.key_place)
    }

    /// Ends the reading: with debug assertions, every key of the table must have been asked for.
    ///
    /// So no key can stand in the reference, the schema or the list of known keys that the reader does not read.
    pub(crate) fn finish(self) {
        let asked = self.asked.into_inner();
        for key in self.object.keys {
            debug_assert!(
                asked.contains(&key.name),
                "`{}` of `{}` is never read",
                key.name,
                self.object.name
            );
        }
    }
}

impl Reader<'_> {
    /// The keys of a map; unknown ones are reported.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        object: &'static Object,
        place: Place,
    ) -> Option<Fields<'n>> {
        let entries = match &node.content {
            Content::Mapping(entries) => entries.as_slice(),
            Content::Scalar(scalar) if scalar.is_null() => &[],
            _ => {
                self.wrong_type(node, &format!("a map with the keys of {}", object.with_article()));
                return None;
            }
        };
        for entry in entries {
            if object.key(&entry.key).is_none() && object.further.is_none() {
                self.unknown_key(entry, object);
            }
        }
        Some(Fields { object, place, entries, asked: RefCell::default() })
    }

    /// Reports a key that is not in the table.
    pub(crate) fn unknown_key(&mut self, entry: &Entry, object: &'static Object) {
        let known: Vec<&str> = object.keys.iter().map(|key| key.name).collect();
        let hint = match nearest::nearest(&entry.key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", nearest::list(&known)),
        };
        let message = format!("{} has no key `{}`", object.with_article(), shown(&entry.key));
        self.findings.error(Code::UnknownKey, entry.key_place, message).hint(hint);
    }

    /// The value of a key that must be there.
    pub(crate) fn required<'n>(
        &mut self,
        fields: &Fields<'n>,
        key: &'static str,
    ) -> Option<&'n Node> {
        let node = fields.get(key);
        if node.is_none() && !self.broken_files.contains(&fields.place.file) {
            let message = format!("{} needs the key `{key}`", fields.object.with_article());
            let example = fields.object.key(key).map(|key| format!("add {}", examples_of(key)));
            self.findings.error(Code::MissingKey, fields.place, message).maybe_hint(example);
        }
        debug_assert!(
            fields
                .object
                .key(key)
                .is_some_and(|key| key.need == Need::Required || key.form.object().is_none()),
            "`{key}` is not required by the table"
        );
        node
    }
}

/// The key with each of its words, or with an example of its value.
fn examples_of(key: &Key) -> String {
    let values = match key.form {
        Form::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        form => vec![example_of(&form)],
    };
    let examples: Vec<_> = values.iter().map(|value| format!("`{}: {value}`", key.name)).collect();
    examples.join(" or ")
}

/// An example of the value, for hints.
fn example_of(form: &Form) -> String {
    match form {
        Form::Text | Form::Substituted => "…".to_owned(),
        Form::Boolean => "true".to_owned(),
        Form::Whole(from, _) => from.to_string(),
        Form::Number => "1".to_owned(),
        Form::Duration | Form::DurationOrOff => "5m".to_owned(),
        Form::DurationOrZero | Form::Offset => "0s".to_owned(),
        Form::Path | Form::Expression => "data.order_id".to_owned(),
        Form::Weekday => "mon".to_owned(),
        Form::Predicate => "type == \"order.created\"".to_owned(),
        Form::Condition => "sum over 10m >= 3".to_owned(),
        Form::Template => "\"{{ value }} in {{ over }}\"".to_owned(),
        Form::Time => "2026-01-05T10:00:00Z".to_owned(),
        Form::TimeOfDay => "\"02:00\"".to_owned(),
        Form::TimeZone => "UTC".to_owned(),
        Form::Secret => "secret:NAME".to_owned(),
        Form::Choice(words) => words.first().copied().unwrap_or_default().to_owned(),
        Form::Object(_) | Form::Map(..) => "{…}".to_owned(),
        Form::List(_) => "[…]".to_owned(),
        Form::OneOrList(form) => format!("[{}]", example_of(form)),
    }
}
