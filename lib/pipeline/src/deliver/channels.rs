//! The lanes of channels: each sends what it is for, in order, and holds nobody up but itself.
//!
//! 1. [`mailbox`]: the settle log is read once for all lanes; [`texts`] say which those are.
//! 2. [`index`]: from where on it is read, though a lane that is idle writes nothing.
//! 3. [`lane`]: what a lane does next, by its register and the time alone; [`run`] does it, all lanes at the same time.

pub(super) mod index;
pub(super) mod lane;
mod mailbox;
mod run;
mod texts;

use super::register::Register;
use super::run::Invocation;
use super::{DeliverError, DeliverSettings, LaneDelivered};
use crate::port::channels::Channels;
use crate::port::clock::Clock;
use crate::port::log::{Logged, Version};
use crate::together::together;
use crate::world::World;
use lane::{ChannelLane, Step};
use mailbox::Mailbox;
use run::{LaneDone, LaneRun, Shared};
use std::collections::BTreeMap;
use streamgauge_engine::time::Timestamp;
use texts::Texts;

pub use index::{LaneName, LanesIndex};

/// How many lanes an index names at most.
const OPEN_MAX: usize = 32;

/// What an environment remembers of the lanes of a partition.
#[derive(Debug)]
pub(super) struct Lanes {
    mailbox: Mailbox,
    texts: Texts,
    /// The registers that were seen of lanes for which something waits.
    registers: BTreeMap<LaneName, Register<ChannelLane>>,
    /// The furthest that is known.
    index: LanesIndex,
}

/// What all lanes have done together.
#[derive(Debug, Default)]
pub(super) struct AllDelivered {
    pub(super) lanes: Vec<LaneDelivered>,
    pub(super) has_written: bool,
    /// When something is to be done again for the lanes that were written.
    pub(super) opens_at: Vec<Timestamp>,
    /// A lane stopped only for the deadline.
    pub(super) is_cut: bool,
    /// The first error: other lanes have gone on.
    pub(super) error: Option<DeliverError>,
}

/// The lanes of a partition in one invocation.
pub(super) struct Running<'a, W, C> {
    world: &'a W,
    channels: &'a C,
    settings: &'a DeliverSettings,
    invocation: Invocation<'a>,
    lanes: Lanes,
    is_read: bool,
    all: AllDelivered,
}

impl<'a, W: World, C: Channels> Running<'a, W, C> {
    /// Goes on with what this environment remembers; without that, with what the index names.
    pub(super) fn new(
        (world, channels, settings): (&'a W, &'a C, &'a DeliverSettings),
        invocation: Invocation<'a>,
        lanes: Option<Lanes>,
        index: &LanesIndex,
    ) -> Self {
        let lanes = lanes.unwrap_or_else(|| {
            let mut mailbox = Mailbox::new(invocation.partition, index.read_to);
            // Their registers say what waits.
            mailbox.lanes.extend(index.open.iter().map(|name| (name.clone(), BTreeMap::new())));
            let index = index.clone();
            Lanes { mailbox, texts: Texts::default(), registers: BTreeMap::new(), index }
        });
        let all = AllDelivered::default();
        Self { world, channels, settings, invocation, lanes, is_read: false, all }
    }

    /// The last entry that was read, unless no more is to be.
    pub(super) fn reads_after(&self) -> Option<Version> {
        (!self.is_read).then_some(self.lanes.mailbox.read_to)
    }

    /// Takes in the entries that follow; none: there are no more.
    pub(super) async fn take(&mut self, page: &[Logged]) {
        let Lanes { mailbox, texts, .. } = &mut self.lanes;
        let taken = mailbox.take(page, self.world, self.channels, texts).await;
        self.end_reading(taken.map(|()| !page.is_empty()));
    }

    /// Reads to the end of the log, and the registers of lanes for which something waits.
    pub(super) async fn read(&mut self) {
        while !self.is_read {
            let Lanes { mailbox, texts, .. } = &mut self.lanes;
            let read = mailbox.read(self.world, self.channels, texts).await;
            self.end_reading(read);
        }
        let Lanes { mailbox, registers, .. } = &self.lanes;
        let Invocation { partition, name: invocation, .. } = self.invocation;
        let now = self.world.clock().now();
        // Where somebody else was at work, they may be done. Who writes on what is out of date is told so by the write.
        let is_to_load = |name: &&LaneName| {
            registers.get(*name).is_none_or(|register| {
                !matches!(register.lane().step(now, invocation), Step::Wait(_) | Step::Send)
            })
        };
        let loads = mailbox.lanes.keys().filter(is_to_load).map(|name| async {
            let log = name.register(partition);
            (name.clone(), Register::load(self.world.snapshots(), log).await)
        });
        for (name, loaded) in together(loads).await {
            match loaded {
                Ok(register) => drop(self.lanes.registers.insert(name, register)),
                Err(error) => self.fails(error),
            }
        }
        self.look_through();
    }

    /// What could not be read is read by the next invocation; lanes go on with what is there.
    fn end_reading(&mut self, read: Result<bool, DeliverError>) {
        match read {
            Ok(is_more) => self.is_read |= !is_more,
            Err(error) => {
                self.is_read = true;
                self.fails(error);
            }
        }
    }

    /// Of several errors the first is told.
    fn fails(&mut self, error: DeliverError) {
        self.all.error.get_or_insert(error);
    }

    /// Takes out what is done, takes in what registers know besides, and sees how far all lanes are.
    fn look_through(&mut self) {
        let Lanes { mailbox, registers, index, .. } = &mut self.lanes;
        for (name, waiting) in &mut mailbox.lanes {
            let Some(register) = registers.get(name) else { continue };
            run::pass(register.lane(), waiting);
        }
        // A lane whose register could not be read may have something that only the register knows.
        mailbox.lanes.retain(|name, waiting| !waiting.is_empty() || !registers.contains_key(name));
        let known = |name: &LaneName| {
            registers.get(name).map_or(Version::START, |register| register.lane().known.read_to)
        };
        let open: Vec<LaneName> = mailbox.lanes.keys().cloned().collect();
        let read_to = open.iter().map(known).min().unwrap_or(Version(u64::MAX));
        let read_to = read_to.min(mailbox.read_to).max(index.read_to);
        // The register of points is written often. While more lanes than that wait, who starts cold reads from where it was.
        if open.len() <= OPEN_MAX {
            *index = LanesIndex { read_to, open };
        }
    }

    /// Up to where all lanes are done, by their registers.
    pub(super) fn index(&self) -> LanesIndex {
        self.lanes.index.clone()
    }

    /// Lets all lanes go, at the same time.
    pub(super) async fn go(mut self) -> (Lanes, AllDelivered) {
        match self.let_go().await {
            Ok(done) => self.take_up(done),
            Err(error) => self.fails(error),
        }
        self.look_through();
        self.lanes.mailbox.drop_held();
        (self.lanes, self.all)
    }

    async fn let_go(
        &mut self,
    ) -> Result<Vec<(LaneName, Result<LaneDone, DeliverError>)>, DeliverError> {
        let Self { world, channels, settings, invocation, lanes, .. } = self;
        let Lanes { mailbox, texts, registers, .. } = lanes;
        if mailbox.lanes.is_empty() {
            return Ok(Vec::new());
        }
        let now = world.clock().now();
        let steps = mailbox.lanes.keys().filter_map(|name| registers.get(name));
        let is_to_send = steps
            .map(|register| register.lane().step(now, invocation.name))
            .any(|step| matches!(step, Step::Unanswered | Step::Bury | Step::Send));
        let in_force = if is_to_send { texts.in_force(*world).await? } else { None };
        let shared = Shared {
            world: *world,
            channels: *channels,
            settings,
            invocation: *invocation,
            read_to: mailbox.read_to,
            in_force,
            texts,
        };
        let runs = mailbox.lanes.iter().filter_map(|(name, waiting)| {
            let register = registers.get(name)?.clone();
            let run = LaneRun::new(&shared, name.clone(), register, waiting.clone());
            Some(async { (name.clone(), run.go().await) })
        });
        Ok(together(runs).await)
    }

    /// After an error nothing is known of a lane's register, and all may wait that did.
    fn take_up(&mut self, done: Vec<(LaneName, Result<LaneDone, DeliverError>)>) {
        let Lanes { mailbox, registers, .. } = &mut self.lanes;
        for (name, outcome) in done {
            match outcome {
                Ok(LaneDone { register, waiting, delivered, has_written, is_cut }) => {
                    self.all.has_written |= has_written;
                    self.all.is_cut |= is_cut;
                    let opens_at = register.lane().opens_at();
                    self.all
                        .opens_at
                        .extend(opens_at.filter(|_| has_written && !waiting.is_empty()));
                    self.all.lanes.push(delivered);
                    registers.insert(name.clone(), register);
                    mailbox.lanes.insert(name, waiting);
                }
                Err(error) => {
                    registers.remove(&name);
                    self.all.error.get_or_insert(error);
                }
            }
        }
    }
}
