//! Channels that keep what they are told, and incidents by their keys as `PagerDuty` does.

use super::{MEMORY_CALLS_MAX, lock, step};
use crate::port::channels::{Channels, NotOpen};
use crate::port::rules::RulesText;
use crate::port::sink::{Delivery, Sink};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use streamgauge_engine::notification::{Action, Notification};

/// A channel as a text of rules defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryChannel {
    /// Its receivers.
    pub receivers: Vec<String>,
    /// Whether its other ends know repeats.
    pub knows_repeats: bool,
}

/// A notification that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryTold {
    /// The receiver.
    pub receiver: String,
    /// The notification.
    pub notification: Notification,
}

/// What became of the incidents of one key at one receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryIncident {
    /// How many were opened: a trigger after the resolve opens another.
    pub opened: u32,
    /// Whether the last is open.
    pub is_open: bool,
}

/// Where a channel is defined.
type Define = dyn Fn(&RulesText, &str) -> Option<MemoryChannel> + Send + Sync;
/// A channel and one of its receivers.
type Lane = (String, String);

/// Opens channels that answer by script.
#[derive(Clone)]
pub struct MemoryChannels {
    define: Arc<Define>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    not_open: BTreeMap<Lane, VecDeque<NotOpen>>,
    script: BTreeMap<Lane, VecDeque<(Delivery, bool)>>,
    down: BTreeMap<Lane, Delivery>,
    stalled: BTreeSet<Lane>,
    opened: u64,
    calls: u64,
    told: Vec<MemoryTold>,
    incidents: BTreeMap<(Lane, String), MemoryIncident>,
}

impl fmt::Debug for MemoryChannels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryChannels").field("state", &self.state).finish_non_exhaustive()
    }
}

impl MemoryChannels {
    /// Channels as this function finds them in a text of rules.
    pub fn new(
        define: impl Fn(&RulesText, &str) -> Option<MemoryChannel> + Send + Sync + 'static,
    ) -> Self {
        Self { define: Arc::new(define), state: Arc::default() }
    }

    /// No channels, whatever the rules say.
    pub fn none() -> Self {
        Self::new(|_, _| None)
    }

    /// Scripts the outcome of a coming call to a receiver, after those scripted before, and whether it is taken. Without a script
    /// it is taken.
    pub fn script(&self, channel: &str, receiver: &str, outcome: Delivery, taken: bool) {
        let mut state = lock(&self.state);
        state.script.entry(lane(channel, receiver)).or_default().push_back((outcome, taken));
    }

    /// Scripts that a receiver cannot be opened the next time.
    pub fn script_not_open(&self, channel: &str, receiver: &str, not_open: NotOpen) {
        let mut state = lock(&self.state);
        state.not_open.entry(lane(channel, receiver)).or_default().push_back(not_open);
    }

    /// From now on a receiver takes nothing and answers this; absent: it is well again.
    pub fn set_down(&self, channel: &str, receiver: &str, outcome: Option<Delivery>) {
        let mut state = lock(&self.state);
        match outcome {
            Some(outcome) => state.down.insert(lane(channel, receiver), outcome),
            None => state.down.remove(&lane(channel, receiver)),
        };
    }

    /// From now on a receiver does not answer, or does again: calls go on when it does.
    pub fn set_stalled(&self, channel: &str, receiver: &str, is_stalled: bool) {
        let mut state = lock(&self.state);
        if is_stalled {
            state.stalled.insert(lane(channel, receiver));
        } else {
            state.stalled.remove(&lane(channel, receiver));
        }
    }

    /// What was taken, in the order in which it was, repeats too.
    pub fn told(&self) -> Vec<MemoryTold> {
        lock(&self.state).told.clone()
    }

    /// The incidents of a key at a receiver.
    pub fn incident(&self, channel: &str, receiver: &str, key: &str) -> MemoryIncident {
        let incidents = &lock(&self.state).incidents;
        incidents.get(&(lane(channel, receiver), key.to_owned())).copied().unwrap_or_default()
    }

    /// How often other ends were opened, in vain too.
    pub fn opened(&self) -> u64 {
        lock(&self.state).opened
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        lock(&self.state).calls
    }
}

fn lane(channel: &str, receiver: &str) -> Lane {
    (channel.to_owned(), receiver.to_owned())
}

impl State {
    fn take(&mut self, lane: &Lane, notification: &Notification) {
        let receiver = lane.1.clone();
        self.told.push(MemoryTold { receiver, notification: notification.clone() });
        let incident = self.incidents.entry((lane.clone(), notification.key.clone())).or_default();
        match notification.action {
            Action::Trigger | Action::Repeat if incident.is_open => {}
            Action::Trigger | Action::Repeat => {
                *incident = MemoryIncident { opened: incident.opened + 1, is_open: true };
            }
            Action::Resolve => incident.is_open = false,
        }
    }
}

impl Channels for MemoryChannels {
    type End = MemoryEnd;

    fn receivers(&self, rules: &RulesText, channel: &str) -> Option<Vec<String>> {
        (self.define)(rules, channel).map(|defined| defined.receivers)
    }

    async fn open(
        &self,
        rules: &RulesText,
        channel: &str,
        receiver: &str,
    ) -> Result<MemoryEnd, NotOpen> {
        step().await;
        let lane = lane(channel, receiver);
        let not_open = {
            let mut state = lock(&self.state);
            state.opened += 1;
            state.not_open.get_mut(&lane).and_then(VecDeque::pop_front)
        };
        if let Some(not_open) = not_open {
            return Err(not_open);
        }
        let defined = (self.define)(rules, channel)
            .filter(|defined| defined.receivers.iter().any(|known| known == receiver));
        let Some(defined) = defined else {
            return Err(NotOpen::Rejected { reason: "the rules have no such receiver".to_owned() });
        };
        let state = Arc::clone(&self.state);
        Ok(MemoryEnd { lane, knows_repeats: defined.knows_repeats, state })
    }

    fn knows_repeats(end: &MemoryEnd) -> bool {
        end.knows_repeats
    }
}

/// The other end of one receiver.
#[derive(Debug)]
pub struct MemoryEnd {
    lane: Lane,
    knows_repeats: bool,
    state: Arc<Mutex<State>>,
}

impl Sink for MemoryEnd {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        step().await;
        while lock(&self.state).stalled.contains(&self.lane) {
            step().await;
        }
        let outcome = {
            let mut state = lock(&self.state);
            state.calls += 1;
            let scripted = state.script.get_mut(&self.lane).and_then(VecDeque::pop_front);
            let down = state.down.get(&self.lane).map(|outcome| (outcome.clone(), false));
            let (outcome, taken) = scripted.or(down).unwrap_or((Delivery::Delivered, true));
            if state.told.len() >= MEMORY_CALLS_MAX {
                return Delivery::Rejected {
                    reason: format!("{MEMORY_CALLS_MAX} calls are recorded"),
                };
            }
            if taken {
                state.take(&self.lane, notification);
            }
            outcome
        };
        step().await;
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{SinkBench, SinkFault, sink_contract};
    use crate::memory::block_on;
    use streamgauge_engine::alert::Severity;
    use streamgauge_engine::notification::Subject;
    use streamgauge_engine::time::Timestamp;

    fn notification(action: Action) -> Notification {
        Notification {
            channel: "oncall".to_owned(),
            key: "sg/1".to_owned(),
            id: "sg/1/0".to_owned(),
            action,
            severity: Severity::Critical,
            at: Timestamp::EPOCH,
            summary: "3 rejects".to_owned(),
            description: None,
            runbook: None,
            subject: Subject::Pipeline { alert: "behind".to_owned() },
            labels: Vec::new(),
            plan: "a7".to_owned(),
        }
    }

    fn channels() -> (MemoryChannels, MemoryEnd) {
        let one = MemoryChannel { receivers: vec![String::new()], knows_repeats: true };
        let channels = MemoryChannels::new(move |_, _| Some(one.clone()));
        let end = block_on(channels.open(&RulesText::default(), "oncall", "")).unwrap();
        (channels, end)
    }

    impl SinkBench for MemoryChannels {
        fn arm(&self, fault: SinkFault) -> bool {
            let (outcome, taken) = match fault {
                SinkFault::Unreachable | SinkFault::Busy => {
                    (Delivery::Retry { after_ms: 1 }, false)
                }
                SinkFault::Refused => (Delivery::Rejected { reason: "no".to_owned() }, false),
                SinkFault::AnswerLost => (Delivery::Unknown, true),
            };
            self.script("oncall", "", outcome, taken);
            true
        }

        fn taken(&self) -> usize {
            self.told().len()
        }
    }

    #[test]
    fn an_end_in_memory_keeps_the_contract_of_sinks() {
        let (channels, end) = channels();
        block_on(sink_contract(&end, &notification(Action::Trigger), &channels)).unwrap();
    }

    #[test]
    fn a_trigger_after_the_resolve_opens_another_incident() {
        let (channels, end) = channels();
        let tell = |action| {
            assert_eq!(block_on(end.deliver(&notification(action))), Delivery::Delivered);
            let MemoryIncident { opened, is_open } = channels.incident("oncall", "", "sg/1");
            (opened, is_open)
        };
        assert_eq!(tell(Action::Trigger), (1, true));
        assert_eq!(tell(Action::Trigger), (1, true));
        assert_eq!(tell(Action::Resolve), (1, false));
        assert_eq!(tell(Action::Resolve), (1, false));
        assert_eq!(tell(Action::Trigger), (2, true));
    }
}
