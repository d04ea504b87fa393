//! How the probe tells that records failed.

use crate::event::Item;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the function does about failed records: the values of `PROBE_REPORT`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reporting {
    /// The invocation fails at the first failed record.
    #[default]
    Error,
    /// Stops at the first failed record and names it.
    First,
    /// Goes on, and names all failed records, the last one first.
    All,
    /// Stops, and names the empty string.
    Empty,
    /// Stops, and names null.
    Null,
    /// Stops, and names the record under the key `itemIdentifer`.
    WrongKey,
    /// Stops, and names a record that is not in the batch.
    Unknown,
}

/// The answer as it grows.
#[derive(Debug)]
pub(crate) struct Answer {
    reporting: Reporting,
    failures: Vec<Value>,
}

impl Answer {
    pub(crate) fn new(reporting: Reporting) -> Self {
        Self { reporting, failures: Vec::new() }
    }

    /// Takes note of a failed record. Answers whether to stop; an error is that of the whole invocation.
    pub(crate) fn fail(&mut self, item: &Item, error: String) -> Result<bool, String> {
        let identifier = &item.identifier;
        if self.reporting == Reporting::Error || identifier.is_none() {
            return Err(error);
        }
        let failure = match self.reporting {
            Reporting::Error | Reporting::First | Reporting::All => {
                json!({"itemIdentifier": identifier})
            }
            Reporting::Empty => json!({"itemIdentifier": ""}),
            Reporting::Null => json!({"itemIdentifier": null}),
            Reporting::WrongKey => json!({"itemIdentifer": identifier}),
            Reporting::Unknown => json!({"itemIdentifier": "0"}),
        };
        self.failures.insert(0, failure);
        Ok(self.reporting != Reporting::All)
    }

    /// The answer to a batch.
    pub(crate) fn document(self) -> Value {
        json!({"batchItemFailures": self.failures})
    }
}
