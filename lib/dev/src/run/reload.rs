//! Rules that were changed, until they are announced.

use super::{Fatal, is_damage};
use crate::happening::{Happening, Teller, chain};
use crate::rules_file::Changed;
use std::sync::Arc;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::control::{Control, announce};
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::rules::RulesText;
use streamgauge_pipeline::world::World;
use tokio::sync::watch;

/// How many bytes are kept of why rules cannot be used.
const REASON_BYTES_MAX: usize = 16 << 10;

/// Rules files that cannot be used as they are now; those before go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// When that was found.
    pub at: Timestamp,
    /// Why, as people read it.
    pub reason: Arc<str>,
}

impl Rejected {
    fn new(at: Timestamp, reason: &str) -> Self {
        let end = reason.floor_char_boundary(REASON_BYTES_MAX);
        let (kept, rest) = reason.split_at(end);
        let more =
            if rest.is_empty() { "" } else { "\n... and more: `streamgauge check` shows all" };
        Self { at, reason: format!("{kept}{more}").into() }
    }
}

/// What is still to be announced.
#[derive(Debug, Default)]
pub(crate) struct Reload {
    control: Control,
    /// The newest text that the store could not take yet.
    waiting: Option<RulesText>,
    is_failing: bool,
    /// Whether the files as they are now cannot be used.
    rejected: watch::Sender<Option<Rejected>>,
}

impl Reload {
    /// Nothing waits; whether the files can be used is told here.
    pub(crate) fn telling(rejected: watch::Sender<Option<Rejected>>) -> Self {
        Self { rejected, ..Self::default() }
    }

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
            Some(Changed::Wrong { shown, plain }) => {
                // What waited is not in the files any more.
                self.waiting = None;
                self.reject(world, &plain);
                teller.tell(Happening::RulesWrong(shown));
            }
        }
        let Some(text) = self.waiting.take() else { return Ok(false) };
        match block_on(announce(world, &mut self.control, 1, &text)) {
            Ok(_) => {
                if std::mem::take(&mut self.is_failing) {
                    teller.tell(Happening::Over);
                }
                self.rejected.send_if_modified(|rejected| rejected.take().is_some());
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
            Err(error) => {
                let why = chain(&error);
                self.reject(world, &why);
                teller.tell(Happening::RulesWrong(why));
            }
        }
        Ok(false)
    }

    fn reject<W: World>(&self, world: &W, reason: &str) {
        self.rejected.send_replace(Some(Rejected::new(world.clock().now(), reason)));
    }
}
