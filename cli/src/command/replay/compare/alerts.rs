//! The transitions of two runs, as far as they are not at the same time.
//!
//! A transition is the same in both if alert, step, group, kind and time are; it is *changed* if it is told on one side only.
//! What is left of the two sides between two that are the same is paired in its order: *earlier* or *later* with the second rules. What
//! has no partner is *gone* or *new*.

use super::differences::{Side, TooMany};
use crate::table::{self, Align};
use std::collections::{BTreeMap, BTreeSet};
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;
use streamgauge_pipeline::render::Renderer;

/// Transitions that are held, some 500 bytes each.
const TRANSITIONS_MAX: usize = 1_000_000;

/// The ids of events that a row shows.
const IDS_SHOWN: usize = 3;

/// Whose transitions are compared with each other, by the names of the rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    alert: String,
    step: String,
    /// As JSON, names and values.
    group: String,
    transition: &'static str,
}

/// A transition of one side.
#[derive(Clone, Debug)]
struct Held {
    at: Timestamp,
    sent: bool,
    /// The newest ids of its evidence.
    ids: String,
    /// The line of the output, without its end.
    json: Vec<u8>,
}

/// A transition on both sides, as far as it is there.
#[derive(Clone, Debug)]
struct Difference<'h> {
    key: &'h Key,
    before: Option<&'h Held>,
    after: Option<&'h Held>,
}

impl Difference<'_> {
    fn change(&self) -> &'static str {
        match (self.before, self.after) {
            (None, _) => "new",
            (Some(_), None) => "gone",
            (Some(before), Some(after)) if after.at < before.at => "earlier",
            (Some(before), Some(after)) if after.at > before.at => "later",
            (Some(_), Some(_)) => "changed",
        }
    }

    fn at(&self) -> Option<Timestamp> {
        [self.before, self.after].into_iter().flatten().map(|held| held.at).min()
    }
}

/// How many transitions differ, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AlertCounts {
    new: u64,
    gone: u64,
    earlier: u64,
    later: u64,
    changed: u64,
    same: u64,
}

impl AlertCounts {
    /// Whether there is any difference.
    pub(super) fn differ(&self) -> bool {
        self.new + self.gone + self.earlier + self.later + self.changed > 0
    }

    /// `1 new, 0 gone, 2 earlier, 0 later, 0 changed, 3 the same`
    pub(super) fn sentence(&self) -> String {
        let Self { new, gone, earlier, later, changed, same } = self;
        format!(
            "{new} new, {gone} gone, {earlier} earlier, {later} later, {changed} changed, {same} the same"
        )
    }

    /// As a JSON object.
    pub(super) fn json(&self) -> String {
        let Self { new, gone, earlier, later, changed, same } = self;
        format!(
            r#"{{"new":{new},"gone":{gone},"earlier":{earlier},"later":{later},"changed":{changed},"same":{same}}}"#
        )
    }
}

/// The transitions of both sides.
#[derive(Debug, Default)]
pub(super) struct Transitions {
    held: BTreeMap<Key, [Vec<Held>; 2]>,
    count: usize,
}

impl Transitions {
    /// A transition of one side.
    pub(super) fn add(
        &mut self,
        (side, plan, renderer): (Side, &Plan, &Renderer),
        transition: &Transition,
        verdict: &Verdict,
    ) -> Result<(), TooMany> {
        if self.count >= TRANSITIONS_MAX {
            let text = format!("more than {TRANSITIONS_MAX} transitions have to be held");
            return Err(TooMany(text));
        }
        self.count += 1;
        let Some(alert) = plan.alerts.get(transition.alert) else { return Ok(()) };
        let step = alert.steps.get(transition.step).and_then(|step| step.name.clone());
        let mut group = Vec::new();
        renderer.group(transition, &mut group);
        let key = Key {
            alert: alert.name.clone(),
            step: step.unwrap_or_default(),
            group: String::from_utf8_lossy(&group).into_owned(),
            transition: transition.kind.as_str(),
        };
        let mut json = Vec::new();
        renderer.alert_json(transition, verdict, &mut json);
        json.pop(); // its line end
        let ids = &transition.evidence.ids;
        let newest = ids.get(ids.len().saturating_sub(IDS_SHOWN)..).unwrap_or_default();
        let held = Held { at: transition.at, sent: verdict.sent, ids: newest.join(" "), json };
        let [before, after] = self.held.entry(key).or_default();
        if side == Side::Before { before } else { after }.push(held);
        Ok(())
    }

    /// All that differs, in the order of event time, and how much does.
    fn differences(&self) -> (Vec<Difference<'_>>, AlertCounts) {
        let mut counts = AlertCounts::default();
        let mut found = Vec::new();
        for (key, [before, after]) in &self.held {
            let times = |held: &[Held]| held.iter().map(|held| held.at).collect::<BTreeSet<_>>();
            let common: Vec<_> = times(before).intersection(&times(after)).copied().collect();
            let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
            // What lies before each common time, then that time itself; last what lies behind all of them.
            for end in common.into_iter().map(Some).chain([None]) {
                let is_in_gap = |held: &&Held| end.is_none_or(|end| held.at < end);
                loop {
                    let pair = (before.next_if(is_in_gap), after.next_if(is_in_gap));
                    let (None, None) = pair else {
                        found.push(Difference { key, before: pair.0, after: pair.1 });
                        continue;
                    };
                    break;
                }
                if let (Some(_), Some(one), Some(other)) = (end, before.next(), after.next()) {
                    if one.sent == other.sent {
                        counts.same += 1;
                    } else {
                        found.push(Difference { key, before: Some(one), after: Some(other) });
                    }
                }
            }
        }
        // The sort is stable, so those of one time stay in the order of their names.
        found.sort_by_key(Difference::at);
        for difference in &found {
            *match difference.change() {
                "new" => &mut counts.new,
                "gone" => &mut counts.gone,
                "earlier" => &mut counts.earlier,
                "later" => &mut counts.later,
                _ => &mut counts.changed,
            } += 1;
        }
        (found, counts)
    }

    /// How many are new, gone, earlier, later, changed and the same.
    pub(super) fn counts(&self) -> AlertCounts {
        self.differences().1
    }

    /// Appends one object per difference.
    pub(super) fn json(&self, out: &mut Vec<u8>) {
        for difference in self.differences().0 {
            let change = difference.change();
            out.extend_from_slice(
                format!(r#"{{"kind":"difference","change":"{change}""#).as_bytes(),
            );
            for (name, held) in [("before", difference.before), ("after", difference.after)] {
                if let Some(held) = held {
                    out.extend_from_slice(format!(r#","{name}":"#).as_bytes());
                    out.extend_from_slice(&held.json);
                }
            }
            out.extend_from_slice(b"}\n");
        }
    }

    /// The first differences as a table; empty if there are none.
    pub(super) fn table(&self, limit: usize) -> String {
        let (found, _) = self.differences();
        if found.is_empty() {
            return String::new();
        }
        let names = ["change", "alert", "step", "group", "transition", "before", "after", "events"];
        let columns = names.map(|name| (name.to_owned(), Align::Left));
        let side = |held: Option<&Held>| match held {
            Some(held) if held.sent => held.at.to_string(),
            Some(held) => format!("{} not sent", held.at),
            None => String::new(),
        };
        let rows = found.iter().take(limit).map(|difference| {
            let Key { alert, step, group, transition } = difference.key;
            let ids = difference.after.or(difference.before).map(|held| held.ids.clone());
            vec![
                difference.change().to_owned(),
                alert.clone(),
                step.clone(),
                group.clone(),
                (*transition).to_owned(),
                side(difference.before),
                side(difference.after),
                ids.unwrap_or_default(),
            ]
        });
        let mut text = table::lines(&columns, rows.collect(), 0);
        text.push_str(&super::differences::hidden(found.len(), limit));
        text
    }
}
