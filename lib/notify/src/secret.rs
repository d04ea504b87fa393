//! Secrets: keys and tokens that channels are reached with, as a type that cannot be printed.
//!
//! The rules hold references only (`secret:NAME`, `ssm:NAME`, `env:NAME`); [`Secrets`] turns them into values where they are
//! used. What another end answers may repeat what it was sent, so its words pass [`Secret::conceal`] before anyone reads them.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "channels")]
pub mod kept;

use std::fmt;
use streamgauge_pipeline::port::Retryable;
use zeroize::Zeroizing;

/// What stands in the place of a secret.
pub const CONCEALED: &str = "<secret>";

/// A value that must not be seen. It shows as [`CONCEALED`] and is wiped from memory with its last owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value, for the call that needs it and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text without this secret.
    pub fn conceal(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(self.0.as_str(), CONCEALED) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(CONCEALED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(CONCEALED)
    }
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// `secret:NAME`: AWS Secrets Manager.
    SecretsManager(String),
    /// `ssm:NAME`: the Parameter Store of AWS Systems Manager.
    ParameterStore(String),
    /// `env:NAME`: a variable of the environment.
    Environment(String),
}

impl Reference {
    /// Reads `secret:NAME`, `ssm:NAME` or `env:NAME`; absent if it is none of them.
    pub fn of(text: &str) -> Option<Self> {
        let (store, name) = text.split_once(':').filter(|(_, name)| !name.is_empty())?;
        let name = name.to_owned();
        match store {
            "secret" => Some(Self::SecretsManager(name)),
            "ssm" => Some(Self::ParameterStore(name)),
            "env" => Some(Self::Environment(name)),
            _ => None,
        }
    }

    /// What to do where there is none, after the words that say so.
    const fn to_make(&self) -> &'static str {
        match self {
            Self::Environment(_) => ": the variable is not set, or empty; set it",
            Self::SecretsManager(_) | Self::ParameterStore(_) => "; create it",
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (store, name) = match self {
            Self::SecretsManager(name) => ("secret", name),
            Self::ParameterStore(name) => ("ssm", name),
            Self::Environment(name) => ("env", name),
        };
        write!(formatter, "{store}:{name}")
    }
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The store has none of this name, or it is empty.
    #[error("there is no secret `{reference}`{}, or change the channel in the rules", reference.to_make())]
    Absent {
        /// What was asked for.
        reference: Reference,
    },
    /// This store is not served here.
    #[error("the secret `{reference}` cannot be read here; `env:NAME` can")]
    NotServed {
        /// What was asked for.
        reference: Reference,
    },
    /// The store did not answer.
    #[error("the secret `{reference}` could not be read")]
    Retryable {
        /// What was asked for.
        reference: Reference,
        /// Why.
        source: Retryable,
    },
}

/// Turns references into secrets.
pub trait Secrets: Send + Sync {
    /// The value that a reference names.
    fn resolve(
        &self,
        reference: &Reference,
    ) -> impl Future<Output = Result<Secret, SecretError>> + Send;
}

/// The secrets of the environment, and no others.
#[derive(Clone, Copy, Debug)]
pub struct Environment<F>(F);

impl<F: Fn(&str) -> Option<String> + Send + Sync> Environment<F> {
    /// Reads variables with this function: that of the process, or a test's.
    pub const fn new(variable: F) -> Self {
        Self(variable)
    }

    /// The value that a reference names.
    pub fn get(&self, reference: &Reference) -> Result<Secret, SecretError> {
        let Reference::Environment(name) = reference else {
            return Err(SecretError::NotServed { reference: reference.clone() });
        };
        let value = (self.0)(name).filter(|value| !value.is_empty()).map(Secret::new);
        value.ok_or_else(|| SecretError::Absent { reference: reference.clone() })
    }
}

impl<F: Fn(&str) -> Option<String> + Send + Sync> Secrets for Environment<F> {
    async fn resolve(&self, reference: &Reference) -> Result<Secret, SecretError> {
        self.get(reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::new("hunter2");
        let holder = Some((secret.clone(), vec![secret.clone()]));
        let printed = format!("{secret} {secret:?} {holder:?} {holder:#?}");
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(printed.starts_with("<secret> <secret> "), "{printed}");
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn words_of_others_are_cleared_of_secrets() {
        let secret = Secret::new("hunter2");
        let said = secret.conceal("no key hunter2, not even /hunter2/");
        assert_eq!(said, "no key <secret>, not even /<secret>/");
        assert_eq!(Secret::new("").conceal("as it was"), "as it was");
    }

    #[test]
    fn the_environment_serves_its_own_references() {
        let secrets = Environment::new(|name: &str| match name {
            "KEY" => Some("hunter2".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        });
        let get = |reference| secrets.get(&reference);
        let named = |name: &str| Reference::Environment(name.to_owned());
        assert_eq!(get(named("KEY")).unwrap().reveal(), "hunter2");
        for name in ["EMPTY", "ABSENT"] {
            let error = get(named(name)).unwrap_err();
            assert!(error.to_string().contains(&format!("`env:{name}`")), "{error}");
        }
        for elsewhere in [
            Reference::SecretsManager("KEY".to_owned()),
            Reference::ParameterStore("KEY".to_owned()),
        ] {
            assert!(matches!(get(elsewhere), Err(SecretError::NotServed { .. })));
        }
    }
}
