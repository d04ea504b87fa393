//! From which watermark on taking a delta decides something.
//!
//! Until then it may wait: a settle that decides nothing needs no entry.

use streamgauge_engine::alert::Alert;
use streamgauge_engine::delta::Delta;
use streamgauge_engine::plan::{MetricKind, Plan};
use streamgauge_engine::time::Timestamp;

/// The earliest watermark there is.
const AT_ONCE: Timestamp = Timestamp::EPOCH;

/// The watermark from which on a delta decides something: the first moment at which a window that it adds to is final, or at
/// which an alert can look at what it brings; at once where it brings what is published as it comes.
pub(super) fn due(plan: &Plan, delta: &Delta) -> Option<Timestamp> {
    if !delta.late.is_empty() || !delta.beginnings.is_empty() {
        return Some(AT_ONCE);
    }
    let partials = delta.partials.iter().map(|partial| (partial.series, partial.window));
    let steps = delta.steps.iter().map(|step| (step.series, step.window));
    let moments = partials.chain(steps).filter_map(|(series, window)| {
        let (series, span) = delta.names.resolve(series, window)?;
        let metric = plan.metrics.get(series.metric)?;
        let is_live = metric.live && !matches!(metric.kind, MetricKind::Journey { .. });
        Some(if is_live { AT_ONCE } else { plan.final_at(metric, span) })
    });
    moments.chain(heard_at(plan, delta)).min()
}

/// The watermarks from which on alerts look at what they hear: when it is past the moment. A step that is tested early looks at once.
fn heard_at(plan: &Plan, delta: &Delta) -> impl Iterator<Item = Timestamp> {
    let hurries = |alert: &&Alert| alert.steps.iter().any(|step| step.early);
    let early: Vec<usize> = plan.alerts.iter().filter(hurries).map(|alert| alert.metric).collect();
    let lateness = plan.timing.allowed_lateness;
    let samples = delta
        .samples
        .iter()
        .map(|sample| (sample.series, sample.overdue.unwrap_or(sample.event.time)));
    let slices =
        delta.slices.iter().map(|slice| (slice.series, slice.overdue.unwrap_or(slice.until)));
    let steps = delta.steps.iter().filter(|step| step.id.is_some());
    let steps = steps.map(move |step| (step.series, step.time.plus(lateness)));
    samples.chain(slices).chain(steps).map(move |(series, moment)| {
        let series = usize::try_from(series).ok().and_then(|place| delta.names.series.get(place));
        if series.is_some_and(|series| early.contains(&series.metric)) {
            AT_ONCE
        } else {
            moment.plus(1)
        }
    })
}

#[cfg(test)]
mod tests;
