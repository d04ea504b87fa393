//! What the settle fold decides: moment by moment, as the watermark passes, and at the end of the input.

use super::windows::{Closing, Published};
use super::{AgendaEntry, Decisions, MetricState, POINTS_PER_SETTLE_MAX, Progress, Settler};
use crate::accumulate::Accumulator;
use crate::calendar::WindowSpan;
use crate::output::{Point, Status};
use crate::time::{Millis, Timestamp};

/// How long names are kept at least: corrections of a shard that was left out can be that old (design, section 3: state
/// remembers at least 8 days).
const NAMES_KEPT_MS: Millis = 8 * 24 * 3_600_000;

impl Settler {
    /// Moves the watermark on to where the shards are, and decides all that lies before it.
    ///
    /// `now` is the clock, for shards that are behind. At [`Progress::More`] it stopped after [`POINTS_PER_SETTLE_MAX`]
    /// points, and the watermark where they end.
    pub fn settle(&mut self, now: Timestamp, decisions: &mut Decisions) -> Progress {
        decisions.increments.append(&mut self.increments);
        let Some(watermark) = self.shards.combined(now) else { return Progress::Done };
        let limit = decisions.points.len() + POINTS_PER_SETTLE_MAX;
        loop {
            let next = self.next_moment(watermark);
            // Journeys go no further than what is decided, so that an entry that ends at its limit ends for them too.
            let until = next.map_or(watermark, |moment| moment.plus(1));
            self.advance_journeys(until.minus(self.plan.timing.allowed_lateness));
            if self.next_moment(watermark) != next {
                continue; // They began a window that is decided earlier.
            }
            let Some(moment) = next else { break };
            self.decide(moment, &mut decisions.points);
            if decisions.points.len() >= limit {
                self.watermark = self.watermark.max(Some(moment.plus(1)));
                return Progress::More;
            }
        }
        self.watermark = self.watermark.max(Some(watermark));
        Progress::Done
    }

    /// The first moment before `end` at which something is decided.
    fn next_moment(&self, end: Timestamp) -> Option<Timestamp> {
        self.agenda.first().map(|&(moment, ..)| moment).filter(|&moment| moment < end)
    }

    /// Ends the input: the clock jumps to `stop`, and all windows that end (for journeys: that are decided) by then are final.
    ///
    /// At [`Progress::More`] it stopped at its limit: end again.
    pub fn finish(&mut self, stop: Timestamp, decisions: &mut Decisions) -> Progress {
        decisions.increments.append(&mut self.increments);
        self.advance_journeys(stop.plus(1));
        let limit = decisions.points.len() + POINTS_PER_SETTLE_MAX;
        while let Some(moment) = self.next_moment(stop) {
            self.decide(moment, &mut decisions.points);
            if decisions.points.len() >= limit {
                return Progress::More;
            }
        }
        self.decide_ended(stop, &mut decisions.points);
        Progress::Done
    }

    /// The windows that are not decided, as they are now; `stop` is where the clock stands.
    pub fn open_points(&self, stop: Timestamp) -> Vec<Point> {
        let mut points = Vec::new();
        for (place, state) in self.metrics.iter().enumerate() {
            for (span, values) in state.windows.look(|start| self.plan.calendar.day(start)) {
                push_points(&mut points, place, span, (Status::Open, stop), values);
            }
        }
        sort(&mut points);
        points
    }

    fn advance_journeys(&mut self, until: Timestamp) {
        let plan = &self.plan;
        for (place, (metric, state)) in plan.metrics.iter().zip(&mut self.metrics).enumerate() {
            let MetricState { windows, journeys: Some(journeys), .. } = state else { continue };
            let agenda = &mut self.agenda;
            journeys.take_before(until, &mut |series, span, event| {
                let (cell, is_new) = windows.cell(series, span);
                if is_new {
                    agenda.insert((plan.final_at(metric, span), place, span.start, Closing::Final));
                }
                if let Accumulator::Journey(cohort) = &mut cell.accumulator {
                    cohort.tell(event);
                }
            });
        }
    }

    /// Decides all that is decided at one moment.
    fn decide(&mut self, moment: Timestamp, points: &mut Vec<Point>) {
        let begin = points.len();
        while let Some(&entry) = self.agenda.first().filter(|&&(first, ..)| first == moment) {
            self.agenda.pop_first();
            self.close(entry, moment, points);
        }
        sort(points.get_mut(begin..).unwrap_or_default());
    }

    /// At the end of the input: decides what would be decided later but has ended by `stop`.
    ///
    /// One after another in the order of their moments, as a watermark that goes on would: closing a window puts the next
    /// one on the agenda for its zeros, and what is known by then decides them.
    fn decide_ended(&mut self, stop: Timestamp, points: &mut Vec<Point>) {
        let begin = points.len();
        // A window is decided `allowed_lateness` after it has ended, and a correction never after `stop`.
        let last = stop.plus(self.plan.timing.allowed_lateness);
        while let Some(&entry) = self.agenda.first().filter(|&&(moment, ..)| moment <= last) {
            self.agenda.pop_first();
            self.close(entry, stop, points);
        }
        sort(points.get_mut(begin..).unwrap_or_default());
    }

    fn close(&mut self, entry: AgendaEntry, decided_at: Timestamp, points: &mut Vec<Point>) {
        let (moment, place, start, closing) = entry;
        let plan = &self.plan;
        let (Some(metric), Some(state)) = (plan.metrics.get(place), self.metrics.get_mut(place))
        else {
            return;
        };
        let span = plan.calendar.window(metric.window, start);
        let day = plan.calendar.day(start);
        let (status, values) = match closing {
            Closing::Final => (Status::Final, state.windows.close(span, day)),
            Closing::Correction => {
                (Status::Correction, state.windows.close_late(moment, start, day))
            }
        };
        push_points(points, place, span, (status, decided_at), values);
        // For corrections, and for what comes in late.
        let window_ms = span.end.as_millis() - start.as_millis();
        let kept_ms = plan.timing.correction_horizon().max(NAMES_KEPT_MS).saturating_add(window_ms);
        state.windows.forget_names_before(plan.calendar.day(start.minus(kept_ms)) - 1);
        if state.windows.awaits_zeros() {
            // The next window that is not decided yet; of a correction that is not its window's successor.
            let after = match closing {
                Closing::Final => span.end,
                Closing::Correction => moment.minus(plan.timing.allowed_lateness),
            };
            let next = plan.calendar.window(metric.window, after);
            self.put_on_agenda(place, next);
        }
    }
}

fn push_points(
    points: &mut Vec<Point>,
    metric: usize,
    span: WindowSpan,
    (status, decided_at): (Status, Timestamp),
    values: Published,
) {
    points.extend(values.into_iter().map(|(series, values)| Point {
        metric,
        series,
        window_start: span.start,
        window_end: span.end,
        status,
        decided_at,
        values,
    }));
}

/// The order of the output among points of one moment: the file's order of metrics, then dimensions, then windows.
fn sort(points: &mut [Point]) {
    points.sort_by(|one, other| {
        let of = |point: &Point| (point.metric, point.window_start, point.status);
        let ((metric, start, status), (other_metric, other_start, other_status)) =
            (of(one), of(other));
        metric
            .cmp(&other_metric)
            .then_with(|| one.series.cmp(&other.series))
            .then_with(|| (start, status).cmp(&(other_start, other_status)))
    });
}
