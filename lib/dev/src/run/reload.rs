//! Rules that were changed, until they are announced.

use super::{Fatal, is_damage};
use crate::happening::{Happening, Teller, chain};
use crate::rules_file::Changed;
use streamgauge_pipeline::control::{Control, announce};
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::rules::RulesText;
use streamgauge_pipeline::world::World;

/// What is still to be announced.
#[derive(Debug, Default)]
pub(crate) struct Reload {
    control: Control,
    /// The newest text that the store could not take yet.
    waiting: Option<RulesText>,
    is_failing: bool,
}

impl Reload {
    /// Takes what has changed, and announces it or what waits since before; it waits on where the store does not work for now. True: some
    /// were announced.
    pub(crate) fn take<W: World>(
        &mut self,
        changed: Option<Changed>,
        (world, teller): (&W, &Teller),
    ) -> Result<bool, Fatal> {
        match changed {
            None => {}
            Some(Changed::Good(text)) => self.waiting = Some(text),
            Some(Changed::Wrong(problems)) => {
                // What waited is not in the files any more.
                self.waiting = None;
                teller.tell(Happening::RulesWrong(problems));
            }
        }
        let Some(text) = self.waiting.take() else { return Ok(false) };
        match block_on(announce(world, &mut self.control, 1, &text)) {
            Ok(_) => {
                if std::mem::take(&mut self.is_failing) {
                    teller.tell(Happening::Over);
                }
                teller.tell(Happening::RulesAnnounced);
                return Ok(true);
            }
            Err(error) if is_damage(&error) => return Err(Fatal::Control(error)),
            Err(error) if error.is_retryable() => {
                self.waiting = Some(text);
                if !std::mem::replace(&mut self.is_failing, true) {
                    let what = format!("could not announce the changed rules: {}", chain(&error));
                    teller.tell(Happening::Trouble(what));
                }
            }
            Err(error) => teller.tell(Happening::RulesWrong(chain(&error))),
        }
        Ok(false)
    }
}
