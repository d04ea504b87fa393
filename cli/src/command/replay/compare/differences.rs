//! The points and transitions of two runs, as far as they are not equal.

use super::alerts::{AlertCounts, Transitions};
use crate::table::{self, Align};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::output::{Point, Status};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_engine::transition::Transition;
use streamgauge_pipeline::render::{Column, Number, Renderer, numbers};
use streamgauge_rules::duration;

/// Points that are held at a time, some 400 bytes each.
const POINTS_MAX: usize = 2_000_000;

/// Which of the two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// With `--rules`.
    Before,
    /// With `--compare`.
    After,
}

/// There are more points than can be held; the text says how many.
#[derive(Debug)]
pub(super) struct TooMany(pub(super) String);

/// What makes a point the same one in both runs; the order of the output.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    metric: String,
    /// As JSON, names and values.
    dimensions: String,
    window_start: Timestamp,
    window_end: Timestamp,
    status: Status,
    /// Of corrections, of which a window can have several: the first is 1. Not their place, which no output shows and
    /// which moves with `out_of_order` although the same is published.
    correction: u64,
}

impl Key {
    /// How long the window is.
    fn length(&self) -> Millis {
        self.window_end.as_millis() - self.window_start.as_millis()
    }
}

/// A point on both sides.
#[derive(Debug, Default)]
struct Pair {
    before: Option<Point>,
    after: Option<Point>,
}

/// How many points there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) new: u64,
    pub(super) gone: u64,
    pub(super) changed: u64,
    pub(super) same: u64,
}

impl Counts {
    /// Whether there is any difference.
    pub(super) fn differ(&self) -> bool {
        self.new + self.gone + self.changed > 0
    }
}

/// All that differs so far.
#[derive(Debug)]
pub(super) struct Differences {
    plans: [Arc<Plan>; 2],
    renderers: [Renderer; 2],
    found: BTreeMap<Key, Pair>,
    /// How many corrections each side has had, by their key with the number 0.
    corrections: [BTreeMap<Key, u64>; 2],
    same: u64,
    transitions: Transitions,
}

impl Differences {
    /// No points yet.
    pub(super) fn new(before: Arc<Plan>, after: Arc<Plan>) -> Self {
        let renderers = [Renderer::new(&before), Renderer::new(&after)];
        Self {
            plans: [before, after],
            renderers,
            found: BTreeMap::new(),
            corrections: [BTreeMap::new(), BTreeMap::new()],
            same: 0,
            transitions: Transitions::default(),
        }
    }

    /// The plan of one side.
    pub(super) fn plan(&self, side: Side) -> Arc<Plan> {
        Arc::clone(of(side, &self.plans))
    }

    /// A point of one side; all of `before` come first.
    pub(super) fn add(&mut self, side: Side, point: &Point) -> Result<(), TooMany> {
        let key = self.key(side, point);
        if side == Side::After
            && self
                .found
                .get(&key)
                .is_some_and(|pair| pair.before.as_ref().is_some_and(|before| equal(before, point)))
        {
            self.found.remove(&key);
            self.same += 1;
            return Ok(());
        }
        let corrections: usize = self.corrections.iter().map(BTreeMap::len).sum();
        if self.found.len() + corrections >= POINTS_MAX {
            return Err(TooMany(format!("more than {POINTS_MAX} points have to be held")));
        }
        let pair = self.found.entry(key).or_default();
        let place = if side == Side::Before { &mut pair.before } else { &mut pair.after };
        *place = Some(point.clone());
        Ok(())
    }

    /// A transition of one side.
    pub(super) fn add_transition(
        &mut self,
        side: Side,
        transition: &Transition,
        verdict: &Verdict,
    ) -> Result<(), TooMany> {
        let (plan, renderer) = (of(side, &self.plans), of(side, &self.renderers));
        self.transitions.add((side, plan, renderer), transition, verdict)
    }

    /// What differs of the transitions; none if neither rules have alerts.
    pub(super) fn alert_counts(&self) -> Option<AlertCounts> {
        let any = self.plans.iter().any(|plan| !plan.alerts.is_empty());
        any.then(|| self.transitions.counts())
    }

    fn key(&mut self, side: Side, point: &Point) -> Key {
        let metric =
            of(side, &self.plans).metrics.get(point.metric).map(|metric| metric.name.clone());
        let mut dimensions = Vec::new();
        of(side, &self.renderers).dimensions(point, &mut dimensions);
        let mut key = Key {
            metric: metric.unwrap_or_default(),
            dimensions: String::from_utf8_lossy(&dimensions).into_owned(),
            window_start: point.window_start,
            window_end: point.window_end,
            status: point.status,
            correction: 0,
        };
        if point.status == Status::Correction {
            let [before, after] = &mut self.corrections;
            let corrections = if side == Side::Before { before } else { after };
            let number = corrections.entry(key.clone()).or_default();
            *number += 1;
            key.correction = *number;
        }
        key
    }

    /// How many are new, gone, changed and the same.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts { same: self.same, ..Counts::default() };
        for pair in self.found.values() {
            *match pair.change() {
                "new" => &mut counts.new,
                "gone" => &mut counts.gone,
                _ => &mut counts.changed,
            } += 1;
        }
        counts
    }

    /// One object per difference, and a summary.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let [before, after] = &self.renderers;
        for pair in self.found.values() {
            out.extend_from_slice(
                format!(r#"{{"kind":"difference","change":"{}""#, pair.change()).as_bytes(),
            );
            for (name, point, renderer) in
                [("before", &pair.before, before), ("after", &pair.after, after)]
            {
                if let Some(point) = point {
                    out.extend_from_slice(format!(r#","{name}":"#).as_bytes());
                    renderer.json(point, &mut out);
                    out.pop(); // its line end
                }
            }
            out.extend_from_slice(b"}\n");
        }
        self.transitions.json(&mut out);
        let Counts { new, gone, changed, same } = self.counts();
        let alerts = self.alert_counts();
        let alerts = alerts.map(|counts| format!(r#","alerts":{}"#, counts.json()));
        let alerts = alerts.unwrap_or_default();
        let summary = format!(
            r#"{{"kind":"summary","new":{new},"gone":{gone},"changed":{changed},"same":{same}{alerts}}}"#
        );
        out.extend_from_slice(summary.as_bytes());
        out.push(b'\n');
        out
    }

    /// The first differences as tables, points and then transitions; 0 is no limit.
    pub(super) fn table(&self, limit: usize) -> String {
        let limit = if limit == 0 { usize::MAX } else { limit };
        let tables = [self.points_table(limit), self.transitions.table(limit)];
        let tables: Vec<_> = tables.into_iter().filter(|table| !table.is_empty()).collect();
        tables.join("\n")
    }

    fn points_table(&self, limit: usize) -> String {
        if self.found.is_empty() {
            return String::new();
        }
        let names = ["change", "metric", "dimensions", "window", "status", "before", "after"];
        let columns = names.map(|name| (name.to_owned(), Align::Left));
        let mut lengths: BTreeMap<&str, BTreeSet<Millis>> = BTreeMap::new();
        for key in self.found.keys().take(limit) {
            lengths.entry(&key.metric).or_default().insert(key.length());
        }
        let rows = self.found.iter().take(limit).map(|(key, pair)| {
            let [before, after] = pair.texts();
            // Windows of two lengths may begin at the same moment, and are not the same.
            let window = match lengths.get(key.metric.as_str()) {
                Some(lengths) if lengths.len() > 1 => {
                    format!("{} {}", key.window_start, duration::show(key.length()))
                }
                _ => key.window_start.to_string(),
            };
            vec![
                pair.change().to_owned(),
                key.metric.clone(),
                key.dimensions.clone(),
                window,
                key.status.as_str().to_owned(),
                before,
                after,
            ]
        });
        let mut text = table::lines(&columns, rows.collect(), 0);
        text.push_str(&hidden(self.found.len(), limit));
        text
    }
}

/// How many rows are not shown, as a line; empty if all are.
pub(super) fn hidden(rows: usize, limit: usize) -> String {
    match rows.saturating_sub(limit) {
        0 => String::new(),
        more => format!(
            "{more} more are not shown: --limit 0 shows all, --output json prints them as data\n"
        ),
    }
}

impl Pair {
    fn change(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "new",
            (Some(_), None) => "gone",
            (Some(_), Some(_)) => "changed",
        }
    }

    /// The numbers of each side; where there are two sides, those that are not the same.
    fn texts(&self) -> [String; 2] {
        let list = |point: &Option<Point>| point.as_ref().map(numbers_of).unwrap_or_default();
        let (before, after) = (list(&self.before), list(&self.after));
        let text = |own: &[(Column, Number)], other: &[(Column, Number)]| {
            let differing = own.iter().filter(|number| !other.contains(number));
            let texts =
                differing.map(|(column, number)| format!("{} {number}", column.flat_name()));
            texts.collect::<Vec<_>>().join(", ")
        };
        [text(&before, &after), text(&after, &before)]
    }
}

/// Whether the values that are printed are the same.
fn equal(one: &Point, other: &Point) -> bool {
    one.values == other.values || numbers_of(one) == numbers_of(other)
}

fn numbers_of(point: &Point) -> Vec<(Column, Number)> {
    numbers(&point.values, point.status)
}

fn of<T>(side: Side, [before, after]: &[T; 2]) -> &T {
    match side {
        Side::Before => before,
        Side::After => after,
    }
}
