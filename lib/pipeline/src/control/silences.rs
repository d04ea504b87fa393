//! The silences that people have added, folded from the control log.

use super::ControlEntry;
use crate::port::log::Version;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use streamgauge_engine::notify::rules::Silence;
use streamgauge_engine::time::Timestamp;

/// So many may be active or still to come: each firing is held against all of them.
pub const SILENCES_MAX: usize = 1_000;

/// The name of a silence: the version of the control log that added it, as `s17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SilenceId(pub Version);

impl fmt::Display for SilenceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s{}", self.0.0)
    }
}

/// A text that names no silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a silence is an `s` and a number, such as `s17`")]
pub struct NoSilenceId;

impl FromStr for SilenceId {
    type Err = NoSilenceId;

    fn from_str(text: &str) -> Result<Self, NoSilenceId> {
        let number = text.strip_prefix('s').filter(|rest| !rest.starts_with('+'));
        number
            .and_then(|rest| rest.parse().ok())
            .map(|number| Self(Version(number)))
            .ok_or(NoSilenceId)
    }
}

/// A silence that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// What was.
    pub silence: Silence,
    /// When.
    pub at: Timestamp,
    /// That it was ended before its end.
    pub ended: Option<Ended>,
}

/// How a silence was ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub author: String,
}

/// All silences that were ever added: a few hundred bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Silences(BTreeMap<SilenceId, Added>);

impl Silences {
    /// Folds the entry of a version.
    pub(crate) fn take(&mut self, version: Version, entry: &ControlEntry) {
        match entry {
            ControlEntry::Silenced { silence, at } => {
                let added = Added { silence: silence.clone(), at: *at, ended: None };
                self.0.insert(SilenceId(version), added);
            }
            ControlEntry::SilenceEnded { silence, author, at } => {
                if let Some(added) = self.0.get_mut(&SilenceId(*silence)) {
                    let ended = Ended { at: *at, author: author.clone() };
                    added.ended.get_or_insert(ended);
                }
            }
            ControlEntry::Table { .. }
            | ControlEntry::Announced { .. }
            | ControlEntry::InForce { .. }
            | ControlEntry::GivenBack { .. }
            | ControlEntry::Deployed { .. } => {}
        }
    }

    /// All of them, the oldest first.
    pub fn all(&self) -> impl Iterator<Item = (SilenceId, &Added)> {
        self.0.iter().map(|(id, added)| (*id, added))
    }

    /// One of them.
    pub fn get(&self, id: SilenceId) -> Option<&Added> {
        self.0.get(&id)
    }

    /// Those that are not over at a time of the clock, also those that have not begun.
    pub fn active(&self, now: Timestamp) -> impl Iterator<Item = (SilenceId, &Added)> {
        self.all().filter(move |(_, added)| added.ended.is_none() && now < added.silence.until)
    }

    /// Those that may keep back what happens from an event time on; all that nobody has ended if none is known.
    pub(crate) fn from(&self, since: Option<Timestamp>) -> Vec<Silence> {
        let standing = self.0.values().filter(|added| added.ended.is_none());
        let silences = standing.map(|added| &added.silence);
        silences.filter(|silence| since <= Some(silence.until)).cloned().collect()
    }
}
