//! What a function is told by its environment: every variable in one table, and the typed settings that come of them.
//!
//! [`variables::VARIABLES`] is the only place where a name stands. The template, `docs/settings.md` and the reader below are held
//! against it by tests. Reading is a pure function of a lookup, and tells all that is wrong at once:
//!
//! ```
//! use streamgauge_function::settings::{Settings, variables::Role};
//!
//! let environment = |name: &str| match name {
//!     "STREAMGAUGE_TABLE" => Some("shop-table".to_owned()),
//!     "STREAMGAUGE_PARTITIONS" => Some("two".to_owned()),
//!     _ => None,
//! };
//! let error = Settings::read(Role::Deliver, &environment).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "2 settings of `deliver` are wrong: `STREAMGAUGE_PARTITIONS` is `two`; write a number from 1 to 64. \
//!      `STREAMGAUGE_DELIVER_QUEUE` is not set; set it to the URL of the queue of wake-ups for deliver"
//! );
//! ```

mod page;
mod value;
pub mod variables;

pub use page::page;
pub use value::{RulesPlace, Start};

use std::fmt;
use streamgauge_engine::time::Millis;
use streamgauge_pipeline::pagerduty_origin;
use variables::{Need, Role, Variable};

/// The settings of one function, checked. What the function does not use is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The table that keeps logs and snapshots.
    pub table: String,
    /// How many settle partitions there are: 1 to 64.
    pub partitions: u8,
    /// The name of the stack.
    pub stack: String,
    /// The names of the streams that aggregate reads.
    pub streams: Vec<String>,
    /// The names of the streams that the filter reads.
    pub upstreams: Vec<String>,
    /// The name of the stream that the filter puts into.
    pub stream: String,
    /// Where the mappings begin in a stream.
    pub start: Start,
    /// How old a record can be when a function gets it, in milliseconds; absent: as old as the stream keeps it.
    pub max_record_age: Option<Millis>,
    /// The URL of the queue that wakes settle.
    pub settle_queue: Option<String>,
    /// The URL of the queue that wakes deliver.
    pub deliver_queue: Option<String>,
    /// Where the rules are.
    pub rules: RulesPlace,
    /// Where `PagerDuty` is, without a path.
    pub pagerduty: String,
    /// Whether webhooks may be at addresses that are not of the public internet.
    pub private_webhooks: bool,
}

/// All that is wrong with the environment of a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// Which function.
    pub role: Role,
    /// Each with the name of the variable and the remedy.
    pub problems: Vec<String>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = self.problems.join(". ");
        match self.problems.len() {
            1 => write!(f, "a setting of `{}` is wrong: {problems}", self.role),
            count => write!(f, "{count} settings of `{}` are wrong: {problems}", self.role),
        }
    }
}

impl Settings {
    /// The settings of the function that this process is, from its environment.
    pub fn of_process(role: Role) -> Result<Self, SettingsError> {
        Self::read(role, &|name| std::env::var(name).ok())
    }

    /// The settings of a function, by a lookup of variables. One that is empty counts as not set.
    pub fn read(
        role: Role,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let mut reader = Reader { role, environment, problems: Vec::new() };
        let settings = Self {
            table: reader.read(&variables::TABLE, value::table),
            partitions: reader.read(&variables::PARTITIONS, value::partitions),
            stack: reader.read(&variables::STACK, value::stack),
            streams: reader.read(&variables::STREAMS, value::streams),
            upstreams: reader.read(&variables::UPSTREAMS, value::streams),
            stream: reader.read(&variables::STREAM, value::stream),
            start: reader.read(&variables::START, value::start),
            max_record_age: reader.read(&variables::MAX_RECORD_AGE, value::age),
            settle_queue: reader.read(&variables::SETTLE_QUEUE, value::url),
            deliver_queue: reader.read(&variables::DELIVER_QUEUE, value::url),
            rules: reader.read(&variables::RULES, value::rules),
            pagerduty: reader.read(&variables::PAGERDUTY, pagerduty_origin::read),
            private_webhooks: reader.read(&variables::PRIVATE_WEBHOOKS, value::yes),
        };
        if reader.problems.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError { role, problems: reader.problems })
        }
    }
}

/// Reads variables one after another and gathers what is wrong.
struct Reader<'a> {
    role: Role,
    environment: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    /// The value of a variable; the default of its type if the function does not use it, or if it is wrong.
    fn read<T: Default>(
        &mut self,
        variable: &Variable,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> T {
        if !variable.roles.contains(&self.role) {
            return T::default();
        }
        let name = variable.name;
        let set = (self.environment)(name).map(|value| value.trim().to_owned());
        let text = match (set.filter(|value| !value.is_empty()), variable.need) {
            (Some(text), _) => text,
            (None, Need::Default(text)) => text.to_owned(),
            (None, Need::Optional) => return T::default(),
            (None, Need::Required(example)) => {
                self.problems.push(format!("`{name}` is not set; set it to {example}"));
                return T::default();
            }
        };
        parse(&text).unwrap_or_else(|remedy| {
            self.problems.push(format!("`{name}` is `{text}`; {remedy}"));
            T::default()
        })
    }
}

#[cfg(test)]
mod tests;
