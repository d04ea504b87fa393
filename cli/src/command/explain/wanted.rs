//! Which transitions are wanted, and those that were found.

use super::told::Told;
use crate::arguments::ExplainArguments;
use crate::exit::Failure;
use crate::words::counted;
use crate::{moment, style};
use std::collections::{BTreeMap, VecDeque};
use streamgauge_engine::notification::Member;
use streamgauge_engine::time::{DAY_MS, Timestamp};
use streamgauge_engine::transition::Transition;
use streamgauge_pipeline::alert_record::RecordedAlert;

/// How many steps and groups are named if nothing was found.
const SEEN_SHOWN_MAX: usize = 10;
/// How many are remembered for that.
const SEEN_MAX: usize = 10_000;

/// The times that events have, in milliseconds: from the second day of 1970, so that the number of a repeat is none, to 2200.
const EPISODES_MS: std::ops::Range<i64> = DAY_MS..7_258_118_400_000;

/// Which transitions are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Of the incident with this key, or of a notification with this id.
    pub(super) key: Option<String>,
    /// Those that these members of a notification tell of; then the key is not that of an incident.
    pub(super) members: Option<Vec<Member>>,
    alert: Option<String>,
    step: Option<String>,
    group: Vec<(String, String)>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Wanted {
    /// What was asked for.
    pub(super) fn new(arguments: &ExplainArguments) -> Result<Self, Failure> {
        let which = &arguments.which;
        let time = |text: &Option<String>, option| {
            text.as_deref().map(|text| moment::parse(text, option)).transpose()
        };
        let at = time(&which.at, "--at")?;
        Ok(Self {
            key: arguments.key.as_deref().map(|key| key.trim().to_owned()),
            members: None,
            alert: which.alert.clone(),
            step: which.step.clone(),
            group: which.group.clone(),
            from: at.or(time(&which.from, "--from")?),
            to: at.or(time(&which.to, "--to")?),
        })
    }

    /// Whether an alert of this name can have any.
    pub(super) fn wants_alert(&self, name: &str) -> bool {
        self.alert.as_deref().is_none_or(|alert| alert == name)
    }

    /// Whether a transition is wanted.
    pub(super) fn wants(&self, alert: &RecordedAlert, transition: &Transition) -> bool {
        let step = alert.step(transition).and_then(|step| step.name.as_deref());
        self.wants_alert(&alert.name)
            && self.step.as_deref().is_none_or(|wanted| step == Some(wanted))
            && has_all(alert.group(transition), &self.group)
            && self.from.is_none_or(|from| transition.at >= from)
            && self.to.is_none_or(|to| transition.at <= to)
            && match (&self.members, &self.key) {
                (Some(members), _) => {
                    members.iter().any(|member| tells_of(member, alert, transition))
                }
                (None, Some(key)) => names(key, &alert.key(transition)),
                (None, None) => true,
            }
    }

    /// Nothing that is wanted was recorded by a clock before this.
    pub(super) fn recorded_from(&self) -> Option<Timestamp> {
        let episode = || {
            let mut parts = self.key.as_deref()?.split('/').rev();
            // After it stand a hash, and in an id the action and another hash.
            let millis = |part: &str| part.parse().ok().filter(|ms| EPISODES_MS.contains(ms));
            parts.find_map(millis).map(Timestamp::from_millis)
        };
        self.from.or_else(episode)
    }
}

/// Whether what somebody pasted names this incident, or one of its notifications.
pub(super) fn names(pasted: &str, key: &str) -> bool {
    pasted.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether all of these names and values are among those.
pub(super) fn has_all<'p>(
    pairs: impl Iterator<Item = (&'p str, &'p str)>,
    wanted: &[(String, String)],
) -> bool {
    let pairs: Vec<_> = pairs.collect();
    wanted.iter().all(|(name, value)| pairs.contains(&(name.as_str(), value.as_str())))
}

/// Whether a member of a notification tells of a transition. What it was decided by names the moment; its ids may be left out.
pub(super) fn tells_of(member: &Member, alert: &RecordedAlert, transition: &Transition) -> bool {
    let evidence = &transition.evidence;
    let step = alert.step(transition).and_then(|step| step.name.as_ref());
    let group = member.group.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    member.alert == alert.name
        && member.step.as_ref() == step
        && alert.group(transition).eq(group)
        && (member.evidence.from, member.evidence.until) == (evidence.from, evidence.until)
        && member.evidence.value == evidence.value
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// The newest, in the order of the log or of the output.
    pub(super) told: VecDeque<Told>,
    /// How many were wanted.
    pub(super) total: u64,
    limit: usize,
    seen: BTreeMap<String, (u64, Timestamp)>,
    between: Option<(Timestamp, Timestamp)>,
}

impl Found {
    /// So many are kept; 0 is no limit.
    pub(super) fn new(limit: usize) -> Self {
        let limit = if limit == 0 { usize::MAX } else { limit };
        Self { told: VecDeque::new(), total: 0, limit, seen: BTreeMap::new(), between: None }
    }

    /// A transition was there, wanted or not.
    pub(super) fn see(&mut self, alert: &RecordedAlert, transition: &Transition) {
        let at = transition.at;
        let (from, to) = self.between.unwrap_or((at, at));
        self.between = Some((from.min(at), to.max(at)));
        let name = Told::title(alert, transition);
        if self.seen.len() < SEEN_MAX || self.seen.contains_key(&name) {
            let (count, last) = self.seen.entry(name).or_insert((0, at));
            *count += 1;
            *last = at.max(*last);
        }
    }

    /// One that is wanted.
    pub(super) fn push(&mut self, told: Told) {
        self.total += 1;
        if self.told.len() >= self.limit {
            self.told.pop_front();
        }
        self.told.push_back(told);
    }

    /// What there is instead of what is wanted.
    pub(super) fn instead(&self) -> String {
        let Some((from, to)) = self.between else {
            return "no alert has done anything there".to_owned();
        };
        let mut text = format!("there are transitions from {from} to {to}:");
        let mut newest: Vec<_> = self.seen.iter().collect();
        newest.sort_by_key(|(_, (_, last))| std::cmp::Reverse(*last));
        for (name, (count, last)) in newest.iter().take(SEEN_SHOWN_MAX) {
            let transitions = counted(*count, "transition");
            let name = style::printable(name);
            style::push(&mut text, format_args!("\n  {name}: {transitions}, the last at {last}"));
        }
        let hidden = newest.len().saturating_sub(SEEN_SHOWN_MAX);
        if hidden > 0 {
            style::push(&mut text, format_args!("\n  and {hidden} more"));
        }
        text
    }
}
