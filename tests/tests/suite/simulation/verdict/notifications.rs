//! The notifications in the settle logs against the verdicts beside them: whoever was to be told is told once, and of the end exactly if of
//! the beginning.
//!
//! 1. Over all entries no id comes twice; a key of a channel is triggered, perhaps repeated, and at most then resolved.
//! 2. A firing is in one trigger of each channel that gets it, with its evidence, and in none of a channel that does not. One that was
//!    kept back is in one exactly if its resolve was sent.
//! 3. A trigger has its resolve exactly if all that it tells of have resolved.
//!
//! Where fewer are named than were gathered, they are counted.

use super::super::driver::Run;
use super::super::told::ToldTransition;
use std::collections::{BTreeMap, BTreeSet};
use streamgauge_engine::notification::{Action, Member, Notification, Subject};
use streamgauge_engine::notify::Why;
use streamgauge_engine::transition::TransitionKind;

/// A channel, by the partition that tells it.
type Channel<'r> = (u8, &'r str);

/// What a channel was told under one key, in its order.
type Incidents<'r> = BTreeMap<(Channel<'r>, &'r str), Vec<&'r Notification>>;

/// What is wrong with them, if anything is.
pub(super) fn check(run: &Run) -> Result<(), String> {
    let incidents = incidents(run)?;
    let firings = firings(run);
    let mut told: BTreeMap<Channel<'_>, Counts> = BTreeMap::new();
    for ((channel, key), notifications) in &incidents {
        let trigger = notifications[0];
        let (members, more) = members(trigger);
        let of_members: Vec<_> =
            members.iter().map(|one| firing_of(&firings, *channel, one)).collect();
        if of_members.iter().any(Option::is_none) {
            return Err(format!("{channel:?} is told of what was not sent: {trigger:#?}"));
        }
        let of_members: Vec<_> = of_members.into_iter().flatten().collect();
        let counts = told.entry(*channel).or_default();
        counts.named.extend(of_members.iter().map(|firing| firing.number));
        counts.all += members.len() + more;
        let are_over = of_members.iter().all(|firing| firing.end.is_some());
        let is_resolved = notifications.last().is_some_and(|last| last.action == Action::Resolve);
        if is_resolved != are_over && (is_resolved || more == 0) {
            return Err(format!("{channel:?}: {key} is over: {are_over}, resolved: {is_resolved}"));
        }
    }
    check_firings(&firings, &told)
}

/// What a channel was told.
#[derive(Default)]
struct Counts {
    /// The firings that were named, each as often as it was.
    named: Vec<usize>,
    /// How many there were.
    all: usize,
}

/// A firing, and its end.
struct Firing<'r> {
    number: usize,
    fired: &'r ToldTransition,
    end: Option<&'r ToldTransition>,
}

impl Firing<'_> {
    /// Whether a channel is told of it; unknown of one that is kept back and fires at the end.
    fn is_told(&self, channel: &str) -> Option<bool> {
        let why_of = |told: &ToldTransition| {
            let mut channels = told.verdict.channels.iter();
            channels.find(|(name, _)| **name == *channel).map(|(_, why)| *why)
        };
        match (why_of(self.fired), self.end.map(why_of)) {
            (Some(Why::AtOnce | Why::Gathered), _) => Some(true),
            (Some(Why::Silenced | Why::Maintenance | Why::TooOld), Some(why)) => {
                Some(why == Some(Why::FiringSent))
            }
            (Some(Why::Silenced | Why::Maintenance | Why::TooOld), None) => None,
            _ => Some(false),
        }
    }
}

/// All notifications by channel and key, each in a right order.
fn incidents(run: &Run) -> Result<Incidents<'_>, String> {
    let mut ids = BTreeSet::new();
    let mut incidents: Incidents<'_> = BTreeMap::new();
    for told in &run.told.notifications {
        let one = &told.notification;
        if !ids.insert(&one.id) {
            return Err(format!("{} comes twice", one.id));
        }
        let channel = (told.partition, one.channel.as_str());
        let so_far = incidents.entry((channel, &one.key)).or_default();
        let is_right = match (so_far.last().map(|last| last.action), one.action) {
            (before, Action::Trigger | Action::Change) => before.is_none(),
            (before, Action::Repeat | Action::Resolve) => {
                before.is_some_and(|before| before != Action::Resolve)
            }
        };
        if !is_right {
            return Err(format!("{channel:?}: {:?} of {} after {so_far:#?}", one.action, one.key));
        }
        so_far.push(one);
    }
    Ok(incidents)
}

/// All firings, each with its end.
fn firings(run: &Run) -> Vec<Firing<'_>> {
    let mut firings: Vec<Firing<'_>> = Vec::new();
    let mut open = BTreeMap::new();
    for told in &run.told.transitions {
        let key = (told.alert.name.as_str(), &told.transition.group, told.transition.step);
        match told.transition.kind {
            TransitionKind::Pending => {}
            TransitionKind::Firing => {
                open.insert(key, firings.len());
                firings.push(Firing { number: firings.len(), fired: told, end: None });
            }
            TransitionKind::Resolved => {
                if let Some(number) = open.remove(&key) {
                    firings[number].end = Some(told);
                }
            }
        }
    }
    firings
}

/// What a notification names, and how many more it is about.
fn members(notification: &Notification) -> (Vec<&Member>, usize) {
    match &notification.subject {
        Subject::Alert(member) => (vec![member], 0),
        Subject::Gathered { members, more } => (members.iter().collect(), *more),
        Subject::Pipeline { .. } | Subject::Deploy(_) => (Vec::new(), 0),
    }
}

/// The firing that a trigger of a channel names.
fn firing_of<'f, 'r>(
    firings: &'f [Firing<'r>],
    (partition, channel): Channel<'_>,
    member: &Member,
) -> Option<&'f Firing<'r>> {
    firings.iter().find(|firing| {
        let ToldTransition { alert, transition, .. } = firing.fired;
        let group = member.group.iter().map(|(_, value)| value.as_str());
        firing.fired.partition == partition
            && alert.name == member.alert
            && alert.steps[transition.step].name == member.step
            && transition.group.values().eq(group)
            && transition.evidence == member.evidence
            && firing.is_told(channel) != Some(false)
    })
}

/// Every firing that a channel gets was named to it once, or is one of those that were counted.
fn check_firings(
    firings: &[Firing<'_>],
    told: &BTreeMap<Channel<'_>, Counts>,
) -> Result<(), String> {
    let nothing = Counts::default();
    let mut expected: BTreeMap<Channel<'_>, (usize, usize)> = BTreeMap::new();
    for firing in firings {
        for (name, why) in &firing.fired.verdict.channels {
            let channel = (firing.fired.partition, &**name);
            let counts = told.get(&channel).unwrap_or(&nothing);
            let times = counts.named.iter().filter(|number| **number == firing.number).count();
            let is_told = firing.is_told(name);
            let may_be_unnamed = is_told.is_none() || counts.all > counts.named.len();
            let is_right = match times {
                0 => is_told == Some(false) || (may_be_unnamed && *why != Why::AtOnce),
                1 => is_told != Some(false),
                _ => false,
            };
            let is_end_right = is_told != Some(false)
                || firing.end.is_none_or(|end| {
                    end.verdict
                        .channels
                        .iter()
                        .all(|(other, end_why)| other != name || *end_why == Why::FiringNotSent)
                });
            if !is_right || !is_end_right {
                return Err(format!(
                    "{channel:?} was told {times} times of {firing:#?}",
                    firing = (firing.fired, firing.end)
                ));
            }
            let (least, most) = expected.entry(channel).or_default();
            *least += usize::from(is_told == Some(true));
            *most += usize::from(is_told != Some(false));
        }
    }
    for (channel, counts) in told {
        let (least, most) = expected.get(channel).copied().unwrap_or_default();
        if !(least..=most).contains(&counts.all) {
            return Err(format!(
                "{channel:?} was told of {}, not of {least} to {most}",
                counts.all
            ));
        }
    }
    Ok(())
}
