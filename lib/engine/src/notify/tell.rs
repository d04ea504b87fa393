//! How a channel is told: at once or gathered, again, and that it is over.

use super::gather::Gathered;
use super::incident::{IncidentKey, Repeats, Told};
use super::matching::Facts;
use super::quiet::quiet;
use super::run::{Run, occasion};
use super::text::{Message, Occasion};
use super::{Clock, Due, keys};
use crate::notification::{Action, Notification};
use crate::time::Timestamp;
use std::sync::Arc;

impl Run<'_> {
    /// Tells a channel that something fires: at once, or with what else it gets shortly after that.
    pub(super) fn tell(
        &mut self,
        channel: &Arc<str>,
        key: &IncidentKey,
        occasion: &Occasion<'_>,
    ) -> Told {
        let gathering = self.plan.notifying.gathering;
        let clock = self.state.clock;
        let state = self.state.channels.entry(Arc::clone(channel)).or_default();
        if state.open_until.is_none_or(|until| until <= clock) {
            self.open(channel);
            let message = occasion.message(self.moment.render);
            self.emit(channel, Action::Trigger, 0, message);
            let repeats = self.first_repeat(channel, Due::Alone(Arc::clone(channel), key.clone()));
            return Told::Alone(repeats);
        }
        let message = || occasion.message(self.moment.render);
        if let Some(waiting) = &mut state.waiting {
            waiting.add(key, occasion.step.severity, gathering.list_at_most, message);
            return Told::Gathered(Arc::clone(&waiting.key));
        }
        let first = message();
        let name: Arc<str> = keys::gathered(channel, &first.key).into();
        state.waiting = Some(Gathered::new(Arc::clone(&name), key.clone(), first));
        Told::Gathered(name)
    }

    /// From now on what comes for a channel is gathered.
    fn open(&mut self, channel: &Arc<str>) {
        let until = self.state.clock.plus(self.plan.notifying.gathering.together.max(1));
        if let Some(state) = self.state.channels.get_mut(channel) {
            state.open_until = Some(until);
            self.state.due.insert((until, Due::Flush(Arc::clone(channel))));
        }
    }

    /// When a channel is told again for the first time, if it is.
    fn first_repeat(&mut self, channel: &str, due: Due) -> Repeats {
        let next = self.next_repeat(channel, due);
        Repeats { next, count: 0 }
    }

    fn next_repeat(&mut self, channel: &str, due: Due) -> Option<Timestamp> {
        let notifying = &self.plan.notifying;
        let next = self.state.clock.plus(notifying.gathering.repeat.max(1));
        let repeats = notifying.channel(channel).is_some_and(|channel| channel.repeats);
        repeats.then(|| {
            self.state.due.insert((next, due));
            next
        })
    }

    /// Does what is due first.
    pub(super) fn do_first_due(&mut self) {
        match self.state.due.pop_first() {
            Some((_, Due::Flush(channel))) => self.flush(&channel),
            Some((_, Due::Alone(channel, key))) => self.repeat_alone(&channel, &key),
            Some((_, Due::Gathered(channel, key))) => self.repeat_gathered(&channel, &key),
            None => {}
        }
    }

    /// What was gathered for a channel goes out.
    fn flush(&mut self, channel: &Arc<str>) {
        let Some(state) = self.state.channels.get_mut(channel) else { return };
        state.open_until = None;
        let Some(gathered) = state.waiting.take() else {
            if state.is_idle() {
                self.state.channels.remove(channel);
            }
            return;
        };
        self.open(channel);
        self.emit(channel, Action::Trigger, 0, gathered.message(Action::Trigger));
        if gathered.firing == 0 {
            // All have resolved meanwhile: they were counted as sent, and so the channel hears of both.
            self.emit(channel, Action::Resolve, 0, gathered.message(Action::Resolve));
        } else if gathered.total == 1 {
            let due = Due::Alone(Arc::clone(channel), gathered.incident.clone());
            let repeats = self.first_repeat(channel, due);
            self.set_told(channel, &gathered.incident, Told::Alone(repeats));
        } else {
            let due = Due::Gathered(Arc::clone(channel), Arc::clone(&gathered.key));
            let repeats = self.first_repeat(channel, due);
            let sent = &mut self.state.channels.entry(Arc::clone(channel)).or_default().sent;
            sent.insert(Arc::clone(&gathered.key), Gathered { repeats, ..gathered });
        }
    }

    fn set_told(&mut self, channel: &str, key: &IncidentKey, now_told: Told) {
        let incident = self.state.incidents.get_mut(key);
        let told = incident.and_then(|incident| {
            incident.told.iter_mut().find(|(name, _)| name.as_ref() == channel)
        });
        if let Some((_, told)) = told {
            *told = now_told;
        }
    }

    fn repeat_alone(&mut self, channel: &Arc<str>, key: &IncidentKey) {
        let plan = Arc::clone(&self.plan);
        let Some(incident) = self.state.incidents.get(key).cloned() else { return };
        let told = incident.told.iter().find(|(name, _)| name == channel);
        let Some((_, Told::Alone(mut repeats))) = told.cloned() else { return };
        let place = self.state.places.get(&key.alert).copied();
        let Some(occasion) = place.and_then(|place| occasion(&plan, place, key, &incident)) else {
            // The rules do not have it any more: it is not repeated, and soon resolves.
            repeats.next = None;
            return self.set_told(channel, key, Told::Alone(repeats));
        };
        let facts = Facts::of(occasion.alert, occasion.metric, occasion.step, &key.group);
        if !self.is_quiet(&facts.on(channel)) {
            repeats.count += 1;
            let message = occasion.message(self.moment.render);
            self.emit(channel, Action::Repeat, repeats.count, message);
        }
        let due = Due::Alone(Arc::clone(channel), key.clone());
        repeats.next = self.next_repeat(channel, due);
        self.set_told(channel, key, Told::Alone(repeats));
    }

    /// Tells again of several, unless all that it names are to be quiet now.
    fn repeat_gathered(&mut self, channel: &Arc<str>, key: &Arc<str>) {
        let sent = self.state.channels.get(channel).and_then(|state| state.sent.get(key));
        let Some(mut gathered) = sent.cloned() else { return };
        let plan = Arc::clone(&self.plan);
        let is_loud = gathered.members.iter().any(|member| {
            let alert = plan.alerts.iter().find(|alert| alert.name == member.alert);
            alert.is_some_and(|alert| {
                let step = alert.steps.iter().find(|step| step.name == member.step);
                let labels = alert.texts.labels.iter();
                let named = member.group.iter().chain(labels);
                let facts = Facts {
                    alert: Some(&member.alert),
                    metric: Some(&member.metric),
                    step: member.step.as_deref(),
                    severity: step.map_or(gathered.first.severity, |step| step.severity),
                    channel: Some(channel),
                    named: named.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
                };
                !self.is_quiet(&facts)
            })
        });
        if is_loud {
            gathered.repeats.count += 1;
            let message = gathered.message(Action::Repeat);
            self.emit(channel, Action::Repeat, gathered.repeats.count, message);
        }
        let due = Due::Gathered(Arc::clone(channel), Arc::clone(key));
        gathered.repeats.next = self.next_repeat(channel, due);
        if let Some(state) = self.state.channels.get_mut(channel) {
            state.sent.insert(Arc::clone(key), gathered);
        }
    }

    /// Whether a quiet time holds where event time is now.
    fn is_quiet(&self, facts: &Facts<'_>) -> bool {
        let at = match self.moment.clock {
            Clock::Events => self.state.clock,
            Clock::Recorded(now) => self.state.passed.unwrap_or(now),
        };
        quiet(&self.plan.notifying, self.moment.silences, facts, at).is_some()
    }

    /// A channel is not told again of an incident.
    pub(super) fn forget_repeat(
        &mut self,
        channel: &Arc<str>,
        key: &IncidentKey,
        repeats: Repeats,
    ) {
        if let Some(next) = repeats.next {
            self.state.due.remove(&(next, Due::Alone(Arc::clone(channel), key.clone())));
        }
    }

    /// One of those that were gathered has ended; with the last of them, all have.
    pub(super) fn leave(&mut self, channel: &Arc<str>, key: &Arc<str>, at: Timestamp) {
        let Some(state) = self.state.channels.get_mut(channel) else { return };
        let waiting = state.waiting.as_mut().filter(|waiting| waiting.key == *key);
        let is_waiting = waiting.is_some();
        let Some(gathered) = waiting.or_else(|| state.sent.get_mut(key)) else { return };
        gathered.firing = gathered.firing.saturating_sub(1);
        if is_waiting || gathered.firing > 0 {
            return;
        }
        let mut message = gathered.message(Action::Resolve);
        let next = gathered.repeats.next;
        state.sent.remove(key);
        if state.is_idle() {
            self.state.channels.remove(channel);
        }
        if let Some(next) = next {
            self.state.due.remove(&(next, Due::Gathered(Arc::clone(channel), Arc::clone(key))));
        }
        message.at = at;
        self.emit(channel, Action::Resolve, 0, message);
    }

    /// Hands a notification out, unless the channel is gone from the rules.
    pub(super) fn emit(&mut self, channel: &str, action: Action, number: u64, message: Message) {
        if self.plan.notifying.channel(channel).is_some() {
            let notification = message.finish(channel, action, number, &self.plan.hash);
            self.notifications.push(notification);
        }
    }
}

impl Message {
    /// The notification of a channel.
    pub(super) fn finish(
        self,
        channel: &str,
        action: Action,
        number: u64,
        plan: &str,
    ) -> Notification {
        Notification {
            channel: channel.to_owned(),
            id: keys::notification(&self.key, action, number, channel),
            key: self.key,
            action,
            severity: self.severity,
            at: self.at,
            summary: self.summary,
            description: self.description,
            runbook: self.runbook,
            subject: self.subject,
            labels: self.labels,
            plan: plan.to_owned(),
        }
    }
}
