//! What the sources of this process have in common: they bring records one after another, wait while there is no room, and tell of those
//! that are no events.

use crate::cutter::{Cut, widen};
use crate::happening::{Happening, Teller};
use crate::intake::{Accepted, Followed, Intake, Offered, Pending, Refused};
use std::collections::VecDeque;
use std::sync::Arc;
use streamgauge_engine::time::Timestamp;

/// So many offers of a source are on their way at a time: enough for a batch to be read while another is written.
const ON_THEIR_WAY_MAX: usize = 16;

/// Brings what a source has.
#[derive(Debug)]
pub(crate) struct Bringer {
    pub(crate) intake: Intake,
    pub(crate) teller: Teller,
    /// What messages call the source.
    pub(crate) name: Arc<str>,
    /// Offers that are not answered yet, each with where its text begins.
    on_their_way: VecDeque<(u64, Pending)>,
}

impl Bringer {
    pub(crate) fn new(intake: Intake, teller: Teller, name: &str) -> Self {
        Self { intake, teller, name: name.into(), on_their_way: VecDeque::new() }
    }

    /// Offers lines. An error: nothing is taken any more.
    pub(crate) fn bring(
        &mut self,
        cut: Cut,
        followed: Option<Followed>,
        arrival: impl FnOnce() -> Option<Timestamp>,
    ) -> Result<(), Refused> {
        let Cut { text, records, start, .. } = cut;
        let offered = Offered { text, records, followed, is_patient: true };
        let pending = self.intake.submit_patiently(offered, arrival)?;
        self.on_their_way.push_back((start, pending));
        self.wait_for(ON_THEIR_WAY_MAX)
    }

    /// Waits until all is durable.
    pub(crate) fn wait(&mut self) -> Result<(), Refused> {
        self.wait_for(0)
    }

    /// Waits until no more than so many are on their way.
    fn wait_for(&mut self, left: usize) -> Result<(), Refused> {
        while self.on_their_way.len() > left
            && let Some((start, pending)) = self.on_their_way.pop_front()
        {
            self.tell(start, pending.blocking_answered()?);
        }
        Ok(())
    }

    fn tell(&self, start: u64, accepted: Accepted) {
        for reject in accepted.rejected {
            self.teller.tell(Happening::Rejected {
                source: Arc::clone(&self.name),
                offset: start + widen(reject.start),
                code: reject.code.as_str(),
                reason: reject.reason,
            });
        }
    }
}
