//! A failed invocation, as Lambda and its metrics are told: a type that does not change, and the chain of causes once.
//!
//! | type | what the caller has to do |
//! | --- | --- |
//! | `Retryable` | nothing: an outage, a throttle or a lost race; the batch or the wake-up comes again |
//! | `BadRules` | mend the rules and deploy: the text is no plan |
//! | `BadSettings` | mend the function's environment |
//! | `BadEvent` | find out what else invokes the function |
//! | `Damaged` | look at the table: something stands in a log that this version does not understand |

use crate::announcement::AnnouncementError;
use crate::settings::SettingsError;
use crate::wakeups::WakeUpsError;
use lambda_runtime::Diagnostic;
use std::error::Error;
use std::fmt;
use streamgauge_pipeline::aggregate::AggregateError;
use streamgauge_pipeline::aggregate::filter::FilterError;
use streamgauge_pipeline::control::ControlError;
use streamgauge_pipeline::deliver::DeliverError;
use streamgauge_pipeline::settle::SettleError;
use streamgauge_rules::LoadError;

/// What the caller has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing; it comes again.
    Retryable,
    /// Mend the rules.
    BadRules,
    /// Mend the environment.
    BadSettings,
    /// Find out who invokes.
    BadEvent,
    /// Look at the table.
    Damaged,
}

impl Kind {
    /// The `errorType` of the answer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retryable => "Retryable",
            Self::BadRules => "BadRules",
            Self::BadSettings => "BadSettings",
            Self::BadEvent => "BadEvent",
            Self::Damaged => "Damaged",
        }
    }
}

/// Why an invocation failed. It can be told many times: a function that cannot start tells it to every caller.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the caller has to do.
    pub kind: Kind,
    /// What failed, with all its causes.
    pub message: String,
}

impl Failure {
    /// A failure of this kind because of an error, whose sources are told too.
    pub fn new(kind: Kind, error: &dyn Error) -> Self {
        Self { kind, message: chain(error) }
    }

    /// The failure of a call that can be repeated.
    pub fn retryable(error: &dyn Error) -> Self {
        Self::new(Kind::Retryable, error)
    }
}

/// The runtime logs a failed invocation by this.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.message)
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.kind.as_str().to_owned(), error_message: failure.message }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::new(Kind::BadSettings, &error)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::new(Kind::BadRules, &error)
    }
}

impl From<WakeUpsError> for Failure {
    fn from(error: WakeUpsError) -> Self {
        Self::new(Kind::BadEvent, &error)
    }
}

impl From<AnnouncementError> for Failure {
    fn from(error: AnnouncementError) -> Self {
        Self::new(Kind::BadEvent, &error)
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        Self::new(kind_of(&error), &error)
    }
}

/// What is to be done about the control log.
fn kind_of(error: &ControlError) -> Kind {
    match error {
        ControlError::Log(_) | ControlError::Contended { .. } => Kind::Retryable,
        ControlError::Stored(_) => Kind::Damaged,
        ControlError::Partitions { .. } => Kind::BadSettings,
        ControlError::TooLarge(_)
        | ControlError::NoPlan { .. }
        | ControlError::AnotherPlan { .. }
        | ControlError::NoText { .. }
        | ControlError::NoRules => Kind::BadRules,
    }
}

impl From<AggregateError> for Failure {
    fn from(error: AggregateError) -> Self {
        Self::new(kind_of_shard(&error), &error)
    }
}

impl From<FilterError> for Failure {
    fn from(error: FilterError) -> Self {
        let kind = match &error {
            FilterError::Shard(shard) => kind_of_shard(shard),
            FilterError::Forward(_) => Kind::Retryable,
        };
        Self::new(kind, &error)
    }
}

/// What is to be done about a shard that could not be followed.
fn kind_of_shard(error: &AggregateError) -> Kind {
    match error {
        AggregateError::Control(control) => kind_of(control),
        AggregateError::UnknownStream { .. } => Kind::BadSettings,
        AggregateError::Stored { .. } | AggregateError::TooLarge { .. } => Kind::Damaged,
        AggregateError::Stream { .. }
        | AggregateError::NotListed { .. }
        | AggregateError::ParentUnfinished { .. }
        | AggregateError::Store { .. }
        | AggregateError::Contended { .. } => Kind::Retryable,
    }
}

impl From<SettleError> for Failure {
    fn from(error: SettleError) -> Self {
        let kind = match &error {
            SettleError::Retryable(_) | SettleError::Missing { .. } => Kind::Retryable,
            SettleError::Control(control) => kind_of(control),
            SettleError::Expired { .. } | SettleError::Entry { .. } | SettleError::TooLarge(_) => {
                Kind::Damaged
            }
        };
        Self::new(kind, &error)
    }
}

impl From<DeliverError> for Failure {
    fn from(error: DeliverError) -> Self {
        let kind = match &error {
            DeliverError::Retryable(_) => Kind::Retryable,
            DeliverError::Control(error) => kind_of(error),
            DeliverError::Stored { .. }
            | DeliverError::TooLarge(_)
            | DeliverError::Packed { .. } => Kind::Damaged,
        };
        Self::new(kind, &error)
    }
}

/// An error and its sources, with colons between them. A source that only repeats what stands already is left out.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use streamgauge_pipeline::port::Retryable;

    #[test]
    fn causes_are_told_once() {
        let below = Retryable::new("could not reach the table");
        let error = Retryable::new("could not append version 7 to `settle/0`").because(below);
        let diagnostic = Diagnostic::from(Failure::retryable(&error));
        assert_eq!(diagnostic.error_type, "Retryable");
        let expect = "could not append version 7 to `settle/0`; the call may have taken effect and can be repeated: \
             could not reach the table; the call may have taken effect and can be repeated";
        assert_eq!(diagnostic.error_message, expect);
    }
}
