//! What somebody wishes who sends signals: the first one that it stops, the second that it ends whatever it is at.

use crate::exit::Failure;
use crate::signals::Interruptions;
use std::future::ready;
use tokio::task::spawn_blocking;

/// How many signals are a wish to end by force.
const FORCE: u8 = 2;

/// The wishes so far.
#[derive(Debug)]
pub(super) struct Wishes {
    interruptions: Interruptions,
    heard: u8,
}

impl Wishes {
    /// Begins to hear. Needs a runtime.
    pub(super) fn new() -> Self {
        Self { interruptions: Interruptions::new(), heard: 0 }
    }

    /// Waits until it is to stop; not at all if that was wished before.
    pub(super) async fn stop(&mut self) {
        self.hear(1).await;
    }

    /// Waits until it is to end by force.
    pub(super) async fn force(&mut self) {
        self.hear(FORCE).await;
    }

    /// Whether it is to stop.
    pub(super) async fn is_to_stop(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.stop() => true,
            () = ready(()) => false,
        }
    }

    async fn hear(&mut self, wanted: u8) {
        while self.heard < wanted {
            self.interruptions.next().await;
            self.heard += 1;
        }
    }

    /// Does what blocks on a thread of its own, so that it can be ended by force.
    pub(super) async fn unless_forced<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = spawn_blocking(work) => {
                done.map_err(|error| Failure::outside("could not start").because(&error))?
            }
            () = self.force() => Err(by_force()),
        }
    }
}

/// What is said of an end by force.
pub(super) fn by_force() -> Failure {
    Failure::outside("it was ended by force; what was not settled is when it starts again")
}
