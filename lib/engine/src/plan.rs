//! The plan: a rules file, checked and compiled. It cannot be wrong; `streamgauge-rules` makes it.

use crate::alert::Alert;
use crate::calendar::{Calendar, Window, WindowSpan};
use crate::expression::Program;
use crate::field::{FieldId, FieldTable};
use crate::notify::rules::Notifying;
use crate::time::{DAY_MS, Millis, Timestamp};

/// Everything that the folds need to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The hash of all that decides (definitions, settings, zone data): the plan's identity, 32 hex digits.
    pub hash: String,
    /// The CloudWatch namespace.
    pub namespace: String,
    /// Every field that is read.
    pub fields: FieldTable,
    /// Where an event's standard fields are.
    pub event: EventFields,
    /// How events are timed, deduplicated and taken late.
    pub timing: Timing,
    /// Whole days and weeks.
    pub calendar: Calendar,
    /// The metrics, in the order of the file.
    pub metrics: Vec<Metric>,
    /// The alerts, in the order of the file.
    pub alerts: Vec<Alert>,
    /// Who is told of what they decide.
    pub notifying: Notifying,
}

impl Plan {
    /// The event time at which a window of this metric is final.
    pub fn final_at(&self, metric: &Metric, window: WindowSpan) -> Timestamp {
        window.end.plus(self.final_after(metric))
    }

    /// How long after its end a window of a metric is final.
    pub fn final_after(&self, metric: &Metric) -> Millis {
        metric.within().saturating_add(self.timing.allowed_lateness)
    }

    /// How far an alert is decided behind the watermark: a transition `at` T comes once the watermark is past T by this.
    pub fn lag_of(&self, alert: &Alert) -> Millis {
        let Some(metric) = self.metrics.get(alert.metric) else { return 0 };
        let is_journey = matches!(metric.kind, MetricKind::Journey { .. });
        match (alert.waits_for_points(), is_journey) {
            (true, _) => self.final_after(metric),
            (false, true) => self.timing.allowed_lateness,
            (false, false) => 0,
        }
    }
}

/// Where an event's standard fields are.
#[derive(Clone, Debug)]
pub struct EventFields {
    /// What makes two records copies of one event. The last is required, the others may be missing.
    pub identity: Vec<FieldId>,
    /// What evidence shows.
    pub id: FieldId,
    /// The event's type, a string.
    pub kind: FieldId,
    /// The event's time.
    pub time: FieldId,
    /// The form of the time.
    pub time_unit: TimeUnit,
}

/// The form of an event's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// An RFC 3339 string.
    Rfc3339,
    /// A number of seconds since the epoch, with or without a fraction.
    Seconds,
    /// A number of milliseconds since the epoch.
    Milliseconds,
}

/// How events are timed, deduplicated and taken late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The bound by which events may overtake each other.
    pub out_of_order: Millis,
    /// How long after the watermark a window still takes events.
    pub allowed_lateness: Millis,
    /// What becomes of later ones.
    pub late: LatePolicy,
    /// How long an identity is remembered; `None` is `deduplicate: off`.
    pub deduplicate: Option<Millis>,
    /// How far an event may be ahead of its arrival.
    pub max_ahead: Millis,
    /// How long a shard that is behind may hold everything back.
    pub hold: Millis,
}

impl Timing {
    /// How far behind the watermark an event is still taken as a correction. Under deduplication nothing older is taken
    /// at all: it could be a copy of one that is forgotten.
    pub fn correction_horizon(&self) -> Millis {
        self.deduplicate.unwrap_or(HORIZON_WITHOUT_DEDUPLICATION_MS)
    }
}

/// How long corrections are taken under `deduplicate: off`: 7 days.
const HORIZON_WITHOUT_DEDUPLICATION_MS: Millis = 7 * DAY_MS;

/// What becomes of events that are too late for their window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatePolicy {
    /// They become corrections.
    Correct,
    /// They are refused.
    Drop,
}

/// One metric.
#[derive(Clone, Debug)]
pub struct Metric {
    /// The name in the rules file.
    pub name: String,
    /// The hash of its definition: state is kept per definition.
    pub definition: String,
    /// What it computes.
    pub kind: MetricKind,
    /// An event is looked at only if this holds.
    pub filter: Option<Program>,
    /// What it is split by.
    pub dimensions: Vec<Dimension>,
    /// Its tumbling windows.
    pub window: Window,
    /// Whether increments are published as they come.
    pub live: bool,
    /// Whether 0 is published for known series without events.
    pub zero: bool,
    /// Combinations of dimension values per day; what is over it folds into `__other__`.
    pub max_series: usize,
    /// The CloudWatch unit.
    pub unit: Option<String>,
}

/// What a metric computes.
#[derive(Clone, Debug)]
pub enum MetricKind {
    /// Events that match.
    Count(Program),
    /// The sum of a value.
    Sum(Program),
    /// The distribution of a value.
    Distribution(Program),
    /// How many different values.
    Unique(Program),
    /// A part of a whole.
    Ratio {
        /// Matches the part.
        part: Program,
        /// Matches the whole.
        whole: Program,
    },
    /// Starts that are finished in time.
    Journey {
        /// Matches a start.
        start: Program,
        /// Matches a finish.
        finish: Program,
        /// Joins them.
        key: Program,
        /// The time a journey may take.
        within: Millis,
    },
}

impl Metric {
    /// The time a journey may take; 0 for other metrics.
    pub fn within(&self) -> Millis {
        match self.kind {
            MetricKind::Journey { within, .. } => within,
            _ => 0,
        }
    }
}

/// One dimension of a metric.
#[derive(Clone, Debug)]
pub struct Dimension {
    /// The name that is published.
    pub name: String,
    /// The value, most often a path.
    pub value: Program,
}
