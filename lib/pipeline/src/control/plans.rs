//! The plans that this function has compiled, each once.

use super::entry::TEXT;
use super::{Control, ControlEntry, ControlError};
use crate::port::log::{Log, LogId, Version, Wanted};
use crate::port::rules::{Rules, RulesText};
use crate::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;

/// How many compiled plans are kept: twice [`crate::shard_entry::SECTIONS_MAX`].
const KEPT_MAX: usize = 16;

/// Compiled plans by their hash.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    compiled: BTreeMap<String, Arc<Plan>>,
    /// The text that the function was deployed with has been looked at.
    deployed: bool,
}

impl Plans {
    /// The plan with this hash: the function's own, or compiled from the text that the control log holds.
    pub async fn get<W: World>(
        &mut self,
        world: &W,
        control: &Control,
        hash: &str,
    ) -> Result<Arc<Plan>, ControlError> {
        if !self.deployed {
            self.deployed = true;
            // What does not compile is told when it is announced. Here the log decides, and its text may be another.
            if let Some(Ok(plan)) = world.rules().deployed().map(|text| world.rules().compile(text))
            {
                self.compiled.insert(plan.hash.clone(), plan);
            }
        }
        if let Some(plan) = self.compiled.get(hash) {
            return Ok(Arc::clone(plan));
        }
        let text = text_in(world.log(), control, hash).await?;
        let no_plan = |source| ControlError::NoPlan { plan: hash.to_owned(), source };
        let plan = world.rules().compile(&text).map_err(no_plan)?;
        if plan.hash != hash {
            let compiled = plan.hash.clone();
            return Err(ControlError::AnotherPlan { plan: hash.to_owned(), compiled });
        }
        if self.compiled.len() >= KEPT_MAX {
            self.compiled.retain(|kept, _| {
                control.newest() == Some(kept)
                    || control.in_force().iter().any(|in_force| in_force.plan == *kept)
            });
        }
        self.compiled.insert(hash.to_owned(), Arc::clone(&plan));
        Ok(plan)
    }
}

/// The text of a plan, as the control log holds it.
pub async fn text_in(
    log: &impl Log,
    control: &Control,
    hash: &str,
) -> Result<RulesText, ControlError> {
    let no_text = || ControlError::NoText { plan: hash.to_owned() };
    let version = control.text_at(hash).ok_or_else(no_text)?;
    let before = Version(version.0 - 1);
    let read = log.read(&LogId::control(), before, Wanted::Only(&[TEXT])).await?;
    let logged = read.first().filter(|logged| logged.version == version).ok_or_else(no_text)?;
    match ControlEntry::decode(logged)? {
        ControlEntry::Announced { text: Some(text), .. } => Ok(text),
        _ => Err(no_text()),
    }
}
