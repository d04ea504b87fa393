//! What the settle fold decides: moment by moment, as the watermark passes, and at the end of the input.

use super::journeys::Journeys;
use super::portion::{OUTPUT_BYTES_MAX, Portion};
use super::windows::{Cell, Closing, Published};
use super::{AgendaEntry, Decisions, MetricState, Progress, Settler, held};
use crate::accumulate::{Accumulator, JourneyEvent};
use crate::calendar::WindowSpan;
use crate::evaluate::{Evaluator, WindowEntry};
use crate::hash::Set;
use crate::newest::Newest;
use crate::output::{Point, Status};
use crate::series::SeriesKey;
use crate::time::{DAY_MS, Millis, Timestamp};
use std::sync::Arc;

/// Alerts are decided in steps of so much time: what one step tells may be over the portion.
const STRIDE_MS: Millis = 1_024;

/// How long names are kept at least: corrections of a shard that was left out can be that old, because a shard's log is
/// kept for at least 8 days.
const NAMES_KEPT_MS: Millis = 8 * DAY_MS;

impl Settler {
    /// Decides all that lies before the watermark, which becomes the place of what is taken next; it never goes back.
    ///
    /// At [`Progress::More`] the outputs reached [`OUTPUT_BYTES_MAX`], and the settler's watermark is
    /// where they end. At [`Timestamp::EPOCH`], before which no window ends, it only hands out what waits for that.
    pub fn settle(&mut self, watermark: Timestamp, decisions: &mut Decisions) -> Progress {
        self.settle_within(watermark, Portion::of(OUTPUT_BYTES_MAX), decisions)
    }

    /// [`settle`](Self::settle), with outputs that fill one portion at most.
    pub(super) fn settle_within(
        &mut self,
        watermark: Timestamp,
        mut portion: Portion,
        decisions: &mut Decisions,
    ) -> Progress {
        if !self.hand_out(&mut portion, decisions) {
            return Progress::More;
        }
        while let Some(first) = self.next_before(watermark) {
            let moment = self.stride(first, watermark);
            let passed = moment.plus(1);
            // Journeys go no further than what is decided, so that an entry that ends at its limit ends for them too.
            self.advance_journeys(passed.minus(self.plan.timing.allowed_lateness));
            let done = self.decide(moment, &mut portion, decisions);
            self.watermark = self.watermark.max(Some(passed));
            if !done {
                return Progress::More;
            }
        }
        self.advance_journeys(watermark.minus(self.plan.timing.allowed_lateness));
        self.watermark = self.watermark.max(Some(watermark));
        Progress::Done
    }

    /// Whether a settle at this watermark would hand out or decide anything. If not, it can be left out: a later one decides
    /// the same. Now and then it is true and the settle still gives nothing.
    pub fn is_due(&self, watermark: Timestamp) -> bool {
        !self.increments.is_empty()
            || !self.left_over.is_empty()
            || !self.untold.is_empty()
            || self.next_before(watermark).is_some()
    }

    /// The event time of the first that was decided and is left over: what comes next is not before it.
    pub fn left_from(&self) -> Option<Timestamp> {
        let point = self.left_over.front().map(|point| point.decided_at);
        let transition = self.untold.front().map(|transition| transition.at);
        point.into_iter().chain(transition).min()
    }

    /// The earliest event time at which anything is left to decide: it is once the watermark is past it.
    pub fn next_moment(&self) -> Option<Timestamp> {
        let points = self.agenda.first().map(|&(moment, ..)| moment);
        let alerts = self.evaluator.next_moment();
        let journeys = self.watched_journeys().filter_map(Journeys::next_moment).min();
        let lateness = self.plan.timing.allowed_lateness;
        let journeys = journeys.map(|moment| moment.plus(lateness));
        points.into_iter().chain(alerts).chain(journeys).min()
    }

    /// The journeys that alerts look at: what becomes of each decides something at its time.
    fn watched_journeys(&self) -> impl Iterator<Item = &Journeys> {
        let watched = self.journeys.iter().filter(|&&place| self.evaluator.watches(place));
        watched.filter_map(|&place| self.metrics.get(place)?.as_ref()?.journeys.as_ref())
    }

    /// Up to which moment is decided together: the next one at which points are decided, or about a second of alerts.
    fn stride(&self, first: Timestamp, end: Timestamp) -> Timestamp {
        let points = self.agenda.first().map_or(end.minus(1), |&(moment, ..)| moment);
        points.min(first.plus(STRIDE_MS)).min(end.minus(1))
    }

    /// The first moment before `end` at which something is decided.
    fn next_before(&self, end: Timestamp) -> Option<Timestamp> {
        self.next_moment().filter(|&moment| moment < end)
    }

    /// Hands out what waits; false if the portion is full.
    fn hand_out(&mut self, portion: &mut Portion, decisions: &mut Decisions) -> bool {
        portion.fill(&mut self.increments, &mut decisions.increments)
            && portion.fill(&mut self.left_over, &mut decisions.points)
            && portion.fill(&mut self.untold, &mut decisions.transitions)
    }

    /// Ends the input: the clock jumps to `stop`, and all windows that end (for journeys: that are decided) by then are final.
    ///
    /// At [`Progress::More`] it stopped at its limit: end again.
    pub fn finish(&mut self, stop: Timestamp, decisions: &mut Decisions) -> Progress {
        let mut portion = Portion::of(OUTPUT_BYTES_MAX);
        if !self.hand_out(&mut portion, decisions) {
            return Progress::More;
        }
        self.advance_journeys(stop.plus(1));
        while let Some(first) = self.next_before(stop) {
            let moment = self.stride(first, stop);
            if !self.decide(moment, &mut portion, decisions) {
                return Progress::More;
            }
        }
        if self.decide_ended(stop, &mut portion, decisions) {
            Progress::Done
        } else {
            Progress::More
        }
    }

    /// The windows that are not decided, as they are now; `stop` is where the clock stands.
    pub fn open_points(&self, stop: Timestamp) -> Vec<Point> {
        let mut points = Vec::new();
        for (place, state) in self.metrics.iter().enumerate() {
            let Some(state) = state else { continue };
            for (span, values) in state.windows.look(|start| self.plan.calendar.day(start)) {
                push_points(&mut points, place, span, (Status::Open, stop), values);
            }
        }
        sort(&mut points);
        points
    }

    fn advance_journeys(&mut self, until: Timestamp) {
        let Self { metrics, journeys: places, evaluator, .. } = self;
        for &place in &*places {
            let Some(state) = held(metrics, place) else { continue };
            let MetricState { windows, journeys: Some(journeys), .. } = state else { continue };
            let is_watched = evaluator.watches(place);
            let within_ms = journeys.within_ms();
            journeys.take_before(until, &mut |told| {
                // The window is on the agenda since the start came in.
                let (cell, _) = windows.cell(told.series(), told.span());
                if let Accumulator::Journey(cohort) = &mut cell.accumulator {
                    cohort.tell(told.event);
                }
                if !is_watched {
                    return;
                }
                let start = told.start();
                match (told.event, told.finish()) {
                    (JourneyEvent::Started, _) => {
                        evaluator.started(place, told.series(), &start);
                        cell.events += 1;
                        cell.newest.add(start);
                    }
                    (JourneyEvent::Abandoned, _) => {
                        evaluator.decided(place, told.series(), (&start, true), within_ms);
                    }
                    (JourneyEvent::Finished(_), Some(finish)) => {
                        let events = (&start, &finish);
                        evaluator.finished(place, told.series(), events, within_ms);
                    }
                    (JourneyEvent::Finished(_), None) => {}
                }
            });
        }
    }

    /// Decides what is left up to a moment; false if not all of it fits into the portion.
    fn decide(
        &mut self,
        moment: Timestamp,
        portion: &mut Portion,
        decisions: &mut Decisions,
    ) -> bool {
        let begin = (decisions.points.len(), decisions.transitions.len());
        while let Some(&entry) = self.agenda.first().filter(|&&(first, ..)| first == moment) {
            self.agenda.pop_first();
            self.close(entry, moment, &mut decisions.points);
        }
        sort(decisions.points.get_mut(begin.0..).unwrap_or_default());
        let plan = Arc::clone(&self.plan);
        self.evaluator.decide_until(&plan, moment, None, &mut decisions.transitions);
        self.trim(begin, portion, decisions)
    }

    /// Keeps what is over the portion for the next settle; false if there is anything.
    fn trim(
        &mut self,
        (points, transitions): (usize, usize),
        portion: &mut Portion,
        decisions: &mut Decisions,
    ) -> bool {
        let points_fit = portion.trim(&mut decisions.points, points, &mut self.left_over);
        portion.trim(&mut decisions.transitions, transitions, &mut self.untold) && points_fit
    }

    /// At the end of the input: decides what would be decided later but has ended by `stop`.
    ///
    /// One after another in the order of their moments, as a watermark that goes on would: closing a window puts the next
    /// one on the agenda for its zeros, and what is known by then decides them. False if not all of it fits into the portion.
    fn decide_ended(
        &mut self,
        stop: Timestamp,
        portion: &mut Portion,
        decisions: &mut Decisions,
    ) -> bool {
        let begin = (decisions.points.len(), decisions.transitions.len());
        // A window is decided `allowed_lateness` after it has ended, and a correction never after `stop`.
        let last = stop.plus(self.plan.timing.allowed_lateness);
        while let Some(&entry) = self.agenda.first().filter(|&&(moment, ..)| moment <= last) {
            self.agenda.pop_first();
            self.close(entry, stop, &mut decisions.points);
        }
        sort(decisions.points.get_mut(begin.0..).unwrap_or_default());
        // Alerts wait for nothing more, and go up to the last event.
        let plan = Arc::clone(&self.plan);
        let last_of_alerts = stop.plus(self.evaluator.lag_ms());
        let told = &mut decisions.transitions;
        self.evaluator.decide_until(&plan, last_of_alerts, Some(stop), told);
        self.trim(begin, portion, decisions)
    }

    fn close(&mut self, entry: AgendaEntry, decided_at: Timestamp, points: &mut Vec<Point>) {
        let (moment, place, start, closing) = entry;
        let plan = &self.plan;
        let (Some(metric), Some(state)) = (plan.metrics.get(place), held(&mut self.metrics, place))
        else {
            return;
        };
        let span = plan.calendar.window(metric.window, start);
        let day = plan.calendar.day(start);
        let is_looked_at = closing == Closing::Final && self.evaluator.looks_at_windows(place);
        let cells = if is_looked_at { state.windows.cells(start) } else { Vec::new() };
        let (status, values) = match closing {
            Closing::Final => (Status::Final, state.windows.close(span, day)),
            Closing::Correction => {
                (Status::Correction, state.windows.close_late(moment, start, day))
            }
        };
        if is_looked_at {
            let zero = metric.zero.then(|| state.windows.empty());
            tell_window(
                &mut self.evaluator,
                (place, span),
                &cells,
                zero.map(|zero| (zero, &values)),
            );
        }
        push_points(points, place, span, (status, decided_at), values);
        // For corrections, and for what comes in late.
        let window_ms = span.end.as_millis() - start.as_millis();
        let kept_ms = plan.timing.correction_horizon().max(NAMES_KEPT_MS).saturating_add(window_ms);
        state.windows.forget_names_before(plan.calendar.day(start.minus(kept_ms)) - 1);
        if state.windows.awaits_zeros() {
            // The next window that is not decided yet; of a correction that is not its window's successor.
            let after = match closing {
                Closing::Final => span.end,
                Closing::Correction => {
                    let open_from = moment.minus(plan.timing.allowed_lateness);
                    state.closed_until.map_or(open_from, |closed| closed.max(open_from))
                }
            };
            let next = plan.calendar.window(metric.window, after);
            self.put_on_agenda(place, next);
        }
    }
}

/// Tells alerts of a final window: what each series has, and the zeros of those that have nothing.
fn tell_window(
    evaluator: &mut Evaluator,
    (place, span): (usize, WindowSpan),
    cells: &[(Arc<SeriesKey>, Cell)],
    zero: Option<(&Accumulator, &Published)>,
) {
    for (series, cell) in cells {
        let latest = Some(cell.latest);
        let Cell { accumulator, events, newest, .. } = cell.clone();
        evaluator.window(place, series, WindowEntry { span, events, accumulator, newest, latest });
    }
    let Some((zero, published)) = zero else { return };
    let with_events: Set<&SeriesKey> = cells.iter().map(|(series, _)| &**series).collect();
    for (series, _) in published.iter().filter(|(series, _)| !with_events.contains(&**series)) {
        let (accumulator, newest) = (zero.clone(), Newest::default());
        let entry = WindowEntry { span, events: 0, accumulator, newest, latest: None };
        evaluator.window(place, series, entry);
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
