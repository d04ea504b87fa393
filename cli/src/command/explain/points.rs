//! Points, explained: what a metric published for a window and a series, and, from files, what became of each event that
//! the metric wanted there.

use super::told::{Place, Recorded};
use crate::arguments::Which;
use crate::exit::Failure;
use crate::moment;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use streamgauge_engine::output::{Status, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::render::{Column, Number, numbers};

/// How many events of each fate are named, as many as evidence names.
const EVENTS_NAMED_MAX: usize = 20;
/// How many other series are named if nothing was found.
const OTHERS_MAX: usize = 10;
/// Points are shown with all the values that they have.
pub(super) const STATUS: Status = Status::Final;

/// Which points are wanted.
#[derive(Clone, Debug)]
pub(super) struct WantedPoints {
    pub(super) metric: String,
    pub(super) window: Timestamp,
    pub(super) dimensions: Vec<(String, String)>,
}

impl WantedPoints {
    /// What was asked for; absent: transitions are wanted.
    pub(super) fn new(which: &Which) -> Result<Option<Self>, Failure> {
        let (Some(metric), Some(window)) = (&which.metric, &which.window) else { return Ok(None) };
        let window = moment::parse(window, "--window")?;
        let (metric, dimensions) = (metric.clone(), which.dimension.clone());
        Ok(Some(Self { metric, window, dimensions }))
    }
}

/// What a search for points has found.
#[derive(Debug, Default)]
pub(super) struct FoundPoints {
    /// Per series, those that are wanted.
    pub(super) explained: Vec<Explained>,
    /// The first and the last window of the metric that has a point.
    windows: Option<(Timestamp, Timestamp)>,
    /// Other series of the wanted window.
    others: BTreeSet<String>,
}

impl FoundPoints {
    /// The metric has a point of this window, wanted or not.
    pub(super) fn see(&mut self, wanted: &WantedPoints, window: Timestamp, series: String) {
        let (first, last) = self.windows.unwrap_or((window, window));
        self.windows = Some((first.min(window), last.max(window)));
        if window == wanted.window && self.others.len() < OTHERS_MAX {
            self.others.insert(series);
        }
    }

    /// Whether the wanted window has points, of any series.
    pub(super) fn is_decided(&self) -> bool {
        !self.others.is_empty()
    }

    /// What there is instead of what is wanted.
    pub(super) fn instead(&self) -> String {
        let Some((first, last)) = self.windows else {
            return "the metric has no points there".to_owned();
        };
        if self.others.is_empty() {
            return format!("windows with points begin from {first} to {last}");
        }
        let others: Vec<_> = self.others.iter().map(String::as_str).collect();
        format!("there are {}", others.join("; "))
    }
}

/// The points of one window and series.
#[derive(Clone, Debug)]
pub(super) struct Explained {
    pub(super) metric: String,
    /// The names of the dimensions.
    pub(super) names: Vec<String>,
    pub(super) series: Arc<SeriesKey>,
    pub(super) window: (Timestamp, Timestamp),
    pub(super) points: Vec<Point>,
    /// The window is decided: it has points, if only of other series.
    pub(super) is_decided: bool,
    /// By what became of them: how many, and those that came last.
    pub(super) events: BTreeMap<Fate, (u64, VecDeque<Event>)>,
}

/// One point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) status: String,
    /// `sum 3, count 3`
    pub(super) values: String,
    pub(super) numbers: Vec<(Column, Number)>,
    pub(super) from: From,
}

/// Where a point comes from.
#[derive(Clone, Debug)]
pub(super) enum From {
    Files { decided_at: Timestamp },
    Log(Recorded),
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Counted,
    Corrected,
    Late,
    Copy,
    NoValue,
}

/// An event that is named.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) place: Place,
}

impl Fate {
    /// As data name it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Corrected => "corrected",
            Self::Late => "late",
            Self::Copy => "copy",
            Self::NoValue => "no value",
        }
    }

    /// What that means.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Counted => "before the window was final",
            Self::Corrected => "after the window was final, in a correction",
            Self::Late => "too late, and refused",
            Self::Copy => "seen before, and ignored",
            Self::NoValue => "matched, but without a value; of any series",
        }
    }
}

impl Explained {
    /// Nothing has come for it yet.
    pub(super) fn new(
        (metric, names): (&str, &[String]),
        series: Arc<SeriesKey>,
        window: (Timestamp, Timestamp),
    ) -> Self {
        let (metric, names) = (metric.to_owned(), names.to_vec());
        let (points, events) = (Vec::new(), BTreeMap::new());
        Self { metric, names, series, window, points, is_decided: false, events }
    }

    /// The names and values of its series.
    pub(super) fn dimensions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(String::as_str).zip(self.series.values())
    }

    /// Why it has no point; absent: it has.
    pub(super) fn why_none(&self) -> Option<&'static str> {
        let counts = |fate| self.events.contains_key(&fate);
        if !self.points.is_empty() {
            None
        } else if !counts(Fate::Counted) && !counts(Fate::Corrected) {
            Some("nothing counted")
        } else if self.is_decided {
            Some("the series is over `max_series`, and its events count in `__other__`")
        } else {
            Some("the window was not decided before the events ended: see --until")
        }
    }

    /// An event came for it.
    pub(super) fn event(&mut self, fate: Fate, event: Event) {
        let (count, named) = self.events.entry(fate).or_default();
        *count += 1;
        if named.len() >= EVENTS_NAMED_MAX {
            named.pop_front();
        }
        named.push_back(event);
    }
}

impl Point {
    pub(super) fn new(status: &str, values: &Values, from: From) -> Self {
        let numbers = numbers(values, STATUS);
        let shown =
            numbers.iter().map(|(column, number)| format!("{} {number}", column.flat_name()));
        let shown = shown.collect::<Vec<_>>().join(", ");
        Self { status: status.to_owned(), values: shown, numbers, from }
    }

    /// What the log says of it, if it comes from there.
    pub(super) fn recorded(&self) -> Option<&Recorded> {
        match &self.from {
            From::Log(recorded) => Some(recorded),
            From::Files { .. } => None,
        }
    }

    /// The same, to be completed.
    pub(super) fn recorded_mut(&mut self) -> Option<&mut Recorded> {
        match &mut self.from {
            From::Log(recorded) => Some(recorded),
            From::Files { .. } => None,
        }
    }
}
