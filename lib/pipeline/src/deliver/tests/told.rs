//! Rules and notifications of the bench, and what became of them.
//!
//! A text of rules has a line for each channel: its name, `repeats` or `once`, and its receivers. A notification is written as its
//! channel, a slash, its key, and `+` or `-` for what it does to the incident: `oncall/a+`.

use super::bench::{Bench, partition};
use crate::control::{Control, ControlEntry};
use crate::deliver::channels::lane::ChannelLane;
use crate::deliver::register::Registered;
use crate::deliver::{LaneName, Undelivered};
use crate::memory::{MemoryChannel, block_on};
use crate::port::clock::Clock;
use crate::port::log::{LogId, Version};
use crate::port::rules::RulesText;
use crate::port::snapshots::Snapshots;
use crate::publication::Publication;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notification::{Action, Notification, Subject};
use streamgauge_engine::time::Timestamp;

/// A channel that knows repeats, one that does not, and one with two receivers.
pub(super) const RULES: &str = "oncall repeats\nmail once\nphone once 1 2";

/// A channel in a text of rules.
pub(super) fn defined(rules: &RulesText, channel: &str) -> Option<MemoryChannel> {
    let lines = rules.files.iter().flat_map(|(_, text)| text.lines());
    let mut words = lines
        .map(str::split_whitespace)
        .find(|words| words.clone().next() == Some(channel))?
        .skip(1);
    let knows_repeats = words.next() == Some("repeats");
    let mut receivers: Vec<String> = words.map(str::to_owned).collect();
    if receivers.is_empty() {
        receivers.push(String::new());
    }
    Some(MemoryChannel { receivers, knows_repeats })
}

/// A notification as it is written above, decided by this plan.
fn notification(written: &str, id: &str, plan: &str) -> Notification {
    let (channel, rest) = written.split_once('/').unwrap();
    let (key, action) = rest.split_at(rest.len() - 1);
    Notification {
        channel: channel.to_owned(),
        key: key.to_owned(),
        id: id.to_owned(),
        action: if action == "+" { Action::Trigger } else { Action::Resolve },
        severity: Severity::Critical,
        at: Timestamp::EPOCH,
        summary: written.to_owned(),
        description: None,
        runbook: None,
        subject: Subject::Pipeline { alert: "behind".to_owned() },
        labels: Vec::new(),
        plan: plan.to_owned(),
    }
}

impl Bench {
    /// Puts a plan in force.
    pub(super) fn deploy(&self, plan: &str, rules: &str) {
        let text = Some(RulesText { files: vec![("channels".to_owned(), rules.to_owned())] });
        let (plan, at) = (plan.to_owned(), self.clock.now());
        let announced = ControlEntry::Announced { plan: plan.clone(), text, at };
        for entry in [announced, ControlEntry::InForce { plan, from: at }] {
            let mut control = Control::default();
            block_on(control.follow(&self.log)).unwrap();
            // Where a fault is armed an answer is lost, or the write is made again.
            let append = || block_on(control.clone().append(&self.log, &entry));
            assert!((0..100).any(|_| append().is_ok()));
        }
    }

    /// A bench with [`RULES`] in force.
    pub(super) fn with_rules(call_points_max: usize) -> Self {
        let bench = Self::new(call_points_max);
        bench.deploy("p1", RULES);
        bench
    }

    /// Settles notifications into one entry, decided by the plan `p1`.
    pub(super) fn tell(&self, written: &[&str]) {
        self.tell_by("p1", written);
    }

    /// The same by another plan.
    pub(super) fn tell_by(&self, plan: &str, written: &[&str]) -> Version {
        let told: Vec<_> = written.iter().map(|one| notification(one, one, plan)).collect();
        self.append(&Publication::default(), &told)
    }

    /// What a receiver has taken, in its order.
    pub(super) fn told(&self, channel: &str, receiver: &str) -> Vec<String> {
        let told = self.channels.told().into_iter();
        let of_lane =
            told.filter(|it| it.notification.channel == channel && it.receiver == receiver);
        of_lane.map(|it| it.notification.summary).collect()
    }

    /// The notifications among the dead letters: lane, what it was, and why.
    pub(super) fn dead_told(&self) -> Vec<(String, String, String)> {
        let letters = self.letters().into_iter().filter_map(|letter| match letter.held {
            Undelivered::Notification(told) => Some((letter.lane, told.summary, letter.reason)),
            Undelivered::Point(_) => None,
        });
        letters.collect()
    }

    /// The lane of a receiver as it stands in the store; absent: it was never written.
    pub(super) fn channel_lane(&self, channel: &str, receiver: &str) -> Option<ChannelLane> {
        let (channel, receiver) = (channel.to_owned(), receiver.to_owned());
        let log = LaneName { channel, receiver }.register(partition());
        let snapshot = block_on(self.snapshots.newest(&log)).unwrap()?;
        Some(ChannelLane::decode(snapshot.state()).unwrap())
    }

    /// How often a register was written.
    pub(super) fn writes(&self, lane: &str) -> u64 {
        let log = LogId::lane(lane, partition());
        block_on(self.snapshots.versions(&log)).unwrap().first().map_or(0, |version| version.0)
    }
}
