//! What a report keeps of a run: as much as the page holds, the newest.
//!
//! Where that is too much, the metric with most of it gives away its oldest windows, whole ones: of a window without its final point, or
//! without some of its series, the page would show a wrong number. What comes for such a window later is left out as well.

use crate::words::widen;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use streamgauge_dev::page::{
    LeftOut, SERIES_MAX, Source, TRANSITIONS_MAX, WINDOWS_MAX, pending_ms,
};
use streamgauge_engine::output::Point;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::{OTHER, SeriesKey};
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::{Transition, TransitionKind};

/// How many bytes of points: long names of series are kept for fewer windows, and a browser opens the file in seconds.
const POINTS_BYTES_MAX: usize = 64 << 20;
/// How many bytes of transitions, whose evidence may be long.
const TRANSITIONS_BYTES_MAX: usize = 8 << 20;

/// How much is kept at most.
#[derive(Clone, Copy, Debug)]
struct Limits {
    points: usize,
    points_bytes: usize,
    series: usize,
    transitions: usize,
    transitions_bytes: usize,
}

/// A line, and which one it is of the whole output.
#[derive(Debug)]
struct Line {
    number: u64,
    window_end: Timestamp,
    text: Box<[u8]>,
}

/// What is kept of a metric, in the order of the output.
#[derive(Debug, Default)]
struct Metric {
    lines: VecDeque<Line>,
    bytes: usize,
    series: BTreeSet<Arc<SeriesKey>>,
}

impl Metric {
    /// Lets the windows go that end no later than those of its first lines, and says until when that is.
    fn forget(&mut self, lines: usize, until: &mut Option<Timestamp>) {
        let first = self.lines.iter().take(lines);
        let end = first.map(|line| line.window_end).max().max(*until);
        self.lines.retain(|line| Some(line.window_end) > end);
        self.bytes = self.lines.iter().map(|line| line.text.len()).sum();
        *until = end;
    }
}

/// A step of an alert for a group.
type Incident = (usize, usize, Arc<SeriesKey>);

/// The number of a line, since when it says that something is pending, and the line.
type Active = (u64, Option<Timestamp>, Arc<[u8]>);

/// What is kept.
#[derive(Debug)]
pub(super) struct Kept {
    limits: Limits,
    /// How many lines there were.
    count: u64,
    metrics: Vec<Metric>,
    /// How many lines of points are kept.
    held: usize,
    /// Their bytes.
    bytes: usize,
    left_out: Vec<LeftOut>,
    transitions: VecDeque<(u64, Arc<[u8]>)>,
    transitions_bytes: usize,
    transitions_left_out: u64,
    /// What is pending or fires.
    active: BTreeMap<Incident, Active>,
}

impl Kept {
    /// Nothing yet, of so many metrics.
    pub(super) fn new(metrics: usize) -> Self {
        let limits = Limits {
            points: WINDOWS_MAX,
            points_bytes: POINTS_BYTES_MAX,
            series: SERIES_MAX,
            transitions: TRANSITIONS_MAX,
            transitions_bytes: TRANSITIONS_BYTES_MAX,
        };
        Self::within(limits, metrics)
    }

    fn within(limits: Limits, metrics: usize) -> Self {
        Self {
            limits,
            count: 0,
            metrics: std::iter::repeat_with(Metric::default).take(metrics).collect(),
            held: 0,
            bytes: 0,
            left_out: vec![LeftOut::default(); metrics],
            transitions: VecDeque::new(),
            transitions_bytes: 0,
            transitions_left_out: 0,
            active: BTreeMap::new(),
        }
    }

    /// Takes a point and its line.
    pub(super) fn point(&mut self, point: &Point, line: Vec<u8>) {
        self.count += 1;
        let places = (self.metrics.get_mut(point.metric), self.left_out.get_mut(point.metric));
        let (Some(metric), Some(left_out)) = places else { return };
        if left_out.until.is_some_and(|until| point.window_end <= until) {
            left_out.points += 1;
            return;
        }
        if !metric.series.contains(&point.series) {
            // What is over the cap of the rules is one series, without which totals would be wrong.
            let is_other = point.series.values().next() == Some(OTHER);
            if metric.series.len() >= self.limits.series && !is_other {
                left_out.of_series += 1;
                return;
            }
            metric.series.insert(Arc::clone(&point.series));
        }
        self.held += 1;
        self.bytes += line.len();
        metric.bytes += line.len();
        metric.lines.push_back(Line {
            number: self.count,
            window_end: point.window_end,
            text: line.into_boxed_slice(),
        });
        self.shrink();
    }

    /// Takes a transition and its line.
    pub(super) fn transition(&mut self, transition: &Transition, line: Vec<u8>) {
        self.count += 1;
        let line: Arc<[u8]> = line.into();
        let incident = (transition.alert, transition.step, Arc::clone(&transition.group));
        if transition.kind == TransitionKind::Resolved {
            self.active.remove(&incident);
        } else {
            let pending = (transition.kind == TransitionKind::Pending).then_some(transition.at);
            self.active.insert(incident, (self.count, pending, Arc::clone(&line)));
        }
        self.transitions_bytes += line.len();
        self.transitions.push_back((self.count, line));
        while self.transitions.len() > self.limits.transitions
            || self.transitions_bytes > self.limits.transitions_bytes
        {
            let Some((_, gone)) = self.transitions.pop_front() else { return };
            self.transitions_bytes -= gone.len();
            self.transitions_left_out += 1;
        }
    }

    /// Makes room: the metric with most of what is too much gives a tenth of its lines.
    fn shrink(&mut self) {
        loop {
            let size: fn(&Metric) -> usize = if self.held > self.limits.points {
                |metric| metric.lines.len()
            } else if self.bytes > self.limits.points_bytes {
                |metric| metric.bytes
            } else {
                return;
            };
            let both = self.metrics.iter_mut().zip(&mut self.left_out);
            let Some((metric, left_out)) = both.max_by_key(|(metric, _)| size(metric)) else {
                return;
            };
            let (lines, bytes) = (metric.lines.len(), metric.bytes);
            metric.forget(lines.div_ceil(10), &mut left_out.until);
            left_out.points += widen(lines - metric.lines.len());
            self.held -= lines - metric.lines.len();
            self.bytes -= bytes - metric.bytes;
        }
    }

    /// What is not kept, by metric.
    pub(super) fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// How many transitions are not kept.
    pub(super) fn transitions_left_out(&self) -> u64 {
        self.transitions_left_out
    }

    /// The lines of points and transitions in the order of the output.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let points = self.metrics.iter().flat_map(|metric| &metric.lines);
        let points = points.map(|line| (line.number, &*line.text));
        let transitions = self.transitions.iter().map(|(number, line)| (*number, &**line));
        let mut lines: Vec<_> = points.chain(transitions).collect();
        lines.sort_unstable_by_key(|(number, _)| *number);
        lines.into_iter().map(|(_, line)| line)
    }

    /// The lines of what is pending or fires at the end, the newest. What was pending and should have fired by then is over: that is told of
    /// nothing that is only pending.
    pub(super) fn active<'k>(
        &'k self,
        plan: &Plan,
        end: Timestamp,
    ) -> impl Iterator<Item = &'k [u8]> + use<'k> {
        let is_there = |(incident, active): &(&Incident, &Active)| {
            let (alert, step) = (incident.0, incident.1);
            let wait = plan.alerts.get(alert).and_then(|alert| {
                Some(pending_ms(plan, alert, alert.steps.get(step)?, Source::Itself))
            });
            active.1.is_none_or(|since| since.plus(wait.unwrap_or_default()) >= end)
        };
        let active = self.active.iter().filter(is_there);
        let mut active: Vec<_> = active.map(|(_, active)| active).collect();
        active.sort_unstable_by_key(|(number, ..)| *number);
        let older = active.len().saturating_sub(self.limits.transitions);
        active.into_iter().skip(older).map(|(.., line)| &**line)
    }
}

#[cfg(test)]
mod tests;
