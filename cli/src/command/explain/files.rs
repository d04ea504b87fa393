//! From files: the engine over the events, and where in the files those stand that a transition or a point is made of.

use super::points::{Event, Explained, Fate, FoundPoints, From, Point, WantedPoints};
use super::told::{Origin, Place, Told, pairs};
use super::wanted::{Found, Wanted, has_all};
use crate::arguments::ExplainArguments;
use crate::exit::Failure;
use crate::rejects::Rejects;
use crate::watched::Told as Line;
use crate::{inputs, moment, rules, summary, watched};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use streamgauge_engine::accumulate::Contribution;
use streamgauge_engine::decode::EventIds;
use streamgauge_engine::expression::raw_text;
use streamgauge_engine::field::FieldValues;
use streamgauge_engine::hash;
use streamgauge_engine::json::Extractor;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Evidence;
use streamgauge_local::replay::{Options, ReplayError, Traced};
use streamgauge_pipeline::alert_record::RecordedAlert;

/// Event files and the rules that they are run through.
struct Files<'a> {
    arguments: &'a ExplainArguments,
    plan: Arc<Plan>,
    options: Options,
}

impl<'a> Files<'a> {
    fn open(arguments: &'a ExplainArguments) -> Result<Self, Failure> {
        let until = arguments.until.as_deref().map(|text| moment::parse(text, "--until"));
        // Windows that are not decided have no points, and are said to have none.
        let options = Options { until: until.transpose()?, ..Options::default() };
        Ok(Self { arguments, plan: rules::plan(&arguments.rules)?, options })
    }

    /// Runs the events.
    fn trace(
        &self,
        mut look: impl FnMut(&Traced<'_>),
        mut take: impl FnMut(Line<'_>) + Send,
    ) -> Result<(), Failure> {
        let inputs = inputs::open(&self.arguments.events)?;
        let mut rejects = Rejects::counted();
        let take = |line: Line<'_>| {
            take(line);
            Ok(())
        };
        let traced =
            watched::trace(&self.plan, inputs, &self.options, &mut rejects, (&mut look, take));
        let told = traced.map_err(|error| match error {
            ReplayError::Input(error) => error.into(),
            ReplayError::Output(error) => Failure::output(&error),
        })?;
        summary::tell_counters(&told);
        rejects.tell();
        summary::note_until(self.options.until, &told);
        Ok(())
    }
}

/// Transitions of alerts.
pub(super) fn transitions(arguments: &ExplainArguments, wanted: &Wanted) -> Result<Found, Failure> {
    let files = Files::open(arguments)?;
    let plan = &files.plan;
    let alerts: Vec<_> =
        (0..plan.alerts.len()).map(|place| RecordedAlert::of(plan, place).map(Arc::new)).collect();
    let mut places = Places::new(plan, wanted);
    let mut found = Found::new(arguments.limit);
    let take = |line: Line<'_>| {
        let Line::Transition(transition, verdict) = line else { return };
        let Some(Some(alert)) = alerts.get(transition.alert) else { return };
        found.see(alert, transition);
        if wanted.wants(alert, transition) {
            let decided = (transition.clone(), verdict.clone());
            let origin = Origin::Files(Vec::new());
            found.push(Told::new(Arc::clone(alert), decided, Some(plan), origin));
        }
    };
    files.trace(|traced| places.look(traced), take)?;
    for told in &mut found.told {
        told.origin = Origin::Files(places.of(&told.transition.evidence));
    }
    Ok(found)
}

/// Where the counted events stand that alerts look at, by the hash of their ids. It takes some 50 bytes for each.
struct Places {
    /// Whether a wanted alert looks at a metric, by its place.
    wanted: Vec<bool>,
    by_id: HashMap<u64, Vec<Place>>,
}

impl Places {
    fn new(plan: &Plan, wanted: &Wanted) -> Self {
        let is_wanted = |metric| {
            plan.alerts
                .iter()
                .any(|alert| alert.metric == metric && wanted.wants_alert(&alert.name))
        };
        Self { wanted: (0..plan.metrics.len()).map(is_wanted).collect(), by_id: HashMap::new() }
    }

    fn look(&mut self, traced: &Traced<'_>) {
        let Some(event) = traced.batch.events.first() else { return };
        let is_wanted = |metric: usize| self.wanted.get(metric).copied().unwrap_or_default();
        if event.id == EventIds::NONE
            || traced.delta.counters.counted == 0
            || !traced.batch.names.series.iter().any(|series| is_wanted(series.metric))
        {
            return;
        }
        let id = hash::stable(traced.batch.ids.get(event.id).as_bytes());
        self.by_id.entry(id).or_default().push(place(traced, event.time));
    }

    /// Where the events of some evidence stand. The same id may come again from another source or at another time.
    fn of(&self, evidence: &Evidence) -> Vec<Option<Place>> {
        let covers = |place: &&Place| evidence.from <= place.time && place.time <= evidence.until;
        let of = |id: &Arc<str>| {
            let places = self.by_id.get(&hash::stable(id.as_bytes()))?;
            let newest = places.iter().filter(covers).max_by_key(|place| place.time);
            // The starts of journeys lie before the time that is covered.
            newest.or_else(|| places.iter().max_by_key(|place| place.time)).cloned()
        };
        evidence.ids.iter().map(of).collect()
    }
}

fn place(traced: &Traced<'_>, time: Timestamp) -> Place {
    Place { time, input: Arc::clone(traced.input), line: traced.line }
}

/// The points of a window, per series.
pub(super) fn points(
    arguments: &ExplainArguments,
    wanted: &WantedPoints,
) -> Result<FoundPoints, Failure> {
    let files = Files::open(arguments)?;
    let plan = &files.plan;
    let mut window = Window::new(plan, wanted)?;
    let metric = window.metric;
    let names = window.names.clone();
    let (mut points, mut found) = (Vec::new(), FoundPoints::default());
    let take = |line: Line<'_>| {
        let Line::Point(point) = line else { return };
        if point.metric != metric {
            return;
        }
        let series = pairs(names.iter().map(String::as_str).zip(point.series.values()));
        found.see(wanted, point.window_start, series);
        if point.window_start == wanted.window {
            points.push(point.clone());
        }
    };
    files.trace(|traced| window.look(traced), take)?;
    for point in points {
        let from = From::Files { decided_at: point.decided_at };
        let told = Point::new(point.status.as_str(), &point.values, from);
        if let Some(explained) = window.series(&point.series) {
            explained.points.push(told);
        }
    }
    found.explained = window.finish();
    let is_decided = found.is_decided();
    for explained in &mut found.explained {
        explained.is_decided = is_decided;
    }
    Ok(found)
}

/// One window of one metric, with what came for it.
struct Window<'w> {
    wanted: &'w WantedPoints,
    plan: Arc<Plan>,
    metric: usize,
    names: Vec<String>,
    span: (Timestamp, Timestamp),
    extractor: Extractor,
    series: BTreeMap<Arc<SeriesKey>, Explained>,
    without_value: Vec<Event>,
}

impl<'w> Window<'w> {
    fn new(plan: &Arc<Plan>, wanted: &'w WantedPoints) -> Result<Self, Failure> {
        let metrics = plan.metrics.iter();
        let Some(metric) = metrics.clone().position(|metric| metric.name == wanted.metric) else {
            let names = metrics.map(|metric| metric.name.as_str()).collect::<Vec<_>>().join(", ");
            let missing = format!("the rules have no metric `{}`", wanted.metric);
            return Err(Failure::wrong(missing).hint(format!("its metrics are {names}")));
        };
        let defined = plan.metrics.get(metric);
        let dimensions = defined.iter().flat_map(|defined| &defined.dimensions);
        let names: Vec<_> = dimensions.map(|one| one.name.clone()).collect();
        if let Some((name, _)) = wanted.dimensions.iter().find(|(name, _)| !names.contains(name)) {
            let missing = format!("the metric `{}` has no dimension `{name}`", wanted.metric);
            return Err(Failure::wrong(missing).hint(if names.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", names.join(", "))
            }));
        }
        let span = defined.map(|defined| plan.calendar.window(defined.window, wanted.window));
        let span = span.map_or((wanted.window, wanted.window), |span| (span.start, span.end));
        if span.0 != wanted.window {
            let wrong = format!("no window of `{}` begins at {}", wanted.metric, wanted.window);
            let hint = format!("the one that holds it begins at {}", span.0);
            return Err(Failure::wrong(wrong).hint(hint));
        }
        Ok(Self {
            wanted,
            extractor: Extractor::new(&plan.fields),
            plan: Arc::clone(plan),
            metric,
            names,
            span,
            series: BTreeMap::new(),
            without_value: Vec::new(),
        })
    }

    /// What is known of a series, if it is wanted.
    fn series(&mut self, key: &Arc<SeriesKey>) -> Option<&mut Explained> {
        let dimensions = self.names.iter().map(String::as_str).zip(key.values());
        if !has_all(dimensions, &self.wanted.dimensions) {
            return None;
        }
        let new = || Explained::new((&self.wanted.metric, &self.names), Arc::clone(key), self.span);
        Some(self.series.entry(Arc::clone(key)).or_insert_with(new))
    }

    fn look(&mut self, traced: &Traced<'_>) {
        let Some(event) = traced.batch.events.first() else { return };
        let (start, end) = self.span;
        let takes = traced.batch.takes.iter();
        let own = takes.filter_map(|take| {
            let (series, window) = traced.batch.names.resolve(take.series, take.window)?;
            // A finish counts in the window of its start, and under its dimensions.
            let is_finish = matches!(take.contribution, Contribution::Step { start: false, .. });
            let is_own = series.metric == self.metric && window.start == start && !is_finish;
            is_own.then(|| Arc::clone(&series.key))
        });
        let own: Vec<_> = own.collect();
        let without_value = start <= event.time
            && event.time < end
            && traced.batch.no_value.iter().any(|(metric, _)| *metric == self.metric);
        if own.is_empty() && !without_value {
            return;
        }
        let named = Event { id: self.id(traced.text), place: place(traced, event.time) };
        if without_value {
            self.without_value.push(named.clone());
        }
        let fate = fate(traced, self.metric);
        for key in own {
            if let Some(explained) = self.series(&key) {
                explained.event(fate, named.clone());
            }
        }
    }

    fn id(&mut self, text: &[u8]) -> String {
        let mut values = FieldValues::new(self.plan.fields.len());
        let text = std::str::from_utf8(text).unwrap_or_default();
        let extracted = self.extractor.extract(text, 0..text.len(), &mut values);
        let id = extracted.ok().and_then(|()| raw_text(values.get(self.plan.event.id)));
        id.map(std::borrow::Cow::into_owned).unwrap_or_default()
    }

    fn finish(mut self) -> Vec<Explained> {
        let without_value = std::mem::take(&mut self.without_value);
        let mut all: Vec<_> = self.series.into_values().collect();
        for explained in &mut all {
            for event in &without_value {
                explained.event(Fate::NoValue, event.clone());
            }
        }
        all
    }
}

/// What became of an event that a metric wanted.
fn fate(traced: &Traced<'_>, metric: usize) -> Fate {
    let delta = traced.delta;
    let is_own = |series: u32| {
        delta
            .names
            .series
            .get(usize::try_from(series).unwrap_or(usize::MAX))
            .is_some_and(|series| series.metric == metric)
    };
    if delta.counters.duplicate > 0 {
        Fate::Copy
    } else if delta.late.iter().any(|late| is_own(late.partial.series)) {
        Fate::Corrected
    } else if delta.refused.iter().any(|(series, _)| is_own(*series)) {
        Fate::Late
    } else {
        Fate::Counted
    }
}
