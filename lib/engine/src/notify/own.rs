//! The pipeline's own alerts: it is behind, there are dead letters, a lane is stuck.
//!
//! They belong to no metric and so to partition 0. There are three at most, so they are not gathered: nobody is told of anything
//! else than that the telling itself is in trouble.
//!
//! | alert | fires | resolves |
//! | --- | --- | --- |
//! | `behind` | shards have been behind for [`BEHIND_MS`] | none is |
//! | `dead letters` | there are more than before | there were no more for [`QUIET_MS`] |
//! | `lane stuck` | lanes have been stuck for [`STUCK_MS`] | none is |

use super::incident::Repeats;
use super::keys;
use super::matching::Facts;
use super::quiet::quiet;
use super::rules::{Notifying, PipelineAlerts, Silence};
use super::text::{Message, one_line};
use crate::notification::{Action, Notification, Subject};
use crate::plan::Plan;
use crate::time::{HOUR_MS, MINUTE_MS, Millis, Timestamp};
use std::collections::BTreeMap;

/// Shorter than this a shard may be behind after any deploy.
const BEHIND_MS: Millis = 5 * MINUTE_MS;
/// Dead letters that come one by one within this are one alert.
const QUIET_MS: Millis = HOUR_MS;
/// An outage of a receiver that is shorter mends itself by retries.
const STUCK_MS: Millis = 15 * MINUTE_MS;

/// What is wrong with the pipeline.
#[derive(Clone, Copy, Debug, Default)]
pub struct Troubles<'t> {
    /// Since when some shard has been behind or left out, if one is.
    pub behind_since: Option<Timestamp>,
    /// How many dead letters there have been, ever.
    pub dead_letters: u64,
    /// The lanes that fail, in their order, with the time since when each has.
    pub stuck: &'t [(String, Timestamp)],
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    Behind,
    DeadLetters,
    LaneStuck,
}

impl Trouble {
    pub(super) const ALL: [Self; 3] = [Self::Behind, Self::DeadLetters, Self::LaneStuck];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::DeadLetters => "dead letters",
            Self::LaneStuck => "lane stuck",
        }
    }
}

/// One that fires.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Open {
    pub(super) since: Timestamp,
    pub(super) summary: String,
    /// The channels that were told.
    pub(super) told: BTreeMap<String, Repeats>,
}

/// The state of the pipeline's own alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnAlerts {
    pub(super) open: BTreeMap<Trouble, Open>,
    /// The number of dead letters that was seen last, and when it rose.
    pub(super) dead_letters: u64,
    pub(super) risen_at: Option<Timestamp>,
}

impl OwnAlerts {
    /// Decides what the channels are told of the pipeline at a time of the clock.
    ///
    /// Quiet times compare with the clock, since nothing here has another time.
    pub fn decide(
        &mut self,
        plan: &Plan,
        troubles: &Troubles<'_>,
        now: Timestamp,
        silences: &[Silence],
    ) -> Vec<Notification> {
        if troubles.dead_letters > self.dead_letters {
            self.risen_at = Some(now);
        }
        self.dead_letters = troubles.dead_letters;
        let mut notifications = Vec::new();
        for trouble in Trouble::ALL {
            match self.now(trouble, troubles, now) {
                Some((since, summary)) => {
                    let open = self.open.entry(trouble).or_insert_with(|| Open {
                        since,
                        summary: String::new(),
                        told: BTreeMap::new(),
                    });
                    // Who is told again hears how it is now.
                    open.summary = summary;
                    if let Some(pipeline) = &plan.notifying.pipeline {
                        let tell = Tell { plan, pipeline, silences, now, trouble };
                        tell.firing(open, &mut notifications);
                    }
                }
                None => {
                    if let Some(open) = self.open.remove(&trouble) {
                        resolved(plan, trouble, &open, now, &mut notifications);
                    }
                }
            }
        }
        notifications
    }

    /// When something changes although no trouble does: one lasts long enough, or has been over for long enough, or is repeated.
    pub fn next_moment(&self, troubles: &Troubles<'_>) -> Option<Timestamp> {
        let is_new = |trouble: Trouble| !self.open.contains_key(&trouble);
        let behind = troubles.behind_since.map(|since| since.plus(BEHIND_MS));
        let stuck = troubles.stuck.iter().map(|(_, since)| since.plus(STUCK_MS)).min();
        let quiet = self.risen_at.map(|risen| risen.plus(QUIET_MS));
        let repeats = self.open.values().flat_map(|open| open.told.values());
        let moments = [
            behind.filter(|_| is_new(Trouble::Behind)),
            stuck.filter(|_| is_new(Trouble::LaneStuck)),
            quiet.filter(|_| !is_new(Trouble::DeadLetters)),
        ];
        moments.into_iter().flatten().chain(repeats.filter_map(|repeats| repeats.next)).min()
    }

    /// Since when it fires and what is said of it, if it does.
    fn now(
        &self,
        trouble: Trouble,
        troubles: &Troubles<'_>,
        now: Timestamp,
    ) -> Option<(Timestamp, String)> {
        match trouble {
            Trouble::Behind => {
                let since = troubles.behind_since?;
                let lasts = since.plus(BEHIND_MS) <= now || self.open.contains_key(&trouble);
                let text = "the pipeline is behind: windows and alerts wait for events, since";
                lasts.then(|| (since, format!("{text} {since}")))
            }
            Trouble::DeadLetters => {
                let risen = self.risen_at.filter(|risen| now < risen.plus(QUIET_MS))?;
                let all = self.dead_letters;
                let text = format!("there are new dead letters, {all} in all, since {risen}");
                Some((risen, text))
            }
            Trouble::LaneStuck => {
                let since = troubles.stuck.iter().map(|(_, since)| *since).min()?;
                let lasts = since.plus(STUCK_MS) <= now || self.open.contains_key(&trouble);
                let names: Vec<&str> =
                    troubles.stuck.iter().map(|(lane, _)| lane.as_str()).collect();
                let text = format!("nothing can be delivered to {}, since", names.join(", "));
                lasts.then(|| (since, format!("{text} {since}")))
            }
        }
    }
}

/// Who tells whom of what.
struct Tell<'t> {
    plan: &'t Plan,
    pipeline: &'t PipelineAlerts,
    silences: &'t [Silence],
    now: Timestamp,
    trouble: Trouble,
}

impl Tell<'_> {
    /// Tells the channels that were not told yet, and again those that are told again; unless it is quiet.
    fn firing(&self, open: &mut Open, notifications: &mut Vec<Notification>) {
        let notifying: &Notifying = &self.plan.notifying;
        let named = self.pipeline.notify.iter().filter_map(|name| notifying.channel(name));
        for channel in named {
            let facts = Facts {
                alert: None,
                metric: None,
                step: None,
                severity: self.pipeline.severity,
                channel: Some(&channel.name),
                named: Vec::new(),
            };
            let told = open.told.get(&channel.name).copied();
            let is_due = told.is_none_or(|told| told.next.is_some_and(|next| next <= self.now));
            if !is_due || quiet(notifying, self.silences, &facts, self.now).is_some() {
                continue;
            }
            let next = self.now.plus(notifying.gathering.repeat);
            let repeats = Repeats {
                next: channel.repeats.then_some(next),
                count: told.map_or(0, |told| told.count + 1),
            };
            let action = if told.is_none() { Action::Trigger } else { Action::Repeat };
            let message = message(self.plan, self.trouble, open, open.since);
            let hash = &self.plan.hash;
            notifications.push(message.finish(&channel.name, action, repeats.count, hash));
            open.told.insert(channel.name.clone(), repeats);
        }
    }
}

/// Tells those who were told that it is over.
fn resolved(
    plan: &Plan,
    trouble: Trouble,
    open: &Open,
    now: Timestamp,
    notifications: &mut Vec<Notification>,
) {
    for channel in open.told.keys().filter(|name| plan.notifying.channel(name).is_some()) {
        let message = message(plan, trouble, open, now);
        notifications.push(message.finish(channel, Action::Resolve, 0, &plan.hash));
    }
}

fn message(plan: &Plan, trouble: Trouble, open: &Open, at: Timestamp) -> Message {
    let severity = plan.notifying.pipeline.as_ref().map(|pipeline| pipeline.severity);
    Message {
        key: keys::pipeline(trouble.as_str(), open.since),
        severity: severity.unwrap_or(crate::alert::Severity::Error),
        at,
        summary: one_line(&open.summary),
        description: None,
        runbook: None,
        subject: Subject::Pipeline { alert: trouble.as_str().to_owned() },
        labels: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
