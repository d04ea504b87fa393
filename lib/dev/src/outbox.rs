//! How telling people goes: what waits for each channel, what was told and what was lost, and why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use streamgauge_engine::time::Timestamp;
use streamgauge_notify::channels::{Heard, Hears};
use streamgauge_pipeline::deliver::LaneDelivered;
use streamgauge_pipeline::render::push_json_string;

/// Channels that nothing waits for are not remembered beyond so many: rules that change can name ever others.
const CHANNELS_MAX: usize = 1_000;
/// Why nothing was taken by a channel that failed before this process was there.
const EARLIER: &str = "it has taken nothing since before this was started";
/// Why something is lost of which no call says it.
const GIVEN_UP: &str = "it was not taken within 24 hours, or can never be";

/// What waits. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Outbox(Option<Arc<Mutex<Content>>>);

#[derive(Debug, Default)]
struct Content {
    channels: BTreeMap<String, Waits>,
    /// Why calls of the run that goes on were not taken.
    heard: BTreeMap<String, Causes>,
}

/// Why calls of a run were not taken, those that are made again and those that are not.
#[derive(Debug, Default)]
struct Causes {
    waiting: Option<String>,
    lost: Option<String>,
}

/// How telling a channel goes, since this process began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// How many notifications wait because it does not take them.
    pub waiting: u64,
    /// Since when the first of them does.
    pub since: Option<Timestamp>,
    /// How many it has taken.
    pub told: u64,
    /// How many it will never be told.
    pub lost: u64,
    /// Why it takes nothing.
    pub why: Option<String>,
}

/// How telling a channel has come to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The channel.
    pub channel: String,
    /// How it goes.
    pub state: State,
    /// How many notifications wait.
    pub waiting: u64,
    /// Since when the first of them does.
    pub since: Option<Timestamp>,
}

/// How telling a channel goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It takes nothing, and is tried again.
    Waiting {
        /// Why.
        why: String,
    },
    /// It will never be told some notifications.
    Lost {
        /// How many.
        lost: u64,
        /// Why.
        why: String,
    },
    /// It takes what waited.
    Works,
}

/// What the lanes of a channel have done.
#[derive(Debug, Default)]
struct Done {
    told: u64,
    lost: u64,
    waiting: u64,
    since: Option<Timestamp>,
    is_failing: bool,
}

impl Done {
    fn add(&mut self, lane: &LaneDelivered) {
        self.told += lane.told;
        self.lost += lane.dead + lane.expired;
        self.waiting += lane.waiting;
        let failed = lane.retries + lane.unknown > 0 || lane.failing_since.is_some();
        self.is_failing |= failed && lane.waiting > 0;
        // An entry that was not read again yet has waited since before its lane began to fail.
        let since = lane.waiting_since.or(lane.failing_since).filter(|_| lane.waiting > 0);
        self.since = self.since.into_iter().chain(since).min();
    }
}

impl Outbox {
    /// One for these channels, of which nothing waits yet.
    pub(crate) fn of(channels: impl IntoIterator<Item = String>) -> Self {
        let channels = channels.into_iter().map(|name| (name, Waits::default())).collect();
        let content = Content { channels, heard: BTreeMap::new() };
        Self(Some(Arc::new(Mutex::new(content))))
    }

    /// Whether anybody is told. If not, what is decided is only shown.
    pub fn tells(&self) -> bool {
        self.0.is_some()
    }

    /// How telling each channel goes, by its name.
    pub fn channels(&self) -> Vec<(String, Waits)> {
        let Some(content) = self.lock() else { return Vec::new() };
        content.channels.iter().map(|(name, waits)| (name.clone(), waits.clone())).collect()
    }

    /// What hears why calls are not taken.
    pub(crate) fn hears(&self) -> Hears {
        let outbox = self.clone();
        Arc::new(move |Heard { channel, why, is_final }| {
            let Some(mut content) = outbox.lock() else { return };
            let causes = content.heard.entry(channel.to_owned()).or_default();
            let cause = if is_final { &mut causes.lost } else { &mut causes.waiting };
            *cause = Some(why.to_owned());
        })
    }

    /// Takes what a run has done: of each lane for which something waited. What has changed by it is to be told.
    pub(crate) fn take(&self, lanes: &[LaneDelivered]) -> Vec<Telling> {
        let mut tellings = Vec::new();
        let Some(mut content) = self.lock() else { return tellings };
        let mut heard = std::mem::take(&mut content.heard);
        let mut all: BTreeMap<&str, Done> = BTreeMap::new();
        for lane in lanes {
            all.entry(&lane.name.channel).or_default().add(lane);
        }
        for (name, waits) in &mut content.channels {
            if !all.contains_key(name.as_str()) {
                (waits.waiting, waits.since, waits.why) = (0, None, None);
            }
        }
        for (name, done) in all {
            let waits = content.channels.entry(name.to_owned()).or_default();
            for state in waits.take(&done, heard.remove(name).unwrap_or_default()) {
                let (waiting, since) = (done.waiting, done.since);
                tellings.push(Telling { channel: name.to_owned(), state, waiting, since });
            }
        }
        if content.channels.len() > CHANNELS_MAX {
            content.channels.retain(|_, waits| waits.waiting > 0);
        }
        tellings
    }

    fn lock(&self) -> Option<MutexGuard<'_, Content>> {
        Some(self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Waits {
    /// Takes what a run has done, and says what has changed by it.
    fn take(&mut self, done: &Done, heard: Causes) -> Vec<State> {
        let mut states = Vec::new();
        self.told += done.told;
        self.lost += done.lost;
        (self.waiting, self.since) = (done.waiting, done.since);
        if done.lost > 0 {
            let why = heard.lost.unwrap_or_else(|| match &self.why {
                Some(cause) => format!("{GIVEN_UP}: {cause}"),
                None => GIVEN_UP.to_owned(),
            });
            states.push(State::Lost { lost: done.lost, why });
        }
        if done.is_failing {
            let why = heard.waiting.or_else(|| self.why.clone());
            let why = why.unwrap_or_else(|| EARLIER.to_owned());
            if self.why.as_ref() != Some(&why) {
                states.push(State::Waiting { why: why.clone() });
            }
            self.why = Some(why);
        } else if self.why.take().is_some() && done.told > 0 {
            states.push(State::Works);
        }
        states
    }
}

impl Telling {
    /// Appends it as a line of JSON.
    pub fn json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"kind":"channel","channel":"#);
        push_json_string(&self.channel, out);
        let (state, lost, why) = match &self.state {
            State::Waiting { why } => ("waiting", None, Some(why)),
            State::Lost { lost, why } => ("lost", Some(lost), Some(why)),
            State::Works => ("works", None, None),
        };
        out.extend_from_slice(format!(r#","state":"{state}""#).as_bytes());
        if let Some(lost) = lost {
            out.extend_from_slice(format!(r#","lost":{lost}"#).as_bytes());
        }
        push_waits((self.waiting, self.since, why), out);
        out.extend_from_slice(b"}\n");
    }
}

/// Appends how much waits, since when, and why, as members after others.
pub(crate) fn push_waits(
    (waiting, since, why): (u64, Option<Timestamp>, Option<&String>),
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(format!(r#","waiting":{waiting}"#).as_bytes());
    if let Some(since) = since {
        out.extend_from_slice(format!(r#","since":"{since}""#).as_bytes());
    }
    if let Some(why) = why {
        out.extend_from_slice(br#","reason":"#);
        push_json_string(why, out);
    }
}

#[cfg(test)]
mod tests;
