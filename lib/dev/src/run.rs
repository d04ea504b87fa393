//! All of it: opened, started, and stopped so that nothing which was acknowledged is left undone.
//!
//! Three threads do what blocks: one commits, one settles, one delivers; and one for each source. They stop in the order in which data go:
//! sources, commits, settle, deliver, each when the one before has nothing more for it.

mod fatal;
mod recovered;
mod reload;
mod sources;
mod threads;

use crate::channels::Ways;
use crate::happening::Teller;
use crate::intake::Intake;
use crate::intake::commit::{Committer, Totals};
use crate::intake::mark::Mark;
use crate::needs::Needs;
use crate::outbox::Outbox;
use crate::polled::known::Known;
use crate::settling::Settler;
use crate::stream::{DevStream, Embedded};
use crate::telling::Messenger;
use crate::world::{Alarms, DevWorld, Store};
pub use fatal::{Fatal, is_damage};
pub use reload::Rejected;
#[cfg(test)]
pub(crate) use reload::Reload;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::control::{Control, Plans, announce};
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::channels::Channels;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::Version;
use streamgauge_pipeline::port::rules::RulesText;
use streamgauge_pipeline::settle::{Settled, ToldBy};
pub(crate) use threads::Supervisor;
use threads::Threads;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// What was found in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How many offers its log has.
    pub offers: u64,
    /// How far a followed file was read.
    pub mark: Option<Mark>,
    /// The last entry of the settle log.
    pub settled: Version,
    /// The event time up to which everything was decided.
    pub watermark: Option<Timestamp>,
}

/// A store that was opened, with its rules announced.
#[derive(Debug)]
pub struct Opened<S, C> {
    pub(crate) world: DevWorld<S, C>,
    pub(crate) committer: Committer<DevWorld<S, C>>,
    pub(crate) intake: Intake,
    totals: Totals,
    teller: Teller,
    pub(crate) told_by: ToldBy,
    recovered: Recovered,
}

/// Whose clock it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The machine's: an event has arrived when it was taken in, and silence lets windows end.
    #[default]
    Clock,
    /// The events' own, for those of the past.
    Events,
}

impl<S: Store + 'static, C: Clock + Clone + 'static> Opened<S, C> {
    /// Announces rules in a store, and reads how far it is.
    pub fn open(parts: (S, C), rules: &RulesText, by: By, teller: Teller) -> Result<Self, Fatal> {
        Self::open_with(parts, rules, by, (teller, &[]))
    }

    /// The same beside streams that are to be polled.
    pub fn open_with(
        (store, clock): (S, C),
        rules: &RulesText,
        by: By,
        (teller, polled): (Teller, &[Arc<Known>]),
    ) -> Result<Self, Fatal> {
        let (intake, totals) = (Intake::default(), Totals::default());
        let embedded = Embedded::new(clock.clone(), intake.clone(), by == By::Events);
        let embedded = Arc::new(embedded);
        let mut world = DevWorld {
            store: Arc::new(store),
            streams: Arc::new([DevStream::Embedded(Arc::clone(&embedded))]),
            embedded,
            alarms: Alarms::default(),
            needs: Needs::default(),
            clock,
        };
        let mut control = Control::default();
        block_on(announce(&world, &mut control, 1, rules)).map_err(Fatal::Control)?;
        let created_at = made_at(&*world.store)?.unwrap_or(Timestamp::EPOCH);
        world.stream().created_at(created_at);
        world.streams = recovered::streams(&world, polled, &teller)?;
        let (settled, watermark) = block_on(recovered::settled(&*world.store))?;
        let parts = (intake.clone(), totals.clone());
        let committer = Committer::restore(world.clone(), parts, teller.clone())?;
        let position = committer.position();
        let (offers, mark) = (position.offers, position.mark);
        let recovered = Recovered { offers, mark, settled, watermark };
        let told_by = match by {
            By::Clock => ToldBy::Clock,
            By::Events => ToldBy::Events,
        };
        Ok(Self { world, committer, intake, totals, teller, told_by, recovered })
    }

    /// What was found.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// Starts all but the sources; [`Running::has_all_sources`] says when those are there. Notifications go these ways.
    pub fn start<N: Channels + 'static>(
        self,
        ways: Ways<N>,
        runtime: Handle,
    ) -> Result<Running<S, C>, Fatal> {
        let Self { world, mut committer, intake, totals, teller, told_by, recovered } = self;
        let first = Settled {
            version: recovered.settled,
            watermark: recovered.watermark,
            ..Settled::default()
        };
        let (tells_settled, settled) = watch::channel(first);
        let mut settler = Settler::new(world.clone(), told_by, tells_settled, teller.clone());
        let outbox = ways.outbox.clone();
        let mut messenger = Messenger::new(world.clone(), ways, teller.clone());
        let mut threads = Threads::new(intake.clone());
        let shard = world.clone();
        let appended = move |reads_from: Option<_>| shard.appended(reads_from.as_ref());
        threads.start("commit", move || committer.run(appended))?;
        threads.start("settle", move || settler.run())?;
        world.alarms.deliver.ring();
        let tells = runtime.clone();
        threads.start("deliver", move || messenger.run(&tells))?;
        let rejected = watch::Sender::default();
        Ok(Running {
            world,
            intake,
            totals,
            teller,
            outbox,
            settled,
            rejected,
            threads,
            recovered,
            runtime,
        })
    }
}

/// What runs.
#[derive(Debug)]
pub struct Running<S, C> {
    world: DevWorld<S, C>,
    intake: Intake,
    totals: Totals,
    teller: Teller,
    outbox: Outbox,
    settled: watch::Receiver<Settled>,
    rejected: watch::Sender<Option<Rejected>>,
    threads: Threads,
    recovered: Recovered,
    runtime: Handle,
}

impl<S: Store + 'static, C: Clock + Clone + 'static> Running<S, C> {
    /// Where records are offered, with [`Running::arrival`].
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// When a record has arrived that is offered now; absent where the clock is that of the events.
    pub fn arrival(&self) -> Option<Timestamp> {
        self.world.stream().arrival()
    }

    /// What settle has done last: its `version` is the last entry of the settle log, for whoever follows that.
    pub fn settled(&self) -> watch::Receiver<Settled> {
        self.settled.clone()
    }

    /// Rules files that cannot be used as they are now.
    pub fn rejected(&self) -> watch::Receiver<Option<Rejected>> {
        self.rejected.subscribe()
    }

    /// What has come of all records since the start.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// How telling people goes.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// What was found in the store when it was opened.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// The logs.
    pub fn store(&self) -> &Arc<S> {
        &self.world.store
    }

    pub(crate) fn world(&self) -> &DevWorld<S, C> {
        &self.world
    }

    /// Who notices that a thread has ended: then all of it does.
    pub(crate) fn supervisor(&self) -> &Supervisor {
        self.threads.supervisor()
    }

    pub(crate) fn teller(&self) -> &Teller {
        &self.teller
    }

    /// The plans that are or were in force lately and the one that is announced, the newest first.
    pub fn plans(&self) -> Result<Vec<Arc<Plan>>, Fatal> {
        plans(&self.world, &mut Control::default(), &mut Plans::default())
    }

    /// The same again and again, for a thread of its own.
    pub(crate) fn reads_plans(
        &self,
    ) -> impl FnMut() -> Result<Vec<Arc<Plan>>, Fatal> + Send + use<S, C> {
        let world = self.world.clone();
        let (mut control, mut known) = (Control::default(), Plans::default());
        move || plans(&world, &mut control, &mut known)
    }

    /// Waits until it cannot go on; [`Running::stop`] says why.
    pub async fn failed(&self) {
        self.threads.failed().await;
    }

    /// Stops: nothing more is taken, what was is committed, settled as far as the watermark goes, and told. Blocks until then.
    pub fn stop(self) -> Result<(), Fatal> {
        self.intake.close();
        self.threads.stop(&self.world.alarms)
    }
}

/// When a store was made: when the first rules were announced; absent: it is new.
pub fn made_at(store: &impl Store) -> Result<Option<Timestamp>, Fatal> {
    block_on(recovered::created_at(store))
}

/// The plans that a control log has lately, the newest first.
fn plans<S: Store, C: Clock + Clone>(
    world: &DevWorld<S, C>,
    control: &mut Control,
    known: &mut Plans,
) -> Result<Vec<Arc<Plan>>, Fatal> {
    block_on(control.follow(&*world.store)).map_err(Fatal::Control)?;
    let announced = control.announced().map(|announced| announced.plan.clone());
    let in_force = control.in_force().iter().rev().map(|in_force| in_force.plan.clone());
    let mut found: Vec<Arc<Plan>> = Vec::new();
    for hash in announced.into_iter().chain(in_force) {
        if found.iter().all(|plan| plan.hash != hash) {
            let plan = block_on(known.get(world, control, &hash));
            found.push(plan.map_err(Fatal::Control)?);
        }
    }
    Ok(found)
}
