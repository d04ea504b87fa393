//! The texts of plans, which say what a channel is. They are read from the control log, and only when something is told.
//!
//! *Who* is told goes by the plan that decided: it is the same for whoever reads the log, and whenever. *How* they are reached
//! goes by the plan in force, so that a deploy mends a wrong address, and by the one that decided only where the plan in force
//! has no such receiver any more: an incident that was opened there is closed there.

use crate::control::{Control, ControlError, text_in};
use crate::port::channels::Channels;
use crate::port::rules::RulesText;
use crate::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many texts are kept.
const KEPT_MAX: usize = 16;

/// The texts that were read, and the receivers in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    control: Control,
    read: BTreeMap<String, Arc<RulesText>>,
    receivers: BTreeMap<(String, String), Vec<String>>,
}

impl Texts {
    /// The receivers of a channel by a plan. One that the plan does not have has one that nothing can be sent to.
    pub(super) async fn receivers<W: World, C: Channels>(
        &mut self,
        world: &W,
        channels: &C,
        plan: &str,
        channel: &str,
    ) -> Result<&[String], ControlError> {
        let key = (plan.to_owned(), channel.to_owned());
        if !self.receivers.contains_key(&key) {
            let text = self.text(world, plan).await?;
            let receivers = channels.receivers(&text, channel).unwrap_or_default();
            let receivers = if receivers.is_empty() { vec![String::new()] } else { receivers };
            self.receivers.insert(key.clone(), receivers);
        }
        Ok(self.receivers.get(&key).map(Vec::as_slice).unwrap_or_default())
    }

    /// The text of the plan in force, if there is one by now.
    pub(super) async fn in_force<W: World>(
        &mut self,
        world: &W,
    ) -> Result<Option<Arc<RulesText>>, ControlError> {
        self.control.follow(world.log()).await?;
        let Some(plan) = self.control.in_force().last().map(|in_force| in_force.plan.clone())
        else {
            return Ok(None);
        };
        self.text(world, &plan).await.map(Some)
    }

    /// The text of a plan.
    pub(super) async fn text<W: World>(
        &mut self,
        world: &W,
        plan: &str,
    ) -> Result<Arc<RulesText>, ControlError> {
        let text = match self.find(world, plan).await {
            Err(ControlError::NoText { .. }) => {
                self.control.follow(world.log()).await?;
                self.find(world, plan).await?
            }
            found => found?,
        };
        if self.read.len() >= KEPT_MAX && !self.read.contains_key(plan) {
            self.read.clear();
            self.receivers.clear();
        }
        self.read.insert(plan.to_owned(), Arc::clone(&text));
        Ok(text)
    }

    /// The text of a plan that the control log held when it was read last.
    pub(super) async fn find<W: World>(
        &self,
        world: &W,
        plan: &str,
    ) -> Result<Arc<RulesText>, ControlError> {
        match self.read.get(plan) {
            Some(text) => Ok(Arc::clone(text)),
            None => text_in(world.log(), &self.control, plan).await.map(Arc::new),
        }
    }
}
