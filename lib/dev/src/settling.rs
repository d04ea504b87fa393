//! What the thread of settle does: it looks when something was appended, and several times a second.

use crate::happening::{Happening, Teller, chain};
use crate::needs::Reader;
use crate::run::{Fatal, is_damage};
use crate::world::{DevWorld, Store};
use streamgauge_engine::time::{Millis, SECOND_MS};
use streamgauge_pipeline::control::ControlError;
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::settle::{Asking, Settle, SettleError, Settled, ToldBy};
use tokio::sync::watch;

/// It looks at least so often, and asks a shard that has been silent for so long whether it is empty: that costs some reads of memory
/// here. So a lone event that an alert waits for is told within two of these, though nothing comes after it.
const EVERY_MS: Millis = SECOND_MS / 10;
/// A run that takes longer is told of before it goes on.
const RUN_MS: Millis = 5 * SECOND_MS;

/// Settles the only partition.
#[derive(Debug)]
pub(crate) struct Settler<S, C> {
    world: DevWorld<S, C>,
    settle: Settle<DevWorld<S, C>>,
    settled: watch::Sender<Settled>,
    teller: Teller,
    is_failing: bool,
}

impl<S: Store, C: Clock + Clone> Settler<S, C> {
    /// Tells `settled` after each run that has decided something, or is further.
    pub(crate) fn new(
        world: DevWorld<S, C>,
        told_by: ToldBy,
        settled: watch::Sender<Settled>,
        teller: Teller,
    ) -> Self {
        let asking = Asking { every_ms: EVERY_MS, silent_after_ms: EVERY_MS };
        let settle = Settle::new(world.clone(), "dev", 1).told_by(told_by).asking(asking);
        Self { world, settle, settled, teller, is_failing: false }
    }

    /// Settles until it is to end, and all that is in the log then.
    pub(crate) fn run(&mut self) -> Result<(), Fatal> {
        loop {
            let goes_on = self.world.alarms.settle.wait(|| self.world.clock.now(), EVERY_MS);
            self.settle()?;
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Settles what there is.
    pub(crate) fn settle(&mut self) -> Result<(), Fatal> {
        loop {
            self.world.settle_begins();
            let deadline = self.world.clock.now().plus(RUN_MS);
            match block_on(self.settle.run(Partition::default(), deadline)) {
                Ok(settled) => {
                    if settled.entries > 0 {
                        self.lets_go();
                    }
                    self.tell(settled);
                    let is_cut = settled.entries > 0 && self.world.clock.now() >= deadline;
                    if !is_cut {
                        self.world.settle_succeeds();
                        return Ok(());
                    }
                }
                Err(error) if is_retryable(&error) => {
                    if !std::mem::replace(&mut self.is_failing, true) {
                        self.teller.tell(Happening::Trouble(chain(&error)));
                    }
                    return Ok(());
                }
                Err(error) => return Err(Fatal::Settle(error)),
            }
        }
    }

    /// What is settled and covered by a snapshot is not read again.
    fn lets_go(&self) {
        for reads_after in self.settle.reads_after(Partition::default()) {
            self.world.needs.reads(&*self.world.store, Reader::Settle, reads_after);
        }
    }

    fn tell(&mut self, settled: Settled) {
        if std::mem::take(&mut self.is_failing) {
            self.teller.tell(Happening::Over);
        }
        if settled.notifications > 0 {
            self.world.alarms.deliver.ring();
        }
        self.settled.send_if_modified(|last| {
            let is_news = (last.version, last.watermark) != (settled.version, settled.watermark);
            *last = settled;
            is_news
        });
    }
}

/// Whether settling again can help.
fn is_retryable(error: &SettleError) -> bool {
    let may_pass = match error {
        SettleError::Retryable(_) | SettleError::Missing { .. } => true,
        SettleError::Control(error) => ControlError::is_retryable(error),
        SettleError::Expired { .. } | SettleError::Entry { .. } | SettleError::TooLarge(_) => false,
    };
    may_pass && !is_damage(error)
}
