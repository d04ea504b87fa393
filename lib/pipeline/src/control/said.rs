//! What people say to a stack while it runs: silences, and deploys.
//!
//! It goes by the control log, since settle decides by nothing else: its entries name the version that they went by, so that who
//! was told of what can be decided again. A silence is named by the version that added it: no other has that name, whoever adds
//! one at the same moment.

use super::silences::{SILENCES_MAX, SilenceId, Silences};
use super::{ControlEntry, ControlError, EXPIRES_NEVER};
use crate::port::log::{Append, Log, LogId, Version, Wanted};
use streamgauge_engine::notification::Deploy;
use streamgauge_engine::notify::rules::{Attribute, Silence};
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};

/// A silence ends within this from when it is added. What is planned further ahead stands in the rules, where others see it.
pub const SILENCE_AHEAD_MAX_MS: Millis = 30 * DAY_MS;
/// A deploy that is older cannot be marked: `CloudWatch` takes no point over two weeks, and the mark has a way to go.
pub const DEPLOY_AGE_MAX_MS: Millis = 13 * DAY_MS;
/// The longest text of what people say, in characters.
pub const SAID_CHARS_MAX: usize = 1_000;
/// So many values a silence matches at most, in all its conditions.
pub const MATCHED_VALUES_MAX: usize = 100;
/// How often an append is tried while others append too.
const ATTEMPTS_MAX: u32 = 16;

/// Why something that was said is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SaidError {
    /// The control log, or others who append to it.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A silence of everything, which a slip would be.
    #[error("the silence matches everything")]
    Everything,
    /// A silence that is over before it begins.
    #[error("the silence ends at {until}, and begins at {from}")]
    EndsFirst {
        /// When it begins.
        from: Timestamp,
        /// When it ends.
        until: Timestamp,
    },
    /// A silence that is over.
    #[error("the silence was over at {until}, and it is {now}")]
    Over {
        /// When it ends.
        until: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// A silence that lasts too long.
    #[error("the silence ends at {until}, and none ends later than {latest}")]
    TooLong {
        /// When it ends.
        until: Timestamp,
        /// When it may.
        latest: Timestamp,
    },
    /// There are too many silences.
    #[error("there are {active} silences that are not over, and {SILENCES_MAX} are the most")]
    TooMany {
        /// How many there are.
        active: usize,
    },
    /// A text that is not there.
    #[error("the {what} is empty")]
    Empty {
        /// Which.
        what: &'static str,
    },
    /// A text that is too long.
    #[error("the {what} is longer than {SAID_CHARS_MAX} characters")]
    LongText {
        /// Which.
        what: &'static str,
    },
    /// A silence that matches more than it may.
    #[error("the silence matches {values} values, and {MATCHED_VALUES_MAX} are the most")]
    ManyValues {
        /// How many.
        values: usize,
    },
    /// There is no such silence.
    #[error("there is no silence `{0}`")]
    NoSilence(SilenceId),
    /// A silence that was ended already.
    #[error("the silence `{silence}` was ended at {at} by {author}")]
    Ended {
        /// Which.
        silence: SilenceId,
        /// When.
        at: Timestamp,
        /// By whom.
        author: String,
    },
    /// A deploy that is still to come.
    #[error("the deploy is at {at}, and it is {now}")]
    Ahead {
        /// When it is.
        at: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// A deploy that was too long ago.
    #[error("the deploy was at {at}, and none before {earliest} can be marked")]
    TooOld {
        /// When it was.
        at: Timestamp,
        /// When it may have been.
        earliest: Timestamp,
    },
}

/// Adds a silence; its name.
pub async fn add_silence(
    log: &impl Log,
    silence: &Silence,
    now: Timestamp,
) -> Result<SilenceId, SaidError> {
    check_silence(silence, now)?;
    let version = append(log, |silences| {
        let active = silences.active(now).count();
        if active >= SILENCES_MAX {
            return Err(SaidError::TooMany { active });
        }
        Ok(ControlEntry::Silenced { silence: silence.clone(), at: now })
    });
    version.await.map(SilenceId)
}

/// Ends a silence before its end.
pub async fn end_silence(
    log: &impl Log,
    id: SilenceId,
    author: &str,
    now: Timestamp,
) -> Result<(), SaidError> {
    check_text("author", author)?;
    let appended = append(log, |silences| {
        let added = silences.get(id).ok_or(SaidError::NoSilence(id))?;
        if let Some(ended) = &added.ended {
            let (at, by) = (ended.at, ended.author.clone());
            return Err(SaidError::Ended { silence: id, at, author: by });
        }
        let until = added.silence.until;
        if until <= now {
            return Err(SaidError::Over { until, now });
        }
        Ok(ControlEntry::SilenceEnded { silence: id.0, author: author.to_owned(), at: now })
    });
    appended.await.map(drop)
}

/// Says that something was deployed; the version that says so.
pub async fn mark_deploy(
    log: &impl Log,
    deploy: &Deploy,
    at: Timestamp,
    now: Timestamp,
) -> Result<Version, SaidError> {
    check_text("version", &deploy.version)?;
    check_text("author", &deploy.author)?;
    for (what, text) in [("service", &deploy.service), ("link", &deploy.link)] {
        text.as_deref().map_or(Ok(()), |text| check_text(what, text))?;
    }
    let earliest = now.minus(DEPLOY_AGE_MAX_MS);
    if at > now {
        return Err(SaidError::Ahead { at, now });
    }
    if at < earliest {
        return Err(SaidError::TooOld { at, earliest });
    }
    append(log, |_| Ok(ControlEntry::Deployed { deploy: deploy.clone(), at })).await
}

fn check_silence(silence: &Silence, now: Timestamp) -> Result<(), SaidError> {
    let Silence { matches, from, until, author, reason } = silence;
    let (from, until) = (*from, *until);
    check_text("author", author)?;
    check_text("reason", reason)?;
    let all: usize = matches.conditions.iter().map(|(_, values)| values.len()).sum();
    if matches.conditions.is_empty() {
        return Err(SaidError::Everything);
    }
    if all > MATCHED_VALUES_MAX {
        return Err(SaidError::ManyValues { values: all });
    }
    for (attribute, values) in &matches.conditions {
        if let Attribute::Named(name) = attribute {
            check_text("name in a match", name)?;
        }
        values.iter().try_for_each(|value| check_text("value in a match", value))?;
    }
    let latest = now.plus(SILENCE_AHEAD_MAX_MS);
    if until <= from {
        return Err(SaidError::EndsFirst { from, until });
    }
    if until <= now {
        return Err(SaidError::Over { until, now });
    }
    if until > latest {
        return Err(SaidError::TooLong { until, latest });
    }
    Ok(())
}

fn check_text(what: &'static str, text: &str) -> Result<(), SaidError> {
    if text.trim().is_empty() {
        return Err(SaidError::Empty { what });
    }
    if text.chars().nth(SAID_CHARS_MAX).is_some() {
        return Err(SaidError::LongText { what });
    }
    Ok(())
}

/// Reads the control log to its end and appends what then is to be said; again while others are faster.
async fn append(
    log: &impl Log,
    say: impl Fn(&Silences) -> Result<ControlEntry, SaidError>,
) -> Result<Version, SaidError> {
    let (mut read_to, mut silences) = (Version::START, Silences::default());
    for _ in 0..ATTEMPTS_MAX {
        follow(log, &mut read_to, &mut silences).await?;
        let entry = say(&silences)?.to_entry(EXPIRES_NEVER).map_err(ControlError::from)?;
        let version = read_to.next();
        let appended = log.append(&LogId::control(), version, &entry).await;
        if appended.map_err(ControlError::from)? == Append::Appended {
            return Ok(version);
        }
    }
    Err(ControlError::Contended { attempts: ATTEMPTS_MAX }.into())
}

/// All silences that were ever added.
pub async fn silences(log: &impl Log) -> Result<Silences, ControlError> {
    let mut silences = Silences::default();
    follow(log, &mut { Version::START }, &mut silences).await?;
    Ok(silences)
}

async fn follow(
    log: &impl Log,
    read_to: &mut Version,
    silences: &mut Silences,
) -> Result<(), ControlError> {
    loop {
        let read = log.read(&LogId::control(), *read_to, Wanted::Only(&[])).await?;
        if read.is_empty() {
            return Ok(());
        }
        for logged in &read {
            silences.take(logged.version, &ControlEntry::decode(logged)?);
            *read_to = logged.version;
        }
    }
}

#[cfg(test)]
mod tests;
