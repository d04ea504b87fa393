//! Every key of the rules file and of scenario files, once: the tables that three readers share.
//!
//! 1. The reader ([`crate::read`]) refuses a key that is not in the table of its object, and asserts in tests that it
//!    asked for every key that is. So the tables are what the program knows, not a description of it.
//! 2. [`markdown`] makes `docs/rules.md` from them.
//! 3. [`schema`] makes the JSON Schemas with which editors complete and check while one types.
//!
//! The texts are Markdown, written for users.

pub mod markdown;
pub mod schema;
pub mod tables;

/// A map with known keys.
#[derive(Debug)]
pub struct Object {
    /// Its name in the reference: `metric`.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its keys, in the order of the reference.
    pub keys: &'static [Key],
    /// What further keys mean, if any are allowed.
    pub further: Option<&'static str>,
    /// Whether these may have any name; else they begin with `x-`.
    pub allows_anything: bool,
    /// A complete example in YAML, or nothing.
    pub example: &'static str,
}

/// One key of an [`Object`].
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What its value may be.
    pub form: Form,
    /// Whether it must be there.
    pub need: Need,
    /// What it does.
    pub about: &'static str,
}

/// Whether a key must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// It may be left out, which says the same as this value.
    Default(&'static str),
    /// It may be left out.
    Optional,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Any text.
    Text,
    /// Text in which `${NAME}` and `${NAME:default}` are replaced.
    Substituted,
    /// `true` or `false`
    Boolean,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number.
    Number,
    /// A length of time above zero.
    Duration,
    /// A length of time above zero, or `off`.
    DurationOrOff,
    /// A length of time, `0s` too.
    DurationOrZero,
    /// A length of time from the scenario's start, perhaps negative.
    Offset,
    /// The path of a field: `data.country`.
    Path,
    /// A day of the week.
    Weekday,
    /// A CEL expression that is true or false.
    Predicate,
    /// A CEL expression with a value.
    Expression,
    /// A condition on a rollup.
    Condition,
    /// A template.
    Template,
    /// A time with date and zone.
    Time,
    /// A time of day.
    TimeOfDay,
    /// An IANA time zone.
    TimeZone,
    /// A reference to a secret.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A map with known keys.
    Object(&'static Object),
    /// A list.
    List(&'static Self),
    /// One value or a list of them.
    OneOrList(&'static Self),
    /// A map of names that the user chooses; the text says what a name is.
    Map(&'static str, &'static Self),
}

impl Object {
    /// As messages say it: `an alert`.
    pub fn with_article(&self) -> String {
        let article = if self.name.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
        format!("{article} {}", self.name)
    }

    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Whether a required key may stand somewhere else: an alert's in `alert_defaults`, a file's in another file.
    pub(crate) fn may_inherit(&self) -> bool {
        self.name == tables::ALERT.name || self.name == tables::FILE.name
    }

    /// This object and every one that is reached from it, each once, in the order of the reference.
    pub fn reachable(&'static self) -> Vec<&'static Self> {
        let mut found = vec![self];
        let mut next = 0;
        while let Some(object) = found.get(next) {
            for key in object.keys {
                if let Some(inner) = key.form.object()
                    && !found.iter().any(|known| known.name == inner.name)
                {
                    found.push(inner);
                }
            }
            next += 1;
        }
        found
    }
}

impl Form {
    /// The object inside, if there is one.
    pub const fn object(&self) -> Option<&'static Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::List(form) | Self::OneOrList(form) | Self::Map(_, form) => form.object(),
            _ => None,
        }
    }
}
