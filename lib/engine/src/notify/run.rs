//! One call of [`Notifier::decide`]: time passes, transitions come, time passes again.

use super::incident::{Incident, IncidentKey, Told};
use super::judge::{Hold, Judgement, judge};
use super::matching::{Facts, channels};
use super::quiet::quiet;
use super::text::Occasion;
use super::why::Why;
use super::{Clock, Moment, Notifier, Verdict, quiet_times};
use crate::alert::Alert;
use crate::notification::{Action, Notification};
use crate::plan::Plan;
use crate::series::SeriesKey;
use crate::time::{Millis, Timestamp};
use crate::transition::{Reason, Transition, TransitionKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A call.
pub(super) struct Run<'r> {
    pub(super) state: &'r mut Notifier,
    /// The plan in force.
    pub(super) plan: Arc<Plan>,
    pub(super) moment: &'r Moment<'r>,
    pub(super) notifications: Vec<Notification>,
    /// What is held, by the watermark at which it is judged again.
    agenda: BTreeSet<(Timestamp, IncidentKey)>,
}

impl<'r> Run<'r> {
    pub(super) fn new(state: &'r mut Notifier, moment: &'r Moment<'r>) -> Self {
        let plan = Arc::clone(&state.plan);
        let (notifications, agenda) = (Vec::new(), BTreeSet::new());
        let mut run = Self { state, plan, moment, notifications, agenda };
        if let Clock::Recorded(now) = moment.clock {
            run.state.clock = run.state.clock.max(now);
            while run.next_due().is_some_and(|due| due <= run.state.clock) {
                run.do_first_due();
            }
        }
        run.list_held();
        run
    }

    /// Puts all that is held on the agenda; what other quiet times held, at its beginning.
    fn list_held(&mut self) {
        let names = quiet_times(&self.plan, self.moment.silences);
        let are_others = self.state.quiet_times != names;
        // Where no time passes, nothing is judged anew yet.
        if self.moment.evaluated_to.is_some() && self.moment.evaluated_to >= self.state.passed {
            self.state.quiet_times = names;
        }
        let at_once = self.state.passed.unwrap_or_default().minus(1);
        for key in self.state.held.clone() {
            let Some((plan, place)) = self.alert(&key) else { continue };
            let (Some(alert), Some(incident)) =
                (plan.alerts.get(place), self.state.incidents.get(&key))
            else {
                continue;
            };
            for (_, told) in &incident.told {
                match told {
                    Told::Held(Hold::Quiet(_)) if are_others => {
                        self.agenda.insert((at_once, key.clone()));
                    }
                    Told::Held(hold) => {
                        let moment = self.moment_of(*hold, alert.max_age, plan.lag_of(alert));
                        self.agenda.insert((moment, key.clone()));
                    }
                    Told::Alone(_) | Told::Gathered(_) => {}
                }
            }
        }
    }

    /// The plan and the place there of the alert of an incident: the plan in force, else one that retires.
    fn alert(&self, key: &IncidentKey) -> Option<(Arc<Plan>, usize)> {
        if let Some(place) = self.state.places.get(&key.alert) {
            return Some((Arc::clone(&self.plan), *place));
        }
        self.state.retiring.iter().find_map(|plan| {
            let place = plan.alerts.iter().position(|one| *one.definition == *key.alert)?;
            Some((Arc::clone(plan), place))
        })
    }

    fn moment_of(&self, hold: Hold, max_age: Millis, lag: Millis) -> Timestamp {
        self.state.moment_of(hold, max_age, lag)
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.state.due.first().map(|(time, _)| *time)
    }

    /// Lets event time pass up to a watermark: what is held until before it is judged again.
    fn pass_to(&mut self, watermark: Timestamp) {
        let is_events = self.moment.clock == Clock::Events;
        loop {
            let held = self.agenda.first().map(|(moment, _)| *moment);
            let held = held.filter(|moment| *moment < watermark);
            let due = self.next_due().filter(|due| is_events && *due <= watermark);
            if let Some(due) = due.filter(|due| held.is_none_or(|held| *due <= held)) {
                self.state.clock = self.state.clock.max(due);
                self.do_first_due();
            } else if held.is_some()
                && let Some((moment, key)) = self.agenda.pop_first()
            {
                if is_events {
                    self.state.clock = self.state.clock.max(moment);
                }
                self.judge_again(moment, &key);
            } else {
                break;
            }
        }
        if is_events {
            self.state.clock = self.state.clock.max(watermark);
        }
    }

    /// The end of the call.
    pub(super) fn finish(mut self) -> Vec<Notification> {
        if let Some(watermark) = self.moment.evaluated_to {
            self.pass_to(watermark);
            self.state.passed = self.state.passed.max(Some(watermark));
        }
        self.notifications
    }

    /// Decides a transition of an alert of a plan.
    pub(super) fn transition(&mut self, of: &Plan, transition: &Transition) -> Verdict {
        let Some(alert) = of.alerts.get(transition.alert) else {
            return Verdict::of(Vec::new(), Why::NoChannel);
        };
        let moment = transition.at.plus(of.lag_of(alert));
        // What is told ahead of the watermark comes before what is decided earlier, and so no time passes with it.
        let is_ahead = transition.reason == Reason::ConditionCannotFail;
        let watermark = match self.moment.clock {
            Clock::Events => Some(moment),
            Clock::Recorded(_) if is_ahead => None,
            Clock::Recorded(_) => self.moment.evaluated_to.map(|to| to.min(moment)),
        };
        if let Some(watermark) = watermark {
            self.pass_to(watermark);
        }
        let known = self.state.places.get_key_value(alert.definition.as_str());
        let definition = known.map(|(definition, _)| Arc::clone(definition));
        let key = IncidentKey {
            alert: definition.unwrap_or_else(|| Arc::from(alert.definition.as_str())),
            group: Arc::clone(&transition.group),
            step: transition.step,
        };
        match transition.kind {
            TransitionKind::Pending => Verdict::of(Vec::new(), Why::Pending),
            TransitionKind::Firing => self.fire(of, &key, transition),
            TransitionKind::Resolved => {
                let resolved = self.state.remove(&key);
                let channels = resolved.map(|incident| {
                    let evidence = Some((transition.at, &transition.evidence));
                    self.resolve(of, alert, &key, &incident, evidence)
                });
                Verdict::of(channels.unwrap_or_default(), Why::FiringNotSent)
            }
        }
    }

    fn fire(&mut self, of: &Plan, key: &IncidentKey, transition: &Transition) -> Verdict {
        let Transition { at, episode, .. } = *transition;
        let incident =
            Incident { at, episode, evidence: transition.evidence.clone(), told: Vec::new() };
        let Some(occasion) = occasion(of, transition.alert, key, &incident) else {
            return Verdict::of(Vec::new(), Why::NoChannel);
        };
        // An incident ends before the next of its kind begins, whatever has become of its end.
        if let Some(before) = self.state.remove(key) {
            self.resolve(of, occasion.alert, key, &before, None);
        }
        let Occasion { alert, metric, step, .. } = occasion;
        let facts = Facts::of(alert, metric, step, &key.group);
        let plan = Arc::clone(&self.plan);
        let channels = channels(&plan.notifying, step, &facts);
        let is_higher_sent = self.is_higher_sent(key);
        let (mut told, mut verdicts) = (Vec::new(), Vec::new());
        for channel in channels.into_iter().filter(|name| plan.notifying.channel(name).is_some()) {
            let name: Arc<str> = channel.into();
            let decided = (at, at.plus(of.lag_of(alert)));
            let judged = self.judge(alert, &facts.on(channel), decided, is_higher_sent);
            let (outcome, why) = self.act(judged, &name, key, &occasion);
            if let Some(Told::Held(hold)) = outcome {
                let moment = self.moment_of(hold, alert.max_age, of.lag_of(alert));
                self.agenda.insert((moment, key.clone()));
            }
            told.extend(outcome.map(|outcome| (Arc::clone(&name), outcome)));
            verdicts.push((name, why));
        }
        self.state.insert(key.clone(), Incident { told, ..incident });
        Verdict::of(verdicts, Why::NoChannel)
    }

    /// Judges again what was held for an incident, at a watermark.
    fn judge_again(&mut self, watermark: Timestamp, key: &IncidentKey) {
        let Some((plan, place)) = self.alert(key) else { return };
        let Some(before) = self.state.incidents.get(key).cloned() else { return };
        let Some(occasion) = occasion(&plan, place, key, &before) else { return };
        let Occasion { alert, metric, step, .. } = occasion;
        let lag = plan.lag_of(alert);
        let facts = Facts::of(alert, metric, step, &key.group);
        let is_higher_sent = self.is_higher_sent(key);
        let mut now_told = Vec::new();
        for (channel, told) in &before.told {
            let Told::Held(_) = told else {
                now_told.push((Arc::clone(channel), told.clone()));
                continue;
            };
            let at = watermark.minus(lag).max(before.at);
            let decided = (at, at.plus(lag));
            let judged = self.judge(alert, &facts.on(channel), decided, is_higher_sent);
            let (outcome, _) = self.act(judged, channel, key, &occasion);
            if let Some(Told::Held(hold)) = outcome {
                let moment = self.moment_of(hold, alert.max_age, lag);
                self.agenda.insert((moment, key.clone()));
            }
            now_told.extend(outcome.map(|outcome| (Arc::clone(channel), outcome)));
        }
        if let Some(incident) = self.state.remove(key) {
            self.state.insert(key.clone(), Incident { told: now_told, ..incident });
        }
    }

    /// Judges a firing at an event time, which is decided at a watermark.
    fn judge(
        &self,
        alert: &Alert,
        facts: &Facts<'_>,
        (at, decided_at): (Timestamp, Timestamp),
        is_higher_sent: bool,
    ) -> Judgement {
        let oldest = match self.moment.clock {
            Clock::Recorded(_) => Some(self.state.clock.minus(alert.max_age)),
            Clock::Events => None,
        };
        let quiet = || quiet(&self.plan.notifying, self.moment.silences, facts, at);
        judge(decided_at, oldest, is_higher_sent, quiet)
    }

    /// Does what was judged; what the channel is told by that, and why.
    fn act(
        &mut self,
        judged: Judgement,
        channel: &Arc<str>,
        key: &IncidentKey,
        occasion: &Occasion<'_>,
    ) -> (Option<Told>, Why) {
        match judged {
            Judgement::Inhibited => (None, Why::Inhibited),
            Judgement::Hold(hold) => (Some(Told::Held(hold)), hold.why()),
            Judgement::Send => {
                let told = self.tell(channel, key, occasion);
                let why = if matches!(told, Told::Alone(_)) { Why::AtOnce } else { Why::Gathered };
                (Some(told), why)
            }
        }
    }

    /// Whether a higher step of the same alert and group was sent and fires.
    fn is_higher_sent(&self, key: &IncidentKey) -> bool {
        (0..key.step).any(|step| {
            let higher = IncidentKey { step, ..key.clone() };
            self.state.incidents.get(&higher).is_some_and(Incident::is_sent)
        })
    }

    /// Tells the channels that an incident has ended which were told that it began: what each gets.
    fn resolve(
        &mut self,
        of: &Plan,
        alert: &Alert,
        key: &IncidentKey,
        incident: &Incident,
        ended: Option<(Timestamp, &crate::transition::Evidence)>,
    ) -> Vec<(Arc<str>, Why)> {
        let (at, evidence) = ended.unwrap_or((incident.at, &incident.evidence));
        let place = of.alerts.iter().position(|one| one.definition == alert.definition);
        let occasion = place.and_then(|place| occasion(of, place, key, incident));
        let mut channels = Vec::new();
        for (channel, told) in &incident.told {
            let why = if told.is_sent() { Why::FiringSent } else { Why::FiringNotSent };
            channels.push((Arc::clone(channel), why));
            match told {
                Told::Held(_) => {}
                Told::Gathered(gathered) => self.leave(channel, gathered, at),
                Told::Alone(repeats) => {
                    self.forget_repeat(channel, key, *repeats);
                    if let Some(occasion) = &occasion {
                        let message = occasion.ended(self.moment.render, at, evidence);
                        self.emit(channel, Action::Resolve, 0, message);
                    }
                }
            }
        }
        channels
    }
}

/// An incident, as texts see it.
pub(super) fn occasion<'o>(
    plan: &'o Plan,
    alert: usize,
    key: &'o IncidentKey,
    incident: &'o Incident,
) -> Option<Occasion<'o>> {
    let alert = plan.alerts.get(alert)?;
    let group: &SeriesKey = &key.group;
    Some(Occasion {
        alert,
        metric: plan.metrics.get(alert.metric)?,
        step: alert.steps.get(key.step)?,
        group,
        at: incident.at,
        episode: incident.episode,
        evidence: &incident.evidence,
    })
}
