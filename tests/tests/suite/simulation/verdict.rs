//! What was put and told against what `replay` prints of the same events; `transitions` and `notifications` look at alerts.

mod notifications;
mod transitions;

use super::driver::Run;
use super::rules;
use super::workload::{Shape, Workload};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::{Counters, Point, Status, SumValues, Values};
use streamgauge_engine::plan::{MetricKind, Plan};
use streamgauge_engine::reject::Reject;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;
use streamgauge_local::input::Input;
use streamgauge_local::replay::{Observer, Options, replay};
use streamgauge_pipeline::settle::OPEN_SUFFIX;

/// How long after the input windows are compared: those with zeros go on for ever.
const COMPARED_MS: i64 = 60_000;
/// How much longer the clock of `replay` goes on: then all these windows are final.
const UNTIL_MS: i64 = 900_000;

/// A metric, its dimension values, and the start of a window in milliseconds.
type Place = (String, Vec<String>, i64);

/// Where the two differ, if they do.
pub(super) fn compare(workload: &Workload, run: &Run) -> Result<(), String> {
    let [before, after] = [0, 1].map(|rules| Replayed::of(workload, rules, run.begins));
    transitions::compare(workload, run, [&before, &after])?;
    notifications::check(run)?;
    let mut put: BTreeMap<Place, Totals> = BTreeMap::new();
    for (metric, point) in &run.points {
        let values: Vec<_> = point.series.values().map(str::to_owned).collect();
        let end = point.window_end.as_millis();
        let is_window = !metric.name.ends_with(OPEN_SUFFIX);
        if metric.namespace == workload.plans[0].namespace
            && is_window
            && end <= compared_until(workload)
        {
            let place = (metric.name.clone(), values, point.window_start.as_millis());
            put.entry(place).or_default().add(&point.values);
        }
    }
    let mut expected: BTreeMap<Place, Totals> = BTreeMap::new();
    for (rules, replayed) in [&before, &after].into_iter().enumerate() {
        let of_plan = replayed
            .points
            .iter()
            .filter(|(place, _)| rules_of(workload, run, place).is_some_and(|it| it == rules));
        expected.extend(of_plan.map(|(place, totals)| (place.clone(), totals.clone())));
    }
    if workload.is_late {
        // What is late becomes corrections: a metric that takes none has lost it, and a sketch's buckets are cut.
        for points in [&mut put, &mut expected] {
            points.retain(|(metric, ..), _| metric != "customers" && metric != "checkout");
            for totals in points.values_mut() {
                totals.values.clear();
            }
        }
    }
    let places = put.keys().chain(expected.keys()).collect::<BTreeSet<_>>();
    let differences = places.into_iter().filter(|place| put.get(place) != expected.get(place));
    let differences: Vec<_> = differences
        .map(|place| {
            format!("{place:?}\n  put {:?}\n  not {:?}", put.get(place), expected.get(place))
        })
        .collect();
    if !differences.is_empty() {
        return Err(format!("{:?}\n{}", run.in_force, differences.join("\n")));
    }
    same("the journeys that are open at the end", &open_at_the_end(run), &before.open)?;
    same("the dead letters of points", &run.dead, &0)?;
    match workload.shape {
        // The logs that count the records have expired.
        Shape::Silent => return Ok(()),
        Shape::Filtered => return compare_filtered(workload, run, &before),
        Shape::Plain | Shape::Held | Shape::Remade => {}
    }
    same("the received records", &run.counters.received, &before.counters.received)?;
    same("the duplicates", &run.counters.duplicate, &before.counters.duplicate)?;
    if run.in_force.len() == 1 {
        same("the counters", &run.counters, &before.counters)?;
    }
    same("the rejects", &run.rejects, &before.rejects)
}

/// How many journeys were said last to be open, by metric.
fn open_at_the_end(run: &Run) -> BTreeMap<String, u64> {
    let mut open = BTreeMap::new();
    for (metric, point) in &run.points {
        if let (Some(name), Values::Count(count)) =
            (metric.name.strip_suffix(OPEN_SUFFIX), &point.values)
        {
            open.insert(name.to_owned(), *count);
        }
    }
    open
}

/// What the filter leaves of counters and rejects: records that no rule wants and lines that are no event do not come through it, and
/// what it does forward may come twice.
fn compare_filtered(workload: &Workload, run: &Run, replayed: &Replayed) -> Result<(), String> {
    same("what upstream logs count", &run.counted_upstream, &Counters::default())?;
    let Counters { received, rejected, filtered, duplicate, counted, late } = &run.counters;
    same("the received records", received, &(rejected + filtered + duplicate + counted + late))?;
    if workload.changes.is_empty() {
        // A copy that is forwarded when its identity is forgotten is late, and changes no point.
        let expected = replayed.counters.counted + replayed.counters.late;
        same("whether metrics took all", &(counted + late >= expected), &true)?;
        same("whether nothing was counted twice", &(*counted <= expected), &true)?;
    }
    let mut rejects = run.rejects.clone();
    rejects.dedup();
    let mut wanted = replayed.rejects.clone();
    wanted.retain(|payload| payload.ends_with('}'));
    wanted.dedup();
    same("the rejects that a rule wants", &rejects, &wanted)
}

/// Which rules decide a window: those under which its metric has a definition there, the older where both have; none if
/// it is a window of a metric that had begun in the middle of it.
fn rules_of(workload: &Workload, run: &Run, (metric, _, start): &Place) -> Option<usize> {
    let [plan, changed] = &workload.plans;
    let definition = |of: &Plan| {
        of.metrics.iter().find(|one| one.name == *metric).map(|one| one.definition.clone())
    };
    let definitions = [definition(plan), definition(changed)];
    if definitions[0] == definitions[1] {
        return Some(0);
    }
    let metric_of =
        |rules: usize| workload.plans[rules].metrics.iter().find(|one| one.name == *metric);
    let start = Timestamp::from_millis(*start);
    // From the beginning on: which definition has the windows from when on.
    let mut has = None;
    for (number, (hash, from)) in run.in_force.iter().enumerate() {
        let rules = usize::from(*hash == changed.hash);
        // The last window of the one before holds the event time of the change; a new one begins at or after it.
        let window = metric_of(rules).or(metric_of(1 - rules))?.window;
        let span = plan.calendar.window(window, *from);
        let begins = if has.is_some() || span.start != *from { span.end } else { *from };
        // There was none before the first: it decides what came before it too, whenever it was put in force.
        let begins = if number == 0 { Timestamp::EPOCH } else { begins };
        if start < begins {
            break;
        }
        has = definitions[rules].is_some().then_some(rules);
    }
    has
}

fn compared_until(workload: &Workload) -> i64 {
    workload.end.as_millis() + COMPARED_MS
}

fn same<T: PartialEq + Debug>(what: &str, seen: &T, expected: &T) -> Result<(), String> {
    if seen == expected {
        return Ok(());
    }
    let (seen, expected) = (format!("{seen:#?}"), format!("{expected:#?}"));
    let differs = seen.lines().zip(expected.lines()).position(|(one, other)| one != other);
    let from = differs.unwrap_or_default().saturating_sub(12);
    let part = |text: &str| text.lines().skip(from).take(40).collect::<Vec<_>>().join("\n");
    Err(format!("{what} differ; seen:\n{}\nexpected:\n{}", part(&seen), part(&expected)))
}

/// What the points of a window add up to, as `CloudWatch` adds them up.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Totals {
    sum: SumValues,
    /// The other numbers, and values by their counts.
    numbers: [u64; 4],
    values: BTreeMap<Decimal, u64>,
}

impl Totals {
    fn add(&mut self, values: &Values) {
        match values {
            Values::Count(count) | Values::Unique(count) => self.sum.count += count,
            Values::Sum(values) => self.sum.merge(values),
            Values::Distribution(values) => {
                self.sum.merge(&values.exact);
                for bucket in &values.buckets {
                    *self.values.entry(bucket.sum).or_default() += bucket.count;
                }
            }
            Values::Ratio { part, whole } => self.add_numbers([*part, *whole, 0, 0]),
            Values::Journey(values) => {
                let numbers = [values.started, values.finished, values.abandoned, values.open];
                self.add_numbers(numbers);
                self.sum.merge(&values.time.exact);
            }
        }
    }

    fn add_numbers(&mut self, numbers: [u64; 4]) {
        self.numbers.iter_mut().zip(numbers).for_each(|(total, number)| *total += number);
    }
}

/// What `replay` says.
struct Replayed {
    points: BTreeMap<Place, Totals>,
    counters: Counters,
    rejects: Vec<String>,
    /// How many journeys are open at the end, by metric.
    open: BTreeMap<String, u64>,
    transitions: Vec<(Transition, Verdict)>,
}

impl Replayed {
    /// What it says of all events, if the rules are there since a time.
    fn of(workload: &Workload, rules: usize, since: Timestamp) -> Self {
        Self::of_lines(workload, (rules, since), workload.lines())
    }

    /// What it says of the events from a time on, if the rules are there since another.
    fn from(workload: &Workload, rules: usize, (since, from): (Timestamp, Timestamp)) -> Self {
        let puts = workload.puts.iter();
        let later = puts.filter(|put| put.time.is_some_and(|time| time >= from));
        let lines = later.flat_map(|put| [put.payload.as_str(), "\n"]).collect();
        Self::of_lines(workload, (rules, since), lines)
    }

    fn of_lines(workload: &Workload, (rules, since): (usize, Timestamp), lines: String) -> Self {
        // What is told ahead of the watermark is not of this input's order.
        let plan = &rules::plan(&workload.rules[rules].replace(", early: true", ""));
        let journeys =
            plan.metrics.iter().filter(|it| matches!(it.kind, MetricKind::Journey { .. }));
        let mut collector = Collector {
            workload,
            plan,
            points: BTreeMap::new(),
            rejects: Vec::new(),
            open: journeys.map(|metric| (metric.name.clone(), 0)).collect(),
            transitions: Vec::new(),
        };
        let input = Input::bytes("events.ndjson", lines.into_bytes());
        let options = Options {
            until: Some(workload.end.plus(COMPARED_MS + UNTIL_MS)),
            open: true,
            since: Some(since),
            ..Options::default()
        };
        let summary = replay(plan, vec![input], &options, &mut collector).unwrap();
        let Collector { points, mut rejects, open, transitions, .. } = collector;
        rejects.sort();
        Self { points, counters: summary.counters, rejects, open, transitions }
    }
}

struct Collector<'w> {
    workload: &'w Workload,
    plan: &'w Plan,
    points: BTreeMap<Place, Totals>,
    rejects: Vec<String>,
    open: BTreeMap<String, u64>,
    transitions: Vec<(Transition, Verdict)>,
}

impl Observer for Collector<'_> {
    fn point(&mut self, point: &Point) -> std::io::Result<()> {
        if point.status == Status::Open {
            if let Values::Journey(values) = &point.values {
                let name = self.plan.metrics[point.metric].name.clone();
                *self.open.entry(name).or_default() += values.open;
            }
            return Ok(());
        }
        if point.window_end.as_millis() <= compared_until(self.workload) {
            let metric = self.plan.metrics[point.metric].name.clone();
            let values = point.series.values().map(str::to_owned).collect();
            let place = (metric, values, point.window_start.as_millis());
            self.points.entry(place).or_default().add(&point.values);
        }
        Ok(())
    }

    fn transition(&mut self, transition: &Transition, verdict: &Verdict) -> std::io::Result<()> {
        self.transitions.push((transition.clone(), verdict.clone()));
        Ok(())
    }

    fn reject(&mut self, _: &str, _: u64, _: &Reject, payload: &[u8]) -> std::io::Result<()> {
        self.rejects.push(String::from_utf8_lossy(payload).into_owned());
        Ok(())
    }

    fn progress(&mut self, _: u64) {}
}
