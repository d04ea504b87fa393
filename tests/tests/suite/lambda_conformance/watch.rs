//! What the bench sees: what happened and when, on the simulator's clock, and when functions were asked.

use jiff::Timestamp;
use std::fmt;
use std::sync::{Arc, Mutex};
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::happening::{Ending, Happening, Observer, ShardStanding};
use streamgauge_lambda::interfere::{Interfere, Interference, Place, Point};
use streamgauge_lambda::invoke::Cause;
use tokio::sync::Notify;

/// What happened and when, on the simulator's clock; and what was asked.
pub(super) struct Watch {
    clock: Clock,
    all: Mutex<Vec<(Timestamp, Happening)>>,
    asked: Mutex<Vec<Timestamp>>,
    new: Notify,
    plan: Arc<dyn Interfere>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Watch")
    }
}

impl Observer for Watch {
    fn see(&self, happening: Happening) {
        self.all.lock().unwrap().push((self.clock.now(), happening));
        self.new.notify_waiters();
    }
}

impl Interfere for Watch {
    fn at(&self, place: &Place<'_>) -> Interference {
        if place.point == Point::Asked {
            self.asked.lock().unwrap().push(self.clock.now());
        }
        self.plan.at(place)
    }
}

impl Watch {
    pub(super) fn new(clock: Clock, plan: Arc<dyn Interfere>) -> Arc<Self> {
        let (all, asked, new) = Default::default();
        Arc::new(Self { clock, all, asked, new, plan })
    }

    pub(super) fn pick<T>(&self, pick: impl Fn(Timestamp, &Happening) -> Option<T>) -> Vec<T> {
        let all = self.all.lock().unwrap();
        all.iter().filter_map(|(moment, happening)| pick(*moment, happening)).collect()
    }

    /// Waits until so many of what happened can be picked, and gives them.
    pub(super) async fn wait<T>(
        &self,
        count: usize,
        mut pick: impl FnMut(&Happening) -> Option<T>,
    ) -> Vec<T> {
        let (mut picked, mut seen) = (Vec::new(), 0);
        loop {
            let mut new = std::pin::pin!(self.new.notified());
            new.as_mut().enable();
            {
                let all = self.all.lock().unwrap();
                picked.extend(all[seen..].iter().filter_map(|(_, happening)| pick(happening)));
                seen = all.len();
            }
            if picked.len() >= count {
                return picked;
            }
            new.await;
        }
    }

    /// Waits for a shard to stand somehow.
    pub(super) async fn standing(&self, is_it: impl Fn(&ShardStanding) -> bool) {
        self.wait(1, |happening| match happening {
            Happening::Shard(standing) if is_it(standing) => Some(()),
            _ => None,
        })
        .await;
    }

    /// The moments at which functions were asked.
    pub(super) fn asked(&self) -> Vec<Timestamp> {
        self.asked.lock().unwrap().clone()
    }

    /// How invocations ended, and when that was seen.
    pub(super) fn endings(&self) -> Vec<(Timestamp, Ending)> {
        self.pick(|moment, happening| match happening {
            Happening::Invoked { ending, .. } => Some((moment, ending.clone())),
            _ => None,
        })
    }

    pub(super) fn causes(&self) -> Vec<Cause> {
        self.pick(|_, happening| match happening {
            Happening::Invoked { cause, .. } => Some(cause.clone()),
            _ => None,
        })
    }

    /// What was given up: how many records, and why.
    pub(super) fn discarded(&self) -> Vec<(usize, &'static str)> {
        self.pick(|_, happening| match happening {
            Happening::Discarded { records, condition, .. } => Some((*records, *condition)),
            _ => None,
        })
    }
}
