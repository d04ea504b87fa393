//! The control log as settle goes by it: each entry that was ever written, with the plan that it speaks of.
//!
//! An entry of the settle log names the version of the control log that it went by, so folding it again applies the same
//! changes at the same place.

use super::SettleError;
use super::state::Change;
use crate::control::{Control, ControlEntry, ControlError, Plans, Silences};
use crate::port::log::{Append, Log, LogId, Version, Wanted};
use crate::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;

/// The control log, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Changes {
    control: Control,
    entries: BTreeMap<Version, ControlEntry>,
    plans: Plans,
}

impl Changes {
    /// How far it was read.
    pub(super) fn version(&self) -> Version {
        self.control.version()
    }

    /// Reads on.
    pub(super) async fn follow(&mut self, log: &impl Log) -> Result<(), SettleError> {
        loop {
            let read = log.read(&LogId::control(), self.version(), Wanted::Only(&[])).await?;
            if read.is_empty() {
                return Ok(());
            }
            for logged in read {
                let entry = ControlEntry::decode(&logged).map_err(ControlError::from)?;
                self.control.take(&logged).map_err(ControlError::from)?;
                self.entries.insert(logged.version, entry);
            }
        }
    }

    /// The changes after one version, up to another.
    pub(super) async fn between<W: World>(
        &mut self,
        world: &W,
        after: Version,
        up_to: Version,
    ) -> Result<Vec<Change>, SettleError> {
        let entries = self.entries.range(after.next()..=up_to.max(after.next()));
        let entries: Vec<_> = entries.map(|(version, entry)| (*version, entry.clone())).collect();
        let mut changes = Vec::with_capacity(entries.len());
        for (version, entry) in entries.into_iter().filter(|(version, _)| *version <= up_to) {
            let plan = match &entry {
                ControlEntry::Announced { plan, .. } | ControlEntry::InForce { plan, .. } => {
                    Some(self.plan(world, plan).await?)
                }
                _ => None,
            };
            changes.push(Change { version, entry, plan });
        }
        Ok(changes)
    }

    /// The silences that had been added up to a version.
    pub(super) fn silences(&self, up_to: Version) -> Silences {
        let mut silences = Silences::default();
        for (version, entry) in self.entries.range(..=up_to) {
            silences.take(*version, entry);
        }
        silences
    }

    async fn plan<W: World>(&mut self, world: &W, hash: &str) -> Result<Arc<Plan>, SettleError> {
        Ok(self.plans.get(world, &self.control, hash).await?)
    }

    /// The plans with these hashes, each once.
    pub(super) async fn plans<W: World>(
        &mut self,
        world: &W,
        hashes: impl Iterator<Item = &str>,
    ) -> Result<BTreeMap<String, Arc<Plan>>, SettleError> {
        let mut plans = BTreeMap::new();
        for hash in hashes {
            if !plans.contains_key(hash) {
                plans.insert(hash.to_owned(), self.plan(world, hash).await?);
            }
        }
        Ok(plans)
    }

    /// Puts a plan in force. Whoever is faster decides from when on: what that was is not read yet.
    pub(super) async fn put_in_force<W: World>(
        &mut self,
        world: &W,
        plan: String,
        from: Timestamp,
    ) -> Result<Append, SettleError> {
        let entry = ControlEntry::InForce { plan, from };
        let version = self.version().next();
        let outcome = self.control.append(world.log(), &entry).await?;
        if outcome == Append::Appended {
            self.entries.insert(version, entry);
        }
        Ok(outcome)
    }
}
