//! What follows from a metric and the settings together: how old its points are when they are put.
//!
//! CloudWatch refuses what is more than 14 days old, and shows what is more than 3 hours old only hours later. A point
//! is stamped with its window's start, over one hour with its window's last minute. It is put when its window is final:
//! at its end, after the journeys in it had their time, `out_of_order` and `allowed_lateness`.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>

use super::Reader;
use super::metric::{Kind, Outline};
use crate::duration;
use crate::problem::code::Code;
use std::collections::btree_map::{BTreeMap, Entry};
use streamgauge_engine::plan::{LatePolicy, Timing};
use streamgauge_engine::time::Millis;

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

/// Points older than this are refused.
pub(crate) const POINT_AGE_MAX: Millis = 14 * 24 * HOUR;
/// Points older than this are shown late, and are not put again when their fate is unknown.
pub(crate) const POINT_AGE_WARNING: Millis = 3 * HOUR;
/// How long corrections are taken when nothing is deduplicated.
const CORRECTIONS_WITHOUT_HORIZON: Millis = 7 * 24 * HOUR;

impl Reader<'_> {
    /// Checks the age of each metric's points, and that their names differ in Prometheus too.
    pub(crate) fn reach(&mut self, outlines: &[Outline], timing: &Timing) {
        let mut first_of_name = BTreeMap::new();
        for (position, outline) in outlines.iter().enumerate() {
            self.point_age(outline, timing);
            match first_of_name.entry(prometheus_name(&outline.name)) {
                Entry::Vacant(vacant) => {
                    vacant.insert(outline);
                }
                Entry::Occupied(first) => self.name_collision(first.get(), outline),
            }
            for other in outlines.get(..position).unwrap_or_default() {
                self.journey_name(outline, other);
                self.journey_name(other, outline);
            }
        }
    }

    fn point_age(&mut self, outline: &Outline, timing: &Timing) {
        let Some(length) = outline.window_length.filter(|_| outline.window.is_some()) else {
            return;
        };
        let stamp = stamp_to_end(length);
        let age = stamp + outline.within + timing.out_of_order + timing.allowed_lateness;
        // Corrections come until the identity of their events would be forgotten.
        let takes_corrections = !matches!(outline.kind, None | Some(Kind::Unique | Kind::Journey));
        let correction_age = match timing.late {
            LatePolicy::Correct if takes_corrections => {
                stamp
                    + timing
                        .deduplicate
                        .unwrap_or(CORRECTIONS_WITHOUT_HORIZON)
                        .max(timing.allowed_lateness)
            }
            _ => 0,
        };
        let name = &outline.name;
        if age > POINT_AGE_MAX {
            let message = format!(
                "points of `{name}` would be {} old when they are put; CloudWatch refuses what is over 14d old",
                duration::show(age)
            );
            self.findings
                .error(Code::PointTooOld, outline.place, message)
                .hint("lower `window`, `within`, `allowed_lateness` or `out_of_order`");
        } else if correction_age > POINT_AGE_MAX {
            let message = format!(
                "corrections of `{name}` could be {} old when they are put; CloudWatch refuses what is over 14d old",
                duration::show(correction_age)
            );
            self.findings
                .error(Code::PointTooOld, outline.place, message)
                .hint("lower `deduplicate`, or choose `late: drop`");
        } else if age > POINT_AGE_WARNING {
            let message = format!(
                "points of `{name}` will be {} old when they are put; CloudWatch shows what is over 3h old up to 2 days later",
                duration::show(age)
            );
            self.findings.warning(Code::PointOld, outline.place, message).hint(
                "lower `window`, `within`, `allowed_lateness` or `out_of_order`, or live with it",
            );
        }
    }

    fn name_collision(&mut self, first: &Outline, outline: &Outline) {
        let message =
            format!("`{}` and `{}` have the same name in Prometheus", first.name, outline.name);
        self.findings
            .warning(Code::NameCollision, outline.place, message)
            .related(first.place, "the other one")
            .hint("rename one of them if you read metrics from `/metrics`");
    }

    /// A journey gives several names, which no other metric may have.
    fn journey_name(&mut self, journey: &Outline, metric: &Outline) {
        const SUFFIXES: [&str; 5] = [".started", ".finished", ".abandoned", ".open", ".time"];
        let suffix = metric.name.strip_prefix(journey.name.as_str());
        if journey.kind == Some(Kind::Journey)
            && suffix.is_some_and(|suffix| SUFFIXES.contains(&suffix))
        {
            let message = format!(
                "the journey `{}` publishes the name `{}` itself",
                journey.name, metric.name
            );
            self.findings
                .error(Code::DuplicateName, metric.place, message)
                .related(journey.place, "the journey")
                .hint("rename one of them");
        }
    }
}

/// Letters that Prometheus does not allow become `_`.
fn prometheus_name(name: &str) -> String {
    name.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_', "_")
}

/// From a point's timestamp to the end of its window.
fn stamp_to_end(window_length: Millis) -> Millis {
    if window_length > HOUR { MINUTE } else { window_length }
}
