//! The control log of a stack, for commands by which people speak to it. Without the feature `aws` there is none.

use crate::arguments::TableArguments;
use crate::exit::Failure;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::control::{Control, ControlError, SaidError};
use streamgauge_pipeline::port::log::Log;

/// The logs of a stack, and what time it is.
#[cfg(feature = "aws")]
pub(crate) async fn open(
    arguments: &TableArguments,
    command: &str,
) -> Result<(impl Log, Timestamp), Failure> {
    use crate::stack_table::{self, Place};
    use streamgauge_pipeline::port::clock::Clock;
    use streamgauge_pipeline::system_clock::SystemClock;

    let TableArguments { table, endpoint, region } = arguments;
    let place = Place { endpoint: endpoint.as_deref(), region: region.as_deref() };
    let (_, table) = stack_table::open(table, place, command).await?;
    Ok((streamgauge_dynamodb::DynamoLog::new(table), SystemClock.now()))
}

#[cfg(not(feature = "aws"))]
pub(crate) fn open(
    _: &TableArguments,
    command: &str,
) -> std::future::Ready<Result<(impl Log + use<>, Timestamp), Failure>> {
    use streamgauge_pipeline::memory::{MemoryLog, VirtualClock};

    let opened: Result<(MemoryLog<VirtualClock>, _), _> =
        Err(crate::sdk::absent(&format!("`{command}`")));
    std::future::ready(opened)
}

/// Reads which plans there are; a table without a stack has none, and whoever speaks to it has mistaken it for another.
pub(crate) async fn control(log: &impl Log) -> Result<Control, Failure> {
    let mut control = Control::default();
    control.follow(log).await.map_err(|error| unreadable(&error))?;
    if control.partitions().is_none() {
        return Err(Failure::wrong("the table holds no stack")
            .hint("is it the right one? No function has worked on it"));
    }
    Ok(control)
}

/// The control log could not be read.
pub(crate) fn unreadable(error: &ControlError) -> Failure {
    Failure::outside("could not read the log \"control\"").because(error)
}

/// Why what was said is not taken, and what to do.
pub(crate) fn refused(error: &SaidError) -> Failure {
    let hint = match error {
        SaidError::Control(error) => return not_appended(error),
        SaidError::Everything => "name what is to be silent with --alert or --match",
        SaidError::EndsFirst { .. } => "name a later end with --until, or its length with --for",
        SaidError::Over { .. } => {
            "the end must be in the future; check its date and its offset from UTC"
        }
        SaidError::TooLong { .. } => {
            "write `silences` or `maintenance` into the rules for what lasts longer or is planned ahead"
        }
        SaidError::TooMany { .. } => {
            "end some: `streamgauge silence list` shows them; one can match several alerts, and the rules can hold what stays"
        }
        SaidError::Empty { .. } => "say it in a few words",
        SaidError::LongText { .. } => "say it in fewer words; a link can say the rest",
        SaidError::ManyValues { .. } => {
            "match what they have in common: a label, a severity, a channel"
        }
        SaidError::NoSilence(_) => "`streamgauge silence list` shows those that are active",
        SaidError::Ended { .. } => "nothing is left to do",
        SaidError::Ahead { .. } => "say it when it is done; check the date and its offset from UTC",
        SaidError::TooOld { .. } => "CloudWatch takes no point over two weeks",
    };
    Failure::wrong(error.to_string()).hint(hint)
}

fn not_appended(error: &ControlError) -> Failure {
    let failure = Failure::outside("could not append to the log \"control\"").because(error);
    if error.is_retryable() {
        failure.hint(
            "it may have been taken all the same if only the answer was lost; check the permissions `dynamodb:Query` and `dynamodb:PutItem`",
        )
    } else {
        failure
    }
}

/// Who speaks, who has to be known.
pub(crate) fn author(
    typed: Option<&str>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<String, Failure> {
    known_author(typed, environment).ok_or_else(nobody)
}

/// Who speaks: as typed, else the user's name as the environment has it. An empty name is none.
pub(crate) fn known_author(
    typed: Option<&str>,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let named = |name: &String| !name.is_empty();
    let user = |name: &str| environment(name).filter(named);
    let typed = typed.map(str::to_owned).filter(named);
    typed.or_else(|| ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(user))
}

/// That it is not known who speaks.
pub(crate) fn nobody() -> Failure {
    Failure::wrong("it is not known who you are").hint("name yourself with --author")
}
