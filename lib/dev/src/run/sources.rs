//! The sources of a run, each on a thread of its own, and the rules files, which are looked at on another.

use super::reload::Reload;
use super::{Fatal, Running};
use crate::follow::{Follower, LOOK_EVERY};
use crate::happening::Happening;
use crate::intake::Refused;
use crate::piped::{self, Brings};
use crate::polled::Found;
use crate::polled::reader::Shared;
use crate::polled::readers::Readers;
use crate::rules_file::RulesFiles;
use crate::source::Bringer;
use crate::world::Store;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::Polled;

/// How often rules files are looked at.
const RULES_EVERY: Duration = Duration::from_millis(500);

impl<S: Store + 'static, C: Clock + Clone + 'static> Running<S, C> {
    /// Follows a file, from where the store has it.
    pub fn follow(&mut self, path: PathBuf) -> Result<(), Fatal> {
        let name = path.display().to_string();
        let mut follower = Follower::new(path.clone(), self.recovered.mark, self.teller.clone());
        let seen = follower.seen();
        self.world.stream().add_source(move || seen.has_more(&path));
        let mut bringer = Bringer::new(self.intake.clone(), self.teller.clone(), &name);
        let arrival = self.arrivals();
        self.threads.start_source(true, move || {
            // What ends it is the end of the intake.
            drop(follow(&mut follower, &mut bringer, arrival));
            Ok(())
        })
    }

    /// Reads standard input, or what stands for it, to its end.
    pub fn pipe(&mut self, pipe: impl Read + Send + 'static) -> Result<(), Fatal> {
        let brings = Brings::default();
        let asked = brings.clone();
        self.world.stream().add_source(move || asked.has_more());
        let mut bringer = Bringer::new(self.intake.clone(), self.teller.clone(), "standard input");
        let arrival = self.arrivals();
        self.threads.start_source(false, move || {
            piped::read(pipe, &mut bringer, &brings, arrival);
            Ok(())
        })
    }

    /// Reads the shards of a stream, each from where the store has it.
    pub fn poll<P: Polled + 'static>(&mut self, found: Found<P>) -> Result<(), Fatal> {
        let Found { polled, known } = found;
        let (world, totals, teller) =
            (self.world.clone(), self.totals.clone(), self.teller.clone());
        let shared = Shared { polled, known, world, totals, teller };
        let (intake, runtime) = (self.intake.clone(), self.runtime.clone());
        let readers = Readers { shared, intake, runtime };
        self.threads.start_source(true, move || readers.run())
    }

    /// Looks at the rules files, and announces what is changed in them.
    pub fn watch(&mut self, mut rules: RulesFiles) -> Result<(), Fatal> {
        let (world, intake, teller) =
            (self.world.clone(), self.intake.clone(), self.teller.clone());
        let rejected = self.rejected.clone();
        self.threads.start_source(true, move || {
            let mut reload = Reload::telling(rejected);
            while !intake.is_closed_within(RULES_EVERY) {
                if reload.take(rules.look(), (&world, &teller))? {
                    world.alarms.settle.ring();
                }
            }
            Ok(())
        })
    }

    /// All sources were added. Before this is said silence proves nothing and lets no window end, since a source that comes may have a backlog.
    pub fn has_all_sources(&self) {
        self.world.stream().has_all_sources();
    }

    /// When a record has arrived that is offered at the moment of the call.
    pub(crate) fn arrivals(&self) -> impl Fn() -> Option<Timestamp> + Send + Sync + use<S, C> {
        let stream = Arc::clone(&self.world.embedded);
        move || stream.arrival()
    }
}

/// Brings what is appended to a file until nothing more is taken.
fn follow(
    follower: &mut Follower,
    bringer: &mut Bringer,
    arrival: impl Fn() -> Option<Timestamp>,
) -> Result<(), Refused> {
    let mut is_failing = false;
    loop {
        match follower.next() {
            Ok(Some((cut, followed))) => {
                bringer.bring(cut, Some(followed), &arrival)?;
                continue;
            }
            Ok(None) => {
                bringer.wait()?;
                if std::mem::take(&mut is_failing) {
                    bringer.teller.tell(Happening::Over);
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    let what = format!("could not read `{}`: {error}", bringer.name);
                    bringer.teller.tell(Happening::Trouble(what));
                }
            }
        }
        if bringer.intake.is_closed_within(LOOK_EVERY) {
            return Ok(());
        }
    }
}
