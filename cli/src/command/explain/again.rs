//! What was recorded, folded again, and whether that is the same.

use super::points::{Explained, Point};
use super::stack::Stack;
use super::told::{Recomputed, Recorded, Told};
use super::wanted::Found;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use streamgauge_dev::rules::AnnouncedRules;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::transition::{Evidence, Transition};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::Version;
use streamgauge_pipeline::render::numbers;
use streamgauge_pipeline::settle::again::{Again, Outcome, fold};

/// What became of the entries, or why nothing did.
type Outcomes = Result<BTreeMap<Version, Outcome>, String>;

/// Folds the entries of transitions again.
pub(super) async fn transitions<S: Stack>(stack: &S, partitions: u8, found: &mut Found) {
    let outcomes = outcomes(stack, partitions, found.told.iter().filter_map(Told::recorded)).await;
    for told in &mut found.told {
        let differences = |again: &Again| differences(told, again);
        let judged = told.recorded().map(|one| judged(&outcomes, one, differences));
        if let (Some(recorded), Some(judged)) = (told.recorded_mut(), judged) {
            recorded.recomputed = judged;
        }
    }
}

/// Folds the entries of points again.
pub(super) async fn points<S: Stack>(stack: &S, partitions: u8, explained: &mut [Explained]) {
    let all = explained.iter().flat_map(|one| &one.points);
    let outcomes = outcomes(stack, partitions, all.filter_map(Point::recorded)).await;
    for one in explained {
        let judgements = one.points.iter().map(|point| {
            let differences = |again: &Again| {
                let missing = "the entry decides no such point".to_owned();
                if has_point(again, one, point) { Vec::new() } else { vec![missing] }
            };
            point.recorded().map(|recorded| judged(&outcomes, recorded, differences))
        });
        let judgements: Vec<_> = judgements.collect();
        for (point, judged) in one.points.iter_mut().zip(judgements) {
            if let (Some(recorded), Some(judged)) = (point.recorded_mut(), judged) {
                recorded.recomputed = judged;
            }
        }
    }
}

/// Whether an entry that was folded again decides a point with these numbers.
fn has_point(again: &Again, explained: &Explained, point: &Point) -> bool {
    again.points.points.iter().any(|found| {
        let place = usize::try_from(found.metric).ok();
        let metric = place.and_then(|place| again.points.metrics.get(place));
        metric.is_some_and(|metric| metric.name == explained.metric)
            && found.series == explained.series
            && (found.window_start, found.window_end) == explained.window
            && numbers(&found.values, super::points::STATUS) == point.numbers
    })
}

async fn outcomes<'r, S: Stack>(
    stack: &S,
    partitions: u8,
    recorded: impl Iterator<Item = &'r Recorded>,
) -> BTreeMap<Partition, Outcomes> {
    let mut wanted: BTreeMap<Partition, BTreeSet<Version>> = BTreeMap::new();
    for one in recorded {
        wanted.entry(one.partition).or_default().insert(one.version);
    }
    let mut outcomes = BTreeMap::new();
    for (partition, versions) in wanted {
        let past = (stack.log(), stack.snapshots(), &AnnouncedRules);
        let folded = fold(past, partition, partitions, &versions).await;
        outcomes.insert(partition, folded.map_err(|error| chain(&error)));
    }
    outcomes
}

/// An error with all that it was caused by.
fn chain(error: &dyn Error) -> String {
    let chain = std::iter::successors(Some(error), |&cause| cause.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn judged(
    outcomes: &BTreeMap<Partition, Outcomes>,
    recorded: &Recorded,
    differences: impl FnOnce(&Again) -> Vec<String>,
) -> Recomputed {
    match outcomes.get(&recorded.partition) {
        Some(Err(why)) => Recomputed::Failed(format!("could not be folded again: {why}")),
        Some(Ok(outcomes)) => match outcomes.get(&recorded.version) {
            Some(Outcome::Folded { from, again }) => {
                let differences = differences(again);
                if differences.is_empty() {
                    Recomputed::Same(*from)
                } else {
                    Recomputed::Differs(differences)
                }
            }
            Some(Outcome::OutOfReach(missing)) => Recomputed::OutOfReach(missing.clone()),
            None => Recomputed::No,
        },
        None => Recomputed::No,
    }
}

/// What is not as it was recorded.
fn differences(told: &Told, again: &Again) -> Vec<String> {
    let Transition { step, group, kind, at, .. } = &told.transition;
    let same = again.record.transitions.iter().find(|(other, _)| {
        let alert = again.record.alerts.get(other.alert);
        // While rules change, two plans may have alerts of this name.
        alert
            .is_some_and(|alert| (&alert.name, &alert.plan) == (&told.alert.name, &told.alert.plan))
            && (&other.step, &other.group, &other.kind, &other.at) == (step, group, kind, at)
    });
    let Some((transition, verdict)) = same else {
        return vec!["the entry decides no such transition".to_owned()];
    };
    let pairs = facts(&told.transition, &told.verdict).into_iter().zip(facts(transition, verdict));
    let different = pairs.filter(|(recorded, now)| recorded != now);
    let sentence =
        |((name, recorded), (_, now))| format!("{name} is {now}, recorded is {recorded}");
    different.map(sentence).collect()
}

/// What a transition says, each with its name.
fn facts(transition: &Transition, verdict: &Verdict) -> Vec<(&'static str, String)> {
    let Evidence { from, until, value, threshold, volume, events, ids, late, .. } =
        &transition.evidence;
    let Evidence { duplicates, watermark, course, .. } = &transition.evidence;
    let none = || "none".to_owned();
    vec![
        ("the reason", transition.reason.as_str().to_owned()),
        ("the episode", transition.episode.to_string()),
        ("what it covers", format!("({from}, {until}]")),
        ("the value", value.map_or_else(none, |value| value.to_string())),
        ("the threshold", threshold.map_or_else(none, |threshold| threshold.to_string())),
        ("the volume", volume.map_or_else(none, |volume| volume.to_string())),
        ("the number of events", events.to_string()),
        ("the list of ids", ids.join(" ")),
        ("the number of events behind the watermark", late.to_string()),
        ("the number of copies", duplicates.to_string()),
        ("the watermark", watermark.map_or_else(none, |watermark| watermark.to_string())),
        ("the course", format!("{course:?}")),
        ("whether it is sent", format!("{} {:?}", verdict.why, verdict.channels)),
    ]
}
