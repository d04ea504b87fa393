//! What the thread of deliver does: it sends what settle has decided to tell, and looks when it was asked to.

use crate::channels::Ways;
use crate::happening::{Happening, Teller, chain};
use crate::outbox::Outbox;
use crate::run::{Fatal, is_damage};
use crate::world::{DevWorld, Store};
use streamgauge_engine::time::{MINUTE_MS, Millis, SECOND_MS, Timestamp};
use streamgauge_pipeline::deliver::{Deliver, DeliverError, DeliverSettings};
use streamgauge_pipeline::port::channels::Channels;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::points::{Packed, Points, Queued, Receipt};
use streamgauge_pipeline::port::sink::Delivery;
use streamgauge_pipeline::port::{Partition, Retryable};
use tokio::runtime::Handle;

/// It looks at least so often.
const EVERY_MS: Millis = MINUTE_MS;
/// How long a run has at most, beside the longest call.
const RUN_MS: Millis = 30 * SECOND_MS;

/// Points go nowhere: whoever wants them reads the settle log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoPoints;

impl Points for NoPoints {
    type Call = ();

    fn pack(&self, points: &[Queued<'_>], _receipt: &Receipt, _now: Timestamp) -> Packed<()> {
        Packed { call: None, points: points.len(), refused: Vec::new() }
    }

    async fn put(&self, _call: &()) -> Delivery {
        Delivery::Delivered
    }

    async fn was_taken(&self, _receipt: &Receipt) -> Result<bool, Retryable> {
        Ok(true)
    }
}

/// Delivers for the only partition.
#[derive(Debug)]
pub(crate) struct Messenger<S, C, N> {
    world: DevWorld<S, C>,
    deliver: Deliver<DevWorld<S, C>, NoPoints, N>,
    /// What tells the runs of this process from those of others.
    name: String,
    runs: u64,
    run_ms: Millis,
    teller: Teller,
    outbox: Outbox,
    is_failing: bool,
}

impl<S: Store, C: Clock + Clone, N: Channels> Messenger<S, C, N> {
    /// Sends by these ways.
    pub(crate) fn new(world: DevWorld<S, C>, ways: Ways<N>, teller: Teller) -> Self {
        let Ways { channels, call_time_max, outbox } = ways;
        let channel_call_ms = Millis::try_from(call_time_max.as_millis()).unwrap_or(RUN_MS);
        let settings = DeliverSettings { channel_call_ms, ..DeliverSettings::default() };
        let name = format!("{}-{}", std::process::id(), world.clock.now().as_millis());
        let deliver = Deliver::new(world.clone(), NoPoints, channels, settings);
        let run_ms = RUN_MS + channel_call_ms;
        Self { world, deliver, name, runs: 0, run_ms, teller, outbox, is_failing: false }
    }

    /// Delivers until it is to end, and all that can be delivered then.
    pub(crate) fn run(&mut self, runtime: &Handle) -> Result<(), Fatal> {
        loop {
            let goes_on = self.world.alarms.deliver.wait(|| self.world.clock.now(), EVERY_MS);
            runtime.block_on(self.deliver())?;
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Delivers what there is.
    async fn deliver(&mut self) -> Result<(), Fatal> {
        self.runs += 1;
        let name = format!("{}-{}", self.name, self.runs);
        let deadline = self.world.clock.now().plus(self.run_ms);
        match self.deliver.run(Partition::default(), &name, deadline).await {
            Ok(delivered) => {
                for telling in self.outbox.take(&delivered.lanes) {
                    self.teller.tell(Happening::Telling(telling));
                }
                if std::mem::take(&mut self.is_failing) {
                    self.teller.tell(Happening::Over);
                }
            }
            Err(error) if is_retryable(&error) => {
                self.fails(chain(&error));
                self.world.alarms.deliver.ring_at(self.world.clock.now().plus(SECOND_MS));
            }
            Err(error) => return Err(Fatal::Deliver(error)),
        }
        Ok(())
    }

    fn fails(&mut self, what: String) {
        if !std::mem::replace(&mut self.is_failing, true) {
            self.teller.tell(Happening::Trouble(what));
        }
    }
}

fn is_retryable(error: &DeliverError) -> bool {
    let may_pass = match error {
        DeliverError::Retryable(_) => true,
        DeliverError::Control(error) => error.is_retryable(),
        _ => false,
    };
    may_pass && !is_damage(error)
}
