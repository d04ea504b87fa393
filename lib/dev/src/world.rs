//! All ports in one bundle. Clones are the same world: each thread has one.

use crate::alarm::{Alarm, Pace};
use crate::needs::{Needs, Reader};
use crate::polled::known::Known;
use crate::rules::AnnouncedRules;
use crate::stream::{DevStream, Embedded};
use std::sync::{Arc, Mutex, PoisonError};
use streamgauge_engine::time::Timestamp;
use streamgauge_local::store::LocalStore;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Log, LogId, Version};
use streamgauge_pipeline::port::snapshots::Snapshots;
use streamgauge_pipeline::port::source::ShardKey;
use streamgauge_pipeline::port::wake::{Function, Wake, WakeUp, When};
use streamgauge_pipeline::world::World;

/// A store: logs and snapshots in one.
pub trait Store: Log + Snapshots {
    /// Nobody needs what a log has before a version: it may go before it expires.
    fn let_go(&self, log: &LogId, before: Version);
}

impl<C: Clock> Store for LocalStore<C> {
    fn let_go(&self, log: &LogId, before: Version) {
        Self::let_go(self, log, before);
    }
}

/// The store, the stream, the threads that are woken, and the clock.
#[derive(Debug)]
pub struct DevWorld<S, C> {
    pub(crate) store: Arc<S>,
    /// The one that this process is.
    pub(crate) embedded: Arc<Embedded<C>>,
    /// All of them.
    pub(crate) streams: Arc<[DevStream<C>]>,
    pub(crate) alarms: Alarms,
    pub(crate) needs: Needs,
    pub(crate) clock: C,
}

impl<S, C: Clone> Clone for DevWorld<S, C> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            embedded: Arc::clone(&self.embedded),
            streams: Arc::clone(&self.streams),
            alarms: self.alarms.clone(),
            needs: self.needs.clone(),
            clock: self.clock.clone(),
        }
    }
}

impl<S: Store, C: Clock> DevWorld<S, C> {
    /// Something was appended to the log of a shard, which aggregate reads from here on if it begins anew.
    pub(crate) fn appended(&self, reads_from: Option<&(ShardKey, Version)>) {
        self.alarms.appended(self.clock.now());
        if let Some((shard, from)) = reads_from {
            self.needs.reads(&*self.store, Reader::Aggregate, (shard, *from));
        }
    }
}

impl<S, C> DevWorld<S, C> {
    pub(crate) fn stream(&self) -> &Embedded<C> {
        &self.embedded
    }

    /// A settle begins: what it asks is about what comes after all that stands in the logs now.
    pub(crate) fn settle_begins(&self) {
        self.embedded.settle_begins();
        for known in self.known() {
            known.settle_begins();
        }
    }

    /// It has settled all that stood in the logs when it began.
    pub(crate) fn settle_succeeds(&self) {
        self.embedded.settle_succeeds();
        for known in self.known() {
            known.settle_succeeds();
        }
    }

    /// How many batches must have been settled until all that is here now is, and how many have been.
    pub(crate) fn batches(&self) -> (u64, u64) {
        let polled = self.known().map(Known::batches);
        polled.fold(self.embedded.batches(), |(needed, settled), (more, of_these)| {
            (needed + more, settled + of_these)
        })
    }

    /// What is known of the streams that are polled.
    fn known(&self) -> impl Iterator<Item = &Known> {
        self.streams.iter().filter_map(|stream| match stream {
            DevStream::Polled(view) => Some(view.known()),
            DevStream::Embedded(_) | DevStream::Away(_) => None,
        })
    }
}

/// What the threads sleep by.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    pub(crate) settle: Arc<Alarm>,
    pub(crate) deliver: Arc<Alarm>,
    pace: Arc<Mutex<Pace>>,
}

impl Alarms {
    /// Something was appended at this time, and is settled soon.
    pub(crate) fn appended(&self, now: Timestamp) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        self.settle.ring_at(pace.appended(now));
    }
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
    type Stream = DevStream<C>;
    type Wake = Alarms;
    type Clock = C;
    type Rules = AnnouncedRules;

    fn log(&self) -> &S {
        &self.store
    }

    fn snapshots(&self) -> &S {
        &self.store
    }

    fn streams(&self) -> &[DevStream<C>] {
        &self.streams
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
