//! How a call ends: an exit code that scripts can rely on, and an error that says what to do.
//!
//! | code | meaning | example |
//! | --- | --- | --- |
//! | 0 | fine | also when a reader such as `head` has closed the pipe: it has what it wanted |
//! | 1 | the answer is "no" | a failed scenario, a difference found by `--compare` |
//! | 2 | the input is wrong | a problem in the rules, a rules file that is not there, an argument that does not exist |
//! | 3 | the outside world failed | an event file that is not there, a full disk |
//!
//! An error is shown as in uv and rustc: what failed, its causes, and a hint.
//!
//! ```text
//! error: could not open `events.ndjson`
//!   caused by: No such file or directory (os error 2)
//! hint: check the path; `-` reads standard input
//! ```

use crate::style::{self, tell};
use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use streamgauge_local::input::InputError;
use streamgauge_local::replay::ReplayError;

/// How a call ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Fine,
    /// The question was understood and the answer is "no".
    No,
    /// What the user gave is wrong.
    Wrong,
    /// The outside world failed.
    Outside,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::from(0),
            Exit::No => Self::from(1),
            Exit::Wrong => Self::from(2),
            Exit::Outside => Self::from(3),
        }
    }
}

/// Why a call could not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// All that is to be said has been said.
    Told(Exit),
    /// The reader of the output has gone.
    ReaderGone,
    /// Still to be told.
    Error { exit: Exit, message: String, causes: Vec<String>, hint: Option<String> },
}

impl Failure {
    /// The user's input is wrong.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self::Error { exit: Exit::Wrong, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// The outside world failed.
    pub(crate) fn outside(message: impl Into<String>) -> Self {
        Self::Error { exit: Exit::Outside, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// Writing the answer failed; a reader that has gone is no failure.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::outside("could not write to standard output")
                .because(error)
                .maybe_hint(space_hint(error)),
        }
    }

    /// Writing a file failed.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let failure = Self::outside(format!("could not write `{}`", path.display()));
        failure.because(error).maybe_hint(space_hint(error))
    }

    /// Adds an error and all that it was caused by.
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        if let Self::Error { causes, .. } = &mut self {
            let chain = std::iter::successors(Some(error), |&cause| cause.source());
            causes.extend(chain.map(ToString::to_string));
        }
        self
    }

    /// Adds a cause of which only the text is known.
    #[cfg(feature = "aws")]
    pub(crate) fn because_text(mut self, text: &str) -> Self {
        if let Self::Error { causes, .. } = &mut self {
            causes.push(text.to_owned());
        }
        self
    }

    /// Adds what an error was caused by, where the error itself is the message.
    pub(crate) fn because_of_source(self, error: &dyn Error) -> Self {
        match error.source() {
            Some(source) => self.because(source),
            None => self,
        }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(self, text: impl Into<String>) -> Self {
        self.maybe_hint(Some(text.into()))
    }

    /// Adds what to do about it, if that is known.
    pub(crate) fn maybe_hint(mut self, text: Option<String>) -> Self {
        if let (Self::Error { hint, .. }, Some(text)) = (&mut self, text) {
            *hint = Some(text);
        }
        self
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::outside(error.to_string()).because_of_source(&error).maybe_hint(error.hint())
    }
}

/// What is observed goes to standard output; an observer that writes elsewhere knows more.
impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Input(error) => error.into(),
            ReplayError::Output(error) => Self::output(&error),
        }
    }
}

fn space_hint(error: &io::Error) -> Option<String> {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    full.then(|| {
        "free some space or write somewhere else; what was written so far is incomplete".to_owned()
    })
}

/// Gives the process its exit code, after what is still to be told.
pub(crate) fn end(result: Result<Exit, Failure>) -> ExitCode {
    result.unwrap_or_else(tell_failure).into()
}

/// Tells what is still to be told; gives the exit code that it asks for.
pub(crate) fn tell_failure(failure: Failure) -> Exit {
    match failure {
        Failure::Told(exit) => exit,
        Failure::ReaderGone => Exit::Fine,
        Failure::Error { exit, message, causes, hint } => {
            tell(format_args!("{}: {}", style::error("error"), style::printable(&message)));
            for cause in causes {
                tell(format_args!("  {}: {}", style::dim("caused by"), style::printable(&cause)));
            }
            if let Some(hint) = hint {
                tell(format_args!("{}: {}", style::hint("hint"), style::printable(&hint)));
            }
            exit
        }
    }
}
