//! The control log as settle goes by it: each entry that was ever written, with the plan that it speaks of.
//!
//! An entry of the settle log names the version of the control log that it went by, so folding it again applies the same
//! changes at the same place.

use super::SettleError;
use super::state::Change;
use crate::control::{ControlEntry, ControlError};
use crate::port::log::{Log, LogId, Version, Wanted};
use crate::port::rules::Rules;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;

/// The control log, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Changes {
    entries: BTreeMap<Version, Arc<ControlEntry>>,
    plans: BTreeMap<String, Arc<Plan>>,
}

impl Changes {
    /// How far it was read.
    pub(super) fn version(&self) -> Version {
        self.entries.last_key_value().map_or(Version::START, |(version, _)| *version)
    }

    /// Reads on.
    pub(super) async fn follow(&mut self, log: &impl Log) -> Result<(), SettleError> {
        loop {
            let read = log.read(&LogId::control(), self.version(), Wanted::All).await?;
            if read.is_empty() {
                return Ok(());
            }
            for logged in &read {
                let entry = ControlEntry::decode(logged)?;
                self.entries.insert(logged.version, Arc::new(entry));
            }
        }
    }

    /// All changes after a version.
    pub(super) fn after(
        &mut self,
        after: Version,
        rules: &impl Rules,
    ) -> Result<Vec<Change>, SettleError> {
        self.between(after, self.version(), rules)
    }

    /// The changes after one version, up to another.
    pub(super) fn between(
        &mut self,
        after: Version,
        up_to: Version,
        rules: &impl Rules,
    ) -> Result<Vec<Change>, SettleError> {
        let entries: Vec<_> = self
            .entries
            .range(after.next()..)
            .take_while(|(version, _)| **version <= up_to)
            .map(|(version, entry)| (*version, Arc::clone(entry)))
            .collect();
        let changes = entries.into_iter().map(|(version, entry)| {
            let plan = match &*entry {
                ControlEntry::Announced { plan, .. } | ControlEntry::InForce { plan, .. } => {
                    Some(self.plan(plan, rules)?)
                }
                ControlEntry::Table { .. } => None,
            };
            Ok(Change { version, entry, plan })
        });
        changes.collect()
    }

    /// The plan with this hash, compiled once from the text of its announcement.
    pub(super) fn plan(
        &mut self,
        hash: &str,
        rules: &impl Rules,
    ) -> Result<Arc<Plan>, SettleError> {
        if let Some(plan) = self.plans.get(hash) {
            return Ok(Arc::clone(plan));
        }
        let text = self.entries.values().rev().find_map(|entry| match &**entry {
            ControlEntry::Announced { plan, text, .. } if plan == hash => Some(text),
            _ => None,
        });
        let text = text.ok_or_else(|| ControlError::Unknown { plan: hash.to_owned() })?;
        let plan = rules.compile(text).map_err(|source| ControlError::NoPlan {
            plan: hash.to_owned(),
            source,
        })?;
        self.plans.insert(hash.to_owned(), Arc::clone(&plan));
        Ok(plan)
    }
}
