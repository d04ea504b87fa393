//! The fold of the control log, and the few appends to it.
//!
//! Only headers are read here: a plan's text is fetched when somebody has to compile it ([`super::Plans`]).

use super::{ControlEntry, ControlError, EXPIRES_NEVER};
use crate::port::clock::Clock;
use crate::port::log::{Append, Log, LogId, Logged, Version, Wanted};
use crate::port::rules::{Rules, RulesText};
use crate::shard_entry::SECTIONS_MAX;
use crate::world::World;
use std::collections::BTreeMap;
use streamgauge_engine::stored::StoredError;
use streamgauge_engine::time::Timestamp;

/// How often an append is tried while others append too.
const ATTEMPTS_MAX: u32 = 16;

/// What the control log says, up to a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    version: Version,
    partitions: Option<u8>,
    announced: Option<Announced>,
    in_force: Vec<InForce>,
    /// Where each plan's text was last announced: a few bytes for each set of rules that was ever deployed.
    texts: BTreeMap<String, Version>,
}

/// The newest announced plan, not in force yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its hash.
    pub plan: String,
    /// The clock of whoever announced it.
    pub at: Timestamp,
    /// The version of the control log that announced it: whoever has read so far works for it.
    pub version: Version,
}

/// A plan that is or was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Its hash.
    pub plan: String,
    /// The event time from which it is.
    pub from: Timestamp,
    /// The version of the control log that put it in force.
    pub version: Version,
}

impl Control {
    /// The version that was read up to.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How many settle partitions there are; absent until the table is laid out.
    pub fn partitions(&self) -> Option<u8> {
        self.partitions
    }

    /// The newest announced plan, unless it is in force.
    pub fn announced(&self) -> Option<&Announced> {
        self.announced.as_ref()
    }

    /// The plans that came in force, the newest last; only the last [`SECTIONS_MAX`], which is for how many anybody works.
    pub fn in_force(&self) -> &[InForce] {
        &self.in_force
    }

    /// The plan that was announced last, in force or not.
    pub fn newest(&self) -> Option<&str> {
        let announced = self.announced.as_ref().map(|announced| &announced.plan);
        announced.or(self.in_force.last().map(|in_force| &in_force.plan)).map(String::as_str)
    }

    /// Of the plans that came in force those that a shard may have to be aggregated for, the newest last. The last entry of
    /// its log was made for `sections`, the plan that was in force then among them.
    ///
    /// A plan that was left out of that entry though it was in force before has no windows any more that take events of the
    /// shard. All that came in force after one that is in question are too: they say which metrics go on.
    pub(crate) fn candidates(&self, sections: &[&str]) -> &[InForce] {
        let is_section = |in_force: &InForce| sections.contains(&in_force.plan.as_str());
        let first = self.in_force.iter().position(is_section).unwrap_or_default();
        self.in_force.get(first..).unwrap_or_default()
    }

    /// Where the text of a plan stands.
    pub(super) fn text_at(&self, plan: &str) -> Option<Version> {
        self.texts.get(plan).copied()
    }

    /// Folds the next entry.
    pub fn take(&mut self, logged: &Logged) -> Result<(), StoredError> {
        let version = logged.version;
        match ControlEntry::decode(logged)? {
            ControlEntry::Table { partitions } => self.partitions = Some(partitions),
            ControlEntry::Announced { plan, at, text: _ } => {
                self.texts.insert(plan.clone(), version);
                let is_in_force = self.in_force.last().is_some_and(|newest| newest.plan == plan);
                self.announced = (!is_in_force).then_some(Announced { plan, at, version });
            }
            ControlEntry::InForce { plan, from } => {
                self.announced.take_if(|announced| announced.plan == plan);
                if self.in_force.len() >= usize::from(SECTIONS_MAX) {
                    self.in_force.remove(0);
                }
                self.in_force.push(InForce { plan, from, version });
            }
            // Settle's, when it comes by.
            ControlEntry::GivenBack { .. }
            | ControlEntry::Silenced { .. }
            | ControlEntry::SilenceEnded { .. }
            | ControlEntry::Deployed { .. } => {}
        }
        self.version = version;
        Ok(())
    }

    /// Reads on to the end of the log.
    pub async fn follow(&mut self, log: &impl Log) -> Result<(), ControlError> {
        loop {
            let read = log.read(&LogId::control(), self.version, Wanted::Only(&[])).await?;
            if read.is_empty() {
                return Ok(());
            }
            for logged in &read {
                self.take(logged)?;
            }
        }
    }

    /// Appends an entry after the last that was read, and folds it. After a conflict the caller has to
    /// [follow](Self::follow) and decide again.
    pub async fn append(
        &mut self,
        log: &impl Log,
        entry: &ControlEntry,
    ) -> Result<Append, ControlError> {
        let version = self.version.next();
        let entry = entry.to_entry(EXPIRES_NEVER)?;
        let outcome = log.append(&LogId::control(), version, &entry).await?;
        if outcome == Append::Appended {
            self.take(&Logged { version, entry })?;
        }
        Ok(outcome)
    }

    /// What has to be appended before a function of so many partitions can work, and for the announcement of this plan.
    fn missing(
        &self,
        partitions: u8,
        announced: Option<&str>,
    ) -> Result<Option<Missing>, ControlError> {
        match self.partitions {
            None => return Ok(Some(Missing::Table)),
            Some(table) if table != partitions => {
                return Err(ControlError::Partitions { table, set: partitions });
            }
            Some(_) => {}
        }
        let Some(newest) = self.newest().filter(|&newest| announced.is_none_or(|it| it == newest))
        else {
            return Ok(Some(Missing::Announcement));
        };
        // While no plan was ever in force nobody has counted anything, so the first is from the beginning of time.
        let first = self.in_force.is_empty().then(|| newest.to_owned());
        Ok(first.map(Missing::InForce))
    }
}

/// What the control log lacks.
enum Missing {
    Table,
    Announcement,
    InForce(String),
}

/// Reads on, and lays out an empty log: the table, and the plan that this function was deployed with, in force from the
/// beginning of time.
pub async fn ensure<W: World>(
    world: &W,
    control: &mut Control,
    partitions: u8,
) -> Result<(), ControlError> {
    bring(world, control, partitions, None).await
}

/// Announces a plan, unless it is the newest already; in a table that has none it is in force at once. Answers its hash.
pub async fn announce<W: World>(
    world: &W,
    control: &mut Control,
    partitions: u8,
    text: &RulesText,
) -> Result<String, ControlError> {
    let plan = hash_of(world, text)?;
    bring(world, control, partitions, Some((&plan, text))).await?;
    Ok(plan)
}

async fn bring<W: World>(
    world: &W,
    control: &mut Control,
    partitions: u8,
    announced: Option<(&str, &RulesText)>,
) -> Result<(), ControlError> {
    for _ in 0..ATTEMPTS_MAX {
        control.follow(world.log()).await?;
        let entry = match control.missing(partitions, announced.map(|(plan, _)| plan))? {
            None => return Ok(()),
            Some(Missing::Table) => ControlEntry::Table { partitions },
            Some(Missing::InForce(plan)) => ControlEntry::InForce { plan, from: Timestamp::EPOCH },
            Some(Missing::Announcement) => {
                let (plan, text) = if let Some((plan, text)) = announced {
                    (plan.to_owned(), text)
                } else {
                    let text = world.rules().deployed().ok_or(ControlError::NoRules)?;
                    (hash_of(world, text)?, text)
                };
                let at = world.clock().now();
                ControlEntry::Announced { plan, text: Some(text.clone()), at }
            }
        };
        match control.append(world.log(), &entry).await? {
            // Either way the next round sees what the log lacks then.
            Append::Appended | Append::Conflict => {}
        }
    }
    Err(ControlError::Contended { attempts: ATTEMPTS_MAX })
}

fn hash_of<W: World>(world: &W, text: &RulesText) -> Result<String, ControlError> {
    let compiled = world.rules().compile(text);
    let no_plan = |source| ControlError::NoPlan { plan: "to be announced".to_owned(), source };
    Ok(compiled.map_err(no_plan)?.hash.clone())
}
