//! Deploys that people have marked: they stand in the control log, and are told when settle has gone by them.

use super::super::view::View;
use super::Work;
use crate::page::Mark;
use crate::run::Fatal;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_pipeline::control::ControlEntry;
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Log, LogId, Version, Wanted};

impl<C: Clock, P: FnMut() -> Result<Vec<Arc<Plan>>, Fatal>> Work<C, P> {
    /// The deploys in the control log behind what was read of it, up to a version or to its end.
    pub(super) fn deploys(&mut self, until: Option<Version>) -> Result<Vec<Mark>, Fatal> {
        let (mut marks, mut after) = (Vec::new(), self.control);
        let is_wanted = |version| until.is_none_or(|until| version <= until);
        while is_wanted(after.next()) {
            let read = block_on(self.store.read(&LogId::control(), after, Wanted::Only(&[])))?;
            if read.is_empty() {
                break;
            }
            for logged in read.iter().filter(|logged| is_wanted(logged.version)) {
                if let ControlEntry::Deployed { deploy, at } = ControlEntry::decode(logged)? {
                    marks.push(Mark { version: deploy.version, at });
                }
                after = logged.version;
            }
        }
        self.control = after;
        Ok(marks)
    }

    /// Puts all that there are into a view. One that settle has not gone by yet is among them, and not told again.
    pub(super) fn load_deploys(&mut self, view: &mut View) -> Result<(), Fatal> {
        self.control = Version::START;
        self.deploys(None)?.into_iter().for_each(|mark| view.deployed(mark));
        Ok(())
    }
}
