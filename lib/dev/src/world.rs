//! All ports in one bundle. Clones are the same world: each thread has one.

use crate::alarm::Alarm;
use crate::rules::AnnouncedRules;
use crate::stream::Embedded;
use std::sync::Arc;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::Log;
use streamgauge_pipeline::port::snapshots::Snapshots;
use streamgauge_pipeline::port::wake::{Function, Wake, WakeUp, When};
use streamgauge_pipeline::world::World;

/// A store: logs and snapshots in one.
pub trait Store: Log + Snapshots {}

impl<S: Log + Snapshots> Store for S {}

/// The store, the stream, the threads that are woken, and the clock.
#[derive(Debug)]
pub struct DevWorld<S, C> {
    pub(crate) store: Arc<S>,
    /// The only one.
    pub(crate) streams: Arc<[Embedded<C>; 1]>,
    pub(crate) alarms: Alarms,
    pub(crate) clock: C,
}

impl<S, C: Clone> Clone for DevWorld<S, C> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            streams: Arc::clone(&self.streams),
            alarms: self.alarms.clone(),
            clock: self.clock.clone(),
        }
    }
}

impl<S, C> DevWorld<S, C> {
    pub(crate) fn stream(&self) -> &Embedded<C> {
        let [stream] = &*self.streams;
        stream
    }
}

/// What the threads sleep by.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    pub(crate) settle: Arc<Alarm>,
    pub(crate) deliver: Arc<Alarm>,
}

impl Wake for Alarms {
    async fn wake(&self, wake_up: WakeUp, when: When) -> Result<(), Retryable> {
        let alarm = match wake_up.function {
            Function::Settle => &self.settle,
            Function::Deliver => &self.deliver,
        };
        match when {
            When::Now => alarm.ring(),
            When::At(at) => alarm.ring_at(at),
        }
        Ok(())
    }
}

impl<S: Store, C: Clock> World for DevWorld<S, C> {
    type Log = S;
    type Snapshots = S;
    type Stream = Embedded<C>;
    type Wake = Alarms;
    type Clock = C;
    type Rules = AnnouncedRules;

    fn log(&self) -> &S {
        &self.store
    }

    fn snapshots(&self) -> &S {
        &self.store
    }

    fn streams(&self) -> &[Embedded<C>] {
        &*self.streams
    }

    fn wake(&self) -> &Alarms {
        &self.alarms
    }

    fn clock(&self) -> &C {
        &self.clock
    }

    fn rules(&self) -> &AnnouncedRules {
        &AnnouncedRules
    }
}
