//! What the settle logs tell of alerts: followed while a run goes on, since entries expire when nothing comes for many days.

use super::world::Shared;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::notification::Notification;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::transition::Transition;
use streamgauge_pipeline::alert_record::{AlertRecord, RecordedAlert};
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::notifications;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::{Log, LogId, Version, Wanted};
use streamgauge_pipeline::settle_entry::{ALERTS, NOTIFICATIONS};

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Up to where each partition's log was read.
    read: BTreeMap<u8, Version>,
    /// Each partition's in the order of its log.
    pub(super) transitions: Vec<ToldTransition>,
    /// Likewise.
    pub(super) notifications: Vec<ToldNotification>,
}

/// A transition, and who is told of it.
#[derive(Clone, Debug)]
pub(super) struct ToldTransition {
    pub(super) partition: u8,
    pub(super) alert: Arc<RecordedAlert>,
    pub(super) transition: Transition,
    pub(super) verdict: Verdict,
}

/// A finished notification.
#[derive(Clone, Debug)]
pub(super) struct ToldNotification {
    pub(super) partition: u8,
    pub(super) notification: Notification,
}

impl Told {
    /// Reads on in the logs of so many partitions.
    pub(super) fn follow(&mut self, shared: &Shared, partitions: u8) {
        for number in 0..partitions {
            let log = LogId::settle(Partition::new(number).unwrap());
            loop {
                let after = self.read.get(&number).copied().unwrap_or(Version::START);
                let read = block_on(shared.log.inner.read(&log, after, Wanted::All)).unwrap();
                if read.is_empty() {
                    break;
                }
                for logged in read {
                    self.read.insert(number, logged.version);
                    let chunks = logged.entry.chunks();
                    if let Some(chunk) = chunks.get(&ALERTS) {
                        self.record(number, AlertRecord::decode(chunk).unwrap());
                    }
                    if let Some(chunk) = chunks.get(&NOTIFICATIONS) {
                        let told = notifications::decode(chunk).unwrap().into_iter();
                        let told = told.map(|notification| ToldNotification {
                            partition: number,
                            notification,
                        });
                        self.notifications.extend(told);
                    }
                }
            }
        }
    }

    fn record(&mut self, partition: u8, record: AlertRecord) {
        let alerts: Vec<_> = record.alerts.into_iter().map(Arc::new).collect();
        let told = record.transitions.into_iter().map(|(transition, verdict)| ToldTransition {
            partition,
            alert: Arc::clone(&alerts[transition.alert]),
            transition,
            verdict,
        });
        self.transitions.extend(told);
    }
}
