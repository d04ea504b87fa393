//! The evidence for a transition: what its condition saw.

use super::group::Group;
use super::part::Part;
use super::rule::{Look, PartKind, Rule};
use super::slices::{Slices, last_end};
use super::value::Value;
use crate::alert::{Aggregate, SLICES};
use crate::decimal::Decimal;
use crate::newest::Newest;
use crate::plan::MetricKind;
use crate::time::{Millis, Timestamp};
use crate::transition::Evidence;
use std::sync::Arc;

impl Group {
    /// What a condition saw of the group at a moment.
    pub(super) fn evidence(
        &mut self,
        rule: &Rule,
        look: &Look,
        kind: &MetricKind,
        at: Timestamp,
    ) -> Evidence {
        let reading = self.reading(rule, look, kind, at);
        let mut evidence = Evidence {
            from: at.minus(look.length_ms),
            until: at,
            value: reading.value.map(Value::rounded),
            threshold: look.test.map(|(_, threshold)| threshold),
            volume: reading.volume,
            events: reading.events,
            watermark: Some(at.plus(rule.lag_ms).plus(1)),
            ..Evidence::default()
        };
        let Some(place) = look.part else { return evidence };
        match (self.parts.get(place), rule.parts.get(place)) {
            (Some(Part::Exact(exact)), _) => {
                let covers = |time: Timestamp| evidence.from < time && time <= at;
                evidence.ids = ids(&exact.newest, covers);
                if let Some(rare) = &exact.rare {
                    evidence.late = rare.late.count(evidence.from, at);
                    evidence.duplicates = rare.copies.count(evidence.from, at);
                }
                evidence.course = (0..SLICES)
                    .map(|slice| {
                        let end =
                            |number: Millis| evidence.from.plus(look.length_ms * number / SLICES);
                        let events = exact.times.count(end(slice), end(slice + 1));
                        (events > 0).then(|| Value::count(events).rounded())
                    })
                    .collect();
            }
            (Some(Part::Slices(slices)), Some(&PartKind::Slices { slice_ms, .. })) => {
                evidence.until = last_end(at, slice_ms);
                evidence.from = evidence.until.minus(look.length_ms);
                tell_slices(&mut evidence, slices, look.aggregate, slice_ms);
            }
            (Some(Part::Window(Some(point))), _) => {
                evidence.from = point.span.start;
                evidence.until = point.span.end;
                evidence.ids = ids(&point.newest, |_| true);
            }
            (Some(Part::Open(open)), _) => {
                let mut newest = Newest::default();
                for start in open.iter().rev().take(crate::transition::EVIDENCE_IDS_MAX) {
                    newest.add(start.clone());
                }
                evidence.from = open.first().map_or(at, |start| start.time.minus(1));
                evidence.ids = ids(&newest, |_| true);
            }
            _ => {}
        }
        // Journeys are told when their time is over; what is covered are their starts.
        evidence.from = evidence.from.minus(look.behind_ms);
        evidence.until = evidence.until.minus(look.behind_ms);
        evidence
    }
}

/// What slices tell beside their value.
fn tell_slices(evidence: &mut Evidence, slices: &Slices, aggregate: Aggregate, slice_ms: Millis) {
    let mut newest = Newest::default();
    for slice in slices.covered(evidence.until) {
        newest.merge(&slice.newest);
        evidence.late += slice.late;
    }
    evidence.ids = ids(&newest, |_| true);
    evidence.duplicates = slices.copies.count(evidence.from, evidence.until);
    evidence.course = (1..=SLICES)
        .map(|slice| evidence.from.plus(slice * slice_ms))
        .map(|until| -> Option<Decimal> {
            let slice = slices.held.iter().find(|slice| slice.until == until)?;
            Value::of(&slice.accumulator, aggregate).map(Value::rounded)
        })
        .collect();
}

fn ids(newest: &Newest, covers: impl Fn(Timestamp) -> bool) -> Vec<Arc<str>> {
    let covered = newest.events().iter().filter(|event| covers(event.time));
    covered.map(|event| Arc::clone(&event.id)).collect()
}
