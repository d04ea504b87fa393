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
use std::collections::BTreeMap;
use streamgauge_engine::plan::{LatePolicy, Timing};
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS, Millis};

/// Points older than this are refused.
pub(crate) const POINT_AGE_MAX: Millis = 14 * DAY_MS;
/// Points older than this are shown late, and are not put again when their fate is unknown.
pub(crate) const POINT_AGE_WARNING: Millis = 3 * HOUR_MS;

impl Reader<'_> {
    /// Checks the age of each metric's points, and that their names differ in Prometheus too.
    pub(crate) fn reach(&mut self, outlines: &[Outline], timing: &Timing) {
        let mut names: BTreeMap<&str, &Outline> = BTreeMap::new();
        let mut plain_names: BTreeMap<String, &Outline> = BTreeMap::new();
        for outline in outlines {
            self.point_age(outline, timing);
            names.insert(&outline.name, outline);
            // Letters that Prometheus does not allow become `_`.
            let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let plain = outline.name.replace(|letter: char| !is_allowed(letter), "_");
            if let Some(first) = plain_names.get(&plain) {
                let message = format!(
                    "`{}` and `{}` have the same name in Prometheus",
                    first.name, outline.name
                );
                self.findings
                    .warning(Code::NameCollision, outline.place, message)
                    .related(first.place, "the other one")
                    .hint("rename one of them if you read metrics from `/metrics`");
            }
            plain_names.entry(plain).or_insert(outline);
        }
        for journey in outlines.iter().filter(|outline| outline.kind == Some(Kind::Journey)) {
            self.journey_names(journey, &names);
        }
    }

    /// A journey publishes several names.
    fn journey_names(&mut self, journey: &Outline, names: &BTreeMap<&str, &Outline>) {
        for suffix in ["started", "finished", "abandoned", "open", "time"] {
            let name = format!("{}.{suffix}", journey.name);
            if let Some(metric) = names.get(name.as_str()) {
                let message =
                    format!("the journey `{}` publishes the name `{name}` itself", journey.name);
                self.findings
                    .error(Code::DuplicateName, metric.place, message)
                    .related(journey.place, "the journey")
                    .hint("rename one of them");
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
                stamp + timing.correction_horizon().max(timing.allowed_lateness)
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
}

/// From a point's timestamp to the end of its window.
fn stamp_to_end(window_length: Millis) -> Millis {
    if window_length > HOUR_MS { MINUTE_MS } else { window_length }
}
